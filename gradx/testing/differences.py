"""Differences: what a derivative should be, found by nudging numbers wherever they stand.

The inputs of a function are seen as one list of real numbers, each with its path in the values
that hold it (a complex number is two). Slopes are central differences of several step sizes, with
those of either side beside them: a number that a rule got wrong is told from a kink.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Any, NamedTuple

import numpy as np

from gradx.core.spec import shape_of
from gradx.ops.helpers import is_complex
from gradx.values.leaves import map_leaves
from gradx.values.operations import ValueType, Where, fold, parts_alone
from gradx.values.statics import static_copy

__all__ = [
    "EXACT",
    "Accuracy",
    "Coordinate",
    "Doubt",
    "Point",
    "Slope",
    "accuracy_of",
    "confirms",
    "doubt",
    "like",
    "numbers_by_path",
    "slope_at",
]

EXACT = (Fraction, Decimal)
Along = Callable[[float], float]
"""A real function of how far the inputs are moved in one direction."""


class Accuracy(NamedTuple):
    """How far to nudge, and how close to compare.

    Attributes:
        step: how far.
        tolerance: the largest error, relative to the largest number beside it.
        epsilon: of the lowest precision there is.
    """

    step: float
    tolerance: float
    epsilon: float

    def noise(self, level: float, step: float) -> float:
        """What rounding does to a slope."""
        return 16 * self.epsilon * max(1.0, abs(level)) / step


def accuracy_of(values: Sequence[Any], tolerance: float) -> Accuracy:
    """The step balances rounding and curvature, at the cube root of the lowest precision there is.

    It is a power of two, so that what is nudged moves by exactly as much.
    """
    leaves = [leaf for x in values for leaf in numbers_by_path(x).values()]
    chars = {getattr(getattr(leaf, "dtype", None), "char", "d") for leaf in leaves}
    if "e" in chars:
        return Accuracy(2.0**-3, max(tolerance, 0.1), 2.0**-10)
    if chars & {"f", "F"}:
        return Accuracy(2.0**-7, max(tolerance, 2e-3), 2.0**-23)
    return Accuracy(2.0**-17, tolerance, 2.0**-52)


def numbers_by_path(x: Any, root: str = "") -> dict[str, Any]:
    """The numbers and arrays in a value, plain or variables, by their paths."""
    found: dict[str, Any] = {}

    def leaf(part: Any, spec: ValueType, _: Any, where: Where) -> Any:
        if spec.numeric:
            found[where()] = part
        return part

    fold(x, None, parts_alone, leaf, root)
    return found


class Coordinate(NamedTuple):
    """One real number of the inputs.

    Attributes:
        leaf: the place of its leaf among all.
        place: its index in the leaf, if that is an array.
        unit: 1, or 1j for the imaginary part.
    """

    leaf: int
    place: tuple[int, ...]
    unit: complex

    def of(self, leaf: Any) -> Any:
        """This number of a leaf; None if the leaf has another shape."""
        if len(shape_of(leaf)) != len(self.place):
            return None
        item = leaf[self.place] if self.place else leaf
        if is_complex(item):
            return float(item.imag if self.unit == 1j else item.real)
        return 0.0 if self.unit == 1j else float(item)


class Point:
    """The inputs of a function, and the real numbers in them.

    Args:
        xs: the inputs.
        names: how each is called in paths.

    Attributes:
        paths: of the leaves, in order.
        leaves: the numbers and arrays themselves.
    """

    def __init__(self, xs: Sequence[Any], names: Sequence[str]) -> None:
        self.xs = xs
        self.paths: list[str] = []
        self.leaves: list[Any] = []
        for x, name in zip(xs, names, strict=True):
            found = numbers_by_path(x, name)
            self.paths.extend(found)
            self.leaves.extend(found.values())

    @property
    def size(self) -> int:
        """How many real numbers there are."""
        return sum(map(self.count, range(len(self.leaves))))

    def count(self, leaf: int) -> int:
        """How many real numbers a leaf has."""
        return math.prod(shape_of(self.leaves[leaf])) * (1 + is_complex(self.leaves[leaf]))

    def coordinate(self, leaf: int, k: int) -> Coordinate:
        """One of the real numbers of a leaf."""
        x = self.leaves[leaf]
        k, imaginary = divmod(k, 2) if is_complex(x) else (k, 0)
        index = tuple(map(int, np.unravel_index(k, shape_of(x)))) if shape_of(x) else ()
        return Coordinate(leaf, index, 1j if imaginary else 1.0)

    def number(self, at: Coordinate) -> int:
        """Which of the real numbers of its leaf it is."""
        x = self.leaves[at.leaf]
        k = int(np.ravel_multi_index(at.place, shape_of(x))) if at.place else 0
        return 2 * k + (at.unit == 1j) if is_complex(x) else k

    def path(self, at: Coordinate) -> str:
        """How a number is reached, as Python code says it."""
        index = f"[{', '.join(map(str, at.place))}]" if at.place else ""
        part = (".imag" if at.unit == 1j else ".real") if is_complex(self.leaves[at.leaf]) else ""
        return f"{self.paths[at.leaf]}{index}{part}"

    def moved(self, by: Mapping[int, Any]) -> list[Any]:
        """Copies of the inputs with what ``by`` has for some leaves added to them.

        A function may write into what it is given, so nothing of it is shared.
        """
        count = iter(range(len(self.leaves)))

        def leaf(x: Any, spec: ValueType) -> Any:
            if not spec.numeric:
                return x
            k = next(count)
            return _sum(x, by[k]) if k in by else like(x, x) if type(x) is np.ndarray else x

        return [map_leaves(x, leaf, static=lambda x, _: static_copy(x)) for x in self.xs]

    def tangents(self, of: Mapping[int, Any]) -> tuple[Any, ...]:
        """Tangents of the inputs: what ``of`` has for some leaves, and zero for all others."""
        count = iter(range(len(self.leaves)))

        def leaf(x: Any, spec: ValueType) -> Any:
            if not spec.numeric:
                return x if spec.zero is None else spec.zero(x)
            return like(x, of.get(next(count), 0.0))

        return tuple([map_leaves(x, leaf) for x in self.xs])

    def step(self, at: Coordinate, step: float) -> float:
        """The step of a number, larger where the number is."""
        leaf = self.leaves[at.leaf]
        size = abs(leaf[at.place] if at.place else leaf)
        return step * 2.0 ** math.ceil(math.log2(max(1.0, float(size))))

    def unit(self, at: Coordinate) -> Any:
        """The direction in which only one number moves: 0 for all others of its leaf."""
        shape = shape_of(self.leaves[at.leaf])
        if not shape:
            return at.unit
        direction = np.zeros(shape, complex if at.unit == 1j else float)
        direction[at.place] = at.unit
        return direction

    def along(self, leaf: int, direction: Any, loss: Callable[[Sequence[Any]], float]) -> Along:
        """A function of the inputs as one of how far a leaf is moved in a direction."""
        return lambda t: loss(self.moved({leaf: t * direction}))


def _sum(x: Any, change: Any) -> Any:
    """A leaf and a change of it, in the type and precision of the leaf."""
    if type(x) in EXACT:
        return x + type(x)(change)
    if not hasattr(x, "dtype"):
        return x + change
    return like(x, x + change)


def like(x: Any, number: Any) -> Any:
    """A number or an array, or one number for all items, in the type and precision of a leaf."""
    if type(x) in EXACT:
        return type(x)(float(number))
    if not hasattr(x, "dtype"):
        return complex(number) if is_complex(x) else float(number)
    if isinstance(x, np.generic):
        return x.dtype.type(number)
    made = np.empty_like(x) if type(x) is np.ndarray else np.empty(x.shape, x.dtype)
    made[...] = number
    return made


# --- Slopes ---------------------------------------------------------------------------------------


class Slope(NamedTuple):
    """Differences of one step: on both sides, below and above."""

    step: float
    both: float
    below: float
    above: float

    @property
    def jump(self) -> float:
        """How far the slopes on the two sides are apart: for a smooth function, about its step."""
        return abs(self.above - self.below)


class Doubt(NamedTuple):
    """Why a derivative is not confirmed.

    Attributes:
        kind: ``"wrong"``, ``"kink"`` or ``"jump"``.
        expected: what it should be: of a kink the slopes below and above.
        step: the step that this was found with.
    """

    kind: str
    expected: Any
    step: float


def slope_at(along: Along, middle: float, step: float) -> Slope:
    """The differences of one step.

    Args:
        along: the function.
        middle: its value at 0.
        step: the step.
    """
    up, down = along(step), along(-step)
    return Slope(step, (up - down) / (2 * step), (middle - down) / step, (up - middle) / step)


def confirms(slope: Slope, got: float, margin: float, size: float) -> bool:
    """Whether a first difference leaves no doubt: it agrees, and there may not be a kink."""
    return abs(slope.both - got) <= margin and slope.jump <= 0.1 * size


def doubt(
    along: Along, first: Slope, middle: float, got: float | None, margin: float, noise: float
) -> Doubt | None:
    """What is to be said against a derivative that a first difference does not confirm.

    Args:
        along: the function of one number.
        first: its first difference.
        middle: its value at 0.
        got: its derivative there; None if there is none of the right shape.
        margin: the largest error.
        noise: what rounding does to the first difference.

    Returns:
        None if a difference of another step confirms it.
    """
    with np.errstate(all="ignore"):
        found = [first, *(slope_at(along, middle, first.step * factor) for factor in _FACTORS)]
    if got is not None:
        finer = found[1]
        low, high = sorted((finer.below, finer.above))
        stays = finer.jump > max(0.5 * first.jump, 10 * margin, 16 * noise)
        if stays and low - margin <= got <= high + margin:
            kind = "jump" if finer.jump > 4 * first.jump else "kink"
            return Doubt(kind, (finer.below, finer.above), finer.step)
        if any(abs(slope.both - got) <= margin for slope in found):
            return None
    found.sort()
    gaps = [abs(a.both - b.both) for a, b in itertools.pairwise(found)]
    best = found[int(np.nanargmin(gaps))] if np.any(np.isfinite(gaps)) else first
    return Doubt("wrong", best.both, best.step)


_FACTORS = (1 / 8, 8.0, 1 / 64)
"""The other steps to try, as multiples of the first."""
