"""Values in files: what gx.save writes, gx.load fills into a value of the same structure."""

import json
import re
from collections import OrderedDict, deque
from dataclasses import dataclass, replace
from decimal import Decimal
from enum import Enum
from fractions import Fraction
from typing import Any, NamedTuple

import numpy as np
import pytest
import safetensors.numpy as judge

import gradx as gx
from gradx.files.errors import InputError, MismatchError, OutputError
from gradx.files.tensors import read_tensors, write_tensors


@dataclass(frozen=True)
class Layer:
    w: np.ndarray
    b: np.ndarray
    units: int = 3
    act: Any = np.tanh
    scale: float = gx.static(default=1.0)


@dataclass
class Net:
    layers: tuple[Layer, ...]
    name: str = "a net"
    order: Any = None
    more: Any = None


class Pair(NamedTuple):
    first: Any
    count: int
    second: Any


@dataclass(frozen=True)
class Count:
    step: int
    sizes: tuple[int, int] = (1, 2)


def layer(m=2, n=3, **more):
    return Layer(np.arange(float(m * n)).reshape(m, n), np.ones(m, np.float32), **more)


def net(**more):
    return Net((layer(), layer(1, 2)), **more)


def like(value):
    """A value of the same structure with other numbers."""
    return gx.map(lambda x: x * 0, value)


@pytest.fixture(params=["safetensors", "npz"])
def path(request, tmp_path):
    return tmp_path / f"a file.{request.param}"


@pytest.fixture
def tensors(tmp_path):
    """The path of a file in the layout of safetensors."""
    return tmp_path / "a file.safetensors"


def equal(x, y):
    """Whether two values are equal to the bit and in all types."""
    if type(x) is not type(y):
        return False
    if isinstance(x, (np.ndarray, np.generic)):
        return x.dtype == y.dtype and x.shape == y.shape and x.tobytes() == y.tobytes()
    if isinstance(x, dict):
        return list(x) == list(y) and all(equal(x[key], y[key]) for key in x)
    if isinstance(x, (list, tuple, deque)):
        return len(x) == len(y) and all(map(equal, x, y))
    if hasattr(x, "__dataclass_fields__"):
        return all(equal(getattr(x, name), getattr(y, name)) for name in x.__dataclass_fields__)
    return x == y or (x != x and y != y)


def mismatch(path, value, told):
    with pytest.raises(MismatchError) as caught:
        gx.load(path, value)
    assert str(caught.value) == (
        f"{path}: does not fit `like`: {told}; give a value of the structure that was saved"
    )


def not_saved(path, value, told):
    with pytest.raises(OutputError, match=f"^{re.escape(f'{path}: {told}')}$"):
        gx.save(path, value)
    assert not path.exists()


# ---- there and back --------------------------------------------------------------------------


def test_a_record_comes_back(path):
    before = net(more={"k": [1.5, {"z": 2 + 3j}]})
    gx.save(str(path), before)
    assert equal(gx.load(str(path), like(before)), before)


def test_names_are_the_ways_to_the_parts(tensors):
    gx.save(tensors, net(more={"k": [1.5], 7: np.ones(1)}))
    assert set(judge.load_file(tensors)) == {
        *(f"layers.{i}.{part}" for i in (0, 1) for part in ("w", "b", "units")),
        *("more.k.0", "more.7"),
    }


@pytest.mark.parametrize(
    "value",
    [
        1.5,
        3,
        2 - 1j,
        np.float32(1.5),
        np.ones((2, 0)),
        np.array(2.5),
        np.array([True, False]),
        np.array([1, 2], np.uint8),
        np.array([1 + 2j], np.complex64),
        np.ones(2, np.float16),
        (),
        [],
        {},
        [1, 2.5, 3j, np.int64(4), np.bool_(True)],
        OrderedDict(b=1.0, a=2.0),
        deque([1.0, 2.0], maxlen=3),
        Pair(np.ones(2), 5, 1.0),
        Count(7),
        (None, "text", True, len, 2.0),
        {"nan": float("nan"), "inf": float("inf"), "zero": -0.0, "large": 2**62},
        [Fraction(-1, 3), Decimal("1.50"), Decimal("-1E+5"), Decimal("NaN"), Decimal("-Infinity")],
    ],
    ids=str,
)
def test_values_come_back_with_their_types(path, value):
    gx.save(path, value)
    assert equal(gx.load(path, value), value)


