"""Cases of values as vectors, and back."""

import numpy as np

import gradx as gx
from tests.ops.specification import Case, normals

CASES = [
    Case(
        "ravel/there",
        ("concatenate",),
        lambda x, y: gx.ravel({"x": x, "y": [y]})[0],
        normals((2, 2), float),
        complex=False,
    ),
    Case("ravel/back", ("number",), lambda v: gx.ravel(1.0)[1](v), normals((1,)), complex=False),
    Case(
        "ravel/back-complex", ("number",), lambda v: gx.ravel(1j)[1](v + np.cos(v)), normals((1,))
    ),
]
