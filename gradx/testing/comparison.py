"""Comparison: derivatives of a function beside differences, and beside each other.

A result of any type is contracted with a random cotangent to one real number, whose slopes are
compared: those of reverse mode number by number, those of forward mode by random tangents.
"""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Callable, Iterator, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np

from gradx.core.spec import shape_of
from gradx.forward.api import jvp
from gradx.ops.helpers import is_complex
from gradx.reverse.api import backprop_with
from gradx.reverse.results import value
from gradx.testing.differences import (
    EXACT,
    Accuracy,
    Coordinate,
    Doubt,
    Point,
    Slope,
    confirms,
    doubt,
    like,
    numbers_by_path,
    slope_at,
)
from gradx.values.operations import ValueType, Where, fold, parts_alone

__all__ = [
    "DERIVATIVES",
    "SLOPES",
    "Mistake",
    "Slopes",
    "contraction",
    "disagreement",
    "random_like",
]

_EVERY = 1000
"""Inputs of so many numbers are nudged one by one; of larger ones, so many chosen at random."""
_SHOWN = 50


class Mistake(NamedTuple):
    """A number that differences do not confirm.

    Attributes:
        path: where it stands, such as ``net.layers[0].w[3, 1]``.
        kind: ``"wrong"``; or ``"kink"`` or ``"jump"``, where there is no derivative; or
            ``"unequal"``, where forward and reverse mode differ.
        got: what gradx gave.
        expected: what differences give; of a kink the slopes below and above; what reverse mode
            gives, if forward mode differs.
        step: the step of the differences.
    """

    path: str
    kind: str
    got: Any
    expected: Any
    step: float

    def __str__(self) -> str:
        step = f"step {self.step:.2g}"
        if self.kind == "unequal":
            return (
                f"{self.path}, in a random direction: forward mode gives {self.got:.15g}, and "
                f"reverse mode {self.expected:.15g}"
            )
        if self.kind in ("kink", "jump"):
            below, above = self.expected
            return (
                f"{self.path}: a {self.kind}: the slope is {below:.7g} below and {above:.7g} "
                f"above ({step}), and gradx gave {self.got:.7g}"
            )
        if self.got is None:
            return f"{self.path}: nothing of its shape, expected {self.expected:.7g} ({step})"
        off = abs(self.got - self.expected)
        return (
            f"{self.path}: {self.got:.10g}, expected {self.expected:.10g} "
            f"(off by {off:.2g}; {step})"
        )


