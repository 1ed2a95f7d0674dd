"""Sparse arrays whose items are on a device, beyond the cases of the specification."""

import importlib

import numpy as np
import pytest
import scipy.sparse

import gradx as gx
from gradx.scipy import sparse
from gradx.scipy.sparse.linalg import factorized, splu, spsolve
from tests.cuda.places import here, there

DENSE = np.array([[4.0, 0.0, 1.0], [0.0, 3.0, 0.0], [2.0, 0.0, 5.0]])
X = np.array([[1.0, -2.0], [0.5, 3.0], [-1.5, 0.25]])
CLASSES = ("coo_array", "coo_matrix", "csc_array", "csc_matrix", "csr_array", "csr_matrix")
TWICE = (
    np.array([1.0, 2.0, 3.0, 4.0, 6.0]),
    (np.array([0, 0, 1, 2, 0]), np.array([0, 0, 1, 2, 1])),
)


@pytest.mark.parametrize("name", CLASSES)
def test_an_array_goes_there_and_back(name):
    matrix = getattr(scipy.sparse, name)(DENSE)
    moved = gx.to_device(matrix, "cuda")
    assert gx.device_of(moved) == gx.Device("cuda") and isinstance(moved, type(matrix))
    back = gx.to_device(moved, "cpu")
    assert type(back) is type(matrix)
    np.testing.assert_array_equal(back.toarray(), DENSE)

    gradient, by_x = gx.grad(lambda a, x: np.sum((a @ x) ** 2), argnums=(0, 1))(moved, there(X))
    wanted, by_here = gx.grad(lambda a, x: np.sum((a @ x) ** 2), argnums=(0, 1))(matrix, X)
    assert isinstance(gradient, type(matrix)) and gx.device_of(gradient) == gx.Device("cuda")
    np.testing.assert_allclose(here(gradient).toarray(), wanted.toarray(), rtol=1e-12)
    np.testing.assert_allclose(here(by_x), by_here, rtol=1e-12)


def test_plain_arrays_are_multiplied_there():
    a, x = there(scipy.sparse.csr_array(DENSE)), there(X)
    for got, wanted in (
        (a @ x, DENSE @ X),
        (x.T @ a, X.T @ DENSE),
        (a.dot(x[:, 0]), DENSE @ X[:, 0]),
        ((2 * a - a.T / 2).toarray(), 2 * DENSE - DENSE.T / 2),
        ((a @ a).toarray(), DENSE @ DENSE),
        (a.multiply(x @ x.T).toarray(), DENSE * (X @ X.T)),
        (a.sum(axis=0), DENSE.sum(0)),
        (a + x @ x.T, DENSE + X @ X.T),
    ):
        assert gx.device_of(got) == gx.device_of(x)
        np.testing.assert_allclose(here(got), wanted, rtol=1e-12)


def test_the_product_is_that_of_each_row_in_order_whatever_the_dtype():
    rng = np.random.default_rng(0)
    whole = scipy.sparse.random_array((40, 30), density=0.4, rng=rng)
    for dtype in ("f", "d", "F", "D"):
        plain = whole.astype(dtype).tocsr()
        x = rng.normal(size=(30, 7)).astype(dtype)
        got = there(plain) @ there(x)
        assert got.dtype == np.dtype(dtype)
        np.testing.assert_array_equal(here(got), here(there(plain) @ there(x)))
        np.testing.assert_allclose(here(got), plain @ x, rtol=1e-4 if dtype in "fF" else 1e-12)
    half = here(there(plain.real.astype("f")) @ there(x.real.astype("e")))
    assert half.dtype == np.float32


@pytest.mark.parametrize("format", ["csr", "csc", "coo"])
def test_an_array_of_cupys_becomes_one_that_takes_variables(format):
    cupyx = importlib.import_module("cupyx.scipy.sparse")
    plain = getattr(scipy.sparse, f"{format}_matrix")(DENSE)
    own = getattr(cupyx, f"{format}_matrix")(plain)
    a = sparse.csr_array(own)
    np.testing.assert_allclose(here(a.toarray()), DENSE)
    gradient = gx.grad(lambda a: np.sum((a @ there(X)) ** 2))(a)
    wanted = gx.grad(lambda a: np.sum((a @ X) ** 2))(scipy.sparse.csr_array(DENSE))
    np.testing.assert_allclose(here(gradient).toarray(), wanted.toarray(), rtol=1e-12)


