"""Queries under NumPy's names: results without derivatives, of the plain values of variables."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from gradx.core.dispatch import apply, implements
from gradx.core.op import Op
from gradx.core.refusals import as_shape
from gradx.core.spec import shape_of, spec_of
from gradx.devices.kernel_table import check_lacking, kernel
from gradx.devices.placement import on_device_of
from gradx.numpy.arguments import has_lifted, is_lifted, operand, operands, primals
from gradx.ops import indexing
from gradx.ops.helpers import first_device_array, is_complex

__all__ = [
    "all",
    "allclose",
    "any",
    "argmax",
    "argmin",
    "argpartition",
    "argsort",
    "argwhere",
    "array2string",
    "array_equal",
    "array_equiv",
    "array_repr",
    "array_str",
    "bincount",
    "can_cast",
    "common_type",
    "count_nonzero",
    "diag_indices_from",
    "digitize",
    "einsum_path",
    "flatnonzero",
    "isclose",
    "iscomplex",
    "iscomplexobj",
    "isin",
    "isneginf",
    "isposinf",
    "isreal",
    "isrealobj",
    "ix_",
    "lexsort",
    "may_share_memory",
    "min_scalar_type",
    "nanargmax",
    "nanargmin",
    "ndim",
    "nonzero",
    "ravel_multi_index",
    "result_type",
    "searchsorted",
    "shape",
    "shares_memory",
    "size",
    "tril_indices_from",
    "triu_indices_from",
    "unravel_index",
]


def looked_at(*xs: Any, function: Any, args: Any, kwargs: Any, places: tuple[int, ...]) -> Any:
    """A function of NumPy of its arguments, with the operands at their places among them."""
    own = dict(zip(places, xs, strict=True))
    return function(*[own.get(i, x) for i, x in enumerate(args)], **kwargs)


def _looking(
    function: Callable[..., Any],
    *,
    together: int = 0,
    reads: bool = True,
    shape_varies: bool = False,
) -> Callable[..., Any]:
    """A NumPy function that looks at the plain values of its arguments.

    Of a lifted value that has no plain one, only a shape and a dtype, the result is lifted too.

    Args:
        function: the function.
        together: how many of its first arguments are array-likes that must be in one place.
        reads: it reads numbers; if not, it looks at shapes and dtypes only.
        shape_varies: the shape of its result depends on the numbers it reads.
    """

    def query(*args: Any, **kwargs: Any) -> Any:
        args = tuple([primals(x) for x in args])
        if together:
            args = (*operands(*args[:together]), *args[together:])
        kwargs = {key: primals(x) for key, x in kwargs.items()}
        places = [i for i, x in enumerate(args) if is_lifted(x)]
        if not places:
            inside = args[0] if args and type(args[0]) in (list, tuple) else ()
            home = first_device_array((*args, *inside))
            with on_device_of(home):
                try:
                    return kernel(function, home)(*args, **kwargs)
                except TypeError as error:
                    check_lacking(function.__name__, home, error)
                    raise
        if shape_varies:
            raise as_shape(function.__name__, args[places[0]])

        rest = tuple([None if i in places else x for i, x in enumerate(args)])
        given: dict[str, Any] = {
            "function": function,
            "args": rest,
            "kwargs": kwargs,
            "places": (*places,),
        }
        if not reads:
            return looked_at(*[np.zeros(*spec_of(args[i])[:2]) for i in places], **given)
        op = Op(function.__name__, looked_at, *[None] * len(places))
        return apply(op, [args[i] for i in places], given)

    query.__name__ = query.__qualname__ = function.__name__
    query.__doc__ = f"As `np.{function.__name__}`, of plain values; the result has no derivative."
    return query


def _query(function: Callable[..., Any], **known: Any) -> Callable[..., Any]:
    """The same, in the place of NumPy's function."""
    return implements(function)(_looking(function, **known))


# --- Shapes and types ---------------------------------------------------------------------------


@implements(np.shape)
def shape(a: Any) -> tuple[int, ...]:
    """As `np.shape`."""
    return shape_of(operand(a) if is_lifted(a) else primals(a))


@implements(np.ndim)
def ndim(a: Any) -> int:
    """As `np.ndim`."""
    return len(shape(a))


