"""Algebra: decompositions, equations, norms, statistics, functions of the items."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

import gradx as gx
from gradx.hmatrix.arrays import Array, Scalar, eye, m_tm, sym, tr

__all__ = [
    "chol",
    "complex_",
    "cov",
    "det",
    "dmmap",
    "dvmap",
    "dzip_with_vector",
    "eigensystem",
    "eigensystem_sq",
    "eigenvalues",
    "eigenvalues_sq",
    "expm",
    "from_complex",
    "imag",
    "inv",
    "invlndet",
    "lin_solve",
    "lndet",
    "lstsq",
    "magnitude",
    "mean",
    "mean_cov",
    "mean_l",
    "mmap",
    "mmap_",
    "norm_0",
    "norm_1m",
    "norm_1v",
    "norm_2m",
    "norm_2v",
    "norm_inf_m",
    "norm_inf_v",
    "null_space",
    "orth",
    "pinv",
    "qr",
    "real",
    "sq_magnitude",
    "sqrtm",
    "svd",
    "svd_",
    "svd_flat",
    "svd_tall",
    "to_complex",
    "vmap",
    "vmap_",
    "zip_with_vector",
    "zip_with_vector_",
]


# --- Decompositions and equations -----------------------------------------------------------------


def svd(a: Array) -> Array:
    """The singular values of a matrix, descending."""
    return np.linalg.svdvals(a)


def svd_(a: Array) -> tuple[Array, Array, Array]:
    """The decomposition ``A = U diag(s) V'``, reduced: U, s and V.

    The gradient through the vectors needs singular values that differ and are not 0.
    """
    u, s, vh = np.linalg.svd(a, full_matrices=False)
    return u, s, tr(vh)


# The reduced decomposition is that of a tall and that of a flat matrix.
svd_tall = svd_flat = svd_


def eigenvalues(a: Array) -> Array:
    """The eigenvalues of a symmetric matrix, descending."""
    return np.flip(np.linalg.eigvalsh(sym(a)))


def eigensystem(a: Array) -> tuple[Array, Array]:
    """The eigenvalues of a symmetric matrix, descending, and the eigenvectors as columns.

    The gradient through the vectors needs eigenvalues that differ.
    """
    values, vectors = np.linalg.eigh(sym(a))
    return np.flip(values), np.flip(vectors, axis=1)


def eigenvalues_sq(a: Array) -> Array:
    """The eigenvalues of any square matrix, as NumPy orders them. In Haskell of type ``Sq``."""
    return np.linalg.eigvals(a)


def eigensystem_sq(a: Array) -> tuple[Array, Array]:
    """The eigenvalues of any square matrix and its eigenvectors as columns; see `eigenvalues_sq`.

    The gradient through the vectors needs eigenvalues that differ.
    """
    values, vectors = np.linalg.eig(a)
    return values, vectors


def chol(a: Array) -> Array:
    """The upper triangular factor R of a positive definite matrix, ``A = R' R``."""
    return tr(np.linalg.cholesky(sym(a)))


def qr(a: Array) -> tuple[Array, Array]:
    """The reduced decomposition ``A = Q R`` of a matrix with at most as many columns as rows."""
    q, r = np.linalg.qr(a)
    return q, r


def det(a: Array) -> Scalar:
    """The determinant."""
    return np.linalg.det(a)


def lndet(a: Array) -> Scalar:
    """The logarithm of the modulus of the determinant."""
    return np.linalg.slogdet(a)[1]


def inv(a: Array) -> Array:
    """The inverse."""
    return np.linalg.inv(a)


def invlndet(a: Array) -> tuple[Array, tuple[Scalar, Scalar]]:
    """The inverse, and the logarithm and the sign of the determinant."""
    sign, logarithm = np.linalg.slogdet(a)
    return np.linalg.inv(a), (logarithm, sign)


def pinv(a: Array) -> Array:
    """The pseudo-inverse."""
    return np.linalg.pinv(a)


