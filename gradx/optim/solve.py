"""Solve: SciPy's root finders and least squares on values of any type, with their Jacobians."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, NamedTuple, TypeVar

import numpy as np

from gradx import numpy as gnp
from gradx.core.plain import value
from gradx.core.spec import shape_of
from gradx.errors import NotLiftedError, StructureError
from gradx.numpy.arguments import operand
from gradx.optim.flat import Flat, bounds_of, jacobian_of
from gradx.optim.plain_functions import plain_of
from gradx.optim.ravel import Part, Raveling, ravel
from gradx.optim.solutions import (
    differentiated,
    optimum_at,
    refuse_variables,
    root_at,
    valued,
)
from gradx.reverse.api import grad
from gradx.scipy.library import passing_on

__all__ = ["Covariance", "Fit", "curve_fit", "least_squares", "root", "root_scalar"]

T = TypeVar("T")
Array = np.ndarray[Any, Any]

_of_scipy = passing_on("scipy.optimize")


# --- Roots ----------------------------------------------------------------------------------------

_WITH_JACOBIAN = frozenset({"hybr", "lm"})


def root(
    f: Callable[..., Any], x0: Any, args: Sequence[Any] = (), method: str = "hybr", **options: Any
) -> Any:
    """A root of a function between values of any types, by `scipy.optimize.root`.

    Where there are variables in ``args`` or in what ``f`` closes over, the root has its
    derivative, by `gradx.implicit`. ``x0`` is a constant.

    Args:
        f: ``f(x, *args)``, with as many numbers in its result as ``x0`` has.
        x0: where to begin, a value of any type with a gradient.
        args: further arguments of ``f``, of any types.
        method: SciPy's name of a method; hybr and lm get the Jacobian from gradx.
        options: ``tol``, ``options`` and ``callback`` as for SciPy; the callback gets a value like
            ``x0`` first.

    Returns:
        SciPy's `OptimizeResult`, with a value like ``x0`` as its ``x``. With variables it has only
        ``x`` and ``fun``, whose derivative is zero, beside counts.

    Raises:
        NotDifferentiableError: ``x0`` has no numbers, or complex ones; with variables, where SciPy
            has found no root, or one at which the Jacobian is singular.
        ImportError: SciPy is not installed.

    >>> found = root(lambda p: (p[0] + p[1] - 3, p[0] * p[1] - 2), (0.0, 5.0))
    >>> tuple(round(x, 6) for x in found.x)
    (1.0, 2.0)
    """
    flat = Flat(value(x0), "gx.root")
    plain, plain_args = plain_of(f), plain_of(args)
    if "callback" in options:
        given = options["callback"]
        options["callback"] = lambda x, *rest: given(flat.whole(x), *rest)
    if method.lower() in _WITH_JACOBIAN:
        options["jac"] = flat.jacobian(plain, plain_args)
    function = flat.function(plain, plain_args)
    result = _of_scipy("root")(function, flat.start, method=method, **options)
    y = np.reshape(result.x, flat.start.shape)
    if plain is f and plain_args is args:
        result.x = flat.whole(y)
        return result
    x = root_at(y, lambda v: ravel(f(flat.whole(v), *args))[0], "gx.root")
    return differentiated(result, x=flat.whole(x), fun=result.fun)


_WITH_SLOPE = frozenset({"newton", "halley"})


def root_scalar(
    f: Callable[..., Any],
    args: Sequence[Any] = (),
    method: str | None = None,
    bracket: Sequence[Any] | None = None,
    x0: Any = None,
    **options: Any,
) -> Any:
    """A root of a function of one number, by `scipy.optimize.root_scalar`.

    Where there are variables in ``args`` or in what ``f`` closes over, the root has its
    derivative, by `gradx.implicit`. ``x0``, ``x1`` and the bracket are constants.

    Args:
        f: ``f(x, *args)``, with one number as its result.
        args: further arguments of ``f``, of any types.
        method: SciPy's name of a method; newton and halley get the derivatives from gradx. By
            default Brent's method for a bracket, and Newton's for ``x0`` alone.
        bracket: two values with results of different signs between.
        x0: where to begin. It, or the ends of the bracket, may also be a value of any type with one
            number in it, such as a record.
        options: ``x1``, ``xtol``, ``rtol``, ``maxiter`` and ``options`` as for SciPy.

    Returns:
        SciPy's `RootResults`, with a value like ``x0`` as its ``root``.

    Raises:
        StructureError: there is more than one number.
        NotDifferentiableError: there is none, or a complex one; with variables, where SciPy has
            found no root, or the slope there is zero.
        ValueError: neither a bracket nor ``x0``, or SciPy's own.
        ImportError: SciPy is not installed.

    >>> root_scalar(lambda x: x**2 - 2, x0=1.0).root
    1.4142135623730951
    """
    x0, bracket, options = value(x0), value(bracket), value(options)
    begin = x0 if x0 is not None else bracket[0] if bracket is not None else None
    if begin is None:
        raise ValueError("gx.root_scalar got neither a bracket nor x0; give one of them")
    flat = Flat(begin, "gx.root_scalar")
    if flat.start.size != 1:
        raise StructureError(
            f"gx.root_scalar was given a {type(begin).__name__} of {flat.start.size} numbers; for "
            "several use gx.root"
        )

    def whole(x: Any) -> Any:
        return flat.whole(np.asarray(x, float).reshape(1))

    plain, plain_args = plain_of(f), plain_of(args)

    def of(function: Callable[..., Any]) -> Callable[[Any], Any]:
        return lambda x: float(np.ravel(function(whole(x), *plain_args))[0])

    if bracket is not None:
        options["bracket"] = [Flat(end, "gx.root_scalar").start[0] for end in bracket]
    if x0 is not None:
        options["x0"] = flat.start[0]
    if method is None and bracket is None and "x1" not in options:
        method = "newton"
    if (method or "").lower() in _WITH_SLOPE:
        slope = _slope(plain)
        options["fprime"] = of(slope)
        if method == "halley":
            options["fprime2"] = of(_slope(slope))
    result = _of_scipy("root_scalar")(of(plain), method=method, **options)
    y = np.reshape(np.asarray(result.root, float), 1)
    if plain is not f or plain_args is not args:
        y = root_at(y, lambda v: ravel(f(flat.whole(v), *args))[0], "gx.root_scalar")
    result.root = flat.whole(y)
    return result


def _slope(f: Callable[..., Any]) -> Callable[..., Any]:
    """The derivative by the one number in a value."""
    gradient: Callable[..., Any] = grad(f)
    return lambda whole, *args: Raveling(gradient(whole, *args)).vector[0]


# --- Least squares --------------------------------------------------------------------------------


def least_squares(
    f: Callable[..., Any],
    x0: Any,
    args: Sequence[Any] = (),
    *,
    bounds: Any = None,
    **options: Any,
) -> Any:
    """The least sum of squares of residuals, by `scipy.optimize.least_squares`.

    Where there are variables in ``args`` or in what ``f`` closes over, the solution has its
    derivative, by `gradx.implicit`; a number that a bound keeps stays there. ``x0`` is a constant.

    Args:
        f: ``f(x, *args)``, the residuals: an array, or numbers in a value of any type.
        x0: where to begin, a value of any type with a gradient.
        args: further arguments of ``f``, of any types.
        bounds: as for `gradx.minimize`.
        options: ``method``, ``loss``, ``ftol`` and the others of SciPy.

    Returns:
        SciPy's `OptimizeResult`, with values like ``x0`` as its ``x`` and ``grad``; the columns of
        its ``jac`` are in the order of `gradx.ravel`. With variables it has derivatives of ``x``,
        ``fun`` and ``cost``.

    Raises:
        NotDifferentiableError: ``x0`` has no numbers, or complex ones; with variables, where SciPy
            has found no minimum, or one at which the Hessian is singular.
        NotLiftedError: variables in the bounds, or with a ``loss`` that is a function.
        StructureError: the bounds do not match.
        ImportError: SciPy is not installed.

    >>> x = np.array([0.0, 1.0, 2.0])
    >>> found = least_squares(lambda p: p["a"] * x + p["b"] - (2 * x + 1), {"a": 0.0, "b": 0.0})
    >>> {name: round(value, 6) for name, value in found.x.items()}
    {'a': 2.0, 'b': 1.0}
    """
    x0 = value(x0)
    flat = Flat(x0, "gx.least_squares")
    refuse_variables(bounds, "gx.least_squares of bounds", _WITHOUT_BOUNDS)
    limits = None if bounds is None else bounds_of(x0, bounds)
    if limits is not None:
        options["bounds"] = limits
    plain, plain_args = plain_of(f), plain_of(args)
    jacobian, function = flat.jacobian(plain, plain_args), flat.function(plain, plain_args)
    result = _of_scipy("least_squares")(function, flat.start, jac=jacobian, **options)
    if plain is f and plain_args is args:
        result.x, result.grad = flat.whole(result.x), flat.whole(result.grad)
        return result

    def residuals(whole: Any) -> Any:
        return ravel(f(whole, *args))[0]

    x = _least_at(result.x, residuals, limits, flat, options, "gx.least_squares")
    off = residuals(flat.whole(x))
    cost = valued(_cost(off, options, "gx.least_squares"), result.cost)
    return differentiated(
        result,
        x=flat.whole(x),
        fun=valued(off, np.asarray(result.fun)),
        cost=cost,
        active_mask=result.active_mask,
    )


_WITHOUT_BOUNDS = "pass gx.value(bounds), or bound a fraction of the range instead"
_LOSSES: Mapping[str, Callable[[Any], Any]] = MappingProxyType(
    {
        "linear": operator.pos,
        "soft_l1": lambda z: 2 * (gnp.sqrt(1 + z) - 1),
        "huber": lambda z: gnp.where(z <= 1, z, 2 * gnp.sqrt(gnp.where(z <= 1, 1.0, z)) - 1),
        "cauchy": gnp.log1p,
        "arctan": gnp.arctan,
    }
)


def _cost(off: Any, options: Mapping[str, Any], what: str) -> Any:
    """Half the sum of the losses of residuals.

    Raises:
        NotLiftedError: the loss is a function of the user's.
    """
    loss, scale = options.get("loss", "linear"), options.get("f_scale", 1.0)
    if callable(loss):
        raise NotLiftedError(
            f"{what} with variables and a function as loss= has no derivative in gradx; use one of "
            f"{', '.join(_LOSSES)}, or gx.minimize"
        )
    return 0.5 * scale**2 * gnp.sum(_LOSSES[loss]((off / scale) ** 2))


def _least_at(
    y: Array,
    residuals: Callable[[Any], Any],
    limits: Any,
    flat: Flat,
    options: Mapping[str, Any],
    what: str,
) -> Any:
    """A solution of least squares with its derivative, as a vector."""

    def cost(whole: Any) -> Any:
        return _cost(residuals(whole), options, what)

    def slope(x: Any) -> Any:
        return ravel(grad(cost)(flat.whole(x)))[0]

    return optimum_at(y, slope, limits, flat, what)


# --- Curves ---------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Covariance:
    """The covariance of fitted parameters, by path.

    ``covariance["rate"]`` is the variance of the field, or of the item of a dict, of that name;
    ``covariance["rate", "layers[0].w"]`` is the covariance of two leaves, of the shape of the one
    and then of the other.

    Attributes:
        matrix: all of it, shape (n, n), in the order of `gradx.ravel`.
        parts: the leaves of the parameters.
        deviations: the standard deviations, a value like the parameters.
    """

    matrix: Array
    parts: tuple[Part, ...]
    deviations: Any

    @property
    def paths(self) -> tuple[str, ...]:
        """The paths of the leaves, in order."""
        return tuple(part.path for part in self.parts)

    def __getitem__(self, paths: str | tuple[str, str]) -> Any:
        """The covariance of the leaves at two paths, or at one path with itself.

        Raises:
            KeyError: there is no such path; says which there are.
        """
        first, second = (paths, paths) if isinstance(paths, str) else paths
        a, b = self._part(first), self._part(second)
        block = self.matrix[a.place, b.place].reshape(a.spec.shape + b.spec.shape)
        return block[()]

    def _part(self, path: str) -> Part:
        for part in self.parts:
            if part.path in (path, f".{path}", f"[{path!r}]"):
                return part
        raise KeyError(f"{path!r} is no path of the parameters, which have {', '.join(self.paths)}")


class Fit(NamedTuple):
    """What `curve_fit` found.

    Attributes:
        x: the parameters.
        covariance: their covariance.
    """

    x: Any
    covariance: Covariance


def curve_fit(
    f: Callable[..., Any],
    xdata: Any,
    ydata: Any,
    p0: Any,
    sigma: Any = None,
    absolute_sigma: bool = False,
    *,
    bounds: Any = None,
    method: str | None = None,
    **options: Any,
) -> Fit:
    """Parameters of any type that fit a curve to data, by `scipy.optimize.curve_fit`.

    Where there are variables in the data, in ``sigma``, or in what ``f`` closes over, the
    parameters and their covariance have their derivatives, by `gradx.implicit`. ``p0`` is a
    constant.

    Args:
        f: ``f(xdata, parameters)``, the curve, of the shape of ``ydata``.
        xdata: where the data were measured; passed on as it is.
        ydata: the data, shape (m,).
        p0: where to begin, a value of any type with a gradient.
        sigma: as for SciPy: their uncertainty, shape (m,), or covariance, shape (m, m).
        absolute_sigma: as for SciPy: whether ``sigma`` is meant absolutely.
        bounds: as for `gradx.minimize`.
        method: as for SciPy.
        options: further ones of SciPy's.

    Returns:
        The parameters and their covariance: ``fit.x`` and ``fit.covariance``.

    Raises:
        NotDifferentiableError: ``p0`` has no numbers, or complex ones; with variables, where SciPy
            has found no minimum, or one at which the Hessian is singular.
        NotLiftedError: variables in the bounds, or together with a ``loss`` other than linear.
        StructureError: the bounds do not match.
        RuntimeError: SciPy's own, if nothing fits.
        ImportError: SciPy is not installed.

    >>> x = np.arange(5.0)
    >>> y = 3 * np.exp(-0.5 * x) + np.array([0.01, -0.01, 0.02, 0.0, -0.01])
    >>> fit = curve_fit(lambda x, p: p["a"] * np.exp(-p["k"] * x), x, y, {"a": 1.0, "k": 1.0})
    >>> round(fit.x["k"], 2), round(float(fit.covariance["k"]) ** 0.5, 4)
    (0.5, 0.0045)
    """
    p0 = value(p0)
    flat = Flat(p0, "gx.curve_fit")
    refuse_variables(bounds, "gx.curve_fit of bounds", _WITHOUT_BOUNDS)
    limits = None if bounds is None else bounds_of(p0, bounds)
    if limits is not None:
        options["bounds"] = limits
    everything = (f, xdata, ydata, sigma)
    plain, x, y, deviation = plain_of(everything)

    def curve(parameters: Any) -> Any:
        return plain(x, parameters)

    function, jacobian = flat.function(curve), flat.jacobian(curve)
    found, matrix = _of_scipy("curve_fit")(
        lambda _, *p: function(np.array(p)),
        np.arange(float(np.size(y))),
        np.ravel(y),
        p0=flat.start,
        sigma=deviation,
        absolute_sigma=absolute_sigma,
        method=method,
        jac=lambda _, *p: jacobian(np.array(p)),
        **options,
    )[:2]
    if any(a is not b for a, b in zip((plain, x, y, deviation), everything, strict=True)):
        if options.get("loss", "linear") != "linear":
            raise NotLiftedError(
                f"gx.curve_fit with variables and loss={options['loss']!r} has no derivative in "
                "gradx; use gx.least_squares, which has one"
            )

        def residuals(parameters: Any) -> Any:
            return _weighted(ravel(f(xdata, parameters))[0] - gnp.ravel(ydata), sigma)

        found = _least_at(found, residuals, limits, flat, {}, "gx.curve_fit")
        matrix = _covariance(residuals, flat.whole(found), absolute_sigma, matrix)
    deviations = flat.whole(gnp.sqrt(gnp.diag(matrix)))
    return Fit(flat.whole(found), Covariance(matrix, tuple(flat.known.parts), deviations))


def _weighted(off: Any, sigma: Any) -> Any:
    """Residuals in units of their uncertainties, as `scipy.optimize.curve_fit` has them."""
    if sigma is None:
        return off
    sigma = operand(sigma)
    if len(shape_of(sigma)) < 2:
        return off / sigma
    return gnp.linalg.solve(gnp.linalg.cholesky(sigma), off)


def _covariance(residuals: Any, whole: Any, absolute: bool, own: Array) -> Any:
    """The covariance with its derivative: the inverse of J.T J, times the variance of a residual.

    Source: Seber and Wild, Nonlinear Regression (2003), section 2.1.2.
    """
    if not np.all(np.isfinite(own)):
        return own
    j = jacobian_of(residuals, whole)
    covariance = gnp.linalg.inv(gnp.transpose(j) @ j)
    if not absolute:
        m, n = shape_of(j)
        covariance = covariance * (gnp.sum(residuals(whole) ** 2) / (m - n))
    return valued(covariance, own)
