"""Signals, images, transforms and distances: SciPy's own on plain values, refusals by name."""

import re

import numpy as np
import pytest
import scipy.fft
import scipy.fftpack
import scipy.ndimage
import scipy.signal
import scipy.spatial.distance

import gradx as gx
from gradx.scipy import fft, fftpack, ndimage, signal
from gradx.scipy.spatial import distance
from tests.architecture.sources import ROOT

X = np.random.default_rng(0).normal(size=(6, 5))
MODULES = [
    (fft, scipy.fft),
    (ndimage, scipy.ndimage),
    (signal, scipy.signal),
    (distance, scipy.spatial.distance),
]


@pytest.mark.parametrize(("mine", "theirs"), [*MODULES, (fftpack, scipy.fftpack)])
def test_names_are_scipys(mine, theirs):
    for name in mine.__all__:
        assert callable(getattr(theirs, name)), name
    other = next(name for name in theirs.__all__ if name not in mine.__all__)
    assert getattr(mine, other) is getattr(theirs, other)


@pytest.mark.parametrize(
    "name", ["fft", "fftpack", "integrate", "interpolate", "ndimage", "signal"]
)
def test_the_document_names_what_is_lifted(name):
    text = (ROOT / "docs" / "scipy-arrays.md").read_text(encoding="utf-8")
    known = set(re.findall(r"\w+", text)) | {f"{word}1d" for word in re.findall(r"\w+", text)}
    lifted = getattr(gx.scipy, name).__all__
    assert [each for each in lifted if each not in known and not hasattr(np.fft, each)] == []


CALLS = {
    "dct": lambda fft, nd, sig, dist: fft.dct(X, 2, orthogonalize=True),
    "gaussian": lambda fft, nd, sig, dist: nd.gaussian_filter(X, 1.0, output=np.float32),
    "coordinates": lambda fft, nd, sig, dist: nd.map_coordinates(X, [[1.2], [0.3]], mode="wrap"),
    "savgol": lambda fft, nd, sig, dist: sig.savgol_filter(X, 3, 1),
    "hamming": lambda fft, nd, sig, dist: dist.cdist(X > 0, X > 1, "hamming"),
}


@pytest.mark.parametrize("name", CALLS)
def test_plain_calls_are_scipys_own(name):
    got = CALLS[name](fft, ndimage, signal, distance)
    own = CALLS[name](*(theirs for _, theirs in MODULES))
    assert got.dtype == own.dtype
    np.testing.assert_array_equal(got, own)


def test_values_on_variables_are_scipys_to_the_bit():
    def f(x):
        parts = [fft.fftn(x), fft.dst(x, 3), ndimage.gaussian_filter(x, 0.7), ndimage.sobel(x)]
        parts += [ndimage.uniform_filter(x, 4), signal.savgol_filter(x, 3, 1)]
        parts += [signal.correlate(x, x[:2]), distance.cdist(x, x, "minkowski", p=3)]
        return [*parts, ndimage.map_coordinates(x, [[1.2], [0.3]], mode="mirror")]

    for got, own in zip(gx.backprop_with(f, X)[0], f(X), strict=True):
        np.testing.assert_array_equal(got, own)


def test_points_that_coincide_have_the_derivative_zero():
    x = np.array([[1.0, 2.0], [1.0, 2.0], [0.0, 0.0]])
    for metric in ("euclidean", "minkowski", "cityblock", "canberra", "chebyshev"):
        gradient = gx.grad(lambda x, m=metric: np.sum(distance.pdist(x, m)))(x)
        assert np.all(np.isfinite(gradient)), metric
    gradient = gx.grad(lambda x: np.sum(distance.cdist(x, x)))(x)
    np.testing.assert_allclose(gradient[0], gradient[1])


