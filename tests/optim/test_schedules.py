"""Schedules: what they are as values, where they end, and what they refuse."""

import math

import pytest

import gradx as gx
from gradx.errors import GradxError
from gradx.optim import MethodError, constant, cosine, one_cycle, piecewise, step, warmup

ALL = {
    "constant(rate=0.1)": constant(0.1),
    "cosine(rate=0.1, steps=5, end=0.0)": cosine(0.1, 5),
    "step(rate=0.1, every=2, factor=0.1)": step(0.1, 2),
    "piecewise(rate=0.1, factors={2: 0.5, 4: 0.2})": piecewise(0.1, {4: 0.2, 2: 0.5}),
    "warmup(rate=0.1, steps=3)": warmup(0.1, 3),
    "warmup(rate=cosine(rate=0.1, steps=5, end=0.0), steps=3)": warmup(cosine(0.1, 5), 3),
    "one_cycle(peak=0.1, steps=9, pct_start=0.3, div_factor=25.0, final_div_factor=10000.0)": (
        one_cycle(0.1, 9)
    ),
}


@pytest.mark.parametrize("text", ALL)
def test_a_schedule_is_a_value_that_is_written_as_it_was_made(text):
    schedule = ALL[text]
    assert repr(schedule) == text
    assert eval(text) == schedule and hash(eval(text)) == hash(schedule)
    with pytest.raises(AttributeError, match="cannot assign"):
        schedule.steps = 3


@pytest.mark.parametrize(
    ("schedule", "horizon"),
    [
        (constant(0.1), None),
        (step(0.1, 2), None),
        (piecewise(0.1, {3: 0.5}), None),
        (cosine(0.1, 5), 5),
        (one_cycle(0.1, 9), 9),
        (warmup(0.1, 3), None),
        (warmup(cosine(0.1, 5), 3), 8),
        (warmup(warmup(cosine(0.1, 5), 3), 2), 10),
        (warmup(lambda step: 0.1, 3), None),
    ],
)
def test_a_horizon_is_where_a_schedule_ends(schedule, horizon):
    assert schedule.horizon == horizon


def test_what_has_an_end_stays_there():
    assert cosine(0.1, 5, end=0.01)(5) == cosine(0.1, 5, end=0.01)(99) == 0.01
    assert one_cycle(1.0, 9)(8) == one_cycle(1.0, 9)(99) == pytest.approx(1 / 25 / 1e4)


@pytest.mark.parametrize("steps", [1, 2, 3, 4])
def test_one_cycle_of_few_steps_has_finite_rates_below_its_peak(steps):
    rates = [one_cycle(1.0, steps)(k) for k in range(steps + 2)]
    assert all(0 < rate <= 1 for rate in rates)
    assert rates[-1] == rates[-2] == pytest.approx(1 / 25 / 1e4)


def test_any_function_of_the_step_is_a_schedule():
    method = gx.optim.sgd(lambda step: 1.0 / (1 + step))
    params, state = 0.0, method.init(0.0)
    for _ in range(3):
        params, state = method.update(-6.0, state, params)
    assert params == 6.0 + 3.0 + 2.0
    assert gx.optim.warmup(lambda step: 10.0 * (step + 1), 2)(2) == 10.0


def test_a_rate_may_be_differentiated_through_a_schedule():
    def after(rate):
        method = gx.optim.sgd(cosine(rate, 4))
        params, state = method.update(2.0, method.init(1.0), 1.0)
        return method.update(2.0, state, params)[0]

    wanted = -2.0 - 2.0 * (1 + math.cos(math.pi / 4)) / 2
    assert gx.grad(after)(0.1) == pytest.approx(wanted)


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: constant(math.nan), "constant: rate is nan; give a number that is at least 0 and"),
        (lambda: cosine(-0.1, 5), "cosine: rate is -0.1; give a number that is at least 0 and fin"),
        (lambda: cosine(0.1, 0), "cosine: steps is 0; give an integer above 0"),
        (lambda: cosine(0.1, 2.5), "cosine: steps is 2.5; give an integer above 0"),
        (lambda: cosine(0.1, 5, end=math.inf), "cosine: end is inf; give a number that is at"),
        (lambda: step(0.1, True), "step: every is True; give an integer above 0"),
        (lambda: step(0.1, 2, factor=-1), "step: factor is -1; give a number that is at least 0"),
        (lambda: piecewise(0.1, {0: 0.5}), "piecewise: a step of factors is 0; give an integer"),
        (lambda: piecewise(0.1, {2: -1}), "piecewise: the factor from step 2 on is -1; give a"),
        (lambda: warmup(None, 3), "warmup: rate is None; give a number or a schedule"),
        (lambda: warmup("cosine", 3), "warmup: rate is 'cosine'; give a number or a schedule"),
        (lambda: one_cycle(0.1, 9, pct_start=1), "one_cycle: pct_start is 1; give a number that"),
        (lambda: one_cycle(0.1, 9, div_factor=0), "one_cycle: div_factor is 0; give a number that"),
    ],
)
def test_options_that_cannot_work(make, text):
    with pytest.raises(MethodError, match=text.replace("(", r"\(")):
        make()
    assert issubclass(MethodError, GradxError) and issubclass(MethodError, ValueError)