def test_numbers_are_of_the_types_of_like(path):
    gx.save(path, [1, 2, 3.5])
    assert equal(gx.load(path, [0.0, 0j, 0j]), [1.0, 2 + 0j, 3.5 + 0j])
    mismatch(path, [0, 0, 0], "2 is float64 of shape (), not an int")


def test_what_has_no_gradient_but_is_a_number_is_written(path):
    before = net(order=np.array([2, 0, 1]), more=Count(12, (3, 4)))
    gx.save(path, before)
    other = net(order=np.zeros(3, int), more=Count(0))
    assert equal(gx.load(path, other), before)


def test_truth_values_are_those_of_the_file(path):
    gx.save(path, {"a": True, "b": [False, np.True_], "c": 1.0})
    found = gx.load(path, {"a": False, "b": [True, np.False_], "c": 0.0})
    assert equal(found, {"a": True, "b": [False, np.True_], "c": 1.0})
    mismatch(path, {"a": 1, "b": [False, np.True_], "c": 1.0}, "a is bool of shape (), not an int")
    mismatch(path, {"a": True, "b": [False, np.True_], "c": True},
             "c is float64 of shape (), not a bool")  # fmt: skip


def test_a_whole_number_that_no_float_is_stays_one(path):
    gx.save(path, [2**62 + 1, 2**62])
    with pytest.raises(
        MismatchError, match=rf"0 is {2**62 + 1}, and the nearest float 4\.6.*e\+18"
    ):
        gx.load(path, [0.0, 0.0])
    assert equal(gx.load(path, [0, 0.0]), [2**62 + 1, float(2**62)])


class Own(np.ndarray):
    """An array with a class of its own."""


def test_an_array_is_of_the_class_in_like(path):
    gx.save(path, {"w": np.arange(3.0).view(Own)})
    found = gx.load(path, {"w": np.zeros(3).view(Own)})["w"]
    assert type(found) is Own and found.tolist() == [0.0, 1.0, 2.0]


def test_what_is_static_is_that_of_like(path):
    gx.save(path, Net((layer(act=np.sin, scale=7.0),), name="saved"))
    found = gx.load(path, Net((layer(act=np.cos, scale=8.0),), name="like"))
    assert (found.name, found.layers[0].act, found.layers[0].scale) == ("like", np.cos, 8.0)


def test_like_is_as_it_was_and_shares_nothing(path):
    gx.save(path, net())
    value = like(net())
    found = gx.load(path, value)
    assert equal(value, like(net()))
    assert not np.shares_memory(found.layers[0].w, value.layers[0].w)
    found.layers[0].w[0] = 5  # it can be written into


def test_arrays_at_two_places_are_one_again(path):
    w = np.arange(3.0)
    gx.save(path, {"a": w, "b": [w, w.copy()]})
    found = gx.load(path, {"b": [np.zeros(3), np.zeros(3)], "a": np.zeros(3)})
    assert found["a"].tolist() == found["b"][0].tolist() == [0, 1, 2]
    found = gx.load(path, {"a": np.zeros(3), "b": [np.zeros(3), np.zeros(3)]})
    assert found["a"] is found["b"][0] and found["a"] is not found["b"][1]


def test_arrays_that_differ_are_two_whatever_the_file_says(tensors):
    w = np.arange(3.0)
    gx.save(tensors, {"a": w, "b": w})
    arrays, metadata = read_tensors(tensors)
    arrays["b"] += 1
    for shared in ({"b": "a"}, {"b": "c"}, {"b": 3}, [], "b"):
        about = {**json.loads(metadata["gradx"]), "shared": shared}
        write_tensors(tensors, arrays, {"gradx": json.dumps(about)})
        found = gx.load(tensors, {"a": w, "b": w})
        assert found["b"].tolist() == [1, 2, 3]


def test_any_order_of_bytes_and_memory(path):
    x = np.arange(6, dtype=">f4").reshape(2, 3).T[::2]
    gx.save(path, x)
    assert equal(gx.load(path, np.zeros((2, 2), ">f4")), np.array(x, "f4"))


class Colour(Enum):
    RED = 1


def test_keys_of_dicts(path):
    value = {"a.b": 1.0, "a": {"c": 2.0}, 3: 3.0, -1: 4.0, Colour.RED: 5.0, "é": 6.0, "__x": 7.0}
    gx.save(path, value)
    assert gx.load(path, like(value)) == value


class Opaque:
    """A type that only its owner can take apart."""


