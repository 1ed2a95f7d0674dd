"""Whatever happens while a file is saved, it is whole: the old one or the new one."""

import os
import re
import resource
import signal
import subprocess
import sys

import numpy as np
import pytest

import gradx as gx
from gradx.files.errors import OutputError
from tests.architecture.sources import ROOT
from tests.mnist.idx_files import write_dataset

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="processes are copied with fork")


def killed(how, folder, kills):
    """Let the program of killed.py do its work; how often a half-written file lay there."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.files.killed", how, str(folder), str(kills), str(kills)],
        env={**os.environ, "PYTHONPATH": str(ROOT), "OPENBLAS_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize(
    ("how", "kills"),
    [
        ("safetensors", 12),
        ("npz", 4),
        ("train", 12),
        *(
            pytest.param(how, 200, marks=pytest.mark.soak)
            for how in ("safetensors", "npz", "train")
        ),
    ],
)
def test_a_killed_process_leaves_the_file_whole(tmp_path, how, kills):
    if how == "train":
        (tmp_path / "data").mkdir()
        write_dataset(tmp_path / "data")
    told = killed(how, tmp_path, kills)
    found = re.fullmatch(r"(\d+) killed, (\d+) in the middle of a file\n", told)
    assert int(found[1]) == kills
    assert int(found[2]) > 0 or kills < 100, "it was never killed where it matters"


def test_what_killed_processes_left_is_removed_by_the_next(tmp_path):
    killed("safetensors", tmp_path, 4)
    gx.save(tmp_path / "other", 1.0)
    assert {path.suffix for path in tmp_path.iterdir()} == {".safetensors", ""}


@pytest.mark.parametrize("count", [20, pytest.param(2000, marks=pytest.mark.soak, id="many times")])
def test_two_processes_that_save_to_one_file(tmp_path, count):
    assert killed("two", tmp_path, count) == f"{count} read\n"


@pytest.fixture
def small_disk():
    """No file may become larger than 100 kB, as on a disk that is full."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, before)
    signal.signal(signal.SIGXFSZ, ignored)


@pytest.mark.parametrize("name", ["a.safetensors", "a.npz"])
def test_a_disk_that_is_full(tmp_path, small_disk, name):
    path = tmp_path / name
    gx.save(path, np.ones(1000))
    before = path.read_bytes()
    with pytest.raises(OutputError, match=r"cannot be written \(File too large\); name an"):
        gx.save(path, np.ones(100_000))
    assert path.read_bytes() == before
    assert os.listdir(tmp_path) == [name]
