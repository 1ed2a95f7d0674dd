"""Archives: nothing of an .npz file is unpacked before it is known to fit."""

import zipfile
from io import BytesIO

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import gradx as gx
from gradx.files.archives import Archive, write_archive
from gradx.files.errors import InputError, OutputError
from tests.mnist.idx_files import peak_memory

LIKE = {"a": np.zeros((2, 3)), "b": [np.zeros(4, np.float32), 1.0]}


@pytest.fixture
def path(tmp_path):
    """An archive of two arrays and a number."""
    path = tmp_path / "a.npz"
    gx.save(path, {"a": np.arange(6.0).reshape(2, 3), "b": [np.ones(4, np.float32), 2.5]})
    return path


def refused(path, reason):
    with pytest.raises(InputError) as caught:
        gx.load(path, LIKE)
    assert str(caught.value) == f"{path}: is damaged or of another kind ({reason}); write it again"


def members_of(path):
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def zipped(path, members, compression=zipfile.ZIP_DEFLATED):
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, raw in members.items():
            archive.writestr(name, raw)


def npy(array, allow_pickle=False):
    stream = BytesIO()
    np.save(stream, array, allow_pickle=allow_pickle)
    return stream.getvalue()


def test_what_numpy_writes_is_read(path):
    arrays = {"a": np.ones((2, 3), order="F"), "b.0": np.ones(4, "f4"), "b.1": np.array(2.0)}
    for write in (np.savez, np.savez_compressed):
        write(path, **arrays)
        found = gx.load(path, LIKE)
        assert found["a"].tolist() == [[1, 1, 1]] * 2 and found["b"][1] == 2.0


def test_truncated(path):
    path.write_bytes(path.read_bytes()[:-30])
    refused(path, "it is no sound .npz file: File is not a zip file")


def test_a_changed_byte_is_noticed(path):
    raw = bytearray(path.read_bytes())
    raw[raw.index(np.arange(6.0).tobytes()) + 3] ^= 1
    path.write_bytes(raw)
    refused(path, "it is no sound .npz file: Bad CRC-32 for file 'a.npy'")


def test_objects_are_not_unpickled(path):
    members = members_of(path)
    members["a.npy"] = npy(np.array([[print] * 3] * 2, dtype=object), allow_pickle=True)
    zipped(path, members)
    refused(path, "its array 'a' is damaged: it holds Python objects, which are not read")


def test_a_compressed_bomb_is_not_unpacked(path):
    members = members_of(path)
    members["a.npy"] += bytes(50_000_000)
    zipped(path, members)
    del members
    with peak_memory() as peak:
        refused(
            path,
            "its array 'a' is damaged: shape (2, 3) of float64 needs 48 bytes, here are 50,000,048",
        )
    assert peak() < 1_000_000


def test_the_items_are_not_unpacked_before_they_are_known_to_fit(path):
    members = members_of(path)
    members["a.npy"] = npy(np.zeros((1000, 5000)))
    zipped(path, members)
    del members
    with (
        peak_memory() as peak,
        pytest.raises(gx.FileError, match=r"a is float64 of shape \(1000, 5000\), not float64 of"),
    ):
        gx.load(path, LIKE)
    assert peak() < 1_000_000


def test_a_text_without_end_is_not_unpacked(path):
    members = members_of(path)
    members["__metadata__.npy"] = npy(np.array(b" " * 20_000_000))
    zipped(path, members)
    del members
    with peak_memory() as peak:
        refused(path, "its array '__metadata__' has 20,000,128 bytes, too many")
    assert peak() < 1_000_000


def test_a_text_that_is_several(path):
    members = members_of(path)
    members["__metadata__.npy"] = npy(np.array([b"{}"] * 3))
    zipped(path, members)
    refused(path, "its array '__metadata__' is no text")


def test_a_text_that_is_too_long_to_be_read_back(path, monkeypatch):
    monkeypatch.setattr("gradx.files.formats.MOST_TEXT", 10)
    with pytest.raises(
        OutputError, match=r"a text of \d+ bytes is too long for an \.npz file; choo"
    ):
        gx.save(path, LIKE)


@pytest.mark.parametrize("name", ["bz2", "lzma"])
def test_other_compressions_are_not_unpacked(path, name):
    pytest.importorskip(name)
    zipped(path, members_of(path), getattr(zipfile, f"ZIP_{name.upper().replace('BZ2', 'BZIP2')}"))
    refused(path, "its array '__metadata__' is compressed as NumPy compresses none")


def test_a_table_of_contents_without_end(path):
    with zipfile.ZipFile(path, "a") as archive:
        for member in archive.infolist():
            member.comment = bytes(60_000)
        for i in range(16):
            member = zipfile.ZipInfo(f"more{i}")
            member.comment = bytes(60_000)
            archive.writestr(member, b"")
        archive._didModify = True
    with pytest.raises(
        InputError, match=r"\(its table of contents has 1,2\d\d,\d{3} bytes, too ma"
    ):
        gx.load(path, LIKE)


def test_more_arrays_than_a_table_of_contents_holds(tmp_path):
    with pytest.raises(
        OutputError, match=r"20,000 arrays are too many for an \.npz file; choose a"
    ):
        write_archive(tmp_path / "a.npz", dict.fromkeys(map(str, range(20_000)), np.ones(1)))


def test_what_is_not_there(path):
    with Archive(path) as archive, pytest.raises(InputError, match="it has no array 'c'"):
        archive.read("c")


def test_what_a_file_says_is_told_in_one_line(path):
    """A name in the data that is not the one in the table of contents."""
    raw, name = path.read_bytes(), b"b.0.npy"
    at = raw.index(name)
    path.write_bytes(raw[:at] + b"\n" * len(name) + raw[at + len(name) :])
    with pytest.raises(InputError, match="it is no sound") as caught:
        gx.load(path, LIKE)
    assert "\n" not in str(caught.value)


def test_no_memory_is_no_damage(path, monkeypatch):
    def fail(stream, size):
        raise MemoryError("Unable to allocate 1 GiB")

    monkeypatch.setattr("gradx.files.archives.NpyFile", fail)
    with pytest.raises(MemoryError, match="Unable to allocate"):
        gx.load(path, LIKE)


@given(data=st.data())
@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=200
)
def test_damaged_files_are_told_or_read(path, data):
    sound = path.read_bytes()
    raw = bytearray(sound)
    try:
        for _ in range(data.draw(st.integers(1, 4))):
            raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
        path.write_bytes(raw[: data.draw(st.just(len(raw)) | st.integers(0, len(raw)))])
        try:
            gx.load(path, LIKE)
        except gx.FileError as error:
            assert str(error).startswith(f"{path}: ") and "\n" not in str(error)
    finally:
        path.write_bytes(sound)
