"""Dtypes: a gradient has its input's, on every way through the runners."""

from dataclasses import dataclass

import numpy as np
import pytest

import gradx as gx
from tests.core.samples import Net, same

FUNCTIONS = {
    "identity": lambda x: x,
    "constant": lambda x: 1.0,
    "python numbers": lambda x: 2.0 * x + 1 - x / 3 + 1 / (x + 3) - (5 - x),
    "powers": lambda x: x**2 + x**2.0 + x**3 + x**0.5 + 2.0**x + x**-1,
    "functions": lambda x: np.sin(x) + np.exp(x) * np.tanh(x) - np.log(x) + np.sqrt(x),
    "hyperbolic": lambda x: np.sinh(x) + np.log1p(x) + np.expm1(x) + np.arctan(x) + np.square(x),
    "logs": lambda x: np.log2(x) + np.log10(x) + np.exp2(x) + np.cbrt(x) + np.deg2rad(x),
    "kinks": lambda x: abs(x) + np.maximum(x, 0.5) + np.minimum(x, 0.5) + np.where(x > 0, x, 0.0),
    "reductions": lambda x: np.sum(x) * np.max(x) + np.mean(x),
    "division": lambda x: (1 - x) / (1 + x),
    "remainder": lambda x: x % 0.7,
    "users op": gx.lift(lambda x: (x * x, lambda g: np.float64(2.0) * g * x)),
    "in a tuple": lambda x: ((x, x * 2.0), {"k": x}),
    "clip": lambda x: np.clip(x, 0.1, 10.0),
    "nested": lambda x: gx.grad_bp(lambda v: np.sin(v) * v * 3.0, x),
    "nested power": lambda x: gx.grad_bp(lambda v: v**3, x) * 0.5,
}
KINDS_AND_SHAPES = [
    (kind, shape)
    for kind in FUNCTIONS
    for shape in [(3,), (), (0,)]
    if (kind, shape) != ("reductions", (0,))  # nothing has no largest number
]
FLOATS = [np.float16, np.float32, np.float64, np.longdouble]


@pytest.mark.parametrize("dtype", FLOATS, ids=lambda d: d.__name__)
@pytest.mark.parametrize(("kind", "shape"), KINDS_AND_SHAPES, ids=str)
def test_gradients_of_arrays_keep_the_dtype(kind, dtype, shape):
    x = np.full(shape, 0.9, dtype)
    y, g = gx.backprop(FUNCTIONS[kind], x)
    assert type(g) is np.ndarray and g.dtype == dtype and g.shape == shape
    if kind not in ("constant", "in a tuple", "users op"):
        assert y.dtype == dtype


@pytest.mark.parametrize("dtype", FLOATS, ids=lambda d: d.__name__)
@pytest.mark.parametrize("kind", FUNCTIONS)
def test_gradients_of_numpy_scalars_keep_the_type(kind, dtype):
    x = dtype(0.9)
    assert type(gx.grad_bp(FUNCTIONS[kind], x)) is dtype
    assert type(gx.grad_bp(FUNCTIONS[kind], (x, 1.0))[0] if kind == "identity" else x) is dtype


@pytest.mark.parametrize("x", [0.9, 2], ids=str)
@pytest.mark.parametrize("kind", FUNCTIONS)
def test_the_gradient_of_a_python_number_is_a_float(kind, x):
    assert type(gx.grad_bp(FUNCTIONS[kind], x)) is float
    assert type(gx.grad_bp(lambda p: FUNCTIONS[kind](p["x"]), {"x": x})["x"]) is float


@pytest.mark.parametrize("kind", FUNCTIONS)
def test_the_gradient_of_a_python_number_is_a_float_beside_arrays(kind):
    for other in (np.ones(2), np.ones(2, np.float32), np.float32(1.0), np.array(1.0)):
        assert type(gx.grad_bp(lambda x, a=other: FUNCTIONS[kind](x * a), 0.9)) is float


def test_every_runner_keeps_float32():
    x = np.array([0.5, 2.0], np.float32)
    f = lambda x: np.sum(np.sin(x) * x)  # noqa: E731
    gradients = [
        gx.grad(f)(x),
        gx.grad_bp(f, x),
        gx.backprop(f, x)[1],
        gx.backprop(f, x=x)[1]["x"],
        gx.value_and_grad(f)(x)[1],
        gx.backprop_with(f, x)[1](np.float32(1.0)),
        gx.backprop_with(f, x)[1](1.0),
        gx.backprop_with(f, x)[1](np.float64(1.0)),
        gx.grad_bp(gx.grad(f), x),
        gx.backprop_with(gx.grad(f), x)[1](np.ones(2)),
    ]
    assert [g.dtype for g in gradients] == [np.float32] * len(gradients)


