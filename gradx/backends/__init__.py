"""Backends and devices: where arrays live, and which library keeps them there.

>>> backend, device = resolve("cpu")
>>> str(device), backend.asarray([1.0], device)
('cpu', array([1.]))
"""

from collections.abc import Callable

from gradx.backends.errors import BackendError, DeviceFailedError, DeviceUnavailableError
from gradx.backends.placing import device_of, from_dlpack, to_device
from gradx.backends.protocol import Array, Backend, DeviceInfo
from gradx.backends.registry import AUTO, GROUP, REGISTRY, DeviceStatus, Registry
from gradx.devices.device import Device, parse_device
from gradx.errors import DeviceError, DeviceMismatchError, UnknownDeviceError

__all__ = [
    "AUTO",
    "GROUP",
    "REGISTRY",
    "Array",
    "Backend",
    "BackendError",
    "Device",
    "DeviceError",
    "DeviceFailedError",
    "DeviceInfo",
    "DeviceMismatchError",
    "DeviceStatus",
    "DeviceUnavailableError",
    "Registry",
    "UnknownDeviceError",
    "device_of",
    "devices",
    "from_dlpack",
    "get_backend",
    "parse_device",
    "register_backend",
    "resolve",
    "to_device",
]


def register_backend(kind: str, make: Callable[[], object]) -> None:
    """Register a backend by hand; see `Registry.register`."""
    REGISTRY.register(kind, make)


def get_backend(kind: str) -> Backend:
    """The backend for a kind of device; see `Registry.get`."""
    return REGISTRY.get(kind)


def resolve(device: str) -> tuple[Backend, Device]:
    """The backend and the device that a name means; see `Registry.resolve`."""
    return REGISTRY.resolve(device)


def devices() -> list[DeviceStatus]:
    """Every device, usable or not, with the reason; see `Registry.devices`."""
    return REGISTRY.devices()