@pytest.mark.parametrize(
    ("value", "told"),
    [
        (
            {"a.b": 1.0, "a": {"b": 2.0}},
            "two parts are called a.b, one of them value['a']['b']; give their keys other names",
        ),
        (
            {1: 1.0, "1": 2.0},
            "two parts are called 1, one of them value['1']; give their keys other names",
        ),
        *(
            (
                {key: 1.0},
                f"the key {key!r} {why}; use whole numbers, or texts that are not empty and do not "
                "begin with '__state__'",
            )
            for key, why in (
                ("", "makes no name"),
                ((1, 2), "makes no name"),
                (1.5, "makes no name"),
                (True, "makes no name"),
                ("__state__", "is reserved"),
                ("__state__.x", "is reserved"),
                ("__metadata__", "is reserved"),
            )
        ),
        (
            [{"a": {"": 1.0}}],
            "the key '' of 0.a makes no name; use whole numbers, or texts that are not empty and "
            "do not begin with '__state__'",
        ),
        (
            {"n": 2**64},
            "n is 18446744073709551616, which has no place in 64 bits; use a float",
        ),
        (
            [np.ones(2, np.longdouble)],
            f"0 is of dtype {np.dtype(np.longdouble)}, which has no place in a file; convert it "
            "with x.astype(float)",
        ),
    ],
    ids=str,
)
def test_what_has_no_name_or_no_place(path, value, told):
    not_saved(path, value, told)


def test_a_type_whose_contents_are_unknown(path):
    gx.register(Opaque, zero=lambda x: x, add=lambda x, y: x, one=lambda x: x)
    told = (
        "m.0 is of type Opaque, whose contents gradx does not know; name its parts with "
        "gx.register(Opaque, children=…), or mark its field with gx.static()"
    )
    not_saved(path, {"m": [Opaque()]}, told)
    gx.save(path, {"m": [1.0]})
    with pytest.raises(MismatchError, match=f"^{re.escape(f'{path}: {told}')}$"):
        gx.load(path, {"m": [Opaque()]})


def test_a_type_registered_with_its_parts(path):
    class Point:
        def __init__(self, x, y):
            self.x, self.y = x, y

    gx.register(Point, children=("x", "y"), zero=lambda p: p, add=lambda p, q: p, one=lambda p: p)
    gx.save(path, [Point(1.0, np.ones(2))])
    [found] = gx.load(path, [Point(0.0, np.zeros(2))])
    assert type(found) is Point and found.x == 1.0 and found.y.tolist() == [1, 1]


@pytest.mark.parametrize(
    ("value", "error", "told"),
    [
        ([object, {"a": Opaque()}], gx.UnregisteredTypeError, r".*at value\[1\]\['a'\]"),
        ([np.array([None])], gx.NotDifferentiableError, r"value\[0\]"),
        ([np.ma.array([1.0])], gx.NotDifferentiableError, r"value\[0\]"),
    ],
)
def test_what_gradx_does_not_know(path, value, error, told):
    with pytest.raises(error, match=f"^{re.escape(str(path))}: {told}"):
        gx.save(path, value)
    assert not path.exists()


def test_a_value_that_contains_itself(path):
    value = [1.0]
    value.append(value)
    with pytest.raises(gx.CycleError, match=r"npz|safetensors: value\[1\] contains itself"):
        gx.save(path, value)


def test_a_variable_is_not_saved(path):
    def f(x):
        gx.save(path, {"x": x})
        return x

    with pytest.raises(OutputError, match=r": x is a variable of a run; take its value with gx\.v"):
        gx.grad(f)(1.0)
    with pytest.raises(OutputError, match=r": x\.[ab0]+ is a variable of a run"):
        gx.grad(lambda x: f([x])[0])(1.0)


def test_a_list_linked_without_end(path):
    chain = None
    for _ in range(50_000):
        chain = {"next": chain, "x": 1.0}
    not_saved(
        path,
        chain,
        "the value is nested so deep that the names of its parts take more than 100,000,000 "
        "letters; turn its linked parts into a list",
    )


def test_a_deep_value(tensors, tmp_path):
    chain = None
    for i in range(1000):
        chain = {"n": chain, "x": float(i)}
    gx.save(tensors, chain)
    found = gx.load(tensors, like(chain))
    for i in reversed(range(1000)):
        assert found["x"] == i
        found = found["n"]
    with pytest.raises(
        OutputError, match=r"1,001 arrays are too many for an \.npz file; choose a n"
    ):
        gx.save(tmp_path / "a.npz", chain)


# ---- what does not fit -----------------------------------------------------------------------


