"""The NumPy backend: the processor that Python itself runs on."""

from __future__ import annotations

import os
import platform
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from gradx.backends.errors import DeviceUnavailableError
from gradx.backends.protocol import DeviceInfo
from gradx.devices.device import CPU, Device


class NumpyBackend:
    """Arrays of NumPy on the one device `cpu`.

    >>> NumpyBackend().asarray([1, 2], Device("cpu"), np.float32)
    array([1., 2.], dtype=float32)
    """

    kind = "cpu"
    name = f"NumPy {np.__version__}"
    priority = 0
    arrays = (np.ndarray,)
    kernels: Mapping[Any, Callable[..., Any]] = MappingProxyType({})

    def devices(self) -> Sequence[DeviceInfo]:
        """The processor, which is always there."""
        cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
        plural = "" if cores == 1 else "s"
        return [DeviceInfo(CPU, f"{platform.machine()}, {cores or '?'} core{plural}")]

    def asarray(self, x: Any, device: Device, dtype: DTypeLike | None = None) -> NDArray[Any]:
        """`numpy.asarray`."""
        return np.asarray(x, dtype=dtype)

    def to_numpy(self, x: Any) -> NDArray[Any]:
        """`numpy.asarray`: the array is there already."""
        return np.asarray(x)

    def device_of(self, x: Any) -> Device:
        """The processor."""
        return CPU

    def on(self, device: Device) -> AbstractContextManager[None]:
        """A block without effect: there is one device only."""
        return nullcontext()

    def from_dlpack(self, x: Any) -> NDArray[Any]:
        """`numpy.from_dlpack`."""
        return np.from_dlpack(x)

    def explain(self, error: BaseException) -> DeviceUnavailableError | None:
        """None: errors of the processor need no explanation."""
        return None
