"""Solutions: what SciPy's optimisers found, with the derivative by what their functions depend on.

An optimiser works on plain numbers. Where its function closes over variables, or has some among its
arguments, the solution is given its derivative afterwards (`gradx.optim.implicit`).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NoReturn

import numpy as np

from gradx import numpy as gnp
from gradx.core.dispatch import apply
from gradx.core.plain import value
from gradx.errors import NotDifferentiableError, NotLiftedError
from gradx.ops.shaping import computed
from gradx.optim.flat import Flat
from gradx.optim.implicit import TOLERANCE, solution_at
from gradx.optim.plain_functions import plain_of

__all__ = ["differentiated", "optimum_at", "refuse_variables", "root_at", "valued"]

Array = np.ndarray[Any, Any]


def root_at(y: Array, residual: Callable[[Any], Any], what: str) -> Any:
    """A root with its derivative.

    Args:
        y: the root, shape (n,).
        residual: the function of a vector, of what it closes over too.
        what: the function that was called, for messages.
    """
    return solution_at(y, residual, "dense", TOLERANCE, what)


def optimum_at(
    y: Array,
    gradient: Callable[[Any], Any],
    bounds: tuple[Array, Array] | None,
    flat: Flat,
    what: str,
) -> Any:
    """A minimum with its derivative: the gradient is zero there, or a bound keeps a number.

    Args:
        y: the minimum, shape (n,).
        gradient: the gradient of the function of a vector, of what it closes over too.
        bounds: the lower and the upper ones, each of shape (n,).
        flat: the value that a vector stands for.
        what: the function that was called, for messages.

    Raises:
        NotDifferentiableError: a number is at its bound, and would stay there without it.
    """
    if bounds is None:
        return root_at(y, gradient, what)
    slope = np.asarray(value(gradient(y)))
    low, high = (np.abs(y - limit) <= _AT * (1 + np.abs(y)) for limit in bounds)
    kept = (low & (slope > 0)) | (high & (slope < 0))
    weak = np.flatnonzero((low | high) & (np.abs(slope) < _FLAT))
    if weak.size:
        path = next(part.path for part in flat.known.parts if weak[0] < part.place.stop)
        raise NotDifferentiableError(
            f"{what}: {path or 'the solution'} is at its bound, where the function is flat, so "
            "that it moves into the range for some changes of the parameters and stays for "
            "others, and has no derivative; drop the bound, or move it"
        )
    if not kept.any():
        return root_at(y, gradient, what)
    if kept.all():
        return y
    order = np.argsort(np.argsort(kept, kind="stable"), kind="stable")

    def whole(free: Any) -> Any:
        return gnp.concatenate([free, y[kept]])[order]

    return whole(root_at(y[~kept], lambda free: gradient(whole(free))[~kept], what))


_AT, _FLAT = 1e-6, 1e-6


def valued(y: Any, own: Any) -> Any:
    """A result of variables with the value that SciPy computed."""
    return apply(computed, (y, own))


def refuse_variables(x: Any, what: str, instead: str) -> None:
    """Refuse an argument by which a solution has no derivative here.

    Args:
        x: the argument, with the functions in it.
        what: how it is called.
        instead: what to write.

    Raises:
        NotLiftedError: there are variables in it.
    """
    if plain_of(x) is not x:
        raise NotLiftedError(f"{what} with variables has no derivative in gradx; {instead}")


# --- Results --------------------------------------------------------------------------------------


def differentiated(result: Any, **fields: Any) -> Any:
    """A result of SciPy's with variables in it.

    What else it has of numbers was computed for plain ones. It is left out, and whoever asks for it
    is told so.

    Args:
        result: the result.
        fields: those with a derivative, or whose derivative is zero.
    """
    base: Any = type(result)
    counts = {name: x for name, x in result.items() if isinstance(x, (str, int, np.bool_))}

    def refuse(_: Any, name: str) -> NoReturn:
        raise KeyError(
            f"the result for variables has no {name!r}, since gradx has no derivative of it; take "
            "it from the same call on gx.value of them"
        )

    def attribute(self: Any, name: str) -> Any:
        try:
            return self[name]
        except KeyError as error:
            raise AttributeError(*error.args) from None

    members = {"__missing__": refuse, "__getattr__": attribute, "__doc__": base.__doc__}
    return type(base.__name__, (base,), members)({**counts, **fields})
