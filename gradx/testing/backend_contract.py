"""The contract of a backend: what gradx relies on, as checks for any backend.

    from gradx.backends import get_backend
    from gradx.testing import backend_contract

    backend_contract.check_backend(get_backend("cuda"))

or, with pytest, a test for each check:

    @pytest.mark.parametrize("check", backend_contract.CHECKS, ids=lambda check: check.__name__)
    def test_contract(check):
        check(get_backend("cuda"))

The backend must be the one that the registry has for its kind, since gradx finds it by the type of
an array. Every check runs on every device of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from gradx.backends import (
    Backend,
    Device,
    DeviceInfo,
    DeviceMismatchError,
    device_of,
    to_device,
)
from gradx.devices.device import CPU
from gradx.errors import GradxError
from gradx.reverse.api import backprop, backprop_with, grad, grad_bp
from gradx.values.operations import add, one, zero

__all__ = ["CHECKS", "ContractError", "check_backend"]


class ContractError(GradxError, AssertionError):
    """A backend does not do what gradx relies on; the message says what, and on which device."""


DTYPES = ("float32", "float64", "complex64", "complex128", "int64", "bool")
X = np.linspace(-1.0, 1.0, 12).reshape(3, 4)

# What a backend's arrays must be able to do through NumPy's protocols, beside operators. These are
# the functions of the core itself and those that few programs can do without.
FUNCTIONS: tuple[Callable[[Any], Any], ...] = (
    lambda x: np.exp(x) + np.log(x * x + 1.0),
    lambda x: np.sin(x) * np.cos(x) + np.tanh(x) - np.sqrt(x * x + 1.0),
    lambda x: np.sum(x, axis=0) + np.mean(x, axis=1, keepdims=True),
    lambda x: np.max(x, axis=1),
    lambda x: np.reshape(np.transpose(x), (2, 6)),
    lambda x: np.concatenate([x, 2.0 * x], axis=1),
    lambda x: np.stack([x, -x]),
    lambda x: np.where(x > 0.0, x, 0.1 * x),
    lambda x: np.broadcast_to(x, (2, 3, 4)),
    lambda x: x @ x.T,
    lambda x: x[1:, ::2] / (2.0 + x[0, 0]),
    lambda x: np.maximum(x, 0.25) ** 2,
    lambda x: np.expand_dims(x, 0) * x,
    lambda x: np.abs(x),
)


def _require(condition: bool, what: str, backend: Backend, device: Device | None = None) -> None:
    if not condition:
        place = "" if device is None else f" on {device}"
        raise ContractError(f"{backend.name}{place}: {what}")


def _each(backend: Backend) -> Iterator[Device]:
    return (info.device for info in backend.devices())


def _same(got: Any, wanted: Any, tolerance: float = 1e-12) -> bool:
    got, wanted = np.asarray(got), np.asarray(wanted)
    if got.shape != wanted.shape or got.dtype != wanted.dtype:
        return False
    return bool(np.allclose(got, wanted, rtol=tolerance, atol=tolerance))


def _is_at(backend: Backend, x: Any, device: Device) -> bool:
    return isinstance(x, backend.arrays) and backend.device_of(x) == device == device_of(x)


# --- The protocol ---------------------------------------------------------------------------------


def check_attributes(backend: Backend) -> None:
    """It has the attributes of `gradx.backends.Backend`, of the right types."""
    thing: Any = backend
    _require(isinstance(thing, Backend), "lacks attributes of gradx.backends.Backend", backend)
    _require(bool(backend.name), "it has no name", backend)
    arrays: Any = backend.arrays
    right = isinstance(arrays, tuple) and all(isinstance(cls, type) for cls in (arrays or [None]))
    _require(right, f"arrays is {arrays!r}, not a tuple of array types", backend)
    _require(hasattr(backend.kernels, "get"), "kernels is no mapping", backend)


def check_devices(backend: Backend) -> None:
    """It lists its devices by number from 0, with a few words about each."""
    found: list[Any] = list(backend.devices())
    _require(bool(found), "devices() is empty; raise DeviceUnavailableError instead", backend)
    for i, info in enumerate(found):
        right = isinstance(info, DeviceInfo) and info.device == Device(backend.kind, i)
        _require(right, f"devices()[{i}] is {info!r}", backend)
        _require(bool(info.description), f"{info.device} is not described", backend)


def check_round_trip(backend: Backend) -> None:
    """Arrays of every dtype, shape and layout come back as they went."""
    shapes: tuple[tuple[int, ...], ...] = ((), (0,), (0, 3), (3,), (2, 3))
    for device in _each(backend):
        for dtype in DTYPES:
            arrays = [np.arange(np.prod(shape)).reshape(shape).astype(dtype) for shape in shapes]
            whole = np.arange(24).reshape(4, 6).astype(dtype)
            for x in [*arrays, whole.T, whole[::2, ::-1], np.asfortranarray(whole)]:
                y = backend.asarray(x, device)
                what = f"{dtype} of shape {x.shape}"
                _require(_is_at(backend, y, device), f"asarray of {what} went wrong", backend)
                _require(tuple(y.shape) == x.shape, f"asarray of {what} has a shape", backend)
                back = backend.to_numpy(y)
                _require(isinstance(back, np.ndarray), "to_numpy gives no NumPy array", backend)
                _require(_same(back, x), f"{what} came back as {back!r}", backend, device)


def check_asarray(backend: Backend) -> None:
    """It makes arrays of numbers and lists, casts where asked, and copies only where it must."""
    for device in _each(backend):
        y = backend.asarray([1, 2], device, np.float32)
        _require(
            _same(backend.to_numpy(y), np.array([1, 2], np.float32)), "dtype= is ignored", backend
        )
        _require(_same(backend.to_numpy(backend.asarray(2.5, device)), 2.5), "2.5 changed", backend)
        _require(backend.asarray(y, device) is y, "what is there was copied", backend, device)


def check_moving(backend: Backend) -> None:
    """Arrays go from any of its devices to any other, and the first stays as it was."""
    for source in _each(backend):
        for target in _each(backend):
            x = backend.asarray(X, source)
            y = backend.asarray(x, target)
            _require(_is_at(backend, y, target), f"asarray from {source} missed {target}", backend)
            _require(_is_at(backend, x, source), f"moving from {source} took it along", backend)
            _require(_same(backend.to_numpy(y), X), "numbers changed on the way", backend, target)


def check_current_device(backend: Backend) -> None:
    """`on` makes a device the current one, nests, and gives the one before back."""
    for device in _each(backend):
        for inner in _each(backend):
            x = backend.asarray(X, device)
            with backend.on(device):
                with backend.on(inner):
                    y = np.zeros_like(backend.asarray(X, inner))
                z = np.zeros_like(x)
            _require(_is_at(backend, y, inner), f"on({inner}) inside {device} is ignored", backend)
            _require(_is_at(backend, z, device), f"on({inner}) was not undone", backend, device)


def check_dlpack(backend: Backend) -> None:
    """A foreign array on one of its devices is taken over with its memory."""
    for device in _each(backend):
        x = backend.asarray(X, device)
        if not hasattr(x, "__dlpack__"):
            continue
        y = backend.from_dlpack(x)
        _require(_is_at(backend, y, device), "from_dlpack changed the device", backend, device)
        _require(_same(backend.to_numpy(y), X), "from_dlpack changed numbers", backend, device)


def check_explain(backend: Backend) -> None:
    """An error that is not about a device is left alone."""
    _require(backend.explain(ValueError("shapes")) is None, "explains a ValueError", backend)


# --- Values ---------------------------------------------------------------------------------------


def check_values(backend: Backend) -> None:
    """Its arrays have a zero, a one and a sum, where they are."""
    for device in _each(backend):
        for dtype in ("float32", "complex128"):
            x = backend.asarray(X.astype(dtype), device)
            for name, y, wanted in (
                ("zero", zero(x), np.zeros_like(X, dtype)),
                ("one", one(x), np.ones_like(X, dtype)),
                ("add", add(x, x), (2 * X).astype(dtype)),
            ):
                _require(_is_at(backend, y, device), f"{name} is elsewhere", backend, device)
                _require(_same(backend.to_numpy(y), wanted), f"{name} is wrong", backend, device)


def check_numbers_move_nothing(backend: Backend) -> None:
    """Python's numbers go with an array, and change neither its device nor its dtype."""
    for device in _each(backend):
        x = backend.asarray(X.astype(np.float32), device)
        with backend.on(device):
            ys = (x + 1, 2.5 * x, 1 - x, x / 2, (x * x + 1.0) ** 0.5, -x)
        for i, y in enumerate(ys):
            right = _is_at(backend, y, device) and y.dtype == np.float32
            _require(right, f"operator {i} with a number gave {y!r}", backend, device)


