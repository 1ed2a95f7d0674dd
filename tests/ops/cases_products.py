"""Cases of products: matrices, tensors, einsum in all its forms, convolution."""

import numpy as np

from tests.ops.specification import Case, normals

SHAPES = {
    "matrix-matrix": [(2, 3), (3, 4)],
    "matrix-vector": [(2, 3), (3,)],
    "vector-matrix": [(3,), (3, 2)],
    "vector-vector": [(3,), (3,)],
    "stack-matrix": [(2, 3, 4), (4, 2)],
    "stack-vector": [(2, 3, 4), (4,)],
    "empty": [(2, 0), (0, 3)],
}
DOT_SHAPES = {
    **SHAPES,
    "scalar-matrix": [float, (2, 3)],
    "matrix-0-d": [(2, 3), ()],
    "scalars": [float, float],
    "vector-stack": [(3,), (2, 3, 2)],
    "stack-stack": [(2, 3, 2), (2, 2, 3)],
}
MATMUL_SHAPES = {
    **SHAPES,
    "matrix-stack": [(2, 3), (4, 3, 2)],
    "vector-stack": [(3,), (2, 3, 2)],
    "stack-stack": [(2, 3, 4), (2, 4, 2)],
    "stacks-broadcast": [(2, 1, 2, 3), (3, 3, 2)],
    "one-matrix": [(1, 2, 3), (3, 3, 2)],
}
INNER_SHAPES = {
    "vectors": [(3,), (3,)],
    "matrix-vector": [(2, 3), (3,)],
    "vector-matrix": [(3,), (2, 3)],
    "tensors": [(2, 2, 3), (4, 3)],
    "scalar": [float, (2, 3)],
}
TENSORDOT = {
    "number": (lambda a, b: np.tensordot(a, b, 1), [(2, 3), (3, 2, 2)]),
    "two": (lambda a, b: np.tensordot(a, b), [(2, 3, 4), (3, 4, 2)]),
    "none": (lambda a, b: np.tensordot(a, b, 0), [(2, 3), (2,)]),
    "axes": (lambda a, b: np.tensordot(a, b, ([0, 2], [2, 1])), [(2, 3, 4), (3, 4, 2)]),
    "crossed": (lambda a, b: np.tensordot(a, b, ((2, 0), (0, -1))), [(2, 3, 4), (4, 3, 2)]),
    "all": (lambda a, b: np.tensordot(a, b, ([1, 0], [0, 1])), [(2, 3), (3, 2)]),
    "axis-numbers": (lambda a, b: np.tensordot(a, b, (0, -1)), [(2, 3), (3, 2)]),
}
EINSUM = {
    "matmul": (lambda a, b: np.einsum("ij,jk->ik", a, b), [(2, 3), (3, 4)]),
    "implicit": (lambda a, b: np.einsum("ij,jk", a, b), [(2, 3), (3, 4)]),
    "implicit-sorted": (lambda a: np.einsum("ba", a), [(2, 3)]),
    "transpose": (lambda a: np.einsum("ijk->kij", a), [(2, 3, 4)]),
    "sum": (lambda a: np.einsum("ij->", a), [(2, 3)]),
    "sum-axis": (lambda a: np.einsum("ij->j", a), [(2, 3)]),
    "trace": (lambda a: np.einsum("ii", a), [(3, 3)]),
    "diagonal": (lambda a: np.einsum("ii->i", a), [(3, 3)]),
    "diagonal-kept": (lambda a, b: np.einsum("iji,j->ij", a, b), [(3, 2, 3), (2,)]),
    "triple-diagonal": (lambda a: np.einsum("iii->i", a), [(2, 2, 2)]),
    "two-diagonals": (lambda a: np.einsum("iijj->ij", a), [(2, 2, 3, 3)]),
    "outer": (lambda a, b: np.einsum("i,j->ij", a, b), [(2,), (3,)]),
    "summed-out": (lambda a, b: np.einsum("ij,k->k", a, b), [(2, 3), (2,)]),
    "bilinear": (lambda a, b, c: np.einsum("i,ij,j", a, b, c), [(2,), (2, 3), (3,)]),
    "four": (lambda a, b, c, d: np.einsum("ij,jk,kl,l->i", a, b, c, d), [(2, 2)] * 3 + [(2,)]),
    "optimize": (
        lambda a, b, c: np.einsum("ij,jk,kl->il", a, b, c, optimize=True),
        [(2, 3), (3, 2), (2, 4)],
    ),
    "ellipsis": (lambda a, b: np.einsum("...ij,...jk->...ik", a, b), [(2, 2, 3), (3, 2)]),
    "ellipsis-implicit": (lambda a, b: np.einsum("...i,...i", a, b), [(2, 1, 3), (4, 3)]),
    "ellipsis-middle": (lambda a: np.einsum("i...j->j...i", a), [(2, 3, 2, 4)]),
    "ellipsis-summed": (lambda a, b: np.einsum("a...,b...->ab...", a, b), [(2, 1), (1, 3)]),
    "broadcast-one": (lambda a, b: np.einsum("ij,ij->ij", a, b), [(2, 3), (1, 3)]),
    "spaces": (lambda a, b: np.einsum("i j, j -> i", a, b), [(2, 3), (3,)]),
    "scalar": (lambda a, b: np.einsum(",ij->ij", a, b), [float, (2, 3)]),
    "lists": (lambda a, b: np.einsum(a, [0, 1], b, [1, 2], [0, 2]), [(2, 3), (3, 4)]),
    "lists-implicit": (lambda a, b: np.einsum(a, [0, 1], b, [1, 2]), [(2, 3), (3, 4)]),
    "lists-ellipsis": (
        lambda a, b: np.einsum(a, [Ellipsis, 5], b, [5, 2], [Ellipsis, 2]),
        [(2, 2, 3), (3, 4)],
    ),
    "lists-trace": (lambda a: np.einsum(a, [0, 0]), [(3, 3)]),
    "empty": (lambda a, b: np.einsum("ij,jk->ik", a, b), [(2, 0), (0, 3)]),
}


