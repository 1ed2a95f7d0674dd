"""Equal eigenvalues or singular values, and singular matrices: the right value or NaN, never 0."""

import numpy as np
import pytest

import gradx as gx
from gradx import scipy


@pytest.fixture(autouse=True)
def quiet():
    """What a mask leaves out may overflow."""
    with np.errstate(all="ignore"):
        yield


def hessian(f, x):
    """The matrix of second derivatives, a row for each item of a vector."""
    first = gx.grad(f)
    return np.array([gx.grad(lambda v, i=i: first(v)[i])(x) for i in range(len(x))])


# --- Equal eigenvalues and singular values --------------------------------------------------------

CROSS = np.array([[0.0, 1.0], [1.0, 0.0]])


def of_matrix(h, weights):
    """The sum of a function of a symmetric matrix with weights: no choice of vectors matters."""

    def f(a):
        w, v = np.linalg.eigh((a + a.T) / 2)
        return np.sum(((v * h(w)) @ v.T) * weights)

    return f


@pytest.mark.parametrize("h", [np.exp, np.log, np.sqrt])
def test_a_function_of_a_matrix_with_equal_eigenvalues_is_nan_or_right(h):
    """At the identity the derivative is h'(1) sym(weights); of np.log, h itself is 0 there."""
    assert np.isnan(gx.grad(of_matrix(h, CROSS))(np.eye(2))).any()
    apart = np.diag([1.0, 2.0])
    slope = float(h(2.0) - h(1.0))
    np.testing.assert_allclose(gx.grad(of_matrix(h, CROSS))(apart), slope * CROSS)


def test_eigenvalues_that_differ_by_rounding_count_as_equal():
    q = np.linalg.qr(np.random.default_rng(0).normal(size=(4, 4)))[0]
    a = q @ np.diag([1.0, 1.0, 2.0, 3.0]) @ q.T
    assert np.isnan(gx.grad(of_matrix(np.exp, np.arange(16.0).reshape(4, 4)))(a)).any()


SPECTRAL_SUMS = {
    "eigvalsh": lambda a: np.sum(np.linalg.eigvalsh(a @ a.T) ** 2),
    "eigh": lambda a: np.sum(np.linalg.eigh(a @ a.T)[0] ** 2),
    "eigh-log": lambda a: np.sum(np.log(np.linalg.eigh(a @ a.T).eigenvalues)),
    "svdvals": lambda a: np.sum(np.linalg.svdvals(a) ** 3),
    "svd": lambda a: np.sum(np.linalg.svd(a)[1] ** 3),
    "nuc": lambda a: np.linalg.norm(a, "nuc"),
    "norm-2-tied": lambda a: np.linalg.norm(a, 2) * 2,
}


@pytest.mark.parametrize("name", SPECTRAL_SUMS)
def test_what_depends_on_equal_eigenvalues_alone_is_right(name):
    """At the identity the gradient is a multiple of it: half the derivative along it."""
    f, h = SPECTRAL_SUMS[name], 1e-6
    slope = (f((1 + h) * np.eye(2)) - f((1 - h) * np.eye(2))) / (4 * h)
    np.testing.assert_allclose(gx.grad(f)(np.eye(2)), slope * np.eye(2), rtol=1e-6, atol=1e-12)


def second(f, weights):
    return gx.grad(lambda a: np.sum(gx.grad(f)(a) * weights))


def symmetric_sum(h):
    return lambda a: np.sum(h(np.linalg.eigvalsh((a + a.T) / 2)))


