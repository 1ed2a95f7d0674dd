"""Fields of records that no axis goes through: those of integers, and static ones."""

from dataclasses import dataclass

import numpy as np
import pytest

import gradx as gx


@dataclass
class Example:
    x: np.ndarray
    label: int
    table: object = gx.static(default=None)


XS = np.arange(12.0).reshape(4, 3)


def use(example):
    return example.x * example.label


@pytest.mark.parametrize("axes", [0, (Example(0, 0),)])
def test_an_array_in_a_field_of_integers_raises(axes):
    with pytest.raises(gx.StructureError, match="'label' of a Example is static or one of integer"):
        gx.vmap(use, in_axes=axes)(Example(XS, np.arange(4)))


def test_an_array_in_a_static_field_is_the_same_for_all():
    table = np.array([1.0, 2.0, 3.0])
    found = gx.vmap(lambda e: e.x * e.table * e.label)(Example(XS, 2, table))
    np.testing.assert_array_equal(found, XS * table * 2)
    with pytest.raises(gx.StructureError, match="'table' of a Example"):
        gx.vmap(use, in_axes=(Example(0, None, 0),))(Example(XS, 2, table))
    labels = np.array([1.0, 2.0, 3.0])
    found = gx.vmap(use, in_axes=(Example(0, None),))(Example(XS, labels))
    np.testing.assert_array_equal(found, XS * labels)


def test_a_batched_value_in_such_a_field_of_the_result_raises():
    with pytest.raises(gx.StructureError, match="the result of a mapped function has BatchScalar"):
        gx.vmap(Example)(XS, np.arange(4))
    assert gx.vmap(lambda x: Example(x, 3))(XS).label == 3


def test_questions_of_a_batched_python_number():
    def f(y):
        slope = gx.grad(lambda s: s * s * y)(2.0)
        return slope * (1 + np.iscomplexobj(slope))

    assert gx.vmap(f)(np.array([1.0, 2.0])).tolist() == [4.0, 8.0]
