"""Cases of assignment: arrays that are written into, at items, through views, and by functions."""

import numpy as np

from gradx.core.dispatch import apply
from gradx.ops import assignment
from tests.ops.cases_indexing import INDICES
from tests.ops.specification import Case, normals


def written(change):
    """The call that changes a copy of its first operand and returns that."""

    def call(x, *others):
        y = (x * 1.0).copy()
        change(y, *others)
        return y

    return call


def at(index):
    """The call that writes what is at an index, squared, there."""

    def change(y):
        y[index] = y[index] * y[index]

    return written(change)


def _assigned(y, a):
    y[:, 1:] = a
    y[0] = y[2] * a[0, 0]


def _chained(y, a):
    row = y.T[1]
    row[::2] = a[:2, 0]
    part = y.reshape(2, 6)[:, ::-1]
    part[0] *= row[1]
    y[1:] += part[0, :4]


def _in_place(y, a):
    first = y
    y += a
    y *= first
    y -= y.mean(axis=0)
    y /= 2.0 + a * a
    y **= 2


def _overlapping(y):
    y[1:] = y[:-1]
    y[:, :-1] += y[:, 1:]


def _repeated(y, a):
    y[[0, 2, 0, 0]] = a
    y[:, [1, 1]] = a[:3, :2]


def _filled(x):
    y = np.zeros_like(x)
    y[0] = x[0]
    for i in range(1, len(x)):
        y[i] = y[i - 1] * x[i] + x[i - 1]
    return y


def _likes(x):
    ones, full, empty = np.ones_like(x), np.full_like(x, 2.0), np.empty_like(x)
    ones[0] = x[1] * x[1]
    full[...] = ones * x
    empty[...] = full[::-1]
    return empty * ones


def _flat(y, a):
    z = y.reshape(2, 6)
    z[0] = a.ravel()[:6]
    z.T.flat[1:3] = a[0, :2]
    y.flat[-1] = y.flat[0] * z.flat[1]


def _functions(y, a):
    a = a.astype(y.dtype)
    np.copyto(y[0], a[0])
    np.copyto(y, a, where=np.eye(3, 4, dtype=bool))
    np.put(y, [0, -1], a[1])
    np.putmask(y, np.eye(3, 4, k=1, dtype=bool), a)
    np.place(y, np.eye(3, 4, k=2, dtype=bool), a[2] * a[2])
    np.put_along_axis(y, np.array([[0, 2, 1, 0]]), a[:1] * 2.0, axis=0)
    np.fill_diagonal(y, a[1])


def _out(y, a):
    np.multiply(y, a, out=y)
    np.divide(y, 2.0 + a * a, out=y, where=np.eye(3, 4, dtype=bool))
    np.sum(a, axis=0, out=y[0])
    a[1:].clip(-0.5, 0.5, out=y[1:]) if a.dtype.kind == "f" else None


def _at(y, a):
    np.add.at(y, [0, 0, 2], a)
    np.add.at(y, (slice(None), [1, 1]), 0.5)
    np.subtract.at(y, ([0, 0], [1, 1]), a[0, :2])
    np.multiply.at(y, [1, 1], a[:2])


def _what_reached(g):
    """What reached the rows that were written last, in the order of writes that repeat rows."""
    index = np.array([0, 2, 0])
    params = {"path": (), "index": index, "axes": (0, 1), "shape": (3, 1)}
    return apply(assignment.written, (g,), params)


CASES = [
    *[
        Case(f"put/{name}", ("put",), at(index), normals((3, 4)), reference=None)
        for name, index in INDICES.items()
        if name not in ("arrays-apart",)
    ],
    Case("put/value", ("put",), written(_assigned), normals((3, 4), (3, 3)), reference=None),
    Case("put/views", ("put",), written(_chained), normals((3, 4), (3, 4)), reference=None),
    Case("put/repeated", ("put",), written(_repeated), normals((3, 4), (4, 4)), reference=None),
    Case("put/overlapping", ("put",), written(_overlapping), normals((3, 4)), reference=None),
    Case("put/filled", ("put", "filled_like"), _filled, normals((5,)), reference=None),
    Case("put/transposed", ("written",), _what_reached, normals((3, 4)), reference=None),
    Case("put/flat", ("put",), written(_flat), normals((3, 4), (3, 4)), reference=None),
    Case("in-place", ("put",), written(_in_place), normals((3, 4), (3, 4)), reference=None),
    Case("out", ("put",), written(_out), normals((3, 4), (3, 4)), reference=None),
    Case("copyto", ("put",), written(_functions), normals((3, 4), (3, 4)), reference=None),
    Case("add.at", ("added_at",), written(_at), normals((3, 4), (3, 4)), reference=None),
    Case("zeros_like", ("filled_like", "put"), _likes, normals((4,)), reference=None),
]
