"""Cases of SciPy's linear algebra."""

import numpy as np

import gradx.scipy.linalg as gl
from tests.ops.cases_decompositions import positive
from tests.ops.cases_linalg import regular
from tests.ops.specification import Case, normals, together, uniforms

OF_NUMPY = ("norm", "matmul")
"""Ops that are NumPy's."""


def case(name, ops, call, make, **options):
    ops = tuple(op if op in OF_NUMPY else f"scipy.linalg.{op}" for op in ops)
    return Case(f"scipy.linalg.{name}", ops, call, make, reference=None, **options)


def square(*shapes):
    return together(regular((3, 3)), normals(*shapes))


def dominant(x):
    """A matrix whose diagonal is large, kept inside the case."""
    return x + 4 * np.eye(x.shape[-1])


def with_diagonal(bands, row):
    """Bands of a matrix, of which that of the diagonal is large."""
    return bands + 4 * (np.arange(bands.shape[0])[:, None] == row)


def squared(parts):
    """Eigenvalues, and the squares of vectors, whose signs SciPy may turn."""
    return parts[0], parts[1] * parts[1]


def projected(q, *rest):
    """What does not depend on the choice of the last vectors: their projection."""
    return q[:, 2:] @ np.conj(q[:, 2:].T), q[:, :2], *rest[:1]


def projection(q):
    """What does not depend on the choice of a basis."""
    return q @ np.conj(q.T)


def high(x):
    """Two columns made of three, so that the rank is two: the third is the sum of the others."""
    return np.concatenate([x, np.sum(x, axis=1, keepdims=True)], axis=1)


ASSUMED = {
    name: lambda a, b, name=name, lower=lower: gl.solve(a, b, assume_a=name, lower=lower)
    for name, lower in (
        *[("gen", False), ("sym", False), ("sym", True), ("diagonal", False)],
        *[("upper triangular", False), ("lower triangular", False), ("tridiagonal", False)],
    )
}


def bands_of(x, lower):
    """The bands on one side of a positive definite matrix of many zeros."""
    a = x @ np.conj(x.T) + 6 * np.eye(x.shape[0])
    rows = [np.diagonal(a, -k) if lower else np.diagonal(a, k) for k in range(3)]
    rows = [np.pad(row, (0, k) if lower else (k, 0)) for k, row in enumerate(rows)]
    return np.stack(rows if lower else rows[::-1])


