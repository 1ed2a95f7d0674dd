"""What a variable answers to questions of type: what its plain value would, at every level."""

import collections.abc
import functools
import math
import numbers
from decimal import Decimal
from fractions import Fraction

import attrs
import numpy as np
import pytest

import gradx as gx

VALUES = {
    "float": 2.5,
    "int": 3,
    "complex": 1 + 2j,
    "float32": np.float32(2.5),
    "float64": np.float64(2.5),
    "complex128": np.complex128(1 + 2j),
    "array without axes": np.array(2.5),
    "vector": np.array([1.0, 2.0]),
    "matrix": np.ones((2, 2), np.float32),
    "Decimal": Decimal("0.5"),
}
CLASSES = (
    *(float, int, complex, bool, str, list, tuple, dict, Fraction, Decimal, np.ndarray, np.generic),
    *(np.number, np.inexact, np.floating, np.complexfloating, np.integer, np.float64, np.float32),
    *(numbers.Number, numbers.Complex, numbers.Real, numbers.Rational, numbers.Integral),
    *(collections.abc.Iterable, collections.abc.Sized, collections.abc.Hashable),
    *(collections.abc.Container, collections.abc.Collection, collections.abc.Sequence),
    *(collections.abc.Callable, collections.abc.Mapping, collections.abc.Iterator),
)
ATTRIBUTES = (
    *("__len__", "__getitem__", "__contains__", "__setitem__", "__iadd__", "__call__", "__add__"),
    *("__abs__", "__bool__", "__float__", "__int__", "__enter__", "__format__", "shape", "dtype"),
    *("ndim", "size", "T", "item", "tolist", "astype", "real", "imag", "conjugate", "is_integer"),
    *("hex", "bit_length", "itemsize", "nbytes", "mean", "sum", "keys", "append", "fit", "predict"),
)
# Documented in docs/values.md.
EXCEPTIONS = {
    "complex": ("__float__", "__int__"),
}


def kind_of(x):
    match x:
        case float():
            return "float"
        case int():
            return "int"
        case complex():
            return "complex"
        case np.ndarray(shape=(2,)):
            return "pair"
        case np.ndarray():
            return "array"
    return "other"


@functools.singledispatch
def dispatched(x):
    return "other"


@dispatched.register
def _(x: float):
    return "float"


@dispatched.register
def _(x: complex):
    return "complex"


@dispatched.register
def _(x: np.ndarray):
    return "array"


@dispatched.register
def _(x: numbers.Integral):
    return "whole"


def answers_of(x):
    answers = {f"isinstance {cls.__name__}": isinstance(x, cls) for cls in CLASSES}
    answers |= {f"hasattr {name}": hasattr(x, name) for name in ATTRIBUTES}
    answers |= {
        "class": x.__class__,
        "isscalar": np.isscalar(x),
        "match": kind_of(x),
        "singledispatch": dispatched(x),
        "callable": callable(x),
        "ndim": np.ndim(x),
        "shape": np.shape(x),
        "size": np.size(x),
    }
    if not isinstance(x, Decimal):
        answers["iscomplexobj"], answers["isrealobj"] = np.iscomplexobj(x), np.isrealobj(x)
    return answers


@pytest.mark.parametrize("level", [1, 2, 3])
@pytest.mark.parametrize("name", VALUES)
def test_a_variable_answers_as_its_value(name, level):
    x, seen = VALUES[name], []

    def nested(v, depth):
        if depth > 1:
            return gx.grad_bp(lambda w: nested(w, depth - 1), v)
        seen.append(answers_of(v))
        return v * 1

    gx.grad_bp(lambda v: nested(v, level), x)
    got, wanted = seen[0], answers_of(x)
    excepted = [f"hasattr {attribute}" for attribute in EXCEPTIONS.get(name, ())]
    assert {key: got[key] for key in got if key not in excepted} == {
        key: wanted[key] for key in wanted if key not in excepted
    }


