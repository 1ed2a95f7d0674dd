"""Minimize: SciPy's minimisers on values of any type, with the gradients that they ask for."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from gradx import numpy as gnp
from gradx.core.plain import value
from gradx.optim.flat import Flat, bounds_of
from gradx.optim.plain_functions import plain_of
from gradx.optim.ravel import ravel
from gradx.optim.solutions import differentiated, optimum_at, refuse_variables, valued
from gradx.reverse.api import grad
from gradx.scipy.library import passing_on

__all__ = ["minimize"]

_of_scipy = passing_on("scipy.optimize")

_WITHOUT_GRADIENT = frozenset({"nelder-mead", "powell", "cobyla", "cobyqa"})
_WITH_PRODUCTS = frozenset({"newton-cg", "trust-ncg", "trust-krylov", "trust-constr"})
_WITH_HESSIAN = frozenset({"dogleg", "trust-exact"})


def minimize(
    f: Callable[..., Any],
    x0: Any,
    args: Sequence[Any] = (),
    *,
    bounds: Any = None,
    constraints: Any = (),
    method: str | None = None,
    tol: float | None = None,
    callback: Callable[..., Any] | None = None,
    options: Mapping[str, Any] | None = None,
) -> Any:
    """The minimum of a function of a value of any type, by `scipy.optimize.minimize`.

    The function is called with values of the type of ``x0``. Methods that use a gradient get it,
    and those that use a Hessian get its products, from gradx. SciPy itself works in double
    precision; the function sees each array in the dtype that it has in ``x0``.

    Where there are variables in ``args`` or in what ``f`` closes over, the minimum has its
    derivative, by `gradx.implicit`; a number that a bound keeps stays there. ``x0`` is a constant.

    Args:
        f: ``f(x, *args)``, with one real number as its result.
        x0: where to begin: a record, an array, a number, or any other value with a gradient.
        args: further arguments of ``f``, of any types.
        bounds: a value like ``x0`` with a pair (low, high) in the place of each number or array,
            None for no bound; a dict may name some fields of a record.
        constraints: as for SciPy, where each function takes a value like ``x0`` and returns numbers
            in a value of any type: dicts with ``type`` and ``fun``, or ``NonlinearConstraint``. A
            ``LinearConstraint`` has a column for each number of `gradx.ravel` of ``x0``.
        method: SciPy's name of a method; by default BFGS, with bounds L-BFGS-B, with constraints
            SLSQP.
        tol: as for SciPy.
        callback: called after each step with a value like ``x0``, or as SciPy calls one with the
            parameter ``intermediate_result``.
        options: as for SciPy.

    Returns:
        SciPy's `OptimizeResult`, with values like ``x0`` as its ``x`` and ``jac``. Matrices in it
        are in the order of `gradx.ravel`. With variables it has derivatives of ``x``, ``fun`` and
        ``jac``, and no matrices.

    Raises:
        NonScalarError: the result is not one real number.
        NotDifferentiableError: ``x0`` has no numbers, or complex ones; with variables, where SciPy
            has found no minimum, or one at which the Hessian is singular.
        NotLiftedError: variables in the bounds, or together with constraints.
        StructureError: the bounds do not match.
        ImportError: SciPy is not installed.

    >>> def height(p):
    ...     return (p["x"] - 1) ** 2 + (p["y"] + p["x"]) ** 2
    >>> found = minimize(height, {"x": 0.0, "y": 0.0}, bounds={"x": (None, 0.5)})
    >>> {name: round(x, 4) for name, x in found.x.items()}
    {'x': 0.5, 'y': -0.5}
    """
    x0 = value(x0)
    flat = Flat(x0, "gx.minimize")
    name = (method or "").lower()
    plain, plain_args = plain_of(f), plain_of(args)
    lifted = plain is not f or plain_args is not args
    refuse_variables(bounds, "gx.minimize of bounds", _WITHOUT_BOUNDS)
    refuse_variables(constraints, "gx.minimize of constraints", _WITHOUT_CONSTRAINTS)
    if not isinstance(constraints, (list, tuple)) or constraints:
        refuse_variables((f, args), "gx.minimize under constraints", _WITHOUT_CONSTRAINTS)
    given: dict[str, Any] = {"method": method, "tol": tol, "callback": flat.callback(callback)}
    given |= {"options": None if options is None else dict(options)}
    limits = None if bounds is None else bounds_of(x0, bounds)
    if limits is not None:
        given["bounds"] = _of_scipy("Bounds")(*limits)
    given["constraints"] = _constraints(flat, constraints)
    if name in _WITHOUT_GRADIENT:
        function: Callable[..., Any] = flat.number(plain, plain_args)
    else:
        function, given["jac"] = flat.with_gradient(plain, plain_args), True
        given |= _second_order(flat, plain, plain_args, name)
    result = _of_scipy("minimize")(function, flat.start, **given)
    if lifted:
        return _differentiated(result, flat, f, args, limits)
    result.x = flat.whole(result.x)
    if np.shape(result.get("jac")) == flat.start.shape:
        result.jac = flat.whole(result.jac)
    return result


_WITHOUT_BOUNDS = (
    "write the function of a fraction of the range instead, x = low + (high - low) * t with 0 <= t "
    "<= 1, or pass gx.value(bounds)"
)
_WITHOUT_CONSTRAINTS = (
    "write the Lagrangian's conditions as a residual for gx.implicit, or pass gx.value of the "
    "variables"
)


def _differentiated(result: Any, flat: Flat, f: Any, args: Sequence[Any], limits: Any) -> Any:
    """SciPy's result for plain numbers, with the derivative of the minimum."""
    gradient: Callable[..., Any] = grad(f)

    def slope(x: Any) -> Any:
        return ravel(gradient(flat.whole(x), *args))[0]

    x = optimum_at(np.asarray(result.x, float), slope, limits, flat, "gx.minimize")
    fields = {"x": flat.whole(x), "fun": valued(gnp.sum(f(flat.whole(x), *args)), result.fun)}
    if np.shape(result.get("jac")) == flat.start.shape:
        fields["jac"] = flat.whole(valued(slope(x), np.asarray(result.jac, float)))
    return differentiated(result, **fields)


def _second_order(flat: Flat, f: Any, args: Sequence[Any], name: str) -> dict[str, Any]:
    """The Hessian or its product, for a method that uses it."""
    if name not in _WITH_PRODUCTS | _WITH_HESSIAN:
        return {}
    product = flat.hessian_product(f, args)
    if name in _WITH_PRODUCTS:
        return {"hessp": product}
    return {"hess": lambda x: np.stack([product(x, e) for e in np.eye(x.size)])}


def _constraints(flat: Flat, given: Any) -> Any:
    """SciPy's constraints on the vector, from those on the value."""
    if isinstance(given, (list, tuple)):
        return [_constraints(flat, each) for each in given]
    if isinstance(given, Mapping):
        f, args = given["fun"], given.get("args", ())
        own = {"fun": flat.function(f, args), "jac": flat.jacobian(f, args)}
        return {"type": given["type"], **own}
    if isinstance(given, _of_scipy("NonlinearConstraint")):
        return type(given)(
            flat.function(given.fun),
            given.lb,
            given.ub,
            jac=flat.jacobian(given.fun),
            keep_feasible=given.keep_feasible,
        )
    return given
