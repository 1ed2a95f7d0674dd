"""Runs above and below each other: every case of the specification, its results of the same form.

An abstract run stands in the middle, because it answers for shapes, dtypes and forms and for
nothing else: what comes out of it is compared with the plain run's. Whatever a run of another kind
will do (carry tangents, a batch axis, equations) goes the same ways.
"""

import warnings
from dataclasses import dataclass
from functools import cache

import numpy as np
import pytest

import gradx as gx
from gradx.core.op import OPS
from gradx.core.properties import Property
from gradx.core.spec import spec_of
from gradx.testing.abstract import AbstractArray, AbstractNumber, AbstractRun, AbstractScalar
from gradx.testing.gradients import random_like
from tests.ops.cases import ALL_CASES
from tests.ops.test_specification import has_gradient, leaves, per_case

pytestmark = [
    pytest.mark.thorough,
    # SciPy's own estimate, from random vectors, of what is right to 13 digits.
    pytest.mark.filterwarnings("ignore:logm result may be inaccurate:RuntimeWarning"),
]
ABSTRACT = (AbstractArray, AbstractNumber, AbstractScalar)
CASES = [case for case in ALL_CASES if case.abstract]


@pytest.fixture(autouse=True)
def quiet():
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.filterwarnings("ignore", category=np.exceptions.ComplexWarning)
        yield


def specs(y):
    return [spec_of(leaf) for leaf in leaves(y)]


def is_abstract(x):
    return issubclass(type(x), ABSTRACT)


def abstracted(x, run):
    return run.wrap(x, spec_of(x)) if has_gradient(x) else x


OTHERS = {"meshgrid/ij", "meshgrid/sparse"}
"""Cases whose result does not depend on the last operand."""

ACROSS = {
    *("put/value", "put/views", "put/repeated", "put/flat", "in-place", "out", "copyto"),
    "add.at",
}
"""Cases that write the last operand into an array of the first: an abstract value in a variable."""

# --- An abstract run above a reverse run ----------------------------------------------------------


@per_case([case for case in CASES if case.name in ACROSS])
def test_an_abstract_value_is_not_written_into_a_variable(case, rng):
    *first, last = case.make(rng)

    def f(*vs):
        return case.call(*vs, AbstractRun().wrap(last, spec_of(last)))

    with pytest.raises(gx.AssignmentError, match="of another kind of run"):
        gx.backprop(f, *first)


@per_case([case for case in CASES if case.name not in ACROSS])
def test_abstract_above_reverse(case, rng):
    """One operand is abstract, of a run inside the reverse run; the others are its variables."""
    xs = case.make(rng)
    wanted = specs(case.call(*xs))
    last = max(i for i, x in enumerate(xs) if has_gradient(x))
    seen = []

    def f(*vs):
        run = AbstractRun()
        mixed = [run.wrap(v, spec_of(v)) if i == last else v for i, v in enumerate(vs)]
        y = case.call(*mixed)
        seen.extend(specs(y))
        return vs[last], y

    (x, y), grads = gx.backprop(f, *xs)
    assert seen == specs(y) == wanted
    assert any(map(is_abstract, leaves(y))) or case.name in OTHERS
    np.testing.assert_array_equal(x, xs[last])
    np.testing.assert_array_equal(grads if len(xs) == 1 else grads[last], gx.one(xs[last]))


# --- An abstract run below a reverse run, in containers -------------------------------------------


@dataclass
class Operands:
    name: str
    parts: dict
    last: object


@per_case(CASES)
def test_abstract_below_reverse_in_containers(case, rng):
    xs = case.make(rng)
    run = AbstractRun()

    def of(xs):
        return Operands("these", {"first": list(xs[:-1])}, (xs[-1],))

    def f(p):
        return [case.call(*p.parts["first"], *p.last)], 1.0

    y, pullback = gx.backprop_with(f, of(xs))
    grad = pullback(random_like(y, np.random.default_rng(0)))
    result, pullback = gx.backprop_with(f, of([abstracted(x, run) for x in xs]))
    assert specs(result) == specs(y)
    found = pullback(random_like(y, np.random.default_rng(0)))
    assert type(found) is Operands and found.name == "these"
    for g, w, x in zip(leaves(found), leaves(grad), leaves(of(xs)), strict=True):
        assert np.shape(g) == np.shape(w)
        if has_gradient(x):
            assert spec_of(g).dtype == spec_of(w).dtype


# --- Three deep, a sample of each property --------------------------------------------------------


