"""Methods: a step of Adam on the parameters of 784-250-10, in new arrays and in place.

The gradient is given, so that the step alone is measured. NumPy by hand works on whole arrays, as
the paper's algorithm is written down.
"""

from __future__ import annotations

from typing import Any

import numpy as np

import gradx as gx
from benchmarks.network import Arrays, Net, copied, parts, problem, put_back
from benchmarks.workload import Setting, Way, Workload

RATE, B1, B2, EPS = 1e-3, 0.9, 0.999, 1e-8
DONE = 9  # steps before the one that is measured


def hand_adam(p: Any, g: Any, m: Any, v: Any, t: int) -> tuple[Any, Any, Any]:
    """One array: algorithm 1 of Kingma and Ba."""
    m = B1 * m + (1 - B1) * g
    v = B2 * v + (1 - B2) * g**2
    m_hat, v_hat = m / (1 - B1**t), v / (1 - B2**t)
    return p - RATE * m_hat / (np.sqrt(v_hat) + EPS), m, v


def hand_adam_in_place(p: Any, g: Any, m: Any, v: Any, t: int) -> None:
    """The same into the arrays themselves."""
    m *= B1
    m += (1 - B1) * g
    v *= B2
    v += (1 - B2) * g**2
    p -= RATE * (m / (1 - B1**t)) / (np.sqrt(v / (1 - B2**t)) + EPS)


def adam(setting: Setting) -> Workload:
    """A step of Adam on 198,760 parameters."""
    start = problem(setting).net
    rng = np.random.default_rng(1)
    g, m = (tuple(rng.standard_normal(x.shape).astype(x.dtype) for x in start) for _ in range(2))
    v = tuple(x * x for x in m)
    method = gx.optim.adam(RATE, B1, B2, EPS)
    state = type(method.init(0.0))(DONE, Net(*m), Net(*v))
    mine, by_hand = ([copied(arrays) for arrays in (start, m, v)] for _ in range(2))

    def numpy_() -> Arrays:
        rows = [hand_adam(*row, DONE + 1) for row in zip(start, g, m, v, strict=True)]
        return tuple(x for column in zip(*rows, strict=True) for x in column)

    def numpy_in_place() -> Arrays:
        p, first, second = by_hand
        for row in zip(p, g, first, second, strict=True):
            hand_adam_in_place(*row, DONE + 1)
        return tuple(x for arrays in by_hand for x in arrays)

    def gradx_() -> Arrays:
        new, after = method.update(Net(*g), state, Net(*start))
        return (*parts(new), *parts(after.first), *parts(after.second))

    own = type(state)(DONE, Net(*mine[1]), Net(*mine[2]))
    params, gradient = Net(*mine[0]), Net(*g)

    def gradx_in_place() -> Arrays:
        method.update(gradient, own, params, in_place=True)
        return tuple(x for arrays in mine for x in arrays)

    def resetting(arrays: list[Arrays]) -> Any:
        return put_back(
            tuple(x for each in arrays for x in each),
            copied((*start, *m, *v)),
        )

    return Workload(
        "Adam",
        {
            "numpy": Way(numpy_),
            "numpy in place": Way(numpy_in_place, resetting(by_hand)),
            "gradx": Way(gradx_),
            "gradx in place": Way(gradx_in_place, resetting(mine)),
        },
    )
