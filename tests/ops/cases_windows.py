"""Cases of sliding windows, of padding that computes, and of roots that may be complex."""

import numpy as np

import gradx.numpy as gnp
from tests.ops.specification import Case, distinct, normals, uniforms

WIDTHS = ((2, 1), (0, 3))
WINDOWS = {
    "sliding_window_view": lambda x: np.lib.stride_tricks.sliding_window_view(x, 2, 0),
    "sliding_window_view/wide": lambda x: np.lib.stride_tricks.sliding_window_view(x, 3, 1),
    "sliding_window_view/both": lambda x: np.lib.stride_tricks.sliding_window_view(x, (2, 3)),
    "sliding_window_view/twice": lambda x: np.lib.stride_tricks.sliding_window_view(
        x, (2, 2), (1, -1)
    ),
}
STRIDED = {
    "as_strided": lambda x: gnp.lib.stride_tricks.as_strided(
        np.copy(x, "C"), (3, 2, 2), (4 * x.itemsize, 2 * x.itemsize, x.itemsize)
    ),
    "as_strided/repeated": lambda x: gnp.lib.stride_tricks.as_strided(
        np.copy(x, "C"), (2, 5), (x.itemsize, 2 * x.itemsize)
    ),
}
PADDING = {
    "pad/to-zero": lambda x: np.pad(x, WIDTHS, "linear_ramp"),
    "pad/to-values": lambda x: np.pad(x, WIDTHS, "linear_ramp", end_values=[(1.0, 2.0), (3.0, 4)]),
    "pad/to-mean": lambda x: np.pad(x, WIDTHS, "mean"),
    "pad/to-mean-of-edge": lambda x: np.pad(x, WIDTHS, "mean", stat_length=2),
    "pad/reflect-odd": lambda x: np.pad(x, WIDTHS, "reflect", reflect_type="odd"),
    "pad/symmetric-odd": lambda x: np.pad(x, WIDTHS, "symmetric", reflect_type="odd"),
    "pad/twice-odd": lambda x: np.pad(x, (4, 7), "reflect", reflect_type="odd"),
}
EXTREMES = {
    "pad/to-maximum": lambda x: np.pad(x, WIDTHS, "maximum"),
    "pad/to-minimum": lambda x: np.pad(x, WIDTHS, "minimum", stat_length=((1, 2), (2, 2))),
    "pad/to-median": lambda x: np.pad(x, WIDTHS, "median"),
}
EMATH = {
    "emath.sqrt": lambda x: np.emath.sqrt(x),
    "emath.log": lambda x: np.emath.log(x),
    "emath.log2": lambda x: np.emath.log2(x),
    "emath.log10": lambda x: np.emath.log10(x),
    "emath.power": lambda x: np.emath.power(x, 1.5),
    "emath.logn": lambda x: np.emath.logn(3.0, x),
}
UNIT = {
    "emath.arccos": lambda x: np.emath.arccos(x),
    "emath.arcsin": lambda x: np.emath.arcsin(x),
    "emath.arctanh": lambda x: np.emath.arctanh(x),
}

CASES = [
    *[
        Case(name, ("windows", "overlapped"), call, normals((3, 4)))
        for name, call in WINDOWS.items()
    ],
    *[
        Case(name, ("as_strided",), call, normals((3, 4)), reference=None, abstract=False)
        for name, call in STRIDED.items()
    ],
    *[Case(name, ("concatenate",), call, normals((3, 4))) for name, call in PADDING.items()],
    Case(
        "pad/to-lifted",
        ("linspace",),
        lambda x, y: np.pad(x, WIDTHS, "linear_ramp", end_values=y),
        normals((3, 4), float),
    ),
    *[
        Case(name, ("concatenate",), call, distinct((3, 4)), complex=False)
        for name, call in EXTREMES.items()
    ],
    *[
        Case(f"{name}/{kind}", ("astype",) if sign < 0 else (), call, make, abstract=False)
        for kind, sign in (("positive", 1), ("negative", -1))
        for name, call, make in (
            *[
                (n, f, uniforms(*sorted((sign * 0.5, sign * 2.0)), (2, 3)))
                for n, f in EMATH.items()
            ],
            *[
                (n, f, uniforms(0.1, 0.8, (3,)) if sign > 0 else uniforms(1.2, 2.0, (3,)))
                for n, f in UNIT.items()
            ],
        )
    ],
]
