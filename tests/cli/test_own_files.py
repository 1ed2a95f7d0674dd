"""Models of one's own in files, and that nothing learned is lost, whatever fails."""

import json
import os
import re
import signal
import sys

import numpy as np
import pytest

from gradx.backends import Device
from gradx.backends.numpy_backend import NumpyBackend
from gradx.cli import evaluate, job, predict
from gradx.cli.app import run
from gradx.cli.own import Own
from gradx.cli.progress import Progress
from gradx.files.tensors import read_tensors
from gradx.train import load_program
from tests.cli.line_model import RUN, log_of
from tests.cli.test_device_failures import Failing
from tests.cli.test_exits import Failing as Broken
from tests.cli.test_exits import Terminal


def arrays_in(path):
    """The arrays of a model file by name, with what the method remembers."""
    stored = read_tensors(path) if path.suffix == ".safetensors" else np.load(path)
    found = stored[0] if isinstance(stored, tuple) else {n: stored[n] for n in stored.files}
    return {name: x for name, x in found.items() if name != "model"}


def same(one, other):
    one, other = arrays_in(one), arrays_in(other)
    assert one.keys() == other.keys() and len(one) > 2
    for name in one:
        np.testing.assert_array_equal(one[name], other[name], strict=True)


METHODS = [
    ["--method", "adam"],
    ["--method", "sgd", "--momentum", "0.9", "--schedule", "cosine"],
    ["--method", "lamb", "--schedule", "one_cycle", "--clip", "1"],
    ["--method", "sgd"],
    ["--patience", "4", "--rate", "0.3"],
]


@pytest.mark.parametrize("ending", ["safetensors", "npz"])
@pytest.mark.parametrize("method", METHODS, ids=lambda method: method[1])
def test_a_run_that_was_stopped_goes_on_to_the_same_bits(
    gradx, line, tmp_path, monkeypatch, method, ending
):
    whole, part = tmp_path / f"whole.{ending}", tmp_path / f"part.{ending}"
    options = [*RUN, *method, "--epochs", "3", "--report-every", "24"]
    done = gradx(*options, "--save", whole, "--json", "whole.json")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.endswith(f"Saved to {whole}.\n")
    at = Progress.at
    with monkeypatch.context() as patch:
        patch.setattr(
            Progress,
            "at",
            lambda self, here: (
                at(self, here)
                or (here == 40 and self._epoch == 2 and signal.raise_signal(signal.SIGTERM))
            ),
        )
        done = gradx(*options, "--save", part, "--json", "part.json")
    assert done.returncode == 130
    assert done.stderr == (
        "gradx: stopped in epoch 2 after 40 of 80 samples; saved to "
        f"{part}; go on with: gradx train line.py --load {part} --save {part}\n"
    )
    done = gradx("train", "line.py", "--load", part, "--save", part, "--json", "part.json")
    assert (done.returncode, done.stderr) == (0, "")
    assert f"model     line.py, 4 parameters, from {part}\n" in done.stdout
    same(whole, part)
    lines = [json.loads(line) for line in (tmp_path / "part.json").read_text().splitlines()]
    assert ["log" in line for line in lines].count(True) == 2
    reports = [line for line in lines if "log" not in line]
    for line in reports:
        line.pop("seconds")
    assert reports == log_of(tmp_path / "whole.json")[1]


def test_another_number_of_epochs_moves_the_end_of_the_schedule(gradx, line):
    gradx(*RUN, "--schedule", "cosine", "--save", "m.safetensors")
    go_on = ["train", "line.py", "--load", "m.safetensors"]
    done = gradx(*go_on, "--epochs", 4)
    assert (
        "\nThe schedule cosine now ends with epoch 4, not 2: the numbers differ from those of a "
        "run that was not stopped.\n" in done.stdout
    )
    assert "Epoch 3: " in done.stdout and "Epoch 2: " not in done.stdout
    gradx(*RUN, "--save", "m.safetensors")
    assert "The schedule" not in gradx(*go_on, "--epochs", 4).stdout


def test_another_method_begins_anew(gradx, refused, line):
    gradx(*RUN, "--save", "m.safetensors")
    go_on = ["train", "line.py", "--load", "m.safetensors", "--epochs", 3]
    told = "\nThe method begins anew, since m.safetensors has no memory of its kind.\n"
    done = gradx(*go_on, "--method", "sgd", "--momentum", 0.5)
    assert told in done.stdout and "method    sgd (momentum 0.5), rate 0.01\n" in done.stdout
    assert (done.returncode, done.stderr) == (0, "")
    for same in (["--method", "adamw"], ["--b1", 0.5], ["--rate", 0.1], []):
        done = gradx(*go_on, *same)
        assert done.returncode == 0 and told not in done.stdout
    gradx(*RUN, "--method", "sgd", "--save", "plain.safetensors")
    done = gradx("train", "line.py", "--load", "plain.safetensors", "--momentum", 0.5)
    assert "since plain.safetensors has no memory of its kind.\n" in done.stdout
    refused(
        "method sgd: m.safetensors has no memory of this kind, and a method that begins anew "
        "counts its steps anew; leave the method as it is, or use --schedule constant instead of "
        "cosine",
        *[*go_on, "--method", "sgd", "--schedule", "cosine"],
    )


