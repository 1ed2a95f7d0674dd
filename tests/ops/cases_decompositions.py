"""Cases of decompositions: singular values, eigenvalues and triangular factors."""

import numpy as np

import gradx as gx
from tests.ops.cases_linalg import SQUARE, over, regular
from tests.ops.specification import Case, with_values


def positive(x):
    """A positive definite matrix from any, kept inside the case: what is read is one triangle."""
    return x @ np.conj(np.swapaxes(x, -1, -2)) + 2 * np.eye(x.shape[-1])


def conj_transposed(x):
    return np.conj(np.swapaxes(x, -1, -2))


def projections(u, k):
    """Onto the space of the last columns, and onto the first of the others."""
    beyond, first = u[..., k:], u[..., :1]
    return beyond @ conj_transposed(beyond), first @ conj_transposed(first)


def turning(n):
    """A real matrix with two conjugate eigenvalues, far from the others."""

    def make(rng):
        (x,) = regular((n, n))(rng)
        x[0, 1], x[1, 0], x[1, 1] = 2.0, -2.0, x[0, 0]
        return (x,)

    return make


WIDE_AND_TALL = [(3, 3), (4, 2), (2, 4), (2, 3, 2)]
CASES = [
    *over(
        "svdvals",
        ("svdvals", "of_singular_values"),
        lambda x: np.linalg.svdvals(x),
        WIDE_AND_TALL,
        reference=None,
    ),
    *over(
        "svd",
        ("svd",),
        lambda x: np.linalg.svd(x, full_matrices=False),
        WIDE_AND_TALL,
        complex=False,
        reference=None,
    ),
    Case("svd/names", ("svd",), lambda x: np.linalg.svd(x).S, regular((3, 3)), reference=None),
    Case(
        "svd/hermitian",
        ("eigh", "take_along_axis"),
        lambda x: np.linalg.svd(x, hermitian=True),
        regular((3, 3)),
        complex=False,
        reference=None,
    ),
    Case(
        "svd/hermitian-values",
        ("eigvalsh",),
        lambda x: np.linalg.svd(x, compute_uv=False, hermitian=True),
        regular((3, 3)),
        reference=None,
    ),
    Case(
        "svd/values",
        ("svdvals",),
        lambda x: np.linalg.svd(x, compute_uv=False),
        regular((3, 2)),
    ),
    *over(  # What does not depend on the phases of the vectors: projections on the singular spaces.
        "svd-projection",
        ("svd",),
        lambda x: (
            np.einsum(
                "...ik,...jk,k->...ij",
                *[f(np.linalg.svd(x, full_matrices=False)[0]) for f in (np.positive, np.conj)],
                np.arange(1.0, 3.0),
            ),
            np.einsum(
                "...ik,...kj,k->...ij",
                *np.linalg.svd(x, full_matrices=False)[::2],
                np.arange(1.0, 3.0),
            ),
        ),
        [(4, 2), (2, 2), (2, 4)],
        reference=None,
    ),
    *over(  # What does not depend on the basis of the vectors without a singular value.
        "svd-full",
        ("svd",),
        lambda x: (
            *(projections(np.linalg.svd(x)[0], min(x.shape[-2:]))),
            np.linalg.svd(x)[1],
            *(projections(conj_transposed(np.linalg.svd(x)[2]), min(x.shape[-2:]))),
        ),
        [(4, 2), (2, 4), (2, 3, 2)],
        reference=None,
    ),
    *over(
        "svd-full-vectors",
        ("svd",),
        lambda x: np.linalg.svd(x),
        [(3, 2), (2, 3)],
        complex=False,
        reference=None,
    ),
    *over(
        "qr-full",
        ("qr",),
        lambda x: (
            *projections(np.linalg.qr(x, "complete")[0], x.shape[-1]),
            np.linalg.qr(x, "complete").R,
        ),
        [(4, 2), (2, 3, 1)],
        reference=None,
    ),
    *over(
        "eigvalsh",
        ("eigvalsh", "of_eigenvalues"),
        lambda x: np.linalg.eigvalsh(x),
        SQUARE,
        reference=None,
    ),
    Case(
        "eigvalsh/second-order",
        ("of_eigenvalues",),
        lambda x: gx.grad_bp(lambda a: np.linalg.eigvalsh(a) ** 3, x),
        regular((3, 3)),
        reference=None,
    ),
    Case(
        "eigvalsh/upper",
        ("eigvalsh",),
        lambda x: np.linalg.eigvalsh(x, "U"),
        regular((3, 3)),
        reference=None,
    ),
    *over(
        "eigh",
        ("eigh", "used"),
        lambda x: np.linalg.eigh(x),
        SQUARE,
        complex=False,
        reference=None,
    ),
    Case(
        "eigh/upper",
        ("eigh",),
        lambda x: np.linalg.eigh(x, "U"),
        regular((3, 3)),
        complex=False,
        reference=None,
    ),
    Case(
        "eigh/values",
        ("eigh",),
        lambda x: np.linalg.eigh(x).eigenvalues,
        regular((3, 3)),
        reference=None,
    ),
    Case(
        "eigh-projection",
        ("eigh",),
        lambda x: np.einsum(
            "ik,jk,k->ij",
            *[f(np.linalg.eigh(x)[1]) for f in (np.positive, np.conj)],
            np.arange(3.0),
        ),
        regular((3, 3)),
        reference=None,
    ),
    *over(
        "eigvals",
        ("eigvals",),
        lambda x: np.linalg.eigvals(x),
        SQUARE,
        reference=None,
        abstract=False,
    ),
    Case(
        "eigvals/turning",
        ("eigvals",),
        lambda x: np.abs(np.linalg.eigvals(x)),
        turning(4),
        complex=False,
        reference=None,
        abstract=False,
    ),
    *over(
        "eig",
        ("eig", "used"),
        lambda x: np.linalg.eig(x),
        SQUARE,
        reference=None,
        abstract=False,
    ),
    Case(
        "eig/turning",
        ("eig", "used"),
        lambda x: np.imag(np.linalg.eig(x).eigenvectors),
        turning(3),
        complex=False,
        reference=None,
        abstract=False,
    ),
    Case(  # A function of the matrix, which no length and no phase of the vectors changes.
        "eig/power",
        ("eig",),
        lambda x: np.real(
            np.linalg.eig(x)[1] * np.linalg.eig(x)[0] ** 3 @ np.linalg.inv(np.linalg.eig(x)[1])
        ),
        turning(3),
        complex=False,
        reference=None,
        abstract=False,
    ),
    *over("cholesky", ("cholesky",), lambda x: np.linalg.cholesky(positive(x)), SQUARE),
    Case(
        "cholesky/triangle",
        ("cholesky",),
        lambda x: np.linalg.cholesky(x + np.array([[0, 9.0], [0, 0]])),
        with_values(np.array([[2.0, 0.3], [0.4, 3.0]])),
        complex=False,
        reference=None,
    ),
    Case(
        "cholesky/upper",
        ("cholesky",),
        lambda x: np.linalg.cholesky(positive(x), upper=True),
        regular((3, 3)),
        reference=None,
    ),
    *over("qr", ("qr",), lambda x: np.linalg.qr(x), WIDE_AND_TALL, reference=None),
    Case("qr/r", ("qr",), lambda x: np.linalg.qr(x, "r"), regular((4, 3)), reference=None),
    Case(
        "qr/complete",
        ("qr",),
        lambda x: np.linalg.qr(x, "complete"),
        regular((3, 4)),
        reference=None,
    ),
]