def grid(name, ops, call, shapes, **options):
    """Cases of one function of two operands over shapes."""
    return [
        Case(f"{name}/{kind}", ops, call, normals(*each), **options)
        for kind, each in shapes.items()
    ]


def rows(name, ops, table, **options):
    """Cases of calls, each with its own shapes."""
    return [
        Case(f"{name}/{kind}", ops, call, normals(*shapes), **options)
        for kind, (call, shapes) in table.items()
    ]


def dot_ops(kind):
    if "scalar" in kind or "0-d" in kind:
        return ("multiply",)
    if kind == "vector-vector":
        return ("dot_of_vectors",)
    return ("dot_of_stacks",) if kind == "stack-stack" else ("dot",)


OTHERS = {
    "outer": (("multiply",), lambda a, b: np.outer(a, b), [(2, 2), (3,)]),
    "outer/scalar": (("multiply",), lambda a, b: np.outer(a, b), [float, (3,)]),
    "tensordot/0-numbers": (("tensordot",), lambda a, b: np.tensordot(a, b, 0), [float, float]),
    "tensordot/0-number": (("tensordot",), lambda a, b: np.tensordot(a, b, axes=0), [(2,), float]),
    "vdot": (("matmul",), lambda a, b: np.vdot(a, b), [(2, 3), (6,)]),
    "vdot/scalars": (("matmul",), lambda a, b: np.vdot(a, b), [float, ()]),
    "vecdot": (("vecdot",), lambda a, b: np.vecdot(a, b), [(2, 3), (2, 3)]),
    "vecdot/vectors": (("vecdot",), lambda a, b: np.vecdot(a, b), [(3,), (3,)]),
    "vecdot/broadcast": (("vecdot",), lambda a, b: np.vecdot(a, b), [(3,), (3, 3)]),
    "vecdot/broadcast-right": (("vecdot",), lambda a, b: np.vecdot(a, b), [(2, 1, 3), (3, 3)]),
    "vecdot/axis": (
        ("vecdot",),
        lambda a, b: np.vecdot(a, b, axis=0, keepdims=True),
        [(3, 2), (3, 2)],
    ),
    "vecdot/axes": (("vecdot",), lambda a, b: np.vecdot(a, b, axes=[0, 1]), [(3, 2), (2, 3)]),
    "vecdot/kept": (
        ("vecdot",),
        lambda a, b: np.vecdot(a, b, axes=[(0,), (0,), (1,)], keepdims=True),
        [(3, 2, 2), (3, 2, 2)],
    ),
    "matmul/axes": (
        ("matmul",),
        lambda a, b: np.matmul(a, b, axes=[(0, 1), (1, 0), (0, 1)]),
        [(2, 3, 2), (2, 3, 2)],
    ),
    "vecmat/axes": (
        ("vecmat",),
        lambda a, b: np.vecmat(a, b, axes=[0, (1, 2), 1]),
        [(3, 2), (2, 3, 4)],
    ),
    "einsum/dtype": (
        ("einsum", "astype"),
        lambda a, b: np.einsum("ij,jk", a, b, dtype=complex, order="F"),
        [(2, 3), (3, 2)],
    ),
    "matvec": (("matvec",), lambda a, b: np.matvec(a, b), [(2, 3), (3,)]),
    "matvec/broadcast": (("matvec",), lambda a, b: np.matvec(a, b), [(3, 3), (3, 3)]),
    "matvec/stack": (("matvec",), lambda a, b: np.matvec(a, b), [(2, 1, 2, 3), (3, 3)]),
    "vecmat": (("vecmat",), lambda a, b: np.vecmat(a, b), [(3,), (3, 2)]),
    "vecmat/broadcast": (("vecmat",), lambda a, b: np.vecmat(a, b), [(3, 3), (3, 2)]),
    "vecmat/stack": (("vecmat",), lambda a, b: np.vecmat(a, b), [(2, 3), (4, 1, 3, 2)]),
    "kron": (("multiply",), lambda a, b: np.kron(a, b), [(2, 3), (2, 2)]),
    "kron/vectors": (("multiply",), lambda a, b: np.kron(a, b), [(2,), (3,)]),
    "kron/mixed": (("multiply",), lambda a, b: np.kron(a, b), [(2,), (2, 3)]),
    "kron/scalar": (("multiply",), lambda a, b: np.kron(a, b), [float, (2, 3)]),
    "cross": (("multiply",), lambda a, b: np.cross(a, b), [(3,), (3,)]),
    "cross/stack": (("multiply",), lambda a, b: np.cross(a, b), [(2, 3), (3,)]),
    "cross/axes": (("multiply",), lambda a, b: np.cross(a, b, 0, 1, 0), [(3, 2), (2, 3)]),
    "cross/axis": (("multiply",), lambda a, b: np.cross(a, b, axis=0), [(3, 2), (3, 2)]),
    "convolve": (("convolve",), lambda a, v: np.convolve(a, v), [(5,), (3,)]),
    "convolve/shorter-first": (("convolve",), lambda a, v: np.convolve(a, v), [(2,), (5,)]),
    "convolve/same": (("convolve",), lambda a, v: np.convolve(a, v, "same"), [(5,), (2,)]),
    "convolve/same-swapped": (("convolve",), lambda a, v: np.convolve(a, v, "same"), [(2,), (5,)]),
    "convolve/valid": (("convolve",), lambda a, v: np.convolve(a, v, "valid"), [(5,), (3,)]),
    "convolve/valid-swapped": (
        ("convolve",),
        lambda a, v: np.convolve(a, v, "valid"),
        [(3,), (5,)],
    ),
    "convolve/scalar": (("convolve",), lambda a, v: np.convolve(a, v), [(3,), float]),
    "correlate": (("convolve",), lambda a, v: np.correlate(a, v), [(5,), (3,)]),
    "correlate/swapped": (("convolve",), lambda a, v: np.correlate(a, v), [(3,), (5,)]),
    "correlate/full": (("convolve",), lambda a, v: np.correlate(a, v, "full"), [(4,), (3,)]),
    "correlate/same": (("convolve",), lambda a, v: np.correlate(a, v, "same"), [(5,), (4,)]),
    "correlate/same-swapped": (
        ("convolve",),
        lambda a, v: np.correlate(a, v, "same"),
        [(4,), (5,)],
    ),
}

