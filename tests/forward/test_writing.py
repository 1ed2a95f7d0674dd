"""Writing in forward mode: the plain value to the bit, the same views, and the right tangents."""

import copy

import numpy as np
import pytest

import gradx as gx
from tests.ops.cases import ALL_CASES
from tests.ops.test_specification import leaves, per_case
from tests.surface.kernels import KERNELS
from tests.surface.test_kernels import parts, with_floats
from tests.surface.test_views import EXCEPTIONS, facts, is_of_arrays
from tests.surface.test_writing_programs import (
    drawn,
    quiet,
    seeds,
    share_of_blocks,
    slope,
    weighted,
)
from tests.surface.writing_programs import arrays_in

__all__ = ["quiet"]

pytestmark = pytest.mark.filterwarnings("ignore:Setting the shape:DeprecationWarning")


@share_of_blocks(every=6)
def test_the_lifted_program_computes_the_plain_value(block):
    for seed in seeds(200_000, block, 2_400):
        program, xs, wanted, weights = drawn(seed)
        kept = [x.copy() for x in xs]
        rng = np.random.default_rng(seed + 1)
        ts = [rng.normal(size=x.shape) for x in xs]
        got = {}

        def f(*vs, program=program, weights=weights, got=got):
            found = arrays_in(program.run(dict(zip(program.inputs, vs, strict=True))))
            got.update({k: (gx.value(x), getattr(x, "strides", None)) for k, x in found.items()})
            return sum((np.sum(weights[k] * x) for k, x in found.items()), 0.0)

        y, t = gx.jvp(f, xs, ts)
        for k, x in wanted.items():
            value, strides = got[k]
            assert (value.shape, value.dtype) == (x.shape, x.dtype), program.text()
            assert value.tobytes() == x.tobytes(), f"{seed}: {k}\n{program.text()}"
            if isinstance(x, np.ndarray) and min(x.shape, default=0) > 1:
                assert strides == x.strides, f"{seed}: {k}\n{program.text()}"
        for x, before in zip(xs, kept, strict=True):
            np.testing.assert_array_equal(x, before)
        if np.isfinite(y):
            plain = weighted(program, weights)
            grads = gx.grad_bp(plain, *xs)
            reverse = sum(float(np.sum(g * d)) for g, d in zip(grads, ts, strict=True))
            assert t == pytest.approx(reverse, rel=1e-9, abs=1e-9), f"{seed}\n{program.text()}"
            wanted_slope = slope(plain, xs, ts)
            near = wanted_slope is None or t == pytest.approx(wanted_slope, rel=1e-3, abs=1e-3)
            assert near, f"{seed}\n{program.text()}"


@share_of_blocks(every=6)
def test_with_reverse_mode_in_either_order(block):
    for seed in seeds(250_000, block, 1_200):
        program, xs, _, weights = drawn(seed)
        f = weighted(program, weights, np.sin)
        rng = np.random.default_rng(seed)
        ts = [rng.normal(size=x.shape) for x in xs]
        us = [rng.normal(size=x.shape) for x in xs]

        def along(*vs, f=f, ts=ts):
            return sum(np.sum(g * t) for g, t in zip(gx.grad_bp(f, *vs), ts, strict=True))

        def dot(gs, ds):
            return sum(float(np.sum(g * d)) for g, d in zip(gs, ds, strict=True))

        wanted = dot(gx.grad_bp(along, *xs), us)
        over_reverse = gx.jvp(lambda *vs, f=f: gx.grad_bp(f, *vs), xs, us)[1]
        over_forward = gx.grad_bp(lambda *vs, f=f, ts=ts: gx.jvp(f, vs, ts)[1], *xs)
        twice = gx.jvp(lambda *vs, f=f, ts=ts: gx.jvp(f, vs, ts)[1], xs, us)[1]
        if np.isfinite(wanted):
            tolerance = {"rel": 1e-7, "abs": 1e-7}
            text = f"{seed}\n{program.text()}"
            assert dot([over_reverse] if len(xs) == 1 else over_reverse, ts) == pytest.approx(
                wanted, **tolerance
            ), text
            over_forward = [over_forward] if len(xs) == 1 else over_forward
            assert dot(over_forward, us) == pytest.approx(wanted, **tolerance), text
            assert twice == pytest.approx(wanted, **tolerance), text


VIEWS = [case for case in ALL_CASES if is_of_arrays(case) and case.name not in EXCEPTIONS]


