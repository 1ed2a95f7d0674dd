"""The tester tested: rules that are a little wrong, read a value or write into an input fail."""

from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest

import gradx as gx
from gradx.core.dispatch import apply
from gradx.core.op import Op
from gradx.errors import ConversionError
from gradx.testing import check_grads
from gradx.testing.abstract import AbstractArray
from gradx.testing.gradients import GradientMismatchError
from tests.ops import test_specification as proofs
from tests.ops.specification import Case, normals, uniforms


def case_of(op, make=None, params=None):
    return Case(op.name, (op.name,), lambda x: apply(op, (x,), params), make or normals((2, 3)))


def branching(g, x):
    return g if x.sum() > 0 else -g


def writing(g, x):
    x *= 2
    return g * x


RIGHT = Op("right", np.square, lambda g, x: g * (2 * x))
WRONG = Op("wrong", np.square, lambda g, x: g * (2 * 1.0005 * x))
WRONG_PART = Op("wrong", np.exp, lambda g, y: g * np.where(y > np.min(y), y, 1.0005 * y))
CONJUGATED = Op("conjugated", np.square, lambda g, x: g * (2 * np.conjugate(x)))
BRANCHING = Op("branching", np.abs, branching)
WRITING = Op("writing", np.square, writing)
GIVING_INPUT = Op("aliasing", lambda x: x + 0, lambda g: g)
PROMOTING = Op("promoting", np.square, lambda g, x: g * (np.float64(2) * x))
CONSTANT = Op("constant", np.square, lambda g, x: g * (2 * gx.value(x)))


def first_order(case, rng):
    check_grads(case.call, *case.make(rng), order=1)


def test_a_right_rule_passes(rng):
    case = case_of(RIGHT)
    proofs.test_gradient_is_that_of_central_differences(case, rng)
    proofs.test_complex_gradient_is_that_of_central_differences(case, rng)
    proofs.test_single_precision_stays(case, rng)
    proofs.test_no_rule_promotes(case, rng)
    proofs.test_gradients_have_memory_of_their_own(case, rng)
    proofs.test_layout_does_not_matter(case, rng)
    proofs.test_no_rule_reads_a_value(case, rng)
    proofs.test_value_is_numpys(case, rng)


@pytest.mark.parametrize("op", [WRONG, WRONG_PART], ids=["everywhere", "in-one-place"])
def test_a_rule_wrong_by_five_parts_in_ten_thousand_fails(op, rng):
    with pytest.raises(
        GradientMismatchError,
        match=r"order 1, reverse: \d of 6(?s:.*)\n  x\[\d, \d\]: \S+, expected",
    ):
        first_order(case_of(op, uniforms(0.5, 1.5, (2, 3))), rng)


def test_a_wrong_second_derivative_fails(rng):
    first_order(case_of(CONSTANT), rng)
    with pytest.raises(GradientMismatchError, match="order 2"):
        proofs.test_gradient_is_that_of_central_differences(case_of(CONSTANT), rng)


def test_a_conjugate_too_many_fails(rng):
    first_order(case_of(CONJUGATED), rng)
    with pytest.raises(GradientMismatchError, match=r"x\[0, 0\]\.imag: "):
        proofs.test_complex_gradient_is_that_of_central_differences(case_of(CONJUGATED), rng)


def test_a_rule_that_branches_on_a_value_fails(rng):
    case = case_of(BRANCHING, uniforms(0.5, 1.5, (2, 3)))
    first_order(case, rng)
    with pytest.raises(ConversionError, match=r"reads a number of Abstract(Array|Scalar)\("):
        proofs.test_no_rule_reads_a_value(case, rng)


def test_a_rule_that_writes_into_its_input_fails(rng):
    with pytest.raises(ValueError, match="read-only"):
        proofs.test_gradient_is_that_of_central_differences(case_of(WRITING), rng)
    with pytest.raises(AssertionError):
        proofs.test_gradients_have_memory_of_their_own(case_of(WRITING), rng)


