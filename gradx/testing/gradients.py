"""Gradient check: compare the derivatives of a function with central differences, and each other.

One scalar of the inputs is nudged at a time, wherever it stands in a record, and the result is
contracted with random cotangents, so that no rule passes by symmetry. What is wrong is named by
its path, in one report.
"""

from __future__ import annotations

import inspect
import itertools
import math
from collections.abc import Callable, Iterator, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np

from gradx.core.spec import shape_of
from gradx.errors import GradxError
from gradx.ops.helpers import is_complex
from gradx.reverse.api import backprop_with
from gradx.reverse.results import value
from gradx.testing.differences import (
    Accuracy,
    Coordinate,
    Doubt,
    Point,
    Slope,
    accuracy_of,
    confirms,
    doubt,
    like,
    numbers_by_path,
    slope_at,
)
from gradx.values.operations import ValueType, Where, fold, parts_alone

__all__ = [
    "MODES",
    "Checked",
    "GradientMismatchError",
    "Mistake",
    "check_grads",
    "contraction",
    "examine",
    "random_like",
    "report",
]

_NAMES = MappingProxyType({"rev": "reverse", "fwd": "forward"})
_EVERY = 1000
"""Inputs of so many numbers are nudged one by one; of larger ones, so many chosen at random."""
_SHOWN = 50


class Mistake(NamedTuple):
    """A number that differences do not confirm.

    Attributes:
        path: where it stands, such as ``net.layers[0].w[3, 1]``.
        kind: ``"wrong"``; or ``"kink"`` or ``"jump"``, where there is no derivative.
        got: what gradx gave.
        expected: what differences give; of a kink the slopes below and above.
        step: the step of the differences.
    """

    path: str
    kind: str
    got: Any
    expected: Any
    step: float

    def __str__(self) -> str:
        step = f"step {self.step:.2g}"
        if self.kind != "wrong":
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


class Checked(NamedTuple):
    """One derivative that was compared.

    Attributes:
        name: which one, such as ``order 2, forward over reverse``.
        numbers: how many of its numbers were.
        error: the largest error, relative to the largest number of a leaf.
        mistakes: what is wrong.
    """

    name: str
    numbers: int
    error: float
    mistakes: tuple[Mistake, ...]


class GradientMismatchError(GradxError, AssertionError):
    """A gradient differs from central differences; the message has each path and both numbers.

    Attributes:
        mistakes: all numbers that are wrong.
    """

    mistakes: tuple[Mistake, ...] = ()


def check_grads(
    f: Callable[..., Any],
    *xs: Any,
    order: int = 2,
    modes: Sequence[str] = ("rev",),
    tolerance: float = 1e-6,
    seed: int = 0,
) -> None:
    """Compare the derivatives of a function with central differences.

    Reverse mode gives a gradient for a random cotangent of the result, of which each number is
    compared. At order 2 the same is done with the gradient as the function. What one step of the
    differences does not confirm is tried with three more; where the slopes on both sides differ
    however small the step, the report says that there is a kink. Of inputs of more than a thousand
    numbers a thousand are chosen at random, and random directions compare the others. Parts of
    types registered with operations only, whose inside gradx does not know, are not nudged. The
    function gets copies, and may write into them.

    Args:
        f: the function, of any values to any value.
        xs: its inputs. Those in float32 are compared as closely as that precision allows.
        order: how often to differentiate: 2 checks the gradient of the gradient too.
        modes: ``"rev"``.
        tolerance: the largest difference, relative to the largest number beside it.
        seed: of the random cotangents and tangents.

    Raises:
        GradientMismatchError: (an AssertionError) numbers of a derivative are wrong; all are told,
            with their paths. Or the function gives another result when it is called again.
        ValueError: a mode that there is not, or an order below 1.

    >>> check_grads(lambda pair: np.exp(pair[0]) * pair[1], (1.0, np.array([2.0, 3.0])))
    """
    found = examine(f, xs, order=order, modes=modes, tolerance=tolerance, seed=seed)
    mistakes = tuple([mistake for each in found for mistake in each.mistakes])
    if mistakes:
        error = GradientMismatchError(report(f, found))
        error.mistakes = mistakes
        raise error


