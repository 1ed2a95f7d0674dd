"""What meets on two devices: what is refused, what goes along, and numbers that are on neither.

CuPy reads the memory of another device in silence where the hardware can, and merely warns; here
every warning is an error.
"""

import cupy as cp
import numpy as np
import pytest

import gradx as gx
import gradx.numpy as gnp
from gradx.backends import Device
from tests.cuda.places import assert_same

pytestmark = [pytest.mark.modes, pytest.mark.filterwarnings("error")]
X = np.array([1.0, 2.0, 3.0])


@pytest.fixture
def x():
    return cp.asarray(X)


@pytest.fixture
def y():
    return gx.to_device(X, "cuda:1")


@gx.record
class Pair:
    a: object
    b: object


# --- Numbers --------------------------------------------------------------------------------------


def test_the_gradient_of_a_whole_number_is_no_whole_number(x):
    assert gx.grad_bp(lambda a: np.sum(a * x * 0.25), 2) == 1.5


def test_a_number_may_go_to_two_devices(x, y):
    def f(a):
        return np.sum(a * x) + gx.to_device(np.sum(a * a * y), "cuda")

    assert gx.grad(f)(2.0) == 6.0 + 4.0 * 6.0


@pytest.mark.parametrize("current", [0, 1])
def test_what_is_computed_of_numbers_is_pulled_back_where_they_went(y, current):
    with cp.cuda.Device(current):
        assert gx.grad(lambda a: gx.to_device(np.sum((a * a) * y), "cpu"))(2.0) == 24.0


def test_a_number_computed_of_numbers_may_go_to_two_devices(x, y):
    def f(a):
        b = a * a
        return np.sum(b * x) + gx.to_device(np.sum(b * b * y), "cuda")

    assert gx.grad(f)(2.0) == 2 * 2.0 * 6.0 + 4 * 8.0 * 6.0


# --- Cotangents of a caller's ---------------------------------------------------------------------


def test_the_cotangent_of_one_number_of_a_device_may_be_a_number(x):
    _, pullback = gx.backprop_with(lambda v: np.sum(v * v), x)
    assert_same(pullback(0.5), X)


@pytest.mark.parametrize("make", [lambda: X, lambda: gx.to_device(X, "cuda:1")])
def test_the_cotangent_of_an_array_is_given_where_the_array_is(x, make):
    _, pullback = gx.backprop_with(lambda v: v * 2, x)
    with pytest.raises(gx.DeviceMismatchError, match="the pullback takes arrays of one device"):
        pullback(make())


def test_an_array_of_a_device_is_no_cotangent_of_a_number(x):
    _, pullback = gx.backprop_with(lambda a: a * 2, 3.0)
    with pytest.raises(gx.DeviceMismatchError, match=r"on cuda as the cotangent .* float\(g\)"):
        pullback(x[0])


# --- What may not meet ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("f", "name"),
    [
        (lambda v, w: v[w.astype(int) - 1], "indexing"),
        (lambda v, w: v[w > 1], "indexing"),
        (lambda v, w: np.take(v, w.astype(int) - 1), "indexing"),
        (lambda v, w: gnp.take(v, w.astype(int) - 1), "indexing"),
        (lambda v, w: np.compress(w > 1, v), "compress"),
        (lambda v, w: np.average(v, weights=w), "average"),
        (lambda v, w: np.insert(v, 1, w), "insert"),
        (lambda v, w: np.sum(v) if np.array_equal(v, w) else v, "array_equal"),
        (lambda v, w: np.sum(v) if np.isin(v, w).any() else v, "isin"),
        (lambda v, w: np.sum(v) if (v > w).any() else v, "gt"),
    ],
)
@pytest.mark.parametrize("host", [False, True])
def test_arrays_of_two_places_do_not_meet(x, y, f, name, host):
    def g(v):
        with cp.cuda.Device(1):
            return f(v, y)

    with pytest.raises(gx.DeviceMismatchError, match=f"^{name} takes arrays of one device"):
        gx.grad_bp(g, X if host else x)


def test_interpolation_tells_of_points_on_the_host(x):
    with pytest.raises(gx.DeviceMismatchError, match="interp takes arrays of one device"):
        gx.grad_bp(lambda v: np.sum(np.interp(v, X, X)), x)