BANDED = [
    case(
        f"solveh_banded/{side}",
        ("solve_banded",),
        lambda x, b, lower=lower: gl.solveh_banded(bands_of(x, lower), b, lower=lower),
        together(normals((4, 4)), normals(*shapes)),
        tolerance=1e-5,
    )
    for side, lower, shapes in (("upper", False, [(4,)]), ("lower", True, [(4, 2)]))
]
EQUATIONS = [
    *BANDED,
    case(
        "solve_discrete_lyapunov",
        ("solve",),
        lambda a, q: gl.solve_discrete_lyapunov(a / 3, q),
        together(normals((3, 3)), normals((3, 3))),
        abstract=False,
    ),
    case("solve", ("solve",), lambda a, b: gl.solve(a, b), square((3,))),
    case("solve/columns", ("solve",), lambda a, b: gl.solve(a, b), square((3, 2))),
    case(
        "solve/transposed",
        ("solve",),
        lambda a, b: gl.solve(a, b, transposed=True),
        square((3, 2)),
        complex=False,
    ),
    *[case(f"solve/{name}", ("solve",), call, square((3,))) for name, call in ASSUMED.items()],
    case(
        "solve/lower-symmetric",
        ("solve",),
        lambda a, b: gl.solve(a, b, assume_a="sym", lower=True),
        square((3,)),
    ),
    case(
        "solve/positive",
        ("solve",),
        lambda a, b: gl.solve(positive(a) + np.triu(a, 1), b, assume_a="pos", lower=True),
        square((3, 2)),
    ),
    *[
        case(
            f"solve_triangular/{trans}{'-lower' * lower}{'-unit' * unit}",
            ("solve_triangular",),
            lambda a, b, t=trans, low=lower, unit=unit: gl.solve_triangular(a, b, t, low, unit),
            square((3, 2)) if trans == "T" else square((3,)),
        )
        for trans, lower, unit in (
            *[("N", False, False), ("T", False, False), ("C", True, False)],
            *[("N", True, True), ("T", True, True)],
        )
    ],
    case(
        "solve_banded",
        ("solve_banded",),
        lambda ab, b: gl.solve_banded((1, 2), with_diagonal(ab, 2), b),
        normals((4, 5), (5,)),
    ),
    case(
        "solve_banded/columns",
        ("solve_banded",),
        lambda ab, b: gl.solve_banded((2, 1), with_diagonal(ab, 1), b),
        normals((4, 4), (4, 2)),
    ),
    case(
        "solve_toeplitz",
        ("solve",),
        lambda c, r, b: gl.solve_toeplitz((c + 4 * np.eye(3)[0], r), b),
        normals((3,), (3,), (3,)),
    ),
    case(
        "solve_sylvester",
        ("solve_sylvester",),
        lambda a, b, q: gl.solve_sylvester(dominant(a), dominant(b), q),
        uniforms(-0.8, 0.8, (2, 2), (3, 3), (2, 3)),
    ),
    case(
        "solve_continuous_lyapunov",
        ("solve_sylvester",),
        lambda a, q: gl.solve_continuous_lyapunov(dominant(a), q),
        uniforms(-0.8, 0.8, (2, 2), (2, 2)),
    ),
    case(
        "lstsq",
        ("pinv",),
        lambda a, b: gl.lstsq(a, b)[:2],
        together(regular((4, 2)), normals((4,))),
        abstract=False,
    ),
]
INVERSES = [
    case("inv", ("inv",), lambda x: gl.inv(x), regular((3, 3))),
    case("inv/stack", ("inv",), lambda x: gl.inv(x), regular((2, 3, 3))),
    case("det", ("det",), lambda x: gl.det(x), regular((3, 3))),
    case("pinv", ("pinv",), lambda x: gl.pinv(x), regular((4, 2)), tolerance=1e-5),
    case(
        "pinv/part",
        ("pinv_of_part",),
        lambda x: gl.pinv(x, atol=2.2),
        regular((4, 3)),
        abstract=False,
    ),
    case(
        "pinvh/part",
        ("pinvh_of_part",),
        lambda x: gl.pinvh(x + 0.0, rtol=0.5),
        regular((3, 3)),
        abstract=False,
    ),
    case("pinvh", ("pinvh",), lambda x: gl.pinvh(x + 0.0), regular((3, 3)), tolerance=1e-5),
    case(
        "pinvh/singular",
        ("pinvh",),
        lambda x: gl.pinvh(np.triu(x @ np.conj(x.T)), lower=False),
        regular((3, 2)),
        tolerance=1e-5,
    ),
    case(
        "null_space",
        ("null_space",),
        lambda x: projection(gl.null_space(x)),
        regular((2, 4)),
        abstract=False,
    ),
    case(
        "null_space/singular",
        ("null_space",),
        lambda x: projection(gl.null_space(high(x))),
        regular((4, 2)),
        abstract=False,
    ),
    case(
        "orth",
        ("svd_of_rank",),
        lambda x: projection(gl.orth(high(x))),
        regular((4, 2)),
        complex=False,
        abstract=False,
    ),
    case(
        "orth/vectors",
        ("svd_of_rank",),
        lambda x: gl.orth(high(x)) ** 2,
        regular((3, 2)),
        complex=False,
        abstract=False,
    ),
    case(
        "orth/part",
        ("svd",),
        lambda x: projection(gl.orth(x, 0.5)),
        regular((3, 3)),
        complex=False,
        abstract=False,
    ),
    case(
        "null_space/part",
        ("svd",),
        lambda x: projection(gl.null_space(x, 0.5)),
        regular((3, 4)),
        complex=False,
        abstract=False,
    ),
    case("norm", ("norm",), lambda x: gl.norm(x), normals((2, 3))),
    # SciPy's norm of a matrix is a Python number, NumPy's is none.
    case("norm/1", ("matmul",), lambda x: gl.norm(x @ x, 1), normals((2, 2)), abstract=False),
]
FACTORS = [
    case("cholesky", ("cholesky",), lambda x: gl.cholesky(positive(x)), regular((3, 3))),
    case(
        "cholesky/lower",
        ("cholesky",),
        lambda x: gl.cholesky(positive(x), lower=True),
        regular((3, 3)),
    ),
    *[
        case(
            f"cho_solve{'/lower' * lower}",
            ("cholesky", "solve_triangular"),
            lambda x, b, lower=lower: gl.cho_solve(gl.cho_factor(positive(x), lower), b),
            square((3, 2)),
        )
        for lower in (False, True)
    ],
    case("lu", ("lu",), lambda x: gl.lu(x)[1:], regular((3, 3)), abstract=False),
    case("lu/high", ("lu",), lambda x: gl.lu(x, permute_l=True), regular((4, 2))),
    case("lu/wide", ("lu",), lambda x: gl.lu(x, p_indices=True)[1:], regular((2, 4))),
    case("lu_factor", ("lu",), lambda x: gl.lu_factor(x)[0], regular((3, 3))),
    case("lu_factor/high", ("lu",), lambda x: gl.lu_factor(x)[0], regular((4, 2))),
    case("lu_factor/wide", ("lu",), lambda x: gl.lu_factor(x)[0], regular((2, 4))),
    *[
        case(
            f"lu_solve/{trans}",
            ("lu", "solve_triangular"),
            lambda x, b, trans=trans: gl.lu_solve(gl.lu_factor(x[::-1]), b, trans),
            square((3,)),
            abstract=False,
        )
        for trans in (0, 1, 2)
    ],
    case("qr", ("qr",), lambda x: gl.qr(x), regular((3, 3))),
    case("qr/economic", ("qr",), lambda x: gl.qr(x, mode="economic"), regular((4, 2))),
    case("qr/wide", ("qr",), lambda x: gl.qr(x), regular((2, 4))),
    case("qr/r", ("qr",), lambda x: gl.qr(x, mode="r")[0], regular((3, 3))),
    case(
        "qr/pivoting",
        ("qr",),
        lambda x: gl.qr(x, pivoting=True)[:2],
        regular((3, 3)),
        abstract=False,
    ),
    case("svd", ("svd",), lambda x: gl.svd(x, full_matrices=False), regular((4, 2)), complex=False),
    case(
        "svd/full",
        ("svd",),
        lambda x: projected(*gl.svd(x)),
        regular((4, 2)),
        complex=False,
    ),
    case("qr/full", ("qr",), lambda x: projected(*gl.qr(x)), regular((4, 2))),
    case(
        "eig",
        ("eig",),
        lambda x: squared(gl.eig(x)),
        regular((3, 3)),
        complex=False,
        tolerance=2e-5,
        abstract=False,
    ),
    case("eigvals", ("eigvals",), lambda x: gl.eigvals(x), regular((3, 3)), abstract=False),
    case("svd/values", ("svdvals",), lambda x: gl.svd(x, compute_uv=False), regular((3, 2))),
    case("eigh", ("eigh",), lambda x: squared(gl.eigh(x)), regular((3, 3)), complex=False),
    case(
        "eigh/upper",
        ("eigh",),
        lambda x: squared(gl.eigh(x, lower=False)),
        regular((3, 3)),
        complex=False,
    ),
    *[
        case(
            f"eigh/two{'-upper' * (not lower)}",
            ("eigh_of_two",),
            lambda x, y, lower=lower: squared(gl.eigh(x, positive(y), lower=lower)),
            regular((3, 3), (3, 3)),
            complex=False,
            tolerance=2e-5,
        )
        for lower in (True, False)
    ],
    case(
        "eigvalsh/two",
        ("eigvalsh_of_two",),
        lambda x, y: gl.eigvalsh(x, positive(y)),
        regular((3, 3), (3, 3)),
    ),
    case("eigvalsh", ("eigvalsh",), lambda x: gl.eigvalsh(x), regular((3, 3))),
]
FUNCTIONS = [
    case("expm", ("expm",), lambda x: gl.expm(x), normals((3, 3))),
    case("expm/stack", ("expm",), lambda x: gl.expm(x), normals((2, 2, 2))),
    case("logm", ("logm",), lambda x: gl.logm(dominant(x)), normals((3, 3))),
    case("sqrtm", ("sqrtm",), lambda x: gl.sqrtm(dominant(x)), normals((3, 3))),
    *[
        case(f.__name__, ("expm",), lambda x, f=f: f(x), uniforms(-0.6, 0.6, (2, 2)))
        for f in (gl.sinm, gl.cosm, gl.tanm, gl.sinhm, gl.coshm, gl.tanhm)
    ],
]
FORMS = {
    "block_diag": (lambda a, b: gl.block_diag(a, b), [(2, 2), (1, 3)]),
    "block_diag/vector": (lambda a, b: gl.block_diag(a, b, [[1.0]]), [(2, 2), (2,)]),
    "toeplitz": (lambda c, r: gl.toeplitz(c, r), [(3,), (2,)]),
    "toeplitz/column": (lambda c: gl.toeplitz(c), [(3,)]),
    "circulant": (lambda c: gl.circulant(c), [(3,)]),
    "hankel": (lambda c, r: gl.hankel(c, r), [(3,), (2,)]),
    "hankel/column": (lambda c: gl.hankel(c), [(3,)]),
}

CASES = [
    *EQUATIONS,
    *INVERSES,
    *FACTORS,
    *FUNCTIONS,
    *[
        Case(
            f"scipy.linalg.{name}",
            ("concatenate",),
            call,
            normals(*shapes),
            reference=None,
        )
        for name, (call, shapes) in FORMS.items()
    ],
]
