"""Gradient check: compare the gradient of a function with central differences.

One scalar of the inputs is nudged at a time, wherever it stands in a record, and the result is
contracted with random cotangents, so that no rule passes by symmetry. What is wrong is named by
its path.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from decimal import Decimal
from fractions import Fraction
from typing import Any, NamedTuple

import numpy as np

from gradx.core.spec import shape_of
from gradx.errors import GradxError
from gradx.ops.helpers import is_complex
from gradx.reverse.api import backprop_with
from gradx.reverse.results import value
from gradx.values.operations import ValueType, Where, fold, parts_alone

__all__ = ["GradientMismatchError", "check_grads", "contraction", "random_like"]

_EXACT = (Fraction, Decimal)


class GradientMismatchError(GradxError, AssertionError):
    """A gradient differs from central differences; the message has the path and both numbers."""


def check_grads(
    f: Callable[..., Any], *xs: Any, order: int = 2, tolerance: float = 1e-6, seed: int = 0
) -> None:
    """Compare the gradient of a function with central differences.

    The function should be smooth around the inputs: a kink within about 1e-5 of them fails. Parts
    of types registered with operations only, whose inside gradx does not know, are not nudged.

    Args:
        f: the function, of any values to any value.
        xs: its inputs. Those in float32 are compared as closely as that precision allows.
        order: how often to differentiate: 2 checks the gradient of the gradient too.
        tolerance: the largest difference, relative to the largest number beside it.
        seed: of the random cotangents.

    Raises:
        GradientMismatchError: (an AssertionError) a number of the gradient is wrong.

    >>> check_grads(lambda pair: np.exp(pair[0]) * pair[1], (1.0, np.array([2.0, 3.0])))
    """
    rng = np.random.default_rng(seed)
    for k in range(1, order + 1):
        y, pullback = backprop_with(f, *xs)
        cotangent = random_like(y, rng)
        accuracy = _accuracy((*xs, y), tolerance, k)
        _compare(f, xs, cotangent, pullback(cotangent), accuracy)
        if k < order:
            f = _contracted_gradient(f, xs, cotangent, rng)


class _Accuracy(NamedTuple):
    """How far to nudge, how close to compare, and which derivative it is."""

    step: float
    tolerance: float
    order: int


def _accuracy(values: tuple[Any, ...], tolerance: float, order: int) -> _Accuracy:
    """The step balances rounding and curvature, at the cube root of the lowest precision there is.

    It is a power of two, so that what is nudged moves by exactly as much.
    """
    found = [leaf for x in values for leaf in _leaves(x).values()]
    chars = {getattr(getattr(leaf, "dtype", None), "char", "d") for leaf in found}
    if "e" in chars:
        return _Accuracy(2.0**-3, max(tolerance, 0.1), order)
    if chars & {"f", "F"}:
        return _Accuracy(2.0**-7, max(tolerance, 1e-2), order)
    return _Accuracy(2.0**-17, tolerance, order)


def _compare(
    f: Callable[..., Any], xs: tuple[Any, ...], c: Any, grads: Any, accuracy: _Accuracy
) -> None:
    grads = (grads,) if len(xs) == 1 else grads
    level = abs(value(contraction(c, f(*xs))))
    for i, (x, g) in enumerate(zip(xs, grads, strict=True)):

        def loss(nudged: Any, i: int = i) -> Any:
            return contraction(c, f(*xs[:i], nudged, *xs[i + 1 :]))

        wanted, given = _leaves(x, f"argument {i}"), _leaves(g, f"argument {i}")
        for path, leaf in wanted.items():
            _compare_leaf(x, leaf, path, loss, given.get(path), float(level), accuracy)


def _compare_leaf(
    x: Any,
    leaf: Any,
    path: str,
    loss: Callable[[Any], Any],
    g: Any,
    level: float,
    accuracy: _Accuracy,
) -> None:
    indices = list(np.ndindex(shape_of(leaf)))
    numbers = [_difference(x, leaf, path, index, loss, accuracy.step) for index in indices]
    items = [g[index] if index else g for index in indices]
    size = max((abs(n) for n in numbers), default=0.0) + 1e-3 * max(1.0, level)
    for index, number, item in zip(indices, numbers, items, strict=True):
        if shape_of(item) != () or not abs(number - _plain(item)) <= accuracy.tolerance * size:
            place = path + (f"[{', '.join(map(str, index))}]" if index else "")
            raise GradientMismatchError(
                f"the gradient (order {accuracy.order}) at {place} is {item!r}, and central "
                f"differences give {number!r}; a rule behind it is wrong there, or the function "
                "has a kink"
            )


def _plain(item: Any) -> Any:
    return complex(item) if is_complex(item) else float(item)


# --- Nudges -------------------------------------------------------------------------------------


def _difference(
    x: Any,
    leaf: Any,
    path: str,
    index: tuple[int, ...],
    loss: Callable[[Any], Any],
    step: float,
) -> Any:
    """The derivative of a loss by one number: along the real axis, and the imaginary one."""
    at = leaf[index] if index else leaf
    step = step * 2.0 ** math.ceil(math.log2(max(1.0, float(abs(at)))))
    units: tuple[complex, ...] = (1.0, 1j) if is_complex(leaf) else (1.0,)
    total: Any = 0.0
    for unit in units:
        sides = [
            loss(_replaced(x, path, _nudged(leaf, index, sign * step * unit))) for sign in (1, -1)
        ]
        total = total + unit * (float(sides[0] - sides[1]) / (2 * step))
    return total


def _nudged(leaf: Any, index: tuple[int, ...], step: Any) -> Any:
    if type(leaf) in _EXACT:
        return leaf + type(leaf)(step)
    if not hasattr(leaf, "dtype"):
        return leaf + step
    if isinstance(leaf, np.generic):
        return type(leaf)(leaf + step)
    new = np.array(leaf)
    new[index] += step
    return new


# --- Values by path -----------------------------------------------------------------------------


def _leaves(x: Any, root: str = "") -> dict[str, Any]:
    """The numbers and arrays in a value, by their paths."""
    found: dict[str, Any] = {}

    def leaf(part: Any, spec: ValueType, context: Any, where: Where) -> Any:
        if spec.numeric:
            found[where()] = part
        return part

    fold(x, None, parts_alone, leaf, root)
    return found


def _replaced(x: Any, path: str, new: Any) -> Any:
    """A value with another leaf at a path."""

    def leaf(part: Any, spec: ValueType, context: Any, where: Where) -> Any:
        return new if where() == path else part

    return fold(x, None, parts_alone, leaf, path.partition(".")[0].partition("[")[0])


def random_like(y: Any, rng: np.random.Generator) -> Any:
    """A value like another with random numbers: a cotangent of it."""

    def leaf(part: Any, spec: ValueType, context: Any, where: Where) -> Any:
        if spec.numeric:
            return _drawn(part, rng)
        return part if spec.zero is None else spec.zero(part)

    return fold(y, None, parts_alone, leaf)


def _drawn(part: Any, rng: np.random.Generator) -> Any:
    shape = shape_of(part)
    drawn: Any = rng.standard_normal(shape)
    if is_complex(part):
        drawn = drawn + 1j * rng.standard_normal(shape)
    if isinstance(part, _EXACT):
        return type(part)(float(drawn))
    if not hasattr(part, "dtype"):
        return complex(drawn) if is_complex(part) else float(drawn)
    drawn = np.asarray(drawn, part.dtype)
    return part.dtype.type(drawn) if isinstance(part, np.generic) else drawn


def contraction(c: Any, y: Any) -> Any:
    """The real inner product of a cotangent with a value, plain or lifted: Re sum(conj(c) y)."""
    total: Any = None
    mine, theirs = _leaves(c), _leaves(y)
    for term in _terms(mine, theirs):
        total = term if total is None else total + term
    return 0.0 if total is None else total


def _terms(mine: dict[str, Any], theirs: dict[str, Any]) -> Iterator[Any]:
    for path, c in mine.items():
        y = theirs[path]
        term = np.real(np.conjugate(c) * y) if is_complex(c) else c * y
        yield term if shape_of(y) == () else np.sum(term)


def _contracted_gradient(
    f: Callable[..., Any], xs: tuple[Any, ...], c: Any, rng: np.random.Generator
) -> Callable[..., Any]:
    """The gradient of a function for one cotangent, contracted with a random direction."""
    along = random_like(backprop_with(f, *xs)[1](c), rng)

    def contracted(*inputs: Any) -> Any:
        return contraction(along, backprop_with(f, *inputs)[1](c))

    return contracted
