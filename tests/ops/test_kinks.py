"""Kinks and edges: what the derivative is where there is none, and errors of the algebra."""

import numpy as np
import pytest

import gradx as gx
from gradx.errors import AssignmentError, ConversionError, NotLiftedError

NAN, INF = np.nan, np.inf


def assert_gradient(f, x, wanted):
    """The gradient, and that finding it divides by nothing."""
    with np.errstate(all="raise"):
        got = gx.grad_bp(f, x)
    np.testing.assert_array_equal(got, np.asarray(wanted, float))


AT_A_KINK = {
    "absolute": (lambda x: np.absolute(x), [-1.0, 0.0, 2.0], [-1, 0, 1]),
    "abs": (lambda x: abs(x), [-1.0, 0.0, 2.0], [-1, 0, 1]),
    "sign": (lambda x: np.sign(x), [-1.0, 0.0, 2.0], [0, 0, 0]),
    "maximum": (lambda x: np.maximum(x, 1.0), [0.0, 1.0, 2.0], [0, 0.5, 1]),
    "minimum": (lambda x: np.minimum(1.0, x), [0.0, 1.0, 2.0], [1, 0.5, 0]),
    "fmax-nan": (lambda x: np.fmax(x, NAN), [1.0], [1]),
    "fmax-is-nan": (lambda x: np.fmax(x, 2.0), [NAN], [0]),
    "fmin-nan": (lambda x: np.fmin(NAN, x), [1.0], [1]),
    "hypot": (lambda x: np.hypot(x, 0.0), [0.0, 2.0], [0, 1]),
    "arctan2": (lambda x: np.arctan2(x, 0.0), [0.0], [0]),
    "copysign": (lambda x: np.copysign(x, -1.0), [0.0, -2.0, 2.0], [0, 1, -1]),
    "power-of-0": (lambda x: np.power(x, 0.0), [0.0, 2.0], [0, 0]),
    "operator-power-0": (lambda x: x**0, [0.0], [0]),
    "operator-power-0.0": (lambda x: x**0.0, [0.0], [0]),
    "power-1-at-0": (lambda x: np.power(x, 1.0), [0.0], [1]),
    "zero-to-the": (lambda x: np.power(0.0, x), [0.5, 2.0], [0, 0]),
    "operator-zero-to-the": (lambda x: 0.0**x, [0.5, 2.0], [0, 0]),
    "norm": (lambda x: np.linalg.norm(x), [0.0, 0.0], [0, 0]),
    "norm-3": (lambda x: np.linalg.norm(x, 3), [0.0, 0.0], [0, 0]),
    "norm-1": (lambda x: np.linalg.norm(x, 1), [0.0, 2.0], [0, 1]),
    "norm-inf": (lambda x: np.linalg.norm(x, INF), [2.0, -2.0], [0.5, -0.5]),
    "norm-nuc": (lambda x: np.linalg.norm(x, "nuc"), np.zeros((2, 2)), np.zeros((2, 2))),
    "norm-2": (lambda x: np.linalg.norm(x, 2), np.zeros((2, 2)), np.zeros((2, 2))),
    "sinc": (lambda x: np.sinc(x), [0.0], [0]),
    "heaviside": (lambda x: np.heaviside([-1.0, 0.0, 1.0], x), [3.0, 3.0, 3.0], [0, 1, 0]),
    "cumprod": (lambda x: np.cumprod(x)[-1:], [0.0, 2.0, 3.0], [6, 0, 0]),
    "logaddexp": (lambda x: np.logaddexp(x, -INF), [-INF, 1.0], [0, 1]),
    "nan_to_num": (lambda x: np.nan_to_num(x), [NAN, INF, 1.0], [0, 0, 1]),
    "interp-corner": (lambda x: np.interp(x, [0, 1, 2], [0.0, 1.0, 4.0]), [1.0], [3]),
    "real": (lambda x: np.real(x), [2.0], [1]),
    "eigh-equal": (lambda x: np.linalg.eigh(x)[0], np.eye(2), np.eye(2)),
}


@pytest.mark.parametrize("name", AT_A_KINK)
def test_at_a_kink(name):
    f, x, wanted = AT_A_KINK[name]
    assert_gradient(f, np.asarray(x, float), wanted)


def test_complex_modulus_and_sign_at_zero():
    z = np.array([0j, 3 + 4j])
    np.testing.assert_allclose(gx.grad_bp(lambda v: np.absolute(v), z), [0, 0.6 + 0.8j])
    assert gx.grad_bp(lambda v: np.sign(v), z)[0] == 0


