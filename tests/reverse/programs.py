"""Random programs: what may happen in one, and the interpreter that runs it on any values.

A program is a list of steps; a step names an instruction and says which of the values made so
far, inputs included, it takes. The instructions are plain NumPy and Python code.
"""

from dataclasses import dataclass, field

import numpy as np
from hypothesis import strategies as st

import gradx as gx


@dataclass
class Layer:
    """A record with parts of three kinds, a static part and methods of its own."""

    w: np.ndarray
    b: np.ndarray
    scale: float
    name: str = "layer"
    size: int = field(default=3)

    def output(self, x):
        return np.tanh(self.w @ x + self.b) * self.scale

    @property
    def total(self):
        return np.sum(self.b) * self.scale


# Results never grow fast, so that no number overflows however long the program is.
# name: (kinds of the operands, kind of the result, code)
INSTRUCTIONS = {
    # s: number
    "add": ("ss", "s", lambda a, b: a + b),
    "subtract": ("ss", "s", lambda a, b: a - b),
    "multiply": ("ss", "s", lambda a, b: np.sin(a) * b),
    "divide": ("ss", "s", lambda a, b: a / (1.0 + b * b)),
    "square": ("s", "s", lambda a: a**2 / (2.0 + a**2)),
    "cube": ("s", "s", lambda a: np.tanh(a) ** 3),
    "exp": ("s", "s", lambda a: np.exp(np.tanh(a))),
    "reflected": ("s", "s", lambda a: 2.0 - 3.0 * np.sin(a) + 1.0 / (2.0 + np.sin(a))),
    "branch": ("ss", "s", lambda a, b: np.sin(a) if a > b + 0.123 else a * 0.5 - b),
    "no slope": ("s", "s", lambda a: 0.75 + 0.0 * a),
    # v: vector of 3
    "item": ("v", "s", lambda v: v[0] * v[-1] / (1.0 + v[1] * v[1])),
    "sum": ("v", "s", lambda v: np.sum(v)),
    "inner": ("vv", "s", lambda v, w: np.tanh(v) @ w),
    "loop": ("v", "s", lambda v: sum(np.sin(item) for item in v)),
    "unpack": ("v", "s", lambda v: (lambda a, b, c: a - b * 2.0 + c)(*v)),
    "tanh": ("v", "v", np.tanh),
    "reversed": ("v", "v", lambda v: v[::-1]),
    "repeated": ("v", "v", lambda v: v[[0, 0, 2]]),
    "picked": ("v", "v", lambda v: np.where(v > 0.0123, v, 0.5 * v + 0.006)),
    "scaled": ("vs", "v", lambda v, a: v * np.sin(a) + a),
    "times": ("vv", "v", lambda v, w: np.sin(v) * w),
    "glued": ("vv", "v", lambda v, w: np.concatenate([v[:1], w[1:]])),
    "stacked": ("sss", "v", lambda a, b, c: np.stack([a, b, c])),
    # m: matrix of 3 by 3
    "row": ("m", "v", lambda m: m[1]),
    "column": ("m", "v", lambda m: m[:, 2] + m[0, 0]),
    "mean": ("m", "v", lambda m: np.sum(m, axis=0) / 3.0),
    "apply": ("mv", "v", lambda m, v: np.tanh(m @ v)),
    "apply left": ("mv", "v", lambda m, v: np.tanh(v) @ m),
    "transpose": ("m", "m", lambda m: m.T),
    "product": ("mm", "m", lambda m, n: np.tanh(m @ n)),
    "broadcast": ("mv", "m", lambda m, v: m - v + v[:, None]),
    "rows": ("vv", "m", lambda v, w: np.stack([v, w, v - w])),
    "reshape": ("m", "m", lambda m: np.reshape(np.reshape(m, (9,))[::-1], (3, 3))),
    # p: tuple of a number and a vector; d: dict of a number and a matrix; r: Layer
    "pair": ("sv", "p", lambda a, v: (a, v)),
    "pair parts": ("p", "v", lambda p: p[0] * np.tanh(p[1])),
    "pair unpacked": ("p", "s", lambda p: (lambda a, v: a - v[0])(*p)),
    "pair length": ("p", "s", lambda p: p[0] * len(p)),
    "dict": ("sm", "d", lambda a, m: {"a": a, "b": m}),
    "dict parts": ("d", "m", lambda d: np.sin(d["a"]) * d["b"]),
    "dict again": ("ds", "d", lambda d, a: {**d, "a": a - d["a"]}),
    "dict items": ("d", "s", lambda d: sum(np.sum(np.tanh(part)) for part in d.values())),
    "record": ("mvs", "r", lambda m, v, a: Layer(m, v, a, name="built")),
    "record method": ("rv", "v", lambda r, v: r.output(v)),
    "record property": ("r", "s", lambda r: r.total / r.size),
    "record parts": ("r", "v", lambda r: np.tanh(r.w)[0] - r.b),
    "record set": ("rv", "r", lambda r, v: gx.set(gx.lens(Layer).b, v, r)),
    "record over": ("r", "r", lambda r: gx.over(gx.lens(Layer).scale, np.sin, r)),
    "record in pair": ("rs", "s", lambda r, a: (lambda q: q[0].scale * q[1])((r, np.sin(a)))),
}
NAMES = list(INSTRUCTIONS)

steps = st.tuples(
    st.sampled_from(NAMES),
    st.tuples(*[st.integers(0, 7)] * 3),
)


@dataclass
class Program:
    """A list of steps and the kind of value that it returns."""

    steps: list
    result: str

    def __call__(self, x, v, m, pair, table, layer):
        made = {"s": [x], "v": [v], "m": [m], "p": [pair], "d": [table], "r": [layer]}
        for name, picks in self.steps:
            kinds, kind, code = INSTRUCTIONS[name]
            chosen = zip(kinds, picks, strict=False)
            operands = [made[k][-1 - pick % len(made[k])] for k, pick in chosen]
            made[kind].append(code(*operands))
        return tuple(made[kind][-1] for kind in self.result)


def programs(most):
    """Programs of up to so many steps, that return from one to three values."""
    return st.builds(
        Program,
        st.lists(steps, min_size=1, max_size=most),
        st.text("svmpdr", min_size=1, max_size=3),
    )


def inputs(rng):
    """One value of each kind; nothing in them is equal to anything else."""
    return (
        float(rng.normal()),
        rng.normal(size=3),
        rng.normal(size=(3, 3)),
        (float(rng.normal()), rng.normal(size=3)),
        {"a": float(rng.normal()), "b": rng.normal(size=(3, 3))},
        Layer(rng.normal(size=(3, 3)), rng.normal(size=3), float(rng.normal())),
    )
