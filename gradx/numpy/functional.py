"""NumPy's functions that call yours: by pieces, by items, along an axis, over axes."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index

from gradx.core.dispatch import apply, implements, one_by_one
from gradx.core.spec import Form, shape_of, spec_of
from gradx.devices.placement import PLACES, on_device_of
from gradx.errors import ConversionError, NotLiftedError
from gradx.numpy.arguments import is_lifted, operand, primals, refuse_on_device
from gradx.numpy.creation import asarray
from gradx.numpy.joining import stack
from gradx.numpy.shaping import broadcast_to, expand_dims, reshape, transpose
from gradx.ops import indexing
from gradx.ops.helpers import array_for, zeros_for

__all__ = ["apply_along_axis", "apply_over_axes", "piecewise", "vectorize"]


# --- Pieces ---------------------------------------------------------------------------------------


@implements(np.piecewise)
def piecewise(x: Any, condlist: Any, funclist: Sequence[Any], *args: Any, **kw: Any) -> Any:
    """As `np.piecewise`; the functions may be of variables, and the constants variables."""
    x = operand(x)
    if spec_of(x).form is not Form.ARRAY:
        x = reshape(x, shape_of(x))
    like = primals(x)
    with on_device_of(like):
        masks = _conditions(condlist, x, len(funclist))
    places, parts = [], []
    for mask, function in zip(masks, funclist, strict=True):
        items = indexing.taken(x, mask)
        if callable(function):
            if 0 in shape_of(items):
                continue
            function = function(items, *args, **kw)
        part = operand(function)
        if is_lifted(part) and shape_of(part) != shape_of(items):
            part = broadcast_to(part, shape_of(items))
        places.append(mask)
        parts.append(part)
    with on_device_of(like):
        kept = _not_overwritten(places, like)
    params = {"masks": tuple(places), "kept": kept, "like": like}
    return apply(indexing.pieces, parts, params)


def _conditions(condlist: Any, x: Any, count: int) -> list[Any]:
    """The conditions as masks, with the one for the last function where it has none."""
    given = primals(condlist)
    if np.isscalar(given) or (not _is_condition(given[0]) and shape_of(x) != ()):
        given = [given]
    masks = [array_for(mask, x).astype(bool) for mask in given]
    if len(masks) == count - 1:
        some = masks[0]
        for mask in masks[1:]:
            some = some | mask
        masks.append(~some)
    elif len(masks) != count:
        raise ValueError(
            f"np.piecewise got {len(masks)} conditions and {count} functions; give as many, or one "
            "more for the rest"
        )
    return masks


def _is_condition(x: Any) -> bool:
    """Whether the first of some conditions is one, and not an item of the only one."""
    own = type(x) in (list, np.ndarray)
    return own or ((type(x) in PLACES or is_lifted(x)) and len(shape_of(x)) > 0)


def _not_overwritten(masks: Sequence[Any], like: Any) -> tuple[Any, ...]:
    """Which items of each piece no later piece writes over."""
    free: Any = ~zeros_for(like, shape_of(like), bool)
    kept = []
    for mask in reversed(masks):
        kept.append(indexing.taken(free, mask))
        free = free & ~mask
    return tuple(reversed(kept))


# --- Along an axis, over axes ---------------------------------------------------------------------


@implements(np.apply_along_axis)
def apply_along_axis(
    func1d: Callable[..., Any], axis: int, arr: Any, *args: Any, **kwargs: Any
) -> Any:
    """As `np.apply_along_axis`: the function is called with each line of variables."""
    arr = operand(arr)
    ndim = len(shape_of(arr))
    axis = normalize_axis_index(axis, ndim)
    lines = transpose(arr, [i for i in range(ndim) if i != axis] + [axis])
    shape = tuple(shape_of(lines))[:-1]
    results = [
        operand(func1d(lines[(*index, ...)], *args, **kwargs)) for index in np.ndindex(shape)
    ]
    if not results:
        raise ValueError(
            f"np.apply_along_axis of an array of shape {shape_of(arr)}, which has no line along "
            f"axis {axis}"
        )
    first = spec_of(results[0])
    inner, dtype = tuple(first.shape), np.dtype(first.dtype)
    joined = stack([_like_first(x, inner, dtype) for x in results])
    whole = reshape(joined, (*shape, *inner))
    order = list(range(len(shape) + len(inner)))
    return transpose(whole, order[:axis] + order[len(shape) :] + order[axis : len(shape)])


def _like_first(x: Any, shape: tuple[int, ...], dtype: Any) -> Any:
    """A result of the shape and dtype of the first one, as NumPy writes it beside that."""
    if tuple(shape_of(x)) != shape:
        x = broadcast_to(x, shape)
    return x if np.dtype(spec_of(x).dtype) == dtype else np.astype(x, dtype)


@implements(np.apply_over_axes)
def apply_over_axes(func: Callable[..., Any], a: Any, axes: Any) -> Any:
    """As `np.apply_over_axes`: the function is called with variables, once for each axis."""
    a = asarray(a)
    ndim = a.ndim
    for axis in (axes,) if np.ndim(axes) == 0 else axes:
        place = axis + ndim if axis < 0 else axis
        y = func(a, place)
        before = len(shape_of(a))
        if len(shape_of(y)) != before:
            y = expand_dims(y, place)
        if len(shape_of(y)) != before:
            raise ValueError(
                f"np.apply_over_axes with a function that gives an array of shape {shape_of(y)} "
                f"for one of {before} axes; it may drop the axis, and no more"
            )
        a = y
    return a


# --- By items -------------------------------------------------------------------------------------


class vectorize:  # noqa: N801, RUF100 - NumPy's name
    """As `np.vectorize`; the function is called with variables, and may have closed over some.

    Args:
        pyfunc: a function of numbers, or of the arrays that ``signature`` tells of.
        otypes: the dtypes of its results, by default those of the first results.
        doc: the docstring, by default that of the function.
        excluded: positions and names of arguments to pass on as they are.
        cache: as NumPy has it; the function is called once for each item in any case.
        signature: the axes of each argument and result, such as ``(n),(n)->()``.

    Raises:
        TypeError: it is used as a decorator with arguments.

    >>> import numpy as np, gradx as gx
    >>> clipped = gx.numpy.vectorize(lambda x: x * x if x > 0 else 0.0, otypes=[float])
    >>> gx.grad_bp(clipped, np.array([-1.0, 2.0]))
    array([0., 4.])
    """

    def __init__(
        self,
        pyfunc: Callable[..., Any],
        otypes: Any = None,
        doc: str | None = None,
        excluded: Any = None,
        cache: bool = False,
        signature: str | None = None,
    ) -> None:
        if not callable(pyfunc):
            raise TypeError(f"gx.numpy.vectorize of {pyfunc!r}; give the function first")
        self._plain: Any = np.vectorize(pyfunc, otypes, doc, excluded, cache, signature)
        self.pyfunc = pyfunc
        self.signature = signature
        self.excluded = frozenset(excluded or ())
        self.otypes = self._plain.otypes
        functools.update_wrapper(self, pyfunc, updated=())
        self.__doc__ = self._plain.__doc__

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """The results for all items, as arrays."""
        try:
            return self._called(args, kwargs)
        except (ConversionError, NotLiftedError) as error:
            return one_by_one(self, args, kwargs, error)

    def _called(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        places = [i for i in range(len(args)) if i not in self.excluded]
        names = [name for name in kwargs if name not in self.excluded]
        given = [args[i] for i in places] + [kwargs[name] for name in names]
        refuse_on_device("gx.numpy.vectorize", *given)

        def of_items(*items: Any) -> Any:
            positional, named = list(args), dict(kwargs)
            for i, item in zip(places, items, strict=False):
                positional[i] = item
            named.update(zip(names, items[len(places) :], strict=True))
            return self.pyfunc(*positional, **named)

        if self.signature is None:
            shape, results = _by_items(of_items, given)
        else:
            shape, results = _by_cores(of_items, given, self.signature)
        if not results:  # NumPy knows the dtypes, or says that it does not
            return self._plain(*map(primals, args), **{k: primals(x) for k, x in kwargs.items()})
        several = isinstance(results[0], tuple)
        first = results[0]
        if not self.otypes and self.signature is None:  # whose dtypes NumPy takes
            first = of_items(*[np.asarray(primals(x)).flat[0] for x in given])
        dtypes = self.otypes or [_dtype(y) for y in (first if several else [first])]
        columns = zip(*results, strict=True) if several else [results]
        gathered = [_gathered(c, shape, t) for c, t in zip(columns, dtypes, strict=False)]
        if self.signature is None and _by_columns(given):
            gathered = [np.copy(y, "F") for y in gathered]
        return tuple(gathered) if several else gathered[0]

    def __repr__(self) -> str:
        return f"<gradx.numpy.vectorize of {self.pyfunc!r}>"


def _by_columns(operands: Sequence[Any]) -> bool:
    """Whether a ufunc's result of these lies by columns, and not by rows."""
    arrays = [primals(x) for x in operands if type(primals(x)) is np.ndarray]
    if all(x.flags.c_contiguous for x in arrays):
        return False
    blank = [np.empty_like(x, bool) for x in arrays]
    return bool(np.nditer([*blank, None], order="K").operands[-1].flags.fnc)


