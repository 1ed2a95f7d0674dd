"""Backend: what gradx asks of a library that keeps arrays on a device.

A backend owns arrays and devices, never derivatives: NumPy's own protocols carry every function
call to the array's library, so this is only what those protocols cannot carry. A backend enters
through the entry-point group `gradx.backends`, under the kind of device it serves:

    [project.entry-points."gradx.backends"]
    cuda = "gradx_cuda.backend:CupyBackend"

The entry is called without arguments when a device of that kind is first asked for, or when an
array of an unknown type is. If the device cannot be used, it raises `DeviceUnavailableError(reason,
fix)`; what it raised is kept and told. Otherwise its array types become values of gradx.

`gradx.testing.backend_contract` is the test-suite that a backend must pass.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import DTypeLike, NDArray

from gradx.backends.errors import DeviceUnavailableError
from gradx.devices.device import Device


@dataclass(frozen=True)
class DeviceInfo:
    """A device that was found.

    Attributes:
        device: which one it is.
        description: a few words about it, such as its model and memory.
        problem: why it cannot be used, where it cannot.
    """

    device: Device
    description: str
    problem: DeviceUnavailableError | None = None


@runtime_checkable
class Backend(Protocol):
    """A library of arrays on one kind of device.

    Attributes:
        kind: the kind of device it serves, the `cuda` in `cuda:1`.
        name: the library and its version, for people to read.
        priority: which backend `auto` prefers: the highest that has a usable device.
        arrays: the types of its arrays.
        kernels: from a NumPy function, or a function of gradx's, to what runs in its place on
            arrays of these types; see `gradx.devices.kernel_table`. Often empty.
    """

    kind: str
    name: str
    priority: int
    arrays: tuple[type, ...]
    kernels: Mapping[Any, Callable[..., Any]]

    def devices(self) -> Sequence[DeviceInfo]:
        """The devices that were found, by number; one that cannot be used has its problem.

        Raises:
            DeviceUnavailableError: there is none, with the reason and what would help.
        """
        ...

    def asarray(self, x: Any, device: Device, dtype: DTypeLike | None = None) -> Any:
        """Bring an array-like value to a device; no copy where it is there already."""
        ...

    def to_numpy(self, x: Any) -> NDArray[Any]:
        """Copy an array of this backend to the host, once its pending work is done.

        The contract tests accept a view where the array is on the host already.
        """
        ...

    def device_of(self, x: Any) -> Device:
        """The device that an array of this backend is on."""
        ...

    def on(self, device: Device) -> AbstractContextManager[Any]:
        """Make a device the current one for the block, so that new arrays are made there."""
        ...

    def from_dlpack(self, x: Any) -> Any:
        """An array of this backend on the memory of a foreign one that is on its devices."""
        ...

    def explain(self, error: BaseException) -> DeviceUnavailableError | None:
        """What an exception of the library's means for a user.

        Returns:
            What happened and what would help, or None if it is not about a device.
        """
        ...


Array = np.ndarray[Any, np.dtype[Any]]
"""The type that annotations use for an array on any device, which behaves like NumPy's."""
