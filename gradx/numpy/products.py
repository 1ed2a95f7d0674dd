"""Products under NumPy's names: dot and its like, tensor products, einsum, convolution."""

from __future__ import annotations

import itertools
import string
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_tuple

from gradx.core.dispatch import apply, implements
from gradx.core.spec import shape_of
from gradx.numpy.arguments import (
    arrays,
    is_inexact,
    operands,
    primals,
    refuse_out,
    to_the_bit,
)
from gradx.ops import products

__all__ = [
    "convolve",
    "correlate",
    "cross",
    "dot",
    "einsum",
    "inner",
    "kron",
    "outer",
    "tensordot",
    "vdot",
]

Axes = int | Sequence[int]


def _ndim(x: Any) -> int:
    return len(shape_of(x))


def _array(x: Any) -> Any:
    """A Python number as an array, with a precision of its own, as products take it."""
    return x if shape_of(x) else np.reshape(x, ())


@implements(np.dot)
def dot(a: Any, b: Any, out: Any = None) -> Any:
    """As `np.dot`: the last axis of ``a`` with the last but one of ``b``."""
    refuse_out("np.dot", out)
    a, b = operands(a, b)
    m, n = _ndim(a), _ndim(b)
    if m == 0 or n == 0:
        return _times_number(a, b)
    if m == n == 1:
        return apply(products.dot_of_vectors, (a, b))
    if m > 1 and n > 2:
        return apply(products.dot_of_stacks, (a, b), {"axes": ((m - 1,), (n - 2,))})
    return apply(products.dot, (a, b))


@to_the_bit(np.dot)
def _times_number(a: Any, b: Any) -> Any:
    a, b = arrays(a, b)
    return np.multiply(_array(a), _array(b))


@implements(np.inner)
@to_the_bit(np.inner, whole=True)
def inner(a: Any, b: Any, /) -> Any:
    """As `np.inner`: the last axis of each."""
    a, b = operands(a, b)
    m, n = _ndim(a), _ndim(b)
    if m == 0 or n == 0:
        a, b = arrays(a, b)
        return np.multiply(_array(a), _array(b))
    if n == 1:
        return apply(products.matmul, (a, b))
    return apply(products.tensordot, (a, b), {"axes": ((m - 1,), (n - 1,))})


@implements(np.outer)
def outer(a: Any, b: Any, out: Any = None) -> Any:
    """As `np.outer`: every item of one with every item of the other."""
    refuse_out("np.outer", out)
    a, b = arrays(a, b)
    return np.multiply(np.reshape(a, (-1, 1)), np.reshape(b, (1, -1)))


@implements(np.vdot)
@to_the_bit(np.vdot)
def vdot(a: Any, b: Any, /) -> Any:
    """As `np.vdot`: the sum of ``conj(a) * b`` over all items."""
    a, b = arrays(a, b)
    return dot(np.conjugate(np.ravel(a)), np.ravel(b))


@implements(np.tensordot)
def tensordot(a: Any, b: Any, axes: Any = 2) -> Any:
    """As `np.tensordot`."""
    a, b = map(_array, arrays(a, b))
    m, n = _ndim(a), _ndim(b)
    try:
        mine, theirs = axes
    except TypeError:
        mine, theirs = range(-axes, 0), range(axes)
    places = (_axes(mine, m), _axes(theirs, n))
    return apply(products.tensordot, (a, b), {"axes": places})


def _axes(axes: Any, ndim: int) -> tuple[int, ...]:
    listed: Any = (axes,) if isinstance(axes, (int, np.integer)) else axes
    return normalize_axis_tuple(listed, ndim, allow_duplicate=True)


@implements(np.kron)
def kron(a: Any, b: Any) -> Any:
    """As `np.kron`: each item of ``a`` times the whole of ``b``."""
    a, b = arrays(a, b)
    ndim = max(_ndim(a), _ndim(b))
    m, n = ((1,) * (ndim - _ndim(x)) + tuple(shape_of(x)) for x in (a, b))
    left = np.reshape(a, tuple(itertools.chain.from_iterable((k, 1) for k in m)))
    right = np.reshape(b, tuple(itertools.chain.from_iterable((1, k) for k in n)))
    return np.reshape(left * right, tuple(k * j for k, j in zip(m, n, strict=True)))


@implements(np.cross)
@to_the_bit(np.cross, whole=True)
def cross(
    a: Any, b: Any, axisa: int = -1, axisb: int = -1, axisc: int = -1, axis: int | None = None
) -> Any:
    """As `np.cross`, for vectors of three items.

    Raises:
        ValueError: the vectors are of another length.
    """
    if axis is not None:
        axisa = axisb = axisc = axis
    a, b = operands(a, b)
    a, b = np.moveaxis(a, axisa, -1), np.moveaxis(b, axisb, -1)
    if a.shape[-1] != 3 or b.shape[-1] != 3:
        raise ValueError(
            f"np.cross of vectors of {a.shape[-1]} and {b.shape[-1]} items; it takes three items "
            "each, so append a zero to vectors of two"
        )
    x, y = ([v[..., i] for i in range(3)] for v in (a, b))
    parts = [x[i] * y[j] - x[j] * y[i] for i, j in ((1, 2), (2, 0), (0, 1))]
    return np.stack(parts, axis=axisc)


