"""Cases of polynomials: values, arithmetic, derivatives and integrals, roots."""

import numpy as np

from tests.ops.specification import Case, normals, signed, together, uniforms, with_values

COEFFICIENTS = {
    "polyder": lambda p: np.polyder(p),
    "polyder/second": lambda p: np.polyder(p, 2),
    "polyder/none": lambda p: np.polyder(p, 0) * 2,
    "polyint": lambda p: np.polyint(p),
    "polyint/second": lambda p: np.polyint(p, m=2, k=3.0),
    "polyint/constants": lambda p: np.polyint(p, 2, k=[1.0, 2.0]),
}
PAIRS = {
    "polyadd": lambda p, q: np.polyadd(p, q),
    "polysub": lambda p, q: np.polysub(p, q),
}

LINE = np.array([0.0, 0.7, 1.1, 2.0, 3.5])
FITS = {
    "polyfit": lambda y: np.polyfit(LINE, y, 2),
    "polyfit/columns": lambda y: np.polyfit(LINE, np.stack([y, y * y], axis=1), 1),
    "polyfit/full": lambda y: np.polyfit(LINE, y, 1, full=True)[:2],
    "polyfit/cov": lambda y: np.polyfit(LINE, y, 1, w=[1.0, 2.0, 1.0, 0.5, 1.0], cov=True),
    "polyfit/unscaled": lambda y: np.polyfit(LINE, y, 1, cov="unscaled")[1] * y[0],
}


def near(*coefficients):
    """Coefficients near some, so that the roots are not of the same moduli."""
    return lambda rng: (np.array(coefficients) + 0.2 * rng.standard_normal(len(coefficients)),)


ROOTS = {
    "roots": near(1.0, -2.0, 0.5, 3.0),
    "roots/real": near(2.0, -7.0, 3.0),
    "roots/linear": near(2.0, -7.0),
}

CASES = [
    *[
        Case(name, ("pinv",), call, normals((5,)), reference=None, abstract=False)
        for name, call in FITS.items()
    ],
    Case(
        "polyfit/points",
        ("pinv", "vander"),
        lambda x, y, w: np.polyfit(x, y, 1, w=w),
        together(with_values(LINE), normals((5,)), uniforms(0.5, 1.5, (5,))),
        complex=False,
        reference=None,
        abstract=False,
    ),
    *[
        Case(name, ("roots",), lambda p: np.roots(p), make, reference=None, abstract=False)
        for name, make in ROOTS.items()
    ],
    Case(
        "roots/zero",
        ("roots",),
        lambda p: np.sum(np.exp(np.roots(p))),
        with_values(np.array([2.0, -7.0, 3.0, 0.0])),
        complex=False,
        reference=None,
        abstract=False,
    ),
    *[
        Case(f"polyval/{kind}", ("polyval",), lambda p, x: np.polyval(p, x), normals((4,), shape))
        for kind, shape in (
            ("vector", (3,)),
            ("matrix", (2, 3)),
            ("0-d", ()),
            ("number", float),
            ("empty", (0, 2)),
        )
    ],
    Case("polyval/constant", ("polyval",), lambda p, x: np.polyval(p, x), normals((1,), (3,))),
    Case("polyval/list", ("polyval",), lambda x: np.polyval([2.0, 0.5, -1.0], x), normals((3,))),
    Case(
        "polyval/zero",
        ("polyval",),
        lambda p, x: np.polyval(p, x * [0.0, 1.0, 0.0]),
        normals((4,), (3,)),
    ),
    Case(
        "polyval/columns",
        ("multiply", "add"),
        lambda p, x: np.polyval(p, x),
        normals((4, 3), (3,)),
    ),
    *[
        Case(name, ("multiply",) if "der" in name else ("divide",), call, normals((4,)))
        for name, call in COEFFICIENTS.items()
    ],
    Case(
        "polyint/lifted",
        ("divide", "concatenate"),
        lambda p, k: np.polyint(p, 2, k),
        normals((3,), (2,)),
    ),
    *[
        Case(f"{name}/{kind}", ("concatenate",) if kind != "same" else (op,), call, normals(*each))
        for (name, call), op in zip(PAIRS.items(), ("add", "subtract"), strict=True)
        for kind, each in (("same", ((3,), (3,))), ("first", ((2,), (4,))), ("last", ((3,), (1,))))
    ],
    Case(
        "polymul",
        ("convolve",),
        lambda p, q: np.polymul(p, q),
        signed((3,), (2,)),
        abstract=False,
    ),
    Case(
        "polydiv",
        ("getitem", "concatenate", "stack"),
        lambda p, q: np.polydiv(p, q),
        signed((5,), (3,)),
        abstract=False,
    ),
    Case(
        "polydiv/short",
        ("getitem", "astype"),
        lambda p, q: np.polydiv(p, q)[1] * q[0],
        signed((2,), (3,)),
        abstract=False,
    ),
    Case(
        "poly",
        ("concatenate", "multiply"),
        lambda r: np.poly(r),
        normals((4,)),
        abstract=False,
    ),
    Case(
        "poly/pairs",
        ("concatenate", "real"),
        lambda x, y: np.poly(np.stack([x + 1j * y, x - 1j * y])),
        normals(float, float),
        complex=False,
        abstract=False,
    ),
    Case("poly/matrix", ("matmul", "stack", "diagonal"), lambda a: np.poly(a), normals((3, 3))),
    Case("vander", ("vander",), lambda x: np.vander(x), normals((3,))),
    Case("vander/columns", ("vander",), lambda x: np.vander(x, 4, True), normals((2,))),
    Case("vander/one", ("vander",), lambda x: np.vander(x * x, 1), normals((2,))),
]
