"""Hypergeometric functions of SciPy, elliptic and exponential integrals, orthogonal polynomials.

With respect to their parameters there is no derivative: none has a closed form.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import scipy.special as sc

from gradx.core.dispatch import apply
from gradx.core.op import Op, register_ops
from gradx.core.properties import Property
from gradx.devices.kernel_table import dispatched
from gradx.ops.scaling import divided, scaled
from gradx.ops.scipy.table import called, lifted_ufunc

__all__ = ["lambertw"]

_where = dispatched(np.where)
_hyp0f1, _hyp1f1, _hyp2f1 = called(sc.hyp0f1), called(sc.hyp1f1), called(sc.hyp2f1)
_hyperu, _expn = called(sc.hyperu), called(sc.expn)
_ellipk, _ellipkm1, _ellipe = called(sc.ellipk), called(sc.ellipkm1), called(sc.ellipe)
_ellipkinc, _elliprd = called(sc.ellipkinc), called(sc.elliprd)
_lambertw = dispatched(sc.lambertw)

# --- Hypergeometric functions: DLMF 15.5.1, 13.3.15, 13.3.22, 16.3.1 ------------------------------

hyp0f1 = lifted_ufunc(sc.hyp0f1, "v", lambda g, a, b: scaled(g, _hyp0f1(a + 1, b) / a))
hyp1f1 = lifted_ufunc(
    sc.hyp1f1, "a", "b", lambda g, a, b, c: scaled(g, a / b * _hyp1f1(a + 1, b + 1, c))
)
hyp2f1 = lifted_ufunc(
    sc.hyp2f1,
    *("a", "b", "c"),
    lambda g, a, b, c, d: scaled(g, a * b / c * _hyp2f1(a + 1, b + 1, c + 1, d)),
)
hyperu = lifted_ufunc(
    sc.hyperu, "a", "b", lambda g, a, b, c: scaled(g, -a * _hyperu(a + 1, b + 1, c))
)

# --- Elliptic integrals: DLMF 19.4, the complete ones by 19.5.1 and 19.5.2 ------------------------


def _near_one(g: Any, x: Any) -> Any:
    """K(1 - x): by E and K near x = 0, where 1 - x would round, and by the series beyond."""
    small = x < 0.5
    inner, outer = _where(small, x, 0.5), _where(small, 0.5, x)
    slope = (inner * _ellipkm1(inner) - _ellipe(1 - inner)) / (2 * inner * (1 - inner))
    series = -math.pi / 8 * _hyp2f1(1.5, 1.5, 2.0, 1 - outer)
    return scaled(g, _where(small, slope, series))


def _root(a: Any, b: Any) -> Any:
    return np.sqrt(1 - b * np.sin(a) * np.sin(a))


def _difference_over_m(a: Any, b: Any) -> Any:
    """``D = (F - E) / m``, also at m = 0: by Carlson's integral, DLMF 19.25.13, turn by turn."""
    turns = np.round(a / math.pi)
    sine, cosine = np.sin(a - turns * math.pi), np.cos(a - turns * math.pi)
    within = sine**3 * _elliprd(cosine * cosine, 1 - b * sine * sine, 1.0)
    return (within + 2 * turns * _elliprd(0.0, 1 - b, 1.0)) / 3


def _first_kind(a: Any, b: Any, first: Any) -> Any:
    """The derivative of F by m, with no quotient by m: 19.4.5 with E = F - m D."""
    rest = first - apply(ellipdinc, (a, b)) - np.sin(a) * np.cos(a) / _root(a, b)
    return rest / (2 * (1 - b))


def _of_difference(g: Any, a: Any, b: Any, y: Any) -> Any:
    """By m: NaN at m = 0, which the quotient does not reach."""
    return divided(scaled(g, _first_kind(a, b, _ellipkinc(a, b)) - y / 2), b)


ellipdinc: Op = Op(
    "ellipdinc",
    _difference_over_m,
    lambda g, a, b: divided(scaled(g, np.sin(a) * np.sin(a)), _root(a, b)),
    _of_difference,
    broadcasts=True,
    properties=Property.ELEMENTWISE,
)
"""Legendre's incomplete integral D, (F - E) / m."""
ellipk = lifted_ufunc(sc.ellipk, lambda g, x: scaled(g, math.pi / 8 * _hyp2f1(1.5, 1.5, 2.0, x)))
ellipe = lifted_ufunc(sc.ellipe, lambda g, x: scaled(g, -math.pi / 8 * _hyp2f1(0.5, 1.5, 2.0, x)))
ellipkm1 = lifted_ufunc(sc.ellipkm1, _near_one)
ellipkinc = lifted_ufunc(
    sc.ellipkinc,
    lambda g, a, b: divided(g, _root(a, b)),
    lambda g, a, b, y: scaled(g, _first_kind(a, b, y)),
)
ellipeinc = lifted_ufunc(
    sc.ellipeinc,
    lambda g, a, b: scaled(g, _root(a, b)),
    lambda g, a, b: scaled(-g, apply(ellipdinc, (a, b)) / 2),
)


