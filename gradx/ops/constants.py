"""Constants: arrays of the host that operations share, with copies on the devices that ask."""

from __future__ import annotations

from typing import Any

import numpy as np

from gradx.core.spec import home
from gradx.devices.device import Device
from gradx.devices.placement import PLACES
from gradx.ops.helpers import array_for

__all__ = ["Constant"]


class Constant:
    """An array of the host that does not change, such as the knots of a spline.

    It is brought to a device once, and stays there as long as this object.

    Args:
        x: the array.

    Attributes:
        x: the same.
    """

    def __init__(self, x: np.ndarray[Any, Any]) -> None:
        self.x = x
        self._copies: dict[Device, Any] = {}

    def beside(self, like: Any) -> Any:
        """The array where a value is, plain or lifted: the host's own, or the copy on a device."""
        like = home(like)
        place = PLACES.get(type(like))
        if place is None:
            return self.x
        device = place.device_of(like)
        if device not in self._copies:
            self._copies[device] = array_for(self.x, like)
        return self._copies[device]
