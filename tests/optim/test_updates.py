"""Updates of whole records, against the papers' algorithms written out number by number."""

import itertools
import math
from collections import namedtuple
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import pytest

import gradx as gx
from gradx.devices.kernel_table import TABLES
from gradx.errors import StructureError
from gradx.optim.updates import AdamState, adam, adam_start, momentum, sgd
from gradx.records.tree_map import leafwise

Pair = namedtuple("Pair", "a b")


@dataclass(frozen=True)
class Model:
    weights: np.ndarray
    scale: float
    name: str = "m"


def model(rng, char="d"):
    return Model(rng.standard_normal((2, 3)).astype(char), float(rng.standard_normal()))


def momentum_by_number(p, gradients, rate, decay, nesterov):
    """Sutskever's momentum in the form of PyTorch, on one number."""
    v = 0.0
    for g in gradients:
        v = decay * v + g
        p -= rate * (g + decay * v if nesterov else v)
    return p


def adam_by_number(p, gradients, rate, beta1, beta2, epsilon):
    """Algorithm 1 of Kingma and Ba, on one number."""
    m = v = 0.0
    for t, g in enumerate(gradients, 1):
        m = beta1 * m + (1 - beta1) * g
        v = beta2 * v + (1 - beta2) * abs(g) ** 2
        m_hat, v_hat = m / (1 - beta1**t), v / (1 - beta2**t)
        p -= rate * m_hat / (math.sqrt(v_hat) + epsilon)
    return p


def items(x):
    return [*x.weights.ravel().tolist(), x.scale]


@pytest.mark.parametrize("nesterov", [False, True])
def test_momentum(rng, nesterov):
    params, gradients = model(rng), [model(rng) for _ in range(4)]
    new, velocity = params, gx.zero(params)
    for g in gradients:
        new, velocity = momentum(new, g, velocity, 0.1, 0.7, nesterov=nesterov)
    columns = zip(*map(items, gradients), strict=True)
    wanted = [
        momentum_by_number(p, g, 0.1, 0.7, nesterov)
        for p, g in zip(items(params), columns, strict=True)
    ]
    np.testing.assert_allclose(items(new), wanted, rtol=1e-12)
    assert new.name == velocity.name == "m"


def test_adam(rng):
    params, gradients = model(rng), [model(rng) for _ in range(5)]
    new, state = params, adam_start(params)
    for g in gradients:
        new, state = adam(new, g, state, 0.1, 0.8, 0.95, 1e-6)
    columns = zip(*map(items, gradients), strict=True)
    wanted = [
        adam_by_number(p, g, 0.1, 0.8, 0.95, 1e-6)
        for p, g in zip(items(params), columns, strict=True)
    ]
    np.testing.assert_allclose(items(new), wanted, rtol=1e-12)
    assert state.steps == 5
    assert type(new) is type(state.first) is Model
    assert type(new.scale) is float


def test_adam_of_complex_numbers_goes_by_the_modulus(rng):
    p, g = 1 + 2j, [0.5 - 1j, -2j, 3.0 + 0j]
    new, state = np.array([p]), adam_start(np.array([p]))
    for each in g:
        new, state = adam(new, np.array([each]), state, 0.1)
    assert new[0] == pytest.approx(adam_by_number(p, g, 0.1, 0.9, 0.999, 1e-8))
    np.testing.assert_array_equal(state.second.imag, 0)


def test_adam_moves_by_the_rate_at_first():
    params, _ = adam([1.0, -1.0], [1e-3, -50.0], adam_start([1.0, -1.0]), rate=0.5)
    assert params == pytest.approx([0.5, -0.5], rel=1e-4)


@pytest.mark.parametrize(
    ("params", "gradient", "wanted"),
    [
        (1.0, 2.0, 0.0),
        ((1.0, [2.0]), (2.0, [0.0]), (0.0, [2.0])),
        ({"a": 1.0, "b": "text"}, {"a": 1.0, "b": "text"}, {"a": 0.5, "b": "text"}),
        (Pair(1.0, None), Pair(2.0, None), Pair(0.0, None)),
    ],
)
def test_sgd_of_any_value(params, gradient, wanted):
    assert sgd(params, gradient, 0.5) == wanted


