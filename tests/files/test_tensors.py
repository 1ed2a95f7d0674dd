"""Tensors: what is written is what the safetensors package reads and the other way round.

And a header is never believed.
"""

import json
import math
import re
import struct
import sys

import numpy as np
import pytest
import safetensors.numpy as judge
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst
from safetensors import SafetensorError, safe_open

from gradx.files.errors import InputError, OutputError
from gradx.files.tensors import TensorFile, read_tensors, write_tensors
from tests.mnist.idx_files import peak_memory

REAL = [f"{kind}{size}" for kind in "iu" for size in (1, 2, 4, 8)] + ["f2", "f4", "f8", "?"]
F32 = {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}


@pytest.fixture
def path(tmp_path):
    return tmp_path / "a file.safetensors"


def same(x, y):
    """Whether two arrays are equal to the bit."""
    return x.dtype == y.dtype and x.shape == y.shape and x.tobytes() == y.tobytes()


def written(path, header, items=b"", length=None):
    """A file with a header of one's own."""
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text) if length is None else length) + text + items)
    return path


def refused(path, reason):
    with pytest.raises(InputError) as caught:
        read_tensors(path)
    assert str(caught.value) == f"{path}: is damaged or of another kind ({reason}); write it again"
    assert caught.value.reason == reason


names = st.text(min_size=1, max_size=8).filter(lambda name: name != "__metadata__")
names = names.filter(lambda name: name.isascii() or name.encode("utf-8", "ignore").decode() == name)
shapes = npst.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=4)


def arrays_of(dtypes):
    kinds = st.sampled_from(dtypes).flatmap(
        lambda kind: st.sampled_from("<>").map(lambda order: np.dtype(kind).newbyteorder(order))
    )
    plain = kinds.flatmap(lambda dtype: npst.arrays(dtype, shapes))
    return st.tuples(plain, st.sampled_from([None, "turned", "steps", "fortran"])).map(laid_out)


def laid_out(drawn):
    """An array in another order of memory."""
    x, how = drawn
    if how == "turned":
        return x.T
    if how == "steps" and x.ndim:
        return np.repeat(x, 2, axis=0)[::-2]
    return np.asfortranarray(x) if how == "fortran" and x.ndim else x


FILES = settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=80
)


@given(tensors=st.dictionaries(names, arrays_of(REAL), max_size=5), about=names)
@FILES
def test_the_judge_reads_what_is_written(path, tensors, about):
    write_tensors(path, tensors, {"about": about})
    read = judge.load_file(path)
    assert read.keys() == tensors.keys()
    for name, x in tensors.items():
        assert same(read[name], np.array(x, x.dtype.newbyteorder("=")))


@given(tensors=st.dictionaries(names, arrays_of([*REAL, "c8"]), max_size=5))
@FILES
def test_what_the_judge_writes_is_read(path, tensors):
    tensors = {
        name: np.ascontiguousarray(x.astype(x.dtype.newbyteorder("="))).reshape(x.shape)
        for name, x in tensors.items()
    }
    judge.save_file(tensors, path, metadata={"about": "é"} if tensors else None)
    read, metadata = read_tensors(path)
    assert read.keys() == tensors.keys()
    assert all(same(read[name], x) for name, x in tensors.items())
    assert metadata == ({"about": "é"} if tensors else {})


@given(tensors=st.dictionaries(names, arrays_of([*REAL, "c8", "c16"]), max_size=5))
@FILES
def test_all_comes_back_to_the_bit(path, tensors):
    write_tensors(path, tensors)
    read, metadata = read_tensors(path)
    assert list(read) == list(tensors) and metadata == {}
    for name, x in tensors.items():
        assert same(read[name], np.array(x, x.dtype.newbyteorder("=")))
        assert read[name].flags.writeable and read[name].base is not x


