"""Line search: a step along a direction that meets the strong Wolfe conditions.

At such a step the function has fallen enough, and its slope along the direction is small enough:
``f(t) <= f(0) + c1 t f'(0)`` and ``abs(f'(t)) <= c2 abs(f'(0))``.

Source: Nocedal and Wright, Numerical optimization (2006), algorithms 3.5 and 3.6, with the cubic
interpolation of equation 3.59. Where the fall is within rounding, as next to a minimum, it is
judged by the slopes: Hager and Zhang, A new conjugate gradient method with guaranteed descent and
an efficient line search (2005), equation 4.1.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

__all__ = ["Point", "WolfeSearch"]

_MOST = 1e10
"""The longest step."""


class Point(NamedTuple):
    """A step, and the function there.

    Attributes:
        step: how far along the direction.
        value: of the function.
        slope: along the direction.
        more: what else its evaluation gave.
    """

    step: float
    value: float
    slope: float
    more: Any


@dataclass(frozen=True)
class WolfeSearch:
    """A search for a step.

    Attributes:
        c1: the share of the first slope by which the function must fall.
        c2: the share of the first slope that may be left.
        trials: the most points that are looked at.
        rounding: what two values of the function may differ by from rounding, relative to them.
    """

    c1: float = 1e-4
    c2: float = 0.9
    trials: int = 40
    rounding: float = 1e-14

    def __call__(
        self, function: Callable[[float], Point], start: Point, step: float
    ) -> Point | None:
        """A step that meets the conditions; None where none is found.

        Where the function falls and falls, it is the longest step that was tried.

        Args:
            function: of the step; its value may be infinite or nan, which counts as too high.
            start: the function at 0, where it falls.
            step: the first one to try.
        """
        before, trials = start, self.trials
        while trials > 0 and step < _MOST:
            here = function(step)
            trials -= 1
            if self._meets(start, here):
                return here
            if not self._falls(start, here) or (before is not start and here.value >= before.value):
                return self._between(function, start, before, here, trials)
            if here.slope >= 0:
                return self._between(function, start, here, before, trials)
            before, step = here, self._farther(before, here)
        return None if before is start else before

    def _falls(self, start: Point, here: Point) -> bool:
        """Whether the function has fallen enough; never where it is not finite."""
        if not (math.isfinite(here.value) and math.isfinite(here.slope)):
            return False
        if here.value <= start.value + self.c1 * here.step * start.slope:
            return True
        near = abs(here.value - start.value) <= self.rounding * abs(start.value)
        return near and (2 * self.c1 - 1) * start.slope >= here.slope

    def _meets(self, start: Point, here: Point) -> bool:
        return self._falls(start, here) and abs(here.slope) <= -self.c2 * start.slope

    @staticmethod
    def _farther(before: Point, here: Point) -> float:
        """The next step outward: where a cubic through two points is lowest, within limits."""
        guess = _lowest(before, here)
        near, far = here.step + 1.1 * (here.step - before.step), 10 * here.step
        return min(max(guess, near), far) if math.isfinite(guess) else min(2 * here.step, far)

    def _between(
        self, function: Callable[[float], Point], start: Point, low: Point, high: Point, trials: int
    ) -> Point | None:
        """A step between two, of which the lower meets the first condition."""
        for _ in range(trials):
            width = high.step - low.step
            if abs(width) <= 1e-15 * abs(low.step) or low.step + width / 2 in (low.step, high.step):
                break
            guess = _lowest(low, high)
            edge = 0.1 * abs(width)
            inner = sorted((low.step, high.step))
            if not inner[0] + edge <= guess <= inner[1] - edge:
                guess = low.step + width / 2
            here = function(guess)
            if self._meets(start, here):
                return here
            if not self._falls(start, here) or here.value >= low.value:
                high = here
            else:
                if here.slope * (high.step - low.step) >= 0:
                    high = low
                low = here
        return low if low.step > 0 and low.value < start.value else None


def _lowest(a: Point, b: Point) -> float:
    """Where the cubic of two values and slopes is lowest; nan where there is none."""
    if not all(map(math.isfinite, (a.value, a.slope, b.value, b.slope))) or a.step == b.step:
        return math.nan
    d1 = a.slope + b.slope - 3 * (a.value - b.value) / (a.step - b.step)
    inside = d1 * d1 - a.slope * b.slope
    if inside < 0:
        return math.nan
    d2 = math.copysign(math.sqrt(inside), b.step - a.step)
    below = b.slope - a.slope + 2 * d2
    if below == 0:
        return math.nan
    return b.step - (b.step - a.step) * ((b.slope + d2 - d1) / below)
