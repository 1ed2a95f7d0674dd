"""Exit codes: what each one means, that nothing learned is lost, and Ctrl-C at any time."""

import io
import os
import re
import signal
import subprocess
import sys

import pytest

from gradx.backends import DeviceFailedError
from gradx.cli import digits, exits, progress
from gradx.cli.app import run
from gradx.cli.signals import stop_on_signals
from gradx.files import archives
from gradx.train import load
from tests.cli.conftest import ROOT

# Reports after 50, 100, 150 and 200 samples.
TRAIN = ("--hidden", "4", "--batch-size", "10", "--report-every", "50")
SAVED = "what it had learned after {} samples in all is saved; go on with: gradx train --load {} "


@pytest.fixture(autouse=True)
def nothing_is_left_behind(tmp_path):
    yield
    assert [name for name in os.listdir(tmp_path) if name.endswith(".part")] == []


class Failing(io.StringIO):
    """A stream that fails from the first text on that holds some words."""

    def __init__(self, words, error):
        super().__init__()
        self.words, self.error = words, error

    def write(self, text):
        if self.words in text:
            self.words = ""  # is in every text
            raise self.error
        return super().write(text)


@pytest.fixture
def printing(monkeypatch):
    """Lets standard output fail."""

    def printing(words, error):
        monkeypatch.setattr(sys, "stderr", sys.stderr)  # click changes both
        monkeypatch.setattr(sys, "stdout", Failing(words, error))

    return printing


@pytest.fixture
def train(small, tmp_path, capfd):
    """Trains with --save; gives the exit code, the error line and the samples that were saved."""
    path = tmp_path / "model.npz"

    def train(*options):
        code = run(["train", "--data", str(small), "--save", str(path), *TRAIN, *options])
        if not path.exists():
            return code, capfd.readouterr().err, None
        state = load(path).state
        return code, capfd.readouterr().err, state.epoch * 200 + state.position

    return train


def test_the_table_in_the_documentation():
    text = (ROOT / "docs" / "training.md").read_text(encoding="utf-8")
    section = text.partition("## Exit codes")[2].partition("\n## ")[0]
    codes = [int(code) for code in re.findall(r"^\| (\d+) \| \w", section, re.MULTILINE)]
    known = [getattr(exits, name) for name in exits.__all__ if name.isupper()]
    assert codes == sorted(known)


NO_SPACE = "gradx: error: No space left on device; check where the output goes"


@pytest.mark.parametrize(
    ("words", "samples"),
    [
        ("Loaded data", None),
        ("[Epoch 1]", None),
        ("(Batch 1)", None),
        ("Trained on 50", 50),
        ("Training error", 50),
        ("Validation error", 50),
        ("(Batch 2)", 50),
        ("(Batch 4)", 150),
        ("Trained on 200", 200),
        ("Saved to", 200),
    ],
)
def test_the_log_on_a_full_disk(train, printing, tmp_path, words, samples):
    printing(words, OSError(28, "No space left on device"))
    code, error, saved = train()
    assert (code, saved) == (exits.BAD_INPUT, samples)
    path = tmp_path / "model.npz"
    what = SAVED.format(samples, path) + f"--save {path}" if samples else "nothing had been learned"
    assert error.startswith(f"{NO_SPACE}; {what}")
    assert error.count("\n") == 1


@pytest.mark.parametrize(
    ("words", "samples"), [("[Epoch 1]", None), ("(Batch 2)", 50), ("Saved to", 200)]
)
def test_a_log_that_nobody_reads(train, printing, words, samples):
    printing(words, BrokenPipeError(32, "Broken pipe"))
    assert train() == (exits.PIPE_CLOSED, "", samples)


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), OSError(5, "I/O error")])
def test_the_disk_of_the_model_is_full(train, monkeypatch, tmp_path, error):
    path = tmp_path / "model.npz"
    assert train()[0] == exits.DONE
    before = path.read_bytes()

    def fail(stream, arrays):
        stream.write(b"half")
        raise error

    monkeypatch.setattr(archives, "_write", fail)
    code, told, samples = train("--seed", "1")
    assert (
        told == f"gradx: error: {path}: cannot be written ({error.strerror}); name another file\n"
    )
    assert (code, samples) == (exits.BAD_INPUT, 200)
    assert path.read_bytes() == before


