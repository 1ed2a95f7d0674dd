"""SciPy's integration, under the names of `scipy.integrate`."""

from __future__ import annotations

from gradx.scipy.library import passing_on
from gradx.scipy.ode import odeint, solve_ivp
from gradx.scipy.quadrature import cumulative_trapezoid, fixed_quad, quad, simpson, trapezoid

__all__ = [
    "cumulative_trapezoid",
    "fixed_quad",
    "odeint",
    "quad",
    "simpson",
    "solve_ivp",
    "trapezoid",
]

__getattr__ = passing_on("scipy.integrate")
