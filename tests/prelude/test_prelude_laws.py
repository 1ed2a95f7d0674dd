"""Laws of the prelude's functions, on values and on gradients, over random containers."""

import collections
import operator

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import gradx as gx
from gradx.testing.gradients import random_like
from tests.core.samples import Pair
from tests.prelude.test_prelude import Named

P = gx.prelude
floats = st.floats(-2, 2).map(lambda x: round(x, 2))
ANY = st.one_of(
    st.lists(floats, min_size=1, max_size=5).flatmap(
        lambda xs: st.sampled_from([xs, tuple(xs), collections.deque(xs), np.array(xs)])
    ),
    st.dictionaries(st.sampled_from("abcde"), floats, min_size=1),
    st.builds(Pair, floats, floats),
    st.builds(Named, floats, floats, floats),
    floats,
)


def f(x):
    return np.sin(x) + 0.5 * x


def g(x):
    return x * x - 1.0


def back(x):
    return 0.5 * x


LAWS = {
    "fmap of the identity": (lambda xs: P.fmap(lambda x: x, xs), lambda xs: xs),
    "fmap of a composition": (
        lambda xs: P.fmap(lambda x: f(g(x)), xs),
        lambda xs: P.fmap(f, P.fmap(g, xs)),
    ),
    "traverse of what never fails": (lambda xs: P.traverse(g, xs), lambda xs: P.fmap(g, xs)),
    "zip_with itself": (
        lambda xs: P.zip_with(lambda x, y: x * f(y), xs, xs),
        lambda xs: P.fmap(lambda x: x * f(x), xs),
    ),
    "sum is a fold": (P.sum, lambda xs: P.foldl(operator.add, 0.0, xs)),
    "prod is a fold": (P.prod, lambda xs: P.foldr(operator.mul, 1.0, xs)),
    "foldr from the other end": (
        lambda xs: P.foldr(lambda x, a: back(a) + f(x), 1.0, xs),
        lambda xs: P.foldl(lambda a, x: back(a) + f(x), 1.0, P.to_list(xs)[::-1]),
    ),
    "the state of a scan": (
        lambda xs: P.map_accum_l(lambda a, x: (back(a) * x, a), 1.0, xs)[0],
        lambda xs: P.foldl(lambda a, x: back(a) * x, 1.0, xs),
    ),
    "a scan without a state": (
        lambda xs: P.map_accum_l(lambda a, x: (a, g(x)), None, xs)[1],
        lambda xs: P.fmap(g, xs),
    ),
    "sum of a filled container": (
        lambda xs: P.sum(P.fill_like(xs, f(P.sum(xs)))),
        lambda xs: P.length(xs) * f(P.sum(xs)),
    ),
    "maximum by minimum": (P.maximum, lambda xs: -P.minimum(P.fmap(operator.neg, xs))),
    "apart and together": (lambda xs: gx.collect_var(gx.split(xs)), lambda xs: xs),
}


def numbers_in(x):
    x = P.to_list(x) if not isinstance(x, Named) else [x.x, x.y, x.z]
    return [float(item) for item in x]


@pytest.mark.parametrize("name", LAWS)
@given(xs=ANY, seed=st.integers(0, 99))
def test_laws(name, xs, seed):
    left, right = LAWS[name]
    (y, pull), (z, other) = gx.backprop_with(left, xs), gx.backprop_with(right, xs)
    assert type(y) is type(z) or not hasattr(y, "__len__")
    np.testing.assert_allclose(numbers_in(y), numbers_in(z), rtol=1e-12, atol=1e-12)
    cotangent = random_like(y, np.random.default_rng(seed))
    mine, theirs = pull(cotangent), other(cotangent)
    assert type(mine) is type(theirs) is type(gx.one(xs))
    np.testing.assert_allclose(numbers_in(mine), numbers_in(theirs), rtol=1e-12, atol=1e-12)
