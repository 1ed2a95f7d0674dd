"""What is written has the bits that NumPy writes, however the array lies in memory.

NumPy takes other loops for items that lie backwards or apart, whose last bits differ from those of
a result that it makes itself. The array written into decides.
"""

import operator

import numpy as np
import pytest

import gradx as gx

RNG = np.random.default_rng(3)
REAL = RNG.uniform(0.1, 2.0, (9, 8))
COMPLEX = REAL + 1j * RNG.standard_normal((9, 8))

VIEWS = {
    "whole": lambda x: x,
    "backwards": lambda x: x[::-1],
    "columns backwards": lambda x: x[:, ::-1],
    "every second": lambda x: x[::2, ::2],
    "turned": lambda x: x.T[::-1],
    "a row backwards": lambda x: x[3, ::-1],
}
WRITES = {
    "exp": lambda v, w: np.exp(v, out=v),
    "expm1": lambda v, w: np.expm1(v, out=v),
    "log1p": lambda v, w: np.log1p(v, out=v),
    "square": lambda v, w: np.square(v, out=v),
    "multiply": lambda v, w: np.multiply(v, v, out=v),
    "multiply by another": lambda v, w: np.multiply(w, v, out=v),
    "of one row": lambda v, w: np.expm1(v[:1], out=v),
    "chosen": lambda v, w: np.square(v, out=v, where=np.abs(w) > 1),
    "operator *": lambda v, w: operator.imul(v, v),
    "operator * a number": lambda v, w: operator.imul(v, 2.5),
    "operator **": lambda v, w: operator.ipow(v, 2.5),
    "operator /": lambda v, w: operator.itruediv(v, w),
    "multiply.at": lambda v, w: np.multiply.at(v, [1, 1, 0], w[:3]),
    "square.at": lambda v, w: np.square.at(v, [0, 2]),
}


def result_of(f, x):
    seen = []
    gx.backprop(lambda x: (seen.append(gx.value(f(x))), 0.0)[1], x)
    return seen[0]


@pytest.mark.parametrize("dtype", "fdFD")
@pytest.mark.parametrize("write", WRITES.values(), ids=WRITES)
@pytest.mark.parametrize("view", VIEWS.values(), ids=VIEWS)
def test_what_is_written_has_numpys_bits(view, write, dtype):
    x = (COMPLEX if dtype in "FD" else REAL).astype(dtype)
    w = view(x)[::-1].copy()

    def f(x):
        y = x.copy()
        write(view(y), w)
        return y

    np.testing.assert_array_equal(result_of(f, x), f(x), strict=True)


@pytest.mark.parametrize("write", WRITES.values(), ids=WRITES)
def test_their_gradient_is_that_of_the_formula(write):
    def f(x):
        y = x.copy()
        write(y[::-1], REAL)
        return np.sum(y * REAL)

    gx.check_grads(f, REAL, order=2)


@pytest.mark.parametrize("dtype", "fdFD")
@pytest.mark.parametrize(
    "reduce",
    [
        *(np.sum, np.mean, np.prod, np.nansum, np.std, np.var, np.cumsum),
        *(np.add.reduce, np.multiply.reduce),
    ],
    ids=lambda f: f.__name__,
)
def test_what_is_reduced_into_an_array_has_numpys_bits(reduce, dtype):
    x = np.stack([COMPLEX if dtype in "FD" else REAL] * 20, axis=1).astype(dtype)
    kind = dtype.lower() if reduce in (np.std, np.var) else dtype

    def f(x):
        v = x[:, :, ::-1]
        shape = (20, 9, 8) if reduce is np.cumsum else (9, 8)
        y = np.zeros_like(x, shape=shape, dtype=kind)[..., ::-1]
        reduce(np.moveaxis(v, 1, 0), axis=0, out=y)
        return y

    np.testing.assert_array_equal(result_of(f, x), f(x), strict=True)


@pytest.mark.parametrize(
    ("write", "error"),
    [
        (lambda v: np.add(v, 1j, out=v), TypeError),
        (lambda v: operator.iadd(v, 1j), TypeError),
        (lambda v: operator.iadd(v, np.ones((2, 9, 8))), ValueError),
    ],
)
def test_what_does_not_go_into_the_array_raises_numpys_error(write, error):
    with pytest.raises(error):
        write(REAL.copy())
    with pytest.raises(error):
        gx.grad(lambda x: np.sum(write(x.copy()[::-1])))(REAL)
