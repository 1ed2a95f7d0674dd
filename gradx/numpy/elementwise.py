"""NumPy's elementwise functions that are not ufuncs."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from gradx.core.assignment import assign
from gradx.core.dispatch import apply, implements
from gradx.core.spec import primal, shape_of
from gradx.devices.placement import PLACES
from gradx.numpy.arguments import counts, is_lifted, operand, primals, refuse_out, to_the_bit
from gradx.ops import elementwise, special
from gradx.ops.helpers import is_complex

__all__ = [
    "angle",
    "around",
    "fix",
    "i0",
    "imag",
    "kaiser",
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
    y = apply(elementwise.nan_to_num, (operand(x),), params)
    if copy:
        return y
    np.array(primals(x), copy=False)  # raises NumPy's own error of what is no array
    assign(x, ..., y)
    return x if shape_of(x) else x[()]


@implements(np.sinc)
def sinc(x: Any) -> Any:
    """As `np.sinc`: ``sin(pi x) / (pi x)``."""
    return apply(elementwise.sinc, (operand(x),), {"n": 0})


@implements(np.i0)
def i0(x: Any) -> Any:
    """As `np.i0`, the modified Bessel function of the first kind, of order 0."""
    return apply(special.bessel, (operand(x),), {"n": 0})


@to_the_bit(np.kaiser)
def kaiser(M: int, beta: Any) -> Any:  # noqa: N803, RUF100 - NumPy's name
    """As `np.kaiser`; the shape of the window may be a variable."""
    n, middle = np.arange(counts(M)), (M - 1) / 2
    if M < 2:
        return np.ones(max(M, 0)) + 0 * beta
    return i0(beta * np.sqrt(1 - ((n - middle) / middle) ** 2)) / i0(beta)


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