def test_sgd_of_exact_numbers():
    assert sgd([Fraction(1, 3)], [Fraction(1, 2)], Fraction(1, 3)) == [Fraction(1, 6)]


@pytest.mark.parametrize("char", "efdFD")
def test_precision_stays(rng, char):
    params = {"w": rng.standard_normal((2, 3)).astype(char), "b": np.zeros((), char)}
    for new in (
        sgd(params, params, 0.1),
        *momentum(params, params, params, 0.1),
        adam(params, params, AdamState(params, gx.zero(params)), epsilon=1e-3)[0],
    ):
        assert {x.dtype for x in map(np.asarray, new.values())} == {np.dtype(char)}


def test_operands_are_not_changed(rng):
    params, g = model(rng), model(rng)
    before = params.weights.copy(), g.weights.copy()
    adam(params, g, adam_start(params))
    momentum(params, g, gx.zero(params), 0.1)
    np.testing.assert_array_equal(params.weights, before[0])
    np.testing.assert_array_equal(g.weights, before[1])


def test_structures_must_match():
    with pytest.raises(StructureError, match=r"parts \['a'\] and a dict with parts \['b'\]"):
        sgd({"a": 1.0}, {"b": 1.0}, 0.1)
    with pytest.raises(StructureError, match="cannot be combined"):
        adam([1.0, 2.0], [1.0, 2.0], adam_start([1.0]))
    with pytest.raises(StructureError, match="cannot be combined"):
        momentum([1.0], [1.0], 0.0, 0.1)


# --- Shape, dtype and kind of every part ----------------------------------------------------------

STEPS = {
    "sgd": lambda p, g, rate: (sgd(p, g, rate),),
    "momentum": lambda p, g, rate: momentum(p, g, gx.zero(p), rate, np.float64(0.9)),
    "nesterov": lambda p, g, rate: momentum(p, g, gx.zero(p), rate, nesterov=True),
    "adam": lambda p, g, rate: (lambda new, state: (new, state.first, state.second))(
        *adam(p, g, adam_start(p), rate, np.float64(0.9), np.float64(0.99), np.float64(1e-3))
    ),
}
RATES = [0.1, np.float64(0.1), np.float32(0.1), np.array(0.1), np.longdouble(0.1)]


def values_of_every_kind(char):
    """A matrix, an array without axes, a NumPy number and a Python number."""
    return {
        "w": np.ones((2, 3), char),
        "b": np.array(2.0, char),
        "s": np.dtype(char).type(3.0),
        "f": 4.0,
    }


@pytest.mark.parametrize("step", STEPS.values(), ids=STEPS)
@pytest.mark.parametrize("char", "efdgFDG")
def test_dtype_shape_and_kind_stay(char, step):
    params = values_of_every_kind(char)
    for other, rate in itertools.product("fdg", RATES):
        gradient = {**values_of_every_kind(other), "f": np.dtype(other).type(0.5)}
        for whole in step(params, gradient, rate):
            kinds = {key: type(part) for key, part in whole.items()}
            assert kinds == {key: type(part) for key, part in params.items()}
            assert {whole[key].dtype for key in "wbs"} == {np.dtype(char)}
            assert whole["w"].shape == (2, 3) and whole["b"].shape == ()


@pytest.mark.parametrize("step", STEPS.values(), ids=STEPS)
def test_the_numbers_do_not_depend_on_the_kind_of_rate(rng, step):
    params, gradient = {"w": rng.standard_normal(5).astype("f")}, {"w": np.ones(5, "f")}
    wanted = step(params, gradient, 0.1)[0]["w"]
    for rate in (np.float64(0.1), np.array(0.1)):
        np.testing.assert_array_equal(step(params, gradient, rate)[0]["w"], wanted)


