"""Formulas: the functions to be differentiated, for NumPy and the libraries with its interface.

`np_` is the library: `numpy` for hand-written code and gradx, which takes plain NumPy calls.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

Net = Sequence[Any]
"""The arrays of a network: weights1, bias1, weights2, bias2."""


def error(np_: Any, net: Net, x: Any, target: Any) -> Any:
    """The cross-entropy of a network on one sample: (n,) with target (m,) gives a number."""
    weights1, bias1, weights2, bias2 = net
    y = 1 / (1 + np_.exp(-(np_.dot(weights1, x) + bias1)))
    expz = np_.exp(np_.dot(weights2, y) + bias2)
    return -np_.dot(np_.log(expz / np_.sum(expz)), target)


def rows_error(np_: Any, net: Net, xs: Any, targets: Any) -> Any:
    """The mean cross-entropy on rows: (k, n) with targets (k, m) gives a number."""
    weights1, bias1, weights2, bias2 = net
    y = 1 / (1 + np_.exp(-(np_.dot(xs, weights1.T) + bias1)))
    expz = np_.exp(np_.dot(y, weights2.T) + bias2)
    shares = expz / np_.sum(expz, axis=1, keepdims=True)
    return -np_.sum(np_.log(shares) * targets) / len(xs)


def wide(np_: Any, x: Any) -> Any:
    """A sum over a wide elementwise chain: (n,) gives a number."""
    return np_.sum(np_.tanh(x) * np_.exp(-(x**2)) + np_.sin(x) / (1 + x**2))


def lstm(np_: Any, weights: Any, recurrent: Any, bias: Any, xs: Any) -> Any:
    """The sum of squares of an LSTM's last output.

    Args:
        np_: the library.
        weights: (4 h, n), for the input gate, the forget gate, the output gate and the cell.
        recurrent: (4 h, h).
        bias: (4 h,).
        xs: (t, n), one input a step.
    """
    h = c = np_.zeros(bias.shape[0] // 4, xs.dtype)
    for x in xs:
        h, c = lstm_step(np_, weights, recurrent, bias, (h, c), x)
    return np_.sum(h**2)


def lstm_step(np_: Any, weights: Any, recurrent: Any, bias: Any, state: Any, x: Any) -> Any:
    """The output and the cell of an LSTM after one input (n,); both are (h,)."""
    size = bias.shape[0] // 4
    h, c = state
    z = np_.dot(weights, x) + np_.dot(recurrent, h) + bias
    gates = 1 / (1 + np_.exp(-z[: 3 * size]))
    c = gates[size : 2 * size] * c + gates[:size] * np_.tanh(z[3 * size :])
    return gates[2 * size :] * np_.tanh(c), c


def polynomial(np_: Any, x: Any) -> Any:
    """Something with a second derivative everywhere: (n,) gives a number."""
    return np_.sum(np_.sin(x) * np_.exp(-(x**2)) + x**3)
