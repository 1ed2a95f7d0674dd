"""Flat: a function of a record as a function of a vector, with the derivatives SciPy asks for.

The optimisers of SciPy see vectors of real numbers in double precision. The user's function sees
records, and so do the user's bounds, constraints and callbacks.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from gradx import numpy as gnp
from gradx.errors import NotDifferentiableError, StructureError
from gradx.optim.ravel import Raveling, ravel
from gradx.reverse.api import backprop_with, grad, value_and_grad
from gradx.values.operations import Kind, ValueType, Where, children_of, fold

__all__ = ["Flat", "bounds_of", "jacobian_of"]

Array = np.ndarray[Any, Any]


class Flat:
    """A value as the real vector that an optimiser works on.

    Args:
        whole: the value.
        what: the function that was called, for messages.

    Attributes:
        start: its numbers in double precision, shape (n,).

    Raises:
        NotDifferentiableError: it has no numbers, or complex ones.
    """

    def __init__(self, whole: Any, what: str) -> None:
        self.known = Raveling(whole)
        for part in self.known.parts:
            dtype = part.spec.dtype
            if dtype is complex or getattr(dtype, "kind", "") == "c":
                raise NotDifferentiableError(
                    f"{what} works on real numbers, and {part.path or 'the value'} is complex; "
                    "give its real and its imaginary part as two"
                )
        self.start: Array = np.asarray(self.known.vector, float)
        if not self.start.size:
            raise NotDifferentiableError(
                f"{what} was given a {type(whole).__name__} without numbers; mark a field with "
                "gx.param() if an integer in it is meant as a number"
            )

    def whole(self, x: Array) -> Any:
        """The value that a vector stands for."""
        return self.known.unravel(x)

    def function(self, f: Callable[..., Any], args: Sequence[Any] = ()) -> Callable[[Array], Any]:
        """A function of the value, of any results, as one from vector to vector."""
        return lambda x: np.asarray(ravel(f(self.whole(x), *args))[0], float)

    def number(self, f: Callable[..., Any], args: Sequence[Any]) -> Callable[[Array], float]:
        """A function of the value with one number as result as one of the vector."""
        return lambda x: float(f(self.whole(x), *args))

    def with_gradient(self, f: Callable[..., Any], args: Sequence[Any]) -> Callable[[Array], Any]:
        """The same together with its gradient."""
        both: Callable[..., Any] = value_and_grad(f)

        def call(x: Array) -> tuple[float, Array]:
            y, gradient = both(self.whole(x), *args)
            return float(np.reshape(y, ())), np.asarray(ravel(gradient)[0], float)

        return call

    def hessian_product(
        self, f: Callable[..., Any], args: Sequence[Any]
    ) -> Callable[[Array, Array], Array]:
        """The product of the Hessian with a vector: the gradient of a slope along it."""
        gradient: Callable[..., Any] = grad(f)

        def product(x: Array, direction: Array) -> Array:
            def slope(whole: Any) -> Any:
                return gnp.sum(ravel(gradient(whole, *args))[0] * direction)

            found: Any = grad(slope)(self.whole(x))
            return np.asarray(ravel(found)[0], float)

        return product

    def jacobian(self, f: Callable[..., Any], args: Sequence[Any] = ()) -> Callable[[Array], Array]:
        """The Jacobian of a function of the value, shape (m, n)."""
        return lambda x: np.asarray(jacobian_of(lambda whole: f(whole, *args), self.whole(x)))

    def callback(self, given: Callable[..., Any] | None) -> Callable[..., Any] | None:
        """A user's callback, which gets the value in place of the vector."""
        if given is None:
            return None
        if set(inspect.signature(given).parameters) == {"intermediate_result"}:

            def report(intermediate_result: Any) -> Any:
                state = type(intermediate_result)(intermediate_result)
                state.x = self.whole(state.x)
                return given(intermediate_result=state)

            return report
        return lambda x, *rest: given(self.whole(x), *rest)


