"""Checkpoints: whose parameters they are, and what is said of those that are gone or damaged."""

import json
from pathlib import Path

import numpy as np
import pytest

from gradx.files.formats import write_arrays
from gradx.report.checkpoints import parameters_of
from gradx.report.logs import read_log
from gradx.report.page import page
from tests.report.html import parsed
from tests.report.samples import report, run_log, write_log

ARRAYS = {
    "slope": np.array(2.0),
    "starts.0": np.arange(3.0),
    "__state__.moments.slope": np.array(7.0),
    "__state__.step": np.array(120),
}
ABOUT = {"model": "line.py", "step": 120, "epoch": 3, "samples": 400, "position": 0}


@pytest.fixture(params=["safetensors", "npz"])
def saved(tmp_path, request):
    """Saves a model and gives the run whose log names it."""

    def saved(arrays=ARRAYS, about=ABOUT, count=12, **header):
        path = tmp_path / f"model.{request.param}"
        write_arrays(path, arrays, json.dumps(about))
        log = run_log(tmp_path / "run.jsonl", count, parameters=4, checkpoint=str(path), **header)
        return read_log(log)

    return saved


def text_of(run):
    return parsed(page([run], "today")).text


def test_the_parameters_of_a_run(saved):
    found = parameters_of(saved())
    assert list(found.tensors) == ["slope", "starts.0"]
    assert found.tensors["starts.0"].tolist() == [0, 1, 2]
    assert found.doubts == ()


def test_a_path_that_was_relative_is_looked_for_beside_the_log(saved):
    run = saved()
    name = Path(run.header["checkpoint"]).name
    moved = read_log(run_log(run.path, parameters=4, checkpoint=name))
    assert parameters_of(moved).path == run.path.parent / name


@pytest.mark.parametrize(
    ("about", "doubt"),
    [
        (
            {**ABOUT, "step": 80},
            "It was saved after 80 steps, the log's last report came after 120",
        ),
        (
            {"epoch": 2, "samples": 400, "position": 100},
            "It was saved after 900 samples, the log's",
        ),
        ({"model": "other.py"}, "It is of the model other.py, not of that of the log."),
    ],
)
def test_a_checkpoint_that_changed(saved, about, doubt):
    assert doubt in text_of(saved(about=about))


def test_a_checkpoint_of_another_size(saved):
    run = saved(arrays={"slope": np.zeros(3)})
    assert "It holds 3 parameters, the model of the log has 4: the file is another" in text_of(run)


@pytest.mark.parametrize("about", [{}, {"step": "x"}, {"step": True}, {"epoch": 3}])
def test_a_file_that_says_little(saved, about):
    assert parameters_of(saved(about=about)).doubts == ()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "model.bin is not there any more."),
        (b"", "The checkpoint cannot be read."),
        (b"PK\3\4 and more", "it is no sound .npz file"),
        (b"\x10\0\0\0\0\0\0\0" + b"{" * 16, "The checkpoint cannot be read."),
    ],
)
def test_a_checkpoint_that_cannot_be_read(tmp_path, content, said):
    path = tmp_path / "model.bin"
    if content is not None:
        path.write_bytes(content)
    run = read_log(run_log(tmp_path / "run.jsonl", checkpoint=str(path)))
    assert said in text_of(run)


def test_a_checkpoint_that_is_a_folder(tmp_path):
    run = read_log(run_log(tmp_path / "run.jsonl", checkpoint=str(tmp_path)))
    assert "is a directory; name a file in it" in text_of(run)


@pytest.mark.parametrize("named", ["a\0b", "x" * 5000, 7, ["a"], ""])
def test_invalid_names(tmp_path, named):
    run = read_log(run_log(tmp_path / "run.jsonl", checkpoint=named))
    assert isinstance(parameters_of(run), str)


def test_a_file_that_unpacks_to_more_than_it_can_hold(tmp_path):
    np.savez_compressed(tmp_path / "model.npz", w=np.zeros(9_000_000))
    run = read_log(run_log(tmp_path / "run.jsonl", checkpoint="model.npz"))
    assert "bytes cannot hold arrays of 72,000,000 bytes" in parameters_of(run)


def test_what_is_no_number_is_left_out(tmp_path):
    np.savez(tmp_path / "model.npz", w=np.zeros(2), text=np.array("a"))
    run = read_log(run_log(tmp_path / "run.jsonl", checkpoint="model.npz"))
    assert list(parameters_of(run).tensors) == ["w"]


def test_a_run_without_a_checkpoint(tmp_path):
    assert "The run saved no checkpoint; --save FILE does." in text_of(
        read_log(run_log(tmp_path / "run.jsonl"))
    )
    assert "The log has no header, and so names no checkpoint." in text_of(
        read_log(write_log(tmp_path / "run.jsonl", report(1)))
    )