@per_case(VIEWS, every=4)
def test_what_is_a_view_is_what_numpy_says(case, rng):
    xs = case.make(rng)
    plain = facts(leaves(case.call(*xs)), xs)
    lifted = []

    def f(*vs):
        lifted.extend(facts(leaves(case.call(*vs)), vs))
        return vs

    gx.jvp(f, xs, xs)
    if "as_strided" in case.name:  # whose items may overlap: a write raises
        plain = [(of, False) for of, _ in plain]
    assert lifted == plain


@pytest.mark.parametrize("kernel", KERNELS, ids=lambda f: f.__name__)
def test_a_kernel_in_forward_mode(kernel, rng):
    args = KERNELS[kernel]
    plain = parts(kernel(*copy.deepcopy(args)))
    weights = [rng.normal(size=np.shape(y)) for y in plain]
    f, xs = with_floats(kernel, weights)
    ts = [rng.normal(size=np.shape(x))[()] for x in xs]
    ts = [float(t) if isinstance(x, float) else t for x, t in zip(xs, ts, strict=True)]
    y, t = gx.jvp(f, xs, ts)
    assert y == f(*copy.deepcopy(xs))
    grads = gx.grad_bp(f, *xs)
    grads = [grads] if len(xs) == 1 else grads
    wanted = sum(float(np.sum(g * d)) for g, d in zip(grads, ts, strict=True))
    assert t == pytest.approx(wanted, rel=1e-9)


def test_a_lower_run_gets_back_the_plain_value_of_what_was_written_into_its_variable():
    def f(x):
        buffer = np.zeros_like(x)

        def inner(v):
            buffer[:2] = v[1:] * 2.0
            return np.sum(buffer * v)

        y, t = gx.jvp(inner, (x,), (np.ones(3),))
        return y + t + np.sum(buffer)

    def plain(x):
        b = np.array([2 * x[1], 2 * x[2], 0.0])
        return np.sum(b * x) + (2 * x[0] + b[0] + 2 * x[1] + b[1]) + np.sum(b)

    x = np.array([0.3, -0.7, 1.1])
    y, g = gx.backprop(f, x)
    assert y == pytest.approx(plain(x))
    steps = 1e-6 * np.eye(3)
    wanted = [(plain(x + d) - plain(x - d)) / 2e-6 for d in steps]
    np.testing.assert_allclose(g, wanted, rtol=1e-6)


def _copies(u):
    c = np.zeros((2, *u.shape))
    return u + 1.0, 1.0 - u, np.positive(u), u + c, np.real(u), *np.modf(u), *np.divmod(u, 0.7)


@gx.lift
def _doubled(x):
    return 2.0 * x, lambda g: 2.0 * g


@gx.lift
def _moved(x):
    return x + 1.0, lambda g: g


@gx.custom_jvp
def _shifted(x):
    return x + 1.0


@_shifted.defjvp
def _rule(primals, tangents):
    return primals[0] + 1.0, tangents[0]


@pytest.mark.parametrize(
    "kept",
    [_copies, lambda u: _copies(u[1:]), lambda u: (_doubled(u), _moved(u)), _shifted],
    ids=["ops", "ops of a view", "lift", "custom_jvp"],
)
def test_what_was_computed_of_an_array_keeps_its_tangent_when_that_is_written_into(kept):
    def f(x):
        u = x * 1.0
        u[0] = 2.0 * x[1]
        y = kept(u)
        u[:] = 0.0
        return y

    x, t = np.array([0.3, -0.7, 1.1]), np.array([1.0, 10.0, 100.0])
    y, along = gx.jvp(f, (x,), (t,))
    other, derivative = gx.linearize(f, x)
    for ours, theirs in ((y, other), (along, derivative(t))):
        for a, b in zip(leaves(ours), leaves(theirs), strict=True):
            np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("part", [slice(None), slice(1, None)])
def test_an_op_that_returns_its_operand_shares_it(part):
    @gx.lift
    def op(x):
        return x[part], lambda g: np.concatenate([np.zeros(3 - len(g)), g])

    def f(x):
        u = x * 1.0
        y = op(u)
        u[2] = 7.0
        return y * 1.0

    with pytest.raises(gx.AliasError, match=r"an op of @gx.lift returned its operand"):
        gx.jvp(f, (np.ones(3),), (np.ones(3),))
