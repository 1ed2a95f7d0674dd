"""Cases of SciPy's distributions: the methods of a kind together, of points and parameters."""

import numpy as np

import gradx.scipy.stats as st
from gradx.ops.scipy.distributions import FAMILIES
from tests.ops.specification import Case, normals, uniforms

GROUPS = {
    "density": ("pdf", "logpdf"),
    "below": ("cdf", "logcdf", "sf", "logsf"),
    "inverse": ("ppf", "isf"),
}
POINTS = {"pareto": (2.1, 2.8)}
SHIFTS = {"truncnorm": (-3.0, 0.0)}
"""What is added to shape parameters between 1.2 and 2.4."""
# The counts, and the parameters that are counts too or have no derivative.
COUNTS = [0.0, 2.0, 3.0]
OF_COUNTS = {
    "poisson": (COUNTS, ()),
    "bernoulli": ([0.0, 1.0, 0.0], ()),
    "binom": (COUNTS, (4,)),
    "geom": ([1.0, 2.0, 4.0], ()),
    "nbinom": (COUNTS, (2.5,)),
}


def ops_of(name, methods):
    return tuple(f"scipy.stats.{name}.{method}" for method in methods)


def methods_of(name, group):
    """All methods of a group together, of (x, shapes…, loc, scale)."""
    methods = [getattr(getattr(st, name), method) for method in GROUPS[group]]
    return lambda *xs: [method(*xs) for method in methods]


def continuous():
    for name, family in FAMILIES.items():
        for group in GROUPS:
            bounds = (0.2, 0.8) if group == "inverse" else POINTS.get(name, (0.3, 0.7))

            shift = SHIFTS.get(name, 0.0)

            def make(rng, bounds=bounds, shapes=family.shapes, shift=shift):
                x, drawn = uniforms(*bounds, (2,))(rng), rng.uniform(1.2, 2.4, len(shapes))
                return (*x, *map(float, drawn + shift), *uniforms(0.0, 0.1, float)(rng), 1.2)

            yield Case(
                f"stats.{name}-{group}",
                ops_of(name, GROUPS[group]),
                methods_of(name, group),
                make,
                complex=False,
                reference=None,
            )


def discrete():
    for name, (counts, fixed) in OF_COUNTS.items():
        for group in (("pmf", "logpmf"), GROUPS["below"]):
            known = [getattr(getattr(st, name), method) for method in group]
            if name == "bernoulli" and "cdf" in group:
                counts = [0.0] * 3  # beyond 1 there is nothing
            yield Case(
                f"stats.{name}-{group[0]}",
                ops_of(name, group),
                lambda p, c=counts, f=fixed, known=known: [method(c, *f, p) for method in known],
                uniforms(0.2, 0.7, (3,)),
                complex=False,
                reference=None,
            )


def of_vectors(name, call, make, op):
    ops = tuple(f"scipy.stats.{op}.{method}" for method in ("pdf", "logpdf"))
    return Case(
        f"stats.{name}",
        ops,
        call,
        make,
        complex=False,
        reference=None,
        abstract=op != "dirichlet",  # SciPy refuses what is made up for its components
    )


def both(distribution):
    return lambda x, *rest: [distribution.pdf(x, *rest), distribution.logpdf(x, *rest)]


def normal_operands(rng):
    x, mean, root = normals((4, 3), (3,), (3, 3))(rng)
    return x, mean, root @ root.T + 2 * np.eye(3)


CASES = [
    *continuous(),
    *discrete(),
    Case(
        "stats.nbinom-count",
        ops_of("nbinom", ("pmf", "logpmf", *GROUPS["below"])),
        lambda n: [
            getattr(st.nbinom, method)(COUNTS, n, 0.4)
            for method in ("pmf", "logpmf", *GROUPS["below"])
        ],
        uniforms(1.0, 3.0, (3,)),
        complex=False,
        reference=None,
    ),
    of_vectors(
        "multivariate_normal", both(st.multivariate_normal), normal_operands, "multivariate_normal"
    ),
    of_vectors(
        "multivariate_normal-diagonal",
        both(st.multivariate_normal),
        lambda rng: (*normals((3,), (3,))(rng), *uniforms(0.5, 2.0, (3,))(rng)),
        "multivariate_normal",
    ),
    of_vectors(
        "multivariate_normal-number",
        lambda x, c: both(st.multivariate_normal)(x, [0.0, 0.1], c),
        lambda rng: (*normals((3, 2))(rng), *uniforms(0.5, 2.0, float)(rng)),
        "multivariate_normal",
    ),
    of_vectors("dirichlet", both(st.dirichlet), uniforms(0.1, 0.3, (2,), (3,)), "dirichlet"),
    of_vectors(
        "dirichlet-points", both(st.dirichlet), uniforms(0.1, 0.3, (2, 4), (3,)), "dirichlet"
    ),
    of_vectors(
        "dirichlet-whole",
        lambda alpha: both(st.dirichlet)(np.array([0.2, 0.3, 0.5]), alpha),
        uniforms(0.8, 2.0, (3,)),
        "dirichlet",
    ),
]
