"""Outputs: written whole or not at all, and refused before the work begins."""

import os
import re
import stat
from pathlib import Path

import pytest

from gradx.files.errors import FileError, OutputError
from gradx.files.writing import check_writable, write_whole


def refused(act, text):
    with pytest.raises(OutputError, match=f"^{re.escape(text)}$"):
        act()


@pytest.fixture
def locked(tmp_path, monkeypatch):
    """A directory in which nothing can be made; permissions would not stop the superuser."""

    def fail(*args, **kwargs):
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr("gradx.files.writing.tempfile.TemporaryFile", fail)
    return tmp_path


def test_files_that_can_be_written(tmp_path, monkeypatch):
    there = tmp_path / "there"
    there.write_text("as it was")
    check_writable(there, whole=True)
    check_writable(tmp_path / "new", whole=True)
    monkeypatch.chdir(tmp_path)
    check_writable(there.relative_to(tmp_path), whole=True)
    assert there.read_text() == "as it was"
    assert os.listdir(tmp_path) == ["there"]


def test_a_directory(tmp_path):
    text = f"{tmp_path}: is a directory; name a file in it"
    refused(lambda: check_writable(tmp_path, whole=True), text)


def test_no_such_directory(tmp_path):
    refused(
        lambda: check_writable(tmp_path / "none" / "file", whole=True),
        f"{tmp_path}/none/file: cannot be written, there is no directory {tmp_path}/none; make it "
        "first",
    )


def test_a_write_protected_file(tmp_path, monkeypatch):
    path = tmp_path / "file"
    path.touch()
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    refused(
        lambda: check_writable(path, whole=True),
        f"{path}: is write-protected; name another file",
    )


def test_a_file_system_that_takes_nothing(locked):
    refused(
        lambda: check_writable(locked / "file", whole=True),
        f"{locked}/file: cannot be written (Read-only file system); name another file",
    )


def test_a_name_that_is_too_long(tmp_path):
    path = tmp_path / ("x" * 300)
    refused(
        lambda: check_writable(path, whole=True),
        f"{path}: cannot be written (File name too long); name another file",
    )


def test_a_device_takes_lines_but_is_not_replaced():
    check_writable(Path("/dev/null"), whole=False)
    refused(
        lambda: check_writable(Path("/dev/null"), whole=True),
        "/dev/null: is not an ordinary file; name another",
    )


def test_errors_of_files_are_of_one_family(tmp_path):
    with pytest.raises(FileError, match=r": is a directory; name a file in it$"):
        write_whole(tmp_path, lambda stream: None)


def test_a_link_stays_a_link(tmp_path):
    target, link = tmp_path / "target", tmp_path / "link"
    target.write_text("old")
    link.symlink_to(target)
    write_whole(link, lambda stream: stream.write(b"new"))
    assert link.is_symlink() and target.read_text() == "new"


def test_permissions_are_kept(tmp_path):
    path = tmp_path / "file"
    path.touch(mode=0o600)
    write_whole(path, lambda stream: stream.write(b"new"))
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_new_file_gets_the_usual_permissions(tmp_path):
    (tmp_path / "usual").touch()
    write_whole(tmp_path / "file", lambda stream: None)
    modes = {stat.S_IMODE((tmp_path / name).stat().st_mode) for name in ("usual", "file")}
    assert len(modes) == 1


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt()])
def test_what_fails_leaves_everything_as_it_was(tmp_path, error):
    path = tmp_path / "file"
    path.write_text("as it was")

    def write(stream):
        stream.write(b"half")
        raise error

    expected = OutputError if isinstance(error, OSError) else KeyboardInterrupt
    with pytest.raises(expected) as caught:
        write_whole(path, write)
    if isinstance(error, OSError):
        assert str(caught.value) == (
            f"{path}: cannot be written (No space left on device); name another file"
        )
    assert path.read_text() == "as it was"
    assert os.listdir(tmp_path) == ["file"]
