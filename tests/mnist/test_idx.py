"""The IDX reader: every type and rank, every kind of damage, and random bytes."""

import gzip
import re

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from gradx.errors import GradxError
from gradx.mnist import IdxError, MnistError, read_idx
from gradx.mnist.idx import IdxFile, open_binary
from tests.mnist.idx_files import CODES, bomb, idx_bytes, peak_memory

BYTES = np.arange(24, dtype=np.uint8).reshape(2, 3, 4)


@pytest.fixture
def write(tmp_path):
    def write(raw, name="file"):
        path = tmp_path / name
        path.write_bytes(raw)
        return path

    return write


def refused(path, text):
    with pytest.raises(IdxError, match=f"^{re.escape(text.format(path=path))}$"):
        read_idx(path)


@pytest.mark.parametrize("code", CODES)
@pytest.mark.parametrize("compress", [bytes, gzip.compress], ids=["plain", "gzip"])
def test_every_type_is_read_back(write, code, compress):
    items = (np.arange(12) - 3 * (code[0] != "u")).reshape(3, 2, 2).astype(code)
    back = read_idx(write(compress(idx_bytes(items))))
    np.testing.assert_array_equal(back, items, strict=True)
    assert back.dtype.isnative


@given(
    items=hnp.arrays(
        dtype=st.sampled_from([np.uint8, np.int16, np.float32]),
        shape=hnp.array_shapes(min_dims=1, max_dims=4, min_side=0, max_side=4),
        elements={"allow_nan": False},
    )
)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_any_array_is_read_back(write, items):
    np.testing.assert_array_equal(read_idx(write(idx_bytes(items))), items, strict=True)


def test_compression_is_seen_in_the_bytes_not_in_the_name(write):
    assert read_idx(write(idx_bytes(BYTES), "plain.gz")).shape == (2, 3, 4)
    assert read_idx(write(gzip.compress(idx_bytes(BYTES)), "compressed")).shape == (2, 3, 4)


def test_gzip_in_several_members_is_one_file(write):
    raw = idx_bytes(BYTES)
    np.testing.assert_array_equal(
        read_idx(write(gzip.compress(raw[:20]) + gzip.compress(raw[20:]))), BYTES
    )


def test_a_path_may_be_text_and_the_array_is_writable(write):
    items = read_idx(str(write(idx_bytes(BYTES))))
    items[0] = 0
    assert not items[0].any()


def test_missing(tmp_path):
    refused(tmp_path / "none", "{path}: there is no such file; check the path")


def test_directory(tmp_path):
    refused(tmp_path, "{path}: is a directory, not an IDX file; name a file in it")


def test_a_file_used_as_a_directory(write):
    refused(write(b"") / "file", "{path}: cannot be read (Not a directory); check the file")


def test_empty(write):
    refused(write(b""), "{path}: the file is empty; copy it again")
    refused(write(gzip.compress(b"")), "{path}: the file is empty; copy it again")


def test_shorter_than_a_magic_number(write):
    refused(
        write(b"\0\0\x08"),
        "{path}: truncated: an IDX file begins with 4 bytes, here are 3; copy it again",
    )


@pytest.mark.parametrize(
    "magic", ["00000703", "00000800", "01000801", "00010801", "000008ff", "89504e47"]
)
def test_wrong_magic_number(write, magic):
    refused(
        write(bytes.fromhex(magic) + bytes(100)),
        "{path}: wrong magic number 0x" + magic + ", so this is no IDX file; MNIST has 0x00000803 "
        "for images and 0x00000801 for labels",
    )


def test_truncated_in_the_header(write):
    refused(
        write(idx_bytes(BYTES)[:9]),
        "{path}: truncated in its header: 3 lengths need 12 bytes, here are 5; copy it again",
    )


@pytest.mark.parametrize("compress", [bytes, gzip.compress], ids=["plain", "gzip"])
def test_truncated_in_the_items(write, compress):
    refused(
        write(compress(idx_bytes(BYTES)[:-1])),
        "{path}: truncated: shape (2, 3, 4) needs 24 bytes of items, here are 23; copy it again",
    )


