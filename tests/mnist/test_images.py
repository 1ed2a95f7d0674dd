"""Pictures to predict: the shapes and types that are read, and everything else refused."""

import gzip
import math
import re
import struct
from io import BytesIO

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gradx.files.npy import NpyFile
from gradx.mnist import (
    IdxError,
    ImageError,
    MnistError,
    read_first_images,
    read_images,
)
from tests.mnist.idx_files import bomb, idx_bytes, peak_memory

PICTURES = np.arange(32, dtype=np.uint8).reshape(2, 4, 4)


@pytest.fixture
def write(tmp_path):
    def write(items, name="images"):
        path = tmp_path / name
        if isinstance(items, bytes):
            path.write_bytes(items)
        else:
            with path.open("wb") as stream:
                np.save(stream, items)
        return path

    return write


def refused(path, text, pixels=16):
    with pytest.raises(ImageError, match=f"^{re.escape(text.format(path=path))}$"):
        read_images(path, pixels)


@pytest.mark.parametrize("shape", [(2, 4, 4), (2, 16), (32,), (4, 8)])
def test_shapes(write, shape):
    pixels = 32 if shape in [(32,), (4, 8)] else 16
    rows = read_images(write(PICTURES.reshape(shape)), pixels)
    np.testing.assert_array_equal(rows, PICTURES.reshape(-1, pixels) / 255, strict=True)


def test_idx_files_of_one_picture_or_many(write):
    np.testing.assert_array_equal(
        read_images(write(idx_bytes(PICTURES)), 16), PICTURES.reshape(2, 16) / 255
    )
    np.testing.assert_array_equal(
        read_images(write(idx_bytes(PICTURES[1])), 16), PICTURES[1].reshape(1, 16) / 255
    )


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, ">f8"])
def test_floats_are_taken_as_they_are(write, dtype):
    items = (PICTURES / 64).astype(dtype)
    rows = read_images(write(items), 16)
    np.testing.assert_array_equal(rows, items.reshape(2, 16).astype(np.float64), strict=True)


def test_bools_and_fortran_order(write):
    np.testing.assert_array_equal(read_images(write(PICTURES > 9), 16).sum(), 22)
    rows = read_images(write(np.asfortranarray(PICTURES[0])), 16)
    np.testing.assert_array_equal(rows[0], PICTURES[0].ravel() / 255)


@pytest.mark.parametrize("shape", [(3, 5), (2, 4, 5), (15,), (), (2, 2, 2, 2), (0, 16), (0,)])
def test_other_shapes(write, shape):
    refused(
        write(np.zeros(shape)),
        f"{{path}}: shape {shape} holds no picture of 16 pixels, which the network takes; give an "
        "array of shape (4, 4) or (n, 4, 4)",
    )


def test_other_shapes_where_pictures_are_not_square(write):
    refused(
        write(np.zeros((2, 4))),
        "{path}: shape (2, 4) holds no picture of 6 pixels, which the network takes; give an array "
        "of shape (n, 6)",
        pixels=6,
    )


@pytest.mark.parametrize(
    ("items", "value", "dtype", "top"),
    [
        (np.full((4, 4), 256, np.int32), 256, "int32", 255),
        (np.full((4, 4), -1, np.int8), -1, "int8", 255),
        (np.full((4, 4), 1.5), 1.5, "float64", 1),
        (np.full((4, 4), np.nan), "nan", "float64", 1),
        (np.full((4, 4), np.inf, np.float32), "inf", "float32", 1),
    ],
)
def test_values_out_of_range(write, items, value, dtype, top):
    refused(
        write(items),
        f"{{path}}: pixel value {value} is out of range; {dtype} pixels go from 0 (paper) to {top} "
        "(ink)",
    )


@pytest.mark.parametrize("dtype", ["complex128", "<U3", "datetime64[s]", "V4"])
def test_types_that_are_no_pixels(write, dtype):
    path = write(np.zeros((4, 4), dtype))
    with pytest.raises(ImageError) as caught:
        read_images(path, 16)
    assert str(caught.value).startswith(f"{path}: pixels of type ")
    assert str(caught.value).endswith("give bytes from 0 to 255 or floats from 0 to 1")


