"""Factors: those of a sparse matrix, found once, and used on the host and on devices."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.sparse.linalg import SuperLU

from gradx.core.spec import home
from gradx.devices.device import Device
from gradx.devices.kernel_table import kernel
from gradx.devices.placement import PLACES

__all__ = ["Factors"]


class Factors:
    """The factors of a matrix, for right-hand sides of any dtype and on any device.

    On a device they are copied once, and the library of the array solves the triangles.

    Args:
        own: what `scipy.sparse.linalg.splu` gives, or a library's own for the device of the matrix.
        dtype: that of the matrix.
    """

    def __init__(self, own: Any, dtype: Any = float) -> None:
        self.own, self._dtype = own, np.dtype(dtype)
        self._copies: dict[Device, Any] = {}

    def solve(self, b: Any, trans: str) -> Any:
        """The solution for a right-hand side, shape (n,) or (n, m); see SciPy's for ``trans``."""
        if b.dtype.kind == "c" and self._dtype.kind != "c":
            return self.solve(b.real, trans) + 1j * self.solve(b.imag, trans)
        dtype = np.result_type(b, self._dtype)
        right = b.astype(self._dtype, order="C", copy=False)
        return self._beside(b).solve(right, trans).astype(dtype, copy=False)

    def _beside(self, b: Any) -> Any:
        place = PLACES.get(type(home(b)))
        if place is None or type(self.own) is not SuperLU:
            return self.own
        device = place.device_of(b)
        if device not in self._copies:
            self._copies[device] = kernel(SuperLU, b)(self.own)
        return self._copies[device]