def examine(
    f: Callable[..., Any],
    xs: Sequence[Any],
    names: Sequence[str] | None = None,
    *,
    order: int,
    modes: Sequence[str],
    tolerance: float = 1e-6,
    seed: int = 0,
) -> list[Checked]:
    """What `check_grads` finds: each derivative up to the first order at which one is wrong.

    Args:
        f: see there.
        xs: see there.
        names: how the inputs are called in paths; by default as the function calls them.
        order: see there.
        modes: see there.
        tolerance: see there.
        seed: see there.
    """
    _check_choice(order, modes)
    rng = np.random.default_rng(seed)
    point = Point(xs, names or _argument_names(f, len(xs)))
    functions = {"": f}
    y = f(*point.moved({}))
    accuracy = accuracy_of((*xs, y), tolerance)
    found: list[Checked] = []
    for k in range(1, order + 1):
        cotangent = random_like(y, rng)
        slopes = _Slopes(next(iter(functions.values())), point, cotangent, accuracy, rng)
        if k == 1:
            _check_repeatable(f, xs, slopes)
        chains = [
            (f"{_NAMES[mode]} over {inner}" if inner else _NAMES[mode], mode, function)
            for (inner, function), mode in itertools.product(functions.items(), modes)
        ]
        for chain, mode, function in chains:
            found.append(_DERIVATIVES[mode](slopes, function, f"order {k}, {chain}"))
        if k == order or any(each.mistakes for each in found):
            break
        along = tuple([random_like(x, rng) for x in xs])
        functions = {
            chain: _SLOPE[mode](function, cotangent, along) for chain, mode, function in chains
        }
        y = next(iter(functions.values()))(*point.moved({}))
    return found


def report(f: Callable[..., Any], found: Sequence[Checked]) -> str:
    """The report of what is wrong."""
    name = getattr(f, "__name__", type(f).__name__)
    lines, kinds = [], set()
    for each in (each for each in found if each.mistakes):
        lines.append(f"{each.name}: {len(each.mistakes)} of {each.numbers} numbers")
        lines.extend(f"  {mistake}" for mistake in each.mistakes[:_SHOWN])
        if len(each.mistakes) > _SHOWN:
            lines.append(f"  and {len(each.mistakes) - _SHOWN} more")
        kinds |= {mistake.kind for mistake in each.mistakes}
    if "wrong" in kinds:
        lines.append("A rule behind a wrong number is wrong: look at the pullbacks of your ops.")
    if kinds - {"wrong"}:
        lines.append("There is no derivative at a kink or a jump: check at other inputs.")
    return "\n".join([f"the derivatives of {name} are not those of central differences", *lines])


def _check_choice(order: int, modes: Sequence[str]) -> None:
    if order < 1:
        raise ValueError(f"order={order} checks nothing; give 1, or 2 for second derivatives")
    unknown = [mode for mode in modes if mode not in _DERIVATIVES]
    if isinstance(modes, str) or unknown or not modes:
        raise ValueError(
            f"modes={modes!r} is not a choice of modes; give one or more of "
            f"{', '.join(map(repr, _DERIVATIVES))}, such as modes=({next(iter(_DERIVATIVES))!r},)"
        )