def test_a_file_of_another_model(gradx, refused, line):
    gradx(*RUN, "--save", "m.safetensors")
    refused(
        "m.safetensors: is a checkpoint of 'line.py'; name that model as well",
        *["eval", "m.safetensors"],
    )


def test_eval_agrees_with_train(gradx, line, tmp_path):
    gradx(*RUN, "--save", "m.safetensors", "--json", "log.json")
    last = log_of(tmp_path / "log.json")[1][-1]
    done = gradx("eval", "line.py", "m.safetensors")
    assert done.stdout == (
        "m.safetensors: line.py, 4 parameters, on cpu\n"
        "line.py: 20 test samples\n"
        f"Loss:  {last['validation_loss']:.6g}\n"
        f"Error: {last['validation_error']:.6g}\n"
    )
    assert (done.returncode, done.stderr) == (0, "")
    line(("(x[:80], y[:80]), (x[80:], y[80:])", "x, y"))
    assert "line.py: 100 training samples\n" in gradx("eval", "line.py", "m.safetensors").stdout


def test_predict(gradx, line, tmp_path):
    gradx(*RUN, "--rate", 0.3, "--epochs", 30, "--save", "m.safetensors", "--dtype", "float32")
    x = np.eye(3)
    np.save(tmp_path / "x.npy", x)
    done = gradx("predict", "line.py", "m.safetensors", "x.npy", "--count", 2)
    lines = done.stdout.splitlines()
    assert np.allclose([float(line) for line in lines[:2]], [1.5, 2.5], atol=0.2)
    assert lines[2:] == ["1 more (--count 3 shows all)"]
    arguments = ["predict", "line.py", "m.safetensors", "x.npy"]
    done = gradx(*arguments, "--output", "y.npy")
    assert done.stdout == "Wrote y.npy: 3, float32\n"
    found = np.load(tmp_path / "y.npy")
    assert [f"{value:.6g}" for value in found[:2]] == lines[:2]
    assert gradx(*arguments, "--device", "auto").stdout.startswith("On ")


def test_files_that_cannot_be_used(gradx, refused, line, tmp_path):
    gradx(*RUN, "--save", "m.safetensors")
    before = (tmp_path / "m.safetensors").read_bytes()
    (tmp_path / "text.npy").write_text("text")
    predict = ["predict", "line.py", "m.safetensors"]
    refused("Missing argument 'FILE'; see 'gradx eval --help'", "eval", "line.py")
    refused("Missing argument 'INPUT'; see 'gradx predict --help'", *predict)
    refused("none.npy: there is no such file; check the path", *predict, "none.npy")
    refused("none: there is no such file; check the path", "eval", "line.py", "none")
    done = gradx(*predict, "text.npy")
    assert re.fullmatch(
        r"gradx: error: text.npy: is no .npy file of numbers \(.*\); write one with np.save\n",
        done.stderr,
    )
    refused(
        "seed 3: m.safetensors has seed 0, which cannot change; leave the option out to go on with "
        "that model",
        *["train", "line.py", "--load", "m.safetensors", "--seed", "3"],
    )
    line(("size=3), 0.0", "size=4), 0.0"))
    done = gradx("eval", "line.py", "m.safetensors")
    assert done.stderr == (
        "gradx: error: m.safetensors: is a checkpoint of 'line.py', and its parameters do not fit: "
        "slope is float64 of shape (3,), not float64 of shape (4,); go on with the model and the "
        "method that it was trained with\n"
    )
    assert done.returncode == 2
    line(("def predict", "def other"))
    np.save(tmp_path / "x.npy", np.eye(3))
    refused(
        "line.py: there is no predict; write def predict(params, inputs): return …",
        *[*predict, "x.npy"],
    )
    assert (tmp_path / "m.safetensors").read_bytes() == before


def test_a_fault_of_gradx_takes_nothing_along(saving, monkeypatch, tmp_path):
    def fault():
        raise AttributeError("of gradx")

    with pytest.raises(AttributeError) as caught:
        saving(fault)
    assert caught.value.__notes__[-1].startswith("what it had learned after 32 samples in all is")
    assert Own(load_program("line.py")).load(tmp_path / "m.safetensors").state.position == 32