@pytest.mark.parametrize("a", [np.eye(2), np.zeros((2, 2)), 3 * np.eye(2)])
def test_the_second_derivative_of_a_spectral_sum_is_right_or_nan(a):
    """Of sum(sym(a)**2) it is 2 sym(weights)."""
    f = symmetric_sum(lambda w: w**2)
    np.testing.assert_allclose(second(f, CROSS)(a), 2 * CROSS)
    np.testing.assert_allclose(second(f, np.diag([1.0, 3.0]))(a), np.diag([2.0, 6.0]))
    np.testing.assert_allclose(second(f, CROSS)(np.diag([1.0, 2.0])), 2 * CROSS)
    # Of the trace the second derivative is 0, in every direction.
    np.testing.assert_array_equal(second(symmetric_sum(lambda w: w), CROSS)(a), np.zeros((2, 2)))
    # Of the trace of a function of the matrix it is the function's own second derivative.
    f = symmetric_sum(np.exp)
    assert np.isnan(second(f, CROSS)(a)).any()
    got = second(f, np.diag([1.0, 3.0]))(a)
    np.testing.assert_allclose(got, np.exp(a[0, 0]) * np.diag([1.0, 3.0]))
    # Not symmetric in the eigenvalues: the derivative itself has a jump.
    assert np.isnan(second(lambda a: np.linalg.eigvalsh(a)[0] ** 2, CROSS)(np.eye(2))).any()


SQUARES = {
    "eigh": lambda a: np.linalg.eigh(a)[0],
    "eig": lambda a: np.real(np.linalg.eig(a)[0]),
    "svd": lambda a: np.linalg.svd(a)[1],
    "svd-reduced": lambda a: np.linalg.svd(a, full_matrices=False)[1],
    "svd-hermitian": lambda a: np.linalg.svd(a, hermitian=True)[1],
    "scipy-eigh": lambda a: scipy.linalg.eigh(a)[0],
    "scipy-eigh-of-two": lambda a: scipy.linalg.eigh(a, np.eye(len(a)))[0],
    "scipy-eig": lambda a: np.real(scipy.linalg.eig(a)[0]),
    "scipy-svd": lambda a: scipy.linalg.svd(a)[1],
}


@pytest.mark.parametrize("name", SQUARES)
@pytest.mark.parametrize("a", [np.eye(2), np.diag([1.0, 1.0, 2.0]), np.diag([1.0, 3.0])])
def test_the_second_derivative_is_nan_where_the_first_used_equal_vectors(name, a):
    """Whether one asked for the vectors or not: the first derivative is made with them."""
    weights = np.zeros(a.shape)
    weights[:2, :2] = CROSS
    got = second(lambda a: np.sum(SQUARES[name]((a + a.T) / 2) ** 2), weights)(a)
    if a[0, 0] == a[1, 1]:
        assert np.isnan(got).any()
    else:
        np.testing.assert_allclose(got, 2 * weights, atol=1e-12)


def test_the_second_derivative_of_a_nuclear_norm():
    weights, h = np.array([[1.0, 2.0], [3.0, 4.0]]), 1e-5
    first = gx.grad(lambda a: np.linalg.norm(a, "nuc"))
    got = gx.grad(lambda a: np.sum(first(a) * weights))(np.eye(2))
    np.testing.assert_allclose(got, [[0, -0.5], [0.5, 0]], atol=1e-12)
    for a in (np.eye(2), np.array([[2.0, 1.0], [0.3, 0.7]]), np.ones((3, 2)) + np.eye(3, 2)):
        weights = np.arange(1.0, a.size + 1).reshape(a.shape)
        got = gx.grad(lambda a, w=weights: np.sum(first(a) * w))(a)
        for i in np.ndindex(a.shape):
            step = np.zeros(a.shape)
            step[i] = h
            numeric = np.sum((first(a + step) - first(a - step)) * weights) / (2 * h)
            assert got[i] == pytest.approx(numeric, abs=1e-4)


