"""Descent in place: the numbers of the functional step, into the arrays themselves."""

import dataclasses
from typing import Any

import numpy as np
import pytest

import gradx as gx


@gx.record
@dataclasses.dataclass(frozen=True)
class Layer:
    weights: Any
    bias: Any
    name: str = "layer"


def layers(dtype=float, seed=0):
    rng = np.random.default_rng(seed)

    def draw(*shape):
        numbers = rng.normal(size=shape)
        if np.dtype(dtype).kind == "c":
            numbers = numbers + 1j * rng.normal(size=shape)
        return numbers.astype(dtype)

    return (Layer(draw(110, 600), draw(110)), Layer(draw(3, 110), draw(3)))


def loss_of(x):
    def loss(net):
        y = x
        for layer in net:
            y = np.tanh(layer.weights @ y + layer.bias)
        return np.sum(np.abs(y) ** 2)

    return loss


def copied(net):
    return tuple(Layer(layer.weights.copy(), layer.bias.copy()) for layer in net)


@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.complex128])
def test_the_numbers_are_those_of_the_functional_step(dtype):
    net = layers(dtype)
    x = (np.random.default_rng(1).normal(size=600) / 30).astype(dtype)
    arrays = [part for layer in net for part in (layer.weights, layer.bias)]
    gradient = gx.grad(loss_of(x))(net)
    wanted = [
        part - 0.1 * slope
        for layer, g in zip(net, gradient, strict=True)
        for part, slope in ((layer.weights, g.weights), (layer.bias, g.bias))
    ]
    value = loss_of(x)(net)
    assert gx.descend(loss_of(x), net, 0.1) == pytest.approx(value, rel=1e-6)
    tolerance = 1e-5 if dtype is np.float32 else 1e-12
    for array, after in zip(arrays, wanted, strict=True):
        assert array.dtype == dtype
        np.testing.assert_allclose(array, after, rtol=tolerance, atol=tolerance)


def test_a_batch_and_an_array_in_blocks():
    rng = np.random.default_rng(0)
    w, xs = rng.normal(size=(500, 200)), rng.normal(size=(40, 200))
    wanted = w - 0.1 * gx.grad(lambda w: np.sum(np.sin(xs @ w.T)))(w)
    gx.descend(lambda w: np.sum(np.sin(xs @ w.T)), w, 0.1)
    np.testing.assert_array_equal(w, wanted)


def test_several_products_with_one_matrix():
    rng = np.random.default_rng(0)
    w, xs = rng.normal(size=(50, 30)), rng.normal(size=(4, 30))

    def loss(w):
        return sum(np.sum(np.sin(w @ x)) for x in xs)

    wanted = w - 0.1 * gx.grad(loss)(w)
    gx.descend(loss, w, 0.1)
    np.testing.assert_allclose(w, wanted, rtol=1e-12)


def test_views_and_arrays_without_axes():
    whole = np.arange(12.0).reshape(3, 4)
    params = {"row": whole[0], "column": whole[1:, 2], "t": whole[1:, :2].T, "b": np.array(2.0)}

    def loss(p):
        return np.sum(p["row"] ** 2) * p["b"] + np.sum(p["t"] @ p["column"])

    gradient = gx.grad(loss)(params)
    wanted = {key: params[key] - 0.1 * gradient[key] for key in params}
    gx.descend(loss, params, 0.1)
    for key, after in wanted.items():
        np.testing.assert_allclose(params[key], after, rtol=1e-12)


def test_cotangents_that_are_parameters_are_not_written_over():
    # The gradient of each is another one of them.
    params = {"w": np.ones((3, 2)), "b": np.array([1.0, 2.0]), "c": np.array([3.0, 4.0, 5.0])}

    def loss(p):
        return p["c"] @ (p["w"] @ p["b"])

    gradient = gx.grad(loss)(params)
    wanted = {key: params[key] - 0.5 * gradient[key] for key in params}
    gx.descend(loss, dict(reversed(params.items())), 0.5)
    for key, after in wanted.items():
        np.testing.assert_allclose(params[key], after)


def test_one_array_at_two_places_moves_by_both_gradients():
    shared = np.array([1.0, 2.0])
    gx.descend(lambda p: np.sum(p[0] * 3.0 + p[1] ** 2), [shared, shared], 0.1)
    np.testing.assert_allclose(shared, [1.0 - 0.3 - 0.2, 2.0 - 0.3 - 0.4])


def test_what_has_no_gradient_stays():
    params = (np.ones(2), np.ones(2), "name", None)
    gx.descend(lambda p: np.sum(p[0]), params, 0.5)
    np.testing.assert_array_equal(params[0], [0.5, 0.5])
    np.testing.assert_array_equal(params[1], [1.0, 1.0])


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"a": [np.ones(2), 3.0]}, r"params\['a'\]\[1\] is a float.*np\.array\(3\.0\).*gx\.grad"),
        ([np.float32(1.0)], r"params\[0\] is a float32.*make it an array"),
        ([gx.numpy.ones(2), np.broadcast_to(1.0, 2)], r"params\[1\] is a read-only array.*a copy"),
    ],
)
def test_what_cannot_be_changed_in_place_is_named_and_nothing_is_written(params, message):
    first = params["a"][0] if isinstance(params, dict) else params[0]
    before = np.copy(first)

    def loss(p):
        leaves = p["a"] if isinstance(params, dict) else p
        return sum(np.sum(leaf**2) for leaf in leaves)

    with pytest.raises(gx.InPlaceError, match=message):
        gx.descend(loss, params, 0.1)
    np.testing.assert_array_equal(first, before)