def test_complex_numbers_are_pairs_to_others(path):
    z = np.array([[1 + 2j, 3 - 4j]])
    write_tensors(path, {"z": z, "single": z.astype(np.complex64)}, {"note": "ours"})
    others = judge.load_file(path)
    assert same(others["z"], np.array([[[1.0, 2.0], [3.0, -4.0]]]))
    assert same(others["single"], np.array([[[1, 2], [3, -4]]], np.float32))
    assert read_tensors(path)[1] == {"note": "ours"}


def test_every_array_is_aligned(path):
    write_tensors(path, {"a": np.ones(3, np.int8), "b": np.ones(2), "c": np.ones(1, np.float32)})
    with TensorFile(path) as file:
        assert file._start % 8 == 0
        for entry in file.entries.values():
            assert entry.begin % entry.dtype.itemsize == 0


def test_half_floats_of_google_are_read_as_float32(path):
    wanted = np.array([1.0, -2.5, np.inf, 3e38, 0], np.float32)
    halves = (wanted.view(np.uint32) >> 16).astype("<u2")
    written(path, {"x": {"dtype": "BF16", "shape": [5], "data_offsets": [0, 10]}}, halves.tobytes())
    found = read_tensors(path)[0]["x"]
    assert same(found, (halves.astype(np.uint32) << 16).view(np.float32))
    assert found[:3].tolist() == [1.0, -2.5, np.inf]


def test_a_file_without_arrays(path):
    write_tensors(path, {})
    assert read_tensors(path) == ({}, {})
    assert judge.load_file(path) == {}


# ---- what has no place -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("tensors", "metadata", "told"),
    [
        (
            {"a": np.array([None])},
            {},
            "'a' is of dtype object, which the layout does not have; convert it with "
            "x.astype(float)",
        ),
        (
            {"a": np.ones(2, np.longdouble)},
            {},
            f"'a' is of dtype {np.dtype(np.longdouble)}, which the layout does not have; convert "
            "it with x.astype(float)",
        ),
        (
            {"__metadata__": np.ones(2)},
            {},
            "'__metadata__' is no name for an array; choose another text",
        ),
        (
            {"\ud800": np.ones(2)},
            {},
            "'\\ud800' in a name or in the metadata is half a character; write names in UTF-8",
        ),
        (
            {},
            {"gradx.complex": ""},
            "the metadata 'gradx.complex' is gradx's own; choose another name",
        ),
    ],
)
def test_what_has_no_place_is_refused_before_anything_is_written(path, tensors, metadata, told):
    with pytest.raises(OutputError, match=f"^{re.escape(f'{path}: {told}')}$"):
        write_tensors(path, tensors, metadata)
    assert not path.exists()


@pytest.mark.parametrize("limit", ["_MOST_HEADER", "_MOST_PARTS"])
def test_more_names_than_a_header_holds(path, monkeypatch, limit):
    monkeypatch.setattr(f"gradx.files.tensors.{limit}", 80)
    with pytest.raises(
        OutputError,
        match=r"names of 20 arrays are too much for one header \(1,\d\d\d bytes\); join small",
    ):
        write_tensors(path, dict.fromkeys(map(str, range(20)), np.ones(1)))


# ---- headers that lie ------------------------------------------------------------------------


def test_what_is_no_file(tmp_path):
    for path, text in (
        (tmp_path / "none", "there is no such file; check the path"),
        (tmp_path, "is a directory; name a file in it"),
        (tmp_path / "none" / "of" / "it", "there is no such file; check the path"),
        (tmp_path / ("x" * 300), "cannot be read (File name too long); check the path"),
    ):
        with pytest.raises(InputError, match=f"^{re.escape(f'{path}: {text}')}$"):
            read_tensors(path)


