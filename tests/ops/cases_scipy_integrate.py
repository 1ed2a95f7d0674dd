"""Cases of integration: of differential equations, of samples and of functions."""

from dataclasses import replace

import numpy as np

from gradx.scipy import integrate
from tests.ops.specification import Case, normals, together, uniforms

COARSE = {"first_step": 0.5, "max_step": 0.5, "rtol": 0.1, "atol": 0.1}
"""Steps that do not depend on what is differentiated."""


def pendulum(t, y, g):
    angle, speed = y
    return [speed, -g * np.sin(angle) - 0.1 * t * speed]


def oscillation(t, y, m):
    return m @ y


def solved(method, **options):
    def call(y, g):
        return integrate.solve_ivp(
            pendulum, (0.0, 1.4), y, method, args=(g,), **COARSE, **options
        ).y  # fmt: skip

    return call


def turn(t, y, g):
    return y[1]


def turning(y, g):
    found = integrate.solve_ivp(pendulum, (0.0, 2.0), y, args=(g,), events=turn, **COARSE)
    return found.t_events[0], found.y_events[0]


START = together(uniforms(0.3, 0.6, (2,)), uniforms(2.0, 3.0, float))
EQUATIONS = {
    "RK23": solved("RK23", t_eval=[0.2, 0.7, 1.4]),
    "RK45": solved("RK45"),
    "RK45-at": solved("RK45", t_eval=[0.0, 0.2, 0.3, 1.1]),
    "DOP853": solved("DOP853", t_eval=[0.2, 1.3]),
    "event": turning,
    "dense": lambda y, g: integrate.solve_ivp(
        pendulum, (1.4, 0.0), y, args=(g,), dense_output=True, **COARSE
    ).sol([0.3, 1.2]),
}
SAMPLES = {
    "simpson/even": (lambda y, x: integrate.simpson(y, x), [(2, 6), (6,)]),
    "simpson/odd": (lambda y, x: integrate.simpson(y, x=x, axis=0), [(5, 2), (5,)]),
    "cumulative_trapezoid": (lambda y, x: integrate.cumulative_trapezoid(y, x), [(2, 4), (4,)]),
    "scipy.trapezoid": (lambda y, x: integrate.trapezoid(y, x), [(2, 4), (4,)]),
}
EVEN = {
    "simpson/spaced": (lambda y: integrate.simpson(y, dx=0.5), (4,)),
    "simpson/two": (lambda y: integrate.simpson(y, dx=0.5), (2,)),
    "cumulative_trapezoid/initial": (
        lambda y: integrate.cumulative_trapezoid(y, dx=0.5, axis=0, initial=0),
        (4, 2),
    ),
}


def places(*shapes):
    def make(rng):
        y, x = shapes
        return rng.standard_normal(y), np.cumsum(rng.uniform(0.5, 1.0, x))

    return make


ALL = [
    *[
        Case(f"solve_ivp/{name}", ("combination",), f, START, complex=False, abstract=False)
        for name, f in EQUATIONS.items()
    ],
    Case(  # the stages are known to Newton's tolerance, and what is compared is its step by step
        "solve_ivp/Radau",
        ("combination",),
        lambda y, g: (
            integrate.solve_ivp(
                pendulum, (0, 1), y, "Radau", [0.2, 1], args=(g,), rtol=1e-8, atol=1e-10
            ).y
        ),
        START,
        complex=False,
        tolerance=1e-4,
        abstract=False,
    ),
    Case(
        "solve_ivp/matrix",
        ("combination",),
        lambda y, m: integrate.solve_ivp(oscillation, (0, 1), y, args=(m,), **COARSE).y[:, -1],
        normals((2,), (2, 2)),
        abstract=False,
    ),
    *[
        Case(name, ("sum",), f, places(*shapes), complex=False)
        for name, (f, shapes) in SAMPLES.items()
        if name.startswith("simpson")
    ],
    *[
        Case(name, ("add",), f, places(*shapes), complex=False)
        for name, (f, shapes) in SAMPLES.items()
        if not name.startswith("simpson")
    ],
    *[Case(name, ("add",), f, normals(shape)) for name, (f, shape) in EVEN.items()],
    Case(
        "quad",
        ("sum",),
        lambda a, b, k: integrate.quad(lambda x, k: np.exp(-k * x) * np.sin(x), a, b, (k,))[0],
        uniforms(0.5, 1.5, float, float, float),
        complex=False,
        abstract=False,
    ),
    Case(
        "quad/infinite",
        ("sum",),
        lambda a, k: (
            integrate.quad(lambda x: np.exp(-k * x * x), a, np.inf)[0]
            + integrate.quad(lambda x: np.exp(-k * (x - a) ** 2), -np.inf, np.inf)[0]
            + integrate.quad(lambda x: np.exp(k * x), -np.inf, a)[0]
        ),
        uniforms(0.5, 1.5, float, float),
        complex=False,
        abstract=False,
    ),
    Case(
        "fixed_quad",
        ("sum",),
        lambda a, b, k: integrate.fixed_quad(lambda x: np.exp(-k * x), a, b, n=4)[0],
        uniforms(0.5, 1.5, float, float, float),
        complex=False,
    ),
]
OF_SAMPLES = ("simpson", "scipy.trapezoid", "cumulative_trapezoid")
CASES = [replace(case, device=case.name.partition("/")[0] in OF_SAMPLES) for case in ALL]