class Slopes:
    """The differences of a function, made once for all modes.

    Attributes:
        known: those of single numbers.
        sizes: how large the numbers of a leaf are.
        error: the largest error of what was confirmed, relative to them.
    """

    def __init__(
        self,
        f: Callable[..., Any],
        point: Point,
        cotangent: Any,
        accuracy: Accuracy,
        rng: np.random.Generator,
    ) -> None:
        self.point, self.cotangent, self.accuracy, self.rng = point, cotangent, accuracy, rng
        self.f = f
        self.level = self.loss(point.moved({}))
        self.chosen, self.every = _chosen(point, rng)
        self.error = 0.0
        self.known = {at: self._difference(at) for at in self.chosen}
        self.sizes = [1e-3 * max(1.0, abs(self.level))] * len(point.leaves)
        least = self.sizes[:]
        for at, slope in self.known.items():
            self.sizes[at.leaf] = np.fmax(self.sizes[at.leaf], abs(slope.both) + least[at.leaf])

    def loss(self, xs: Sequence[Any]) -> float:
        """The function's result for some inputs, contracted with the cotangent."""
        return float(value(contraction(self.cotangent, self.f(*xs))))

    def _along(self, at: Coordinate) -> Callable[[float], float]:
        return self.point.along(at.leaf, self.point.unit(at), self.loss)

    def _difference(self, at: Coordinate) -> Slope:
        return slope_at(self._along(at), self.level, self.point.step(at, self.accuracy.step))

    def _doubt(
        self, along: Callable[[float], float], first: Slope, got: float | None, size: float
    ) -> Doubt | None:
        """What is to be said against a derivative, of a number or in a direction."""
        noise = self.accuracy.noise(self.level, first.step)
        margin = self.accuracy.tolerance * size + noise
        found = None
        if got is None or not confirms(first, got, margin, max(size, noise / 0.01)):
            found = doubt(along, first, self.level, got, margin, noise)
        if found is None and got is not None:
            self.error = max(self.error, abs(got - first.both) / size)
        return found

    def mistakes(
        self, got: Callable[[Coordinate], float | None], among: Sequence[Coordinate]
    ) -> list[Mistake]:
        """Which of some numbers are wrong."""
        found = []
        for at in among:
            given, size = got(at), self.sizes[at.leaf]
            first = self.known[at] if at in self.known else self._difference(at)
            why = self._doubt(self._along(at), first, given, size)
            if why is not None:
                found.append(Mistake(self.point.path(at), why.kind, given, why.expected, why.step))
        return found

    def direction(self, leaf: int, among: np.ndarray) -> Any:
        """A random direction of about unit length in some numbers of a leaf."""
        x, numbers = self.point.leaves[leaf], np.zeros(self.point.count(leaf))
        numbers[among] = self.rng.standard_normal(len(among)) / math.sqrt(len(among))
        return _paired(numbers, x) if is_complex(x) else numbers.reshape(shape_of(x))

    def astray(
        self, leaf: int, slope: Callable[[Any], float], among: np.ndarray
    ) -> Iterator[Coordinate]:
        """Which numbers of a leaf are wrong, found by halves of random directions.

        Args:
            leaf: the leaf.
            slope: the derivative in a direction of it, as gradx has it.
            among: the numbers to look at.
        """
        if not len(among):
            return
        direction = self.direction(leaf, among)
        got, along = slope(direction), self.point.along(leaf, direction, self.loss)
        first = slope_at(along, self.level, self.accuracy.step)
        if self._doubt(along, first, got, max(abs(got), self.sizes[leaf])) is None:
            return
        if len(among) == 1:
            yield self.point.coordinate(leaf, int(among[0]))
            return
        for half in np.array_split(among, 2):
            yield from self.astray(leaf, slope, half)


def _paired(numbers: np.ndarray, x: Any) -> Any:
    """Numbers in turn the real and the imaginary parts of a leaf's."""
    parts = numbers.reshape(*shape_of(x), 2)
    return parts[..., 0] + 1j * parts[..., 1]


