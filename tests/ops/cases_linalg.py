"""Cases of linear algebra: matrices and stacks of them, singular ones too."""

import numpy as np

import gradx as gx
from tests.ops.specification import Case, distinct, normals, together, uniforms, with_values


def regular(*shapes):
    """Matrices that are far from singular, with distinct singular values and eigenvalues."""

    def make(rng):
        found = []
        for shape in shapes:
            k = min(shape[-2:])
            diagonal = np.zeros(shape)
            diagonal[..., range(k), range(k)] = 1.5 * np.arange(1, k + 1)
            found.append(diagonal + 0.4 * rng.standard_normal(shape))
        return tuple(found)

    return make


def singular(n, rank):
    rng = np.random.default_rng(n)
    return with_values(rng.standard_normal((n, rank)) @ rng.standard_normal((rank, n)))


def over(name, ops, call, shapes, make=regular, **options):
    """Cases of one function over shapes."""
    return [Case(f"{name}/{'x'.join(map(str, s))}", ops, call, make(s), **options) for s in shapes]


SQUARE = [(1, 1), (3, 3), (2, 3, 3)]
SOLVE = {
    "vector": [(3, 3), (3,)],
    "matrix": [(3, 3), (3, 2)],
    "stack": [(2, 3, 3), (2, 3, 1)],
    "stack-vector": [(2, 3, 3), (3,)],
    "stack-matrix": [(2, 3, 3), (3, 2)],
    "matrix-stack": [(3, 3), (2, 3, 2)],
    "square-stack": [(3, 3), (3, 3, 3)],
}


def second_of_det(x):
    """The gradient of the determinant times the matrix, whose own gradient is of second order."""
    return gx.grad_bp(lambda a: gx.grad_bp(np.linalg.det, a) * a, x)


INVERSES = [
    *over("inv", ("inv",), lambda x: np.linalg.inv(x), SQUARE),
    *over("det", ("det", "cofactors"), lambda x: np.linalg.det(x), [*SQUARE, (2, 2)]),
    Case(
        "det/singular",
        ("det", "cofactors"),
        lambda x: np.linalg.det(x),
        singular(3, 2),
        complex=False,
        reference=None,
    ),
    Case(
        "det/zero",
        ("det",),
        lambda x: np.linalg.det(x),
        with_values(np.zeros((3, 3))),
        complex=False,
        reference=None,
    ),
    Case(
        "det/third-order",
        ("cofactors_turned",),
        lambda x: gx.grad_bp(lambda a: gx.grad_bp(np.linalg.det, a) * a, x),
        regular((3, 3)),
        reference=None,
    ),
    Case(
        "det/fourth-order",
        ("cofactors_turned_twice",),
        lambda x: gx.grad_bp(lambda a: gx.grad_bp(second_of_det, a) * a, x),
        regular((3, 3)),
        order=1,
        reference=None,
    ),
    Case("det/empty", ("det",), lambda x: np.linalg.det(x), normals((0, 0))),
    *over("slogdet", ("slogdet",), lambda x: np.linalg.slogdet(x), SQUARE, reference=None),
    *over("slogdet-1", ("slogdet",), lambda x: np.linalg.slogdet(x)[1], SQUARE),
    Case(
        "slogdet/name",
        ("slogdet",),
        lambda x: np.linalg.slogdet(x).logabsdet,
        regular((3, 3)),
        reference=None,
    ),
    *[
        Case(
            f"solve/{kind}",
            ("solve",),
            lambda a, b: np.linalg.solve(a, b),
            lambda rng, a=a, b=b: (*regular(a)(rng), *normals(b)(rng)),
            reference=None if "stack" in kind and kind != "stack" else "derived",
        )
        for kind, (a, b) in SOLVE.items()
    ],
    *over(
        "pinv",
        ("pinv",),
        lambda x: np.linalg.pinv(x),
        [(3, 3), (4, 2), (2, 4), (2, 3, 2)],
        tolerance=1e-5,
    ),
    *[
        Case(
            f"pinv/part-{'x'.join(map(str, shape))}",
            ("pinv_of_part",),
            lambda x: np.linalg.pinv(x, rcond=0.5),
            regular(shape),
            reference=None,
            abstract=False,
        )
        for shape in [(3, 3), (4, 3), (3, 5), (2, 3, 3)]
    ],
    Case(
        "lstsq/part",
        ("pinv_of_part",),
        lambda a, b: np.linalg.lstsq(a, b, 0.5)[0],
        together(regular((4, 3)), normals((4,))),
        abstract=False,
        reference=None,
    ),
    Case(
        "pinv/hermitian",
        ("pinv", "tril"),
        lambda x: np.linalg.pinv(x, hermitian=True),
        regular((3, 3)),
        reference=None,
    ),
    Case(
        "lstsq",
        ("pinv",),
        lambda a, b: np.linalg.lstsq(a, b)[:2],
        together(regular((4, 2)), normals((4, 3))),
        abstract=False,
        reference=None,
    ),
    Case(
        "lstsq/vector",
        ("pinv",),
        lambda a, b: np.linalg.lstsq(a, b, 1e-9)[0],
        together(regular((2, 3)), normals((2,))),
        abstract=False,
        reference=None,
    ),
    Case(
        "tensorinv",
        ("inv",),
        lambda x: np.linalg.tensorinv(np.reshape(x, (4, 2, 2)), 1),
        regular((4, 4)),
        reference=None,
    ),
    Case(
        "tensorsolve",
        ("solve",),
        lambda a, b: np.linalg.tensorsolve(np.reshape(a, (4, 2, 2)), b),
        together(regular((4, 4)), normals((4,))),
        reference=None,
    ),
    Case(
        "tensorsolve/axes",
        ("solve",),
        lambda a, b: np.linalg.tensorsolve(np.reshape(a, (2, 4, 2)), b, axes=(0,)),
        together(regular((4, 4)), normals((4,))),
        reference=None,
    ),
]

