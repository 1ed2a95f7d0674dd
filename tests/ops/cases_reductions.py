"""Cases of the reductions: sums, products, extremes, means, spreads and quantiles."""

import numpy as np

from tests.ops.specification import (
    DERIVED,
    Case,
    Make,
    distinct,
    normals,
    signed,
    uniforms,
    with_values,
)

MASK = np.array([[True, False, True, True], [False, True, True, True], [True, True, False, True]])


def over_axes(name, ops, call, make, ndim=3, **options) -> list[Case]:
    """Cases of a reduction of ``call(x, axis, keepdims)``, over all kinds of axes and operands."""
    shape = (2, 3, 4)[:ndim]
    kinds = {
        "all": (None, False, make(shape)),
        "all-kept": (None, True, make(shape)),
        "first": (0, False, make(shape)),
        "last-kept": (-1, True, make(shape)),
        "two": ((0, -1), False, make(shape)),
        "two-kept": ((0, -1), True, make(shape)),
        "vector": (0, False, make((5,))),
        "single": (1, False, make((3, 1))),
    }
    return [
        Case(f"{name}/{kind}", ops, lambda x, a=axis, k=keep: call(x, a, k), draw, **options)
        for kind, (axis, keep, draw) in kinds.items()
    ]


def with_nans(*shape: int) -> Make:
    """Distinct numbers, of which a few are NaN, though none in every column or row."""

    def make(rng):
        (x,) = distinct(shape)(rng)
        flat = x.reshape(-1)
        flat[1 :: x.shape[-1] + 2] = np.nan
        return (x,)

    return make


def _small(name, op, call, make, **options) -> list[Case]:
    """A number, a 0-d array, and nothing at all."""
    kinds = {"scalar": float, "0-d": ()}
    return [
        Case(f"{name}/{kind}", (op,), call, make(shape), **options) for kind, shape in kinds.items()
    ]


WEIGHTS, CDF = np.array([1.0, 0.5, 3.0, 0.2]), "inverted_cdf"
WEIGHED = {
    "quantile": lambda x: np.quantile(x, [0.3, 0.8], axis=1, weights=WEIGHTS, method=CDF),
    "percentile": lambda x: np.percentile(x, 60, 0, weights=x * x, method=CDF, keepdims=True),
    "nanquantile": lambda x: np.nanquantile(x, 0.5, weights=x * x, method=CDF),
    "nanpercentile": lambda x: np.nanpercentile(x, 20, 1, weights=x * x, method=CDF),
}