@pytest.mark.parametrize("name", VALUES)
def test_the_branch_of_the_plain_run_is_taken(name):
    def f(x):
        if isinstance(x, np.ndarray):
            return x * 2 if hasattr(x, "shape") and len(np.shape(x)) else x * 3
        if np.isscalar(x) and isinstance(x, (float, numbers.Real)):
            return x * 5
        return x * 7

    x = VALUES[name]
    y, g = gx.backprop(f, x)
    assert np.array_equal(y, f(x))
    assert np.allclose(complex(np.ravel(g)[0]), complex(np.ravel(y)[0]) / complex(np.ravel(x)[0]))


def test_asking_whether_a_number_is_one():
    for is_array in (lambda x: not np.isscalar(x), lambda x: hasattr(x, "__len__")):
        f = lambda x, is_array=is_array: x**3 if is_array(x) else x**2  # noqa: E731
        assert gx.value_and_grad(f)(3.0) == (9.0, 6.0)


def test_exact_fractions_keep_the_class_of_the_variable():
    seen = []
    gx.grad_bp(lambda v: seen.append(isinstance(v, Fraction)) or v * v, Fraction(1, 2))
    assert seen == [False]
    assert gx.grad_bp(lambda v: Fraction(1, 3) * v + v / 2, Fraction(1, 2)) == Fraction(5, 6)


def test_the_builtin_sum():
    assert gx.grad_bp(lambda v, w: sum([v, w, v]), 1.5, 2.5) == (2.0, 1.0)
    assert gx.grad_bp(lambda v, w: sum([v, w], 0.5), np.float64(1.5), 3) == (1.0, 1.0)
    g = gx.grad_bp(lambda v: np.sum(sum(v)), np.ones((2, 2)))
    assert g.tolist() == [[1.0, 1.0], [1.0, 1.0]]
    with pytest.raises(TypeError):
        gx.grad_bp(sum, 1.5)


@attrs.define
class Validated:
    x: float = attrs.field(validator=attrs.validators.instance_of(float))
    y: np.ndarray = attrs.field(validator=attrs.validators.instance_of(np.ndarray))


def test_validators_of_attrs_pass_variables():
    def f(v, w):
        made = Validated(v * 2.0, w * v)
        return np.sum(made.y) * made.x

    assert gx.grad_bp(f, 3.0, np.ones(2))[0] == 24.0
    with pytest.raises(TypeError, match="must be"):
        gx.grad_bp(lambda v: Validated(1.0, v), 3.0)


def test_an_int_is_exact_inside_and_its_gradient_a_float():
    seen = []
    y, g = gx.backprop(lambda n: seen.append((n // 2 == 1, n % 2 == 1, n**40)) or n * n, 3)
    assert (y, g) == (9, 6.0) and type(y) is int and type(g) is float
    assert seen[0][:2] == (True, True) and gx.eval_bp(lambda n: n**40, 3) == 3**40
    assert math.isclose(gx.grad(lambda n: n**40 / 3**39)(3), 40.0)


def test_documented_exceptions():
    seen = []
    gx.grad_bp(lambda v: seen.append((type(v) is float, hasattr(v, "exp"))) or v, 2.5)
    gx.grad_bp(lambda v: seen.append(hasattr(v, "__iter__")) or v, np.float64(2.5))
    assert seen == [(False, True), True]
    with pytest.raises(TypeError, match="variables are unhashable"):
        gx.grad_bp(hash, 2.5)
    with pytest.raises(TypeError, match="not iterable"):
        gx.grad_bp(list, np.float64(2.5))


@pytest.mark.parametrize("name", VALUES)
@pytest.mark.parametrize(
    "call",
    [lambda x: x.conjugate(), lambda x: x.imag, lambda x: x.real, np.imag, np.conj],
    ids=["conjugate", "imag", "real", "np.imag", "np.conj"],
)
def test_parts_of_a_number_have_the_type_of_the_plain_call(name, call):
    x = VALUES[name]
    if call is np.conj and isinstance(x, (Fraction, Decimal)):
        pytest.skip("NumPy makes an object array of it")
    y = gx.backprop_with(call, x)[0]
    assert type(y) is type(call(x)) and np.array_equal(y, call(x))
