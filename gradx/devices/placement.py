"""Placement: on which device an array is, and how to make that device the current one.

The array type of a backend is entered here with the backend (`gradx.register_array`). NumPy's own
arrays are on the host and in no table, so that work on them pays nothing for devices. Numbers,
Python's and NumPy's, are nowhere: they go with the arrays they meet.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Mapping
from contextlib import AbstractContextManager, nullcontext
from functools import wraps
from typing import Any, Protocol

import numpy as np

from gradx.devices.device import CPU, Device
from gradx.errors import DeviceMismatchError

__all__ = [
    "PLACES",
    "AtTheirDevices",
    "Place",
    "PlacedNode",
    "common_device",
    "copied",
    "device_at",
    "moved_like",
    "on_common_device",
    "on_device_of",
    "placed",
]


class Place(Protocol):
    """What the core asks of a backend: where an array is, to work there, and to read numbers."""

    def device_of(self, x: Any) -> Device:
        """The device that an array of this backend is on."""
        ...

    def on(self, device: Device) -> AbstractContextManager[Any]:
        """Make a device the current one for the block."""
        ...

    def to_numpy(self, x: Any) -> Any:
        """Copy an array to the host, once its pending work is done."""
        ...

    def asarray(self, x: Any, device: Device) -> Any:
        """Bring an array of this backend, or of the host, to a device."""
        ...


PLACES: dict[type, Place] = {}
"""From an array type to the backend that keeps arrays of it on devices."""


def device_at(x: Any) -> Device | None:
    """The device of a plain array on a device; None for any other value."""
    place = PLACES.get(type(x))
    if place is not None:
        return place.device_of(x)
    return CPU if issubclass(type(x), np.ndarray) else None  # what is lifted has no device


def common_device(name: str, operands: Iterable[Any]) -> tuple[Place, Device] | None:
    """The common device of the operands of an operation; None if that is the host.

    Args:
        name: the operation, for the message.
        operands: plain values.

    Raises:
        DeviceMismatchError: they are on several.
    """
    first: Any = None
    there: Device | None = None
    for x in operands:
        device = device_at(x)
        if device is None:
            continue
        if there is None:
            first, there = x, device
        elif device != there:
            raise _mismatch(name, first, there, x, device)
    place = PLACES.get(type(first))
    return None if place is None or there is None else (place, there)


def _mismatch(name: str, x: Any, at: Device, y: Any, other: Device) -> DeviceMismatchError:
    host, there = ("the other", at) if other == CPU else ("the first", other)
    return DeviceMismatchError(
        f"{name} takes arrays of one device, and was given {_described(x)} on {at} and "
        f"{_described(y)} on {other}; nothing is copied in silence: move one of them, for "
        f"example {host} with gx.to_device(x, '{there}')"
    )


def _described(x: Any) -> str:
    library = type(x).__module__.partition(".")[0]
    return f"a {library}.{type(x).__name__} of shape {tuple(x.shape)} and dtype {x.dtype}"


def on_device_of(x: Any) -> AbstractContextManager[Any]:
    """Context manager: make the device of an array the current one."""
    place = PLACES.get(type(x))
    return nullcontext() if place is None else place.on(place.device_of(x))


def on_common_device(name: str, operands: Iterable[Any]) -> AbstractContextManager[Any]:
    """Context manager: make the common device of the operands the current one.

    Args:
        name: the operation, for the message.
        operands: plain values.

    Raises:
        DeviceMismatchError: they are on several.
    """
    there = common_device(name, operands) if PLACES else None
    return nullcontext() if there is None else there[0].on(there[1])


def placed(function: Callable[..., Any]) -> Callable[..., Any]:
    """A function that runs on the device of its operands, which are plain values.

    It raises `DeviceMismatchError` where they are on several.
    """
    name = getattr(function, "__name__", "the function").strip("_")

    @wraps(function)
    def run(*operands: Any) -> Any:
        with on_common_device(name, operands):
            return function(*operands)

    return run


def copied(x: Any) -> Any:
    """A copy of an array on the array's own device; anything else as it is."""
    if not (hasattr(x, "dtype") and hasattr(x, "copy")):
        return x
    with on_device_of(x):
        return x.copy()


def moved_like(x: Any, like: Any) -> Any:
    """A cotangent, moved to the device of another cotangent of the same value.

    A number may go to the arrays of several devices, and then has cotangents on each of them.
    """
    place, own = PLACES.get(type(like)), PLACES.get(type(x))
    if place is None or own is None:
        return x
    there = place.device_of(like)
    if own.device_of(x) == there:
        return x
    return place.asarray(x if own is place else own.to_numpy(x), there)


class PlacedNode(list[Any]):
    """A node of the tape whose operands are on a device: its edges, and that device."""

    __slots__ = ("device", "place")

    def __init__(self, edges: Iterable[Any], place: Place, device: Device) -> None:
        super().__init__(edges)
        self.place, self.device = place, device


class AtTheirDevices:
    """The nodes of a sweep, each handed out while its device is the current one.

    So a sweep does the work of a node where the node's forward was done. A node of numbers has no
    device, but the arrays that they met give its cotangent one.

    Args:
        nodes: the nodes, latest first.
        cotangents: those of the sweep, by the id of the node.

    Attributes:
        strayed: the node at hand has no device, and its cotangent has.
    """

    def __init__(self, nodes: Iterable[Any], cotangents: Mapping[int, Any]) -> None:
        self._nodes, self._cotangents = nodes, cotangents
        self.strayed = False

    def __iter__(self) -> Generator[Any, None, None]:
        current: Device | None = None
        block: AbstractContextManager[Any] = nullcontext()
        try:
            for node in self._nodes:
                place, device = self._where(node)
                if place is not None and device != current:
                    block.__exit__(None, None, None)
                    block, current = nullcontext(), None
                    entering = place.on(device)
                    entering.__enter__()
                    block, current = entering, device
                yield node
        finally:
            block.__exit__(None, None, None)

    def _where(self, node: Any) -> tuple[Place | None, Any]:
        if type(node) is PlacedNode:
            self.strayed = False
            return node.place, node.device
        g = self._cotangents.get(id(node))
        place = PLACES.get(type(g))
        self.strayed = place is not None
        return place, None if place is None else place.device_of(g)
