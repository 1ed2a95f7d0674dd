"""Moving values: the device of a value's arrays, and moving them to another device.

>>> import numpy as np
>>> str(device_of(np.ones(3))), to_device(np.ones(2), "cpu")
('cpu', array([1., 1.]))
"""

from __future__ import annotations

from types import MappingProxyType
from typing import Any, TypeVar

import numpy as np

from gradx.backends.errors import DeviceUnavailableError
from gradx.backends.registry import REGISTRY
from gradx.core.dispatch import Lifted, apply, has_variables, static_fields
from gradx.core.op import Op, register_ops
from gradx.core.properties import Property
from gradx.core.spec import primal
from gradx.core.watch import tell
from gradx.devices.device import CPU, Device
from gradx.devices.placement import device_at
from gradx.errors import DeviceMismatchError, UnregisteredTypeError
from gradx.reverse.results import join
from gradx.reverse.variables import BVar
from gradx.values.operations import ValueType, Where, fold, parts_alone, rebuilt

__all__ = ["device_of", "from_dlpack", "to_device"]

T = TypeVar("T")


# --- Moving one array -----------------------------------------------------------------------------


def _move(x: Any, *, source: Device, target: Device) -> Any:
    tell("copy", f"an array of shape {x.shape} went from {source} to {target}")
    if source.kind not in (target.kind, CPU.kind):
        x = REGISTRY.get(source.kind).to_numpy(x)
    return x if target == CPU else REGISTRY.get(target.kind).asarray(x, target)


def _move_back(g: Any, *, source: Device, target: Device) -> Any:
    return apply(_to_device, (g,), {"source": target, "target": source})


_to_device = Op(
    "to_device",
    _move,
    _move_back,
    properties=Property.LINEAR | Property.ELEMENTWISE | Property.STRUCTURAL,
)


def _where(x: Any) -> Device | None:
    """The device of an array or of a variable of one; NumPy's own scalars are on the host."""
    x = primal(x)
    return CPU if isinstance(x, np.inexact) else device_at(x)


def _moved(x: Any, target: Device) -> Any:
    source = _where(x)
    if source is None or source == target or primal(x).dtype.kind not in "biufc":
        return x
    params = {"source": source, "target": target}
    return apply(_to_device, (x,), params) if isinstance(x, Lifted) else _move(x, **params)


# --- Whole values ---------------------------------------------------------------------------------


def to_device(x: T, device: str | Device) -> T:
    """A value with its arrays on a device; its gradient comes back to where they were.

    Args:
        x: an array, a record or container of arrays on any devices, or a variable of one.
            Integer arrays and those in static fields move too; Python's numbers go with the arrays
            they meet and stay as they are, and so do arrays of text and of objects.
        device: such as ``"cpu"``, ``"cuda:1"`` or ``"auto"``.

    Returns:
        A value of the same type. What is on the device already is not copied.

    Raises:
        UnknownDeviceError: the name is invalid.
        DeviceUnavailableError: it cannot be used here; says why and what would help.

    >>> import gradx as gx, numpy as np
    >>> gx.grad(lambda v: np.sum(gx.to_device(v, "cpu") ** 2))(np.array([1.0, 2.0]))
    array([2., 4.])
    """
    _, target = REGISTRY.resolve(str(device))

    def leaf(x: Any, spec: ValueType, _: Any, where: Where) -> Any:
        return _moved(x, target)

    def rebuild(template: Any, spec: ValueType, keys: list[Any], parts: list[Any]) -> Any:
        fixed = static_fields(template, spec)
        keys = [*keys, *(name for name, _ in fixed)]
        return rebuilt(template, spec, keys, [*parts, *(_moved(x, target) for _, x in fixed)])

    moved = fold(x, None, parts_alone, leaf, rebuild=rebuild, own=True)
    return join(moved) if isinstance(x, BVar) or has_variables(moved) else moved  # type: ignore[no-any-return]


def device_of(x: Any) -> Device:
    """The device that a value's arrays are on.

    Args:
        x: an array, a record or container of arrays, or a variable of one.

    Returns:
        The device; `cpu` for a value with no array in it.

    Raises:
        DeviceMismatchError: its arrays are on several.

    >>> import numpy as np
    >>> device_of({"a": np.ones(2), "b": 1.0})
    Device(kind='cpu', index=0)
    """
    found: dict[Device, str] = {}

    def leaf(x: Any, spec: ValueType, _: Any, where: Where) -> Any:
        device = _where(x)
        if device is not None:
            found.setdefault(device, where())
        return x

    fold(x, None, parts_alone, leaf, "value", own=True)
    if len(found) > 1:
        places = ", ".join(f"{path} on {device}" for device, path in found.items())
        raise DeviceMismatchError(
            f"the arrays of a {type(primal(x)).__name__} are on several devices: {places}; ask for "
            "one of its parts, or move them together with gx.to_device(x, device)"
        )
    return next(iter(found), CPU)


# --- Arrays of other libraries --------------------------------------------------------------------

_DLPACK_KINDS = MappingProxyType({1: "cpu", 2: "cuda", 3: "cpu", 13: "cuda"})
"""From a device type of DLPack to a kind: the host, CUDA, pinned host and managed memory."""


def from_dlpack(x: Any) -> Any:
    """An array that gradx knows, on the memory of an array of another library; nothing is copied.

    Args:
        x: an array with ``__dlpack__`` and ``__dlpack_device__``, such as a tensor of PyTorch
            (``tensor.detach()`` if it records gradients itself) or an array of JAX.

    Returns:
        An array of NumPy or, if it is on a CUDA device, of CuPy. Both see the same memory, so what
        is written into one changes the other.

    Raises:
        UnregisteredTypeError: it does not offer its memory through DLPack.
        DeviceUnavailableError: it is on a device that cannot be used here.

    >>> import numpy as np
    >>> from_dlpack(np.arange(3.0))
    array([0., 1., 2.])
    """
    if not hasattr(x, "__dlpack__") or not hasattr(x, "__dlpack_device__"):
        raise UnregisteredTypeError(
            f"a {type(x).__module__}.{type(x).__name__} does not offer its memory through DLPack; "
            "convert it with np.asarray(x)"
        )
    code = int(x.__dlpack_device__()[0])
    kind = _DLPACK_KINDS.get(code)
    if kind is None:
        raise DeviceUnavailableError(
            f"the array is on a device of DLPack's type {code}, which gradx has no backend for",
            "move it to the host with its own library first",
        )
    return REGISTRY.get(kind).from_dlpack(x)


register_ops((_to_device,))
