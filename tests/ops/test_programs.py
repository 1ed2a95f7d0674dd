"""Short programs as people write them, of functions that have arbitrary or sorted results."""

import numpy as np
import pytest

import gradx as gx
from gradx.testing import check_grads

RNG = np.random.default_rng(5)


def stability_margin(gains):
    """The largest real part of the poles of a controlled pendulum."""
    a = np.array([[0.0, 1.0, 0.0], [2.0, -0.1, 1.0], [0.0, 0.0, -3.0]])
    b = np.array([[0.0], [0.0], [1.0]])
    return np.max(np.real(np.linalg.eigvals(a - b @ gains[None, :])))


def stationary(logits):
    """The stationary distribution of a Markov chain: its left eigenvector of eigenvalue 1."""
    p = np.exp(logits)
    p = p / p.sum(axis=1, keepdims=True)
    w, v = np.linalg.eig(p.T)
    mode = np.real(v[:, np.argmin(np.abs(w - 1))])
    return mode / mode.sum()


def modes(stiffness):
    """Damped oscillations of a chain of masses: frequencies, and how much the first mass moves."""
    n = len(stiffness)
    k = np.diag(stiffness) - np.diag(0.5 * stiffness[1:], -1) - np.diag(0.5 * stiffness[1:], 1)
    a = np.block([[np.zeros((n, n)), np.eye(n)], [-k, -0.1 * np.eye(n)]])
    w, v = np.linalg.eig(a)
    order = np.argsort(np.imag(w))
    w, v = w[order], v[:, order]
    return np.imag(w[-n:]), np.abs(v[0, -n:])


def principal_components(x):
    """How much of the variance the first component explains, and what of a point is beyond two."""
    centred = x - x.mean(axis=0)
    _, s, vh = np.linalg.svd(centred)
    rest = vh[2:].T @ vh[2:]
    return s[0] ** 2 / np.sum(s**2), rest @ np.arange(1.0, x.shape[1] + 1)


def filter_response(poles):
    """The response of a recursive filter of given poles at some frequencies, and back to poles."""
    denominator = np.poly(poles)
    z = np.exp(1j * np.linspace(0.1, 3.0, 5))
    return np.abs(1 / np.polyval(denominator, z)), np.sort(np.roots(denominator))


def drawdown(steps):
    """The largest loss since a peak, and the mean one."""
    wealth = np.cumprod(1 + 0.1 * steps)
    peak = np.maximum.accumulate(wealth)
    loss = (peak - wealth) / peak
    return loss.max(), loss.mean()


def pooled(values):
    """Sums and largest items of groups that lie side by side, each over its size."""
    starts = np.array([0, 2, 5])
    sizes = np.diff([*starts, len(values)])
    return np.add.reduceat(values, starts) / sizes, np.maximum.reduceat(values, starts)


def detrended(y):
    """What is left of a series beside its parabola, with the errors of the fit."""
    t = np.linspace(-1, 1, len(y))
    p, cov = np.polyfit(t, y, 2, cov=True)
    return y - np.polyval(p, t), np.sqrt(np.diag(cov))


def mutual_information(weights):
    """Of two coordinates of weighed points, by a histogram."""
    x, y = np.linspace(0, 1, len(weights)), np.linspace(0, 1, len(weights)) ** 2
    joint, _, _ = np.histogram2d(x, y, bins=3, range=[(0, 1), (0, 1)], weights=weights**2)
    p = joint / joint.sum()
    independent = np.outer(p.sum(axis=1), p.sum(axis=0))
    filled = p > 0
    return np.sum(p[filled] * np.log(p[filled] / independent[filled]))


def weighted_median_loss(x):
    """The mean distance from the weighted median."""
    weights = np.array([1.0, 2.0, 0.5, 3.0, 1.0])
    middle = np.quantile(x, 0.5, weights=weights, method="inverted_cdf")
    return np.average(np.abs(x - middle), weights=weights)


def null_space_energy(a):
    """The energy of a vector within the space that a wide matrix sends to 0."""
    q, _ = np.linalg.qr(a.T, mode="complete")
    null = q[:, a.shape[0] :]
    return np.sum((null.T @ np.arange(1.0, a.shape[1] + 1)) ** 2)


PROGRAMS = {
    stability_margin: np.array([3.0, 0.5, 1.0]),
    stationary: RNG.normal(size=(4, 4)),
    modes: np.array([1.0, 2.0, 3.5]),
    principal_components: RNG.normal(size=(7, 4)),
    filter_response: np.array([0.9, -0.5, 0.3]),
    drawdown: RNG.normal(size=12),
    pooled: RNG.normal(size=8),
    detrended: RNG.normal(size=9),
    mutual_information: RNG.uniform(0.5, 2.0, size=10),
    weighted_median_loss: RNG.normal(size=5),
    null_space_energy: RNG.normal(size=(2, 5)),
}


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: program.__name__)
def test_a_program_has_its_plain_value_and_the_gradient_of_differences(program):
    x = PROGRAMS[program]
    y, wanted = gx.backprop(program, x)[0], program(x)
    for got, plain in zip(*[v if isinstance(v, tuple) else (v,) for v in (y, wanted)], strict=True):
        assert np.asarray(got).tobytes() == np.asarray(plain).tobytes()
    check_grads(program, x, order=2, tolerance=1e-5)
