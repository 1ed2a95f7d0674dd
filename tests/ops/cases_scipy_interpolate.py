"""Cases of interpolation: splines of several degrees and conditions, and grids."""

import numpy as np

from gradx.scipy import interpolate
from tests.ops.specification import Case, together, uniforms

X = np.array([0.0, 0.7, 1.1, 2.0, 2.4, 3.0])
FILLED = {"bounds_error": False, "fill_value": (1.0, 2.0)}
GRID = (np.array([0.0, 1.0, 1.5]), np.array([2.0, 1.0, 0.0]))
OPS = ("spline_values", "spline_spread", "spline_coefficients")


def spline(**options):
    return lambda y, x: interpolate.CubicSpline(X, y, **options)(x)


def around(y):
    return interpolate.CubicSpline(X, np.concatenate([y, y[:1]]), bc_type="periodic")


def by_grid(method="linear", **options):
    def call(values, x):
        return interpolate.RegularGridInterpolator(GRID, values, method, **options)(x)

    return call


POINTS = uniforms(0.2, 2.8, (2, 2))
VALUES = {
    "not-a-knot": (spline(), (6,)),
    "natural": (spline(bc_type="natural"), (6,)),
    "clamped-columns": (spline(bc_type="clamped", axis=1), (2, 6)),
    "mixed": (spline(bc_type=("not-a-knot", (1, 0.5))), (6,)),
    "periodic": (lambda y, x: around(y)(4 * x), (5,)),
    "derivative": (lambda y, x: interpolate.CubicSpline(X, y)(x, 1), (6,)),
    "derivative-spline": (lambda y, x: interpolate.CubicSpline(X, y).derivative(2)(x), (6,)),
    "antiderivative": (lambda y, x: interpolate.CubicSpline(X, y).antiderivative()(x), (6,)),
    "integral": (
        lambda y, x: interpolate.CubicSpline(X, y).integrate(x[0, 0], x[1, 1] + 2),
        (6,),
    ),
    "line": (lambda y, x: interpolate.CubicSpline(X[:2], y)(x), (2,)),
    "parabola": (lambda y, x: interpolate.CubicSpline(X[:3], y)(x), (3,)),
    "within": (lambda y, x: interpolate.CubicSpline(X, y, extrapolate=False)(x), (6,)),
    "quintic": (lambda y, x: interpolate.make_interp_spline(X, y, 5)(x), (6,)),
    "bspline-conditions": (
        lambda y, x: interpolate.make_interp_spline(X, y, bc_type=([(2, 0.3)], "clamped"))(x),
        (6,),
    ),
}
ONE_AXIS = {
    "linear": (lambda y, x: interpolate.interp1d(X, y)(x), (2, 6)),
    "unsorted": (lambda y, x: interpolate.interp1d(X[::-1], y, axis=0)(x), (6,)),
    "quadratic": (lambda y, x: interpolate.interp1d(X, y, "quadratic")(x), (6,)),
    "filled": (
        lambda y, x: interpolate.interp1d(X, y, **FILLED)(2 * x - 1),
        (6,),
    ),
    "extrapolated": (
        lambda y, x: interpolate.interp1d(X, y, "cubic", fill_value="extrapolate")(2 * x - 1),
        (6,),
    ),
}
STEPS = {
    "nearest": lambda y: interpolate.interp1d(X, y, "nearest")([0.1, 1.2, 2.9]),
    "previous": lambda y: interpolate.interp1d(X, y, "previous")([0.1, 1.2, 2.9]),
    "zero": lambda y: interpolate.interp1d(X, y, "zero")([0.1, 1.2, 2.9]),
}
GRIDS = {
    "linear": by_grid(),
    "extrapolated": lambda v, x: by_grid(bounds_error=False, fill_value=None)(v, 2 * x - 0.7),
    "filled": lambda v, x: by_grid(bounds_error=False, fill_value=1.5)(v, 2 * x - 0.7),
    "apart": lambda v, x: by_grid()(v, (x[0], x[1:])),
    "columns": lambda v, x: by_grid()(np.stack([v, v * v], -1), x),
}

CASES = [
    *[
        Case(f"spline/{name}", OPS, f, together(uniforms(-1, 1, shape), POINTS), complex=False,
             abstract=False)
        for name, (f, shape) in VALUES.items()
    ],
    *[
        Case(f"interp1d/{name}", OPS[:1], f, together(uniforms(-1, 1, shape), POINTS),
             complex=False, abstract=False)
        for name, (f, shape) in ONE_AXIS.items()
    ],
    *[
        Case(f"interp1d/{name}", ("take",), f, uniforms(-1, 1, (6,)), complex=False, abstract=False)
        for name, f in STEPS.items()
        if name != "zero"
    ],
    Case("interp1d/zero", OPS[:1], STEPS["zero"], uniforms(-1, 1, (6,)), complex=False,
         abstract=False),
    *[
        Case(f"RegularGridInterpolator/{name}", ("multiply",), f,
             together(uniforms(-1, 1, (3, 3)), uniforms(0.1, 0.9, (2, 2))), complex=False,
             abstract=False)
        for name, f in GRIDS.items()
    ],
    Case(
        "RegularGridInterpolator/nearest",
        ("getitem",),
        lambda v: by_grid("nearest")(v, [[0.2, 0.9], [1.3, 0.2]]),
        uniforms(-1, 1, (3, 3)),
        abstract=False,
    ),
    Case("spline/complex", OPS[2:], lambda y: interpolate.CubicSpline(X, y)(1.3),
         uniforms(-1, 1, (6,)), abstract=False),
]  # fmt: skip
