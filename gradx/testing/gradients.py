"""Gradient check: compare the derivatives of a function with central differences, and each other.

One scalar of the inputs is nudged at a time, wherever it stands in a record, and the result is
contracted with random cotangents, so that no rule passes by symmetry. What is wrong is named by
its path, in one report.
"""

from __future__ import annotations

import inspect
import itertools
from collections.abc import Callable, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np

from gradx.errors import GradxError
from gradx.reverse.api import backprop_with
from gradx.reverse.results import value
from gradx.testing.comparison import (
    DERIVATIVES,
    SLOPES,
    Mistake,
    Slopes,
    contraction,
    disagreement,
    random_like,
)
from gradx.testing.differences import Point, accuracy_of

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
MODES = tuple(DERIVATIVES)
_SHOWN = 50


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
    modes: Sequence[str] = ("rev", "fwd"),
    tolerance: float = 1e-6,
    seed: int = 0,
) -> None:
    """Compare the derivatives of a function with central differences.

    Reverse mode gives a gradient for a random cotangent of the result, of which each number is
    compared; forward mode gives the tangent of the result for a random tangent of each leaf, and
    both have to agree. At order 2 the same is done with each of these derivatives as the function:
    reverse over reverse, forward over reverse, and so on. What one step of the differences does
    not confirm is tried with three more; where the slopes on both sides differ however small the
    step, the report says that there is a kink. Of inputs of more than a thousand
    numbers a thousand are chosen at random, and random directions compare the others. Parts of
    types registered with operations only, whose inside gradx does not know, are not nudged. The
    function gets copies, and may write into them.

    Args:
        f: the function, of any values to any value.
        xs: its inputs. Those in float32 are compared as closely as that precision allows.
        order: how often to differentiate: 2 checks the gradient of the gradient too.
        modes: ``"rev"``, ``"fwd"`` or both.
        tolerance: the largest difference, relative to the largest number beside it, to the result
            and to 1 (but for a factor of a thousand): smaller derivatives are not told from zero.
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
        slopes = Slopes(next(iter(functions.values())), point, cotangent, accuracy, rng)
        if k == 1:
            _check_repeatable(f, xs, slopes)
        chains = [
            (f"{_NAMES[mode]} over {inner}" if inner else _NAMES[mode], mode, function)
            for (inner, function), mode in itertools.product(functions.items(), modes)
        ]
        for chain, mode, function in chains:
            slopes.error = 0.0
            mistakes = tuple(DERIVATIVES[mode](slopes, function))
            found.append(Checked(f"order {k}, {chain}", point.size, slopes.error, mistakes))
        if {"rev", "fwd"} <= set(modes) and not any(each.mistakes for each in found):
            slopes.error = 0.0
            function = next(iter(functions.values()))
            mistakes = tuple(disagreement(slopes, function))
            name = f"order {k}, forward beside reverse"
            found.append(Checked(name, point.size, slopes.error, mistakes))
        if k == order or any(each.mistakes for each in found):
            break
        along = tuple([random_like(x, rng) for x in xs])
        functions = {
            chain: SLOPES[mode](function, cotangent, along) for chain, mode, function in chains
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
    if kinds & {"kink", "jump"}:
        lines.append("There is no derivative at a kink or a jump: check at other inputs.")
    return "\n".join([f"the derivatives of {name} are not those of central differences", *lines])


def _check_choice(order: int, modes: Sequence[str]) -> None:
    if order < 1:
        raise ValueError(f"order={order} checks nothing; give 1, or 2 for second derivatives")
    unknown = [mode for mode in modes if mode not in DERIVATIVES]
    if isinstance(modes, str) or unknown or not modes:
        raise ValueError(
            f"modes={modes!r} is not a choice of modes; give one or more of "
            f"{', '.join(map(repr, DERIVATIVES))}, such as modes=({next(iter(DERIVATIVES))!r},)"
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


def _check_repeatable(f: Callable[..., Any], xs: Sequence[Any], slopes: Slopes) -> None:
    """Refuse a function whose plain result is not that of the run."""
    lifted = float(value(contraction(slopes.cotangent, backprop_with(f, *xs)[0])))
    if abs(lifted - slopes.level) > slopes.accuracy.tolerance * max(1.0, abs(lifted)):
        raise GradientMismatchError(
            f"the function gave {slopes.level!r} and then {lifted!r} for the same inputs "
            "(contracted with a random cotangent); one that draws random numbers has to make its "
            "generator anew, from a seed, and one that keeps state has to be given it"
        )
