"""Paths that cannot be written to, or read from, are told of in one line."""

import os

import pytest

import gradx as gx
from gradx.files.errors import InputError, OutputError


def test_no_file(tmp_path):
    with pytest.raises(gx.FileError, match="none: there is no such file; check the path"):
        gx.load(tmp_path / "none", 1.0)
    with pytest.raises(OutputError, match="cannot be written"):
        gx.save(tmp_path / "none" / "file", 1.0)


def test_a_pipe_is_not_replaced(tmp_path):
    path = tmp_path / "pipe"
    os.mkfifo(path)
    with pytest.raises(OutputError, match=r"pipe: is not an ordinary file; name another$"):
        gx.save(path, 1.0)
    assert path.is_fifo()


@pytest.mark.parametrize("name", ["a\0b", "a\ud800b"])
def test_what_is_no_path(tmp_path, name):
    with pytest.raises(OutputError, match=r"^.*a.b: cannot be written \(.*\); name another file$"):
        gx.save(tmp_path / name, 1.0)
    with pytest.raises(InputError, match=r"^.*a.b: is no path \(.*\); check it$"):
        gx.load(tmp_path / name, 1.0)


def test_links_in_a_circle(tmp_path):
    (tmp_path / "a").symlink_to(tmp_path / "b")
    (tmp_path / "b").symlink_to(tmp_path / "a")
    with pytest.raises(OutputError, match=r"a: cannot be written \(.*\); name another file$"):
        gx.save(tmp_path / "a", 1.0)
