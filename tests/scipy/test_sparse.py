"""Sparse arrays as values: their gradients, what they are, and what is refused."""

import numpy as np
import pytest
import scipy.sparse

import gradx as gx
from gradx.scipy import sparse
from gradx.scipy.sparse.linalg import factorized, splu, spsolve

DENSE = np.array([[4.0, 0.0, 1.0], [0.0, 3.0, 0.0], [2.0, 0.0, 5.0]])
X = np.array([1.0, -2.0, 0.5])
CLASSES = ("coo_array", "coo_matrix", "csc_array", "csc_matrix", "csr_array", "csr_matrix")


@pytest.mark.parametrize("name", CLASSES)
def test_an_array_of_scipys_is_a_value_with_a_gradient_of_its_pattern(name):
    matrix = getattr(scipy.sparse, name)(DENSE)

    def f(a, x):
        assert scipy.sparse.issparse(a) and isinstance(a, getattr(scipy.sparse, name))
        return np.sum((a @ x) ** 2)

    gradient, by_x = gx.grad(f, argnums=(0, 1))(matrix, X)
    assert type(gradient) is type(matrix)
    wanted = np.outer(2 * DENSE @ X, X) * (DENSE != 0)
    np.testing.assert_allclose(gradient.toarray(), wanted)
    np.testing.assert_allclose(by_x, 2 * DENSE.T @ DENSE @ X)
    gradient.data[:] = 0
    if hasattr(gradient, "indices"):
        assert not np.shares_memory(gradient.indices, matrix.indices)


def test_it_is_part_of_a_record_and_of_nested_runs():
    @gx.record
    class Layer:
        w: scipy.sparse.csr_array
        b: np.ndarray

    layer = Layer(scipy.sparse.csr_array(DENSE), np.ones(3))

    def loss(layer):
        return np.sum(np.tanh(layer.w @ X + layer.b))

    gradient = gx.grad(loss)(layer)
    assert type(gradient.w) is scipy.sparse.csr_array and gradient.w.nnz == 5
    norm = gx.grad(lambda layer: np.sum(gx.grad(loss)(layer).b ** 2))(layer)
    assert norm.w.nnz == 5 and np.any(norm.w.data)
    vector, unravel = gx.ravel(layer)
    assert vector.shape == (8,)
    np.testing.assert_array_equal(unravel(vector).w.toarray(), DENSE)
    assert gx.zero(layer).w.nnz == 5


def test_a_constant_matrix_of_gradxs_class_takes_variables():
    matrix = sparse.csr_array(scipy.sparse.csc_array(DENSE))
    np.testing.assert_array_equal(matrix @ X, scipy.sparse.csr_array(DENSE) @ X)
    for f in (lambda x: matrix @ x, lambda x: matrix.dot(x), lambda x: x @ matrix.T):
        np.testing.assert_allclose(gx.grad(lambda x, f=f: np.sum(f(x)))(X), DENSE.sum(0))
    old = sparse.csr_matrix(DENSE)
    np.testing.assert_allclose(gx.grad(lambda x: np.sum(old * x))(X), DENSE.sum(0))
    np.testing.assert_allclose(gx.grad(lambda x: np.sum(x * old))(X), DENSE.sum(1))
    assert scipy.sparse.issparse(matrix @ matrix)
    assert (2 * matrix).sum() == 2 * DENSE.sum() and (matrix / 2 - matrix).nnz == 5


def test_systems_of_equations():
    matrix = scipy.sparse.csc_array(DENSE)
    solve = factorized(matrix)
    np.testing.assert_array_equal(spsolve(matrix, X), scipy.sparse.linalg.spsolve(matrix, X))
    np.testing.assert_array_equal(solve(X), splu(matrix).solve(X))
    assert splu(matrix).shape == (3, 3) and splu(matrix).L.shape == (3, 3)
    inverse = np.linalg.inv(DENSE)
    np.testing.assert_allclose(gx.grad(lambda b: np.sum(solve(b)))(X), inverse.sum(0))
    column = gx.grad(lambda b: np.sum(spsolve(matrix, b)))(X[:, None])
    np.testing.assert_allclose(column[:, 0], inverse.sum(0))
    gradient = gx.grad(lambda a: np.sum(factorized(a)(X)))(matrix)
    wanted = -np.outer(inverse.sum(0), inverse @ X) * (DENSE != 0)
    np.testing.assert_allclose(gradient.toarray(), wanted)


REFUSED = {
    r"\.power of a csr_array of variables": lambda a: a.power(2),
    "@ of two sparse arrays of variables": lambda a: a @ a,
    "the product of two sparse arrays, item by item": lambda a: a.multiply(a),
    "the quotient of a sparse array and an array": lambda a: a / X,
    "the sum of sparse arrays of two patterns": lambda a: a + scipy.sparse.csr_array(np.eye(3)),
    "spsolve with a sparse right-hand side": lambda a: spsolve(a, a),
    r"\.L of the factors of variables": lambda a: splu(a.tocsc()).L,
    "a sparse array made of a dense one": lambda a: sparse.csr_array(a.toarray()),
}


@pytest.mark.parametrize("words", REFUSED)
def test_what_has_no_derivative_is_refused_by_name(words):
    with pytest.raises(gx.NotLiftedError, match=words):
        gx.backprop_with(REFUSED[words], scipy.sparse.csr_array(DENSE))


def test_the_sum_along_an_axis_of_a_matrix_is_refused():
    with pytest.raises(gx.NotLiftedError, match="write csr_array for csr_matrix"):
        gx.backprop_with(lambda a: a.sum(0), scipy.sparse.csr_matrix(DENSE))


def test_scipys_own_errors_stay():
    with pytest.raises(ValueError, match="dimension mismatch"):
        gx.backprop_with(lambda a: a @ np.ones(4), scipy.sparse.csr_array(DENSE))
    with pytest.raises(NotImplementedError):
        gx.backprop_with(lambda a: a + 1.0, scipy.sparse.csr_array(DENSE))


def test_arrays_of_integers_are_static():
    whole = scipy.sparse.csr_array(np.eye(3, dtype=int))
    assert gx.grad(lambda p: np.sum(p["x"] ** 2))({"x": X, "a": whole})["a"] is not None
    with pytest.raises(gx.NotDifferentiableError, match="is an array of dtype int64"):
        gx.grad(lambda a: a.sum())(whole)