def check_functions(backend: Backend) -> None:
    """NumPy's functions reach it by NumPy's protocols, and give NumPy's results and gradients."""
    for device in _each(backend):
        for i, f in enumerate(FUNCTIONS):
            y, pullback = backprop_with(f, backend.asarray(X, device))
            wanted, expected = backprop_with(f, X)
            what = f"function {i} of gradx.testing.backend_contract.FUNCTIONS"
            _require(_is_at(backend, y, device), f"{what}: the result left", backend, device)
            _require(_same(backend.to_numpy(y), wanted, 1e-9), f"{what} is wrong", backend, device)
            cotangent = np.cos(np.arange(wanted.size)).reshape(wanted.shape)
            g = pullback(backend.asarray(cotangent, device))
            _require(_is_at(backend, g, device), f"{what}: its gradient left", backend, device)
            right = _same(backend.to_numpy(g), expected(cotangent), 1e-9)
            _require(right, f"{what}: its gradient is wrong", backend, device)


def check_dtypes(backend: Backend) -> None:
    """A gradient has the dtype of its input."""
    for device in _each(backend):
        for dtype in ("float32", "float64", "complex64", "complex128"):
            x = backend.asarray(X.astype(dtype), device)
            g = grad_bp(lambda v: np.sum(np.exp(v) * 0.5 + v), x)
            right = _is_at(backend, g, device) and g.dtype == np.dtype(dtype)
            _require(right, f"the gradient of {dtype} is {g!r}", backend, device)