def _jacobian_functions(g: Any, b: Any, y: Any) -> Any:
    """Of sn, cn, dn and the amplitude: DLMF 22.13.1 to 22.13.3, 22.16.2."""
    sn, cn, dn = y[0], y[1], y[2]
    first = scaled(g[0], cn * dn) - scaled(g[1], sn * dn)
    return first - scaled(g[2], b * sn * cn) + scaled(g[3], dn)


ellipj = lifted_ufunc(sc.ellipj, _jacobian_functions, "m")

# --- Exponential integrals and logarithms: DLMF 6.2, 8.19.13, 25.12.2, 4.13.4 ---------------------


def _exponential_integral(g: Any, a: Any, b: Any) -> Any:
    """``-E[n-1]``, and of n = 0 the derivative of ``exp(-x) / x``."""
    first = np.exp(-b) * (1 + 1 / b) / b
    return scaled(g, -_where(a > 0, _expn(np.maximum(a - 1, 0), b), first))


exp1 = lifted_ufunc(sc.exp1, lambda g, x: divided(-scaled(g, np.exp(-x)), x))
expi = lifted_ufunc(sc.expi, lambda g, x: divided(scaled(g, np.exp(x)), x))
expn = lifted_ufunc(sc.expn, "n", _exponential_integral)
sici = lifted_ufunc(
    sc.sici,
    lambda g, x: scaled(g[0], np.sinc(x / math.pi)) + divided(scaled(g[1], np.cos(x)), x),
)
shichi = lifted_ufunc(
    sc.shichi,
    lambda g, x: divided(scaled(g[0], np.sinh(x)), x) + divided(scaled(g[1], np.cosh(x)), x),
)
spence = lifted_ufunc(sc.spence, lambda g, x: scaled(g, -_hyp2f1(1.0, 1.0, 2.0, 1 - x)))
"""log(x) / (1 - x), which is -2F1(1, 1; 2; 1 - x): DLMF 15.4.1."""
wrightomega = lifted_ufunc(sc.wrightomega, lambda g, y: divided(scaled(g, y), 1 + y))
lambertw = Op(
    "scipy.special.lambertw",
    lambda x, *, k, tol: _lambertw(x, k, tol),
    lambda g, y: divided(scaled(g, np.exp(-y)), 1 + y),
    properties=Property.ELEMENTWISE,
)

# --- Orthogonal polynomials: DLMF 18.9.15 to 18.9.26 ----------------------------------------------


def _one_less(n: Any) -> Any:
    return np.maximum(n - 1, 0)


def _unless_constant(g: Any, n: Any, d: Any) -> Any:
    return scaled(g, _where(n == 0, 0.0, d))


_jacobi, _gegenbauer = called(sc.eval_jacobi), called(sc.eval_gegenbauer)
_laguerre, _chebyu = called(sc.eval_genlaguerre), called(sc.eval_chebyu)
_hermite, _hermitenorm = called(sc.eval_hermite), called(sc.eval_hermitenorm)

eval_legendre = lifted_ufunc(
    sc.eval_legendre,
    "n",
    lambda g, a, b: _unless_constant(g, a, (a + 1) / 2 * _jacobi(_one_less(a), 1.0, 1.0, b)),
)
eval_jacobi = lifted_ufunc(
    sc.eval_jacobi,
    *("n", "alpha", "beta"),
    lambda g, a, b, c, d: _unless_constant(
        g, a, (a + b + c + 1) / 2 * _jacobi(_one_less(a), b + 1.0, c + 1.0, d)
    ),
)
eval_chebyt = lifted_ufunc(
    sc.eval_chebyt, "n", lambda g, a, b: scaled(g, a * _chebyu(_one_less(a), b))
)
eval_chebyu = lifted_ufunc(
    sc.eval_chebyu,
    "n",
    lambda g, a, b: _unless_constant(g, a, 2 * _gegenbauer(_one_less(a), 2.0, b)),
)
eval_gegenbauer = lifted_ufunc(
    sc.eval_gegenbauer,
    *("n", "alpha"),
    lambda g, a, b, c: _unless_constant(g, a, 2 * b * _gegenbauer(_one_less(a), b + 1.0, c)),
)
eval_laguerre = lifted_ufunc(
    sc.eval_laguerre,
    "n",
    lambda g, a, b: _unless_constant(g, a, -_laguerre(_one_less(a), 1.0, b)),
)
eval_genlaguerre = lifted_ufunc(
    sc.eval_genlaguerre,
    *("n", "alpha"),
    lambda g, a, b, c: _unless_constant(g, a, -_laguerre(_one_less(a), b + 1.0, c)),
)
eval_hermite = lifted_ufunc(
    sc.eval_hermite, "n", lambda g, a, b: scaled(g, 2 * a * _hermite(_one_less(a), b))
)
eval_hermitenorm = lifted_ufunc(
    sc.eval_hermitenorm, "n", lambda g, a, b: scaled(g, a * _hermitenorm(_one_less(a), b))
)

register_ops(vars().values())
