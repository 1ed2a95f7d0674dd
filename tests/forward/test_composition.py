"""Forward runs above, below and beside runs of other kinds: every case of the specification.

Of an abstract run the results are of the plain run's form; of a batch run they are those of a loop
over the examples.
"""

import numpy as np
import pytest

import gradx as gx
from gradx.core.spec import spec_of
from gradx.testing.abstract import AbstractRun
from gradx.testing.gradients import random_like
from tests.batch.test_specification import (
    assert_rows,
    examples_of,
    in_form,
    outcome,
    quiet,
)
from tests.forward.test_specification import drawn
from tests.ops.cases import ALL_CASES
from tests.ops.test_composition import (
    CASES,
    OTHERS,
    abstracted,
    is_abstract,
    per_sample,
    specs,
)
from tests.ops.test_specification import has_gradient, leaves, per_case

__all__ = ["quiet"]

pytestmark = pytest.mark.thorough


# --- An abstract run ------------------------------------------------------------------------------


@per_case(CASES, every=12)
def test_forward_over_abstract(case, rng):
    """The values and the tangents are abstract: no forward rule reads a number."""
    xs, run = case.make(rng), AbstractRun()
    wanted, tangent = gx.jvp(case.call, xs, drawn(xs, 1))
    vs, ts = (tuple(abstracted(x, run) for x in values) for values in (xs, drawn(xs, 1)))
    y, t = gx.jvp(case.call, vs, ts)
    assert specs(y) == specs(wanted)
    for got, like in zip(leaves(t), leaves(tangent), strict=True):
        assert spec_of(got)[:2] == spec_of(like)[:2]


@per_sample()
def test_abstract_over_forward(case, rng):
    """One operand is abstract, of a run inside the forward run; the others are its variables."""
    xs = case.make(rng)
    wanted = specs(case.call(*xs))
    last = max(i for i, x in enumerate(xs) if has_gradient(x))
    seen = []

    def f(*vs):
        run = AbstractRun()
        mixed = [run.wrap(v, spec_of(v)) if i == last else v for i, v in enumerate(vs)]
        y = case.call(*mixed)
        seen.extend(specs(y))
        assert any(map(is_abstract, leaves(y))) or case.name in OTHERS
        return vs[last]

    ts = drawn(xs, 1)
    y, t = gx.jvp(f, xs, ts)
    assert seen == wanted
    np.testing.assert_array_equal(y, xs[last])
    np.testing.assert_array_equal(t, ts[last])


@per_sample()
def test_forward_over_reverse_over_abstract(case, rng):
    """The second derivative of abstract values: that of a Hessian's product."""
    xs, run = case.make(rng), AbstractRun()
    g = random_like(case.call(*xs), np.random.default_rng(2))

    def gradient(*vs):
        found = gx.backprop_with(case.call, *vs)[1](g)
        return [found] if len(vs) == 1 else list(found)

    _, wanted = gx.jvp(gradient, xs, drawn(xs, 1))
    vs, ts = (tuple(abstracted(x, run) for x in values) for values in (xs, drawn(xs, 1)))
    _, t = gx.jvp(gradient, vs, ts)
    for got, like in zip(leaves(t), leaves(wanted), strict=True):
        assert spec_of(got)[:2] == spec_of(like)[:2]


# --- A batch run ----------------------------------------------------------------------------------


def rows_of_tangents(rows, axes):
    """For each example tangents of its operands; where one is not mapped, the same for all."""
    found = [drawn(xs, seed) for seed, xs in enumerate(rows)]
    return [
        tuple(t if axis == 0 else same for t, same, axis in zip(ts, found[0], axes, strict=True))
        for ts in found
    ]


def stacked(rows, axes):
    columns = zip(*rows, strict=True)
    return [np.stack(c) if axis == 0 else c[0] for c, axis in zip(columns, axes, strict=True)]


@per_case(ALL_CASES, every=12)
def test_tangents_of_each_example_are_those_of_a_loop(case, rng):
    """A batch run over a forward run."""
    rows, axes, batched = examples_of(case.make, rng)
    tangents = rows_of_tangents(rows, axes)
    n = len(axes)

    def f(*given):
        xs, ts = (in_form(rows[0], part) for part in (given[:n], given[n:]))
        return gx.jvp(case.call, tuple(xs), tuple(ts))

    mapped = gx.vmap(f, in_axes=(*axes, *axes))
    got = outcome(case, lambda: mapped(*batched, *stacked(tangents, axes)))
    if got is not None:
        assert_rows(got, [f(*xs, *ts) for xs, ts in zip(rows, tangents, strict=True)], 1e-8)


@per_case(ALL_CASES, every=12)
def test_tangents_of_all_examples_are_those_of_a_loop(case, rng):
    """A forward run around a batch run."""
    rows, axes, batched = examples_of(case.make, rng)
    tangents = rows_of_tangents(rows, axes)
    mapped = gx.vmap(lambda *vs: case.call(*in_form(rows[0], vs)), in_axes=axes)
    ts = stacked(tangents, axes)
    got = outcome(case, lambda: gx.jvp(mapped, batched, ts))
    if got is not None:
        pairs = [gx.jvp(case.call, xs, ts) for xs, ts in zip(rows, tangents, strict=True)]
        assert_rows(got, pairs, 1e-8)