def _dtype(x: Any) -> Any:
    return np.asarray(primals(x)).dtype


def _gathered(results: Sequence[Any], shape: tuple[int, ...], dtype: Any) -> Any:
    """The results for all items as one array."""
    joined = operand(list(results))
    return np.astype(reshape(joined, shape + tuple(shape_of(joined))[1:]), np.dtype(dtype))


def _by_items(function: Callable[..., Any], given: Sequence[Any]) -> tuple[Any, list[Any]]:
    """The results of a function for all items of arrays, as the Python objects that NumPy makes."""
    objects = [np.asarray(_of_doubles(x), dtype=object) for x in given]
    shape = np.broadcast_shapes(*[x.shape for x in objects])
    repeated = [np.broadcast_to(x, shape).ravel() for x in objects]
    return shape, [function(*items) for items in zip(*repeated, strict=True)]


def _of_doubles(x: Any) -> Any:
    """A variable with the precision of Python's numbers, which NumPy makes of items."""
    dtype = getattr(x, "dtype", None) if is_lifted(x) else None
    return x if dtype is None else np.astype(x, complex if dtype.kind == "c" else float)


def _by_cores(
    function: Callable[..., Any], given: Sequence[Any], signature: str
) -> tuple[Any, list[Any]]:
    """The results of a function for all parts of arrays, which have the axes of a signature."""
    cores = [
        len([n for n in core.split(",") if n.strip()])
        for core in re.findall(r"\(([^()]*)\)", signature.partition("->")[0])
    ]
    if len(cores) != len(given):
        raise TypeError(
            f"the signature {signature!r} has {len(cores)} arguments, and {len(given)} were given"
        )
    xs = [operand(x) for x in given]
    loops = [tuple(shape_of(x))[: len(shape_of(x)) - n] for x, n in zip(xs, cores, strict=True)]
    shape = np.broadcast_shapes(*loops)
    repeated = [
        broadcast_to(x, shape + tuple(shape_of(x))[len(loop) :]) if shape else x
        for x, loop in zip(xs, loops, strict=True)
    ]
    return shape, [function(*[x[index] for x in repeated]) for index in np.ndindex(shape)]