@implements(np.size)
def size(a: Any, axis: int | tuple[int, ...] | None = None) -> int:
    """As `np.size`."""
    lengths = shape(a)
    if axis is None:
        return math.prod(lengths)
    return math.prod(lengths[i] for i in (axis if isinstance(axis, tuple) else (axis,)))


@implements(np.einsum_path)
def einsum_path(*xs: Any, **kwargs: Any) -> Any:
    """As `np.einsum_path`, which looks at shapes alone."""
    shapes: list[Any] = [
        np.broadcast_to(np.float64(0), shape(x)) if has_lifted(x) or hasattr(x, "shape") else x
        for x in xs
    ]
    return np.einsum_path(*shapes, **kwargs)


can_cast = _query(np.can_cast)
common_type = _query(np.common_type, reads=False)
iscomplexobj = _query(np.iscomplexobj, reads=False)
isrealobj = _query(np.isrealobj, reads=False)
may_share_memory = _query(np.may_share_memory)
min_scalar_type = _query(np.min_scalar_type)
result_type = _query(np.result_type, reads=False)
shares_memory = _query(np.shares_memory)

# --- Conditions ---------------------------------------------------------------------------------

all = _query(np.all)
allclose = _query(np.allclose, together=2)
any = _query(np.any)
array_equal = _query(np.array_equal, together=2)
array_equiv = _query(np.array_equiv, together=2)
count_nonzero = _query(np.count_nonzero)
isclose = _query(np.isclose, together=2)
iscomplex = _query(np.iscomplex)
isin = _query(np.isin, together=2)
isneginf = _query(np.isneginf)
isposinf = _query(np.isposinf)
isreal = _query(np.isreal)

# --- Places -------------------------------------------------------------------------------------

argmax = _query(np.argmax)
argmin = _query(np.argmin)
argpartition = _query(np.argpartition)
argsort = _query(np.argsort)
argwhere = _query(np.argwhere, shape_varies=True)
diag_indices_from = _query(np.diag_indices_from, reads=False)
digitize = _query(np.digitize, together=2)
flatnonzero = _query(np.flatnonzero, shape_varies=True)
ix_ = _query(np.ix_, shape_varies=True)
nanargmax = _query(np.nanargmax)
nanargmin = _query(np.nanargmin)
nonzero = _query(np.nonzero, shape_varies=True)
ravel_multi_index = _query(np.ravel_multi_index)
searchsorted = _query(np.searchsorted, together=2)
tril_indices_from = _query(np.tril_indices_from, reads=False)
triu_indices_from = _query(np.triu_indices_from, reads=False)
unravel_index = _query(np.unravel_index)

# --- New plain arrays, and text -----------------------------------------------------------------

array2string = _query(np.array2string, shape_varies=True)
array_repr = _query(np.array_repr, shape_varies=True)
array_str = _query(np.array_str, shape_varies=True)


@implements(np.lexsort)
def lexsort(keys: Any, axis: int = -1) -> Any:
    """As `np.lexsort`, of plain values; the result has no derivative."""
    keys = primals(keys)
    return _by_keys(*keys, axis=axis) if has_lifted(keys) else _by_plain_keys(keys, axis)


def lexsorted(*keys: Any, axis: int = -1) -> Any:
    """`np.lexsort` of keys that are arguments of their own."""
    return np.lexsort(keys, axis)


_by_keys, _by_plain_keys = _looking(lexsorted), _looking(np.lexsort)


@implements(np.bincount)
def bincount(x: Any, /, weights: Any = None, minlength: int = 0) -> Any:
    """As `np.bincount`; it has a derivative with respect to the weights."""
    bins = primals(x) if hasattr(primals(x), "dtype") else np.asarray(primals(x))
    if not has_lifted(weights):
        return np.bincount(bins, weights, minlength)
    count = len(np.bincount(bins, minlength=minlength))
    weights = operand(weights)
    if is_complex(weights):
        raise TypeError("np.bincount takes real weights; give the real and imaginary parts apart")
    if shape_of(weights) != bins.shape:
        raise ValueError(
            f"np.bincount got weights of shape {shape_of(weights)} for bins of shape {bins.shape}; "
            "give a weight for each"
        )
    doubles = np.astype(weights, float)  # as NumPy does
    return apply(indexing.scatter, (doubles,), {"indices": (bins,), "shape": (count,)})