@cache
def sampled():
    """Of the ops of each property some, and of each a case with operands that have gradients."""
    chosen = {}
    for wanted in Property:
        names = [op.name for op in OPS.values() if wanted in op.properties and any(op.rules)]
        found = [next((c for c in CASES if name in c.ops), None) for name in names]
        some = [case for case in found if case is not None]
        chosen.update({case.name: case for case in some[:: max(1, len(some) // 8)]})
    plain = [op.name for op in OPS.values() if op.properties is Property.NONE]
    chosen.update({c.name: c for c in CASES if c.order == 2 and c.ops[0] in plain[::3]})
    return [case for case in chosen.values() if case.order == 2]


def per_sample():
    return pytest.mark.parametrize("case", sampled(), ids=lambda case: case.name)


def test_the_sample_has_every_property():
    named = {name for case in sampled() for name in case.ops}
    for wanted in Property:
        assert sum(wanted in op.properties for op in OPS.values() if op.name in named) >= 3, wanted
    assert len(sampled()) >= 40


def gradient_of(case, xs, y):
    """The result and the gradients of a case for a fixed cotangent."""
    result, pullback = gx.backprop_with(case.call, *xs)
    grads = pullback(random_like(y, np.random.default_rng(0)))
    return result, [grads] if len(xs) == 1 else list(grads)


@per_sample()
def test_reverse_over_abstract_over_reverse(case, rng):
    """The variables of the inner run hold abstract values, which were made inside the outer one."""
    xs = case.make(rng)
    y, grads = gradient_of(case, xs, case.call(*xs))
    seen = []

    def f(*vs):
        run = AbstractRun()
        inside = [abstracted(v, run) for v in vs]
        result, found = gradient_of(case, inside, y)
        seen.extend(specs(result))
        first = next(i for i, x in enumerate(xs) if has_gradient(x))
        assert np.shape(found[first]) == np.shape(grads[first])
        assert spec_of(found[first]).dtype == spec_of(grads[first]).dtype
        return np.sum(vs[first] * found[first])

    result, gradient = gx.backprop(f, *xs)
    assert seen == specs(y)
    assert result.shape == ()
    assert len(leaves(gradient)) == len(xs)


@per_sample()
def test_abstract_over_reverse_over_reverse(case, rng):
    """The abstract operand stands above two reverse runs, whose variables it meets."""
    xs = case.make(rng)
    wanted = specs(case.call(*xs))
    last = max(i for i, x in enumerate(xs) if has_gradient(x))
    seen = []

    def outer(*vs):
        def inner(*ws):
            run = AbstractRun()
            mixed = [run.wrap(w, spec_of(w)) if i == last else w for i, w in enumerate(ws)]
            seen.extend(specs(case.call(*mixed)))
            return ws[last]

        grads = gx.grad_bp(inner, *vs)
        return vs[last] * (grads if len(xs) == 1 else grads[last])

    gradient = gx.grad_bp(outer, *xs)
    assert seen == wanted
    np.testing.assert_array_equal(gradient if len(xs) == 1 else gradient[last], gx.one(xs[last]))


@per_sample()
def test_reverse_over_reverse_over_abstract(case, rng):
    """The second derivative, of abstract values."""
    xs = case.make(rng)

    def f(*vs):
        _, grads = gradient_of(case, vs, case.call(*xs))
        return [g for g, x in zip(grads, xs, strict=True) if has_gradient(x)]

    wanted, wanted_grads = gx.backprop(f, *xs)
    run = AbstractRun()
    found, grads = gx.backprop(f, *[abstracted(x, run) for x in xs])
    assert [s[:2] for s in specs(found)] == [s[:2] for s in specs(wanted)]
    assert [s.shape for s in specs(grads)] == [s.shape for s in specs(wanted_grads)]


# --- In one function ------------------------------------------------------------------------------


def test_an_abstract_array_in_a_differentiated_function():
    def f(x):
        a = x * AbstractArray((2,))
        b = AbstractArray((2,)) * x
        assert (repr(a), repr(b)) == ("AbstractArray((2,), float64)",) * 2
        return x, AbstractArray((2,))

    (y, a), g = gx.backprop(f, 3.0)
    assert (y, repr(a), g) == (3.0, "AbstractArray((2,), float64)", 1.0)


def test_abstract_values_are_joined():
    pair = gx.join((AbstractArray((2,)), 1.0))
    assert pair[0].shape == (2,)


def test_abstract_values_answer_questions_of_type():
    run = AbstractRun()
    number, scalar = (run.wrap(x, spec_of(x)) for x in (1.0, np.float64(1.0)))
    assert isinstance(number, float) and isinstance(scalar, np.float64)
    assert isinstance(AbstractArray((2,)), np.ndarray)
    assert not hasattr(number, "shape") and scalar.shape == ()
    assert repr(number + scalar) == "AbstractScalar(float64)"
    assert repr(number / 3) == "AbstractNumber(float)"
    assert repr(number < 1.0) == "AbstractNumber(bool)"
    assert (
        repr((AbstractArray((2,)) > 0) & (AbstractArray((2,)) < 1)) == "AbstractArray((2,), bool)"
    )