def test_object_arrays_are_not_unpickled(write):
    refused(
        write(np.array([print, None], dtype=object)),
        "{path}: not a sound .npy file (it holds Python objects, which are not read); write it "
        "with numpy.save, without objects in it",
    )


def test_truncated_and_followed_by_garbage(write):
    stream = BytesIO()
    np.save(stream, PICTURES)
    raw = stream.getvalue()
    for damaged, count in ((raw[:-1], 31), (raw + b"x", 33)):
        refused(
            write(damaged),
            "{path}: not a sound .npy file (shape (2, 4, 4) of uint8 needs 32 bytes, here are "
            f"{count}); write it with numpy.save, without objects in it",
        )


def test_a_promise_reserves_no_memory(write):
    stream = BytesIO()
    header = {"descr": "<f8", "fortran_order": False, "shape": (1 << 40, 1 << 19)}
    np.lib.format.write_array_header_1_0(stream, header)
    with pytest.raises(ImageError, match=r"needs 4,611,686,018,427,387,904 bytes, here are 0"):
        read_images(write(stream.getvalue()), 16)


def test_missing(tmp_path):
    path = tmp_path / "none"
    with pytest.raises(MnistError, match=re.escape(f"{path}: there is no such file")):
        read_images(path, 16)


@given(data=st.data())
@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=500
)
def test_damaged_npy_files_are_refused_or_read(write, data):
    stream = BytesIO()
    np.save(stream, data.draw(st.sampled_from([PICTURES, PICTURES / 64, PICTURES[0]])))
    raw = bytearray(stream.getvalue())
    for _ in range(data.draw(st.integers(0, 3))):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    path = write(bytes(raw[: data.draw(st.integers(6, len(raw)))]))
    try:
        rows = read_images(path, 16)
    except MnistError as error:
        assert str(error).startswith(f"{path}: ")
        assert "\n" not in str(error)
    else:
        assert rows.shape[1] == 16 and rows.dtype == np.float64


def npy(header, items=b"", version=1):
    """An `.npy` file with a header of one's own."""
    text = header.encode() if isinstance(header, str) else header
    form = "<H" if version == 1 else "<I"
    return b"\x93NUMPY" + bytes([version, 0]) + struct.pack(form, len(text)) + text + items


def header(shape, descr="'|u1'", fortran=False):
    return f"{{'descr': {descr}, 'fortran_order': {fortran}, 'shape': {shape}}}"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (header("(True, 16)"), "shape (True, 16) holds what is no whole number"),
        (header("(0, 2**70)"), None),
        (header(f"(0, {2**70})"), f"shape (0, {2**70}) is too large for an array"),
        (header(f"(0, {2**62})", "'<f8'"), f"shape (0, {2**62}) is too large for an array"),
        (header("(-1, 16)"), "shape (-1, 16) is negative"),
        (header("(-1, -16)"), "shape (-1, -16) is negative"),
        (header("(1.0, 16)"), None),
        (header("[1, 16]"), None),
        (header("16"), None),
        (header("(1, 16)", fortran="2"), None),
        (header("(1, 16)", "()"), None),
        (header("(1, 16)", "[]"), None),
        (header("(1, 16)", "{}"), None),
        (header("(1, 16)", "None"), None),
        (header("(1, 16)", "'no type'"), None),
        (header("(1, 16)", f"('<f8', {2**70})"), None),
        (header("(1, 16)", f"('<f8', ({2**40}, {2**40}))"), None),
        (header("(1, 16)", "'|O'"), "it holds Python objects, which are not read"),
        (header("(1, 16)", "[('a', '|O')]"), "it holds Python objects, which are not read"),
        (
            header("(1, 16)", "('<f8', (2,))"),
            "its items are of type ('<f8', (2,)), which is no type for an array",
        ),
        (
            header(f"({2**60},)", "'|V0'"),
            "its items are of type |V0, which is no type for an array",
        ),
        (header("(1,)" * 2), None),
        (header("(1, 16)") + " + []", None),
        ("[" * 9000, None),
        ("-" * 9000, None),
        (b"\xff\xfe", None),
        ("", None),
        ("\0", None),
        ("{'descr': '|u1'}", None),
    ],
)
def test_headers_of_npy_files(write, text, reason):
    path = write(npy(text, bytes(16)))
    with pytest.raises(ImageError) as caught:
        read_images(path, 16)
    told = str(caught.value)
    assert told.startswith(f"{path}: not a sound .npy file (") and "\n" not in told
    assert told.endswith("); write it with numpy.save, without objects in it")
    assert reason is None or f"({reason});" in told


