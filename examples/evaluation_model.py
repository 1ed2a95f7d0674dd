"""Programs by which tools for differentiation are compared, in plain NumPy.

The first four are those of ADBench (F. Šrajer, Z. Kukelova, A. Fitzgibbon, "A benchmark of selected
algorithmic differentiation tools on some problems in computer vision and machine learning", 2018);
the last two those of J. M. Siskind and B. A. Pearlmutter ("Using polyvariant union-free flow
analysis to compile a higher-order functional-programming language with a first-class derivative
operator to efficient Fortran-like code", 2008).
"""

import numpy as np


def log_sum_exp(x):
    """Over the last axis."""
    most = np.max(x, axis=-1, keepdims=True)
    return np.log(np.sum(np.exp(x - most), axis=-1)) + most[..., 0]


# --- Gaussian mixture -----------------------------------------------------------------------------


def mixture_log_likelihood(alphas, means, logs, lower, points):
    """Of points under a mixture of Gaussians.

    alphas (k,) are the logarithms of the weights but for a constant, means (k, d) the centers, and
    exp(logs), logs (k, d), with lower (k, d, d) below them, the factors of the inverse covariances.
    """
    d = means.shape[1]
    off = points[:, None, :] - means  # (n, k, d)
    strict = lower * np.tri(d, k=-1)
    scaled = np.exp(logs) * off + np.einsum("kij,nkj->nki", strict, off)
    terms = alphas + np.sum(logs, axis=1) - 0.5 * np.sum(scaled**2, axis=2)
    constant = -0.5 * len(points) * d * np.log(2 * np.pi)
    return constant + np.sum(log_sum_exp(terms)) - len(points) * log_sum_exp(alphas)


# --- Bundle adjustment ----------------------------------------------------------------------------


def rotated(axis, x):
    """A point turned about an axis by an angle that is the axis' length: Rodrigues' formula."""
    square = np.sum(axis**2)
    if square == 0.0:
        return x + np.cross(axis, x)
    angle = np.sqrt(square)
    unit = axis / angle
    across = np.cross(unit, x) * np.sin(angle)
    return x * np.cos(angle) + across + unit * np.sum(unit * x) * (1 - np.cos(angle))


def projected(camera, point):
    """Where a camera sees a point.

    A camera is 11 numbers: its turn (3), its center (3), focal length, principal point (2), radial
    distortion (2).
    """
    x, y, z = rotated(camera[:3], point - camera[3:6])
    flat = np.array([x / z, y / z])
    radius = np.sum(flat**2)
    return flat * (1 + camera[9] * radius + camera[10] * radius**2) * camera[6] + camera[7:9]


def reprojection_error(camera, point, weight, seen):
    """A camera's error for one point, and the error of its weight, which is to be one."""
    return weight * (projected(camera, point) - seen), 1 - weight**2


# --- k-means --------------------------------------------------------------------------------------


def k_means_cost(centers, points):
    """The sum of the squared distances of points (n, d) to the nearest of centers (k, d)."""
    squares = np.sum((points[:, None, :] - centers) ** 2, axis=2)
    return np.sum(np.min(squares, axis=1))


# --- LSTM -----------------------------------------------------------------------------------------


def lstm_loss(layers, inward, outward, sequence):
    """The mean surprise of a sequence of characters, (n, c) ones and zeros, in bits of e.

    Each layer is a pair of weights (4, c) and biases (4, c) of its gates, whose matrices are
    diagonal; inward (c,) scales the characters, outward (2, c) the predictions.
    """
    count = sequence.shape[1]
    states = [(np.zeros(count), np.zeros(count)) for _ in layers]
    loss = 0.0
    for now in range(len(sequence) - 1):
        signal = sequence[now] * inward
        for i, (weights, biases) in enumerate(layers):
            hidden, cell = states[i]
            forget = logistic(signal * weights[0] + biases[0])
            ingate = logistic(hidden * weights[1] + biases[1])
            outgate = logistic(signal * weights[2] + biases[2])
            change = np.tanh(hidden * weights[3] + biases[3])
            cell = cell * forget + ingate * change
            signal = outgate * np.tanh(cell)
            states[i] = signal, cell
        scores = signal * outward[0] + outward[1]
        loss = loss - np.sum(sequence[now + 1] * (scores - log_sum_exp(scores)))
    return loss / (len(sequence) - 1)


def logistic(x):
    return 1 / (1 + np.exp(-x))


# --- Nested minimisation --------------------------------------------------------------------------


def argmin(grad, f, x):
    """The descent of Siskind and Pearlmutter, whose step doubles after ten successes."""
    slope = grad(f)
    value, g, step, successes = f(x), slope(x), 1e-5, 0
    while np.sqrt(np.sum(g * g)) > 1e-5:
        if successes == 10:
            step, successes = 2 * step, 0
            continue
        tried = x - step * g
        if np.sqrt(np.sum((x - tried) ** 2)) <= 1e-5:
            break
        there = f(tried)
        if there < value:
            x, value, g, successes = tried, there, slope(tried), successes + 1
        else:
            step, successes = step / 2, 0
    return x


def height(one, other):
    return np.sum(one * one) - np.sum(other * other)


def highest(grad, one, start):
    """The largest value over the second pair, which a descent finds."""
    return height(one, argmin(grad, lambda other: -height(one, other), start))


def saddle_point(grad, start):
    """Where the largest value over the second pair is least over the first, and that pair."""
    low = argmin(grad, lambda one: highest(grad, one, start), start)
    return low, argmin(grad, lambda other: -height(low, other), start)


# --- A charged particle ---------------------------------------------------------------------------


def miss(grad, w):
    """The squared distance from the origin at which a particle crosses the axis, for w (1,).

    It flies past two charges, one of which stands at (10, 10 - w), by Euler's method. The force on
    it is the gradient of their potential.
    """

    charges = np.array([[10.0, 10.0], [10.0, 0.0]]) - w * np.array([[0.0, 1.0], [0.0, 0.0]])

    def potential(x):
        return np.sum(np.sum((x - charges) ** 2, axis=1) ** -0.5)

    force, dt = grad(potential), 0.1
    x, v = np.array([0.0, 8.0]), np.array([0.75, 0.0])
    while True:
        a = -force(x)
        moved = x + dt * v
        if not moved[1] > 0:
            break
        x, v = moved, v + dt * a
    return (x[0] - x[1] / v[1] * v[0]) ** 2