def test_an_error_leaves_the_parameters_alone():
    w = np.ones(3)
    with pytest.raises(ZeroDivisionError):
        gx.descend(lambda w: np.sum(w) / (1 // 0), w, 0.1)
    with pytest.raises(gx.NonScalarError):
        gx.descend(lambda w: w * 2, w, 0.1)
    np.testing.assert_array_equal(w, np.ones(3))


def test_inside_a_differentiated_function():
    w = np.array([1.0, 2.0])
    with pytest.raises(gx.InPlaceError, match=r"params is a ArrayVar.*plain values"):
        gx.grad(lambda v: gx.descend(lambda u: np.sum(u * u), v, 0.1))(w)
    with pytest.raises(gx.InPlaceError, match="depends on variables of an outer function"):
        gx.grad(lambda c: gx.descend(lambda u: np.sum(u * c), w, 0.1))(2.0)
    matrix = np.ones((2, 2))
    with pytest.raises(gx.InPlaceError, match="depends on variables of an outer function"):
        gx.grad(lambda c: gx.descend(lambda u: np.sum(u @ c), matrix, 0.1))(w)
    np.testing.assert_array_equal(w, [1.0, 2.0])
    np.testing.assert_array_equal(matrix, np.ones((2, 2)))


@pytest.mark.parametrize("f", [lambda w: w, lambda w: w.reshape(())])
def test_the_result_is_that_before_the_step_although_it_is_a_parameter(f):
    w = np.array(2.0)
    assert gx.descend(f, w, 0.5) == 2.0
    assert w == 1.5


def test_a_parameter_in_memory_that_something_else_lends():
    row, w = np.array([1.0, 2.0]), np.ones((3, 2))
    params = {"row": np.asarray(memoryview(row)), "w": w}  # the array that owns it is unknown

    def loss(p):
        return np.sum(p["w"] @ row) + np.sum(p["row"])

    wanted = w - 0.5 * gx.grad(loss)(params)["w"]
    gx.descend(loss, params, 0.5)
    np.testing.assert_array_equal(row, [0.5, 1.5])
    np.testing.assert_array_equal(w, wanted)


@gx.record
class Deep:
    inner: tuple[np.ndarray, np.ndarray]
    weights: np.ndarray
    name: str = "net"


@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.complex128])
def test_shallow_records_with_static_parts(dtype):
    x = np.linspace(0.0, 1.0, 300).astype(dtype)

    def f(p):
        z = np.tanh(p.weights @ x + p.inner[0]) + p.inner[0] * p.inner[1]
        return np.sum(np.real(z * np.conj(z)))

    rows = 400  # larger than a block
    params = Deep((np.ones(rows, dtype), np.full(rows, 0.5, dtype)), np.ones((rows, 300), dtype))
    wanted = params - 0.1 * gx.grad_bp(f, params)
    gx.descend(f, params, 0.1)
    for a, b in (
        (params.weights, wanted.weights),
        (params.inner[0], wanted.inner[0]),
        (params.inner[1], wanted.inner[1]),
    ):
        np.testing.assert_allclose(a, b, rtol=1e-5 if dtype is np.float32 else 1e-12)
        assert a.dtype == dtype
    assert params.name == "net"


def test_one_read_only_part_among_others():
    params = Deep((np.ones(2), np.ones(2)), np.eye(2))
    params.inner[1].flags.writeable = False
    before = params.weights.copy()
    with pytest.raises(gx.InPlaceError, match=r"params\.inner\[1\] is a read-only array"):
        gx.descend(lambda p: np.sum(p.weights) + np.sum(p.inner[0]), params, 0.1)
    np.testing.assert_array_equal(params.weights, before)


@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.complex128])
@pytest.mark.parametrize("rows", [0, 1, 2])
def test_a_batch_of_one_row_goes_the_way_of_a_vector(rows, dtype):
    """As rows of a matrix: the gradients are those of vectors, added up over the rows."""
    net = layers(dtype)
    xs = (np.random.default_rng(1).normal(size=(rows, 600)) / 30).astype(dtype)

    def loss_of_rows(net):
        y = xs
        for layer in net:
            y = np.tanh(y @ layer.weights.T + layer.bias)
        return np.sum(np.abs(y) ** 2)

    gradient, wanted = gx.grad(loss_of_rows)(net), gx.zero(net)
    for x in xs:
        wanted = tuple(w + g for w, g in zip(wanted, gx.grad(loss_of(x))(net), strict=True))
    moved = copied(net)
    gx.descend(loss_of_rows, moved, 0.1)
    tolerance = 2e-5 if dtype == np.float32 else 1e-12
    for g, w, layer, new in zip(gradient, wanted, net, moved, strict=True):
        np.testing.assert_allclose(g.weights, w.weights, rtol=tolerance, atol=tolerance)
        np.testing.assert_allclose(g.bias, w.bias, rtol=tolerance, atol=tolerance)
        wanted_weights = layer.weights - 0.1 * w.weights
        np.testing.assert_allclose(new.weights, wanted_weights, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("change", [list.clear, list.pop, lambda p: p.append(np.ones(2))])
@pytest.mark.parametrize("replaced", [False, True])
def test_a_function_that_changes_the_parameters_is_refused(change, replaced):
    params = [np.array([1.0, 2.0]), np.array([3.0, 4.0])]
    before = [x.copy() for x in params]
    kept = list(params)

    def f(p):
        if replaced:
            params[0] = np.ones(2)
        else:
            change(params)
        return np.sum(p[0] ** 2) + 100.0 * np.sum(p[1] ** 2)

    with pytest.raises(gx.InPlaceError, match="the function changed params"):
        gx.descend(f, params, 0.1)
    assert all(map(np.array_equal, kept, before))