CASES = [
    *[
        case
        for kind in DOT_SHAPES
        for case in grid("dot", dot_ops(kind), lambda a, b: np.dot(a, b), {kind: DOT_SHAPES[kind]})
    ],
    *grid("matmul", ("matmul",), lambda a, b: np.matmul(a, b), MATMUL_SHAPES),
    *[
        case
        for kind, ops in zip(
            INNER_SHAPES, ["matmul", "matmul", "tensordot", "tensordot", "multiply"], strict=True
        )
        for case in grid("inner", (ops,), lambda a, b: np.inner(a, b), {kind: INNER_SHAPES[kind]})
    ],
    Case(
        "outer_of_vectors/second-order",
        ("outer_of_vectors",),
        lambda a, b: np.sin(a) @ b,
        normals((2, 3), (3,)),
    ),
    *rows("tensordot", ("tensordot",), TENSORDOT),
    *rows("einsum", ("einsum",), EINSUM),
    *[Case(name, ops, call, normals(*shapes)) for name, (ops, call, shapes) in OTHERS.items()],
    Case(
        "matmul/products-of-both",
        ("matmul",),
        lambda w, x: np.tanh(w @ x) @ w @ np.sin(w @ x),
        normals((3, 3), (3,)),
    ),
    Case("dot/constant-matrix", ("dot",), lambda x: np.dot(np.eye(3) + 1, x), normals((3,))),
    Case("dot/method", ("dot",), lambda x, y: x.dot(y), normals((2, 3), (3,)), reference=None),
]