@pytest.mark.parametrize("seed", [np.ones(2), np.ones(2, np.float32), np.ones(2, int)], ids=repr)
def test_cotangents_of_another_dtype_are_cast(seed):
    x = np.ones(2, np.float32)
    for f in (lambda x: x, lambda x: x * 2.0, lambda x: np.exp(x)):
        if seed.dtype.kind == "i":
            with pytest.raises(
                gx.CotangentError,
                match=r"is an array of dtype int64; the result has shape \(2,\): give floats, with",
            ):
                gx.backprop_with(f, x)[1](seed)
        else:
            assert gx.backprop_with(f, x)[1](seed).dtype == np.float32


def test_results_keep_float32():
    x = np.ones(2, np.float32)
    for kind, f in FUNCTIONS.items():
        if kind not in ("constant", "in a tuple"):
            assert gx.backprop(f, x)[0].dtype == np.float32, kind


def test_each_part_keeps_its_own_dtype():
    @dataclass
    class Parts:
        half: np.ndarray
        single: np.ndarray
        double: np.ndarray
        number: float
        scalar: np.float32

    p = Parts(np.ones(2, np.float16), np.ones(2, np.float32), np.ones(2), 1.0, np.float32(1.0))

    def f(p):
        return np.sum(p.half * p.single * p.double * p.number * p.scalar)

    g = gx.grad_bp(f, p)
    assert [a.dtype for a in (g.half, g.single, g.double)] == [np.float16, np.float32, np.float64]
    assert (type(g.number), type(g.scalar)) == (float, np.float32)
    second = gx.grad_bp(gx.grad(f), p)
    assert same([type(x) for x in vars(second).values()], [type(x) for x in vars(p).values()])


def test_mixed_precision_casts_at_the_border():
    single, double = np.full(2, 0.1, np.float32), np.full(2, 0.1)
    a, b = gx.grad_bp(lambda a, b: np.sum(a * b), single, double)
    assert (a.dtype, b.dtype) == (np.float32, np.float64)
    a, b = gx.grad_bp(lambda a, b: np.stack([a, a]) @ b, single, double)
    assert (a.dtype, b.dtype) == (np.float32, np.float64)


def test_indexing_keeps_float32():
    x = np.arange(4.0, dtype=np.float32) + 1.0
    for index in (0, slice(1, 3), [0, 0, 1], x > 2.0):
        g = gx.grad_bp(lambda x, i=index: np.sum(x[i] ** 2) + x[0], x)
        assert g.dtype == np.float32


def test_a_training_step_keeps_float32():
    net = Net(np.ones((2, 2), np.float32), np.ones(2, np.float32), np.float32(0.5))

    def loss(net, x):
        return np.sum(1 / (1 + np.exp(-(net.w @ x + net.b)))) * net.rate

    g = gx.grad(loss)(net, np.ones(2, np.float32))
    new = net - 0.02 * g
    for record in (g, new):
        assert record.w.dtype == record.b.dtype == np.float32
        assert type(record.rate) is np.float32


def test_an_int_input_stays_an_int_inside():
    seen = []
    assert gx.grad(lambda x: seen.append(gx.value(x)) or x / 2)(3) == 0.5
    assert seen == [3] and type(seen[0]) is int
    y, g = gx.backprop(lambda n: n - 2**53, 2**53 + 1)
    assert (y, g) == (1, 1.0) and type(y) is int and type(g) is float
    y, g = gx.backprop(lambda n: (n // 2, n % 3, n * n, isinstance(n, int)), 7)
    assert y == (3, 1, 49, True) and [type(part) for part in y[:3]] == [int] * 3
    assert g == 0.0 + 1.0 + 14.0 and type(g) is float


def test_a_bool_or_int_result_has_no_gradient():
    x = np.ones(2, np.float32)
    assert same(gx.grad_bp(lambda x: x > 0.5, x), np.zeros(2, np.float32))
    assert same(gx.grad_bp(lambda x: np.argmax(x), x), np.zeros(2, np.float32))


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.complex64])
def test_numbers_among_the_entries_leave_an_array_its_dtype(dtype):
    x = np.array([1, 2], dtype)
    maps = [
        lambda x, k: gx.prelude.fmap(lambda _: k, x),
        lambda x, k: gx.prelude.fill_like(x, k),
        lambda x, k: gx.prelude.zip_with(lambda a, b: a * k if a == 1 else k, x, x),
        lambda x, k: gx.prelude.map_accum_l(lambda s, a: (s, k), None, x)[1],
        lambda x, k: gx.over(gx.each(), lambda _: k, x),
    ]
    for f in maps:
        assert f(x, 2.0).dtype == f(x, 2).dtype == dtype
        y, (gx_, gk) = gx.backprop(f, x, 2.0)
        assert y.dtype == gx_.dtype == dtype and type(gk) is float
        assert f(x, np.float64(2.0)).dtype in (np.float64, np.complex128)  # NumPy's are strong
    assert gx.prelude.fmap(lambda a: a > 1, x.real).dtype == bool
    assert gx.prelude.fill_like(np.array([1, 2]), 0.5).dtype == np.float64