def check_second_order(backend: Backend) -> None:
    """A gradient can be differentiated again."""

    def slope(v: Any) -> Any:
        return np.sum(grad_bp(lambda u: np.sum(np.exp(u) * u), v) * v)

    for device in _each(backend):
        g = grad_bp(slope, backend.asarray(X, device))
        right = _is_at(backend, g, device) and _same(backend.to_numpy(g), grad_bp(slope, X), 1e-9)
        _require(right, "second derivatives are wrong", backend, device)


def check_numbers(backend: Backend) -> None:
    """The gradient of a Python number is a Python number."""

    def f(pair: Any, x: Any) -> Any:
        return np.sum(pair[0] * x + pair[1])

    for device in _each(backend):
        g = grad(f)((2.0, 3.0), backend.asarray(X + 1, device))
        right = isinstance(g[0], float) and np.allclose(g, grad(f)((2.0, 3.0), X + 1))
        _require(bool(right), f"the gradient of two numbers is {g!r}", backend, device)


# --- Devices --------------------------------------------------------------------------------------


def _others(backend: Backend, device: Device) -> Iterator[Device]:
    """Every device of the backend, and the host, but one."""
    return (other for other in {CPU, *_each(backend)} if other != device)


def check_mixing_is_refused(backend: Backend) -> None:
    """One operation on arrays of two devices is an error, in either order."""
    for device in _each(backend):
        x = backend.asarray(X, device)
        for other in _others(backend, device):
            y = to_device(X, other)
            for f in (lambda v, y=y: v * y, lambda v, y=y: y * v, lambda v, y=y: np.maximum(v, y)):
                try:
                    grad_bp(f, x)
                except DeviceMismatchError:
                    continue
                _require(False, f"was mixed with {other}", backend, device)


def check_a_graph_over_devices(backend: Backend) -> None:
    """A graph goes from the host over every device and back; each gradient comes home."""

    def f(host: Any, there: Any) -> Any:
        x: Any = host
        for device, y in there.items():
            x = to_device(np.tanh(x), device) * y
        return np.sum(to_device(x, CPU) * host)

    placed = {str(d): backend.asarray(X + 0.5, d) for d in _each(backend)}
    y, (host, there) = backprop(f, X, placed)
    here = {key: X + 0.5 for key in placed}

    def plain(host: Any, there: Any) -> Any:
        x: Any = host
        for y in there.values():
            x = np.tanh(x) * y
        return np.sum(x * host)

    wanted, (home, expected) = backprop(plain, X, here)
    _require(_same(y, wanted, 1e-9), "a graph over all devices is wrong", backend)
    right = isinstance(host, np.ndarray) and _same(host, home, 1e-9)
    _require(right, "the host's gradient is wrong", backend)
    for info in backend.devices():
        g = there[str(info.device)]
        right = _is_at(backend, g, info.device)
        right = right and _same(backend.to_numpy(g), expected[str(info.device)], 1e-9)
        _require(right, "its gradient in a graph over devices is wrong", backend, info.device)


CHECKS: tuple[Callable[[Backend], None], ...] = (
    check_attributes,
    check_devices,
    check_round_trip,
    check_asarray,
    check_moving,
    check_current_device,
    check_dlpack,
    check_explain,
    check_values,
    check_numbers_move_nothing,
    check_functions,
    check_dtypes,
    check_second_order,
    check_numbers,
    check_mixing_is_refused,
    check_a_graph_over_devices,
)
"""The checks, each a function of the backend that raises a `ContractError`."""


def check_backend(backend: Backend) -> None:
    """Run all checks on a backend.

    Args:
        backend: the one that the registry has for its kind, as `gradx.backends.get_backend` gives
            it.

    Raises:
        ContractError: (an AssertionError) what gradx relies on and the backend does not do; every
            check that fails is named.

    >>> from gradx.backends import get_backend
    >>> check_backend(get_backend("cpu"))
    """
    failed = []
    for check in CHECKS:
        try:
            check(backend)
        except Exception as error:  # anything may come out of somebody else's code
            failed.append(f"{check.__name__}: {type(error).__name__}: {error}")
    if failed:
        raise ContractError(
            f"{backend.name} fails {len(failed)} of {len(CHECKS)} checks; "
            "mend the first before the others:\n" + "\n".join(failed)
        )
