"""Scales: the range of an axis, where a value lies on it, and which values it names.

Both kinds of pictures have them, the curves of text and those of the page.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = ["Scale", "as_text", "scale_of"]

_MANY_DECADES = 100.0
"""Positive values further apart than this factor get a logarithmic scale."""
_NARROW = 1e-6
"""A range this small, compared with its values, is drawn as one value."""
_TINY = 1e-300
"""What is closer together has no step that a float can hold."""


class Scale(NamedTuple):
    """The range of an axis.

    Attributes:
        low: the value at its beginning.
        high: the value at its end, above `low`.
        logarithmic: equal distances are equal factors; then `low` is above 0.
    """

    low: float
    high: float
    logarithmic: bool = False

    def at(self, values: NDArray[np.float64] | float) -> NDArray[np.float64]:
        """Where values lie, as shares of the axis: 0 at its beginning and 1 at its end.

        >>> Scale(0, 10).at(2.5).item(), Scale(1, 100, True).at(10.0).item()
        (0.25, 0.5)
        """
        given = np.asarray(values, np.float64)
        with np.errstate(all="ignore"):  # what cannot be drawn comes out as nan or far outside
            if self.logarithmic:
                span = math.log(self.high) - math.log(self.low)
                return np.asarray((np.log(given) - math.log(self.low)) / span)
            unit = max(abs(self.low), abs(self.high))  # the difference of two floats may overflow
            span = self.high / unit - self.low / unit
            return np.asarray((given / unit - self.low / unit) / span)

    def ticks(self, most: int) -> list[float]:
        """Round values along the axis, in order.

        Args:
            most: about how many are wanted, 2 or more.

        >>> Scale(0, 60_000).ticks(4), Scale(0.03, 2.0, True).ticks(6)
        ([0.0, 20000.0, 40000.0, 60000.0], [0.05, 0.1, 0.2, 0.5, 1.0, 2.0])
        """
        if not self.logarithmic:
            return _linear_ticks(self.low, self.high, most)
        first, last = math.floor(math.log10(self.low)), math.ceil(math.log10(self.high))
        every = max(1, math.ceil((last - first) / most))
        decades = range(first, last + 1)
        inside = [_power(k) for k in decades[:: max(1, every)] if self._holds(_power(k))]
        if len(inside) * 2 >= most and len(inside) > 1:
            return inside
        finer = [m * _power(k) for k in decades for m in (1, 2, 5)]
        finer = [float(f"{value:.1g}") for value in finer if self._holds(value)]
        if 1 < len(finer) <= 1.5 * most:
            return finer
        return inside if len(inside) > 1 else _linear_ticks(self.low, self.high, most)

    def named_ticks(
        self, most: int, finds_room: Callable[[list[str]], bool]
    ) -> list[tuple[float, str]]:
        """Round values along the axis with their names, as many as find room.

        Args:
            most: about how many are tried first.
            finds_room: whether these names do.

        >>> Scale(0, 60_000).named_ticks(9, lambda names: len("".join(names)) < 12)
        [(0.0, '0'), (50000.0, '50,000')]
        """
        while True:
            values = self.ticks(most)
            names = as_text(values)
            if most <= 2 or finds_room(names):
                return list(zip(values, names, strict=True))
            most -= 1

    def _holds(self, value: float) -> bool:
        return self.low * (1 - 1e-9) <= value <= self.high * (1 + 1e-9)


def _power(exponent: int) -> float:
    return float(f"1e{exponent}")


def _linear_ticks(low: float, high: float, most: int) -> list[float]:
    raw = high / most - low / most
    exponent = math.floor(math.log10(raw))
    # The next of 1, 2, 5 and 10 times a power of ten.
    step = next(m * _power(exponent) for m in (1, 2, 5, 10) if m * _power(exponent) >= raw * 0.999)
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [k * step for k in range(first, last + 1)]


def scale_of(
    values: NDArray[np.float64], *, logarithmic: bool | None = None, zero: bool = False
) -> Scale | None:
    """The scale that fits some values.

    Args:
        values: (n,); those that are not finite do not count.
        logarithmic: None chooses it where all values are positive and far apart.
        zero: have 0 on the axis. Without it, it is there where the values still take more than
            half of the axis.

    Returns:
        The scale, or None where no value is finite.

    >>> scale_of(np.array([0.3, 0.9])), scale_of(np.array([1e-4, 1.0])).logarithmic
    (Scale(low=0.0, high=0.9, logarithmic=False), True)
    """
    finite = values[np.isfinite(values)]
    if not finite.size:
        return None
    low, high = float(finite.min()), float(finite.max())
    if logarithmic is None:
        logarithmic = low > _TINY and high / _MANY_DECADES > low
    if logarithmic and low > _TINY and high > low * (1 + _NARROW):
        return Scale(low, high, True)
    if zero or 0 < low < high / 2 + _TINY:
        low, high = min(0.0, low), max(0.0, high)
    size = max(abs(low), abs(high))
    if high / 2 - low / 2 > max(size * _NARROW / 2, _TINY):
        return Scale(low, high)
    if size <= _TINY:
        return Scale(0.0, 1.0)
    return Scale(min(0.0, low / 0.8), max(0.0, high / 0.8)) if size < 1e308 else Scale(-size, size)


def as_text(values: Sequence[float]) -> list[str]:
    """Numbers of one axis as people read them: as many digits as tell them apart.

    >>> as_text([0.0, 0.05, 0.1]), as_text([0, 20_000.0, 40_000.0]), as_text([1e-6, 1e-5])
    (['0', '0.05', '0.10'], ['0', '20,000', '40,000'], ['1e-6', '1e-5'])
    """
    sizes = [abs(value) for value in values if value]
    if sizes and (max(sizes) >= 1e7 or min(sizes) < 1e-4):
        return [_with_exponent(value) for value in values]
    digits = max((_digits(value) for value in values), default=0)
    return [f"{value:,.{digits}f}" if value else "0" for value in values]


def _digits(value: float) -> int:
    """Digits after the point; what stands behind six of all comes from rounding."""
    return len(f"{value:.6g}".partition(".")[2]) if "e" not in f"{value:.6g}" else 0


def _with_exponent(value: float) -> str:
    """Such as 2e-5, and 0.02 where that is as short."""
    if value == 0 or 1e-3 <= abs(value) < 1e6:
        return f"{value:.6g}"
    mantissa, _, exponent = f"{value:.2e}".partition("e")
    return f"{mantissa.rstrip('0').rstrip('.')}e{int(exponent)}"