def _chosen(point: Point, rng: np.random.Generator) -> tuple[list[Coordinate], bool]:
    """The numbers to nudge, and whether they are all."""
    counts = [point.count(leaf) for leaf in range(len(point.leaves))]
    total = sum(counts)
    if total <= _EVERY:
        return [point.coordinate(k, i) for k, n in enumerate(counts) for i in range(n)], True
    shares = [min(n, max(1, n * _EVERY // total)) for n in counts]
    picked = [
        sorted(rng.choice(n, share, replace=False)) for n, share in zip(counts, shares, strict=True)
    ]
    return [point.coordinate(k, int(i)) for k, each in enumerate(picked) for i in each], False


def _reverse(slopes: Slopes, f: Callable[..., Any]) -> list[Mistake]:
    """What is wrong with the gradient, number by number."""
    point = slopes.point
    leaves = _gradient_leaves(slopes, f)
    got = lambda at: at.of(leaves[at.leaf])  # noqa: E731
    found = slopes.mistakes(got, slopes.chosen)
    for k, g in enumerate(leaves if not slopes.every else ()):
        slope = functools.partial(_inner, g)
        rest = slopes.astray(k, slope, _others(point, k, slopes.chosen))
        found += slopes.mistakes(got, list(itertools.islice(rest, _SHOWN)))
    return found


def _forward(slopes: Slopes, f: Callable[..., Any]) -> list[Mistake]:
    """What is wrong with the tangent of the result, as random tangents of each leaf show it."""
    point, found = slopes.point, []
    got = lambda at: _tangent(slopes, f, at.leaf, point.unit(at))  # noqa: E731
    for k in range(len(point.leaves)):
        slope = functools.partial(_tangent, slopes, f, k)
        wrong = slopes.astray(k, slope, np.arange(point.count(k)))
        found += slopes.mistakes(got, list(itertools.islice(wrong, _SHOWN)))
    return found


def disagreement(slopes: Slopes, f: Callable[..., Any]) -> list[Mistake]:
    """Where forward and reverse mode differ: <g, J t> is <J' g, t> to the last digits but some."""
    point, found = slopes.point, []
    for k, g in enumerate(_gradient_leaves(slopes, f)):
        direction = slopes.direction(k, np.arange(point.count(k)))
        forward, reverse = _tangent(slopes, f, k, direction), _inner(g, direction)
        size = float(np.sum(np.abs(g) * np.abs(direction))) + slopes.sizes[k]
        slopes.error = max(slopes.error, abs(forward - reverse) / size)
        if not abs(forward - reverse) <= 0.1 * slopes.accuracy.tolerance * size:
            found.append(Mistake(point.paths[k], "unequal", forward, reverse, 0.0))
    return found


def _gradient_leaves(slopes: Slopes, f: Callable[..., Any]) -> list[Any]:
    """The leaves of the gradient in the places of those of the inputs."""
    leaves: list[Any] = []
    for x, g in zip(slopes.point.xs, _gradients(f, slopes.point.xs, slopes.cotangent), strict=True):
        known = numbers_by_path(g)
        leaves.extend(known.get(path) for path in numbers_by_path(x))
    return [float(g) if type(g) in EXACT else g for g in leaves]


def _inner(g: Any, direction: Any) -> float:
    """The real inner product of a leaf of a gradient with a direction."""
    return float(np.sum(np.real(np.conjugate(g) * direction)))


def _tangent(slopes: Slopes, f: Callable[..., Any], leaf: int, direction: Any) -> float:
    """The slope of a function in a direction of one leaf, by forward mode."""
    tangents = slopes.point.tangents({leaf: direction})
    y = jvp(f, tuple(slopes.point.xs), tangents)[1]
    return float(value(contraction(slopes.cotangent, y)))


def _others(point: Point, leaf: int, chosen: Sequence[Coordinate]) -> np.ndarray:
    """The numbers of a leaf that are not among the chosen ones."""
    known = [point.number(at) for at in chosen if at.leaf == leaf]
    return np.setdiff1d(np.arange(point.count(leaf)), known)


DERIVATIVES = MappingProxyType({"rev": _reverse, "fwd": _forward})
"""By mode: what is wrong with the derivative of a function, given its differences."""


# --- Values ---------------------------------------------------------------------------------------


def _gradients(f: Callable[..., Any], xs: Sequence[Any], c: Any) -> tuple[Any, ...]:
    grads = backprop_with(f, *xs)[1](c)
    return (grads,) if len(xs) == 1 else tuple(grads)


def _reverse_slope(f: Callable[..., Any], c: Any, along: tuple[Any, ...]) -> Callable[..., Any]:
    """The derivative of a function in a direction, by its gradient for one cotangent."""
    return lambda *xs: contraction(along, _gradients(f, xs, c))


def _forward_slope(f: Callable[..., Any], c: Any, along: tuple[Any, ...]) -> Callable[..., Any]:
    """The same by its tangent in this direction."""
    return lambda *xs: contraction(c, jvp(f, xs, along)[1])


SLOPES = MappingProxyType({"rev": _reverse_slope, "fwd": _forward_slope})
"""By mode: the derivative of a function in a direction, contracted with a cotangent."""


def random_like(y: Any, rng: np.random.Generator) -> Any:
    """A value like another with random numbers: a cotangent of it."""

    def leaf(part: Any, spec: ValueType, context: Any, where: Where) -> Any:
        if spec.numeric:
            drawn: Any = rng.standard_normal(shape_of(part))
            if is_complex(part):
                drawn = drawn + 1j * rng.standard_normal(shape_of(part))
            return like(part, drawn)
        return part if spec.zero is None else spec.zero(part)

    return fold(y, None, parts_alone, leaf)


def contraction(c: Any, y: Any) -> Any:
    """The real inner product of a cotangent with a value, plain or lifted: Re sum(conj(c) y)."""
    total: Any = None
    mine, theirs = numbers_by_path(c), numbers_by_path(y)
    for path, g in mine.items():
        term = np.real(np.conjugate(g) * theirs[path]) if is_complex(g) else g * theirs[path]
        term = term if shape_of(term) == () else np.sum(term)
        total = term if total is None else total + term
    return 0.0 if total is None else total
