"""SciPy's linear algebra of variables: what specification rows do not say."""

import numpy as np
import pytest
import scipy.linalg as sl

import gradx as gx
import gradx.scipy.linalg as gl
from gradx.errors import NotLiftedError

RNG = np.random.default_rng(3)
A, B = RNG.standard_normal((4, 4)) + 4 * np.eye(4), RNG.standard_normal((4, 2))
POSITIVE, TALL = A @ A.T, RNG.standard_normal((5, 3))
BANDS = RNG.standard_normal((3, 4)) + np.array([[0], [4], [0]])

CALLS = {
    "solve": (A, B),
    "solve_triangular": (A, B),
    "solve_banded": ((1, 1), BANDS, B),
    "solveh_banded": (np.array([[0.0, 1.0, 1.0, 1.0], [9.0, 9.0, 9.0, 9.0]]), B),
    "solve_toeplitz": (B[:, 0] + [9, 0, 0, 0], B),
    "solve_sylvester": (A, A, A),
    "solve_continuous_lyapunov": (A, A),
    "solve_discrete_lyapunov": (A / 9, A),
    "lstsq": (TALL, TALL[:, 0] + 1),
    "inv": (A,),
    "det": (A,),
    "pinv": (TALL,),
    "pinvh": (POSITIVE,),
    "null_space": (TALL.T,),
    "orth": (TALL,),
    "norm": (A,),
    "cholesky": (POSITIVE,),
    "cho_factor": (POSITIVE,),
    "cho_solve": (sl.cho_factor(POSITIVE), B),
    "lu": (TALL,),
    "lu_factor": (A,),
    "lu_solve": (sl.lu_factor(A), B),
    "qr": (A,),
    "svd": (A,),
    "svdvals": (TALL,),
    "eig": (A,),
    "eigvals": (A,),
    "eigh": (POSITIVE,),
    "eigvalsh": (POSITIVE,),
    "expm": (A,),
    "sqrtm": (POSITIVE,),
    **dict.fromkeys(("sinm", "cosm", "tanm", "sinhm", "coshm", "tanhm"), (A / 4,)),
    "block_diag": (A, B),
    "toeplitz": (B[:, 0], B[0]),
    "circulant": (B[:, 0],),
    "hankel": (B[:, 0], B[0]),
}
"""Calls of all functions but `logm`, whose last digits SciPy itself does not fix."""


def parts(y):
    return y if type(y) is tuple else (y,)


@pytest.mark.parametrize("name", sorted(set(gl.__all__) - {"logm"}))
def test_the_value_is_scipys_to_the_bit(name):
    args = CALLS[name]
    wanted = getattr(sl, name)(*args)
    got, _ = gx.backprop_with(lambda x: getattr(gl, name)(*args[:-1], x), args[-1])
    plain = getattr(gl, name)(*args)
    for y in (got, plain):
        assert type(y) is type(wanted) or type(y) in (tuple, np.ndarray)
        for a, b in zip(parts(y), parts(wanted), strict=True):
            np.testing.assert_array_equal(a, b)
            assert np.asarray(a).dtype == np.asarray(b).dtype


def test_the_pseudo_inverse_of_one_triangle_and_its_rank_are_scipys():
    singular = np.triu(TALL @ TALL.T)
    for options in ({"lower": False}, {"lower": False, "atol": 0.5, "rtol": 1e-3}):
        wanted, rank = sl.pinvh(singular, return_rank=True, **options)
        got, _ = gx.backprop_with(lambda x, o=options: gl.pinvh(x, **o, return_rank=True), singular)
        np.testing.assert_array_equal(got[0], wanted)
        assert got[1] == rank