def test_what_was_learned_before_the_loss_became_nan_is_saved(saving, line):
    line(("    x, y = batch\n    return np.mean(", "    x, y = batch\n    COUNT.append(0)\n    "
          "return (1.0 if len(COUNT) < 9 else np.nan) * np.mean("),
         ("@dataclass\n", "COUNT = []\n\n@dataclass\n"))  # fmt: skip
    code, error, saved = saving()
    assert code == 2 and saved and saved % 16 == 0
    assert re.search(rf"the loss became nan.*; what it had learned after {saved} samples in all "
                     "is saved; go on with: gradx train line.py --load m.saf", error)  # fmt: skip


def test_a_network_for_digits_is_no_model_of_ones_own(refused, line, gradx, small):
    gradx("train", "--data", small, "--hidden", 4, "--save", "digits.npz", "--quiet")
    refused(
        "digits.npz: is a network for digits, not of line.py; leave line.py out",
        *["eval", "line.py", "digits.npz"],
    )


def test_other_data_in_the_middle_of_an_epoch(gradx, refused, line, monkeypatch):
    with monkeypatch.context() as patch:
        at = Progress.at
        patch.setattr(
            Progress,
            "at",
            lambda self, here: (
                at(self, here) or (here == 40 and signal.raise_signal(signal.SIGINT))
            ),
        )
        gradx(*RUN, "--save", "m.safetensors")
    line(("default_rng(0)", "default_rng(1)"))
    refused(
        "m.safetensors: stands 40 samples into an epoch over other data than line.py; go on with "
        "the data it was trained on",
        *["train", "line.py", "--load", "m.safetensors"],
    )


def test_the_best_model_is_kept(gradx, line, tmp_path):
    arguments = ["--rate", 0.1, "--epochs", 50, "--patience", 4, "--method", "adam"]
    gradx(*RUN[:2], *arguments, "--save", "best.safetensors", "--json", "log.json")
    losses = [line["validation_loss"] for line in log_of(tmp_path / "log.json")[1]]
    done = gradx("eval", "line.py", "best.safetensors")
    assert f"Loss:  {min(losses):.6g}\n" in done.stdout and min(losses) < losses[-1]


# ---- full disks, pipes, interruptions and devices ------------------------------------------------


@pytest.fixture
def saving(line, tmp_path, monkeypatch, capfd):
    """Trains line.py with --save, and does something at a sample of the first epoch."""
    monkeypatch.chdir(tmp_path)

    def saving(act=None, *options, sample=40):
        at = Progress.at
        if act is not None:
            monkeypatch.setattr(
                Progress, "at", lambda self, here: at(self, here) or (here == sample and act())
            )
        arguments = [*RUN, "--report-every", "16", "--save", "m.safetensors", *options]
        code = run(arguments)
        assert [name for name in os.listdir() if name.endswith(".part")] == []
        saved = None
        if os.path.exists("m.safetensors"):
            state = Own(load_program("line.py")).load(tmp_path / "m.safetensors").state
            saved = state.epoch * 80 + state.position
        return code, capfd.readouterr().err, saved

    return saving


def test_json_on_a_full_disk(saving):
    code, error, saved = saving(None, "--json", "/dev/full")
    assert (code, saved) == (2, 16)
    assert error == (
        "gradx: error: /dev/full: cannot be written (No space left on device); name another file; "
        "what it had learned after 16 samples in all is saved; go on with: gradx train line.py "
        "--load m.safetensors --save m.safetensors\n"
    )


def test_a_log_that_nobody_reads(saving, monkeypatch):
    monkeypatch.setattr(sys, "stdout", Broken("24 of 80", BrokenPipeError(32, "Broken pipe")))
    monkeypatch.setattr(sys, "stderr", sys.stderr)
    code, error, saved = saving(None, "--report-every", "24")
    assert (code, error, saved) == (141, "", 24)


def test_no_memory(saving):
    def fail():
        raise MemoryError

    code, error, saved = saving(fail)
    assert (code, saved) == (2, 32) and error.startswith("gradx: error: out of memory; use a ")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
@pytest.mark.parametrize("times", [1, 2])
def test_signals(saving, number, times):
    code, error, saved = saving(lambda: [signal.raise_signal(number) for _ in range(times)])
    assert (code, saved) == (130, 40 if times == 1 else 32)
    assert error.startswith("gradx: stopped in epoch 1" if times == 1 else "gradx: interrupted; ")


