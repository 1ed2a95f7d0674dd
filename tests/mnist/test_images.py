"""Pictures to predict: the shapes and types that are read, and everything else refused."""

import re
from io import BytesIO

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gradx.mnist import ImageError, MnistError, read_images
from tests.mnist.idx_files import idx_bytes

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
    header = {"descr": "<f8", "fortran_order": False, "shape": (1 << 40, 1 << 20)}
    np.lib.format.write_array_header_1_0(stream, header)
    with pytest.raises(ImageError, match=r"needs 9,223,372,036,854,775,808 bytes, here are 0"):
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
