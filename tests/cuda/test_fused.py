"""The fused functions on the device: NumPy's results, from one kernel forward and one backward."""

import cupy as cp
import numpy as np
import pytest

import gradx as gx
from gradx.errors import DeviceMismatchError
from tests.cuda.places import SOFTWARE, here, there

if SOFTWARE:
    import softcuda

pytestmark = pytest.mark.modes
TOLERANCE = {"e": 1e-2, "f": 2e-5, "d": 1e-12}
# One thread a row, a warp a row, a block a row.
LENGTHS = (3, 40, 2100)


def draw(rng, shape, char):
    return np.asarray(rng.standard_normal(shape)).astype(char)


def assert_close(got, wanted, char):
    assert isinstance(got, cp.ndarray)
    assert got.shape == np.shape(wanted)
    assert got.dtype == np.dtype(char)
    tolerance = TOLERANCE[char]
    np.testing.assert_allclose(here(got), wanted, rtol=tolerance, atol=tolerance)


def wide(x):
    return x.astype(float) if isinstance(x, np.ndarray) and x.dtype.kind == "f" else x


def prove(f, xs, char, device_xs=None):
    """A function and its gradient on the device are those of doubles on the host."""
    rng = np.random.default_rng(1)
    y, pullback = gx.backprop_with(f, *[wide(x) for x in xs])
    g = draw(rng, np.shape(y), char)
    device_y, device_pullback = gx.backprop_with(f, *(device_xs or map(there, xs)))
    assert_close(device_y, y, char)
    wanted, got = pullback(wide(g)), device_pullback(there(g))
    if len(xs) == 1:
        wanted, got = (wanted,), (got,)
    for a, b in zip(got, wanted, strict=True):
        assert_close(a, b, char)


@pytest.mark.parametrize("char", TOLERANCE)
@pytest.mark.parametrize("n", LENGTHS)
@pytest.mark.parametrize("function", [gx.softmax, gx.log_softmax])
def test_softmax_along_the_last_axis(function, n, char, rng):
    prove(function, [3 * draw(rng, (4, n), char)], char)


@pytest.mark.parametrize("function", [gx.softmax, gx.log_softmax])
@pytest.mark.parametrize(("shape", "axis"), [((3, 5, 4), 1), ((5, 2), 0), ((40,), 0)])
def test_softmax_along_another_axis(function, shape, axis, rng):
    prove(lambda x: function(x, axis), [draw(rng, shape, "d")], "d")


@pytest.mark.parametrize("char", TOLERANCE)
@pytest.mark.parametrize("n", LENGTHS)
def test_cross_entropy_with_probabilities(n, char, rng):
    targets = gx.softmax(draw(rng, (4, n), "d")).astype(char)
    prove(gx.softmax_cross_entropy, [draw(rng, (4, n), char), targets], char)


@pytest.mark.parametrize("n", LENGTHS)
def test_cross_entropy_with_targets_that_do_not_add_up_to_one(n, rng):
    prove(gx.softmax_cross_entropy, [draw(rng, (4, n), "d"), draw(rng, (4, n), "d")], "d")


@pytest.mark.parametrize("char", TOLERANCE)
@pytest.mark.parametrize("n", LENGTHS)
@pytest.mark.parametrize("kind", ["i", "l", "B"])
def test_cross_entropy_with_labels(n, char, kind, rng):
    labels = {True: there(np.array([0, 2, 1, 2], kind)), False: np.array([0, 2, 1, 2], kind)}

    def loss(x):
        return gx.softmax_cross_entropy(x, labels[isinstance(gx.value(x), cp.ndarray)])

    prove(loss, [draw(rng, (4, n), char)], char)


@pytest.mark.parametrize("activation", [None, "logistic", "tanh", "relu"])
@pytest.mark.parametrize("shape", [(4,), (6, 4), (2, 3, 4), (0, 4)])
@pytest.mark.parametrize("char", TOLERANCE)
def test_dense(activation, shape, char, rng):
    xs = [draw(rng, shape, char), draw(rng, (5, 4), char), draw(rng, (5,), char)]
    prove(lambda x, w, b: gx.dense(x, w, b, activation), xs, char)


@pytest.mark.parametrize("function", [gx.logistic, gx.relu])
@pytest.mark.parametrize("shape", [(), (0, 3), (7,), (3, 5)])
@pytest.mark.parametrize("char", TOLERANCE)
def test_activations(function, shape, char, rng):
    prove(function, [draw(rng, shape, char)], char)


def test_precision_that_is_mixed_promotes_as_numpy_does(rng):
    x, t = draw(rng, (4, 5), "f"), gx.softmax(draw(rng, (4, 5), "d"))
    y, pullback = gx.backprop_with(gx.softmax_cross_entropy, there(x), there(t))
    wanted, plain_pullback = gx.backprop_with(gx.softmax_cross_entropy, x, t)
    assert_close(y, wanted, "d")
    assert_close(pullback(cp.ones(4))[0], plain_pullback(np.ones(4))[0], "f")


