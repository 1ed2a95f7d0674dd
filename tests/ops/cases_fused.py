"""Cases of the fused ops: softmax, cross-entropy, dense layers, activations.

The references are the textbook formulas in plain NumPy calls.
"""

import numpy as np

import gradx as gx
from tests.ops.specification import Case, distinct, normals, signed, together

LABELS = np.array([[1, 0], [3, 3], [2, 0]])


def softmax(np, x, axis=-1):
    e = np.exp(x)
    return e / np.sum(e, axis=axis, keepdims=True)


def anp():
    import autograd.numpy

    return autograd.numpy


def cross_entropy(x, t):
    np = anp()
    return -np.sum(t * np.log(softmax(np, x)), axis=-1)


def label_cross_entropy(x):
    np = anp()
    return -np.sum(np.eye(4)[LABELS] * np.log(softmax(np, x)), axis=-1)


ACTIVATIONS = {
    None: lambda np, z: z,
    "logistic": lambda np, z: 1 / (1 + np.exp(-z)),
    "tanh": lambda np, z: np.tanh(z),
    "relu": lambda np, z: np.maximum(z, 0),
}


def dense(activation):
    """A case's call and its reference."""

    def reference(x, w, b):
        np = anp()
        return ACTIVATIONS[activation](np, np.matmul(x, w.T) + b)

    return lambda x, w, b: gx.dense(x, w, b, activation), reference


SOFTMAX_SHAPES = {
    "vector": ((4,), -1),
    "matrix": ((2, 3), -1),
    "first-axis": ((2, 3), 0),
    "middle-axis": ((2, 3, 2), 1),
    "one-class": ((3, 1), -1),
    "no-rows": ((0, 2), -1),
    "no-classes": ((2, 0), -1),
}
DENSE_SHAPES = {"vector": (4,), "rows": (3, 4), "stack": (2, 3, 4), "no-rows": (0, 4)}
TARGET_SHAPES = {
    "vector": ((4,), (4,)),
    "rows": ((3, 4), (3, 4)),
    "stack": ((2, 3, 4), (2, 3, 4)),
    "one-target": ((3, 4), (4,)),
    "no-rows": ((0, 4), (0, 4)),
}
DENSE_OPS = {
    "vector": ("matmul", "bias_activation", "activation_backward"),
    "rows": ("linear", "bias_activation", "activation_backward", "bias_backward"),
}

CASES = [
    *[
        Case(
            f"softmax/{kind}",
            ("softmax", "softmax_backward"),
            lambda x, axis=axis: gx.softmax(x, axis),
            normals(shape),
            complex=False,
            reference=lambda x, axis=axis: softmax(anp(), x, axis),
        )
        for kind, (shape, axis) in SOFTMAX_SHAPES.items()
    ],
    *[
        Case(
            f"log_softmax/{kind}",
            ("log_softmax",),
            lambda x, axis=axis: gx.log_softmax(x, axis),
            normals(shape),
            complex=False,
            reference=lambda x, axis=axis: anp().log(softmax(anp(), x, axis)),
        )
        for kind, (shape, axis) in SOFTMAX_SHAPES.items()
    ],
    *[
        Case(
            f"softmax_cross_entropy/{kind}",
            ("softmax_cross_entropy", "softmax_cross_entropy_backward"),
            lambda x, t: gx.softmax_cross_entropy(x, t),
            together(normals(logits), signed(targets)),
            complex=False,
            reference=cross_entropy,
        )
        for kind, (logits, targets) in TARGET_SHAPES.items()
    ],
    Case(
        "softmax_cross_entropy/labels",
        ("label_cross_entropy", "label_cross_entropy_backward"),
        lambda x: gx.softmax_cross_entropy(x, LABELS),
        normals((3, 2, 4)),
        complex=False,
        reference=label_cross_entropy,
    ),
    Case(
        "softmax_cross_entropy/one-hot",
        ("softmax_cross_entropy",),
        lambda x: gx.softmax_cross_entropy(x, np.eye(4, dtype=int)[1]),
        normals((3, 4)),
        complex=False,
        reference=lambda x: cross_entropy(x, np.eye(4)[1]),
    ),
    *[
        Case(
            f"dense/{activation}-{kind}",
            DENSE_OPS["vector" if kind == "vector" else "rows"],
            dense(activation)[0],
            together(distinct(shape), normals((2, 4), (2,))),
            complex=activation in (None, "tanh"),
            reference=dense(activation)[1],
        )
        for activation in ACTIVATIONS
        for kind, shape in DENSE_SHAPES.items()
    ],
    *[
        Case(
            f"{name}/{kind}",
            (name, "activation_backward"),
            lambda x, name=name: getattr(gx, name)(x),
            signed(shape),
            complex=False,
            reference=lambda x, name=name: ACTIVATIONS[name](anp(), x),
        )
        for name in ("logistic", "relu")
        for kind, shape in {"matrix": (2, 3), "scalar": float, "0-d": (), "empty": (0, 2)}.items()
    ],
]