@pytest.mark.parametrize("compress", [bytes, gzip.compress], ids=["plain", "gzip"])
def test_garbage_after_the_items(write, compress):
    refused(
        write(compress(idx_bytes(BYTES) + b"x")),
        "{path}: garbage after the 24 bytes that shape (2, 3, 4) needs; copy it again",
    )


def test_garbage_after_the_gzip_data(write):
    refused(
        write(gzip.compress(idx_bytes(BYTES)) + b"garbage"),
        "{path}: garbage after the 24 bytes that shape (2, 3, 4) needs; copy it again",
    )


def test_truncated_gzip(write):
    refused(
        write(gzip.compress(idx_bytes(BYTES))[:-9]),
        "{path}: the gzip data ends too early, so the file is truncated; copy it again",
    )


def test_corrupt_gzip(write):
    raw = bytearray(gzip.compress(idx_bytes(BYTES)))
    raw[-6] ^= 0xFF  # in the checksum
    path = write(raw)
    with pytest.raises(IdxError) as caught:
        read_idx(path)
    pattern = rf"{re.escape(str(path))}: the gzip data is corrupt \(CRC check failed .*\); copy "
    assert re.fullmatch(pattern + "the file again", str(caught.value))


def test_a_header_promise_reserves_no_memory(write):
    path = write(bytes.fromhex("00000e03") + b"\0\0\xff\xff" * 3 + bytes(1000))
    with peak_memory() as peak:
        refused(
            path,
            f"{{path}}: truncated: shape (65535, 65535, 65535) needs {8 * 65535**3:,} bytes of "
            "items, here are 1,000; copy it again",
        )
    assert peak() < 10_000_000


@pytest.mark.parametrize("first", ["ffffffff", "00000000"])
def test_a_shape_that_no_array_can_have(write, first):
    path = write(bytes.fromhex("00000e04" + first) + b"\xff" * 12)
    refused(
        path,
        f"{{path}}: shape ({int(first, 16)}, 4294967295, 4294967295, 4294967295) is too large for "
        "an array; copy it again",
    )


def test_the_shape_is_known_before_the_items_are_unpacked(write):
    path = write(bomb("0000080300000bb8000003e8000003e8"))  # 3,000 images of 1,000 x 1,000
    with peak_memory() as peak, open_binary(path) as stream:
        assert IdxFile(stream, str(path)).shape == (3000, 1000, 1000)
    assert peak() < 1_000_000


def test_blocks_are_the_items_in_order(write):
    items = np.arange(35, dtype=np.int16).reshape(7, 5)
    path = write(gzip.compress(idx_bytes(items)))
    with open_binary(path) as stream:
        blocks = list(IdxFile(stream, str(path)).blocks(10))
    assert [len(block) for block in blocks] == [10, 10, 10, 5]
    np.testing.assert_array_equal(np.concatenate(blocks), items.ravel(), strict=True)


def test_a_device_without_end_ends(tmp_path):
    refused(
        "/dev/zero",
        "{path}: wrong magic number 0x00000000, so this is no IDX file; MNIST has 0x00000803 for "
        "images and 0x00000801 for labels",
    )


def test_errors_have_one_base():
    assert issubclass(IdxError, MnistError) and issubclass(MnistError, GradxError)


@given(raw=st.binary(max_size=200), compress=st.booleans())
@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=300
)
def test_random_bytes_are_refused_or_read(write, raw, compress):
    read_or_refuse(write(gzip.compress(raw) if compress else raw))


@given(data=st.data(), compress=st.booleans())
@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=500
)
def test_damaged_files_are_refused_or_read(write, data, compress):
    raw = bytearray(idx_bytes(BYTES))
    if compress:
        raw = bytearray(gzip.compress(bytes(raw)))
    for _ in range(data.draw(st.integers(0, 3))):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(raw)))
    read_or_refuse(write(bytes(raw[:cut]) + data.draw(st.binary(max_size=8))))


def read_or_refuse(path):
    try:
        items = read_idx(path)
    except IdxError as error:
        assert str(error).startswith(f"{path}: ")
        assert ";" in str(error)
    else:
        assert isinstance(items, np.ndarray)
