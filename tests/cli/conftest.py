"""The command line: in the process of the test, and as a user runs it, in one of its own."""

import contextlib
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from gradx.cli.app import run
from gradx.train import Options, State, init_net, save
from gradx.train.checkpoint import Checkpoint
from tests.cli.line_model import MODEL
from tests.mnist.idx_files import small_arrays, write_dataset

ROOT = Path(__file__).parents[2]


def environment():
    return {**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": "100"}


@pytest.fixture(autouse=True)
def terminal(monkeypatch):
    """A terminal on which a line can be cleared, whatever the tests run in."""
    monkeypatch.setenv("TERM", "xterm")


@pytest.fixture
def gradx(tmp_path, monkeypatch, capsys):
    """Runs gradx in an empty directory; gives what it printed and its exit code.

    It runs in the process of the test: one of its own takes longer to begin than to do the work.
    """
    monkeypatch.setenv("COLUMNS", "100")

    def in_this_process(*args):
        capsys.readouterr()
        with contextlib.chdir(tmp_path):
            code = run([str(argument) for argument in args])
        return subprocess.CompletedProcess(args, code, *capsys.readouterr())

    return in_this_process


@pytest.fixture
def gradx_process(tmp_path):
    """The same in a process of its own, of which more can be chosen."""

    def in_its_own(*args, **how):
        command = [sys.executable, "-m", "gradx", *map(str, args)]
        settings = {"cwd": tmp_path, "env": environment(), "capture_output": True, "text": True}
        return subprocess.run(command, **{**settings, "timeout": 120, "check": False, **how})

    return in_its_own


@pytest.fixture
def start(tmp_path):
    """Starts gradx and leaves it running; whatever is left of it is ended after the test."""
    running = []

    def start(*args, **how):
        command = [sys.executable, "-m", "gradx", *map(str, args)]
        settings = {"cwd": tmp_path, "env": environment(), "text": True}
        settings |= {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        running.append(subprocess.Popen(command, **{**settings, **how}))
        return running[-1]

    yield start
    for process in running:
        process.kill()
        process.communicate()


@pytest.fixture
def refused(gradx):
    """Asserts that gradx gives one line on the error stream, exit code 2, and nothing else."""

    def refused(text, *args):
        done = gradx(*args)
        assert done.stderr == f"gradx: error: {text}\n"
        assert done.returncode == 2
        assert done.stdout == ""

    return refused


@pytest.fixture(scope="session")
def small(tmp_path_factory):
    """A directory of IDX files of 6 x 6 pixels: 200 images to train on, 50 to test."""
    return write_dataset(tmp_path_factory.mktemp("small"), compressed=("train_images",))


@pytest.fixture(scope="session")
def medium(tmp_path_factory):
    """The same with 4,000 images to train on: a run that can be interrupted."""
    return write_dataset(tmp_path_factory.mktemp("medium"), small_arrays(train=4000))


@pytest.fixture
def model(tmp_path):
    """A model file for images of 28 x 28 pixels that has seen nothing yet."""
    path = tmp_path / "model.npz"
    options = Options(hidden=(5,))
    state = State(init_net((784, 5, 10), options.dtype, options.seed), epoch=1)
    save(path, Checkpoint(state, options, samples=60_000, data="0123abcd"))
    return path


@pytest.fixture
def arrays_of():
    """The arrays of a model file by name."""

    def arrays_of(path):
        with np.load(path) as archive:
            return {name: archive[name] for name in archive.files if name != "model"}

    return arrays_of


@pytest.fixture
def line(tmp_path):
    """Writes model files, such as line.py with changes made in its text."""

    def write(*changes, name="line.py", text=MODEL):
        for before, after in changes:
            assert before in text
            text = text.replace(before, after)
        (tmp_path / name).write_text(text)

    write()
    return write
