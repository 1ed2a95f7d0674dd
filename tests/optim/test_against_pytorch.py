"""100 steps of each method, and the rates of schedules, beside PyTorch's and the papers'.

PyTorch's are in golden/pytorch.json, with the script that made it. LAMB and Lion, which it does not
have, are written out here from their papers, array by array.
"""

import json
from pathlib import Path

import numpy as np
import pytest

import gradx as gx
from tests.optim.golden import problem

optim = gx.optim
GOLDEN = json.loads((Path(__file__).parent / "golden" / "pytorch.json").read_text("utf-8"))
METHODS = {
    "sgd": optim.sgd(0.05),
    "sgd with momentum": optim.sgd(0.05, momentum=0.8),
    "sgd with Nesterov's momentum": optim.sgd(0.05, momentum=0.8, nesterov=True),
    "adagrad": optim.adagrad(0.1),
    "rmsprop": optim.rmsprop(0.02),
    "rmsprop with momentum": optim.rmsprop(0.02, decay=0.9, eps=1e-6, momentum=0.7),
    "adam": optim.adam(0.05),
    "adam with other options": optim.adam(0.05, b1=0.7, b2=0.9, eps=1e-3),
    "adamw": optim.adamw(0.05),
    "adamw with weight decay": optim.adamw(0.05, weight_decay=0.3),
    "adam with a schedule": optim.adam(optim.cosine(0.05, steps=100, end=0.001)),
}


def run(method, in_place, shown):
    """The parameters after some of 100 steps."""
    params = problem.start()
    state = method.init(params)
    found = {}
    for step in range(problem.STEPS):
        g = problem.gradient(params, step)
        params, state = method.update(g, state, params, in_place=in_place)
        if step + 1 in shown:
            found[step + 1] = {name: np.copy(x) for name, x in params.items()}
    assert state.step == problem.STEPS
    return found


def assert_the_same(found, wanted):
    for name, x in wanted.items():
        np.testing.assert_allclose(found[name], x, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("in_place", [False, True])
@pytest.mark.parametrize("name", METHODS)
def test_a_run_is_that_of_pytorch(name, in_place):
    golden = GOLDEN["methods"][name]
    found = run(METHODS[name], in_place, [int(step) for step in golden])
    for step, wanted in golden.items():
        assert_the_same(found[int(step)], wanted)


def test_every_run_of_pytorch_is_compared():
    assert METHODS.keys() == GOLDEN["methods"].keys()
    assert SCHEDULES.keys() == GOLDEN["schedules"].keys()


# --- From the papers ------------------------------------------------------------------------------


def lamb_of_the_paper(rate, b1, b2, eps, weight_decay):
    """Algorithm 2 of You et al. (2020), arXiv:1904.00962, with phi the identity."""
    params = problem.start()
    m = {name: np.zeros_like(x) for name, x in params.items()}
    v = {name: np.zeros_like(x) for name, x in params.items()}
    for t in range(1, problem.STEPS + 1):
        g = problem.gradient(params, t - 1)
        for name, x in params.items():
            m[name] = b1 * m[name] + (1 - b1) * g[name]
            v[name] = b2 * v[name] + (1 - b2) * g[name] ** 2
            m_hat, v_hat = m[name] / (1 - b1**t), v[name] / (1 - b2**t)
            r = m_hat / (np.sqrt(v_hat) + eps) + weight_decay * x
            ratio = np.sqrt(np.sum(x**2)) / np.sqrt(np.sum(r**2))
            params[name] = x - rate * ratio * r
    return params


def lion_of_the_paper(rate, b1, b2, weight_decay):
    """Algorithm 2 of Chen et al. (2023), arXiv:2302.06675."""
    params = problem.start()
    m = {name: np.zeros_like(x) for name, x in params.items()}
    for t in range(problem.STEPS):
        g = problem.gradient(params, t)
        for name, x in params.items():
            update = b1 * m[name] + (1 - b1) * g[name]
            params[name] = x - rate * (np.sign(update) + weight_decay * x)
            m[name] = b2 * m[name] + (1 - b2) * g[name]
    return params


@pytest.mark.parametrize("in_place", [False, True])
@pytest.mark.parametrize("weight_decay", [0.0, 0.1])
def test_lamb_is_that_of_its_paper(weight_decay, in_place):
    method = optim.lamb(0.02, b1=0.8, b2=0.95, eps=1e-5, weight_decay=weight_decay)
    wanted = lamb_of_the_paper(0.02, 0.8, 0.95, 1e-5, weight_decay)
    assert_the_same(run(method, in_place, [100])[100], wanted)


@pytest.mark.parametrize("in_place", [False, True])
@pytest.mark.parametrize("weight_decay", [0.0, 0.1])
def test_lion_is_that_of_its_paper(weight_decay, in_place):
    method = optim.lion(0.01, b1=0.8, b2=0.95, weight_decay=weight_decay)
    wanted = lion_of_the_paper(0.01, 0.8, 0.95, weight_decay)
    assert_the_same(run(method, in_place, [100])[100], wanted)


# --- Schedules ------------------------------------------------------------------------------------

SCHEDULES = {
    "step": optim.step(0.1, every=7, factor=0.5),
    "piecewise": optim.piecewise(0.1, {10: 0.3, 36: 0.3, 35: 0.3}),
    "cosine": optim.cosine(0.1, steps=60, end=0.001),
    "warmup": optim.warmup(0.1, steps=8),
    "warmup and cosine": optim.warmup(optim.cosine(0.1, steps=52), steps=8),
    "one cycle": optim.one_cycle(0.1, steps=61),
    "one cycle with other options": optim.one_cycle(
        0.1, steps=61, pct_start=0.45, div_factor=10, final_div_factor=100
    ),
}


@pytest.mark.parametrize("name", SCHEDULES)
def test_rates_are_those_of_pytorch(name):
    found = [SCHEDULES[name](step) for step in range(60)]
    np.testing.assert_allclose(found, GOLDEN["schedules"][name], rtol=1e-12)