@pytest.mark.parametrize(
    ("length", "reason"),
    [
        (
            2**64 - 1,
            "its header has 18,446,744,073,709,551,615 bytes, more than the 100,000,000 allowed",
        ),
        (100_000_001, "its header has 100,000,001 bytes, more than the 100,000,000 allowed"),
        (100_000_000, "its header has 100,000,000 bytes, and the file 10"),
        (3, "its header has 3 bytes, and the file 10"),
        (
            1,
            "its header: Expecting property name enclosed in double quotes: line 1 column 2 "
            "(char 1)",
        ),
        (0, "its header: Expecting value: line 1 column 1 (char 0)"),
    ],
)
def test_lengths_of_the_header(path, length, reason):
    with peak_memory() as peak:
        refused(written(path, b"{}", length=length), reason)
    assert peak() < 1_000_000


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (b"[]", "its header is no JSON object"),
        (b"\xff\xfe", "its header is no text in UTF-8"),
        (b'{"a": NaN}', "its header: NaN is no number of JSON"),
        (b'{"a": -Infinity}', "its header: -Infinity is no number of JSON"),
        (b'{"a": 1, "a": 1}', "its header: it has the key 'a' twice"),
        (b'{"a": {"b": 1, "b": 2}}', "its header: it has the key 'b' twice"),
        (b"[" * 100_000, "its header: it is nested too deep"),
        (b'{"a":' * 100_000, "its header: it is nested too deep"),
        (b"[" + b"[]," * 600_000, "its header has more than the 1,048,576 parts allowed"),
        (b'{"__metadata__": {"a": 1}}', "its metadata are not texts by name"),
        (b'{"__metadata__": []}', "its metadata are not texts by name"),
        (
            b'{"__metadata__": {"gradx.complex": "3"}}',
            "its metadata 'gradx.complex' is no list of names",
        ),
        (
            b'{"__metadata__": {"gradx.complex": "[\\"z\\"]"}}',
            "there is no 'z', which it calls complex",
        ),
        (b'{"a": 3}', "'a' has other parts than dtype, shape and data_offsets"),
    ],
)
def test_invalid_headers(path, text, reason):
    with peak_memory() as peak:
        refused(written(path, text), reason)
    assert peak() < 10_000_000


def test_a_number_of_a_million_digits(path):
    written(path, b'{"a": ' + b"9" * 1_000_000 + b"}")
    with pytest.raises(InputError, match=r"its header: .*limit \(\d+ digits\)"):
        read_tensors(path)


HUGE = 1 << 62


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        (
            {"dtype": "F8_E4M3"},
            "'a' is of dtype 'F8_E4M3', and those that are read are F16, F32, "
            "F64, I8, I16, I32, I64, U8, U16, U32, U64, BOOL, C64, BF16",
        ),
        (
            {"dtype": 3},
            "'a' is of dtype 3, and those that are read are F16, F32, F64, I8, I16, "
            "I32, I64, U8, U16, U32, U64, BOOL, C64, BF16",
        ),
        ({"more": 1}, "'a' has other parts than dtype, shape and data_offsets"),
        ({"shape": 1}, "'a' has shape 1, which is no list of whole numbers"),
        ({"shape": [-1]}, "'a' has shape [-1], which is no list of whole numbers"),
        ({"shape": [1.0]}, "'a' has shape [1.0], which is no list of whole numbers"),
        ({"shape": [True]}, "'a' has shape [True], which is no list of whole numbers"),
        ({"shape": [1 << 64]}, f"'a' has shape [{1 << 64}], which is no list of whole numbers"),
        ({"shape": [HUGE, 4]}, f"'a' has shape [{HUGE}, 4], too large for an array"),
        ({"shape": [HUGE] * 30}, f"'a' has shape {f'{[HUGE] * 30}'[:80]}, too large for an array"),
        ({"shape": [0, HUGE, 8]}, f"'a' has shape [0, {HUGE}, 8], too large for an array"),
        ({"shape": [1] * 33}, f"'a' has shape {f'{[1] * 33}'[:80]}, too large for an array"),
        (
            {"shape": [2]},
            "'a' of shape [2] and dtype F32 needs 8 bytes, and its data_offsets are 4 apart",
        ),
        ({"shape": []}, None),
        ({"data_offsets": [4, 0]}, "'a' has data_offsets [4, 0], which are no place"),
        ({"data_offsets": [0]}, "'a' has data_offsets [0], which are no place"),
        ({"data_offsets": [-4, 0]}, "'a' has data_offsets [-4, 0], which are no place"),
        ({"data_offsets": [0, 4, 4]}, "'a' has data_offsets [0, 4, 4], which are no place"),
        (
            {"data_offsets": [0, 3]},
            "'a' of shape [1] and dtype F32 needs 4 bytes, and its data_offsets are 3 apart",
        ),
        ({"data_offsets": [1, 5]}, "'a' leaves a hole behind the header"),
        ({"data_offsets": [HUGE, HUGE + 4]}, "'a' leaves a hole behind the header"),
    ],
)
def test_arrays_that_cannot_be(path, changes, reason):
    written(path, {"a": {**F32, **changes}}, bytes(4))
    if reason is None:
        assert read_tensors(path)[0]["a"].shape == ()
    else:
        refused(path, reason)


