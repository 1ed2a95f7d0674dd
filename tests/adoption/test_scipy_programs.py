"""Programs that import SciPy by its own names, adopted: the plain value, the right gradient."""

import math

import numpy as np
import pytest

import gradx as gx

linalg = pytest.importorskip("scipy.linalg")

import scipy.fft  # noqa: E402
import scipy.ndimage  # noqa: E402
import scipy.special as special  # noqa: E402
from scipy import optimize, sparse, stats  # noqa: E402
from scipy.integrate import odeint, quad, solve_ivp, trapezoid  # noqa: E402
from scipy.interpolate import CubicSpline, interp1d  # noqa: E402
from scipy.signal import lfilter  # noqa: E402
from scipy.spatial.distance import cdist  # noqa: E402
from scipy.stats import norm  # noqa: E402


def pendulum(t, y, k):
    dy = np.zeros(2)
    dy[0] = y[1]
    dy[1] = -k * math.sin(y[0])
    return dy


def of_matrices(k):
    matrix = np.eye(2)
    matrix[0, 1] = k
    return linalg.solve(matrix, [k, 1.0]).sum() + linalg.expm(matrix).sum()


def of_splines(k):
    points = np.arange(4.0)
    heights = np.ones(4)
    heights[1] = k
    assert isinstance(CubicSpline(points, points), CubicSpline)
    return CubicSpline(points, heights)(1.5) + interp1d(points, heights)(0.5)


PROGRAMS = {
    "solve_ivp": lambda k: solve_ivp(pendulum, (0, 1), [1.0, 0.0], args=(k,)).y[0, -1],
    "odeint": lambda k: odeint(lambda y, t: [y[1], -k * y[0]], [1.0, 0.0], np.linspace(0, 1, 5))[
        -1, 0
    ],
    "quad": lambda k: quad(lambda x: math.exp(-k * x * x), 0, 1)[0],
    "trapezoid": lambda k: trapezoid(np.array([k, 1.0, 2.0]), dx=0.5),
    "linalg": of_matrices,
    "special": lambda k: special.gammaln(k) + scipy.special.erf(k),
    "stats": lambda k: norm.logpdf(0.3, loc=k) + stats.norm.cdf(k),
    "interpolate": of_splines,
    "signal": lambda k: lfilter([1.0], [1.0, k], np.ones(4)).sum(),
    "fft": lambda k: abs(scipy.fft.fft(np.array([k, 1.0, 2.0]))).sum(),
    "ndimage": lambda k: scipy.ndimage.gaussian_filter(np.array([k, 1.0, 2.0]), 1.0)[0],
    "sparse": lambda k: (sparse.csr_matrix(np.eye(2) * 3.0) @ np.array([k, k * k])).sum(),
    "distance": lambda k: cdist(np.array([[k, 1.0]]), np.zeros((2, 2))).sum(),
    "optimize": lambda k: optimize.brentq(lambda x: x**3 - 2, 0, 2) * math.exp(k),
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_program(name, x=0.7):
    program, step = PROGRAMS[name], 1e-6
    value, gradient = gx.value_and_grad(gx.adopt(program))(x)
    assert value == program(x)
    tolerance = 1e-3 if name in ("solve_ivp", "odeint") else 1e-6
    slope = (program(x + step) - program(x - step)) / (2 * step)
    assert gradient == pytest.approx(slope, rel=tolerance)


def test_the_view_of_scipy_has_its_names():
    view = gx.adopt(lambda x: (scipy.__name__, scipy.__version__, x))
    assert gx.backprop(view, 1.0)[0] == ("scipy", scipy.__version__, 1.0)


def test_a_function_without_a_derivative_is_told_by_name():
    def slope(x):
        return scipy.stats.linregress(x, x**2).slope

    with pytest.raises(gx.NotLiftedError, match=r"^scipy.stats.linregress has no derivative"):
        gx.grad(gx.adopt(slope))(np.array([1.0, 2.0, 4.0]))
    solver = r"^scipy.optimize.brentq has no derivative in gradx; write gx.root_scalar\(…\), which"
    with pytest.raises(gx.NotLiftedError, match=solver):
        gx.grad(gx.adopt(lambda a: optimize.brentq(lambda x: x**3 - a, 0, 2)))(2.0)
    with pytest.raises(TypeError, match="linregress"):  # a mistake of the program is its own
        gx.grad(gx.adopt(lambda x: x * scipy.stats.linregress(1, 2, 3, 4, 5, 6)))(1.0)
