"""Lines: each is there at once, and none is there in half."""

import json
from io import FileIO
from pathlib import Path

import pytest

from gradx.files.lines import JsonLines
from tests.files.test_writing import refused


def test_lines_are_there_at_once_and_not_before(tmp_path):
    path = tmp_path / "lines"
    path.write_text("old\n")
    with JsonLines(path, append=False) as lines:
        assert path.read_text() == "old\n"
        lines.write({"a": 1})
        assert path.read_text() == '{"a": 1}\n'
        lines.write({"b": [0.5]})
    assert [json.loads(line) for line in path.read_text().splitlines()] == [{"a": 1}, {"b": [0.5]}]


def test_lines_are_appended(tmp_path):
    path = tmp_path / "lines"
    path.write_text("old\n")
    with JsonLines(path, append=True) as lines:
        lines.write({"a": 1})
    assert path.read_text() == 'old\n{"a": 1}\n'


def test_two_writers_keep_each_others_lines(tmp_path):
    path = tmp_path / "lines"
    with JsonLines(path, append=False) as one, JsonLines(path, append=False) as other:
        one.write({"one": 1})
        other.write({"other": 1})
        one.write({"one": 2})
        other.write({"other": 2})
    assert path.read_text() == '{"other": 1}\n{"one": 2}\n{"other": 2}\n'


def test_lines_that_cannot_be_written(tmp_path):
    with JsonLines(tmp_path, append=False) as lines:
        refused(
            lambda: lines.write({}),
            f"{tmp_path}: cannot be written (Is a directory); name another file",
        )
    with JsonLines(Path("/dev/full"), append=False) as full:
        refused(
            lambda: full.write({}),
            "/dev/full: cannot be written (No space left on device); name another file",
        )


@pytest.mark.parametrize("append", [True, False])
def test_a_line_that_finds_no_room_leaves_no_half_of_it(tmp_path, append):
    path = tmp_path / "lines"
    path.write_text("old\n")
    with JsonLines(path, append=append) as lines:
        lines.write({"a": 1})
        before = path.read_bytes()
        lines._stream.close()
        lines._stream = Full(path, "ab")
        refused(
            lambda: lines.write({"b": 2}),
            f"{path}: cannot be written (No space left on device); name another file",
        )
    assert path.read_bytes() == before
    with JsonLines(path, append=True) as lines:
        lines.write({"c": 3})
    assert path.read_bytes() == before + b'{"c": 3}\n'


class Full(FileIO):
    """A file on a disk that has room for five bytes."""

    room = 5

    def write(self, raw):
        if not self.room:
            raise OSError(28, "No space left on device")
        written = super().write(raw[: self.room])
        self.room -= written
        return written
