"""Random programs of containers, opaque values and nested runs, held against the plain run."""

import collections
import random

import numpy as np
import pytest

import gradx as gx
from tests.core.border_programs import (
    MAKERS,
    Program,
    is_leaf,
    leaves,
    outline,
    parts,
    register,
    total,
)

SEEDS = range(60)


@pytest.fixture(autouse=True)
def registered():
    register()


def vector(x):
    return np.concatenate([np.ravel(v) for v in leaves(x)])


def places(x, seen=None):
    """Which of the containers and arrays in a value are one object; inside of opaque ones not."""
    seen = {} if seen is None else seen
    if isinstance(x, float):
        return []
    mine = [seen.setdefault(id(x), len(seen))]
    if is_leaf(x) or type(x).__name__ == "Opaque":
        return mine
    return mine + [k for part in parts(x) for k in places(part, seen)]


def without_runs(seed):
    return Program(seed, runs=0)


def inputs(seed):
    choice = random.Random(seed * 7 + 1)
    x = choice.uniform(0.2, 1.5)
    w = np.array([choice.uniform(0.2, 1.5) for _ in range(3)])
    maker = choice.choice(MAKERS)
    return lambda x, w: maker(x, [w, x * 1.0]), x, w


@pytest.mark.parametrize("seed", SEEDS)
def test_the_value_is_that_of_the_plain_run(seed):
    make, x, w = inputs(seed)
    value = make(x, w)
    for program, exact in ((without_runs(seed), True), (Program(seed), False)):
        plain = program(value, 0.7)
        for y in (gx.backprop(program, value, 0.7)[0], gx.backprop_with(program, value, 0.7)[0]):
            assert outline(y) == outline(plain)
            assert places(y) == places(plain)
            if exact:
                assert vector(y).tobytes() == vector(plain).tobytes()
            else:  # rules may round a nested gradient in another way
                assert np.allclose(vector(y), vector(plain), rtol=1e-10, atol=1e-12)


def differences(f, x, w, s, h):
    """The central differences in a number, an array and another number."""
    steps = np.eye(5) * h
    at = [(x + d[0], w + d[1:4], s + d[4]) for d in steps]
    back = [(x - d[0], w - d[1:4], s - d[4]) for d in steps]
    return np.array([(f(*a) - f(*b)) / (2 * h) for a, b in zip(at, back, strict=True)])


@pytest.mark.parametrize("seed", SEEDS)
def test_the_gradient_is_that_of_central_differences(seed):
    make, x, w = inputs(seed)
    program = Program(seed)
    g, slope = gx.grad(lambda value, s: total(program(value, s)), (0, 1))(make(x, w), 0.7)
    of_x, (of_w, of_copy) = parts(g)
    found = np.array([of_x + of_copy, *of_w, slope])
    wanted = differences(lambda x, w, s: total(program(make(x, w), s)), x, w, 0.7, 1e-5)
    assert np.allclose(found, wanted, rtol=1e-4, atol=1e-5 * max(1.0, np.abs(wanted).max()))


def test_the_programs_use_every_kind_of_value():
    kinds = collections.Counter()
    for seed in SEEDS:
        make, x, w = inputs(seed)
        kinds.update(str(outline(Program(seed)(make(x, w), 0.7))).replace("'", "").split("("))
    names = {name.strip(", ()") for name in kinds}
    assert {"Record", "Frozen", "Registered", "Opaque", "Pair", "Items", "deque"} <= names