def lin_solve(a: Array, b: Array) -> Array:
    """The solution of ``A X = B``, for a square matrix A."""
    return np.linalg.solve(a, b)


def lstsq(a: Array, b: Array) -> Array:
    r"""The least-squares solution of ``A X = B`` for any matrix A. Haskell's ``<\>``."""
    return np.matmul(np.linalg.pinv(a), b)


def null_space(a: Array) -> Array:
    """An orthonormal basis, as columns, of the vectors that a matrix takes to 0.

    The gradient is that of a basis which turns as little as the space does, among matrices of the
    same rank. What does not depend on the choice of the basis, such as the projection ``N N*``,
    has the gradient one expects.
    """
    rank, _, vh = _svd_and_rank(a)
    inside = np.eye(len(vh)) - np.matmul(np.linalg.pinv(a), a)
    return _orthonormal(np.matmul(inside, _adjoint(vh[rank:])))


def orth(a: Array) -> Array:
    """An orthonormal basis, as columns, of the range of a matrix; see `null_space`."""
    rank, u, _ = _svd_and_rank(a)
    return _orthonormal(np.matmul(np.matmul(a, np.linalg.pinv(a)), u[:, :rank]))


def _svd_and_rank(a: Array) -> tuple[int, Array, Array]:
    """The rank of a matrix, and its singular vectors as plain values: U and V*."""
    u, s, vh = np.linalg.svd(gx.value(a))
    least = max(np.shape(a)) * np.finfo(s.dtype).eps * max(s, default=0.0)
    return int(np.sum(s > least)), u, vh


def _adjoint(a: Array) -> Array:
    return np.conjugate(np.transpose(a))


def _orthonormal(a: Array) -> Array:
    """The columns made orthonormal: with ``A* A = L L*`` they are ``A L*^-1``."""
    factor = np.linalg.cholesky(np.matmul(_adjoint(a), a))
    return np.matmul(a, _adjoint(np.linalg.inv(factor)))


# --- Functions of matrices ------------------------------------------------------------------------

_DEGREE = 8
"""Of the approximation of the exponential, which with matrices of norm 1/2 is exact to 1e-22."""


def expm(a: Array) -> Array:
    """The exponential of a square matrix, by a Padé approximation of a scaled matrix.

    Source: G. Golub and C. Van Loan, "Matrix Computations", algorithm 11.3.1.
    """
    n = np.shape(a)[0]
    size = float(np.max(np.sum(np.abs(gx.value(a)), axis=1), initial=0.0))
    halvings = max(0, 2 + math.frexp(size)[1])
    x, power = a / 2**halvings, eye(n)
    numerator = denominator = power
    c = 1.0
    for k in range(1, _DEGREE + 1):
        c *= (_DEGREE - k + 1) / (k * (2 * _DEGREE - k + 1))
        power = np.matmul(x, power)
        numerator = numerator + c * power
        denominator = denominator + (-1) ** k * c * power
    y = np.linalg.solve(denominator, numerator)
    for _ in range(halvings):
        y = np.matmul(y, y)
    return y


_STEPS = 60
"""A matrix that is as badly conditioned as doubles allow takes fewer."""


def sqrtm(a: Array) -> Array:
    """The principal square root of a square matrix, by Denman's and Beavers' iteration.

    It converges quadratically, and so do its derivatives, which are a step behind.

    Raises:
        numpy.linalg.LinAlgError: there is none, since an eigenvalue is 0 or negative.

    Source: E. Denman and A. Beavers, "The matrix sign function and computations in systems" (1976).
    """
    y, z = a, eye(np.shape(a)[0])
    for _ in range(_STEPS):
        before = gx.value(y)
        y, z = _halfway(y, z)
        if np.linalg.norm(gx.value(y) - before) <= 1e-8 * np.linalg.norm(before):
            break
    else:
        raise np.linalg.LinAlgError(
            "sqrtm of a matrix that has no principal square root, since an eigenvalue is 0 or "
            "negative; hmatrix's sqrtm takes matrices whose eigenvalues are elsewhere"
        )
    for _ in range(3):
        y, z = _halfway(y, z)
    return y