POWERS = [
    Case(
        "matrix_power/0",
        ("numbers.multiply",),
        lambda x: np.linalg.matrix_power(x, 0) * x,
        regular((2, 2)),
        reference=None,
    ),
    Case(
        "matrix_power/1",
        ("numbers.multiply",),
        lambda x: np.linalg.matrix_power(x, 1) * 2,
        regular((2, 2)),
        reference=None,
    ),
    Case(
        "matrix_power/5",
        ("matmul",),
        lambda x: np.linalg.matrix_power(x, 5),
        uniforms(-0.5, 0.5, (2, 3, 3)),
        reference=None,
    ),
    Case(
        "matrix_power/-2",
        ("inv",),
        lambda x: np.linalg.matrix_power(x, -2),
        regular((3, 3)),
        reference=None,
    ),
    Case(
        "multi_dot/two",
        ("matmul",),
        lambda a, b: np.linalg.multi_dot([a, b]),
        normals((2, 3), (3, 2)),
        reference=None,
    ),
    Case(
        "multi_dot/four",
        ("matmul",),
        lambda a, b, c, d: np.linalg.multi_dot([a, b, c, d]),
        normals((2, 3), (3, 1), (1, 4), (4, 2)),
        reference=None,
    ),
    Case(
        "multi_dot/vectors",
        ("matmul",),
        lambda a, b, c: np.linalg.multi_dot([a, b, c]),
        normals((2,), (2, 3), (3,)),
    ),
]

