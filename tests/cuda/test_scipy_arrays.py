"""SciPy's functions of arrays on a device, beyond the cases of the specification."""

import numpy as np
import pytest

import gradx as gx
from gradx.scipy import fft, integrate, linalg, ndimage, signal
from tests.cuda.places import here, there

X = np.random.default_rng(0).normal(size=(4, 5))
WEIGHTS = np.array([[0.5, -1.0, 2.0], [1.0, 0.2, -0.4]])


@pytest.mark.parametrize("mode", ["reflect", "constant", "mirror", "nearest", "wrap"])
def test_weights_of_the_host_filter_an_image_of_a_device(mode):
    def f(x):
        y = ndimage.correlate(x, WEIGHTS, mode=mode)
        return np.sum(y * ndimage.convolve1d(x, WEIGHTS[0], 0, mode=mode))

    assert here(gx.value(gx.grad(f)(there(X)))).shape == X.shape
    np.testing.assert_allclose(here(gx.grad(f)(there(X))), gx.grad(f)(X), rtol=1e-10)


@pytest.mark.parametrize(
    ("text", "f"),
    [
        (r"correlate takes its weights from the host, .* gx\.to_device\(weights, 'cpu'\)",
         lambda x: ndimage.correlate(x, there(WEIGHTS))),
        (r"cupy has no function for scipy\.fft\.dct of type 1, so", lambda x: fft.dct(x, 1)),
        (r"no function for scipy\.linalg\.solve with assume_a, so",
         lambda x: linalg.solve(x[:, :4], x[:, 4], assume_a="sym")),
        (r"no function for scipy\.linalg\.solve with lower, so",
         lambda x: linalg.solve(x[:, :4], x[:, 4], lower=True)),
        (r"no function for scipy\.linalg\.eigh of 2 arrays, so",
         lambda x: linalg.eigh(x[:, :4], x[:, 1:])[0]),
        (r"no function for scipy\.linalg\.logm, so", lambda x: linalg.logm(x[:, :4])),
    ],
)  # fmt: skip
def test_an_error_names_what_cupy_lacks(text, f):
    with pytest.raises(gx.NotLiftedError, match=text):
        gx.grad(lambda x: np.sum(f(x)))(there(X))


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
