"""SciPy's special functions, under the names of `scipy.special`.

Those that are ufuncs are reached as `scipy.special.erf(v)` too.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

import numpy as np

from gradx.core.dispatch import UFUNCS, apply
from gradx.core.op import Op
from gradx.core.spec import Form, spec_of
from gradx.numpy.arguments import counts, operand, operands
from gradx.numpy.elementwise import sinc
from gradx.numpy.shaping import reshape
from gradx.numpy.ufuncs import Ufunc
from gradx.ops.scipy import bessel, hypergeometric, special, sums
from gradx.ops.scipy.table import ufuncs_of
from gradx.scipy.library import library, passing_on

__all__ = [
    "LIFTED_UFUNCS",
    "comb",
    "factorial",
    "h1vp",
    "h2vp",
    "ivp",
    "jvp",
    "kvp",
    "lambertw",
    "log_softmax",
    "logsumexp",
    "multigammaln",
    "perm",
    "polygamma",
    "sinc",
    "softmax",
    "softplus",
    "spherical_in",
    "spherical_jn",
    "spherical_kn",
    "spherical_yn",
    "yvp",
    "zeta",
]

LIFTED_UFUNCS: Mapping[Any, Op] = MappingProxyType(
    ufuncs_of({**vars(special), **vars(bessel), **vars(hypergeometric)})
)
"""From each ufunc of `scipy.special` that has a derivative here to its op."""

UFUNCS.update(LIFTED_UFUNCS)

sc, _of_scipy = library("scipy.special"), passing_on("scipy.special")


def __getattr__(name: str) -> Any:
    own = _of_scipy(name)
    return Ufunc(own, __name__) if own in LIFTED_UFUNCS else own


# --- Gamma functions and combinations -------------------------------------------------------------


def polygamma(n: Any, x: Any) -> Any:
    """As `scipy.special.polygamma`."""
    return apply(special.polygamma, operands(counts(n), x))


def multigammaln(a: Any, d: int) -> Any:
    """As `scipy.special.multigammaln`."""
    return apply(special.multigammaln, (operand(a),), {"d": counts(d)})


def zeta(x: Any, q: Any = None) -> Any:
    """As `scipy.special.zeta`; there is a derivative with respect to ``q``.

    Raises:
        NotLiftedError: ``x`` is a variable.
    """
    if q is None:
        return apply(special.riemann_zeta, (operand(x),))
    return apply(special.zeta, operands(x, q))


def comb(N: Any, k: Any, *, exact: bool = False, repetition: bool = False) -> Any:
    """As `scipy.special.comb`; with ``exact`` the numbers are plain."""
    if exact:
        return sc.comb(counts(N), counts(k), exact=True, repetition=repetition)
    return apply(special.comb, operands(N, k), {"repetition": repetition})


def perm(N: Any, k: Any, exact: bool = False) -> Any:
    """As `scipy.special.perm`; with ``exact`` the numbers are plain."""
    if exact:
        return sc.perm(counts(N), counts(k), exact=True)
    return apply(special.perm, operands(N, k))


def factorial(n: Any, exact: bool = False, extend: str = "zero") -> Any:
    """As `scipy.special.factorial`; exact or extended, of plain numbers."""
    if exact or extend != "zero":
        return sc.factorial(counts(n), exact, extend)
    return apply(special.factorial, (operand(n),))


# --- Sums of exponentials -------------------------------------------------------------------------


def _items(x: Any) -> Any:
    """An array of at least one axis, as sums over axes want it."""
    x = operand(x)
    return x if spec_of(x).form is Form.ARRAY else reshape(x, ())


def logsumexp(
    a: Any, axis: Any = None, b: Any = None, keepdims: bool = False, return_sign: bool = False
) -> Any:
    """As `scipy.special.logsumexp`; the sign is a plain value."""
    params = {"axis": axis, "keepdims": keepdims}
    if b is None and not return_sign:
        return apply(sums.logsumexp, (_items(a),), params)
    a, b = operands(a, 1.0 if b is None else b)
    params["return_sign"] = return_sign
    return apply(sums.weighted_logsumexp, (_items(a), _items(b)), {"params": params})


def softmax(x: Any, axis: Any = None) -> Any:
    """As `scipy.special.softmax`, by default over all axes."""
    return apply(sums.softmax, (_items(x),), {"axis": axis})


def log_softmax(x: Any, axis: Any = None) -> Any:
    """As `scipy.special.log_softmax`, by default over all axes."""
    return apply(sums.log_softmax, (_items(x),), {"axis": axis})


def softplus(x: Any, **kwargs: Any) -> Any:
    """As `scipy.special.softplus`: ``log(1 + exp(x))``."""
    return np.logaddexp(0, operand(x), **kwargs)


# --- Lambert's and Bessel's functions -------------------------------------------------------------


def lambertw(z: Any, k: Any = 0, tol: float = 1e-8) -> Any:
    """As `scipy.special.lambertw`."""
    return apply(hypergeometric.lambertw, (operand(z),), {"k": counts(k), "tol": tol})


def jvp(v: Any, z: Any, n: int = 1) -> Any:
    """As `scipy.special.jvp`: the n-th derivative of `jv`."""
    return _ordered(sc.jvp, v, z, n)


def yvp(v: Any, z: Any, n: int = 1) -> Any:
    """As `scipy.special.yvp`: the n-th derivative of `yv`."""
    return _ordered(sc.yvp, v, z, n)


def ivp(v: Any, z: Any, n: int = 1) -> Any:
    """As `scipy.special.ivp`: the n-th derivative of `iv`."""
    return _ordered(sc.ivp, v, z, n)


def kvp(v: Any, z: Any, n: int = 1) -> Any:
    """As `scipy.special.kvp`: the n-th derivative of `kv`."""
    return _ordered(sc.kvp, v, z, n)


def h1vp(v: Any, z: Any, n: int = 1) -> Any:
    """As `scipy.special.h1vp`: the n-th derivative of `hankel1`."""
    return _ordered(sc.h1vp, v, z, n)


def h2vp(v: Any, z: Any, n: int = 1) -> Any:
    """As `scipy.special.h2vp`: the n-th derivative of `hankel2`."""
    return _ordered(sc.h2vp, v, z, n)


def _ordered(function: Callable[..., Any], v: Any, z: Any, n: int) -> Any:
    return apply(bessel.ORDERED[function], operands(v, z), {"n": counts(n)})


def spherical_jn(n: Any, z: Any, derivative: bool = False) -> Any:
    """As `scipy.special.spherical_jn`."""
    return _spherical(sc.spherical_jn, n, z, derivative)


def spherical_yn(n: Any, z: Any, derivative: bool = False) -> Any:
    """As `scipy.special.spherical_yn`."""
    return _spherical(sc.spherical_yn, n, z, derivative)


def spherical_in(n: Any, z: Any, derivative: bool = False) -> Any:
    """As `scipy.special.spherical_in`."""
    return _spherical(sc.spherical_in, n, z, derivative)


def spherical_kn(n: Any, z: Any, derivative: bool = False) -> Any:
    """As `scipy.special.spherical_kn`."""
    return _spherical(sc.spherical_kn, n, z, derivative)


def _spherical(function: Callable[..., Any], n: Any, z: Any, derivative: bool) -> Any:
    params = {"derivative": bool(derivative)}
    return apply(bessel.SPHERICAL[function], operands(counts(n), z), params)
