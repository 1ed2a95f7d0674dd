"""What the annotation of a field says of an integer in it."""

import numbers
import typing
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, make_dataclass
from fractions import Fraction
from typing import Annotated, Any, ClassVar, Final, Generic, NewType, Optional, TypeVar, Union

import attrs
import numpy as np
import numpy.typing as npt
import pytest

import gradx as gx
from gradx.values.fields import record_fields

Metres = NewType("Metres", float)
Inches = NewType("Inches", Metres)
Count = NewType("Count", int)
Scalar = Union[float, complex]  # noqa: UP007
T = TypeVar("T")
F = TypeVar("F", bound=float)
N = TypeVar("N", int, float)


class Other:
    pass


MARKS = {
    "param": [
        *(float, complex, Metres, Inches, Scalar, numbers.Real, numbers.Complex, numbers.Number),
        *(np.floating, np.float32, np.inexact, npt.NDArray[np.float64], float | None, F, N),
        *(Annotated[float, "unit"], Optional[Metres], list[float], dict[str, float | int]),  # noqa: UP045
        *("float", "Metres", "Optional[float]", "list['float']", "Nowhere | float"),
        *("numbers.Real", "Annotated[float, 'm']", Fraction | float, Final[float]),
    ],
    "ints": [
        *(int, tuple[int, int], tuple[int, ...], dict[str, int], list[int], int | None, Count),
        *(Optional[list[int]], Sequence[int], Mapping[str, tuple[int, bool]], numbers.Integral),  # noqa: UP045
        *("int", "tuple[int, int]", "Optional[int]", "list['int']", Annotated[int, "n"], np.int64),
    ],
    "auto": [
        *(Any, object, Other, T, str, "Nowhere", np.ndarray, int | Other, "int | Nowhere", bool),
        *(Fraction, list, tuple[Other, int], Callable[[], Other], "list[Nowhere]"),
    ],
}


@pytest.mark.parametrize(
    ("hint", "mark"), [(h, mark) for mark in MARKS for h in MARKS[mark]], ids=str
)
def test_the_mark_of_an_annotation(hint, mark):
    made = make_dataclass("Made", [("x", hint)])
    made.__module__ = __name__
    assert record_fields(made) == (("x", mark),)


@pytest.mark.skipif(not hasattr(typing, "TypeAliasType"), reason="Python 3.12 has type aliases")
def test_type_aliases():
    space: dict[str, Any] = {}
    exec("type Length = float | Length", space)
    made = make_dataclass("Made", [("x", space["Length"])])
    assert record_fields(made) == (("x", "param"),)


def test_a_class_attribute_is_no_field():
    @dataclass
    class Made:
        x: float
        size: ClassVar[int] = 3

    assert record_fields(Made) == (("x", "param"),)


def test_ints_that_are_numbers_are_differentiated():
    @dataclass
    class Rod:
        length: Metres
        mass: numbers.Real

    assert gx.grad(lambda r: r.length**2 * r.mass)(Rod(3, 2)) == Rod(12.0, 9.0)
    assert gx.one(Rod(3, 2)) == Rod(1.0, 1.0)


@gx.record
class Net:
    w: np.ndarray
    shape: tuple[int, int] = (2, 3)
    sizes: dict[str, int] | None = None


def test_containers_of_ints_are_static_as_a_whole():
    net = Net(np.ones(6), sizes={"a": 2})
    f = gx.grad(lambda p: np.sum(np.reshape(p.w, p.shape) ** 2) * p.sizes["a"])
    assert f(net).shape == (2, 3) and f(net).sizes == {"a": 2}
    new = net - 0.1 * (f(net) + 0.01 * net)
    assert new.shape == (2, 3) and new.w.reshape(new.shape).shape == (2, 3)
    assert gx.zero(net).shape == (2, 3)


def test_another_number_in_a_field_of_ints_keeps_its_gradient():
    assert gx.one(Net(np.ones(1), shape=(2.5, 3))).shape == (1.0, 1.0)

    @attrs.define
    class Made:
        n: int

    assert gx.one(Made(2)) == Made(2) and gx.one(Made(2.5)) == Made(1.0)


def test_type_variables_are_followed_through_the_bases():
    U = TypeVar("U")

    @dataclass
    class Pair(Generic[T]):
        first: T

    @dataclass
    class Second(Pair[U], Generic[U]):
        pass

    @dataclass
    class Floats(Second[float]):
        pass

    @dataclass
    class Ints(Second[list[int]]):
        pass

    assert record_fields(Pair) == (("first", "auto"),)
    assert record_fields(Floats) == (("first", "param"),)
    assert record_fields(Ints) == (("first", "ints"),)