def jacobian_of(f: Callable[[Any], Any], whole: Any) -> Any:
    """The Jacobian of a function between values of any types, raveled, shape (m, n).

    It is a plain array, or a variable where there are variables in the value or in what the
    function closes over.

    The function is recorded once. Its rows come from m pullbacks, or its columns from n
    transposed ones, whichever are fewer: a pullback is linear, so its own pullback is the product
    with the Jacobian.
    """
    y, pullback = backprop_with(lambda x: ravel(f(x))[0], whole)
    n, m = Raveling(whole).vector.size, y.size
    if not m:
        return np.zeros((m, n))
    if m <= n:
        rows = [ravel(pullback(e))[0] for e in np.eye(m, dtype=y.dtype)]
        return gnp.stack(rows).astype(float)
    x, forward = backprop_with(lambda g: ravel(pullback(g))[0], np.zeros(m, y.dtype))
    columns = [forward(e) for e in np.eye(n, dtype=x.dtype)]
    return gnp.stack(columns, axis=-1).astype(float)


# --- Bounds ---------------------------------------------------------------------------------------


def bounds_of(whole: Any, bounds: Any) -> tuple[Array, Array]:
    """The lower and the upper bounds of a value's numbers as two vectors.

    Args:
        whole: the value.
        bounds: of its structure, with a pair (low, high) for each leaf: numbers, arrays, or None
            where there is no bound; None for a whole part without bounds. A dict may stand for a
            record and name some of its fields. For an array also a list of a pair for each item,
            or what has ``lb`` and ``ub``.

    Raises:
        StructureError: they do not match; with the path.
    """
    lows: list[Array] = []
    highs: list[Array] = []

    def leaf(x: Any, spec: ValueType, pair: Any, where: Where) -> None:
        if not spec.static:
            low, high = _limits(np.shape(x), pair, where())
            lows.append(low)
            highs.append(high)

    fold(whole, bounds, _expand, leaf, "bounds", rebuild=lambda *_: None, own=True)
    return np.concatenate(lows), np.concatenate(highs)


def _expand(x: Any, spec: ValueType, bounds: Any) -> tuple[Any, list[Any]]:
    children = children_of(x, spec)
    if bounds is None:
        return x, [(key, child, None) for key, child in children]
    keys = [key for key, _ in children]
    if spec.kind is Kind.SEQUENCE:
        if not isinstance(bounds, (list, tuple)) or len(bounds) != len(keys):
            raise StructureError(
                f"the bounds of a {type(x).__name__} of {len(keys)} parts are {bounds!r}; give as "
                "many, each a pair (low, high) or None"
            )
        return x, [(key, child, bounds[key]) for key, child in children]
    named = isinstance(bounds, Mapping)
    given = bounds if named else {key: getattr(bounds, str(key), None) for key in keys}
    if not (isinstance(bounds, (Mapping, type(x))) and given.keys() <= set(keys)):
        raise StructureError(
            f"the bounds of a {type(x).__name__} are {bounds!r}; give another {type(x).__name__} "
            f"or a dict of some of {', '.join(map(str, keys))}, with a pair (low, high) for each"
        )
    return x, [(key, child, given.get(key)) for key, child in children]


def _limits(shape: tuple[int, ...], pair: Any, path: str) -> tuple[Array, Array]:
    """The bounds of one leaf, flat."""
    if pair is None:
        pair = (None, None)
    elif hasattr(pair, "lb"):
        pair = (pair.lb, pair.ub)
    elif isinstance(pair, list):
        pair = tuple(zip(*pair, strict=True))
    if not isinstance(pair, tuple) or len(pair) != 2:
        raise StructureError(
            f"{path} is {pair!r}; give a pair (low, high), with None where there is no bound"
        )
    low, high = (
        _filled(limit, shape, infinity, path)
        for limit, infinity in zip(pair, (-math.inf, math.inf), strict=True)
    )
    return low, high


def _filled(limit: Any, shape: tuple[int, ...], infinity: float, path: str) -> Array:
    if isinstance(limit, (list, tuple)):
        limit = [infinity if x is None else x for x in limit]
    limit = np.asarray(infinity if limit is None else limit, float)
    try:
        return np.broadcast_to(limit, shape).ravel()
    except ValueError:
        raise StructureError(
            f"{path} has a limit of shape {limit.shape}, and the value is of shape {shape}; give "
            "a number or an array of that shape"
        ) from None
