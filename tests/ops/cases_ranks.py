"""Cases of sums over ranks, in a group of two that hold the same."""

import numpy as np

import gradx as gx
from tests.ops.specification import Case, normals, over_kinds


class Twins(gx.parallel.Group):
    """Two ranks with the same numbers, so that one process can be both."""

    rank, size = 0, 2

    def sum_into(self, vector):
        vector += vector

    def gather(self, vector):
        return np.stack([vector, vector])

    def gather_objects(self, x):
        return [x, x]

    def abort(self, code):
        raise SystemExit(code)


TWINS = Twins()

CASES = [
    *over_kinds(
        "all_reduce",
        ("all_reduce",),
        lambda x: gx.parallel.all_reduce(np.sin(x), TWINS),
        normals,
        reference=lambda x: 2 * np.sin(x),
        device=False,  # through the host
    ),
    Case(
        "all_reduce/record",
        ("all_reduce", "concatenate", "number"),
        lambda x, y, z: sum(
            np.sum(part * part) for part in gx.parallel.all_reduce((x, [y], z), TWINS)[::2]
        ),
        normals((2, 2), (3,), float),
        reference=lambda x, y, z: 4 * (np.sum(x * x) + z * z),
        device=False,
    ),
]