def _argument_names(f: Callable[..., Any], n: int) -> list[str]:
    """What a function calls its first arguments."""
    try:
        parameters = list(inspect.signature(f).parameters.values())
    except (TypeError, ValueError):
        parameters = []
    names = [p.name for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    rest = next((p.name for p in parameters if p.kind is p.VAR_POSITIONAL), None)
    more = [
        f"argument {k}" if rest is None else f"{rest}[{k - len(names)}]"
        for k in range(len(names), n)
    ]
    return (names + more)[:n]


def _check_repeatable(f: Callable[..., Any], xs: Sequence[Any], slopes: _Slopes) -> None:
    """Refuse a function whose plain result is not that of the run."""
    lifted = float(value(contraction(slopes.cotangent, backprop_with(f, *xs)[0])))
    if abs(lifted - slopes.level) > slopes.accuracy.tolerance * max(1.0, abs(lifted)):
        raise GradientMismatchError(
            f"the function gave {slopes.level!r} and then {lifted!r} for the same inputs "
            "(contracted with a random cotangent); one that draws random numbers has to make its "
            "generator anew, from a seed, and one that keeps state has to be given it"
        )


# --- Differences, and what is compared with them --------------------------------------------------


class _Slopes:
    """The differences of a function, made once for all modes."""

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
        if got is not None and confirms(first, got, margin, max(size, noise / 0.01)):
            return None
        return doubt(along, first, self.level, got, margin, noise)

    def mistakes(
        self, got: Callable[[Coordinate], float | None], among: Sequence[Coordinate]
    ) -> tuple[float, list[Mistake]]:
        """The largest relative error of some numbers, and which of them are wrong."""
        worst, found = 0.0, []
        for at in among:
            given, size = got(at), self.sizes[at.leaf]
            first = self.known[at] if at in self.known else self._difference(at)
            why = self._doubt(self._along(at), first, given, size)
            if why is not None:
                found.append(Mistake(self.point.path(at), why.kind, given, why.expected, why.step))
            elif given is not None:
                worst = max(worst, abs(given - first.both) / size)
        return worst, found

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
        x, numbers = self.point.leaves[leaf], np.zeros(self.point.count(leaf))
        numbers[among] = self.rng.standard_normal(len(among)) / math.sqrt(len(among))
        direction: Any = numbers.reshape(shape_of(x)) if not is_complex(x) else _paired(numbers, x)
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


def _reverse(slopes: _Slopes, f: Callable[..., Any], name: str) -> Checked:
    """Compare the gradient, number by number."""
    point = slopes.point
    gradients = _gradients(f, point.xs, slopes.cotangent)
    leaves: list[Any] = []
    for x, g in zip(point.xs, gradients, strict=True):
        known = numbers_by_path(g)
        leaves.extend(known.get(path) for path in numbers_by_path(x))
    got = lambda at: at.of(leaves[at.leaf])  # noqa: E731
    worst, found = slopes.mistakes(got, slopes.chosen)
    for k, leaf in enumerate(leaves if not slopes.every else ()):
        slope = lambda d, g=leaf: float(np.sum(np.real(np.conjugate(g) * d)))  # noqa: E731
        rest = slopes.astray(k, slope, _others(point, k, slopes.chosen))
        found += slopes.mistakes(got, list(itertools.islice(rest, _SHOWN)))[1]
    return Checked(name, point.size, worst, tuple(found))


def _others(point: Point, leaf: int, chosen: Sequence[Coordinate]) -> np.ndarray:
    """The numbers of a leaf that are not among the chosen ones."""
    known = {at for at in chosen if at.leaf == leaf}
    return np.array([k for k in range(point.count(leaf)) if point.coordinate(leaf, k) not in known])


_DERIVATIVES = MappingProxyType({"rev": _reverse})


# --- Values ---------------------------------------------------------------------------------------


def _gradients(f: Callable[..., Any], xs: Sequence[Any], c: Any) -> tuple[Any, ...]:
    grads = backprop_with(f, *xs)[1](c)
    return (grads,) if len(xs) == 1 else tuple(grads)


def _reverse_slope(f: Callable[..., Any], c: Any, along: tuple[Any, ...]) -> Callable[..., Any]:
    """The derivative of a function in a direction, by its gradient for one cotangent."""
    return lambda *xs: contraction(along, _gradients(f, xs, c))


MODES = tuple(_DERIVATIVES)
_SLOPE = MappingProxyType({"rev": _reverse_slope})


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