def test_a_fault_of_the_model_does_not_lose_what_was_learned(saving, line):
    line(("    x, y = batch\n    return np.mean(", "    x, y = batch\n    COUNT.pop()\n    "
           "return np.mean("), ("@dataclass\n", "COUNT = [0] * 9\n\n@dataclass\n"))  # fmt: skip
    code, error, saved = saving()
    assert (code, saved) == (2, 32)
    assert "IndexError: pop from empty list; mend it there; what it had learned after 32 " in error


@pytest.mark.parametrize("quiet", [[], ["--quiet"]])
def test_a_live_line_on_a_terminal(saving, monkeypatch, quiet):
    terminal = Terminal("never", None)
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setattr(sys, "stdout", sys.stdout)  # click changes both
    code, _, saved = saving(None, *quiet)
    drawn = terminal.getvalue()
    assert (code, saved) == (0, 160)
    assert bool(drawn) == (not quiet)
    if drawn:
        assert re.search(r"\rEpoch 1/2 \[#*-*\] +\d+%  \d+/80.*\x1b\[K", drawn)
        assert drawn.endswith("\r\x1b[K")


def test_no_live_line_on_a_terminal_that_cannot_clear_one(monkeypatch):
    terminal = Terminal("never", None)
    monkeypatch.setenv("TERM", "dumb")
    Progress(terminal, 1, 10).at(5)
    assert terminal.getvalue() == ""
    monkeypatch.setenv("TERM", "xterm")
    Progress(terminal, 1, 10).at(5)
    assert terminal.getvalue() != ""


def test_a_process_that_is_asked_to_stop(start, line, gradx, tmp_path):
    process = start(*RUN, "--epochs", 100_000, "--save", "m.safetensors", "--json", "log.json")
    for printed in process.stdout:
        if printed.startswith("Epoch 1"):
            break
    process.send_signal(signal.SIGTERM)
    _, error = process.communicate(timeout=60)
    assert process.returncode == 130
    told = (
        r"gradx: stopped in epoch \d+ after \d+ of 80 samples; saved to m.safetensors; go on with: "
    )
    assert re.fullmatch(
        told + "gradx train line.py --load m.safetensors --save m.safetensors\n", error
    )
    assert gradx("eval", "line.py", "m.safetensors").returncode == 0
    assert sorted(os.listdir(tmp_path)) == ["line.py", "log.json", "m.safetensors"]


class Counting(NumpyBackend):
    """A backend that notes what is sent to its device."""

    kind = "cuda"

    def __init__(self):
        self.sent = []

    def asarray(self, x, device, dtype=None):
        self.sent.append((np.shape(x), str(device)))
        return super().asarray(x, device, dtype)


@pytest.fixture
def on(monkeypatch):
    """Lets every command find a backend."""

    def on(backend):
        for command in (job, evaluate, predict):
            monkeypatch.setattr(command, "resolve", lambda name: (backend, Device("cuda", 1)))

    return on


def test_parameters_and_data_go_to_the_device(gradx, line, on, tmp_path):
    expected = gradx(*RUN, "--save", "host.safetensors").stdout
    backend = Counting()
    on(backend)
    done = gradx(*RUN, "--device", "cuda:1", "--save", "device.safetensors")
    assert (done.returncode, done.stderr) == (0, "")
    shapes = [shape for shape, device in backend.sent if device == "cuda:1"]
    assert shapes[:5] == [(3,), (80, 3), (80,), (20, 3), (20,)]
    assert shapes[5:] == [(80,), (80,)]  # the order of each epoch
    assert expected.partition("Epoch 1")[2].partition("Trained")[0] in done.stdout
    assert "device    cuda:1 (" in done.stdout and "BLAS" not in done.stdout
    same(tmp_path / "host.safetensors", tmp_path / "device.safetensors")
    np.save(tmp_path / "x.npy", np.eye(3))
    for command in (["eval"], ["predict", "x.npy"]):
        backend.sent.clear()
        done = gradx(command[0], "line.py", "device.safetensors", *command[1:])
        assert (done.returncode, done.stderr) == (0, "") and ((3,), "cuda:1") in backend.sent


def test_a_device_that_fails(gradx, line, on, tmp_path):
    on(Failing(sends=2))
    assert gradx(*RUN).stderr == (
        "gradx: error: cuda:1 failed while the data was brought there: it was lost; find it\n"
    )
    on(Failing(reads=5))  # a report is one read, and the arrays of Adam and the model are three
    done = gradx(*RUN, "--report-every", "40", "--save", "m.safetensors")
    assert done.stderr == (
        "gradx: error: cuda:1 failed in epoch 1 after 80 of 80 samples: it was lost; find it; what "
        "it had learned after 40 samples in all is saved; go on with: gradx train line.py --load "
        "m.safetensors --save m.safetensors\n"
    )
    assert done.returncode == 3
