"""Temporaries: what an expression makes and uses up is written into, and nothing else ever is."""

import functools
import operator
import sys
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

import gradx as gx
from gradx import temporaries

LARGE = 1 << 16


@gx.record
class Pair:
    a: Any
    b: Any


def pair():
    return Pair(np.arange(LARGE, dtype=float), (np.ones(LARGE), 2.0))


@pytest.mark.skipif(not temporaries._TELLS, reason="this interpreter does not tell")
def test_a_temporary_is_written_into():
    x, y = pair(), pair()
    made = []

    class Noting(Pair):
        pass

    gx.record(Noting)
    Noting.__rmul__ = lambda self, k: made.append(id((r := Pair.__rmul__(self, k)).a)) or r
    noting = Noting(y.a, y.b)
    difference = Noting(x.a, x.b) - 2.0 * noting
    assert id(difference.a) == made[0]
    np.testing.assert_array_equal(difference.a, -x.a)
    np.testing.assert_array_equal(difference.b[0], -np.ones(LARGE))
    assert difference.b[1] == -2.0


def held_in_a_variable(x, y):
    product = 2.0 * y
    return x - product, product


def held_in_a_list(x, y):
    kept = [2.0 * y]
    return x - kept[0], kept[0]


def keeping(what, x, y):
    """The difference of records whose ``*`` keeps something of what it gives, and what was kept."""

    class Keeping(Pair):
        pass

    gx.record(Keeping)
    kept = []

    def times(self, k):
        result = Pair.__rmul__(self, k)
        kept.append(what(result))
        return result

    Keeping.__rmul__ = times
    return Keeping(x.a, x.b) - 2.0 * Keeping(y.a, y.b), kept[0]


def with_a_part_held(x, y):
    difference, parts = keeping(lambda product: (product.a, product.b), x, y)
    return difference, Pair(*parts)


def with_its_dict_held(x, y):
    difference, parts = keeping(vars, x, y)
    return difference, Pair(**parts)


def by_another_operator(x, y):
    kept = np.empty(1, object)
    kept[0] = 2.0 * y

    class Store:
        def __rshift__(self, name):
            return kept

    left, store = np.empty(1, object), Store()
    left[0] = x
    return (left - (store >> "product"))[0], kept[0]


def through_partial(x, y):
    product = functools.partial(operator.sub, x, 2.0 * y)
    return product(), product.args[1]


def through_reduce(x, y):
    items = [x, 2.0 * y]
    return functools.reduce(operator.sub, items), items[1]


def through_arrays_of_objects(x, y):
    left, right = np.empty(1, object), np.empty(1, object)
    left[0], right[0] = x, 2.0 * y
    return (left - right)[0], right[0]


def in_a_conditional(x, y):
    product = 2.0 * y
    return x - (product if sys else 3.0 * y), product


def assigned_on_the_way(x, y):
    return x - (product := 2.0 * y), product


@pytest.mark.parametrize(
    "way",
    [
        held_in_a_variable,
        held_in_a_list,
        with_a_part_held,
        with_its_dict_held,
        by_another_operator,
        through_partial,
        through_reduce,
        through_arrays_of_objects,
        in_a_conditional,
        assigned_on_the_way,
    ],
)
def test_what_somebody_holds_is_left_alone(way):
    x, y = pair(), pair()
    difference, product = way(x, y)
    np.testing.assert_array_equal(product.a, 2 * np.arange(LARGE))
    np.testing.assert_array_equal(product.b[0], 2 * np.ones(LARGE))
    np.testing.assert_array_equal(difference.a, -np.arange(LARGE))
    np.testing.assert_array_equal(x.a, np.arange(LARGE))
    np.testing.assert_array_equal(y.a, np.arange(LARGE))


def test_views_of_other_arrays_are_left_alone():
    whole = np.arange(2.0 * LARGE)

    class Lending(Pair):
        def __rmul__(self, k):
            return Lending(whole[:LARGE], 1.0)

    gx.record(Lending)
    difference = Lending(np.zeros(LARGE), 1.0) - 2.0 * Lending(np.zeros(LARGE), 1.0)
    np.testing.assert_array_equal(difference.a, -np.arange(LARGE))
    np.testing.assert_array_equal(whole, np.arange(2.0 * LARGE))


def test_arrays_that_a_descriptor_lends_are_left_alone():
    kept = {"left": np.zeros(LARGE), "right": np.ones(LARGE)}

    class Lent:
        def __get__(self, record, cls):
            return self if record is None else kept[record.b]

        def __set__(self, record, value):
            pass

    class Lending(Pair):
        def __rmul__(self, k):
            return Lending(None, "right")

    gx.record(Lending)
    Lending.a = Lent()
    Lending(None, "left") - 2.0 * Lending(None, "left")
    np.testing.assert_array_equal(kept["right"], np.ones(LARGE))


def test_what_only_the_general_way_knows_is_not_combined_twice():
    x = Pair(np.arange(LARGE, dtype=float), Fraction(1, 2))
    y = Pair(np.ones(LARGE), Fraction(1, 3))
    difference = x - 2 * y
    np.testing.assert_array_equal(difference.a, np.arange(LARGE) - 2.0)
    assert difference.b == Fraction(-1, 6)


def test_an_error_of_shapes_comes_before_anything_is_written():
    x = Pair(np.zeros(LARGE), np.zeros(2))
    y = Pair(np.ones(LARGE), np.zeros(3))
    with pytest.raises(gx.StructureError, match=r"\.b"):
        x - 2.0 * y
    np.testing.assert_array_equal(y.a, np.ones(LARGE))