def test_what_counts_as_zero_decides_the_basis_and_its_gradient():
    flat = np.diag([1.0, 1e-3, 0.0])

    def distance(x, rcond):
        basis = gl.null_space(x, rcond)
        return np.sum((basis @ np.conj(basis.T))[0])

    assert gl.null_space(flat).shape == (3, 1)
    assert gl.null_space(flat, 1e-2).shape == (3, 2)
    assert gl.orth(flat, 1e-2).shape == (3, 1)
    gradient, moved = gx.grad(distance)(flat, 1e-2), 1e-6 * np.eye(9).reshape(9, 3, 3)
    slopes = [(distance(flat + d, 1e-2) - distance(flat - d, 1e-2)) / 2e-6 for d in moved]
    np.testing.assert_allclose(gradient.ravel(), slopes, atol=1e-8)
    assert gradient[0, 1] == pytest.approx(-1.000001, rel=1e-9)  # the value that is cut counts


@pytest.mark.parametrize("options", [{}, {"permute_l": True}, {"p_indices": True}])
def test_factors_of_lu_are_scipys(options):
    got, _ = gx.backprop_with(lambda x: gl.lu(x, **options), TALL)
    for a, b in zip(got, sl.lu(TALL, **options), strict=True):
        np.testing.assert_array_equal(a, b)


def test_the_other_triangle_is_not_read():
    """What it holds changes neither the value nor the gradient, and gets none."""
    b, noise = B[:, 0], np.triu(RNG.standard_normal((4, 4)), 1)
    for assumed in ("pos", "sym", "her"):

        def f(x, assumed=assumed):
            return np.sum(gl.solve(x, b, assume_a=assumed, lower=True) ** 2)

        clean, noisy = gx.grad(f)(POSITIVE), gx.grad(f)(POSITIVE + noise)
        np.testing.assert_allclose(clean, noisy, rtol=1e-10)
        assert not np.triu(clean, 1).any()


def test_arrays_are_never_overwritten():
    a, b = A.copy(), B.copy()
    gx.grad_bp(lambda a, b: gl.solve(a, b, overwrite_a=True, overwrite_b=True), a, b)
    np.testing.assert_array_equal(a, A)
    np.testing.assert_array_equal(b, B)


def test_factor_once_and_solve_often():
    """The two steps have the gradient of the one."""

    def one(a, b):
        return np.sum(np.sin(gl.solve(a, b)))

    def with_lu(a, b):
        return np.sum(np.sin(gl.lu_solve(gl.lu_factor(a), b)))

    for got, wanted in zip(gx.grad_bp(with_lu, A, B), gx.grad_bp(one, A, B), strict=True):
        np.testing.assert_allclose(got, wanted, rtol=1e-10)


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda x: gl.qr(x, mode="raw"), r"qr with mode='raw' .*mode='economic'"),
        (lambda x: gl.eig(x, b=x), r"eig of two matrices .*eig\(solve\(b, a\)\)"),
        (lambda x: gl.eig(x, left=True), r"eig with left=True .*for the left vectors"),
        (lambda x: gl.eigh(x, b=x, type=2), r"eigh with type=2 .*type=1"),
        (lambda x: gl.eigh(x, subset_by_index=[0, 1]), r"eigh of a subset .*an index"),
        (lambda x: gl.solve(np.stack([x, x]), x), r"solve of a stack of matrices .*a loop"),
    ],
)
def test_what_has_no_derivative_says_what_to_write(call, text):
    with pytest.raises(NotLiftedError, match=r"scipy\.linalg\." + text):
        gx.grad_bp(call, TALL)


def test_what_is_not_lifted_is_scipys_own():
    assert gl.hadamard is sl.hadamard
    assert gl.LinAlgError is sl.LinAlgError


def test_the_rank_is_a_plain_value():
    got = []
    gx.grad_bp(lambda x: got.append(gl.pinv(x, return_rank=True)[1]) or np.sum(x), TALL)
    assert got == [3]


def test_eigenvalues_of_two_matrices_are_scipys():
    b = sl.toeplitz([4.0, 1.0, 0.0, 0.0])
    for lower in (True, False):
        got, _ = gx.backprop_with(lambda a, lower=lower: gl.eigh(a, b, lower=lower), A)
        for x, y in zip(got, sl.eigh(A, b, lower=lower), strict=True):
            np.testing.assert_array_equal(x, y)
    got, _ = gx.backprop_with(lambda b: gl.eigvalsh(A, b), b)
    np.testing.assert_array_equal(got, sl.eigvalsh(A, b))
