"""The contract of a backend, held by NumPy and by array-api-strict; and the contract, tested."""

from types import MappingProxyType

import numpy as np
import pytest

import gradx as gx
from gradx.backends import REGISTRY, Device, get_backend
from gradx.testing import backend_contract
from gradx.testing.backend_contract import CHECKS, ContractError, check_backend
from tests.backends.strict import StrictArray, StrictBackend

each_check = pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)


@pytest.fixture
def strict():
    REGISTRY.register("strict", StrictBackend)
    return get_backend("strict")


@each_check
def test_numpy_keeps_the_contract(check):
    check(get_backend("cpu"))


@each_check
def test_array_api_strict_keeps_the_contract(strict, check):
    check(strict)


def test_every_check_is_in_the_list():
    written = {name for name in vars(backend_contract) if name.startswith("check_")}
    assert {check.__name__ for check in CHECKS} == written - {"check_backend"}


# --- The contract itself --------------------------------------------------------------------------


class Forgetful(StrictBackend):
    """Moves nothing between devices."""

    def moved(self, x, device):
        return x


class Copying(StrictBackend):
    def asarray(self, x, device, dtype=None):
        y = super().asarray(x, device, dtype)
        return StrictArray(y.inside + 0) if y is x and y.dtype != bool else y


class Inexact(StrictBackend):
    def to_numpy(self, x):
        y = super().to_numpy(x)
        return np.asarray(y * (1 + 1e-6)) if y.dtype == np.float64 else y


class Promoting(StrictBackend):
    def asarray(self, x, device, dtype=None):
        return super().asarray(x, device, np.float64 if dtype is None else dtype)


class Miscounting(StrictBackend):
    def devices(self):
        return super().devices()[1:]


class Talkative(StrictBackend):
    def explain(self, error):
        return gx.DeviceUnavailableError(str(error), "try again")


class Fusing(StrictBackend):
    """Has a kernel that is wrong, of a function that products and quotients use too."""

    kernels = MappingProxyType({np.where: lambda c, x, y: x})


@pytest.mark.parametrize(
    ("wrong", "text"),
    [
        (Forgetful, r"fails \d+ of \d+ checks; .*\ncheck_moving: .* missed strict:1"),
        (Copying, r"check_asarray: ContractError: .* on strict: what is there was copied"),
        (Inexact, r"check_round_trip: .*came back as"),
        (Promoting, r"check_round_trip: "),
        (Miscounting, r"check_devices: .*devices\(\)\[0\] is DeviceInfo"),
        (Talkative, r"check_explain: .*explains a ValueError"),
        (Fusing, r"fails \d+ of \d+ checks; .*\ncheck_functions: "),
    ],
)
def test_a_backend_that_breaks_it_is_found(wrong, text):
    REGISTRY.register("strict", wrong)
    with pytest.raises(ContractError, match=f"(?s){text}"):
        check_backend(get_backend("strict"))


# --- Devices, on the fake ones --------------------------------------------------------------------

X = np.linspace(-1, 1, 6).reshape(2, 3)


@gx.record
class Model:
    weights: object
    layers: list
    rate: float
    labels: object = gx.static(default=None)


def test_a_record_moves_whole_and_comes_back(strict):
    model = Model(X, [X[0], {"k": X[1]}], 0.5, np.arange(3))
    there = gx.to_device(model, "strict:1")
    arrays = (there.weights, there.layers[0], there.layers[1]["k"], there.labels)
    assert {gx.device_of(x) for x in arrays} == {Device("strict", 1)} == {gx.device_of(there)}
    assert (type(there), there.rate) == (Model, 0.5)
    assert gx.device_of(model) == Device("cpu")
    back = gx.to_device(there, "cpu")
    np.testing.assert_array_equal(back.layers[1]["k"], X[1])
    assert isinstance(back.labels, np.ndarray)


def test_moving_a_record_is_differentiable(strict):
    def error(model):
        there = gx.to_device(model, "strict:2")
        assert type(there) is Model and isinstance(there.weights, gx.BVar)
        return np.sum(there.weights * there.layers[0] * there.rate)

    model = Model(X, [X[0]], 0.5)
    got, wanted = (
        gx.grad_bp(error, model),
        gx.grad_bp(lambda m: np.sum(m.weights * m.layers[0] * m.rate), model),
    )
    np.testing.assert_allclose(got.weights, wanted.weights)
    np.testing.assert_allclose(got.layers[0], wanted.layers[0])
    assert got.rate == pytest.approx(wanted.rate)
    assert isinstance(got.weights, np.ndarray)


def test_a_record_of_a_device_goes_in_as_it_is(strict):
    model = gx.to_device(Model(X, [X[0]], 0.5, np.arange(3)), "strict:1")

    def error(m):
        assert type(m) is Model and m.labels is model.labels
        return np.sum(m.weights * m.layers[0]) * m.rate

    value, g = gx.backprop(error, model)
    assert type(g) is Model and type(g.rate) is float
    assert gx.device_of(g) == Device("strict", 1) == gx.device_of(value)
    np.testing.assert_allclose(strict.to_numpy(g.weights), 0.5 * X[0] * np.ones((2, 1)))
    step = model - 0.5 * g
    assert (type(step), gx.device_of(step)) == (Model, Device("strict", 1))
    np.testing.assert_allclose(strict.to_numpy(step.weights), X - 0.25 * X[0])


