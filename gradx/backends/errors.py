"""Errors about devices.

GradxError
└── DeviceError
    ├── UnknownDeviceError       an invalid device name (of the core)
    ├── DeviceMismatchError      one operation on arrays of several devices (of the core)
    ├── DeviceUnavailableError   the device exists in principle, but not here, or not now
    ├── DeviceFailedError        a device that could be used, and failed in the middle of the work
    └── BackendError             a backend was registered wrongly
"""

from __future__ import annotations

from gradx.errors import DeviceError

__all__ = ["BackendError", "DeviceFailedError", "DeviceUnavailableError"]


class DeviceUnavailableError(DeviceError):
    """A device that cannot be used here.

    A backend raises it while it is being loaded, to say why and what would help.

    Args:
        reason: what is missing, such as "CuPy is not installed".
        fix: what to do, such as "pip install 'gradx[cuda12]'".
    """

    def __init__(self, reason: str, fix: str) -> None:
        super().__init__(f"{reason}; {fix}")
        self.reason = reason
        self.fix = fix


class DeviceFailedError(DeviceError):
    """A device that could be used, and failed in the middle of the work.

    Args:
        reason: what happened, such as "the CUDA device is out of memory".
        fix: what to do, such as "use a smaller batch".
    """

    def __init__(self, reason: str, fix: str) -> None:
        super().__init__(f"{reason}; {fix}")
        self.reason = reason
        self.fix = fix


class BackendError(DeviceError):
    """A backend that cannot be registered."""
