"""Cases of orders along an axis: sorting, running sums, differences, interpolation."""

import numpy as np

from tests.ops.specification import Case, distinct, normals, together, uniforms, with_values

ZEROS = with_values(np.array([[1.5, 0.0, 2.0, 0.0, 3.0], [0.5, 2.0, -1.0, 1.0, 0.0]]))
GOOD = np.array([[True, False, True], [True, True, False]])
GRID = np.array([0.0, 1.0, 2.5, 3.0])
PLACES = np.array([0.3, 1.7, 2.6, 2.9, -1.2, 4.0])


def plain(ops, table, make, **options):
    """Cases of functions of the same operands."""
    return [Case(name, ops, call, make, **options) for name, call in table.items()]


SORTING = {
    "sort": lambda x: np.sort(x),
    "sort/axis": lambda x: np.sort(x, axis=0),
    "sort/flat": lambda x: np.sort(x, axis=None),
    "sort/stable": lambda x: np.sort(x, kind="stable"),
}
PARTITIONS = {
    "partition": lambda x: np.partition(x, 2),
    "partition/axis": lambda x: np.partition(x, 1, axis=0),
    "partition/flat": lambda x: np.partition(x, 3, axis=None),
}
SUMS = {
    "cumsum": lambda x: np.cumsum(x, axis=-1),
    "cumsum/first": lambda x: np.cumsum(x, axis=0),
    "cumsum/flat": lambda x: np.cumsum(x),
}
PRODUCTS = {
    "cumprod": lambda x: np.cumprod(x, axis=-1),
    "cumprod/first": lambda x: np.cumprod(x, axis=0),
    "cumprod/flat": lambda x: np.cumprod(x),
}
DIFFERENCES = {
    "diff": lambda x: np.diff(x),
    "diff/twice": lambda x: np.diff(x, 2),
    "diff/axis": lambda x: np.diff(x, axis=0),
    "diff/none": lambda x: np.diff(x, 0) * 2,
    "gradient/axis": lambda x: np.gradient(x, axis=1),
}
DIFFERENCES_UNLIKE_AUTOGRAD = {
    "diff/edges": lambda x: np.diff(x, prepend=1.0, append=x[:, :2]),
    "ediff1d": lambda x: np.ediff1d(x),
    "ediff1d/ends": lambda x: np.ediff1d(x, to_begin=[1.0, 2.0], to_end=x[0]),
    "trapezoid": lambda x: np.trapezoid(x),
    "trapezoid/dx": lambda x: np.trapezoid(x, dx=0.5, axis=0),
    "gradient/distance": lambda x: np.gradient(x, 0.5, axis=0),
    "gradient/both": lambda x: np.gradient(x, 0.5, 2.0),
    "gradient/edge": lambda x: np.gradient(x, edge_order=2),
    "gradient/places": lambda x: np.gradient(x, [0.0, 1.0, 1.5], [0.0, 0.5, 2.0, 2.5]),
    "gradient/places-edge": lambda x: np.gradient(x, [0, 0.5, 2.0, 2.5], axis=1, edge_order=2),
}

