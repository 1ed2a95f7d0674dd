"""Bessel functions of SciPy and their kin: Kelvin's, Struve's, Airy's functions.

With respect to the order there is no derivative: it has no closed form (DLMF 10.15).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from types import MappingProxyType
from typing import Any

import numpy as np
import scipy.special as sc

from gradx.core.dispatch import apply
from gradx.core.op import Op, register_ops
from gradx.core.properties import Property
from gradx.ops.reductions import real_dtype
from gradx.ops.scaling import scaled
from gradx.ops.scipy.table import called, lifted_ufunc, refused

__all__ = ["ORDERED", "SPHERICAL"]

Rule = Callable[..., Any]


def _half_difference(function: Any) -> Rule:
    """``(f[v-1] - f[v+1]) / 2``: J, Y and H, DLMF 10.6.1."""
    f = called(function)
    return lambda g, a, b: scaled(g, (f(a - 1, b) - f(a + 1, b)) / 2)


def _half_sum(function: Any, sign: int) -> Rule:
    """``(f[v-1] + f[v+1]) / 2``: I, and with the other sign K, DLMF 10.29.1."""
    f = called(function)
    return lambda g, a, b: scaled(g, sign * (f(a - 1, b) + f(a + 1, b)) / 2)


def _derivative(function: Any, factor: int = 1) -> Rule:
    f = called(function)
    return lambda g, x: scaled(g, factor * f(x))


def _of_order_one(zero: Any, general: Any, sign: int) -> Rule:
    """As for any order, with the function of order 0 by its own name."""
    f, h = called(zero), called(general)
    return lambda g, x: scaled(g, (f(x) + sign * h(2, x)) / 2)


def _modulus_scaled(g: Any, x: Any, y: Any, slope: Any) -> Any:
    """The rule of a function times exp(-|Re x|), of which that by x is the first part."""
    return scaled(g, slope) - np.sign(np.real(x)) * np.real(scaled(g, y))


def _ive_along(ts: Any, xs: Any, y: Any) -> Any:
    """The forward rule of ``ive``, of which `_modulus_scaled` is the transpose."""
    (_, t), (a, b) = ts, xs
    along_modulus = np.sign(np.real(b)) * np.real(t)
    return scaled(t, (_ive(a - 1, b) + _ive(a + 1, b)) / 2) - scaled(along_modulus, y)


# --- J, Y, H --------------------------------------------------------------------------------------

_jv, _yv, _kv, _iv = called(sc.jv), called(sc.yv), called(sc.kv), called(sc.iv)
_yn, _kn, _kve, _ive = called(sc.yn), called(sc.kn), called(sc.kve), called(sc.ive)
_i0e, _i1e, _k0e, _k1e = called(sc.i0e), called(sc.i1e), called(sc.k0e), called(sc.k1e)

j0 = lifted_ufunc(sc.j0, _derivative(sc.j1, -1))
j1 = lifted_ufunc(sc.j1, _of_order_one(sc.j0, sc.jv, -1))
jv = lifted_ufunc(sc.jv, "v", _half_difference(sc.jv))
y0 = lifted_ufunc(sc.y0, _derivative(sc.y1, -1))
y1 = lifted_ufunc(sc.y1, _of_order_one(sc.y0, sc.yv, -1))
yn = lifted_ufunc(sc.yn, "n", _half_difference(sc.yn))
yv = lifted_ufunc(sc.yv, "v", _half_difference(sc.yv))
hankel1 = lifted_ufunc(sc.hankel1, "v", _half_difference(sc.hankel1))
hankel2 = lifted_ufunc(sc.hankel2, "v", _half_difference(sc.hankel2))

# --- I, K -----------------------------------------------------------------------------------------

i0 = lifted_ufunc(sc.i0, _derivative(sc.i1))
i1 = lifted_ufunc(sc.i1, _of_order_one(sc.i0, sc.iv, 1))
iv = lifted_ufunc(sc.iv, "v", _half_sum(sc.iv, 1))
i0e = lifted_ufunc(sc.i0e, lambda g, x, y: _modulus_scaled(g, x, y, _i1e(x)))
i1e = lifted_ufunc(sc.i1e, lambda g, x, y: _modulus_scaled(g, x, y, (_i0e(x) + _ive(2, x)) / 2))
ive = lifted_ufunc(
    sc.ive,
    "v",
    lambda g, a, b, y: _modulus_scaled(g, b, y, (_ive(a - 1, b) + _ive(a + 1, b)) / 2),
    jvp=_ive_along,
)
k0 = lifted_ufunc(sc.k0, _derivative(sc.k1, -1))
k1 = lifted_ufunc(sc.k1, lambda g, x: scaled(g, -(called(sc.k0)(x) + _kv(2, x)) / 2))
kn = lifted_ufunc(sc.kn, "n", _half_sum(sc.kn, -1))
kv = lifted_ufunc(sc.kv, "v", _half_sum(sc.kv, -1))
k0e = lifted_ufunc(sc.k0e, lambda g, x, y: scaled(g, y - _k1e(x)))
k1e = lifted_ufunc(sc.k1e, lambda g, x, y: scaled(g, y - (_k0e(x) + _kve(2, x)) / 2))
kve = lifted_ufunc(
    sc.kve, "v", lambda g, a, b, y: scaled(g, y - (_kve(a - 1, b) + _kve(a + 1, b)) / 2)
)

# --- Kelvin's functions: DLMF 10.61.3 -------------------------------------------------------------


def _kelvin(other: Any, factor: int) -> Rule:
    """The derivative of a derivative: of y = ber + i bei is x x y'' + x y' = i x x y."""
    f = called(other)
    return lambda g, x, y: scaled(g, factor * f(x) - y / x)