CASES = [
    # Sums and means
    *over_axes("sum", ("sum",), lambda x, a, k: np.sum(x, axis=a, keepdims=k), normals),
    *_small("sum", "sum", lambda x: np.sum(x), normals),
    Case("sum/no-axes", ("sum",), lambda x: np.sum(x, axis=()), normals((2, 3))),
    Case("sum/empty", ("sum",), lambda x: np.sum(x, axis=0), normals((0, 3))),
    Case(
        "sum/where",
        ("sum", "where"),
        lambda x: np.sum(x, axis=0, where=MASK),
        normals((3, 4)),
        reference=None,
    ),
    Case("sum/initial", ("sum",), lambda x: np.sum(x, axis=0, initial=2.0), normals((3, 4))),
    Case("sum/dtype", ("sum",), lambda x: np.sum(x, dtype=complex), normals((3,)), reference=None),
    *over_axes("mean", ("mean",), lambda x, a, k: np.mean(x, axis=a, keepdims=k), normals),
    *_small("mean", "mean", lambda x: np.mean(x), normals),
    Case(
        "mean/where",
        ("sum",),
        lambda x: np.mean(x, axis=0, where=MASK),
        normals((3, 4)),
        reference=None,
    ),
    Case(
        "average/weights",
        ("sum",),
        lambda x, w: np.average(x, axis=1, weights=w),
        lambda rng: (rng.standard_normal((3, 4)), rng.uniform(0.5, 1.5, 4)),
        reference=None,
    ),
    Case(
        "average/all-weights",
        ("sum",),
        lambda x, w: np.average(x, weights=w, keepdims=True),
        lambda rng: (rng.standard_normal((3, 4)), rng.uniform(0.5, 1.5, (3, 4))),
        reference=None,
    ),
    Case(
        "average/two-axes",
        ("sum",),
        lambda x, w: np.average(x, axis=(2, 0), weights=w),
        lambda rng: (rng.standard_normal((2, 3, 4)), rng.uniform(0.5, 1.5, (4, 2))),
        reference=None,
    ),
    Case("average", ("mean",), lambda x: np.average(x, axis=0), normals((3, 4)), reference=None),
    # Products
    *over_axes("prod", ("prod",), lambda x, a, k: np.prod(x, axis=a, keepdims=k), signed),
    *_small("prod", "prod", lambda x: np.prod(x), signed),
    *[
        Case(f"prod/{n}", ("prod",), lambda x: np.prod(x), signed((n,)), tolerance=1e-5)
        for n in (0, 1, 2, 3, 6, 9)
    ],
    *[
        Case(
            f"prod/{count}-zeros",
            ("prod",),
            lambda x: np.prod(x, axis=0),
            with_values(
                np.array([[2.0, 3.0], [0.0] * 2, [0.0 if count > 1 else 0.5] * 2, [3.0, 1.5]])
            ),
            reference=None,
        )
        for count in (1, 2)
    ],
    Case(
        "prod/where",
        ("prod",),
        lambda x: np.prod(x, axis=0, where=MASK),
        signed((3, 4)),
        reference=None,
    ),
    Case("prod/initial", ("prod",), lambda x: np.prod(x, axis=0, initial=2.0), signed((3, 4))),
    # Extremes
    *[
        case
        for name, call in {
            "max": lambda x, a, k: np.max(x, axis=a, keepdims=k),
            "min": lambda x, a, k: np.min(x, axis=a, keepdims=k),
            "nanmax": lambda x, a, k: np.nanmax(x, axis=a, keepdims=k),
            "nanmin": lambda x, a, k: np.nanmin(x, axis=a, keepdims=k),
        }.items()
        for case in over_axes(
            name,
            (name,),
            call,
            distinct,
            complex=False,
            reference=None if "nan" in name else DERIVED,
        )
    ],
    Case("amax", ("max",), lambda x: np.amax(x, 1), distinct((3, 4)), complex=False),
    Case("amin", ("min",), lambda x: np.amin(x, 1), distinct((3, 4)), complex=False),
    *_small("max", "max", lambda x: np.max(x), normals, complex=False),
    *_small("min", "min", lambda x: np.min(x), normals, complex=False),
    Case(
        "max/where",
        ("max", "where"),
        lambda x: np.max(x, axis=1, initial=-0.2, where=MASK),
        distinct((3, 4)),
        complex=False,
    ),
    Case(
        "min/where",
        ("min", "where"),
        lambda x: np.min(x, axis=1, initial=0.2, where=MASK),
        distinct((3, 4)),
        complex=False,
    ),
    Case("ptp", ("max", "min"), lambda x: np.ptp(x, axis=1), distinct((3, 4)), complex=False),
    # Spreads
    *over_axes("var", ("var",), lambda x, a, k: np.var(x, axis=a, keepdims=k), normals),
    *over_axes("std", ("std",), lambda x, a, k: np.std(x, axis=a, keepdims=k), normals)[:-1],
    Case("var/real", ("var",), lambda x: np.var(x, axis=1, ddof=1), normals((3, 4)), complex=False),
    Case("std/real", ("std",), lambda x: np.std(x, axis=1, ddof=1), normals((3, 4)), complex=False),
    Case(
        "var/correction",
        ("var",),
        lambda x: np.var(x, axis=1, correction=1),
        normals((3, 4)),
        reference=None,
    ),
    Case(
        "var/where",
        ("sum",),
        lambda x: np.var(x, axis=0, where=MASK),
        normals((3, 4)),
        reference=None,
    ),
    Case(
        "std/where",
        ("sum",),
        lambda x: np.std(x, axis=1, where=MASK),
        normals((3, 4)),
        reference=None,
    ),
    Case(
        "var/mean",
        ("sum",),
        lambda x: np.var(x, axis=1, mean=np.mean(x, axis=1, keepdims=True)),
        normals((3, 4)),
        reference=None,
    ),
    *_small("var", "var", lambda x: np.var(x), normals),
    # Without NaNs
    *[
        Case(
            f"{name}/{kind}",
            ops,
            lambda x, f=name, a=axis: getattr(np, f)(x, axis=a),
            with_nans(3, 4),
            complex=False,
            reference=None,
            abstract=name != "nanmedian",  # how many are NaN is in the values
        )
        for name, ops in {
            "nansum": ("sum", "where"),
            "nanprod": ("prod", "where"),
            "nanmax": ("nanmax",),
            "nanmin": ("nanmin",),
            "nanmean": ("sum",),
            "nanvar": ("sum",),
            "nanstd": ("sum",),
            "nanmedian": ("sort",),
        }.items()
        for kind, axis in {"nan-all": None, "nan-columns": 0, "nan-rows": 1}.items()
    ],
    Case(
        "nansum/complex", ("sum",), lambda x: np.nansum(x, axis=1), normals((3, 4)), reference=None
    ),
    # Quantiles
    *over_axes(
        "median",
        ("sort",),
        lambda x, a, k: np.median(x, axis=a, keepdims=k),
        distinct,
        complex=False,
        reference=None,
    ),
    *[
        Case(
            f"quantile/{method}",
            ("sort",),
            lambda x, m=method: np.quantile(x, [0.1, 0.5, 0.8], axis=1, method=m),
            distinct((2, 5)),
            complex=False,
            reference=None,
        )
        for method in (
            *("inverted_cdf", "averaged_inverted_cdf", "closest_observation", "hazen", "weibull"),
            *("interpolated_inverted_cdf", "linear", "median_unbiased", "normal_unbiased"),
            *("lower", "higher", "midpoint", "nearest"),
        )
    ],
    Case(
        "percentile/kept",
        ("sort",),
        lambda x: np.percentile(x, 30, axis=(0, 2), keepdims=True),
        distinct((2, 3, 4)),
        complex=False,
        reference=None,
    ),
    Case(
        "quantile/q",
        ("sort",),
        lambda x, q: np.quantile(x, q, axis=0),
        lambda rng: (*distinct((6, 2))(rng), np.array([[0.13], [0.71]])),
        complex=False,
        reference=None,
        abstract=False,
    ),
    Case(
        "nanquantile",
        ("sort",),
        lambda x: np.nanquantile(x, [0.3, 0.9], axis=1),
        with_nans(3, 4),
        complex=False,
        reference=None,
        abstract=False,
    ),
    Case(
        "nanpercentile",
        ("sort",),
        lambda x: np.nanpercentile(x, 30, axis=0),
        with_nans(3, 4),
        complex=False,
        reference=None,
        abstract=False,
    ),
    *[
        Case(
            f"{name}/weights",
            ("take_along_axis",),
            call,
            distinct((3, 4)),
            complex=False,
            reference=None,
            abstract=False,
        )
        for name, call in WEIGHED.items()
    ],
    Case("sum/positive", ("sum",), lambda x: np.sum(x, 0), uniforms(0.5, 2.0, (2, 2))),
]
