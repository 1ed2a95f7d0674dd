"""Device: a place where arrays live, written `cpu`, `cuda` or `cuda:1`."""

from __future__ import annotations

import re
from dataclasses import dataclass

from gradx.errors import UnknownDeviceError

__all__ = ["CPU", "Device", "parse_device"]

_SPELLING = r"(?P<kind>[a-z][a-z0-9_]*)(?::(?P<index>\d{1,4}))?"


@dataclass(frozen=True, order=True)
class Device:
    """A device by its kind and its number among those of the kind.

    >>> str(Device("cuda")), str(Device("cuda", 1))
    ('cuda', 'cuda:1')
    """

    kind: str
    index: int = 0

    def __str__(self) -> str:
        return f"{self.kind}:{self.index}" if self.index else self.kind


CPU = Device("cpu")
"""Where NumPy's arrays are."""


def parse_device(text: str) -> Device:
    """Read a device's name.

    Args:
        text: a kind, with a number or without; without one it is number 0.

    Returns:
        The device; whether it exists here is the registry's to say.

    Raises:
        UnknownDeviceError: the name is invalid.

    >>> parse_device("cuda:1")
    Device(kind='cuda', index=1)
    """
    match = re.fullmatch(_SPELLING, text)
    if match is None:
        raise UnknownDeviceError(f"device {text!r} is invalid; write cpu, cuda, cuda:1 or auto")
    return Device(match["kind"], int(match["index"] or 0))
