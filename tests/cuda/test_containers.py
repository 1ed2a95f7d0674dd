"""Containers of CuPy arrays: the prelude, parts of records, ops and hmatrix's names on a device."""

from dataclasses import dataclass

import numpy as np
import pytest

import gradx as gx
from gradx import hmatrix as hm
from tests.cuda.places import assert_same, leaves, there
from tests.cuda.test_gradients import check

P = gx.prelude
VECTOR = np.array([1.0, -3.0, 2.0])
MATRIX = np.array([[0.3, -1.2, 0.75], [1.9, 0.45, -0.6], [0.25, 0.3, 1.6]])


@pytest.mark.parametrize("x", [VECTOR, MATRIX, [VECTOR, 2 * VECTOR], {"a": VECTOR, "b": VECTOR}])
@pytest.mark.parametrize(
    "f",
    [
        P.sum,
        P.prod,
        P.maximum,
        P.minimum,
        lambda v: P.fmap(lambda row: row * row, v),
        lambda v: P.zip_with(lambda a, b: a * a * b, v, v),
        lambda v: P.foldl(lambda total, row: 0.5 * total + row, 0.0, v),
        lambda v: P.foldr(lambda row, total: 0.5 * total + row, 0.0, v),
        lambda v: P.map_accum_l(lambda s, row: (s * row, s + row), 1.0, v),
        lambda v: P.map_accum_r(lambda s, row: (s * row, s + row), 1.0, v),
    ],
)
def test_the_prelude(f, x):
    check(f, x)


def test_the_prelude_puts_numbers_beside_the_array():
    check(lambda v: P.fill_like(v, 2.0) * v, VECTOR)
    check(lambda v: P.map_accum_l(lambda s, x: (s + x, s), 1.0, v)[1], VECTOR)
    check(lambda v: P.round(v * 1.3) * v, VECTOR)
    device = there(VECTOR.astype(np.float32))
    assert type(P.fill_like(device, 2.0)) is type(device)
    assert P.fill_like(device, 2.0).dtype == np.float32
    for f in (
        lambda v, k: P.fill_like(v, k),
        lambda v, k: gx.over(gx.each(), lambda _: k * k, v),
        lambda v, k: P.zip_with(lambda a, b: a if a < b else k, v, v),
    ):
        y, (g, h) = gx.backprop(f, device, 2.0)
        assert type(y) is type(g) is type(device) and y.dtype == np.float32
        assert type(h) is float
        assert np.isclose(h, gx.grad(lambda k, f=f: np.sum(f(device.get(), k)))(2.0))


def product(d):
    return np.sum(d["w"] * d["b"])


@pytest.mark.parametrize(
    "f",
    [
        lambda d: product(gx.freeze(d, gx.lens(dict)["b"])),
        lambda d: product(gx.tied(d, gx.lens(dict)["w"], gx.lens(dict)["b"])),
        lambda d: gx.lift_op(gx.bp_op(product))(d),
        lambda d: gx.lift_op(gx.numeric_ops.multiply * 2 + 1.0)(d["w"], d["b"]),
        lambda d: gx.lift_op(gx.op_lens(gx.lens(dict)["w"]))(d),
        lambda d: sum(gx.sequence_var(d["w"])) * d["b"],
        lambda d: gx.coerce_var(gx.T2, (d["w"], d["b"])),
    ],
)
def test_parts_and_ops(f):
    check(f, {"w": VECTOR, "b": 2 * VECTOR})


def test_arithmetic_of_tuples():
    t = gx.T2(VECTOR, MATRIX)
    step = lambda t: t - 0.1 * gx.grad_bp(lambda t: np.sum(t[0] ** 2) + np.sum(t[1] ** 3), t)  # noqa: E731
    assert_same(step(there(t)), step(t), 1e-12)


@pytest.mark.parametrize(
    "f",
    [
        hm.mean,
        hm.norm_1v,
        hm.norm_2v,
        hm.norm_inf_v,
        lambda v: hm.outer(v, v),
        lambda v: hm.cov(hm.outer(v, v * v)),
        lambda v: hm.diag_r(v[0], v, 3, 4),
        lambda v: hm.append(v, v[0]),
        lambda v: hm.vec3(v[0], v[1] * v[2], v[2]),
        lambda v: hm.concat(*hm.split(1, v)),
        lambda v: hm.from_columns(hm.to_rows(hm.outer(v, v))),
        lambda v: hm.konst(hm.sum_elements(v), (2, 3)),
        lambda v: hm.vmap(lambda x: x * x, v),
    ],
)
def test_hmatrix_on_vectors(f):
    check(f, VECTOR)


@pytest.mark.parametrize(
    "f", [hm.m_tm, hm.inv, hm.lndet, hm.norm_1m, hm.norm_inf_m, hm.take_diag, hm.mean_cov, hm.sym]
)
def test_hmatrix_on_matrices(f):
    check(f, MATRIX)


# --- Records --------------------------------------------------------------------------------------


@dataclass
class Layer:
    weights: object
    bias: object
    name: str = "first"

    def __call__(self, x):
        return np.tanh(x @ self.weights + self.bias)


@dataclass
class Net:
    layers: list[Layer]
    scale: float

    def error(self, x):
        for layer in self.layers:
            x = layer(x)
        return np.sum(x**2) * self.scale


NET = Net([Layer(MATRIX, VECTOR), Layer(2 * MATRIX, -VECTOR, "second")], 0.5)


def test_a_record_is_a_real_instance_in_a_run():
    net, x = there(NET), there(MATRIX)

    def error(n):
        assert type(n) is Net and [type(layer) for layer in n.layers] == [Layer, Layer]
        return n.error(x)

    value, g = gx.backprop(error, net)
    wanted, expected = gx.backprop(lambda n: n.error(MATRIX), NET)
    assert_same(value, np.asarray(wanted))
    assert_same(g, expected)
    assert (type(g.scale), g.layers[1].name) == (float, "second")


def test_a_record_moves_inside_a_run_and_stays_a_record():
    def error(n):
        moved = gx.to_device(n, "cuda")
        assert type(moved) is Net
        return gx.to_device(moved.error(there(MATRIX)), "cpu")

    g = gx.grad(error)(NET)
    wanted = gx.grad(lambda n: n.error(MATRIX))(NET)
    assert all(type(x) is type(y) for x, y in zip(leaves(g), leaves(wanted), strict=True))
    assert_same(there(g), wanted)


def test_descent_in_place_and_the_optimisers():
    net = Net([Layer(MATRIX.copy(), VECTOR.copy())], np.array(0.5))
    device, x = there(net), there(MATRIX)
    arrays = [device.layers[0].weights, device.layers[0].bias]
    for f, p in ((lambda n: n.error(x), device), (lambda n: n.error(MATRIX), net)):
        gx.descend(f, p, 0.01)
    assert device.layers[0].weights is arrays[0] and device.layers[0].bias is arrays[1]
    assert_same(device, net)
    steps = []
    for f, p in ((lambda n: n.error(x), device), (lambda n: n.error(MATRIX), net)):
        g = gx.grad(f)(p)
        moved, _ = gx.updates.adam(p, g, gx.updates.adam_start(p))
        steps.append([gx.updates.sgd(p, g, 0.1), moved, *gx.updates.momentum(p, g, g, 0.1)])
    for got, wanted in zip(*steps, strict=True):
        assert type(got) is Net
        assert_same(got, wanted)