def test_json_on_a_full_disk(train, tmp_path):
    code, error, samples = train("--json", "/dev/full")
    assert (code, samples) == (exits.BAD_INPUT, 50)
    assert error.startswith("gradx: error: /dev/full: cannot be written (No space left on device);")
    assert "name another file; what it had learned after 50 samples in all is saved" in error


def at_sample(monkeypatch, position, act):
    """Does something when training has come to a sample."""
    at = progress.Progress.at

    def acting(progress, here):
        at(progress, here)
        if here == position:
            act()

    monkeypatch.setattr(progress.Progress, "at", acting)


def test_no_memory_in_the_middle(train, monkeypatch):
    def fail():
        raise MemoryError("Unable to allocate 9 TiB")

    at_sample(monkeypatch, 120, fail)
    code, error, samples = train()
    assert (code, samples) == (exits.BAD_INPUT, 100)
    assert error.startswith(
        "gradx: error: out of memory (Unable to allocate 9 TiB); use a smaller network or batch; "
        "what it had learned after 100 samples in all is saved; go on with: gradx train --load "
    )


def test_no_memory_for_the_pictures(model, monkeypatch, capsys):
    def fail(path, pixels, most):
        raise MemoryError

    monkeypatch.setattr("gradx.mnist.read_first_images", fail)
    assert run(["predict", str(model), "any"]) == exits.BAD_INPUT
    assert capsys.readouterr().err == (
        "gradx: error: out of memory; use a smaller network or batch\n"
    )


def test_a_device_that_fails(train, monkeypatch):
    def fail():
        raise DeviceFailedError("cpu failed: it was lost", "find it")

    at_sample(monkeypatch, 120, fail)
    code, error, samples = train()
    assert (code, samples) == (exits.DEVICE_FAILED, 100)
    assert "it was lost; find it; what it had learned after 100 samples" in error


@pytest.mark.parametrize(
    "arguments", [["--help"], ["--version"], ["devices"], ["predict", "--count", "1"], ["eval"]]
)
@pytest.mark.parametrize(
    ("error", "code"),
    [
        (BrokenPipeError(32, "Broken pipe"), exits.PIPE_CLOSED),
        (OSError(28, "No space left on device"), exits.BAD_INPUT),
        (KeyboardInterrupt(), exits.INTERRUPTED),
    ],
)
def test_every_command(model, small, printing, capfd, arguments, error, code):
    if arguments[0] == "predict":
        arguments = [*arguments, str(model)]
    if arguments[0] == "eval":
        assert run(["train", "--data", str(small), "--save", str(model), *TRAIN, "--quiet"]) == 0
        arguments = ["eval", str(model), "--data", str(small)]
    printing("", error)
    assert run(arguments) == code
    told = {exits.PIPE_CLOSED: "", exits.BAD_INPUT: f"{NO_SPACE}\n"}
    assert capfd.readouterr().err.lstrip("\n") == told.get(code, "gradx: interrupted\n")


# ---- signals ----------------------------------------------------------------------------------


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_one_signal_stops_between_two_steps(train, monkeypatch, number):
    at_sample(monkeypatch, 120, lambda: os.kill(os.getpid(), number))
    code, error, samples = train()
    assert (code, samples) == (exits.INTERRUPTED, 120)
    assert error.startswith("gradx: stopped in epoch 1 after 120 of 200 samples; saved to ")


def test_two_signals_interrupt_and_save_what_was_reported(train, monkeypatch):
    def twice():
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGINT)

    at_sample(monkeypatch, 120, twice)
    code, error, samples = train()
    assert (code, samples) == (exits.INTERRUPTED, 100)
    assert error.startswith("gradx: interrupted; what it had learned after 100 samples in all is ")