def test_a_variable_is_no_array_to_the_operators_of_a_library(strict):
    """They ask `isinstance` of their operands, and would take it for an array."""
    seen = []
    gx.grad_bp(lambda v: seen.append(isinstance(v, StrictArray)) or v, gx.to_device(X, "strict"))
    assert seen == [False]


def test_a_value_of_several_devices_has_no_device(strict):
    mixed = {"a": X, "b": [gx.to_device(X, "strict")]}
    with pytest.raises(
        gx.DeviceMismatchError,
        match=r"of a dict are on several devices: value\['a'\] on cpu, value\['b'\]\[0\] on str",
    ):
        gx.device_of(mixed)


@pytest.mark.parametrize("x", [1.0, (), {"a": 2}, None, "text"])
def test_a_value_without_arrays_is_on_the_host(x):
    assert gx.device_of(x) == Device("cpu")
    assert gx.to_device(x, "cpu") is x or gx.to_device(x, "cpu") == x


def test_what_is_there_already_is_not_copied(strict):
    x = gx.to_device(X, "strict:1")
    assert gx.to_device(x, "strict:1") is x
    assert gx.to_device(X, "cpu") is X


def test_second_order_over_devices(strict):
    def f(v):
        return np.sum(gx.to_device(np.exp(gx.to_device(v, "strict:1")), "strict:2") ** 2)

    slope = gx.grad(f)
    wanted = gx.grad_bp(gx.grad(lambda v: np.sum(np.exp(v) ** 2)), X)
    np.testing.assert_allclose(gx.grad_bp(slope, X), wanted)


def test_numbers_of_a_run_are_read_together(strict, monkeypatch):
    read = []
    numpys = strict.to_numpy
    monkeypatch.setattr(strict, "to_numpy", lambda x: read.append(x.shape) or numpys(x))
    x = gx.to_device(X, "strict")
    _, g = gx.backprop(
        lambda p: np.sum(p["a"] * x) * p["b"] + p["c"][0],
        {"a": 2.0, "b": np.float32(3), "c": (4, X)},
    )
    assert read == [(3,)]
    assert g["a"] == pytest.approx(3 * X.sum()) and type(g["a"]) is float
    assert g["b"] == pytest.approx(2 * X.sum(), abs=1e-6) and type(g["b"]) is np.float32


def test_a_number_of_host_arrays_must_be_moved(strict):
    x = gx.to_device(X, "strict")
    with pytest.raises(
        gx.DeviceMismatchError,
        match=r"a number that was computed from arrays on cpu met arrays of another device",
    ):
        gx.grad_bp(lambda v: np.sum(np.sum(v * v) * x), X)
    g = gx.grad_bp(lambda v: np.sum(gx.to_device(np.sum(v * v), "strict") * (x + 1)), X)
    np.testing.assert_allclose(g, 2 * X * np.sum(X + 1))


def test_an_op_of_ones_own_works_where_its_operands_are(strict):
    @gx.lift
    def double(x):
        return x * 2.0, lambda g: g * 2.0

    g = gx.grad_bp(lambda v: double(v) * v, gx.to_device(X, "strict:2"))
    assert gx.device_of(g) == Device("strict", 2)
    np.testing.assert_allclose(strict.to_numpy(g), 4 * X)


# --- Arrays of libraries that gradx does not know -------------------------------------------------


class Tensor:
    """An array of a library that has DLPack and nothing of NumPy's."""

    dtype, shape = "float64", (2, 3)

    def __init__(self, x, device=None):
        self.x, self.device = x, device

    def __dlpack__(self, **options):
        return self.x.__dlpack__(**options)

    def __dlpack_device__(self):
        return self.x.__dlpack_device__() if self.device is None else (self.device, 0)


def test_a_foreign_array_is_taken_over_without_a_copy():
    x = X.copy()
    y = gx.from_dlpack(Tensor(x))
    assert isinstance(y, np.ndarray)
    assert np.shares_memory(x, y)
    assert gx.grad_bp(np.sum, y).shape == (2, 3)


def test_a_foreign_array_must_be_converted():
    text = r"tests\.backends\.test_contract\.Tensor.*convert it with gx\.from_dlpack\(x\), "
    with pytest.raises(gx.UnregisteredTypeError, match=text):
        gx.grad_bp(lambda v: v, Tensor(X))
    with pytest.raises(gx.UnregisteredTypeError, match=rf"operator\.mul was given a {text}"):
        gx.grad_bp(lambda v: v * Tensor(X), X)


def test_what_has_no_dlpack_or_an_unknown_device_is_told():
    with pytest.raises(
        gx.UnregisteredTypeError,
        match=r"a builtins\.list does not offer its memory through DLPack; .*np\.asarray\(x\)",
    ):
        gx.from_dlpack([1.0])
    with pytest.raises(
        gx.DeviceUnavailableError,
        match=r"type 10, which gradx has no backend for; move it to the host",
    ):
        gx.from_dlpack(Tensor(X, device=10))


def test_a_variable_is_not_handed_to_another_library():
    with pytest.raises(
        gx.ConversionError, match=r"np\.sum\(v\).*an array of another library has no gradient"
    ):
        gx.grad_bp(lambda v: gx.from_dlpack(v), X)
