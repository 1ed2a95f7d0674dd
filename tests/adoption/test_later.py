"""What a call of adopted code returns and what then runs: closures, generators, coroutines."""

import asyncio
import contextlib
import gc
import math
import weakref
from typing import NamedTuple

import numpy as np
import pytest

import gradx as gx
from tests.adoption.test_features import agrees


class Scale:
    def __init__(self, factor):
        self.factor = factor

    def value(self, x):
        y = np.zeros(1)
        y[0] = math.sin(x) * self.factor
        return y[0]

    async def later(self, x):
        await asyncio.sleep(0)
        return self.value(x)


SCALE = Scale(2.0)
LOG: list[bool] = []


def agree(run, program, x=0.7):
    """As `agrees`, of what runs a program that is adopted alone."""
    plain = run(program, x)
    value, gradient = gx.value_and_grad(lambda x: run(gx.adopt(program), x))(x)
    assert value == plain
    slope = (run(program, x + 1e-6) - run(program, x - 1e-6)) / 2e-6
    np.testing.assert_allclose(gradient, slope, rtol=1e-5)
    assert type(SCALE) is Scale


def closures(a):
    count = 0

    def value(x):
        nonlocal count
        count += 1
        if count < 3:
            return value(x)
        return SCALE.value(x) * a * (2.0 if type(SCALE) is Scale else 3.0)

    return value, {"count": lambda: count}


def test_closures_that_are_returned():
    def run(f, x):
        value, others = f(x)
        y = value(x)
        assert others["count"]() == 3
        return y

    agree(run, closures)


def test_closures_that_are_returned_live_no_longer_than_for_the_caller():
    f, made = gx.adopt(closures), []

    def loss(x):
        value, _ = f(x)
        made.append(weakref.ref(value))
        return value(x)

    for _ in range(3):
        gx.grad(loss)(0.5)
    gc.collect()
    assert [each() for each in made] == [None] * 3


def values(x):
    factor = 1.0
    for _ in range(3):
        try:
            given = yield SCALE.value(x) * factor * (2.0 if type(SCALE) is Scale else 3.0)
        except ValueError as error:
            given = x * len(error.args)
        factor = 1.0 if given is None else given
    return factor


def passed_on(x):
    try:
        return (yield from values(x))
    finally:
        LOG.append(type(SCALE) is Scale)


def test_a_generator_that_is_returned():
    agree(lambda f, x: sum(f(x)), values)
    agree(lambda f, x: sum(f(x)), lambda x: (SCALE.value(x) for _ in range(2)))

    def by_hand(f, x):
        steps = f(x)
        y = next(steps) + steps.send(x) * steps.throw(ValueError("a", "b"))
        try:
            steps.send(3.0 * x)
        except StopIteration as end:
            y = y * end.value
        return y

    agree(by_hand, passed_on)


def test_a_generator_that_is_returned_and_closed():
    LOG.clear()
    agree(lambda f, x: next(f(x)), passed_on)
    gc.collect()
    assert LOG == [True] * 4


def test_a_coroutine_that_is_returned():
    agree(lambda f, x: asyncio.run(f(x)), Scale.later.__get__(SCALE))

    async def main(x):
        return await SCALE.later(x) * await SCALE.later(2 * x)

    agree(lambda f, x: asyncio.run(f(x)), main)


TASKS: list = []


OTHER = Scale(3.0)


async def lasting():
    await asyncio.sleep(0)
    return OTHER.value(0.5)


async def beginning(x):
    TASKS.append(asyncio.create_task(lasting()))
    return SCALE.value(x)


def test_a_task_that_goes_on_when_its_call_is_over():
    async def main(x):
        y = await gx.adopt(beginning)(x)
        return y, await TASKS.pop()

    assert asyncio.run(main(0.7)) == (SCALE.value(0.7), OTHER.value(0.5))
    y, _ = gx.backprop(lambda x: asyncio.run(main(x))[0], 0.7)
    assert y == SCALE.value(0.7)
    assert type(SCALE) is type(OTHER) is Scale


@contextlib.contextmanager
def scaled(x):
    yield SCALE.value(x)
    LOG.append(type(SCALE) is Scale)


def test_a_context_manager_that_is_returned():
    def run(f, x):
        with f(x) as y:
            return y * x

    LOG.clear()
    agree(run, scaled)
    assert LOG == [True] * 4


def made(factor):
    calls = [0]

    def value(x):
        calls[0] += 1
        return math.sin(x) * factor

    return value


VALUE = made(2.0)
HELD = [VALUE]
BY_CODE = {VALUE: 3.0}


def same(x, given=VALUE):
    assert HELD[0] is VALUE and given is VALUE and VALUE in HELD and BY_CODE[VALUE] == 3.0
    return HELD[0](x)


def test_a_closure_is_one_function_in_every_call():
    f = gx.adopt(same)
    for _ in range(3):
        assert gx.backprop(f, 0.5)[0] == same(0.5)
    agrees(same)


# --- Several calls --------------------------------------------------------------------------------


class Row(NamedTuple):
    held: object
    factor: float = 2.0

    def value(self, x):
        return float(x) * self.held(x) * math.cos(self.factor)


class Holder:
    row = Row(VALUE)


ROW, HOLDER = Row(VALUE), Holder()


def caught(row):
    return lambda x: row.value(x)


BY_CAUGHT = caught(ROW)


@pytest.mark.parametrize(
    "program",
    [
        lambda x, row=ROW: row.value(x),
        lambda x: Holder.row.value(x),
        lambda x, functions={VALUE}: next(iter(functions))(x),
        lambda x, functions=frozenset({VALUE}): next(iter(functions))(x),
        lambda x, table={VALUE: 2.0}: table[VALUE] * VALUE(x),
        lambda x, parts=(HOLDER, {"a": (VALUE,)}): parts[1]["a"][0](x) * parts[0].row.value(x),
        lambda x: ROW.value(x) * BY_CAUGHT(x),
    ],
)
def test_what_code_holds_is_adopted_in_every_call(program):
    f = gx.adopt(program)
    for _ in range(3):
        assert gx.backprop(f, 0.5)[0] == program(0.5)