@pytest.mark.parametrize("first", [True, False], ids=["stopped before", "running"])
@pytest.mark.parametrize("times", [1, 2, 3])
def test_ctrl_c_while_the_model_is_saved(train, monkeypatch, first, times):
    """Each time the model is saved, between any two of its arrays."""
    write, saves = archives._write, []

    class Interrupting(dict):
        def items(self):
            for item in super().items():
                for _ in range(times):
                    signal.raise_signal(signal.SIGINT)
                yield item

    def interrupted(stream, arrays):
        saves.append(arrays)
        write(stream, Interrupting(arrays))

    monkeypatch.setattr(archives, "_write", interrupted)
    if first:
        at_sample(monkeypatch, 120, lambda: signal.raise_signal(signal.SIGINT))
    code, _, samples = train("--epochs", "3")
    assert (code, samples) == (exits.INTERRUPTED, 120 if first else 210)
    assert saves


def test_a_signal_before_training_interrupts_at_once(train, monkeypatch):
    monkeypatch.setattr(digits, "fingerprint", lambda data: signal.raise_signal(signal.SIGINT))
    code, error, samples = train()
    assert (code, error.strip(), samples) == (exits.INTERRUPTED, "gradx: interrupted", None)


def test_the_third_signal_does_what_it_did_before():
    arrived = []
    before = signal.signal(signal.SIGINT, lambda number, frame: arrived.append(number))
    try:
        with stop_on_signals() as stop:
            stop.patient = True
            signal.raise_signal(signal.SIGTERM)
            assert (stop.requested, stop.interrupted) == (True, False)
            with pytest.raises(KeyboardInterrupt):
                signal.raise_signal(signal.SIGINT)
            signal.raise_signal(signal.SIGTERM)
            assert arrived == [signal.SIGTERM]
        signal.raise_signal(signal.SIGINT)
        assert arrived == [signal.SIGTERM, signal.SIGINT]
    finally:
        signal.signal(signal.SIGINT, before)


def test_a_terminal_whose_end_is_ignored():
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with stop_on_signals() as stop:
            signal.raise_signal(signal.SIGHUP)
            assert not stop.requested
    finally:
        signal.signal(signal.SIGHUP, before)


def test_last_words_that_nobody_can_read(train, monkeypatch):
    at_sample(monkeypatch, 120, lambda: signal.raise_signal(signal.SIGHUP))
    monkeypatch.setattr(sys, "stderr", Failing("gradx", OSError(5, "Input/output error")))
    code, _, samples = train()
    assert (code, samples) == (exits.INTERRUPTED, 120)


class Terminal(Failing):
    def isatty(self):
        return True


def test_a_progress_bar_whose_terminal_is_gone(train, monkeypatch):
    monkeypatch.setattr(sys, "stderr", Terminal("Epoch", OSError(5, "Input/output error")))
    code, _, samples = train()
    assert (code, samples) == (exits.DONE, 200)


# A NumPy at whose import Ctrl-C is pressed.
NUMPY = "import os, signal, time; os.kill(os.getpid(), signal.SIGINT); time.sleep(30)"


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["-m", "gradx", "--version"], exits.INTERRUPTED),
        (["-mgradx", "train"], exits.INTERRUPTED),
        (["gradx", "train"], exits.INTERRUPTED),
        (["program.py"], -signal.SIGINT),
        (["-c", "import gradx"], -signal.SIGINT),
    ],
)
def test_ctrl_c_while_numpy_is_loaded(tmp_path, arguments, code):
    (tmp_path / "numpy").mkdir()
    (tmp_path / "numpy" / "__init__.py").write_text(NUMPY)
    for program in ("gradx", "program.py"):
        (tmp_path / program).write_text("from gradx.cli import main; main()")
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": f"{tmp_path}:{ROOT}"},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == code
    assert done.stdout == ""
    assert (done.stderr == "gradx: interrupted\n") == (code == exits.INTERRUPTED)
    assert ("Traceback" in done.stderr) == (code != exits.INTERRUPTED)
