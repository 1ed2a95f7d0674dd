"""Statistics under NumPy's names: covariances, correlations and histograms."""

from __future__ import annotations

from typing import Any

import numpy as np

from gradx.core.dispatch import apply, implements
from gradx.core.spec import shape_of
from gradx.numpy.arguments import arrays, counts, on_host, operand, primals, to_the_bit
from gradx.numpy.joining import concatenate
from gradx.numpy.products import dot
from gradx.numpy.reductions import average, max, min, sum
from gradx.numpy.shaping import atleast_2d
from gradx.ops import indexing
from gradx.ops.helpers import array_for, is_complex

__all__ = [
    "corrcoef",
    "cov",
    "histogram",
    "histogram2d",
    "histogram_bin_edges",
    "histogramdd",
]


# --- Covariances ----------------------------------------------------------------------------------


@implements(np.cov)
@to_the_bit(np.cov)
def cov(
    m: Any,
    y: Any = None,
    rowvar: bool = True,
    bias: bool = False,
    ddof: int | None = None,
    fweights: Any = None,
    aweights: Any = None,
    *,
    dtype: Any = None,
) -> Any:
    """As `np.cov`; the weights ``aweights`` have a derivative too.

    On a device, negative weights give no error.
    """
    if ddof is not None and ddof != int(ddof):
        raise ValueError(f"np.cov with ddof={ddof!r}; give a whole number")
    x = _variables(m, y, rowvar, dtype)
    if not shape_of(x)[0]:
        return np.array([]).reshape(0, 0)
    frequencies, weights = _frequencies(fweights, x), _checked(aweights, x, "aweights")
    if ddof is None:
        ddof = 0 if bias else 1
    w = frequencies if weights is None else weights
    if frequencies is not None and weights is not None:
        w = frequencies * weights
    freedom: Any = shape_of(x)[1] - ddof
    if w is not None:
        total = sum(w)
        freedom = total - ddof * (1 if weights is None else sum(w * weights) / total)
        freedom = np.where(freedom > 0, freedom, 0.0)
    x = x - np.reshape(average(x, axis=1, weights=w), (-1, 1))
    weighed = x if w is None else x * w
    if w is None:
        freedom = freedom if freedom > 0 else 0
    products = dot(x, np.conjugate(weighed.T))
    return np.squeeze(np.astype(products * np.true_divide(1, freedom), products.dtype))


def _variables(m: Any, y: Any, rowvar: bool, dtype: Any) -> Any:
    """The variables as rows and the observations as columns."""
    xs = arrays(m) if y is None else arrays(m, y)
    ndims = [len(shape_of(x)) for x in xs]
    for n in ndims:
        if n > 2:
            raise ValueError(f"np.cov of an array of {n} axes; it takes vectors and matrices")
    if dtype is None:
        kinds = [getattr(primals(x), "dtype", type(primals(x))) for x in xs]
        dtype = np.result_type(*kinds, np.float64)
    rows = [np.astype(atleast_2d(x), dtype) for x in xs]
    if not rowvar and ndims[0] != 1:
        rows[0] = rows[0].T
    if y is None or not shape_of(rows[0])[0]:
        return rows[0]
    if not rowvar and shape_of(rows[1])[0] != 1:
        rows[1] = rows[1].T
    return concatenate(rows, axis=0)


def _checked(weights: Any, x: Any, name: str) -> Any:
    """Weights as doubles, one for each observation."""
    if weights is None:
        return None
    weights = np.astype(arrays(weights, x)[0], float)
    shape = shape_of(weights)
    if tuple(shape) != (shape_of(x)[1],):
        raise RuntimeError(
            f"np.cov with {name} of shape {shape} for {shape_of(x)[1]} observations; give a "
            "number for each"
        )
    return weights


def _frequencies(given: Any, x: Any) -> Any:
    """How often each observation counts, which is plain."""
    if given is None:
        return None
    given = np.asarray(on_host(given), dtype=float)
    if not np.all(given == np.around(given)):
        raise TypeError(f"np.cov with fweights={given}; they are whole numbers")
    weights = _checked(array_for(given, x), x, "fweights")
    if np.any(given < 0):
        raise ValueError(f"np.cov with fweights={given}; they cannot be negative")
    return weights


@implements(np.corrcoef)
@to_the_bit(np.corrcoef)
def corrcoef(x: Any, y: Any = None, rowvar: bool = True, *, dtype: Any = None) -> Any:
    """As `np.corrcoef`; on a device a coefficient may round to more than 1."""
    c = cov(x, y, rowvar, dtype=dtype)
    if not shape_of(c):
        return c / c
    deviations = np.sqrt(np.real(np.diagonal(c)))
    return c / np.reshape(deviations, (-1, 1)) / deviations


# --- Histograms -----------------------------------------------------------------------------------


@implements(np.histogram)
@to_the_bit(np.histogram)
def histogram(
    a: Any, bins: Any = 10, range: Any = None, density: bool | None = None, weights: Any = None
) -> tuple[Any, Any]:
    """As `np.histogram`: how many items fall into each bin, or the sum of their weights.

    It has a derivative with respect to the weights, and to what the edges of the bins are made of.
    """
    xs = arrays(a) if weights is None else arrays(a, weights)
    x = np.ravel(primals(xs[0]))
    if weights is not None and shape_of(xs[1]) != shape_of(xs[0]):
        raise ValueError(
            f"np.histogram got weights of shape {shape_of(xs[1])} for an array of shape "
            f"{shape_of(xs[0])}; give a weight for each item"
        )
    if weights is not None and isinstance(bins, str):
        raise TypeError(f"np.histogram with weights and bins={bins!r}; give the number of bins")
    edges = _edges(xs[0], bins, range)
    counted = _counted(x, array_for(primals(edges), x), None if weights is None else xs[1])
    if density:
        counted = counted / np.astype(np.diff(edges), float) / sum(counted)
    return counted, edges


