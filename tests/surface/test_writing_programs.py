"""The laws of assignment, by random programs: the plain value to the bit, and its gradient."""

import warnings

import numpy as np
import pytest

import gradx as gx
from tests.surface.writing_programs import Differs, Writer, arrays_in, twin

COUNT, LENGTH = 6_000, 8
BLOCKS = 12


def share_of_blocks(every):
    """A test of each block of programs; of all but every so many by scripts/soak alone."""
    marks = [[] if i % every == 0 else [pytest.mark.soak] for i in range(BLOCKS)]
    params = [pytest.param(i, marks=own) for i, own in enumerate(marks)]
    return pytest.mark.parametrize("block", params)


per_block = pytest.mark.parametrize(
    "block", [pytest.param(i, marks=[pytest.mark.thorough] if i > 1 else []) for i in range(BLOCKS)]
)


def weighted(program, weights, inner=lambda x: x):
    """The weighted sum of all arrays of a program, as a function of its inputs."""
    names = list(program.inputs)

    def f(*xs):
        found = arrays_in(program.run(dict(zip(names, xs, strict=True))))
        return sum((np.sum(weights[k] * inner(x)) for k, x in found.items()), 0.0)

    return f


def drawn(seed, length=LENGTH):
    """A program, its inputs, its arrays on plain inputs, and weights for those."""
    program = Writer(seed).write(length)
    wanted = arrays_in(program.run({k: twin(x) for k, x in program.inputs.items()}))
    rng = np.random.default_rng(seed)
    weights = {k: rng.normal(size=np.shape(x)) for k, x in wanted.items()}
    return program, [twin(x) for x in program.inputs.values()], wanted, weights


def slope(f, xs, directions):
    """The derivative along directions by central differences; None where it is not to be had."""
    estimates = []
    for h in (1e-5, 1e-6):
        ends = []
        for step in (h, -h):
            moved = [twin(x) for x in xs]
            for x, d in zip(moved, directions, strict=True):
                x[...] = x + step * d
            try:
                ends.append(f(*moved))
            except Differs:  # another branch of NumPy's errors
                return None
        estimates.append((ends[0] - ends[1]) / (2 * h))
    first, second = estimates
    smooth = abs(first) < 1e5 and abs(first - second) < 1e-4 * (1 + abs(first))
    return first if smooth else None


def assert_slope(f, xs, grads, seed):
    rng = np.random.default_rng(seed + 1)
    directions = [rng.normal(size=x.shape) for x in xs]
    wanted = slope(f, xs, directions)
    mine = sum(float(np.sum(g * d)) for g, d in zip(grads, directions, strict=True))
    return wanted is None or mine == pytest.approx(wanted, rel=1e-3, abs=1e-3)


def seeds(start, block, count=COUNT):
    return range(start + block * count // BLOCKS, start + (block + 1) * count // BLOCKS)


@pytest.fixture(autouse=True)
def quiet():
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        warnings.simplefilter("ignore", DeprecationWarning)  # NumPy 2.5: an array's shape is set
        yield


@per_block
def test_the_lifted_program_computes_the_plain_value(block):
    for seed in seeds(0, block):
        program, xs, wanted, weights = drawn(seed)
        kept = [x.copy() for x in xs]
        got = {}

        def f(*vs, program=program, weights=weights, got=got):
            found = arrays_in(program.run(dict(zip(program.inputs, vs, strict=True))))
            got.update({k: (gx.value(x), getattr(x, "strides", None)) for k, x in found.items()})
            return sum((np.sum(weights[k] * x) for k, x in found.items()), 0.0)

        y, grads = gx.backprop(f, *xs)
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
            assert assert_slope(plain, xs, grads, seed), f"{seed}\n{program.text()}"


@per_block
def test_the_second_derivative(block):
    for seed in seeds(50_000, block, COUNT // 3):
        program, xs, _, weights = drawn(seed)
        f = weighted(program, weights, np.sin)
        rng = np.random.default_rng(seed)
        directions = [rng.normal(size=x.shape) for x in xs]

        def first(*vs, f=f, directions=directions):
            grads = gx.grad_bp(f, *vs)
            return sum((np.sum(g * d) for g, d in zip(grads, directions, strict=True)), 0.0)

        grads = gx.grad_bp(first, *xs)
        assert assert_slope(first, xs, grads, seed), f"{seed}\n{program.text()}"


@per_block
def test_an_inner_run_that_writes_into_an_outer_variable(block):
    """After the inner run the outer variable holds what the plain program has in it."""
    for seed in seeds(90_000, block, COUNT // 3):
        program, xs, _, weights = drawn(seed)
        a, b = program.inputs
        after = {}
        plain = program.run({k: twin(x) for k, x in program.inputs.items()})

        def outer(x0, x1, program=program, weights=weights, after=after, names=(a, b)):
            def inner(v):
                found = arrays_in(program.run(dict(zip(names, (x0, v), strict=True))))
                return sum((np.sum(weights[k] * np.sin(x)) for k, x in found.items()), 0.0)

            y, g = gx.backprop(inner, x1)
            after["x0"] = gx.value(x0)
            return y + np.sum(g * g) + np.sum(np.cos(x0))

        grads = gx.grad_bp(outer, *xs)
        assert after["x0"].tobytes() == plain[a].tobytes(), f"{seed}\n{program.text()}"
        lifted = lambda *vs, outer=outer: gx.backprop(outer, *vs)[0]  # noqa: E731
        assert assert_slope(lifted, xs, grads, seed), f"{seed}\n{program.text()}"


def test_the_programs_are_of_every_kind():
    """Most statements run, some raise, and each kind of statement is there."""
    programs = [Writer(seed).write(LENGTH) for seed in range(300)]
    lines = [line for program in programs for line in program.lines]
    raised = [error for program in programs for error in program.raised if error]
    assert 0 < len(raised) < len(lines) / 5
    for word in ("out=", "copyto", ".at(", "] = ", "] += ", ".T", "reshape", "box", "flat", "put"):
        assert sum(word in line for line in lines) > 5, word