# --- Einsum ---------------------------------------------------------------------------------------


@implements(np.einsum)
def einsum(*inputs: Any, out: Any = None, optimize: Any = False, **options: Any) -> Any:
    """As `np.einsum`, in the form of subscripts and that of lists of axes."""
    refuse_out("np.einsum", out)
    if options:
        return _cast_einsum(*inputs, optimize=optimize, **options)
    return _summed(inputs, optimize, lambda x: x)


@to_the_bit(np.einsum)
def _cast_einsum(
    *inputs: Any,
    optimize: Any,
    dtype: Any = None,
    order: str = "K",
    casting: str = "safe",
) -> Any:
    """With the operands cast first, as NumPy casts them; the order of memory is NumPy's too."""
    if dtype is None:
        return _summed(inputs, optimize, lambda x: x)
    if not is_inexact(dtype):
        own: Any = np.einsum
        return own(*map(primals, inputs), optimize=optimize, dtype=dtype, casting=casting)
    return _summed(inputs, optimize, lambda x: _array(x).astype(dtype, casting=casting))


def _summed(inputs: Sequence[Any], optimize: Any, cast: Callable[[Any], Any]) -> Any:
    """The sum of products of operands, each cast."""
    if isinstance(inputs[0], str):
        subscripts, given = inputs[0], inputs[1:]
    else:
        subscripts, given = _from_lists(inputs)
    xs = [cast(x) for x in arrays(*given)]
    explicit = _explicit(subscripts, [_ndim(x) for x in xs], bool(optimize))
    return apply(products.einsum, xs, {"subscripts": explicit, "optimize": optimize})


def _from_lists(inputs: Sequence[Any]) -> tuple[str, tuple[Any, ...]]:
    """Subscripts and arrays from ``(array, axes, array, axes, …, axes of the result)``."""
    pairs, last = list(inputs), None
    if len(pairs) % 2:
        last = pairs.pop()
    numbers = sorted({n for axes in [*pairs[1::2], last or []] for n in axes if n is not Ellipsis})
    letters = dict(zip(numbers, string.ascii_letters, strict=False))

    def written(axes: Sequence[Any]) -> str:
        return "".join("..." if n is Ellipsis else letters[n] for n in axes)

    subscripts = ",".join(written(axes) for axes in pairs[1::2])
    if last is not None:
        subscripts += "->" + written(last)
    return subscripts, tuple(pairs[::2])


def _explicit(subscripts: str, ndims: Sequence[int], in_steps: bool) -> str:
    """Subscripts with the result written out, and letters in place of each ellipsis.

    Raises:
        ValueError: NumPy refuses them; what it takes ``in_steps`` alone, too.
    """
    text = subscripts.replace(" ", "")
    sources, arrow, result = text.partition("->")
    inputs = sources.split(",")
    if len(inputs) != len(ndims):
        raise ValueError(
            f"np.einsum({subscripts!r}, …) names {len(inputs)} arrays and was given {len(ndims)}"
        )
    unused = [c for c in string.ascii_letters if c not in text]
    hidden = [
        n - len(part.replace("...", "")) if "..." in part else 0
        for part, n in zip(inputs, ndims, strict=True)
    ]
    widest = max(hidden, default=0)
    spare = "".join(unused[:widest])
    if arrow and widest and "..." not in result and not in_steps:
        raise ValueError(
            f"np.einsum({subscripts!r}, …) has {widest} axes at its ellipses and no place for them "
            "in the result; write '...' after the arrow, too"
        )
    inputs = [
        part.replace("...", spare[widest - n :]) for part, n in zip(inputs, hidden, strict=True)
    ]
    if not arrow:
        named = sources.replace(",", "").replace(".", "")
        result = "..." + "".join(sorted(c for c in set(named) if named.count(c) == 1))
    return f"{','.join(inputs)}->{result.replace('...', spare)}"


# --- Convolution ----------------------------------------------------------------------------------


@implements(np.convolve)
def convolve(a: Any, v: Any, mode: str = "full") -> Any:
    """As `np.convolve`, of two vectors."""
    a, v = map(np.atleast_1d, arrays(a, v))
    return _convolved(a, v, mode, (min(len(a), len(v)) - 1) // 2)


@implements(np.correlate)
@to_the_bit(np.correlate)
def correlate(a: Any, v: Any, mode: str = "valid") -> Any:
    """As `np.correlate`, of two vectors: the convolution with ``conj(v)`` turned round."""
    a, v = map(np.atleast_1d, arrays(a, v))
    start = len(a) // 2 if len(v) > len(a) else (len(v) - 1) // 2
    return _convolved(a, np.conjugate(np.flip(v)), mode, start)


def _convolved(a: Any, v: Any, mode: str, start: int) -> Any:
    """A convolution; that of mode "same" is the part of the full one from ``start``."""
    if len(v) > len(a):
        a, v = v, a
    if mode not in ("full", "same", "valid"):
        raise ValueError(f"a convolution with mode={mode!r}; it is 'full', 'same' or 'valid'")
    y = apply(products.convolve, (a, v), {"mode": "valid" if mode == "valid" else "full"})
    return y[start : start + len(a)] if mode == "same" else y