def strided(x):
    """The same numbers on the device, neither by rows nor by columns."""
    buffer = cp.zeros(tuple(2 * n for n in x.shape[::-1]), x.dtype)
    view = buffer[tuple(slice(None, None, 2) for _ in x.shape)].T
    view[...] = there(x)
    return view


@pytest.mark.parametrize("turn", [strided, lambda x: there(np.asfortranarray(x))])
def test_layout_does_not_matter(turn, rng):
    x, t = draw(rng, (4, 40), "d"), gx.softmax(draw(rng, (4, 40), "d"))
    for f, xs in (
        (gx.softmax, [x]),
        (gx.softmax_cross_entropy, [x, t]),
        (lambda x, w, b: gx.dense(x, w, b, "tanh"), [x, draw(rng, (3, 40), "d"), t[0, :3]]),
    ):
        prove(f, xs, "d", [turn(each) for each in xs])


def test_nothing_overflows():
    x = cp.asarray([[1e4, -1e4, 0.0], [-np.inf, 3.0, -np.inf], [-np.inf, -1e30, -1e30]], "f")
    t = cp.asarray([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.5, 0.5]], "f")
    loss, gradient = gx.backprop(lambda v: gx.softmax_cross_entropy(v, t), x)
    np.testing.assert_allclose(here(loss), [0, 0, np.log(2)], rtol=1e-6)
    np.testing.assert_allclose(here(gradient), 0, atol=1e-6)
    np.testing.assert_array_equal(here(gx.softmax(x))[1], [0, 1, 0])


@pytest.mark.parametrize("n", LENGTHS)
@pytest.mark.parametrize("special", [np.nan, np.inf, -np.inf])
def test_what_is_no_number_comes_out_as_on_the_host(n, special, rng):
    x = draw(rng, (3, n), "d")
    x[1, 1] = special
    x[2] = -np.inf
    with np.errstate(all="ignore"):
        for function in (gx.softmax, gx.log_softmax):
            np.testing.assert_allclose(here(function(there(x))), function(x), rtol=1e-12)


@pytest.mark.parametrize("n", LENGTHS)
def test_a_label_that_is_no_class_gives_nan_and_no_stray_access(n):
    labels = cp.asarray([n, -1, 1])
    loss, gradient = gx.backprop(lambda v: gx.softmax_cross_entropy(v, labels), cp.zeros((3, n)))
    assert here(cp.isnan(loss)).tolist() == [True, True, False]
    assert here(cp.isnan(gradient).all(axis=1)).tolist() == [True, True, False]


def test_relu_is_flat_at_zero_and_keeps_nan():
    x = cp.asarray([-1.0, 0.0, 2.0])
    assert here(gx.grad_bp(gx.relu, x)).tolist() == [0, 0, 1]
    assert np.isnan(here(gx.relu(cp.asarray([np.nan])))[0])


@pytest.mark.parametrize(
    "f",
    [
        lambda x: np.sum(gx.softmax(x) ** 2),
        lambda x: np.sum(gx.log_softmax(x) ** 2),
        lambda x: np.sum(gx.softmax_cross_entropy(x, gx.softmax(2 * x)) ** 2),
        lambda x: np.sum(gx.dense(x, x, x[:, 0], "logistic") ** 2),
        lambda x: np.sum(gx.dense(x, x, x[:, 0], "tanh") ** 2),
    ],
)
def test_third_order(f, rng):
    x, direction = draw(rng, (4, 4), "d"), draw(rng, (4, 4), "d")

    def along(f, v):
        return lambda x: np.sum(gx.grad_bp(f, x) * v)

    wanted = gx.grad_bp(along(along(f, direction), direction), x)
    v = there(direction)
    assert_close(gx.grad_bp(along(along(f, v), v), there(x)), wanted, "d")


@pytest.mark.parametrize("char", TOLERANCE)
def test_what_a_mask_leaves_out_adds_nothing(char):
    def f(x):
        y = np.where(x > 0, np.sqrt(x) + np.log(x) + x * np.inf / np.inf, 0.0 * x)
        return np.sum(y * (x != 2))

    x = np.array([0.0, 1.0, 2.0, 4.0])
    with np.errstate(all="ignore"):
        wanted = gx.grad_bp(f, x)
    assert_close(gx.grad_bp(f, there(x.astype(char))), wanted, char)


@pytest.mark.parametrize("number", [2, 2.5, -1])
@pytest.mark.parametrize("f", [np.multiply, np.divide, np.power, np.maximum, np.arctan2])
@pytest.mark.parametrize("char", TOLERANCE)
def test_rules_of_an_array_and_a_number(f, number, char):
    x = np.linspace(0.5, 3, 6).reshape(2, 3).astype(char)
    for g in (lambda v: f(v, number), lambda v: f(number, v)):
        if f is np.power and number < 0:
            continue
        prove(g, [x], char)


def test_a_scalar_label_on_the_device():
    loss = gx.softmax_cross_entropy(cp.asarray([1.0, 2.0]), 1)
    np.testing.assert_allclose(here(loss), gx.softmax_cross_entropy(np.array([1.0, 2.0]), 1))