def test_a_rule_that_promotes_fails(rng):
    first_order(case_of(PROMOTING), rng)
    with pytest.raises(AssertionError, match="promotes"):
        proofs.test_no_rule_promotes(case_of(PROMOTING), rng)


def test_a_wrong_value_fails(rng):
    op = Op("shifted", lambda x: x + 1e-9, lambda g: g)

    def call(x):
        return apply(op, (x,)) if isinstance(x, gx.BVar) else x

    with pytest.raises(AssertionError):
        proofs.test_value_is_numpys(Case("shifted", (), call, normals((3,))), rng)


# --- check_grads, for users -----------------------------------------------------------------------


@dataclass
class Model:
    weights: list
    scale: float
    name: str = "model"


def test_records_are_nudged_by_path(rng):
    wrong = Op("wrong", np.sin, lambda g, x: g * (1.001 * np.cos(x)))
    model = Model([rng.standard_normal(2), rng.standard_normal((2, 2))], 0.5)

    def right(m):
        return Model([m.weights[0] * m.scale, np.sin(m.weights[1])], m.scale**2)

    def mistaken(m):
        return apply(wrong, (m.weights[1],)) @ m.weights[0] * m.scale

    check_grads(right, model)
    with pytest.raises(GradientMismatchError, match=r"m\.weights\[1\]\[0, 0\]: "):
        check_grads(mistaken, model)


def test_several_inputs_and_precisions(rng):
    def f(x, pair):
        return {"a": x * pair[0], "b": np.real(pair[1] * np.exp(1j * x))}

    check_grads(f, 0.7, (np.float32(1.5), 1.0 + 2.0j))
    check_grads(lambda x: x**3, rng.standard_normal(3).astype(np.float32))
    check_grads(lambda x: x * x * x, Fraction(1, 2))
    check_grads(lambda x: x * x / 3, Decimal("0.5"))
    with pytest.raises(AssertionError):
        check_grads(lambda x: abs(x) + x, 0.0)


# --- Abstract arrays ------------------------------------------------------------------------------


def test_abstract_arrays_know_shapes_and_dtypes():
    x = AbstractArray((2, 3), np.float32)
    assert repr(np.exp(x) @ np.ones(3, np.float32)) == "AbstractArray((2,), float32)"
    assert repr(x.sum(axis=0) * 2) == "AbstractArray((3,), float32)"
    assert repr(1 - x[0] / 3) == "AbstractArray((3,), float32)"
    assert repr(x.T > 0) == "AbstractArray((3, 2), bool)"
    assert repr(np.linalg.inv(x[:, :2])) == "AbstractArray((2, 2), float32)"
    assert repr(np.argsort(x)) == "AbstractArray((2, 3), int64)"
    assert (x.ndim, x.size, len(x), np.shape(x)) == (2, 6, 2, (2, 3))
    q, r = np.linalg.qr(x.T)
    assert (q.shape, r.shape) == ((3, 2), (2, 2))


READS = {
    "bool": lambda x: bool(x),
    "float": lambda x: float(x[0]),
    "int": lambda x: int(x[0]),
    "complex": lambda x: complex(x[0]),
    "index": lambda x: [1, 2][x[0]],
    "asarray": lambda x: np.asarray(x),
    "contains": lambda x: 1.0 in x,
    "if": lambda x: 1 if x[0] > 0 else 2,
    "mask": lambda x: x[x > 0],
    "nonzero": lambda x: np.nonzero(x),
    "allclose": lambda x: np.allclose(x, 1.0),
}


@pytest.mark.parametrize("read", READS.values(), ids=READS)
def test_reading_an_abstract_number_raises(read):
    with pytest.raises(ConversionError, match=r"reads a number of Abstract(Array|Scalar)\("):
        read(AbstractArray((3,)))