def test_a_long_header_is_not_read(write):
    refused(
        write(b"\x93NUMPY\x02\0\xff\xff\xff\xff"),
        "{path}: not a sound .npy file (its header has 4,294,967,295 bytes, more than the 10,000 "
        "allowed); write it with numpy.save, without objects in it",
    )


@pytest.mark.parametrize("cut", [7, 8, 9, 11, 40])
def test_a_header_that_ends_too_early(write, cut):
    path = write(npy(header("(1, 16)"))[:cut])
    with pytest.raises(ImageError, match=r"not a sound \.npy file \(.*\); write it with"):
        read_images(path, 16)


@pytest.mark.parametrize("version", [b"\x03\0", b"\x01\x01", b"\0\0"])
def test_other_versions_of_npy(write, version):
    path = write(b"\x93NUMPY" + version + bytes(100))
    with pytest.raises(ImageError, match=r"its format version \(\d, \d\) is not known|only"):
        read_images(path, 16)


def test_version_2_is_read(write):
    rows = read_images(write(npy(header("(2, 16)"), bytes(range(32)), version=2)), 16)
    np.testing.assert_array_equal(rows, np.arange(32).reshape(2, 16) / 255)


@pytest.mark.parametrize("shape", [(3, 4, 4), (3, 16), (4, 4), (16,)])
@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("most", [None, 1, 2, 100])
def test_the_first_pictures_of_many(write, shape, order, most, monkeypatch):
    monkeypatch.setattr("gradx.mnist.images._BLOCK", 16)  # a picture a block
    items = np.arange(math.prod(shape), dtype=np.uint8).reshape(shape)
    rows, count = read_first_images(write(np.asarray(items, order=order)), 16, most)
    expected = items.reshape(-1, 16) / 255
    assert count == len(expected)
    np.testing.assert_array_equal(rows, expected[:most], strict=True)


def test_pictures_that_are_not_kept_are_looked_at(write, monkeypatch):
    monkeypatch.setattr("gradx.mnist.images._BLOCK", 16)
    items = np.zeros((4, 4, 4))
    items[3, 2, 1] = np.nan
    path = write(items)
    with pytest.raises(ImageError, match="pixel value nan is out of range"):
        read_first_images(path, 16, 1)
    path = write(gzip.compress(idx_bytes(np.zeros((4, 4, 4), np.uint8)))[:-9])
    with pytest.raises(IdxError, match="the gzip data ends too early"):
        read_first_images(path, 16, 1)


@pytest.mark.parametrize("fortran", [False, True])
def test_items_that_end_too_early(fortran):
    """Whoever gave the size was wrong, as for a file that is cut while it is read."""
    raw = npy(header("(2, 16)", fortran=fortran), bytes(30))
    file = NpyFile(BytesIO(raw), len(raw) + 2)
    with pytest.raises(ValueError, match="it ends 2 bytes too early"):
        list(file.blocks(16))


def test_a_bool_is_0_or_1(write):
    refused(
        write(npy(header("(16,)", "'|b1'"), bytes([1] * 15 + [2]))),
        "{path}: pixel value 2 is out of range; bool pixels go from 0 (paper) to 1 (ink)",
    )


def test_many_pictures_in_little_gzip_take_little_memory(write):
    path = write(bomb("0000080300000fa00000006400000064", megabytes=40))  # 4,000 of 100 x 100
    with peak_memory() as peak:
        rows, count = read_first_images(path, 10_000, 10)
    assert (rows.shape, count, rows.any()) == ((10, 10_000), 4000, False)
    assert peak() < 20_000_000


@pytest.mark.parametrize("pixels", [16, 999_999])
def test_pictures_of_another_size_are_not_unpacked(write, pixels):
    path = write(bomb("0000080300000bb8000003e8000003e8", megabytes=40))
    with (
        peak_memory() as peak,
        pytest.raises(ImageError, match=r"shape \(3000, 1000, 1000\) holds no picture of"),
    ):
        read_images(path, pixels)
    assert peak() < 2_000_000
