"""Cases of shaping: rearranging, repeating, padding, joining, splitting, diagonals and grids."""

import numpy as np

import gradx.numpy as gnp
from tests.ops.specification import Case, normals, uniforms


def of_matrix(ops, calls, shape=(3, 4), **options) -> list[Case]:
    """Cases of functions of one array."""
    return [Case(name, ops, call, normals(shape), **options) for name, call in calls.items()]


def of_two(ops, calls, *shapes, **options) -> list[Case]:
    """Cases of functions of several arrays."""
    shapes = shapes or ((3, 4), (3, 4))
    return [Case(name, ops, call, normals(*shapes), **options) for name, call in calls.items()]


RESHAPING = {
    "reshape": lambda x: np.reshape(x, (4, 3)),
    "reshape/unknown": lambda x: np.reshape(x, (2, -1)),
    "reshape/number": lambda x: np.reshape(x, 12),
    "reshape/fortran": lambda x: np.reshape(x, (4, 3), order="F"),
    "expand_dims": lambda x: np.expand_dims(x, 1),
    "expand_dims/two": lambda x: np.expand_dims(x, (0, -1)),
    "atleast_1d": lambda x: np.atleast_1d(x),
    "atleast_2d": lambda x: np.atleast_2d(x),
    "atleast_3d": lambda x: np.atleast_3d(x),
    "resize/more": lambda x: np.resize(x, (5, 3)),
    "resize/less": lambda x: np.resize(x, (2, 3)),
}
FLATTENING = {
    "ravel": lambda x: np.ravel(x),
    "ravel/fortran": lambda x: np.ravel(x, order="F"),
    "ravel/memory": lambda x: np.ravel(np.copy(x, "F"), order="K"),
}
TRANSPOSING = {
    "transpose": lambda x: np.transpose(x),
    "transpose/axes": lambda x: np.transpose(x, (2, 0, -2)),
    "matrix_transpose": lambda x: np.matrix_transpose(x),
    "swapaxes": lambda x: np.swapaxes(x, 0, -1),
    "moveaxis": lambda x: np.moveaxis(x, 0, -1),
    "moveaxis/two": lambda x: np.moveaxis(x, (0, 1), (-1, 0)),
    "rollaxis": lambda x: np.rollaxis(x, 2),
    "rollaxis/start": lambda x: np.rollaxis(x, 0, 3),
}
REVERSING = {
    "flip": lambda x: np.flip(x),
    "flip/axis": lambda x: np.flip(x, -1),
    "fliplr": lambda x: np.fliplr(x),
    "flipud": lambda x: np.flipud(x),
    "rot90/0": lambda x: np.rot90(x, 0),
    "rot90/1": lambda x: np.rot90(x),
    "rot90/2": lambda x: np.rot90(x, 2),
    "rot90/3": lambda x: np.rot90(x, -1, axes=(1, 0)),
}
ROLLING = {
    "roll": lambda x: np.roll(x, 2),
    "roll/axis": lambda x: np.roll(x, -1, axis=1),
    "roll/axes": lambda x: np.roll(x, (1, 2), axis=(0, 1)),
    "roll/one-axis-twice": lambda x: np.roll(x, (1, 2), axis=(1, 1)),
}
TILING = {
    "tile/more-axes": lambda x: np.tile(x, (2, 1, 2)),
    "tile/number": lambda x: np.tile(x, 2),
}
REPEATING = {
    "repeat": lambda x: np.repeat(x, 3),
    "repeat/axis": lambda x: np.repeat(x, 2, axis=1),
}
PADDING = {
    "pad": lambda x: np.pad(x, ((2, 1), (0, 3)), "constant"),
    "pad/value": lambda x: np.pad(x, 1, "constant", constant_values=3.0),
    "pad/pair": lambda x: np.pad(x, (1, 2), "constant"),
}
GATHERING = {
    "pad/edge": lambda x: np.pad(x, ((2, 1), (0, 3)), "edge"),
    "pad/reflect": lambda x: np.pad(x, ((2, 1), (0, 3)), "reflect"),
    "pad/symmetric": lambda x: np.pad(x, ((2, 1), (0, 3)), "symmetric"),
    "pad/wrap": lambda x: np.pad(x, ((2, 1), (0, 3)), "wrap"),
    "repeat/each": lambda x: np.repeat(x, [1, 0, 3], axis=0),
    "delete": lambda x: np.delete(x, [0, 2], axis=1),
    "delete/flat": lambda x: np.delete(x, 3),
    "delete/slice": lambda x: np.delete(x, slice(0, 2), 0),
    "insert/constant": lambda x: np.insert(x, [0, 2], 7.0, axis=1),
}
TRIANGLES = {
    "tril": lambda x: np.tril(x),
    "tril/below": lambda x: np.tril(x, -1),
    "triu": lambda x: np.triu(x),
    "triu/above": lambda x: np.triu(x, 1),
}
DIAGONALS = {
    "diag/matrix": lambda x: np.diag(x),
    "diag/above": lambda x: np.diag(x, 1),
    "diagonal": lambda x: np.diagonal(x),
    "diagonal/below": lambda x: np.diagonal(x, -1),
    "diagonal/outside": lambda x: np.diagonal(x, 7),
    "trace": lambda x: np.trace(x),
    "trace/above": lambda x: np.trace(x, 1),
}
JOINING = {
    "concatenate": lambda x, y: np.concatenate((x, y, x)),
    "concatenate/last": lambda x, y: np.concatenate([x, y], axis=-1),
    "concatenate/flat": lambda x, y: np.concatenate([x, y], axis=None),
    "hstack": lambda x, y: np.hstack((x, y)),
    "vstack": lambda x, y: np.vstack((x, y)),
    "column_stack": lambda x, y: np.column_stack((x, y)),
    "append": lambda x, y: np.append(x, y),
    "append/axis": lambda x, y: np.append(x, y, axis=0),
}
JOINING_UNLIKE_AUTOGRAD = {
    "dstack": lambda x, y: np.dstack((x, y)),
    "block": lambda x, y: np.block([[x, y], [y, x]]),
}
STACKING = {
    "stack": lambda x, y: np.stack((x, y)),
    "stack/last": lambda x, y: np.stack([x, y, x], axis=-1),
}
SPLITTING = {
    "split": lambda x: np.split(x, 2, axis=1)[1],
    "split/at": lambda x: np.split(x, [1, 3], axis=1)[1],
    "array_split": lambda x: np.array_split(x, 3, axis=1)[0],
    "hsplit": lambda x: np.hsplit(x, 2)[0],
    "vsplit": lambda x: np.vsplit(x, 3)[2],
    "unstack": lambda x: np.unstack(x, axis=1)[2],
}