def test_every_mismatch_is_told_at_once(path):
    gx.save(path, net(more={"old": 1.0, "x": np.ones(2), "n": 3}))
    wrong = Net((layer(), layer(2, 2), layer()), more={"x": np.ones(2, np.float32), "n": "no"})
    mismatch(
        path,
        wrong,
        "it has no layers.2.w; it has no layers.2.b; it has no layers.2.units; it has 'more.old' "
        "besides; it has 'more.n' besides; layers.1.w is float64 of shape (1, 2), not float64 of "
        "shape (2, 2); layers.1.b is float32 of shape (1,), not float32 of shape (2,); more.x is "
        "float64 of shape (2,), not float32 of shape (2,)",
    )


def test_a_list_that_is_longer_or_shorter(path):
    gx.save(path, [1.0, 2.0])
    mismatch(path, [0.0, 0.0, 0.0], "it has no 2")
    mismatch(path, [0.0], "it has '1' besides")
    mismatch(path, [0.0, None], "it has '1' besides")


def test_many_mismatches(path):
    gx.save(path, {})
    with pytest.raises(MismatchError, match=r"it has no 19; and 30 more; give a"):
        gx.load(path, [0.0] * 50)


def test_nothing_is_read_before_all_fits(tensors, monkeypatch):
    gx.save(tensors, [np.ones(3), np.ones(4)])
    monkeypatch.setattr("gradx.files.tensors.TensorFile.read", None)
    mismatch(
        tensors, [np.ones(3), np.ones(5)], "1 is float64 of shape (4,), not float64 of shape (5,)"
    )


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            "{",
            "what gradx wrote beside the arrays: Expecting property name enclosed in double "
            "quotes: line 1 column 2 (char 1)",
        ),
        ('{"a": 1, "a": 2}', "what gradx wrote beside the arrays: it has the key 'a' twice"),
        ("[" * 99_999, "what gradx wrote beside the arrays: it is nested too deep"),
        ("[]", "what stands beside the arrays is not from gradx"),
        ('{"format": "other"}', "what stands beside the arrays is not from gradx"),
    ],
    ids=range(5),
)
def test_texts_that_are_none(tensors, text, told):
    write_tensors(tensors, {"value": np.array(1.0)}, {"gradx": text})
    with pytest.raises(InputError) as caught:
        gx.load(tensors, 1.0)
    assert str(caught.value) == f"{tensors}: is damaged or of another kind ({told}); write it again"


@pytest.mark.parametrize("version", [0, 2, None, "1", 1.0, True])
def test_another_version(tensors, version):
    about = {"format": "gradx value", "version": version}
    write_tensors(tensors, {"value": np.array(1.0)}, {"gradx": json.dumps(about)})
    with pytest.raises(InputError, match=rf"is of version {version!r}, and this gradx \("):
        gx.load(tensors, 1.0)


@pytest.mark.parametrize(
    ("raw", "number"),
    [
        (b"1/0", Fraction(1)),
        (b"1e9", Fraction(1)),
        (b"", Decimal(1)),
        (b"x", Decimal(1)),
        (b"1.2.3", Decimal(1)),
        (b"\xff", Decimal(1)),
        (b"9" * 20_000, Fraction(1)),
    ],
    ids=range(7),
)
def test_a_number_in_letters_that_is_none(tensors, raw, number):
    write_tensors(tensors, {"value": np.frombuffer(raw, np.uint8)})
    with pytest.raises(InputError, match="damaged or of another kind \\(value holds '"):
        gx.load(tensors, number)


# ---- files of other programs -----------------------------------------------------------------


def test_a_file_of_another_program(tensors, tmp_path):
    arrays = {"layers.0.w": np.ones((2, 3)), "layers.0.b": np.ones(2, np.float32)}
    judge.save_file(arrays, tensors, metadata={"format": "pt"})
    np.savez(tmp_path / "other.npz", **arrays)
    for path in (tensors, tmp_path / "other.npz"):
        found = gx.load(path, Net((replace(layer(), units=8),)))
        assert found.layers[0].w.tolist() == [[1, 1, 1]] * 2
        assert found.layers[0].units == 8, "what has no gradient need not be there"
        mismatch(path, Net((layer(), layer())), "it has no layers.1.w; it has no layers.1.b")


def test_the_first_bytes_decide_what_is_read(tmp_path):
    gx.save(tmp_path / "a.npz", [1.0])
    (tmp_path / "a.npz").rename(tmp_path / "a.safetensors")
    assert gx.load(tmp_path / "a.safetensors", [0.0]) == [1.0]