def _edges(a: Any, bins: Any, range: Any) -> Any:
    """The edges of the bins."""
    if np.ndim(primals(bins)):
        return arrays(bins, a)[0]
    if isinstance(bins, str):  # a rule for their number, by the values
        number = len(np.histogram_bin_edges(primals(a), bins, primals(range))) - 1
    else:
        number = counts(bins)
    if range is None and 0 not in shape_of(a):
        first, last = min(a), max(a)
    else:
        first, last = (0.0, 1.0) if range is None else range
    if bool(np.equal(primals(first), primals(last))):
        first, last = first - 0.5, last + 0.5
    first, last, _ = arrays(first, last, a)
    return np.linspace(first, last, number + 1)


def _bins(x: Any, edges: Any) -> tuple[Any, Any]:
    """The bin of each item, 0 for those outside; and which are inside. The last bin is closed."""
    places = np.searchsorted(edges, x, side="right") - 1
    places = np.where(np.equal(x, edges[-1]), shape_of(edges)[0] - 2, places)
    inside = (x >= edges[0]) & (x <= edges[-1])
    return np.where(inside, places, 0), inside


def _counted(x: Any, edges: Any, weights: Any) -> Any:
    """How many items, or what sum of weights, lies in each bin; the last one is closed."""
    count = shape_of(edges)[0] - 1
    places, inside = _bins(x, edges)
    if count < 1:
        return (places if weights is None else np.ravel(weights))[:0]
    if weights is None:
        return np.bincount(places[inside], minlength=count)
    kept = np.where(inside, np.ravel(weights), 0)
    return apply(indexing.scatter, (kept,), {"indices": (places,), "shape": (count,)})


@implements(np.histogram_bin_edges)
@to_the_bit(np.histogram_bin_edges)
def histogram_bin_edges(a: Any, bins: Any = 10, range: Any = None, weights: Any = None) -> Any:
    """As `np.histogram_bin_edges`: the edges move with the values that they are made of."""
    return _edges(arrays(a)[0], bins, range)


@implements(np.histogramdd)
@to_the_bit(np.histogramdd)
def histogramdd(
    sample: Any, bins: Any = 10, range: Any = None, density: bool | None = None, weights: Any = None
) -> tuple[Any, list[Any]]:
    """As `np.histogramdd`: how many points fall into each cell, or the sum of their weights.

    It has a derivative with respect to the weights, and to what the edges of the cells are made of.
    """
    points = _points(sample)
    count, dimensions = shape_of(points)
    each = (
        bins if isinstance(bins, (list, tuple)) or np.ndim(primals(bins)) else [bins] * dimensions
    )
    ranges = [None] * dimensions if range is None else range
    if len(each) != dimensions or len(ranges) != dimensions:
        raise ValueError(
            f"np.histogramdd of points of {dimensions} coordinates got {len(each)} bins and "
            f"{len(ranges)} ranges; give one for each coordinate"
        )
    columns = [points[:, i] for i in np.arange(dimensions).tolist()]
    edges = [_edges(*own) for own in zip(columns, each, ranges, strict=True)]
    cells = tuple(shape_of(e)[0] - 1 for e in edges)
    found = [
        _bins(primals(x), array_for(primals(e), x)) for x, e in zip(columns, edges, strict=True)
    ]
    inside = np.all(np.stack([ok for _, ok in found]), axis=0)
    places = tuple([np.where(inside, place, 0) for place, _ in found])
    if weights is None:
        weights = inside
    elif is_complex(weights := arrays(weights, points)[0]) or shape_of(weights) != (count,):
        error = TypeError if is_complex(weights) else ValueError
        raise error(
            f"np.histogramdd got weights of shape {shape_of(weights)} for {count} points; give a "
            "real number for each"
        )
    kept = np.where(inside, np.astype(weights, float), 0.0)
    counted = apply(indexing.scatter, (kept,), {"indices": (places,), "shape": cells})
    return (_density(counted, edges) if density else counted), edges


def _points(sample: Any) -> Any:
    """Points as rows; a sequence has a vector for each of their coordinates."""
    x = operand(sample)
    if isinstance(sample, (list, tuple)) or len(shape_of(x)) != 2:
        x = atleast_2d(x).T
    return x


def _density(counted: Any, edges: list[Any]) -> Any:
    """Counts over their sum and over the sizes of the cells."""
    total = sum(counted)
    for i, own in enumerate(edges):
        widths = np.diff(own)
        lengths = [-1 if k == i else 1 for k, _ in enumerate(edges)]
        counted = counted / np.reshape(widths, lengths)
    return counted / total


@implements(np.histogram2d)
@to_the_bit(np.histogram2d)
def histogram2d(
    x: Any,
    y: Any,
    bins: Any = 10,
    range: Any = None,
    density: bool | None = None,
    weights: Any = None,
) -> tuple[Any, Any, Any]:
    """As `np.histogram2d`, whose derivatives are those of `np.histogramdd`."""
    x, y = arrays(x, y)
    if shape_of(x) != shape_of(y):
        raise ValueError(
            f"np.histogram2d of coordinates of shapes {shape_of(x)} and {shape_of(y)}; give as "
            "many of each"
        )
    if np.ndim(primals(bins)) == 1 and len(bins) not in (1, 2):
        bins = [bins, bins]
    counted, (first, second) = histogramdd([x, y], bins, range, density, weights)
    return counted, first, second
