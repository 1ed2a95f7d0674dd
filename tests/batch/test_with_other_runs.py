"""Forward runs in and around a batch run."""

import numpy as np

import gradx as gx

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
