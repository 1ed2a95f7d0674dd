"""`gradx train`: what it prints, what it writes, and that it goes on where it stopped."""

import json
import os
import pty
import re
import signal
import subprocess
import sys

import numpy as np
import pytest

from tests.cli.conftest import environment

HEADER = """\
gradx [0-9.]+
network   36-8-10, 386 parameters
method    sgd, rate 0.1
training  one sample a step, 2 epochs, a report every 150 samples
device    cpu \\(NumPy [0-9.]+\\), float64
seed      3
data      {small}: 200 training and 50 test images
BLAS      .*thread.*

Loaded data.
"""
CHUNK = """\
Trained on {points} points.
Training error:   [0-9]+\\.[0-9][0-9]%
Validation error: [0-9]+\\.[0-9][0-9]%
"""
FIRST, LAST = CHUNK.format(points=150), CHUNK.format(points=50)
COURSE = "".join(
    f"\\[Epoch {epoch}\\]\n\\(Batch 1\\)\n{FIRST}\\(Batch 2\\)\n{LAST}" for epoch in (1, 2)
)
FINISH = (
    "Trained on 400 points in [0-9.]+ s, [0-9,]+ samples/s: "
    "training error [0-9.]+%, validation error [0-9.]+%.\n"
)

OPTIONS = ["--hidden", "8", "--rate", "0.1", "--epochs", "2", "--seed", "3"]
OPTIONS += ["--report-every", "150"]


def same(one, other):
    assert one.keys() == other.keys()
    for name in one:
        np.testing.assert_array_equal(one[name], other[name], strict=True)


def lines(path):
    """The reports of a JSON file without the time, which differs from run to run."""
    found = [json.loads(line) for line in path.read_text().splitlines()]
    assert found[0]["log"] == "gradx"
    reports = [line for line in found if "log" not in line]
    for line in reports:
        assert line.pop("seconds") > 0
    return reports


def wait_for(process, line):
    """Read what a process prints up to a line; fails where it ends before."""
    for printed in process.stdout:
        if printed == line:
            return
    pytest.fail(f"it ended before it printed {line!r}: {process.stderr.read()}")


def test_what_it_prints(gradx_process, small):
    done = gradx_process("train", "--data", small, *OPTIONS)
    pattern = HEADER.format(small=re.escape(str(small))) + COURSE + FINISH
    assert re.fullmatch(pattern, done.stdout), done.stdout
    assert (done.returncode, done.stderr) == (0, "")


def test_quiet(gradx, small, tmp_path):
    done = gradx("train", "--data", small, *OPTIONS, "--quiet", "--save", "model.npz")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert os.listdir(tmp_path) == ["model.npz"]


def test_all_options(gradx, small, tmp_path):
    done = gradx(
        *["train", "--data", small, "--device", "auto", "--epochs", 1, "--batch-size", 16],
        *["--rate", 0.5, "--hidden", 12, "--hidden", 7, "--dtype", "float32", "--seed", 5],
        *["--report-every", 100, "--save", "model.npz", "--json", "lines.json"],
    )
    assert done.returncode == 0, done.stderr
    assert "network   36-12-7-10, 615 parameters\n" in done.stdout
    assert (
        "method    sgd, rate 0.5\n"
        "training  16 samples a step, 1 epoch, a report every 100 samples\n" in done.stdout
    )
    assert ", chosen by auto" in done.stdout
    assert "Saved to model.npz.\n" in done.stdout
    found = lines(tmp_path / "lines.json")
    assert [(line["epoch"], line["batch"], line["points"]) for line in found] == [
        (1, 1, 112),
        (1, 2, 88),
    ]
    for line in found:
        assert list(line) == [
            *["epoch", "batch", "points", "step", "rate"],
            *["training_loss", "training_error", "validation_loss", "validation_error"],
        ]
        assert 0 <= line["training_error"] <= 1 and 0 <= line["validation_error"] <= 1
        assert line["training_loss"] > 0 and line["validation_loss"] > 0


def test_the_same_seed_gives_the_same_files(gradx, small, tmp_path):
    for name in ("one", "other"):
        arguments = ["--save", f"{name}.npz", "--json", f"{name}.json", "--quiet"]
        assert gradx("train", "--data", small, *OPTIONS, *arguments).returncode == 0
    assert (tmp_path / "one.npz").read_bytes() == (tmp_path / "other.npz").read_bytes()
    assert lines(tmp_path / "one.json") == lines(tmp_path / "other.json")


def test_a_finished_run_is_gone_on_with(gradx, small, tmp_path, arrays_of):
    run = ["train", "--data", small, "--quiet"]
    gradx(*run, *OPTIONS, "--save", "whole.npz")
    gradx(*run, *OPTIONS, "--epochs", 1, "--save", "half.npz")
    done = gradx("train", "--data", small, "--load", "half.npz", "--save", "half.npz")
    assert "network   36-8-10, 386 parameters, from half.npz\n" in done.stdout
    assert (
        "training  one sample a step, 2 epochs in all, going on in epoch 2 after 0 "
        "samples, a report every 150 samples\n" in done.stdout
    )
    assert "[Epoch 2]" in done.stdout and "[Epoch 1]" not in done.stdout
    same(arrays_of(tmp_path / "half.npz"), arrays_of(tmp_path / "whole.npz"))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("batch", [1, 8])
