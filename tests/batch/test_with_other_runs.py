"""Forward runs in and around a batch run, and sweeps of many cotangents at once."""

import numpy as np
import pytest

import gradx as gx
from gradx.batch.sweeps import swept
from gradx.reverse.run import run_on

RNG = np.random.default_rng(3)
XS, VS = RNG.standard_normal((4, 3)), RNG.standard_normal((4, 3))


def curved(x):
    return np.sum(np.sin(x)) * np.prod(x) + x[0] ** 3


def test_forward_in_and_around():
    wanted = [gx.jvp(curved, (x,), (v,)) for x, v in zip(XS, VS, strict=True)]
    inside = gx.vmap(lambda x, v: gx.jvp(curved, (x,), (v,)))(XS, VS)
    around = gx.jvp(gx.vmap(curved), (XS,), (VS,))
    for got in (inside, around):
        np.testing.assert_allclose(np.transpose(got), wanted)


def test_forward_and_reverse_in_and_around():
    wanted = [gx.hvp(curved)(x, v) for x, v in zip(XS, VS, strict=True)]
    inside = gx.vmap(lambda x, v: gx.jvp(gx.grad(curved), (x,), (v,))[1])(XS, VS)
    around = gx.jvp(gx.vmap(gx.grad(curved)), (XS,), (VS,))[1]
    reverse = gx.vmap(gx.grad(lambda x, v: gx.jvp(curved, (x,), (v,))[1]))(XS, VS)
    for got in (inside, around, reverse):
        np.testing.assert_allclose(got, wanted)


@pytest.mark.parametrize(
    "f",
    [
        lambda p: np.tanh(p["w"] @ np.sin(p["w"] @ p["x"])) * p["x"] * p["a"],
        lambda p: p["x"][[0, 2, 2]] * np.ones(3),
        lambda p: gx.grad(lambda q: curved(q["x"]) * q["a"])(p)["x"],
    ],
)
def test_a_stack_of_cotangents_gives_the_rows_of_the_jacobian(f):
    p = {"w": RNG.standard_normal((3, 3)), "x": XS[0], "a": 2.0}
    run = run_on(f, (p,), {})
    (rows,) = swept(run, reversed(run.nodes), [np.eye(3)])
    wanted = gx.jacobian(f)(p)
    for key in p:
        np.testing.assert_allclose(rows[key], wanted[key], rtol=1e-12, atol=1e-14)