def test_vectors_that_nobody_used_may_have_equal_eigenvalues():
    x = np.random.default_rng(0).normal(size=(3, 6))  # so x.T @ x has the eigenvalue 0 three times
    for f in (
        lambda x: np.sum(np.abs(np.linalg.eigh(x.T @ x)[1][:, -1])),
        lambda x: np.sum(np.abs(np.linalg.eigh(x.T @ x).eigenvectors[:, -3:])),
        lambda x: np.sum(np.abs(np.linalg.svd(x.T @ x)[0][:, :2])),
        lambda x: np.sum(np.abs(np.linalg.svd(x.T @ x)[2][1])),
    ):
        got, h = gx.grad(f)(x), 1e-6
        for i in np.ndindex(x.shape):
            step = np.zeros(x.shape)
            step[i] = h
            assert got[i] == pytest.approx((f(x + step) - f(x - step)) / (2 * h), abs=1e-6)
    for f in (
        lambda x: np.sum(np.linalg.eigh(x.T @ x)[1] ** 3),
        lambda x: np.sum(np.linalg.eigh(x.T @ x)[1][:, 0] ** 3),
        lambda x: np.sum(np.linalg.svd(x.T @ x)[0] ** 3),
        lambda x: np.sum(np.linalg.svd(x.T @ x)[2][-1] ** 3),
    ):
        assert np.isnan(gx.grad(f)(x)).any()


@pytest.mark.parametrize("a", [np.eye(2), np.zeros((3, 2)), np.zeros((2, 3)), np.ones((2, 2))])
def test_singular_vectors_of_equal_singular_values_or_zero_are_nan(a):
    def f(a):
        u, s, vh = np.linalg.svd(a, full_matrices=False)
        return np.sum(u**3) + np.sum(s) + np.sum(vh**3)

    got = gx.grad(f)(a)
    if a.all():  # one singular value is 0, but none is equal to another
        assert np.isfinite(got).all()
    else:
        assert np.isnan(got).any()


def test_a_norm_of_a_matrix_of_rank_one_is_right():
    a = np.outer([1.0, 2.0], [3.0, 1.0])
    wanted = a / np.linalg.norm(a)
    np.testing.assert_allclose(gx.grad(lambda a: np.linalg.norm(a, 2))(a), wanted)
    a = np.diag([2.0, 0.0])
    np.testing.assert_array_equal(gx.grad(lambda a: np.linalg.norm(a, "nuc"))(a), np.diag([1, 0]))


# --- Determinants of singular matrices ------------------------------------------------------------


@pytest.mark.parametrize("rank", [0, 1, 2, 3, 4])
def test_the_second_derivative_of_a_determinant(rank):
    rng = np.random.default_rng(rank)
    a, weights, h = (
        rng.normal(size=(4, rank)) @ rng.normal(size=(rank, 4)),
        rng.normal(size=(4, 4)),
        1e-5,
    )
    first = gx.grad(np.linalg.det)
    got = gx.grad(lambda a: np.sum(first(a) * weights))(a)
    for i in np.ndindex(a.shape):
        step = np.zeros(a.shape)
        step[i] = h
        numeric = np.sum((first(a + step) - first(a - step)) * weights) / (2 * h)
        assert got[i] == pytest.approx(numeric, abs=1e-7)


def test_the_trace_of_the_cofactors_of_a_singular_matrix():
    a = np.array([[1.0, 2.0], [2.0, 4.0]])
    got = gx.grad(lambda a: np.trace(gx.grad(np.linalg.det)(a)))(a)
    np.testing.assert_allclose(got, np.eye(2), atol=1e-14)


def test_singular_matrices_raise_where_numpy_does():
    a = np.ones((2, 2))
    for f in (
        np.linalg.inv,
        lambda a: np.linalg.solve(a, a[0]),
        lambda a: np.linalg.matrix_power(a, -1),
    ):
        with pytest.raises(np.linalg.LinAlgError, match="Singular"):
            gx.grad_bp(f, a)
    np.testing.assert_array_equal(hessian(np.prod, np.array([0.0, 0.0, 3.0]))[0], [0, 3, 0])


# --- Matrices without symmetry --------------------------------------------------------------------


def power_by_eig(a):
    """The sum of the items of ``a**3``, in a way that depends on no length or phase of vectors."""
    w, v = np.linalg.eig(a)
    return np.sum(np.real(v * w**3 @ np.linalg.inv(v)))


def power(a):
    return np.sum(a @ a @ a)


