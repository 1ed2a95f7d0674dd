"""Recipes: a method by name, its options and schedules, and one line for what cannot work."""

import re

import numpy as np
import pytest

import gradx as gx
from gradx.cli.options import _MEANING, method_options
from gradx.train import OptionError, Options
from gradx.train.recipe import METHODS, Recipe, options_of


def rates(schedule, steps=100, rate=1.0):
    """The learning rates of the first steps."""
    method = Recipe(schedule=schedule, rate=rate).build(steps)
    return [method.rate(k) if callable(method.rate) else method.rate for k in range(steps)]


@pytest.mark.parametrize("name", METHODS)
def test_a_method_by_name_is_that_of_gx_optim(name):
    method = Recipe(method=name).build(10)
    assert method == METHODS[name]() and type(method).__name__ == name
    assert all(hasattr(method, option) for option in options_of(name))


def test_every_option_of_every_method_is_explained():
    assert set(_MEANING) == set(method_options())


def test_options_and_clipping():
    recipe = Recipe(method="sgd", rate=0.5, clip=2.0, options={"momentum": 0.9, "nesterov": True})
    recipe.check()
    assert recipe.build(1) == gx.optim.clip_by_norm(gx.optim.sgd(0.5, 0.9, True), 2.0)
    assert recipe.words == "sgd (momentum 0.9, nesterov), rate 0.5, gradients clipped at 2"


@pytest.mark.parametrize(
    ("schedule", "wanted"),
    [
        ("cosine", gx.optim.cosine(1.0, 100)),
        ("one_cycle", gx.optim.one_cycle(1.0, 100)),
        ("step:10,0.5", gx.optim.step(1.0, 10, 0.5)),
        ("piecewise:10=0.1,50=2", gx.optim.piecewise(1.0, {10: 0.1, 50: 2.0})),
        ("warmup:20", gx.optim.warmup(1.0, 20)),
        ("warmup:20+cosine", gx.optim.warmup(gx.optim.cosine(1.0, 100), 20)),
        ("warmup:0+step:5,0.5", gx.optim.step(1.0, 5, 0.5)),
    ],
)
def test_schedules(schedule, wanted):
    assert rates(schedule) == [wanted(k) for k in range(100)]
    assert Recipe(schedule=schedule).by_horizon == ("cos" in schedule or "one" in schedule)


def test_a_constant_rate():
    assert rates("constant") == [1.0] * 100 and not Recipe().by_horizon


@pytest.mark.parametrize(
    ("recipe", "text"),
    [
        (
            {"method": "newton"},
            "method 'newton': use one of sgd, adam, adamw, adagrad, rmsprop, lamb, lion",
        ),
        (
            {"method": "adam", "options": {"momentum": 0.9}},
            "momentum 0.9: adam has none; its options are b1, b2, eps; sgd, rmsprop have it",
        ),
        (
            {"method": "adagrad", "options": {"nesterov": True}},
            "nesterov True: adagrad has none; its options are eps; sgd has it",
        ),
        (
            {"options": {"momentum": 1.5}},
            "sgd: momentum is 1.5; give a number that is at least 0 and below 1",
        ),
        (
            {"clip": 0.0},
            "clip_by_norm: limit is 0.0; give a number that is above 0 and finite",
        ),
        (
            {"schedule": "fast"},
            "schedule 'fast': use one of constant, cosine, one_cycle, step:STEPS,FACTOR, "
            "piecewise:STEP=FACTOR,…, warmup:STEPS, warmup:STEPS+any other",
        ),
        ({"schedule": "cosine:3"}, "schedule 'cosine:3': write cosine"),
        ({"schedule": "step:3"}, "schedule 'step:3': write step:STEPS,FACTOR"),
        ({"schedule": "step:1.5,2"}, "schedule 'step:1.5,2': write step:STEPS,FACTOR"),
        (
            {"schedule": "piecewise:3"},
            "schedule 'piecewise:3': write piecewise:STEP=FACTOR,…",
        ),
        (
            {"schedule": "warmup:x"},
            "schedule 'warmup:x': write warmup:STEPS, or warmup:STEPS+cosine",
        ),
    ],
)
def test_what_cannot_work(recipe, text):
    with pytest.raises(OptionError, match=re.escape(text)) as caught:
        Recipe(**recipe).check()
    assert str(caught.value) == text


@pytest.mark.parametrize("rate", [0.0, -1.0, np.nan, np.inf])
def test_rates_that_cannot_work(rate):
    with pytest.raises(OptionError, match="the learning rate must be a finite number above 0"):
        Recipe(method="adam", rate=rate).check()


def test_another_method_begins_with_its_own_rate_and_options():
    options = Options(of_method={"momentum": 0.5})
    assert options.changed({"of_method": {"nesterov": True}}).of_method == {
        "momentum": 0.5,
        "nesterov": True,
    }
    other = options.changed({"method": "adam", "epochs": 3})
    assert (other.rate, other.of_method, other.recipe.height, other.epochs) == (None, {}, 1e-3, 3)
    assert options.changed({"method": "sgd", "rate": 0.5}).rate == 0.5


def test_the_number_of_steps():
    assert Options(epochs=2, batch_size=3).steps(10) == 8
