"""Writing in series arithmetic: the plain value to the bit, and the derivatives of nested `jvp`."""

import copy

import numpy as np
import pytest

import gradx as gx
from tests.surface.kernels import KERNELS
from tests.surface.test_kernels import parts, with_floats
from tests.surface.test_writing_programs import drawn, quiet, seeds, share_of_blocks, weighted
from tests.surface.writing_programs import arrays_in

__all__ = ["quiet"]

pytestmark = pytest.mark.filterwarnings("ignore:Setting the shape:DeprecationWarning")


def along(f):
    """The derivative of a function along ones, as a function."""
    return lambda xs: gx.jvp(f, (xs,), (gx.one(xs),))[1]


@share_of_blocks(every=6)
def test_the_lifted_program_computes_the_plain_value_and_its_derivatives(block):
    for seed in seeds(300_000, block, 2_400):
        program, xs, wanted, weights = drawn(seed)
        kept, got = [x.copy() for x in xs], {}
        f = weighted(program, weights, np.sin)

        def run(vs, program=program, got=got, weights=weights):
            found = arrays_in(program.run(dict(zip(program.inputs, vs, strict=True))))
            got.update({k: (gx.value(x), getattr(x, "strides", None)) for k, x in found.items()})
            return sum((np.sum(weights[k] * np.sin(x)) for k, x in found.items()), 0.0)

        y, first, second = gx.taylor(run, tuple(xs), 2)
        for k, x in wanted.items():
            value, strides = got[k]
            assert value.tobytes() == x.tobytes(), f"{seed}: {k}\n{program.text()}"
            if isinstance(x, np.ndarray) and min(x.shape, default=0) > 1:
                assert strides == x.strides, f"{seed}: {k}\n{program.text()}"
        for x, before in zip(xs, kept, strict=True):
            np.testing.assert_array_equal(x, before)
        if np.isfinite(y):
            one, text = along(lambda vs, f=f: f(*vs)), f"{seed}\n{program.text()}"
            near = {"rel": 1e-7, "abs": 1e-7}
            assert first == pytest.approx(one(tuple(xs)), **near), text
            assert second == pytest.approx(along(one)(tuple(xs)), **near), text


@pytest.mark.parametrize("kernel", KERNELS, ids=lambda f: f.__name__)
def test_a_kernel_in_series_arithmetic(kernel, rng):
    args = KERNELS[kernel]
    plain = parts(kernel(*copy.deepcopy(args)))
    f, xs = with_floats(kernel, [rng.normal(size=np.shape(y)) for y in plain])
    y, *found = gx.taylor(lambda vs: f(*vs), tuple(xs), 2)
    assert y == f(*copy.deepcopy(xs))
    one = along(lambda vs: f(*vs))
    assert found == pytest.approx([one(tuple(xs)), along(one)(tuple(xs))], rel=1e-9, abs=1e-9)


def test_a_result_keeps_its_series_when_its_operand_is_written_into_later():
    def f(x):
        b = np.zeros_like(x)
        b[0] = x[0] ** 2
        same, shifted, shown = np.copy(b), b + 1.0, b[:1]
        b[:] = np.sin(x)
        return same, shifted, shown

    same, shifted, shown = gx.taylor(f, np.array([2.0, 3.0]), 2)[2]
    np.testing.assert_array_equal(same, [2.0, 0.0])
    np.testing.assert_array_equal(shifted, [2.0, 0.0])
    np.testing.assert_allclose(shown, [-np.sin(2.0)])


def test_an_array_from_outside_takes_items_and_goes_back():
    kept = []

    def f(x):
        buffer = np.zeros(2)
        buffer = buffer + 0 * x
        buffer[1:] = np.exp(x)
        kept.append(buffer)
        return buffer

    np.testing.assert_allclose(gx.taylor(f, 0.5, 3)[3], [0.0, np.exp(0.5)])
    with pytest.raises(gx.errors.EscapedVarError, match="was used after run"):
        kept[0] + 1


def test_a_lower_run_gets_back_what_was_written_into_its_variable():
    def f(x):
        buffer = np.zeros_like(x)

        def inner(v):
            buffer[:2] = v[1:] * 2.0
            return np.sum(buffer * v)

        return sum(gx.taylor(inner, x, 2)) + np.sum(buffer)

    def plain(x):
        b = np.array([2 * x[1], 2 * x[2], 0.0])
        return np.sum(b * x) + (2 * x[0] + b[0] + 2 * x[1] + b[1]) + 8.0 + np.sum(b)

    x = np.array([0.3, -0.7, 1.1])
    y, g = gx.backprop(f, x)
    assert y == pytest.approx(plain(x))
    wanted = [(plain(x + d) - plain(x - d)) / 2e-6 for d in 1e-6 * np.eye(3)]
    np.testing.assert_allclose(g, wanted, rtol=1e-6)