@pytest.mark.parametrize("scale", [1e-13, 1e13])
@pytest.mark.parametrize("metric", ["euclidean", "cosine", "correlation", "minkowski"])
def test_derivatives_of_distances_of_singles_are_computed_in_double_precision(metric, scale):
    """As SciPy computes the distances: the third power of 1e13 is no single."""
    options = {"p": 3} if metric == "minkowski" else {}
    x = (np.random.default_rng(0).normal(size=(4, 3)) * scale).astype(np.float32)
    for f in (
        lambda x: distance.pdist(x, metric, **options),
        lambda x: distance.cdist(x, x[:2], metric, **options),
    ):
        weights = np.arange(f(x).size).reshape(f(x).shape)
        grad = gx.grad(lambda x, f=f, w=weights: np.sum(f(x) * w))
        got, wanted = grad(x), grad(x.astype(float))
        assert got.dtype == np.float32
        np.testing.assert_allclose(got, wanted, rtol=1e-5, atol=1e-6 * np.max(np.abs(wanted)))


REFUSED = {
    "dct with orthogonalize=": lambda x: fft.dct(x, orthogonalize=False),
    "ndimage.correlate by its weights": lambda x: ndimage.correlate(np.eye(6, dtype=int), x),
    "ndimage.convolve with complex weights": lambda x: ndimage.convolve(x, [[1j]]),
    r"ndimage.sobel with output=": lambda x: ndimage.sobel(x, output=np.float32),
    "ndimage.gaussian_filter by sigma": lambda x: ndimage.gaussian_filter(x, x[0, 0]),
    "map_coordinates with mode='wrap'": lambda x: ndimage.map_coordinates(x, [[1]], mode="wrap"),
    "savgol_filter by delta and cval": lambda x: signal.savgol_filter(x, 3, 1, delta=x[0, 0]),
    "the metric 'hamming' has no derivative": lambda x: distance.cdist(x, x, "hamming"),
    "cdist and pdist with a function": lambda x: distance.pdist(x, lambda u, v: 0.0),
    "cdist with out=": lambda x: distance.cdist(x, x, out=np.zeros((6, 6))),
}


@pytest.mark.parametrize("words", REFUSED)
def test_what_has_no_derivative_is_refused_by_name(words):
    with pytest.raises(gx.NotLiftedError, match=words):
        gx.backprop_with(REFUSED[words], X)


def test_the_dtype_of_the_array_may_be_asked_for():
    for f in (ndimage.gaussian_filter, ndimage.map_coordinates):
        more = (1.0,) if f is ndimage.gaussian_filter else ([[1.2, 0.3], [0.4, 3.1]],)
        y, g = gx.backprop(lambda x: f(x, *more, output=float), X)  # noqa: B023
        wanted = gx.backprop(lambda x: f(x, *more), X)  # noqa: B023
        np.testing.assert_array_equal(y, wanted[0])
        np.testing.assert_array_equal(g, wanted[1])


OLDER = {
    "fft": lambda f, x: np.abs(f.fft(x, 9, 0)),
    "ifft": lambda f, x: np.real(f.ifft(x)),
    "fft2": lambda f, x: np.imag(f.fft2(x)),
    "ifftn": lambda f, x: np.real(f.ifftn(x, [4, 6], [0, 1])),
    "rfft": lambda f, x: f.rfft(x),
    "rfft of an even number": lambda f, x: f.rfft(x, axis=0),
    "rfft of fewer": lambda f, x: f.rfft(x, 4),
    "rfft of more": lambda f, x: f.rfft(x, 8),
    "irfft": lambda f, x: f.irfft(x),
    "irfft of an even number": lambda f, x: f.irfft(x, axis=0),
    "irfft of fewer": lambda f, x: f.irfft(x, 4),
    "irfft of more": lambda f, x: f.irfft(x, 8),
    "dct": lambda f, x: f.dct(x, 3, norm="ortho"),
    "idct": lambda f, x: f.idct(x),
    "idst": lambda f, x: f.idst(x, 4, axis=0),
    "fftshift": lambda f, x: f.fftshift(x),
}


@pytest.mark.parametrize("name", OLDER)
def test_the_older_transforms(name):
    call = OLDER[name]
    wanted = call(scipy.fftpack, X)
    y = gx.backprop(lambda x: call(fftpack, x), X)[0]
    np.testing.assert_array_equal(y, wanted)
    np.testing.assert_array_equal(call(fftpack, X), wanted)
    gx.check_grads(lambda x: call(fftpack, x), X)


def test_a_mode_that_does_not_exist():
    with pytest.raises(RuntimeError, match="boundary mode not supported"):  # as SciPy
        gx.backprop_with(lambda x: ndimage.laplace(x, mode="nonsense"), X)