CASES = [
    *plain(("sort",), SORTING, distinct((3, 4)), complex=False),
    Case("sort/0-axis", ("sort",), lambda x: np.sort(x), distinct((0, 3)), complex=False),
    Case("sort_complex", ("sort",), lambda x: np.sort_complex(x), distinct((5,))),
    *plain(("sorting.sort",), {"sort/complex": lambda x: np.sort(x)}, distinct((2, 4))),
    *[
        Case(name, ("sorting.partition",), call, distinct((3, 5)), complex=False, reference=None)
        for name, call in PARTITIONS.items()
    ],
    *plain(("cumsum",), SUMS, normals((3, 4))),
    Case("cumsum/empty", ("cumsum",), lambda x: np.cumsum(x, axis=1), normals((2, 0))),
    Case("cumsum/scalar", ("cumsum",), lambda x: np.cumsum(x), normals(float), reference=None),
    Case(
        "cumsum/dtype",
        ("cumsum",),
        lambda x: np.cumsum(x, dtype=complex),
        normals((3,)),
        reference=None,
    ),
    *plain(("cumprod",), PRODUCTS, normals((3, 4))),
    *[Case(f"{n}/zeros", ("cumprod",), f, ZEROS, complex=False) for n, f in PRODUCTS.items()],
    Case("cumprod/one", ("cumprod",), lambda x: np.cumprod(x, axis=0), normals((1, 2))),
    Case("cumprod/empty", ("cumprod",), lambda x: np.cumprod(x, axis=0), normals((0, 2))),
    Case("cumprod/long", ("cumprod",), lambda x: np.cumprod(x), uniforms(0.5, 1.5, (9,))),
    Case(
        "nancumsum",
        ("cumsum",),
        lambda x: np.nancumsum(np.where(GOOD, x, np.nan), axis=1),
        normals((2, 3)),
    ),
    Case(
        "nancumprod",
        ("cumprod",),
        lambda x: np.nancumprod(np.where(GOOD, x, np.nan), axis=0),
        normals((2, 3)),
    ),
    Case(
        "cumulative_sum",
        ("cumsum",),
        lambda x: np.cumulative_sum(x, axis=1, include_initial=True),
        normals((2, 3)),
        reference=None,
    ),
    Case("cumulative_prod", ("cumprod",), lambda x: np.cumulative_prod(x), normals((3,))),
    *[
        Case(name, ("getitem",), call, normals((3, 4)))
        for name, call in DIFFERENCES.items()
        if name != "diff/none"
    ],
    *[
        Case(name, ("getitem",), call, normals((3, 4)), reference=None)
        for name, call in DIFFERENCES_UNLIKE_AUTOGRAD.items()
    ],
    Case("diff/none", ("numbers.multiply",), DIFFERENCES["diff/none"], normals((3, 4))),
    Case(
        "trapezoid/places",
        ("getitem",),
        lambda y, x: np.trapezoid(y, x, axis=0),
        normals((3, 2), (3,)),
    ),
    Case(
        "trapezoid/places-each",
        ("getitem",),
        lambda y, x: np.trapezoid(y, x),
        normals((2, 3), (2, 3)),
    ),
    Case(
        "trapezoid/places-of-more-axes",
        ("getitem",),
        lambda y, x: np.trapezoid(y, x),
        normals((4,), (2, 3, 4)),
        reference=None,
    ),
    Case(
        "gradient/lifted-places",
        ("getitem",),
        lambda f, x: np.gradient(f, x + np.arange(4) * 3, axis=1),
        normals((2, 4), (4,)),
        reference=None,
    ),
    Case(
        "interp",
        ("gather", "scatter_added"),
        lambda fp: np.interp(PLACES, GRID, fp),
        normals((4,)),
        reference=None,
    ),
    Case(
        "interp/places",
        ("gather", "scatter_added"),
        lambda x, fp: np.interp(x, GRID, fp, left=2.0, right=-1.0),
        together(with_values(PLACES), normals((4,))),
        complex=False,
        reference=None,
    ),
    Case(
        "interp/grid",
        ("gather", "scatter_added"),
        lambda xp, fp: np.interp([0.3, 1.7, 2.9], xp, fp),
        together(with_values(GRID), normals((4,))),
        complex=False,
        reference=None,
    ),
    Case(
        "interp/period",
        ("gather", "scatter_added"),
        lambda x, fp: np.interp(x, GRID, fp, period=3.5),
        together(with_values(PLACES), normals((4,))),
        complex=False,
        reference=None,
    ),
    Case(
        "interp/scalar",
        ("gather", "scatter_added"),
        lambda x, fp: np.interp(x, GRID, fp),
        together(with_values(0.7), normals((4,))),
        complex=False,
        reference=None,
    ),
]