def test_an_interrupted_run_is_gone_on_with(
    gradx, start, medium, tmp_path, arrays_of, number, batch
):
    run = ["train", "--data", medium, "--report-every", 500, "--hidden", 8]
    run += ["--epochs", 2 if batch == 1 else 6, "--batch-size", batch]
    assert gradx(*run, "--save", "whole.npz", "--json", "whole.json").returncode == 0
    process = start(*run, "--save", "part.npz", "--json", "part.json")
    wait_for(process, "(Batch 3)\n")
    process.send_signal(number)
    _, error = process.communicate(timeout=60)
    assert process.returncode == 130
    assert re.fullmatch(
        r"gradx: stopped in epoch \d after [\d,]+ of 4,000 samples; saved to part.npz; go on "
        r"with: gradx train --load part.npz --save part.npz\n",
        error,
    )
    assert sorted(os.listdir(tmp_path)) == ["part.json", "part.npz", "whole.json", "whole.npz"]
    done = gradx(
        *["train", "--data", medium, "--load", "part.npz", "--save", "part.npz"],
        *["--json", "part.json"],
    )
    assert done.returncode == 0, done.stderr
    assert " epochs in all, going on in epoch " in done.stdout
    same(arrays_of(tmp_path / "part.npz"), arrays_of(tmp_path / "whole.npz"))
    assert lines(tmp_path / "part.json") == lines(tmp_path / "whole.json")


def test_an_interruption_without_a_file_says_so(start, medium, tmp_path):
    process = start("train", "--data", medium, "--epochs", 1000)
    wait_for(process, "(Batch 1)\n")
    process.send_signal(signal.SIGINT)
    _, error = process.communicate(timeout=60)
    assert re.fullmatch(
        r"gradx: stopped in epoch \d+ after [\d,]+ of 4,000 samples; nothing was saved, as no "
        r"--save was given\n",
        error,
    )
    assert process.returncode == 130
    assert os.listdir(tmp_path) == []


def test_a_file_is_written_after_each_epoch(start, medium, tmp_path):
    process = start("train", "--data", medium, "--epochs", 1000, "--save", "model.npz")
    wait_for(process, "[Epoch 2]\n")
    assert os.listdir(tmp_path) == ["model.npz"]


def test_a_closed_pipe_ends_it_quietly(start, medium, tmp_path):
    process = start("train", "--data", medium, "--epochs", 1000, "--report-every", 500)
    assert process.stdout.readline().startswith("gradx ")
    process.stdout.close()
    process.stdout = None
    _, error = process.communicate(timeout=60)
    assert (process.returncode, error) == (141, "")


def test_a_closed_pipe_does_not_lose_what_was_learned(start, gradx, medium):
    arguments = ["--epochs", 1000, "--report-every", 500, "--save", "model.npz"]
    process = start("train", "--data", medium, *arguments)
    wait_for(process, "(Batch 2)\n")
    process.stdout.close()
    process.stdout = None
    process.communicate(timeout=60)
    assert gradx("eval", "model.npz", "--data", medium).returncode == 0


@pytest.mark.parametrize("shown", [True, False])
def test_a_progress_bar_on_a_terminal(medium, tmp_path, shown):
    leader, follower = pty.openpty()
    command = [sys.executable, "-m", "gradx", "train", "--data", str(medium)]
    with subprocess.Popen(
        command + ([] if shown else ["--quiet"]),
        cwd=tmp_path,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=follower,
    ) as process:
        os.close(follower)
        drawn = b""
        while True:
            try:
                drawn += os.read(leader, 4096)
            except OSError:  # the other end is closed
                break
        printed = process.stdout.read()
    os.close(leader)
    assert process.returncode == 0
    assert b"\r" not in printed
    text = drawn.decode()
    assert shown == bool(text)
    if shown:
        bar = r"\rEpoch 1/1 \[#*-*\] +\d+%  [\d,]+/4,000  [\d,]+/s  \d+ s left\x1b\[K"
        assert re.search(bar, text)
        assert text.endswith("\r\x1b[K")


@pytest.mark.slow
def test_the_shipped_data_in_one_short_epoch(gradx_process):
    done = gradx_process("train", "--batch-size", 500, "--rate", 1, "--dtype", "float32")
    assert "network   784-250-10, 198,760 parameters\n" in done.stdout
    assert "data      MNIST as shipped with gradx: 60,000 training and 10,000 test images\n" in (
        done.stdout
    )
    assert done.stdout.count("Trained on 5000 points.\n") == 12
    final = re.search(r"validation error ([0-9.]+)%\.\n$", done.stdout)
    assert float(final[1]) < 15