@pytest.mark.parametrize("make", [lambda: X, lambda: gx.to_device(X, "cuda:1")])
@pytest.mark.parametrize(
    ("f", "name"),
    [
        (lambda x, y: Pair(x, x) + Pair(x, y), "add"),
        (lambda x, y: Pair(x, x) * Pair(y, y), "mul"),
        (lambda x, y: gx.updates.sgd([x], [y], 0.1), "sgd"),
        (lambda x, y: gx.updates.sgd([x], [x], y), "sgd"),
        (lambda x, y: gx.updates.momentum(x, x, y, 0.1), "momentum"),
        (lambda x, y: gx.grad(lambda p: np.sum(gx.updates.sgd(p, y, 0.1)))(x), "sgd"),
        (lambda x, y: gx.add(x, y), "add_arrays"),
    ],
)
def test_records_of_two_places_do_not_meet(x, make, f, name):
    with pytest.raises(gx.DeviceMismatchError, match=f"^{name} takes arrays of one device"):
        f(x, make())


def test_an_update_in_a_run_is_done_where_the_parameters_are(y):
    g = gx.grad(lambda p: gx.to_device(np.sum(gx.updates.sgd(p, y, 0.5) * p), "cpu"))(y)
    assert gx.device_of(g) == Device("cuda", 1)
    assert_same(g, 2 * X - 0.5 * X)


@pytest.mark.parametrize("rate", [10**30, -(10**30)])
def test_a_whole_number_may_have_more_bits_than_a_kernel_takes(x, rate):
    assert_same((Pair(x, x) * rate).a, X * rate)


def test_shapes_that_do_not_fit_are_told_with_their_paths(x):
    text = r"arrays of shapes \(3,\) and \(2,\) cannot be combined .*\(at dict\['b'\]\)"
    with pytest.raises(gx.StructureError, match=text):
        gx.updates.sgd({"a": x, "b": x}, {"a": x, "b": x[:2]}, 0.1)


def test_lists_go_to_the_device_with_the_fused_functions(x):
    loss = gx.grad_bp(lambda v: gx.softmax_cross_entropy(v[None], [1]), x)
    assert_same(loss, gx.grad_bp(lambda v: gx.softmax_cross_entropy(v[None], [1]), X))
    out = gx.dense([1.0, 0.0, 2.0], cp.outer(x, x), [0.0, 0.0, 1.0], "tanh")
    assert_same(out, gx.dense([1.0, 0.0, 2.0], np.outer(X, X), [0.0, 0.0, 1.0], "tanh"))


# --- Ops of a user's ------------------------------------------------------------------------------


def test_the_pullback_of_an_op_works_where_its_result_is(x):
    @gx.lift
    def moved(v):
        return gx.to_device(v, "cuda:1"), lambda g: gx.to_device(g * 2, "cuda")

    assert_same(gx.grad_bp(lambda v: gx.to_device(np.sum(moved(v)), "cuda"), x), np.full(3, 2.0))


@pytest.mark.parametrize(
    ("own", "other"), [("cuda", "cpu"), ("cuda", "cuda:1"), ("cpu", "cuda"), ("cuda:1", "cuda")]
)
def test_a_cotangent_of_an_op_must_be_where_the_operand_is(own, other):
    @gx.lift
    def wrong(v):
        return v * 1, lambda g: gx.to_device(g, other)

    text = f"a cotangent on {other} for an operand on {own}; .*gx.to_device.g, '{own}'"
    v = gx.to_device(X, own)
    with cp.cuda.Device(gx.device_of(v).index), pytest.raises(gx.DeviceMismatchError, match=text):
        gx.grad_bp(wrong, v)


def test_an_error_in_a_pullback_is_told_as_it_is(x):
    @gx.lift
    def broken(v):
        def pullback(g):
            raise TypeError("a numpy array and a str")

        return v * 1, pullback

    with pytest.raises(TypeError, match=r"^a numpy array and a str$"):
        gx.grad_bp(broken, x)


def test_text_in_a_static_field_stays_on_the_host():
    @gx.record
    class Table:
        x: object
        names: object = gx.static()

    names = np.array(["a", "b"])
    there = gx.to_device(Table(X, names), "cuda")
    assert type(there.x) is cp.ndarray
    assert there.names is names
