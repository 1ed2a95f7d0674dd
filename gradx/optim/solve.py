"""Solve: SciPy's root finders and least squares on values of any type, with their Jacobians."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeVar

import numpy as np

from gradx.errors import StructureError
from gradx.optim.flat import Flat, bounds_of
from gradx.optim.ravel import Part, Raveling
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

    Args:
        f: ``f(x, *args)``, with as many numbers in its result as ``x0`` has.
        x0: where to begin, a value of any type with a gradient.
        args: further arguments of ``f``, of any types.
        method: SciPy's name of a method; hybr and lm get the Jacobian from gradx.
        options: ``tol``, ``options`` and ``callback`` as for SciPy; the callback gets a value like
            ``x0`` first.

    Returns:
        SciPy's `OptimizeResult`, with a value like ``x0`` as its ``x``.

    Raises:
        NotDifferentiableError: ``x0`` has no numbers, or complex ones.
        ImportError: SciPy is not installed.

    >>> found = root(lambda p: (p[0] + p[1] - 3, p[0] * p[1] - 2), (0.0, 5.0))
    >>> tuple(round(x, 6) for x in found.x)
    (1.0, 2.0)
    """
    flat = Flat(x0, "gx.root")
    if "callback" in options:
        given = options["callback"]
        options["callback"] = lambda x, *rest: given(flat.whole(x), *rest)
    if method.lower() in _WITH_JACOBIAN:
        options["jac"] = flat.jacobian(f, args)
    result = _of_scipy("root")(flat.function(f, args), flat.start, method=method, **options)
    result.x = flat.whole(np.reshape(result.x, flat.start.shape))
    return result


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
        NotDifferentiableError: there is none, or a complex one.
        ValueError: neither a bracket nor ``x0``, or SciPy's own.
        ImportError: SciPy is not installed.

    >>> root_scalar(lambda x: x**2 - 2, x0=1.0).root
    1.4142135623730951
    """
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

    def of(function: Callable[..., Any]) -> Callable[[Any], Any]:
        return lambda x: float(np.ravel(function(whole(x), *args))[0])

    if bracket is not None:
        options["bracket"] = [Flat(end, "gx.root_scalar").start[0] for end in bracket]
    if x0 is not None:
        options["x0"] = flat.start[0]
    if method is None and bracket is None and "x1" not in options:
        method = "newton"
    if (method or "").lower() in _WITH_SLOPE:
        slope = _slope(f)
        options["fprime"] = of(slope)
        if method == "halley":
            options["fprime2"] = of(_slope(slope))
    result = _of_scipy("root_scalar")(of(f), method=method, **options)
    result.root = whole(result.root)
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

    Args:
        f: ``f(x, *args)``, the residuals: an array, or numbers in a value of any type.
        x0: where to begin, a value of any type with a gradient.
        args: further arguments of ``f``, of any types.
        bounds: as for `gradx.minimize`.
        options: ``method``, ``loss``, ``ftol`` and the others of SciPy.

    Returns:
        SciPy's `OptimizeResult`, with values like ``x0`` as its ``x`` and ``grad``; the columns of
        its ``jac`` are in the order of `gradx.ravel`.

    Raises:
        NotDifferentiableError: ``x0`` has no numbers, or complex ones.
        StructureError: the bounds do not match.
        ImportError: SciPy is not installed.

    >>> x = np.array([0.0, 1.0, 2.0])
    >>> found = least_squares(lambda p: p["a"] * x + p["b"] - (2 * x + 1), {"a": 0.0, "b": 0.0})
    >>> {name: round(value, 6) for name, value in found.x.items()}
    {'a': 2.0, 'b': 1.0}
    """
    flat = Flat(x0, "gx.least_squares")
    if bounds is not None:
        options["bounds"] = bounds_of(x0, bounds)
    jacobian = flat.jacobian(f, args)
    function = flat.function(f, args)
    result = _of_scipy("least_squares")(function, flat.start, jac=jacobian, **options)
    result.x, result.grad = flat.whole(result.x), flat.whole(result.grad)
    return result


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
        NotDifferentiableError: ``p0`` has no numbers, or complex ones.
        StructureError: the bounds do not match.
        RuntimeError: SciPy's own, if nothing fits.
        ImportError: SciPy is not installed.

    >>> x = np.arange(5.0)
    >>> y = 3 * np.exp(-0.5 * x) + np.array([0.01, -0.01, 0.02, 0.0, -0.01])
    >>> fit = curve_fit(lambda x, p: p["a"] * np.exp(-p["k"] * x), x, y, {"a": 1.0, "k": 1.0})
    >>> round(fit.x["k"], 2), round(float(fit.covariance["k"]) ** 0.5, 4)
    (0.5, 0.0045)
    """
    flat = Flat(p0, "gx.curve_fit")
    if bounds is not None:
        options["bounds"] = bounds_of(p0, bounds)

    def curve(parameters: Any) -> Any:
        return f(xdata, parameters)

    function, jacobian = flat.function(curve), flat.jacobian(curve)
    found, matrix = _of_scipy("curve_fit")(
        lambda _, *p: function(np.array(p)),
        np.arange(float(np.size(ydata))),
        np.ravel(ydata),
        p0=flat.start,
        sigma=sigma,
        absolute_sigma=absolute_sigma,
        method=method,
        jac=lambda _, *p: jacobian(np.array(p)),
        **options,
    )[:2]
    deviations = flat.whole(np.sqrt(np.diag(matrix)))
    return Fit(flat.whole(found), Covariance(matrix, tuple(flat.known.parts), deviations))