def test_a_step_of_updates_can_go_on_in_place():
    params = sgd([np.array(3.0)], [np.array(1.0)], 0.1)
    gx.descend(lambda p: p[0] ** 2, params, 0.25)
    np.testing.assert_allclose(params[0], 1.45)


def test_a_state_of_more_precision_keeps_it():
    w = np.ones(2, "f")
    moved, velocity = momentum(w, w, np.zeros(2), 0.1)
    assert moved.dtype == np.float32 and velocity.dtype == np.float64
    moved, state = adam(w, w, AdamState(np.zeros(2), np.zeros(2)), 0.1)
    assert (moved.dtype, state.first.dtype, state.second.dtype) == (np.float32, float, float)


@pytest.mark.parametrize("step", STEPS.values(), ids=STEPS)
@pytest.mark.parametrize("shape", [(3, 2), (1,), (), (1, 2)])
def test_a_gradient_that_would_broadcast_is_told_with_its_path(step, shape):
    text = rf"arrays of shapes \(2,\) and \({str(shape)[1:-1]}\) .*\(at dict\['a'\]\[0\]\)"
    with pytest.raises(StructureError, match=text):
        step({"a": [np.ones(2)]}, {"a": [np.ones(shape)]}, 0.5)
    number = np.ones(shape) if shape else [1.0]
    with pytest.raises(StructureError, match=r"cannot be combined.*\(at dict\['a'\]\[0\]\)"):
        step({"a": [1.0]}, {"a": [number]}, 0.5)


def test_a_rate_for_each_item_is_fine_and_one_that_adds_axes_is_told():
    np.testing.assert_array_equal(sgd(np.ones(2), np.ones(2), np.array([0.5, 1.0])), [0.5, 0.0])
    text = r"for an array of shape \(2,\) would have the shape \(3, 2\).*\(at list\[0\]\)"
    with pytest.raises(StructureError, match=text):
        sgd([np.ones(2)], [np.ones(2)], np.ones((3, 1)))
    with pytest.raises(StructureError, match=r"for a float would have the shape \(3,\)"):
        sgd([1.0], [1.0], np.ones(3))


@pytest.mark.parametrize("step", STEPS.values(), ids=STEPS)
def test_a_complex_gradient_of_real_parameters_is_told(step):
    text = r"for a leaf of type float32 would be complex; take the real part.*\(at dict\['w'\]\)"
    with pytest.raises(StructureError, match=text):
        step({"w": np.ones(2, "f")}, {"w": np.ones(2) * 1j}, 0.1)
    with pytest.raises(StructureError, match=r"type float would be complex.*\(at list\[0\]\)"):
        step([1.0], [1j], 0.1)


@pytest.mark.parametrize("step", STEPS.values(), ids=STEPS)
def test_dicts_match_by_key(step):
    params = {"a": 1.0, "b": {"x": 2.0, "y": np.ones(2)}}
    gradient = {"b": {"y": np.full(2, 3.0), "x": 20.0}, "a": 10.0}
    ordered = {"a": 10.0, "b": {"x": 20.0, "y": np.full(2, 3.0)}}
    for new, wanted in zip(step(params, gradient, 0.1), step(params, ordered, 0.1), strict=True):
        np.testing.assert_array_equal(new["b"].pop("y"), wanted["b"].pop("y"))
        assert new == wanted and list(new) == ["a", "b"]


def test_parts_of_which_one_is_static_are_told():
    text = r"the static value None and a float cannot be combined.*\(at list\[0\]\)"
    with pytest.raises(StructureError, match=text):
        sgd([None], [1.0], 0.1)
    with pytest.raises(
        StructureError, match=r"a float and the static value None.*\(at list\[0\]\)"
    ):
        sgd([1.0], [None], 0.1)


# --- Derivatives through updates ----------------------------------------------------------------


def loss(x):
    return np.sum((x["w"] - 3) ** 2) + x["b"] ** 2


def trained(step):
    """The loss after three steps, as a function of the parameters and the rate."""

    def after(params, rate):
        state = step.start(params)
        for _ in range(3):
            params, state = step(params, gx.grad(loss)(params), state, rate)
        return loss(params)

    return after