def test_operands_of_two_places_are_refused():
    with pytest.raises(DeviceMismatchError, match=r"on cuda and a numpy\.ndarray"):
        gx.softmax_cross_entropy(cp.ones((2, 3)), np.ones((2, 3)))
    with pytest.raises(DeviceMismatchError, match="dense takes arrays of one device"):
        gx.dense(cp.ones(2), cp.ones((3, 2)), np.ones(3))


def test_work_goes_to_the_current_stream(rng):
    x = draw(rng, (8, 40), "d")
    stream = cp.cuda.Stream(non_blocking=True)
    with stream:
        v = cp.asarray(x) * 1
        y, gradient = gx.backprop(lambda v: np.sum(gx.softmax(v) ** 2), v)
    stream.synchronize()
    wanted = gx.backprop(lambda v: np.sum(gx.softmax(v) ** 2), x)
    np.testing.assert_allclose(here(y), wanted[0])
    assert_close(gradient, wanted[1], "d")


@pytest.mark.parametrize("index", range(cp.cuda.runtime.getDeviceCount()))
def test_work_goes_to_the_device_of_the_operand(index, rng):
    x = draw(rng, (4, 5), "d")
    with cp.cuda.Device(index):
        v = there(x)
    y, gradient = gx.backprop(lambda v: gx.softmax_cross_entropy(v, gx.softmax(v)), v)
    assert (gx.softmax(v).device.id, y.device.id, gradient.device.id) == (index,) * 3
    with cp.cuda.Device(index):
        assert_close(y, gx.softmax_cross_entropy(x, gx.softmax(x)), "d")


def test_an_error_in_the_sweep_leaves_the_callers_device():
    last = cp.cuda.runtime.getDeviceCount() - 1
    with cp.cuda.Device(last):
        x = cp.ones(3)

    @gx.lift
    def broken(x):
        return x * 1, lambda g: 1 / 0

    with pytest.raises(ZeroDivisionError) as raised:
        gx.grad_bp(lambda v: np.sum(broken(np.exp(v))), x)
    assert raised.traceback  # which keeps the frames of the sweep
    assert cp.cuda.Device().id == 0


if SOFTWARE:

    def kernels(f, *xs):
        """The kernels that a call launches once everything is compiled, by name."""
        f(*xs)
        with softcuda.counting() as c:
            f(*xs)
        assert (c.h2d.bytes, c.d2h.bytes, c.syncs) == (0, 0, 0)
        return dict(c.kernels)

    def launches(f, *xs):
        """Launches forward, and backward from the sum."""
        y, pullback = gx.backprop_with(f, *xs)
        g = cp.ones_like(y)
        forward = sum(kernels(lambda: gx.backprop_with(f, *xs)).values())
        return forward, sum(kernels(lambda: pullback(g)).values())

    @pytest.mark.parametrize("n", LENGTHS)
    def test_softmax_is_one_kernel_each_way(n):
        """The other launch forward copies the result, into which the caller may write."""
        assert launches(gx.softmax, cp.ones((3, n))) == (1 + 1, 1)

    @pytest.mark.parametrize("n", LENGTHS)
    def test_cross_entropy_is_one_kernel_each_way(n):
        """The result is copied, and labels are, as all indices: both may be written into."""
        targets, labels = cp.ones((3, n)) / n, cp.asarray([0, 1, 2])
        for t, wanted in ((targets, (1 + 1, 1)), (labels, (1 + 2, 1))):
            found = launches(lambda x, t=t: gx.softmax_cross_entropy(x, t), cp.ones((3, n)))
            assert found == wanted

    @pytest.mark.parametrize("activation", ["logistic", "tanh", "relu"])
    def test_bias_and_activation_are_one_kernel_and_one_for_each_cotangent(activation):
        found = kernels(
            lambda w, b: gx.grad_bp(lambda b: gx.dense(w, w, b, activation), b),
            cp.ones((3, 3), "f"),
            cp.ones(3, "f"),
        )
        assert found.pop("gradx_bias_activation") == 1
        assert found.pop("gradx_bias_backward_sum") == 1
        assert sum(found.values()) == 1  # the seed of ones

    @pytest.mark.parametrize(
        ("f", "rule"),
        [
            (lambda v: v * 2.5, "gradx_multiply_rule"),
            (lambda v: v / 2, "gradx_divide_rule"),
            (np.log, "gradx_divide_rule"),
            (np.exp, "gradx_exp_rule"),
            (lambda v: np.clip(v, 0.5, 2), "gradx_clip_rule"),
        ],
    )
    def test_a_rule_is_one_kernel(f, rule):
        x = cp.linspace(0.25, 4, 12)
        _, pullback = gx.backprop_with(f, x)
        assert kernels(lambda: pullback(x)) == {rule: 1}

    def test_a_product_that_a_rule_is_made_of_is_one_kernel():
        x = cp.linspace(0.25, 4, 12).reshape(3, 4)
        found = kernels(lambda: gx.grad_bp(lambda v: np.linalg.norm(v, axis=0), x))
        assert found["gradx_scaled"] == 1
