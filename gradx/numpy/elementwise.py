"""NumPy's elementwise functions that are not ufuncs, and the methods of ufuncs."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from gradx.core.dispatch import UFUNC_METHODS, apply, implements
from gradx.core.spec import primal, shape_of
from gradx.devices.placement import PLACES
from gradx.numpy.arguments import arrays, is_lifted, operand, refuse_out, to_the_bit
from gradx.ops import elementwise, reductions, special
from gradx.ops.helpers import is_complex

__all__ = [
    "angle",
    "around",
    "fix",
    "i0",
    "imag",
    "nan_to_num",
    "real",
    "real_if_close",
    "round",
    "sinc",
    "unwrap",
]

# --- Complex parts --------------------------------------------------------------------------------


@implements(np.real)
def real(val: Any) -> Any:
    """As `np.real`; a real value is its own real part."""
    val = operand(val)
    return apply(elementwise.real, (val,)) if is_complex(val) else val


@implements(np.imag)
def imag(val: Any) -> Any:
    """As `np.imag`; of a real value, zeros."""
    val = operand(val)
    if is_complex(val):
        return apply(elementwise.imag, (val,))
    number = primal(val)  # zeros_like would make an array of it
    is_array = is_lifted(number) or hasattr(number, "__array_finalize__") or type(number) in PLACES
    return np.zeros_like(val) if is_array else number.imag


@implements(np.angle)
@to_the_bit(np.angle)
def angle(z: Any, deg: bool = False) -> Any:
    """As `np.angle`; the angle of 0 has derivative 0."""
    z = operand(z)
    radians = np.arctan2(imag(z), real(z))
    return radians * (180 / math.pi) if deg else radians


@implements(np.real_if_close)
@to_the_bit(np.real_if_close)
def real_if_close(a: Any, tol: float = 100) -> Any:
    """As `np.real_if_close`: real if every imaginary part is nothing but rounding.

    It reads values, so it cannot be compiled or batched.
    """
    a = np.reshape(operand(a), np.shape(a))  # an array of a number
    if not is_complex(a):
        return a
    if tol > 1:
        tol = tol * float(np.finfo(a.dtype).eps)
    return real(a) if np.all(np.absolute(imag(a)) < tol) else a


# --- Rounding, whose derivative is zero -----------------------------------------------------------


@implements(np.round, np.around)
def round(a: Any, decimals: int = 0, out: Any = None) -> Any:
    """As `np.round`; the result is a plain value."""
    refuse_out("np.round", out)
    return apply(elementwise.round, (operand(a),), {"decimals": decimals})


around = round


@implements(np.fix)
def fix(x: Any, out: Any = None) -> Any:
    """As `np.fix`; the result is a plain value."""
    refuse_out("np.fix", out)
    return apply(elementwise.fix, (operand(x),))


# --- Others ---------------------------------------------------------------------------------------


@implements(np.nan_to_num)
def nan_to_num(
    x: Any, copy: bool = True, nan: Any = 0.0, posinf: Any = None, neginf: Any = None
) -> Any:
    """As `np.nan_to_num`; what was replaced has derivative 0."""
    params = {"nan": nan, "posinf": posinf, "neginf": neginf}
    return apply(elementwise.nan_to_num, (operand(x),), params)


@implements(np.sinc)
def sinc(x: Any) -> Any:
    """As `np.sinc`: ``sin(pi x) / (pi x)``."""
    return apply(elementwise.sinc, (operand(x),), {"n": 0})


@implements(np.i0)
def i0(x: Any) -> Any:
    """As `np.i0`, the modified Bessel function of the first kind, of order 0."""
    return apply(special.bessel, (operand(x),), {"n": 0})


@implements(np.unwrap)
@to_the_bit(np.unwrap)
def unwrap(
    p: Any, discont: float | None = None, axis: int = -1, *, period: float = 2 * math.pi
) -> Any:
    """As `np.unwrap`: the value with jumps taken out, which are whole periods and constant."""
    p = np.moveaxis(operand(p), axis, -1)
    step = np.diff(p, axis=-1)
    half = period / 2
    wrapped = np.mod(step + half, period) - half
    wrapped = np.where((wrapped == -half) & (step > 0), half, wrapped)
    jump = period / 2 if discont is None else discont
    correction = np.where(np.absolute(step) < jump, 0.0, wrapped - step)
    rest = p[..., 1:] + np.cumsum(correction, axis=-1)
    return np.moveaxis(np.concatenate([p[..., :1], rest], axis=-1), -1, axis)


# --- Methods of ufuncs ----------------------------------------------------------------------------


def _reduction(function: Any) -> Any:
    """``ufunc.reduce`` as the reduction it is; its axis is the first by default."""

    def reduce(array: Any, axis: Any = 0, dtype: Any = None, **options: Any) -> Any:
        y = function(array, axis=axis, **options)
        return y if dtype is None else y.astype(dtype)

    return reduce


def _truth(ufunc: Any, function: Any) -> Any:
    """``ufunc.reduce`` of truth values, which is plain; `np.all` or `np.any` off the host."""

    def reduce(array: Any, axis: Any = 0, **options: Any) -> Any:
        value = primal(operand(array))
        there = is_lifted(value) or type(value) in PLACES
        return (function if there else ufunc.reduce)(value, axis=axis, **options)

    return reduce


def _accumulation(function: Any) -> Any:
    def accumulate(array: Any, axis: int = 0, dtype: Any = None) -> Any:
        return function(array, axis=axis, dtype=dtype)

    return accumulate


def _outer(ufunc: Any, a: Any, b: Any) -> Any:
    """Every item of one array with every item of the other."""
    a, b = arrays(a, b)
    shape = tuple(shape_of(b))
    return ufunc(np.reshape(a, tuple(shape_of(a)) + (1,) * len(shape)), np.reshape(b, shape))


def _reduced(ufunc: Any, op: Any, identity: float) -> Any:
    """``ufunc.reduce`` as an op; what ``where`` leaves out is replaced by the identity."""

    @to_the_bit(ufunc.reduce, "initial", "where")
    def reduce(
        array: Any,
        axis: Any = 0,
        dtype: Any = None,
        keepdims: bool = False,
        initial: Any = None,
        where: Any = True,
    ) -> Any:
        array = operand(array)
        array = array if dtype is None else np.astype(array, dtype)
        array = array if where is True else np.where(where, array, identity)
        y = apply(op, (array,), {"axis": axis, "keepdims": bool(keepdims)})
        return y if initial is None else ufunc(y, initial)

    return reduce


UFUNC_METHODS.update(
    {
        (np.add, "reduce"): _reduction(np.sum),
        (np.multiply, "reduce"): _reduction(np.prod),
        (np.maximum, "reduce"): _reduction(np.max),
        (np.minimum, "reduce"): _reduction(np.min),
        (np.fmax, "reduce"): _reduction(np.nanmax),
        (np.fmin, "reduce"): _reduction(np.nanmin),
        (np.logaddexp, "reduce"): _reduced(np.logaddexp, reductions.logaddexp_over, -math.inf),
        (np.logaddexp2, "reduce"): _reduced(np.logaddexp2, reductions.logaddexp2_over, -math.inf),
        (np.hypot, "reduce"): _reduced(np.hypot, reductions.hypot_over, 0.0),
        (np.logical_and, "reduce"): _truth(np.logical_and, np.all),
        (np.logical_or, "reduce"): _truth(np.logical_or, np.any),
        (np.add, "accumulate"): _accumulation(np.cumsum),
        (np.multiply, "accumulate"): _accumulation(np.cumprod),
        (None, "outer"): _outer,
    }
)
