"""SciPy's functions of arrays on a device, beyond the cases of the specification."""

import numpy as np
import pytest

import gradx as gx
from gradx.scipy import fft, integrate, linalg, ndimage, signal
from tests.cuda.places import here, there

X = np.random.default_rng(0).normal(size=(4, 5))
WEIGHTS = np.array([[0.5, -1.0, 2.0], [1.0, 0.2, -0.4]])


@pytest.mark.parametrize("mode", ["reflect", "constant", "mirror", "nearest", "wrap"])
@pytest.mark.parametrize("place", [here, there])
def test_weights_of_either_side_filter_an_image_of_a_device(mode, place):
    def f(x, weights=WEIGHTS):
        y = ndimage.correlate(x, weights, mode=mode)
        return np.sum(y * ndimage.convolve1d(x, weights[0], 0, mode=mode))

    weights = place(WEIGHTS)
    gradient = gx.grad(lambda x: f(x, weights))(there(X))
    np.testing.assert_allclose(here(gradient), gx.grad(f)(X), rtol=1e-10)


@pytest.mark.parametrize(
    ("text", "f"),
    [
        (r"no function for scipy\.linalg\.logm of a singular matrix, or one with eigenvalues below"
         r" zero, so it cannot run .* on the host: scipy\.linalg\.logm\(gx\.to_device\(v, 'cpu'",
         lambda x: linalg.logm(0 * x[:, :4] - there(np.eye(4)))),
        (r"no function for scipy\.linalg\.sqrtm of a singular",
         lambda x: linalg.sqrtm(x[:, :4] * 0)),
    ],
)  # fmt: skip
def test_an_error_names_what_cupy_lacks(text, f):
    with pytest.raises(gx.NotLiftedError, match=text):
        gx.grad(lambda x: np.sum(f(x)))(there(X))


@pytest.mark.parametrize("shape", [(4, 4), (3, 5), (5, 3), (2, 4, 4)])
@pytest.mark.parametrize("deficient", [False, True])
def test_pivots_are_those_of_lapack(shape, deficient):
    x = np.random.default_rng(2).normal(size=shape)
    if deficient:
        x[..., -1] = 0.0
        x[..., 1] = 0.0
    wanted = linalg.qr(x, mode="r", pivoting=True)
    r, order = linalg.qr(there(x), mode="r", pivoting=True)
    np.testing.assert_array_equal(here(order), wanted[1])
    np.testing.assert_allclose(np.abs(here(r)), np.abs(wanted[0]), rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("scale", [1e-12, 1.0, 1e12])
@pytest.mark.parametrize("f", [linalg.sqrtm, linalg.logm])
def test_functions_of_matrices_of_any_size_and_without_a_basis_of_eigenvectors(f, scale):
    x = np.array([[2.0, 1.0, 0.5], [0.0, 2.0, 1.0], [0.0, 0.0, 2.0]]) * scale
    np.testing.assert_allclose(here(f(there(x))), f(x), rtol=1e-12, atol=1e-14 * np.sqrt(scale))


def test_a_logarithm_near_the_identity_keeps_its_digits():
    x = np.eye(3) + 1e-9 * np.arange(9.0).reshape(3, 3)
    np.testing.assert_allclose(here(linalg.logm(there(x))), x - np.eye(3), rtol=1e-7, atol=1e-16)


def test_ranks_and_bases_are_the_hosts():
    x = X[:, :2] @ X[:2]
    for f in (linalg.pinv, linalg.pinvh):
        z = x[:4, :4] @ x[:4, :4].T if f is linalg.pinvh else x
        inverse, rank = f(there(z), return_rank=True, rtol=1e-9)
        wanted, same = f(z, return_rank=True, rtol=1e-9)
        assert rank == same == 2
        np.testing.assert_allclose(here(inverse), wanted, rtol=1e-8, atol=1e-8)
    assert linalg.null_space(there(x)).shape == linalg.null_space(x).shape == (5, 3)
    assert linalg.orth(there(x)).shape == linalg.orth(x).shape == (4, 2)


@pytest.mark.parametrize("norm", ["backward", "forward", "ortho"])
@pytest.mark.parametrize("kind", [1, 2, 3, 4])
@pytest.mark.parametrize("f", [fft.dct, fft.idct, fft.dst, fft.idst])
def test_cosine_and_sine_transforms_of_every_type(f, kind, norm):
    for axis in (0, 1):
        wanted = f(X, kind, axis=axis, norm=norm)
        got = here(f(there(X), kind, axis=axis, norm=norm))
        np.testing.assert_allclose(got, wanted, rtol=1e-10, atol=1e-13)


def test_a_filter_learned_where_the_signal_is():
    taps = there(np.array([0.5, 0.3, -0.2]))

    def f(taps):
        return np.sum(signal.convolve(there(X[0]), taps) ** 2)

    wanted = gx.grad(lambda taps: np.sum(np.convolve(X[0], taps) ** 2))(here(taps))
    np.testing.assert_allclose(here(gx.grad(f)(taps)), wanted, rtol=1e-10)


@pytest.mark.parametrize(
    "f",
    [
        lambda x: linalg.lu(x)[0],
        lambda x: linalg.lu_factor(x)[1],
        lambda x: linalg.lu_solve(linalg.lu_factor(x), x),
        lambda x: linalg.lstsq(x, x[:, 0], 0.1)[0],
        lambda x: linalg.qr(x, mode="r")[0],
        lambda x: linalg.svdvals(x),
        lambda x: ndimage.uniform_filter(x, 3),
    ],
)
def test_plain_arrays_of_a_device_are_computed_where_they_are(f):
    y = f(there(X[:, :4]))
    assert gx.device_of(y) == gx.device_of(there(X))
    np.testing.assert_allclose(
        np.absolute(here(y)), np.absolute(f(X[:, :4])), rtol=1e-10, atol=1e-12
    )


@pytest.mark.parametrize(
    "f",
    [
        lambda x: linalg.cholesky(x),
        lambda x: linalg.cholesky(x, lower=True),
        lambda x: linalg.eigvalsh(x, lower=False),
    ],
)
def test_a_stack_of_as_many_matrices_as_each_has_rows(f):
    xs = np.random.default_rng(1).normal(size=(4, 4, 4))
    xs = xs @ xs.swapaxes(-1, -2) + np.eye(4)
    np.testing.assert_allclose(here(f(there(xs))), f(xs), rtol=1e-10, atol=1e-12)


def test_a_running_integral_keeps_the_precision():
    y = X.astype(np.float32)
    found = integrate.cumulative_trapezoid(there(y), initial=0)
    assert found.dtype == integrate.cumulative_trapezoid(y, initial=0).dtype == np.float32


def test_integrals_by_fixed_places_run_there_and_others_say_what_to_do():
    a = there(np.array(0.5))

    def integral(a):
        return integrate.fixed_quad(lambda x: np.exp(-x), 0.0, a)[0]

    np.testing.assert_allclose(here(gx.grad(integral)(a)), np.exp(-0.5), rtol=1e-9)
    for name, work in {
        "solve_ivp": lambda y: integrate.solve_ivp(lambda t, y: -y, (0, 1), y).y,
        "odeint": lambda y: integrate.odeint(lambda y, t: -y, y, [0.0, 1.0]),
        "quad": lambda y: integrate.quad(lambda x, y: y * x, 0, 1, args=(y,))[0],
    }.items():
        text = rf"no function for scipy\.integrate\.{name}, so it cannot run .* on the host"
        with pytest.raises(gx.NotLiftedError, match=text):
            gx.grad(lambda y, work=work: np.sum(work(y)))(there(np.ones(2)))
