"""Cases of functions that call functions, of reductions by ufuncs, and of special functions."""

import numpy as np

import gradx.numpy as gnp
from tests.ops.specification import Case, distinct, normals, over_kinds, signed, uniforms

MASK = np.array([True, False, True, True])
OTHERS = ~MASK
PIECES = {
    "piecewise": lambda x: np.piecewise(x, [MASK], [np.sin, np.exp]),
    "piecewise/one": lambda x: np.piecewise(x, MASK, [np.square]),
    "piecewise/number": lambda x: np.piecewise(x, [MASK], [np.sum, np.square]),
    "piecewise/constant": lambda x: np.piecewise(x, [MASK, OTHERS], [2.0, np.cumsum]),
    "piecewise/overwritten": lambda x: np.piecewise(
        x, [MASK, MASK[::-1]], [lambda v, k: k * v**2, lambda v, k: v - k], 3.0
    ),
}
REDUCTIONS = {
    "logaddexp.reduce": lambda x: np.logaddexp.reduce(x),
    "logaddexp.reduce/axis": lambda x: np.logaddexp.reduce(x, axis=1, keepdims=True),
    "logaddexp.reduce/all": lambda x: np.logaddexp.reduce(x, axis=None),
    "logaddexp.reduce/initial": lambda x: np.logaddexp.reduce(x, initial=0.5),
    "logaddexp2.reduce": lambda x: np.logaddexp2.reduce(x, axis=1),
    "hypot.reduce": lambda x: np.hypot.reduce(x, axis=1),
    "fmax.reduce": lambda x: np.fmax.reduce(x, axis=1),
    "fmin.reduce": lambda x: np.fmin.reduce(x),
}
OPS = {"hypot": "hypot_over", "fmax": "nanmax", "fmin": "nanmin"}
ALONG = {
    "apply_along_axis": lambda x: np.apply_along_axis(lambda v: v[0] * v, 0, x),
    "apply_along_axis/number": lambda x: np.apply_along_axis(np.sum, 1, x),
    "apply_along_axis/matrix": lambda x: np.apply_along_axis(np.diag, -1, x),
}
BY_ITEMS = {
    "vectorize": lambda x: gnp.vectorize(lambda v: v * v if v > 0 else 0.5 * v)(x),
    "vectorize/otypes": lambda x: gnp.vectorize(lambda v, k: k * v, otypes=[float])(x, [[1], [2]]),
    "vectorize/several": lambda x: gnp.vectorize(lambda v: (v, np.sin(v)))(x),
    "vectorize/excluded": lambda x: gnp.vectorize(lambda p, v: p[0] * v, excluded=["p"])(p=x, v=x),
    "vectorize/signature": lambda x: gnp.vectorize(lambda v, w: v @ w, signature="(n),(n)->()")(
        x[None] * [[1.0], [2.0]], x
    ),
}

CASES = [
    *[
        Case(
            name,
            ("getitem", "reshape") if "sig" in name else ("stack", "reshape"),
            call,
            normals((3,)),
            complex=False,
            reference=None,
            abstract=False,
        )
        for name, call in BY_ITEMS.items()
    ],
    *[Case(name, ("pieces",), call, normals((4,))) for name, call in PIECES.items()],
    Case(
        "piecewise/conditions",
        ("pieces",),
        lambda x: np.piecewise(x, [x < -0.5, x > 0.5], [np.exp, 1.0, np.square]),
        normals((2, 3)),
        complex=False,
        abstract=False,
    ),
    *[
        Case(
            name,
            (OPS.get(name.split(".")[0], name.split(".")[0] + "_over"),),
            call,
            distinct((3, 4)) if name.startswith("f") else signed((3, 4)),
            complex=False,
        )
        for name, call in REDUCTIONS.items()
    ],
    *[
        Case(name, ("stack", "transpose"), call, normals((2, 3, 2)[: 3 if "num" in name else 2]))
        for name, call in ALONG.items()
    ],
    Case(
        "apply_over_axes",
        ("sum",),
        lambda x: np.apply_over_axes(np.sum, x, [0, -1]),
        normals((2, 3, 2)),
    ),
    *over_kinds("i0", ("bessel",), lambda x: np.i0(x), normals, complex=False),
    Case(
        "i0/large", ("bessel",), lambda x: np.i0(x) / 1e9, uniforms(18.0, 23.0, (5,)), complex=False
    ),
    Case("i0/zero", ("bessel",), lambda x: np.i0(0.0 * x), normals((2,)), complex=False),
]