@pytest.mark.parametrize("items", [1.0, 1.0 + 0.5j])
@pytest.mark.parametrize("right", [1.0, 2.0 - 1j])
def test_systems_of_any_numbers(items, right):
    data, places = TWICE
    a, b = scipy.sparse.coo_array((data * items, places), (3, 3)), X * right

    def by_qr(a, b):
        return spsolve(a.tocsr(), b)

    def by_lu(a, b):
        return splu(a.tocsc()).solve(b, "T")

    for solve in (by_qr, by_lu):
        got = solve(there(a), there(b))
        dense = a.toarray() if solve is by_qr else a.toarray().T
        np.testing.assert_allclose(here(got), np.linalg.solve(dense, b), rtol=1e-12)
        by_a, by_b = gx.grad_bp(solve, there(a), there(b))
        wanted_a, wanted_b = gx.grad_bp(
            lambda data, b, solve=solve: solve(sparse.coo_array((data, places), (3, 3)), b),
            a.data, b,
        )  # fmt: skip
        np.testing.assert_allclose(here(by_a).data, wanted_a, rtol=1e-10)
        np.testing.assert_allclose(here(by_b), wanted_b, rtol=1e-10)


def test_factors_are_used_for_many_right_hand_sides():
    solve = factorized(there(scipy.sparse.csc_array(DENSE)))
    for k in range(2):
        np.testing.assert_allclose(
            here(solve(there(X[:, k]))), np.linalg.solve(DENSE, X[:, k]), rtol=1e-12
        )
    tangent = gx.jvp(solve, (there(X),), (there(X),))[1]
    np.testing.assert_allclose(here(tangent), np.linalg.solve(DENSE, X), rtol=1e-12)


def test_it_is_part_of_a_record_that_trains():
    layer = {"w": scipy.sparse.csr_array(DENSE), "b": np.ones(3)}
    device = gx.to_device(layer, "cuda")

    def loss(layer, x):
        return np.sum(np.tanh(layer["w"] @ x + layer["b"][:, None]) ** 2)

    for _ in range(3):
        layer = gx.updates.sgd(layer, gx.grad(loss)(layer, X), 0.1)
        device = gx.updates.sgd(device, gx.grad(loss)(device, there(X)), 0.1)
    np.testing.assert_allclose(here(device)["w"].toarray(), layer["w"].toarray(), rtol=1e-10)


def test_a_batch_of_vectors():
    a = there(scipy.sparse.csr_array(DENSE))
    got = gx.vmap(lambda x: a @ x)(there(X.T))
    np.testing.assert_allclose(here(got), X.T @ DENSE.T, rtol=1e-12)


def test_what_is_on_two_devices_is_an_error():
    a, x = scipy.sparse.csr_array(DENSE), X
    lifted = sparse.csr_array(a)
    for work in (
        lambda: there(a) @ x,
        lambda: lifted @ there(x),
        lambda: there(a) + lifted,
        lambda: there(a) @ lifted,
        lambda: there(a).multiply(DENSE),
        lambda: spsolve(there(a), x),
        lambda: splu(there(a.tocsc())).solve(x),
        lambda: sparse.vstack([there(a), lifted]),
        lambda: gx.grad(lambda x: np.sum(there(a) @ x))(x),
        lambda: sparse.eye_array(3) @ there(x),
    ):
        with pytest.raises(gx.DeviceMismatchError, match="takes arrays of one device"):
            work()


def test_what_it_has_not_is_named():
    a = there(scipy.sparse.csr_array(DENSE))
    with pytest.raises(gx.NotLiftedError, match=r"\.power of a csr_array on a device has no deriv"):
        a.power(2)
    with pytest.raises(gx.NotLiftedError, match="An item or a part of a csr_array on a dev"):
        a[0]
    with pytest.raises(ValueError, match="dimension mismatch"):
        a @ there(np.ones(4))
    with pytest.raises(gx.NotLiftedError, match=r"\.L of the factors of variables, or on a device"):
        splu(there(scipy.sparse.csc_array(DENSE))).L  # noqa: B018
