"""Part files: removed where their process is gone, left alone where it is not."""

import os
import signal
import subprocess
import sys

import pytest

from gradx.files import partfiles
from gradx.files.errors import OutputError
from gradx.files.partfiles import new_part, remove_abandoned
from gradx.files.writing import write_whole

ABANDONED = ".gradx-0123456789abcdef.part"

# Begins to write a part file, says so, and waits for its end. The module is loaded by itself, since
# importing gradx would take most of the time.
WRITER = f"""
import importlib.util, time
from pathlib import Path
spec = importlib.util.spec_from_file_location("partfiles", {partfiles.__file__!r})
module = importlib.util.module_from_spec(spec)
spec.loader.exec_module(module)
with module.new_part(Path()) as (path, stream):
    print("writing", flush=True)
    time.sleep(60)
"""


def parts(directory):
    return sorted(name for name in os.listdir(directory) if name.endswith(".part"))


@pytest.fixture
def writer(tmp_path):
    """Another process that is in the middle of writing."""
    process = subprocess.Popen(
        [sys.executable, "-c", WRITER], cwd=tmp_path, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout.readline() == "writing\n"
    yield process
    process.kill()
    process.communicate()


def test_what_a_killed_process_left_is_removed_and_not_before(tmp_path, writer):
    [theirs] = parts(tmp_path)
    write_whole(tmp_path / "other", lambda stream: stream.write(b"whole"))
    assert parts(tmp_path) == [theirs], "it is still being written"
    writer.send_signal(signal.SIGKILL)
    writer.wait()
    assert parts(tmp_path) == [theirs]
    write_whole(tmp_path / "other", lambda stream: stream.write(b"again"))
    assert os.listdir(tmp_path) == ["other"]


def test_room_is_made_before_it_is_needed(tmp_path):
    (tmp_path / ABANDONED).write_bytes(b"half")
    seen = []
    write_whole(tmp_path / "file", lambda stream: seen.extend(parts(tmp_path)))
    assert len(seen) == 1 and ABANDONED not in seen


@pytest.mark.parametrize(
    "name", [".gradx-x.part", "x" + ABANDONED, ABANDONED + "x", ABANDONED.upper(), "model.part"]
)
def test_files_of_other_names_stay(tmp_path, name):
    (tmp_path / name).touch()
    (tmp_path / ABANDONED).touch()
    remove_abandoned(tmp_path)
    assert os.listdir(tmp_path) == [name]


def test_what_is_no_ordinary_file_stays(tmp_path):
    target = tmp_path / "target"
    target.touch()
    names = [f".gradx-{i:016x}.part" for i in range(3)]
    os.mkfifo(tmp_path / names[0])
    (tmp_path / names[1]).symlink_to(target)
    (tmp_path / names[2]).mkdir()
    remove_abandoned(tmp_path)
    assert sorted(os.listdir(tmp_path)) == [*names, "target"]


def test_files_of_other_users_stay(tmp_path, monkeypatch):
    (tmp_path / ABANDONED).touch()
    monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)
    remove_abandoned(tmp_path)
    assert parts(tmp_path) == [ABANDONED]


def test_where_nothing_can_be_locked_nothing_is_removed(tmp_path, monkeypatch):
    def fail(file, how):
        raise OSError(95, "Operation not supported")

    monkeypatch.setattr(partfiles.fcntl, "flock", fail)
    (tmp_path / ABANDONED).touch()
    write_whole(tmp_path / "file", lambda stream: stream.write(b"new"))
    assert sorted(os.listdir(tmp_path)) == [ABANDONED, "file"]
    assert (tmp_path / "file").read_bytes() == b"new"


def test_a_directory_that_cannot_be_looked_through_can_be_written_to(tmp_path, monkeypatch):
    def fail(path):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "scandir", fail)
    write_whole(tmp_path / "file", lambda stream: stream.write(b"new"))
    assert (tmp_path / "file").read_bytes() == b"new"


@pytest.mark.parametrize("when", ["locked", "removed"])
def test_a_new_file_that_was_taken_for_abandoned_is_made_again(tmp_path, monkeypatch, when):
    """Another process looks at the file after it was made and before it was locked."""
    lock, calls = partfiles._lock, []

    def late(file):
        calls.append(file)
        if len(calls) == 1:
            if when == "locked":
                raise BlockingIOError(11, "Resource temporarily unavailable")
            [path] = tmp_path.iterdir()
            path.unlink()
        lock(file)

    monkeypatch.setattr(partfiles, "_lock", late)
    with new_part(tmp_path) as (path, stream):
        stream.write(b"whole")
        stream.flush()
        assert path.read_bytes() == b"whole"
        assert len(calls) == 2


def test_a_part_that_was_not_moved_is_removed(tmp_path):
    with pytest.raises(KeyError), new_part(tmp_path):
        raise KeyError
    with pytest.raises(OutputError, match="No space left"):
        write_whole(tmp_path / "file", fail_for_space)
    assert os.listdir(tmp_path) == []


def fail_for_space(stream):
    raise OSError(28, "No space left on device")
