"""Places: on which device an array is, and how to make that device the current one.

The array type of a backend is entered here with the backend (`gradx.register_array`). NumPy's own
arrays are on the host and in no table, so that work on them pays nothing for devices. Numbers,
Python's and NumPy's, are nowhere: they go with the arrays they meet.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable
from contextlib import AbstractContextManager, nullcontext
from functools import wraps
from typing import Any, Protocol

import numpy as np

from gradx.device import CPU, Device
from gradx.errors import DeviceMismatchError

__all__ = ["PLACES", "Place", "PlacedNode", "at_their_devices", "beside", "device_at", "meet"]


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


PLACES: dict[type, Place] = {}
"""From an array type to the backend that keeps arrays of it on devices."""


def device_at(x: Any) -> Device | None:
    """The device that a plain array is on, or None for what is no array."""
    place = PLACES.get(type(x))
    if place is not None:
        return place.device_of(x)
    return CPU if isinstance(x, np.ndarray) else None


def meet(name: str, operands: Iterable[Any]) -> tuple[Place, Device] | None:
    """The one device that the operands of an operation are on; None if that is the host.

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


def beside(x: Any) -> AbstractContextManager[Any]:
    """A block in which the device of an array is the current one."""
    place = PLACES.get(type(x))
    return nullcontext() if place is None else place.on(place.device_of(x))


def placed(function: Callable[..., Any]) -> Callable[..., Any]:
    """A function that runs on the device of its first operand."""

    @wraps(function)
    def run(x: Any, *others: Any) -> Any:
        with beside(x):
            return function(x, *others)

    return run


class PlacedNode(list[Any]):
    """A node of the tape whose operands are on a device: its edges, and that device."""

    __slots__ = ("device", "place")

    def __init__(self, edges: Iterable[Any], place: Place, device: Device) -> None:
        super().__init__(edges)
        self.place, self.device = place, device


def at_their_devices(nodes: Iterable[Any]) -> Generator[Any, None, None]:
    """The nodes, each handed out while the device of its operands is the current one.

    So a sweep does the work of a node where the node's forward was done. What stands between two
    placed nodes, such as a view of a field, works anywhere.
    """
    current: Device | None = None
    block: AbstractContextManager[Any] = nullcontext()
    try:
        for node in nodes:
            if type(node) is PlacedNode and node.device != current:
                block.__exit__(None, None, None)
                block, current = nullcontext(), None
                entering = node.place.on(node.device)
                entering.__enter__()
                block, current = entering, node.device
            yield node
    finally:
        block.__exit__(None, None, None)