def place(begin, end, dtype="U8"):
    return {"dtype": dtype, "shape": [end - begin], "data_offsets": [begin, end]}


@pytest.mark.parametrize(
    ("header", "count", "reason"),
    [
        ({"a": place(0, 4), "b": place(3, 6)}, 6, "'b' overlaps 'a'"),
        ({"a": place(0, 4), "b": place(0, 4)}, 4, "'b' overlaps 'a'"),
        ({"a": place(0, 4), "b": place(5, 6)}, 6, "'b' leaves a hole behind 'a'"),
        ({"a": place(0, 4), "b": place(2, 2)}, 4, "'b' overlaps 'a'"),
        ({"a": place(0, 4)}, 5, "its arrays have 4 bytes, and the file has 5 for them"),
        ({"a": place(0, 4)}, 3, "its arrays have 4 bytes, and the file has 3 for them"),
        ({}, 1, "its arrays have 0 bytes, and the file has 1 for them"),
        ({"b": place(4, 6), "e": place(4, 4), "a": place(0, 4), "f": place(0, 0)}, 6, None),
    ],
)
def test_places(path, header, count, reason):
    written(path, header, bytes(count))
    if reason is None:
        assert list(read_tensors(path)[0]) == list(header)
        assert judge.load_file(path).keys() == header.keys()
    else:
        refused(path, reason)
        with pytest.raises(Exception, match="Error while deserializing"):
            judge.load_file(path)


@pytest.mark.parametrize("about", [{"dtype": "I32"}, {"shape": [1, 1]}, {"shape": []}])
def test_numbers_that_are_called_complex(path, about):
    header = {"__metadata__": {"gradx.complex": '["a"]'}, "a": {**F32, **about}}
    refused(
        written(path, header, bytes(4)),
        "'a' is called complex, and has not two floats for each number",
    )


def test_a_boolean_that_is_neither(path):
    written(path, {"a": place(0, 3, "BOOL")}, b"\x00\x02\x01")
    refused(path, "'a' holds 2, and is of 0 and 1")


def test_a_file_that_becomes_shorter_while_it_is_read(path):
    write_tensors(path, {"a": np.ones(4)})
    with TensorFile(path) as file:
        path.write_bytes(path.read_bytes()[:-1])
        with pytest.raises(InputError, match="it became shorter while 'a' was read"):
            file.read("a")


def test_what_a_file_says_is_told_in_one_short_line(path):
    written(path, {"\n" * 1_000_000: {**F32, "dtype": "\n" * 1_000_000}}, bytes(4))
    with pytest.raises(InputError, match="those that are read are") as caught:
        read_tensors(path)
    assert "\n" not in str(caught.value) and len(str(caught.value)) < len(str(path)) + 500


# ---- any file --------------------------------------------------------------------------------