CASES = [
    *of_matrix(("reshape",), RESHAPING),
    *of_matrix(("ravel",), FLATTENING),
    Case("reshape/scalar", ("reshape",), lambda x: np.reshape(x, (1, 1)), normals(float)),
    Case("reshape/empty", ("reshape",), lambda x: np.reshape(x, (3, 0)), normals((0, 2))),
    Case("squeeze", ("reshape",), lambda x: np.squeeze(x), normals((1, 3, 1))),
    Case("squeeze/axis", ("reshape",), lambda x: np.squeeze(x, axis=-1), normals((1, 3, 1))),
    Case("atleast_1d/scalar", ("reshape",), lambda x: np.atleast_1d(x), normals(float)),
    Case("atleast_2d/vector", ("reshape",), lambda x: np.atleast_2d(x), normals((3,))),
    Case("atleast_3d/vector", ("reshape",), lambda x: np.atleast_3d(x), normals((3,))),
    *of_matrix(("transpose",), TRANSPOSING, shape=(2, 3, 4)),
    *of_matrix(("getitem",), REVERSING),
    *of_matrix(("roll",), ROLLING),
    *of_matrix(("tile",), TILING),
    *of_matrix(("repeat",), REPEATING),
    Case("repeat/0-d", ("repeat",), lambda x: np.repeat(x, 3, axis=0), normals(())),
    Case(
        "broadcast_to",
        ("broadcast_to",),
        lambda x: np.broadcast_to(x, (2, 3, 4)),
        normals((3, 4)),
        reference=None,
    ),
    Case(
        "tile/none",
        ("broadcast_to",),
        lambda x: np.tile(x, (0, 2)),
        normals((3, 4)),
        reference=None,
    ),
    Case("tile/scalar", ("tile",), lambda x: np.tile(x, 3), normals(float)),
    Case(
        "broadcast_to/ones",
        ("broadcast_to",),
        lambda x: np.broadcast_to(x, (2, 3)),
        normals((2, 1)),
    ),
    Case(
        "broadcast_to/scalar",
        ("broadcast_to",),
        lambda x: np.broadcast_to(x, (2,)),
        normals(float),
        reference=None,
    ),
    Case(
        "broadcast_arrays",
        ("broadcast_to",),
        lambda x, y: np.broadcast_arrays(x, y)[1],
        normals((3, 4), (4,)),
    ),
    *of_matrix(("pad",), PADDING),
    Case("pad/empty", ("pad",), lambda x: np.pad(x, ((1, 1), (0, 0)), "constant"), normals((0, 2))),
    *of_matrix(("getitem",), GATHERING, reference=None),
    Case(
        "pad/variable",
        ("pad", "where"),
        lambda x, c: gnp.pad(x, 1, constant_values=c),
        normals((2, 3), ()),
        reference=None,
        complex=False,
    ),
    Case(
        "trim_zeros",
        ("getitem",),
        lambda x: np.trim_zeros(np.pad(x, 2, "constant")),
        normals((3,)),
        abstract=False,
    ),
    Case(
        "insert", ("concatenate",), lambda x, y: np.insert(x, 1, y, axis=0), normals((3, 4), (4,))
    ),
    Case(
        "insert/several",
        ("concatenate",),
        lambda x, y: np.insert(x, [1, 1, 3], y, axis=1),
        normals((3, 4), (3, 3)),
    ),
    Case("insert/flat", ("concatenate",), lambda x, y: np.insert(x, 2, y), normals((3, 4), ())),
    *[Case(name, (name.split("/")[0],), call, normals((3, 4))) for name, call in TRIANGLES.items()],
    Case("tril/stack", ("tril",), lambda x: np.tril(x), normals((2, 3, 3))),
    Case("tril/vector", ("tril",), lambda x: np.tril(x), normals((3,)), reference=None),
    Case("triu/vector", ("triu",), lambda x: np.triu(x), normals((3,)), reference=None),
    *of_matrix(("diagonal",), DIAGONALS),
    Case(
        "diagonal/stack",
        ("diagonal",),
        lambda x: np.diagonal(x, 1, 2, 0),
        normals((2, 3, 4)),
        reference=None,
    ),
    Case(
        "trace/axes",
        ("diagonal",),
        lambda x: np.trace(x, 0, 2, 1),
        normals((2, 3, 4)),
        reference=None,
    ),
    Case("diag/vector", ("embedded_diagonal",), lambda x: np.diag(x), normals((3,))),
    Case("diag/vector-below", ("embedded_diagonal",), lambda x: np.diag(x, -2), normals((3,))),
    Case("diagflat", ("embedded_diagonal",), lambda x: np.diagflat(x, 1), normals((2, 2))),
    *of_two(("concatenate",), JOINING),
    *of_two(("concatenate",), JOINING_UNLIKE_AUTOGRAD, reference=None),
    *of_two(("stack",), STACKING),
    Case(
        "concatenate/lengths",
        ("concatenate",),
        lambda x, y, z: np.concatenate([x, y, z], axis=1),
        normals((2, 1), (2, 0), (2, 3)),
    ),
    Case("hstack/scalars", ("concatenate",), lambda x, y: np.hstack([x, y]), normals(float, float)),
    Case(
        "stack/scalars",
        ("stack",),
        lambda x, y: np.stack([x, 2.0, y]),
        normals(float, float),
    ),
    Case(
        "column_stack/vectors",
        ("concatenate",),
        lambda x, y: np.column_stack([x, y]),
        normals((3,), (3,)),
    ),
    Case(
        "block/row",
        ("concatenate",),
        lambda x, y: np.block([x, y, 1.0]),
        normals((3,), (2,)),
        reference=None,
    ),
    *of_matrix(("getitem",), SPLITTING),
    Case("dsplit", ("getitem",), lambda x: np.dsplit(x, 2)[1], normals((2, 3, 4))),
    Case("astype", ("astype",), lambda x: np.astype(x, np.complex128), normals((3,))),
    Case(
        "astype/scalar",
        ("astype",),
        lambda x: np.astype(x, np.float64),
        normals((3,)),
        complex=False,
    ),
    Case("copy", ("copy",), lambda x: np.copy(x), normals((3,)), reference=None),
    Case(
        "meshgrid",
        ("broadcast_to",),
        lambda x, y: np.meshgrid(x, y)[1],
        normals((3,), (2,)),
        reference=None,
    ),
    Case(
        "meshgrid/ij",
        ("broadcast_to",),
        lambda x, y, z: np.meshgrid(x, y, z, indexing="ij")[1],
        normals((3,), (2,), (2,)),
        reference=None,
    ),
    Case(
        "meshgrid/sparse",
        ("reshape",),
        lambda x, y: np.meshgrid(x, y, sparse=True)[0],
        normals((3,), (2,)),
        reference=None,
    ),
    Case("linspace", ("linspace",), lambda x, y: np.linspace(x, y, 4), normals((3,), (3,))),
    Case(
        "linspace/scalars", ("linspace",), lambda x, y: np.linspace(x, y, 4), normals(float, float)
    ),
    Case(
        "linspace/axis",
        ("linspace",),
        lambda x, y: np.linspace(x, y, 4, endpoint=False, axis=1),
        normals((2, 3), (3,)),
        reference=None,
    ),
    Case(
        "linspace/one",
        ("linspace",),
        lambda x: np.linspace(x, 2.0, 1),
        normals((2,)),
    ),
    Case(
        "logspace",
        ("linspace", "power"),
        lambda x, y: np.logspace(x, y, 4, base=3.0),
        normals((3,), (3,)),
        reference=None,
    ),
    Case(
        "geomspace",
        ("power", "computed"),
        lambda x, y: np.geomspace(x, y, 4, axis=-1),
        uniforms(1.0, 3.0, (2, 3), (3,)),
        reference=None,
        complex=False,
    ),
    Case(
        "array",
        ("stack",),
        lambda x, y: gnp.array([[x, 1.0], [y, 2.0]]),
        normals(float, float),
        reference=None,
    ),
    Case(
        "array/rows",
        ("stack",),
        lambda x, y: gnp.array([x, y, x]),
        normals((3,), (3,)),
        reference=None,
    ),
    Case("full", ("broadcast_to",), lambda x: gnp.full((2, 3), x), normals(float), reference=None),
    Case(
        "full/rows", ("broadcast_to",), lambda x: gnp.full((2, 3), x), normals((3,)), reference=None
    ),
    Case(
        "full_like",
        ("broadcast_to",),
        lambda x: gnp.full_like(np.ones(3), x),
        normals(float),
        reference=None,
        complex=False,
    ),
    Case(
        "arange",
        ("multiply",),
        lambda x, h: gnp.arange(x, x + 5.5, h),
        uniforms(1.0, 1.05, float, float),
        reference=None,
        complex=False,
        abstract=False,
    ),
    Case(
        "r_",
        ("concatenate",),
        lambda x, y: gnp.r_[x, 1.0, y, 0:3],
        normals((3,), float),
        reference=None,
    ),
    Case("c_", ("concatenate",), lambda x, y: gnp.c_[x, y], normals((3,), (3,)), reference=None),
]
