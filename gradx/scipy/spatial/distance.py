"""Distances between points, under the names of `scipy.spatial.distance`.

Each is a formula of points along the last axis, with weights or none. Where two points coincide, a
distance that is not smooth there has the derivative 0, as a norm has. SciPy computes them in double
precision, and so does the derivative.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

import numpy as np
import scipy.spatial.distance

from gradx import numpy as gnp
from gradx.core.spec import shape_of
from gradx.errors import NotLiftedError
from gradx.numpy.arguments import in_doubles, operand
from gradx.scipy.library import passing_on
from gradx.scipy.lifting import as_scipys

__all__ = [
    "braycurtis",
    "canberra",
    "cdist",
    "chebyshev",
    "cityblock",
    "correlation",
    "cosine",
    "euclidean",
    "mahalanobis",
    "minkowski",
    "pdist",
    "seuclidean",
    "sqeuclidean",
    "squareform",
]

__getattr__ = passing_on("scipy.spatial.distance")

Weights = Any


def _sum(x: Any, w: Weights) -> Any:
    return gnp.sum(x if w is None else w * x, axis=-1)


def _root(x: Any, power: Any) -> Any:
    """A root whose derivative at 0 is 0."""
    zero = x == 0
    return gnp.where(zero, 0.0, gnp.where(zero, 1.0, x) ** power)


def _euclidean(u: Any, v: Any, w: Weights = None) -> Any:
    return gnp.linalg.norm(u - v, axis=-1) if w is None else _root(_sum((u - v) ** 2, w), 0.5)


def _sqeuclidean(u: Any, v: Any, w: Weights = None) -> Any:
    return _sum((u - v) ** 2, w)


def _cityblock(u: Any, v: Any, w: Weights = None) -> Any:
    return _sum(gnp.abs(u - v), w)


def _chebyshev(u: Any, v: Any, w: Weights = None) -> Any:
    apart = gnp.abs(u - v)
    return gnp.max(apart if w is None else gnp.where(operand(w) > 0, apart, 0.0), axis=-1)


def _minkowski(u: Any, v: Any, p: Any = 2, w: Weights = None) -> Any:
    if np.ndim(p) == 0 and not np.isfinite(p):
        return _chebyshev(u, v, w)
    apart = gnp.abs(u - v)
    return _root(_sum(_root(apart, p), w), 1.0 / p)


def _cosine(u: Any, v: Any, w: Weights = None) -> Any:
    return 1.0 - _sum(u * v, w) / gnp.sqrt(_sum(u * u, w) * _sum(v * v, w))


def _correlation(u: Any, v: Any, w: Weights = None, centered: bool = True) -> Any:
    if centered:
        total = shape_of(u)[-1] if w is None else gnp.sum(w)
        u = u - (_sum(u, w) / total)[..., None]
        v = v - (_sum(v, w) / total)[..., None]
    return _cosine(u, v, w)


def _canberra(u: Any, v: Any, w: Weights = None) -> Any:
    size = gnp.abs(u) + gnp.abs(v)
    return _sum(gnp.abs(u - v) / gnp.where(size == 0, 1.0, size), w)


def _braycurtis(u: Any, v: Any, w: Weights = None) -> Any:
    return _sum(gnp.abs(u - v), w) / _sum(gnp.abs(u + v), w)


def _seuclidean(u: Any, v: Any, V: Any) -> Any:
    return _root(gnp.sum((u - v) ** 2 / V, axis=-1), 0.5)


def _mahalanobis(u: Any, v: Any, VI: Any) -> Any:
    apart = u - v
    return _root(gnp.sum((apart @ VI) * apart, axis=-1), 0.5)


_METRICS: Mapping[str, Callable[..., Any]] = MappingProxyType(
    {
        "euclidean": _euclidean,
        "sqeuclidean": _sqeuclidean,
        "cityblock": _cityblock,
        "chebyshev": _chebyshev,
        "minkowski": _minkowski,
        "cosine": _cosine,
        "correlation": _correlation,
        "canberra": _canberra,
        "braycurtis": _braycurtis,
        "seuclidean": _seuclidean,
        "mahalanobis": _mahalanobis,
    }
)
_SHORT = MappingProxyType({"l2": "euclidean", "l1": "cityblock", "manhattan": "cityblock"})


def _metric(name: Any) -> Callable[..., Any]:
    """The formula of a metric.

    Raises:
        NotLiftedError: it has none, or is a function.
    """
    if not isinstance(name, str):
        raise NotLiftedError(
            "cdist and pdist with a function for metric= have no derivative in gradx; call it on "
            "X[:, None] and Y[None], or give the name of a metric"
        )
    name = name.lower()
    found = _METRICS.get(_SHORT.get(name, name))
    if found is None:
        raise NotLiftedError(
            f"the metric {name!r} has no derivative in gradx; those with one are "
            f"{', '.join(_METRICS)}"
        )
    return found


@as_scipys(scipy.spatial.distance.cdist)
def cdist(
    XA: Any,
    XB: Any,
    metric: Any = "euclidean",
    *,
    out: Any = None,
    **options: Any,
) -> Any:
    """As `scipy.spatial.distance.cdist`, by both sets of points and by the options of a metric."""
    formula = _metric(metric)
    _refuse_out("cdist", out)
    a, b = in_doubles(operand(XA)), in_doubles(operand(XB))
    if formula in (_seuclidean, _mahalanobis) and not options:
        options = _of_sample(formula, gnp.concatenate([a, b]))
    return formula(a[:, None], b[None], **options)


@as_scipys(scipy.spatial.distance.pdist)
def pdist(X: Any, metric: Any = "euclidean", *, out: Any = None, **options: Any) -> Any:
    """As `scipy.spatial.distance.pdist`, by the points and by the options of a metric."""
    formula = _metric(metric)
    _refuse_out("pdist", out)
    x = in_doubles(operand(X))
    if formula in (_seuclidean, _mahalanobis) and not options:
        options = _of_sample(formula, x)
    first, second = np.triu_indices(shape_of(x)[0], 1)
    return formula(x[first], x[second], **options)


def _of_sample(formula: Any, x: Any) -> dict[str, Any]:
    """The option that SciPy takes from the points themselves."""
    if formula is _seuclidean:
        return {"V": gnp.var(x, axis=0, ddof=1)}
    return {"VI": gnp.transpose(gnp.linalg.inv(gnp.cov(gnp.transpose(x))))}


def _refuse_out(name: str, out: Any) -> None:
    if out is not None:
        raise NotLiftedError(f"{name} with out= has no derivative in gradx; leave it out")


@as_scipys(scipy.spatial.distance.squareform)
def squareform(X: Any, force: str = "no", checks: bool = True) -> Any:
    """As `scipy.spatial.distance.squareform`: the distances of pairs as a matrix, or back."""
    x = operand(X)
    if len(shape_of(x)) == 2:
        return x[np.triu_indices(shape_of(x)[0], 1)]
    n = round((1 + (1 + 8 * shape_of(x)[0]) ** 0.5) / 2)
    places = np.zeros((n, n), int)
    places[np.triu_indices(n, 1)] = np.arange(shape_of(x)[0])
    places = places + places.T
    return gnp.where(np.eye(n, dtype=bool), 0.0, x[places])


def _of_two(name: str) -> Any:
    """The distance of two points."""
    formula = _METRICS[name]

    def distance(u: Any, v: Any, *args: Any, **kwargs: Any) -> Any:
        return formula(in_doubles(operand(u)), in_doubles(operand(v)), *args, **kwargs)

    distance.__name__ = distance.__qualname__ = name
    distance.__doc__ = f"As `scipy.spatial.distance.{name}`."
    return as_scipys(getattr(scipy.spatial.distance, name))(distance)


euclidean, sqeuclidean = _of_two("euclidean"), _of_two("sqeuclidean")
cityblock, chebyshev = _of_two("cityblock"), _of_two("chebyshev")
minkowski, canberra = _of_two("minkowski"), _of_two("canberra")
cosine, correlation = _of_two("cosine"), _of_two("correlation")
braycurtis, mahalanobis = _of_two("braycurtis"), _of_two("mahalanobis")
seuclidean = _of_two("seuclidean")