@pytest.mark.parametrize("seed", range(20))
def test_vectors_of_equal_eigenvalues_without_symmetry_give_nan_or_what_is_right(seed):
    x = np.random.default_rng(seed).normal(size=(4, 4))
    a = x @ np.diag([1.0, 1.0, 2.0, 3.0]) @ np.linalg.inv(x)
    grad, wanted = gx.grad(power_by_eig)(a), gx.grad(power)(a)
    assert np.isnan(grad).any() or np.allclose(grad, wanted, rtol=1e-4)
    apart = x @ np.diag([1.0, 1.5, 2.0, 3.0]) @ np.linalg.inv(x)
    np.testing.assert_allclose(gx.grad(power_by_eig)(apart), gx.grad(power)(apart), rtol=1e-6)


def test_equal_eigenvalues_alone_without_symmetry():
    a = np.array([[2.0, 0.0, 1.0], [0.0, 2.0, -1.0], [0.0, 0.0, 3.0]])
    for values in (np.linalg.eigvals, lambda a: np.linalg.eig(a)[0]):
        grad = gx.grad(lambda a, values=values: np.sum(np.real(values(a)) ** 2))(a)
        np.testing.assert_allclose(grad, 2 * a.T, atol=1e-12)


DEFECTIVE = {
    "2": [[1.0, 1.0], [0.0, 1.0]],
    "of zeros": [[0.0, 1.0], [0.0, 0.0]],
    "3": [[1.0, 1.0, 0.0], [0.0, 1.0, 1.0], [0.0, 0.0, 1.0]],
    "in a plane": [[1.0, 0.0, 1.0], [0.0, 1.0, 1.0], [0.0, 0.0, 1.0]],
    "beside another": [[1.0, 1.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 5.0]],
}


@pytest.mark.parametrize("name", DEFECTIVE)
@pytest.mark.parametrize("values", [np.linalg.eigvals, lambda a: np.linalg.eig(a)[0]])
def test_the_eigenvalues_of_a_defective_matrix_have_no_gradient(name, values):
    """That of sum(w**2) is 2 a.T; vectors that span too little tell its diagonal alone."""
    a = np.array(DEFECTIVE[name])
    assert np.isnan(gx.grad(lambda a: np.sum(np.real(values(a)) ** 2))(a)).all()
    grad = gx.grad(lambda a: np.sum(np.real(values(a)) ** 2))(np.stack([np.eye(len(a)), a]))
    np.testing.assert_array_equal(grad[0], 2 * np.eye(len(a)))
    assert np.isnan(grad[1]).all()


def test_nearly_defective_matrices_have_gradients():
    for a in (
        [[3.0, 1.0], [-1.0, 1.0]],
        [[1.0, 1.0], [0.0, 1.0 + 1e-6]],
        [[1.0, 1e-9], [0.0, 1.0]],
    ):
        grad = gx.grad(lambda a: np.sum(np.real(np.linalg.eigvals(a)) ** 2))(np.array(a))
        np.testing.assert_allclose(grad, 2 * np.array(a).T, atol=1e-8)


def test_a_vector_that_nothing_else_is_equal_to_has_a_gradient_without_symmetry():
    a = np.array([[1.0, 0.0, 1.0], [0.0, 1.0, -1.0], [0.0, 0.0, 3.0]])

    def last(a):
        w, v = np.linalg.eig(a)
        return np.sum(v[:, np.argmax(w)] ** 4)

    gx.check_grads(last, a, order=1)


def test_conditions_of_singular_matrices_are_infinite_as_in_numpy():
    stack = np.stack([np.ones((2, 2)), [[1.0, 2.0], [3.0, 5.0]]])
    for order in (1, "fro"):
        y, grad = gx.backprop(lambda a, order=order: np.linalg.cond(a, order), stack)
        np.testing.assert_array_equal(y, np.linalg.cond(stack, order))
        wanted = gx.grad(lambda a, order=order: np.linalg.cond(a, order))(stack[1])
        assert not np.isfinite(grad[0]).any()
        np.testing.assert_allclose(grad[1], wanted)