def small(path):
    """A small file with all that there is."""
    tensors = {"w": np.arange(3.0), "z": np.array([1j]), "b": np.array([True]), "n": np.int8(3)}
    write_tensors(path, tensors, {"about": "x"})
    return path.read_bytes()


def is_read_or_told(path):
    try:
        read_tensors(path)
    except InputError as error:
        assert str(error).startswith(f"{path}: ") and "\n" not in str(error)
        return False
    return True


def test_a_file_that_ends_anywhere(path):
    whole = small(path)
    assert is_read_or_told(path)
    for end in range(len(whole)):
        path.write_bytes(whole[:end])
        assert not is_read_or_told(path), end
    path.write_bytes(whole + b"\x00")
    assert not is_read_or_told(path)


def test_a_bit_of_each_byte_of_the_header_turned(path, rng):
    whole = small(path)
    [length] = struct.unpack("<Q", whole[:8])
    for i, bit in enumerate(rng.integers(0, 8, 8 + length)):
        raw = bytearray(whole)
        raw[i] ^= 1 << int(bit)
        path.write_bytes(raw)
        is_read_or_told(path)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=5,
)
infos = st.fixed_dictionaries(
    {
        "dtype": st.sampled_from(["F32", "U8", "BOOL", "BF16", "C64", "F8_E4M3"]) | json_values,
        "shape": st.lists(st.integers(-1, 5), max_size=3) | json_values,
        "data_offsets": st.lists(st.integers(-1, 20), min_size=2, max_size=2) | json_values,
    }
)


@given(
    header=st.dictionaries(st.text(max_size=3), infos | json_values, max_size=3),
    items=st.binary(max_size=20),
)
@FILES
def test_any_header_is_read_or_told(path, header, items):
    is_read_or_told(written(path, header, items))


ITEMSIZE = {"F32": 4, "F64": 8, "U8": 1, "BOOL": 1, "BF16": 2, "I16": 2}


@given(data=st.data())
@FILES
def test_what_is_read_the_judge_takes_as_well(path, data):
    """A sound header with one number of it changed."""
    header, end = {}, 0
    for name in data.draw(st.lists(names, min_size=1, max_size=3, unique=True)):
        dtype = data.draw(st.sampled_from(sorted(ITEMSIZE)))
        shape = data.draw(st.lists(st.integers(0, 3), max_size=3))
        begin, end = end, end + math.prod(shape) * ITEMSIZE[dtype]
        header[name] = {"dtype": dtype, "shape": shape, "data_offsets": [begin, end]}
    count = end
    if data.draw(st.booleans()):
        numbers = data.draw(st.sampled_from([a["data_offsets"] for a in header.values()]))
        numbers[data.draw(st.integers(0, 1))] += data.draw(st.integers(-3, 3))
    written(path, header, bytes(count))
    try:
        with safe_open(path, "np") as judged:
            found = set(judged.keys())
    except SafetensorError:
        found = None
    assert is_read_or_told(path) == (found == header.keys())


@given(raw=st.binary(max_size=60))
@FILES
def test_any_bytes_are_told(path, raw):
    path.write_bytes(raw)
    is_read_or_told(path)


def test_memory_is_no_more_than_the_file_holds(path):
    tensors = {"a": np.ones(300_000), "b": np.ones(500_000, np.float32)}
    write_tensors(path, tensors)
    size = path.stat().st_size
    with peak_memory() as peak:
        read_tensors(path)
    assert peak() < size + 100_000
    del tensors
    with peak_memory() as peak:
        write_tensors(path, read_tensors(path)[0])
    assert peak() < size + 200_000


def test_bytes_of_another_order(path, monkeypatch):
    """On a machine of the other order the bytes are turned round in reading."""
    write_tensors(path, {"a": np.arange(3.0)})
    monkeypatch.setattr(sys, "byteorder", "big")
    assert same(read_tensors(path)[0]["a"], np.arange(3.0))
