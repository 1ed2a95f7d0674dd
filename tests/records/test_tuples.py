"""Tuples with arithmetic."""

import copy
import pickle

import numpy as np
import pytest

import gradx as gx
from gradx import T2, T3, NumTuple
from gradx.testing import check_grads, check_value_laws
from tests.core.samples import Plain, same


@pytest.mark.parametrize("cls", [T2, NumTuple])
def test_arithmetic_is_item_by_item(cls):
    a, b = cls(6.0, np.array([2.0, 4.0])), cls(3.0, np.array([1.0, 2.0]))
    for y, first, second in (
        (a + b, 9.0, [3.0, 6.0]),
        (a - b, 3.0, [1.0, 2.0]),
        (a * b, 18.0, [2.0, 8.0]),
        (a / b, 2.0, [2.0, 2.0]),
        (b**2, 9.0, [1.0, 4.0]),
        (-b, -3.0, [-1.0, -2.0]),
        (abs(-b), 3.0, [1.0, 2.0]),
        (2 * b, 6.0, [2.0, 4.0]),
        (1 - b, -2.0, [0.0, -1.0]),
    ):
        assert same(y, cls(first, np.array(second)))


def test_numpys_numbers_leave_the_operation_to_the_tuple():
    y = np.float64(2.0) * T2(3.0, np.array([1.0, 2.0]))
    assert type(y) is T2
    assert same(y[1], np.array([2.0, 4.0]))


def test_gradients_are_of_the_class():
    x2y = lambda t: t[0] ** 2 * t[1]  # noqa: E731
    assert same(gx.grad(x2y)(T2(2.0, 3.0)), T2(12.0, 4.0))
    assert same(gx.grad(lambda t: sum(t * t * 2.0))(T3(1.0, 2.0, 3.0)), T3(4.0, 8.0, 12.0))
    assert same(gx.grad_bp(lambda x, y: T2(x * y, y), 2.0, 3.0), (3.0, 3.0))
    check_grads(lambda t: (t - 0.5 * t * t) / (1 + t * t), T2(2.0, np.array([0.3, -0.7])))


def test_a_step_of_descent():
    t = T2(1.0, np.array([2.0, 3.0]))
    for _ in range(100):
        t = t - 0.1 * gx.grad(lambda t: (t[0] - 5.0) ** 2 + np.sum(t[1] ** 2))(t)
    assert abs(t[0] - 5.0) < 1e-6
    assert np.all(abs(t[1]) < 1e-6)


def test_it_is_a_tuple():
    t = T3(1.0, [2.0], "s")
    assert t == (1.0, [2.0], "s")
    assert repr(t) == "T3(1.0, [2.0], 's')"
    assert same(pickle.loads(pickle.dumps(t)), t)
    assert same(copy.deepcopy(t), t)
    assert same(gx.set(gx.lens(T3)[0], 5.0, t), T3(5.0, [2.0], "s"))
    assert same(gx.coerce_var(T2, Plain(1.0, 2.0)), T2(1.0, 2.0))
    check_value_laws(T2, [T2(1.0, 2.0), T2(0.5, -1.0), T2(3.0, 3.0)])
    match T2(1.0, 2.0):
        case (x, y):
            assert (x, y) == (1.0, 2.0)


def test_the_number_of_items_is_checked():
    with pytest.raises(gx.StructureError, match=r"a T2 has 2 items and was given 3; write each as"):
        T2(1.0, 2.0, 3.0)
    with pytest.raises(gx.StructureError, match="parts"):
        NumTuple(1.0, 2.0) + NumTuple(1.0)
    with pytest.raises(TypeError):
        T2(1.0, 2.0) - (1.0, 2.0)