class WithSgd:
    def start(self, params):
        return None

    def __call__(self, params, g, state, rate):
        return sgd(params, g, rate), None


class WithMomentum:
    def start(self, params):
        return gx.zero(gx.value(params))

    def __call__(self, params, g, state, rate):
        return momentum(params, g, state, rate)


class WithAdam:
    def start(self, params):
        return adam_start(gx.value(params))

    def __call__(self, params, g, state, rate):
        return adam(params, g, state, rate)


@pytest.mark.parametrize("step", [WithSgd(), WithMomentum(), WithAdam()])
def test_meta_gradients_are_those_of_central_differences(step):
    params, rate, d = {"w": np.array([1.0, -2.0]), "b": 0.5}, 0.05, 1e-6
    f = trained(step)
    by_params, by_rate = gx.grad(f, (0, 1))(params, rate)
    wanted = (f(params, rate + d) - f(params, rate - d)) / (2 * d)
    assert by_rate == pytest.approx(wanted, rel=1e-6)
    for k in range(2):
        e = np.eye(2)[k] * d
        up = f({**params, "w": params["w"] + e}, rate)
        down = f({**params, "w": params["w"] - e}, rate)
        assert by_params["w"][k] == pytest.approx((up - down) / (2 * d), rel=1e-5, abs=1e-8)


def test_variables_of_records_of_records():
    params = {"layers": [Model(np.ones((2, 2)), 2.0), Model(np.ones((1, 2)), 3.0)]}

    def f(p):
        return np.sum(sgd(p, p, 0.25)["layers"][0].weights) + p["layers"][1].scale

    gradient = gx.grad(f)(params)
    np.testing.assert_allclose(gradient["layers"][0].weights, 0.75)
    assert gradient["layers"][1].scale == 1.0
    assert gradient["layers"][1].name == "m"


# --- Leafwise ---------------------------------------------------------------------------------


def test_leafwise_gives_several_results():
    low, high = leafwise(lambda x, y: (x - y, x + y), (1.0, [2.0]), ((0.5, [1.0]),), results=(0, 1))
    assert low == (0.5, [1.0])
    assert high == (1.5, [3.0])


def test_a_library_may_do_all_arrays_at_once(monkeypatch):
    class Array(np.ndarray):
        pass

    seen = []

    def all_at_once(function, operands, numbers):
        seen.append((len(operands), numbers))
        return [function(*arrays, *numbers) for arrays in operands]

    monkeypatch.setitem(TABLES, Array, {leafwise: all_at_once})
    x = np.ones(2).view(Array)
    new = sgd([x, 1.0, {"k": x}], [x, 1.0, {"k": x}], 0.5)
    assert seen == [(2, (0.5,))]
    assert new[1] == 0.5
    np.testing.assert_array_equal(new[2]["k"], [0.5, 0.5])


def test_a_library_without_a_stand_in_is_served_leaf_by_leaf(monkeypatch):
    class Array(np.ndarray):
        pass

    monkeypatch.setitem(TABLES, Array, {})
    x = np.ones(2).view(Array)
    np.testing.assert_array_equal(sgd([x], [x], 0.5)[0], [0.5, 0.5])


@pytest.mark.parametrize("kind", [float, np.array, lambda x: np.array([x, 3.0]), lambda x: x + 0j])
def test_adam_can_be_differentiated_where_a_gradient_is_zero(kind):
    """The first step is ``rate * g / (abs(g) + epsilon)``, with derivative ``rate / epsilon``."""

    def after(g):
        moved, _ = gx.updates.adam(kind(1.0), g, gx.updates.adam_start(kind(1.0)), 0.1, epsilon=0.5)
        return np.real(np.sum(moved))

    slope = gx.grad(after)(kind(0.0))
    np.testing.assert_allclose(np.ravel(slope)[0], -0.1 / 0.5)
    g = 1e-6
    np.testing.assert_allclose((after(kind(g)) - after(kind(-g))) / (2 * g), -0.1 / 0.5, rtol=1e-4)