def _halfway(y: Array, z: Array) -> tuple[Array, Array]:
    return (y + np.linalg.inv(z)) / 2, (z + np.linalg.inv(y)) / 2


# --- Norms and statistics -------------------------------------------------------------------------


def norm_0(v: Array) -> float:
    """The number of items that are not zero; its gradient is zero."""
    return float(np.count_nonzero(v))


def norm_1v(v: Array) -> Scalar:
    """The sum of the moduli of a vector."""
    return np.sum(np.abs(v))


def norm_1m(a: Array) -> Scalar:
    """The largest column sum of moduli of a matrix; columns that tie share the gradient."""
    return np.max(np.sum(np.abs(a), axis=0))


def norm_2v(v: Array) -> Scalar:
    """The length of a vector, with gradient 0 at 0."""
    return np.linalg.norm(v)


def norm_2m(a: Array) -> Scalar:
    """The largest singular value of a matrix."""
    return np.linalg.norm(a, 2)


def norm_inf_v(v: Array) -> Scalar:
    """The largest modulus of a vector; items that tie share the gradient."""
    return np.max(np.abs(v))


def norm_inf_m(a: Array) -> Scalar:
    """The largest row sum of moduli of a matrix; rows that tie share the gradient."""
    return np.max(np.sum(np.abs(a), axis=1))


def mean(v: Array) -> Scalar:
    """The mean of a vector, with zeros in it or not."""
    return np.mean(v)


def mean_l(a: Array) -> Array:
    """The mean of the rows of a matrix, shape (m, n) to (n,)."""
    return np.mean(a, axis=0)


def cov(a: Array) -> Array:
    """The covariance of the columns of m samples, shape (m, n) to (n, n), divided by ``m - 1``."""
    return mean_cov(a)[1]


def mean_cov(a: Array) -> tuple[Array, Array]:
    """The mean of the rows and the covariance of the columns of a matrix, shape (m, n)."""
    centre = mean_l(a)
    return centre, m_tm(a - centre) / (np.shape(a)[0] - 1)


# --- Functions of the items -----------------------------------------------------------------------


def vmap(f: Callable[[Scalar], Scalar], v: Array) -> Array:
    """A function of numbers applied to each item of a vector.

    A function that works on whole arrays, such as ``np.exp``, is faster when it is called with
    the vector itself.
    """
    return gx.prelude.fmap(f, v)


def mmap(f: Callable[[Scalar], Scalar], a: Array) -> Array:
    """A function of numbers applied to each item of a matrix."""
    return np.reshape(vmap(f, np.ravel(a)), np.shape(a))


def zip_with_vector(f: Callable[[Scalar, Scalar], Scalar], v: Array, w: Array) -> Array:
    """A function of two numbers applied to the items of two vectors of one length."""
    return gx.prelude.zip_with(f, v, w)


# In Haskell these differ in how the derivative of ``f`` is computed and in what ``f`` may use.
vmap_ = dvmap = vmap
mmap_ = dmmap = mmap
zip_with_vector_ = dzip_with_vector = zip_with_vector


# --- Complex vectors ------------------------------------------------------------------------------


def to_complex(re: Array, im: Array) -> Array:
    """The complex vector of two real ones."""
    return re + 1j * im


def from_complex(z: Array) -> tuple[Array, Array]:
    """The real and the imaginary part of a complex vector."""
    return np.real(z), np.imag(z)


def complex_(v: Array) -> Array:
    """A real vector as a complex one."""
    return v + 0j


def real(z: Array) -> Array:
    """The real part."""
    return np.real(z)


def imag(z: Array) -> Array:
    """The imaginary part."""
    return np.imag(z)


def sq_magnitude(z: Array) -> Array:
    """The square of the modulus."""
    return np.real(z) ** 2 + np.imag(z) ** 2


def magnitude(z: Array) -> Array:
    """The modulus, with gradient 0 at 0."""
    return np.abs(z)