ber = lifted_ufunc(sc.ber, _derivative(sc.berp))
bei = lifted_ufunc(sc.bei, _derivative(sc.beip))
ker = lifted_ufunc(sc.ker, _derivative(sc.kerp))
kei = lifted_ufunc(sc.kei, _derivative(sc.keip))
berp = lifted_ufunc(sc.berp, _kelvin(sc.bei, -1))
beip = lifted_ufunc(sc.beip, _kelvin(sc.ber, 1))
kerp = lifted_ufunc(sc.kerp, _kelvin(sc.kei, -1))
keip = lifted_ufunc(sc.keip, _kelvin(sc.ker, 1))

# --- Struve's, Airy's functions: DLMF 11.4.28 and 11.4.30, 9.2.1 ----------------------------------


def _struve(function: Any, sign: int) -> Rule:
    """``(f[v-1] - sign f[v+1] + (x / 2)**v / (sqrt(pi) Gamma(v + 3/2))) / 2``."""
    f, rgamma, power = called(function), called(sc.rgamma), called(np.power)

    def rule(g: Any, a: Any, b: Any) -> Any:
        rest = power(b / 2, a) * (rgamma(a + 1.5) / math.sqrt(math.pi))
        return scaled(g, (f(a - 1, b) - sign * f(a + 1, b) + rest) / 2)

    return rule


struve = lifted_ufunc(sc.struve, "v", _struve(sc.struve, 1))
modstruve = lifted_ufunc(sc.modstruve, "v", _struve(sc.modstruve, -1))
airy = lifted_ufunc(
    sc.airy,
    lambda g, x, y: (
        scaled(g[0], y[1]) + scaled(g[1], x * y[0]) + scaled(g[2], y[3]) + scaled(g[3], x * y[2])
    ),
)
itj0y0 = lifted_ufunc(
    sc.itj0y0,
    lambda g, x: scaled(g[0], called(sc.j0)(x)) + scaled(g[1], called(sc.y0)(x)),
)
iti0k0 = lifted_ufunc(
    sc.iti0k0,
    lambda g, x: scaled(g[0], called(sc.i0)(x)) + scaled(g[1], called(sc.k0)(x)),
)

# --- Functions of SciPy that are no ufuncs: n is a parameter --------------------------------------


def _derivative_of_order(function: Any) -> Op:
    """The n-th derivative, ``f(v, z, n)``, whose own is the next one."""
    name = f"scipy.special.{function.__name__}"
    return Op(
        name,
        lambda a, b, *, n: function(a, b, n),
        refused(f"special.{function.__name__}", "v"),
        lambda g, a, b, *, n: scaled(g, apply(ORDERED[function], (a, b), {"n": n + 1})),
        broadcasts=True,
        properties=Property.ELEMENTWISE,
    )


def _spherical(function: Any, below: int, above: int) -> Op:
    """``(below n f[n-1] + above (n + 1) f[n+1]) / (2 n + 1)``: DLMF 10.51.2, 10.51.5.

    The second derivative is the same combination of first ones.
    """

    def rule(g: Any, a: Any, b: Any, *, derivative: bool) -> Any:
        params, n = {"derivative": derivative}, np.asarray(a)
        first = apply(SPHERICAL[function], (np.maximum(n - 1, 0), b), params)
        second = apply(SPHERICAL[function], (n + 1, b), params)
        weights = below * n / (2 * n + 1), above * (n + 1) / (2 * n + 1)
        return scaled(g, _in_kind(weights[0], b) * first + _in_kind(weights[1], b) * second)

    name = f"special.{function.__name__}"
    return Op(
        f"scipy.{name}",
        lambda a, b, *, derivative: function(a, b, derivative),
        refused(name, "n"),
        rule,
        broadcasts=True,
        properties=Property.ELEMENTWISE,
    )


def _in_kind(weight: Any, x: Any) -> Any:
    """Weights in the precision of an operand."""
    return weight.astype(real_dtype(x)) if weight.ndim else weight.item()


ORDERED = MappingProxyType(
    {
        function: _derivative_of_order(function)
        for function in (sc.jvp, sc.yvp, sc.ivp, sc.kvp, sc.h1vp, sc.h2vp)
    }
)
SPHERICAL = MappingProxyType(
    {
        sc.spherical_jn: _spherical(sc.spherical_jn, 1, -1),
        sc.spherical_yn: _spherical(sc.spherical_yn, 1, -1),
        sc.spherical_in: _spherical(sc.spherical_in, 1, 1),
        sc.spherical_kn: _spherical(sc.spherical_kn, -1, -1),
    }
)

register_ops((*vars().values(), *ORDERED.values(), *SPHERICAL.values()))