def test_determinant_of_a_singular_matrix():
    x = np.array([[1.0, 2.0], [2.0, 4.0]])
    np.testing.assert_allclose(gx.grad_bp(np.linalg.det, x), [[4, -2], [-2, 1]], atol=1e-13)


def test_the_derivatives_of_sinc_at_zero():
    f = np.sinc
    for wanted in (0.0, -(np.pi**2) / 3, 0.0, np.pi**4 / 5):
        f = gx.grad(f)
        assert f(0.0) == pytest.approx(wanted)


def test_named_results_are_of_their_classes():
    def f(x):
        assert type(np.linalg.slogdet(x)).__name__ == "SlogdetResult"
        assert type(np.linalg.eigh(x)).__name__ == "EighResult"
        assert type(np.linalg.svd(x)).__name__ == "SVDResult"
        q, r = np.linalg.qr(x)
        return np.sum(q @ r) + np.linalg.slogdet(x).logabsdet

    np.testing.assert_allclose(gx.grad_bp(f, np.eye(2)), np.ones((2, 2)) + np.eye(2))


ERRORS = {
    "cross": (lambda x: np.cross(x[:2], x[:2]), ValueError, "three items"),
    "einsum-count": (lambda x: np.einsum("i,i", x), ValueError, "names 2 arrays and was given 1"),
    "einsum-dots": (lambda x: np.einsum("i...->i", np.outer(x, x)), ValueError, "no place"),
    "einsum-dtype": (lambda x: np.einsum("i->", x, dtype="f4"), TypeError, "Cannot cast"),
    "einsum-out": (lambda x: np.einsum("i->i", x, out=np.ones(3)), AssignmentError, "out="),
    "convolve": (lambda x: np.convolve(x, x, "no"), ValueError, "'full', 'same' or 'valid'"),
    "diff": (lambda x: np.diff(x, -1), ValueError, "must not be negative"),
    "gradient-count": (lambda x: np.gradient(x, 1, 2), TypeError, "2 distances for 1 axes"),
    "gradient-edge": (lambda x: np.gradient(x, edge_order=3), ValueError, "it is 1 or 2"),
    "gradient-short": (lambda x: np.gradient(x[:1]), ValueError, "of 1 points"),
    "cumsum-axis": (lambda x: np.cumsum(x, axis=3), np.exceptions.AxisError, "out of bounds"),
    "norm-axes": (lambda x: np.linalg.norm(x, axis=(0, 0, 0)), ValueError, "over 3 axes"),
    "norm-vector": (lambda x: np.linalg.norm(x, "no", axis=0), ValueError, "give a number"),
    "norm-matrix": (lambda x: np.linalg.norm(x * x[:, None], 5), ValueError, "'fro', 'nuc'"),
    "qr": (lambda x: np.linalg.qr(x[:, None], "raw"), NotLiftedError, "mode='reduced', 'complete'"),
    "eigh": (lambda x: np.linalg.eigh(x * x[:, None], "X"), ValueError, "triangle to read"),
    "multi_dot": (lambda x: np.linalg.multi_dot([x]), ValueError, "at least two"),
    "tensorinv": (lambda x: np.linalg.tensorinv(x, 0), ValueError, "must be positive"),
    "cumulative": (lambda x: np.cumulative_sum(x * x[:, None]), ValueError, "needs axis="),
    "add.at": (lambda x: np.add.at(np.ones(3), 0, x[0]), AssignmentError, "np.add.at"),
    "fft": (lambda x: np.fft.fft(x, 0), ValueError, r"data points \(0\)"),
    "fft-norm": (lambda x: np.fft.rfftn(x, norm="no"), ValueError, "Invalid norm value"),
    "fft-out": (lambda x: np.fft.fft(x, out=np.ones(3, complex)), AssignmentError, "np.fft.fft"),
    "fft2-out": (lambda x: np.fft.rfft2(x, out=np.ones(3)), AssignmentError, "np.fft.rfft2"),
    "fft-count": (lambda x: np.fft.fft(x, x[0]), ConversionError, "an index or a count"),
    "dot-out": (lambda x: np.dot(x, x, out=np.ones(())), AssignmentError, "out="),
}


@pytest.mark.parametrize("name", ERRORS)
def test_errors_say_what_to_write(name):
    f, error, match = ERRORS[name]
    with pytest.raises(error, match=match):
        gx.grad_bp(f, np.ones(3))