VECTOR_NORMS = {
    "norm": lambda x: np.linalg.norm(x),
    "norm/axis": lambda x: np.linalg.norm(x, axis=0),
    "norm/2": lambda x: np.linalg.norm(x, 2, axis=-1, keepdims=True),
    "norm/fro": lambda x: np.linalg.norm(x, "fro"),
    "norm/axes": lambda x: np.linalg.norm(x, axis=(1, 0), keepdims=True),
}
ABSOLUTE_NORMS = {
    "norm/vector-1": (lambda x: np.linalg.norm(x, 1, axis=1), ("reductions.sum", "absolute")),
    "norm/vector-inf": (lambda x: np.linalg.norm(x, np.inf, axis=1), ("reductions.max",)),
    "norm/vector--inf": (lambda x: np.linalg.norm(x, -np.inf, axis=0), ("reductions.min",)),
    "norm/vector-3": (lambda x: np.linalg.norm(x, 3, axis=1, keepdims=True), ("power_norm",)),
    "norm/vector-0.5": (
        lambda x: np.linalg.norm(x, 0.5, axis=1),
        ("power_norm", "signed_power"),
    ),
    "norm/vector--2": (lambda x: np.linalg.norm(x, -2, axis=0), ("power_norm",)),
    "norm/1": (lambda x: np.linalg.norm(x, 1), ("reductions.max",)),
    "norm/-1": (lambda x: np.linalg.norm(x, -1, keepdims=True), ("reductions.min",)),
    "norm/inf": (lambda x: np.linalg.norm(x, np.inf), ("reductions.max",)),
    "norm/-inf": (lambda x: np.linalg.norm(x, -np.inf), ("reductions.min",)),
    "norm/inf-axes": (lambda x: np.linalg.norm(x, np.inf, (1, 0)), ("reductions.max",)),
    "vector_norm": (lambda x: np.linalg.vector_norm(x), ("norm",)),
    "vector_norm/axes": (
        lambda x: np.linalg.vector_norm(x, axis=(0, 1), keepdims=True, ord=3),
        ("power_norm",),
    ),
    "matrix_norm": (lambda x: np.linalg.matrix_norm(x), ("norm",)),
}
SPECTRAL_NORMS = {
    "norm/nuc": lambda x: np.linalg.norm(x, "nuc"),
    "norm/matrix-2": lambda x: np.linalg.norm(x, 2, keepdims=True),
    "norm/matrix--2": lambda x: np.linalg.norm(x, -2),
    "matrix_norm/nuc": lambda x: np.linalg.matrix_norm(x, ord="nuc", keepdims=True),
    "cond": lambda x: np.linalg.cond(x),
    "cond/-2": lambda x: np.linalg.cond(x, -2),
}
NORMS = [
    *[Case(name, ("norm",), call, normals((3, 4))) for name, call in VECTOR_NORMS.items()],
    *[
        Case(name, ops, call, distinct((3, 4)), reference=None)
        for name, (call, ops) in ABSOLUTE_NORMS.items()
    ],
    *[
        Case(name, ("svdvals",), call, regular((3, 4)), reference=None)
        for name, call in SPECTRAL_NORMS.items()
    ],
    Case(
        "norm/stack",
        ("svdvals",),
        lambda x: np.linalg.norm(x, 2, (0, 2)),
        regular((3, 2, 3)),
        reference=None,
    ),
    Case(
        "norm/number",
        ("norm",),
        lambda x: np.linalg.norm(x),
        normals(float),
        complex=False,
        reference=None,
    ),
    Case(
        "norm/times-0",
        ("numbers.multiply",),
        lambda x: np.linalg.norm(x, 0) * x,
        normals((3,)),
        reference=None,
    ),
    Case(
        "cond/fro",
        ("inv", "norm"),
        lambda x: np.linalg.cond(x, "fro"),
        regular((3, 3)),
        reference=None,
    ),
]

SHARED_NAMES = [
    Case(
        "linalg.matmul",
        ("matmul",),
        lambda a, b: np.linalg.matmul(a, b),
        normals((2, 3), (3, 2)),
        reference=None,
    ),
    Case(
        "linalg.outer",
        ("multiply",),
        lambda a, b: np.linalg.outer(a, b),
        normals((2,), (3,)),
        reference=None,
    ),
    Case(
        "linalg.cross",
        ("multiply",),
        lambda a, b: np.linalg.cross(a, b),
        normals((2, 3), (2, 3)),
        reference=None,
    ),
    Case(
        "linalg.vecdot",
        ("vecdot",),
        lambda a, b: np.linalg.vecdot(a, b, axis=0),
        normals((3, 2), (3, 2)),
        reference=None,
    ),
    Case(
        "linalg.tensordot",
        ("tensordot",),
        lambda a, b: np.linalg.tensordot(a, b, axes=1),
        normals((2, 3), (3, 2)),
        reference=None,
    ),
    Case(
        "linalg.trace",
        ("diagonal",),
        lambda x: np.linalg.trace(x, offset=1),
        normals((2, 3, 3)),
        reference=None,
    ),
    Case(
        "linalg.diagonal",
        ("diagonal",),
        lambda x: np.linalg.diagonal(x),
        normals((2, 3, 3)),
        reference=None,
    ),
    Case(
        "linalg.matrix_transpose",
        ("transpose",),
        lambda x: np.linalg.matrix_transpose(x),
        normals((2, 3, 4)),
        reference=None,
    ),
    Case(
        "linalg.matrix_rank/times",
        ("numbers.multiply",),
        lambda x: np.linalg.matrix_rank(x) * x,
        regular((3, 3)),
        reference=None,
    ),
]

CASES = [*INVERSES, *POWERS, *NORMS, *SHARED_NAMES]
