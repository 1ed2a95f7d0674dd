"""NAME: which points of the plane lie in a ring?

    gradx train NAME.py                                   # train it
    gradx train NAME.py --rate 0.01                      # with longer steps
    gradx train NAME.py --save NAME.safetensors           # keep what was learned
    gradx eval NAME.py NAME.safetensors                   # measure it
    gradx train --help                                    # everything else

Everything here is plain NumPy: gradx differentiates it as it stands.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy import ndarray


@dataclass
class Net:
    """The parameters: what is learned. Any record will do, with lists, dicts and records in it."""

    weights1: ndarray  # (2, 64)
    bias1: ndarray  # (64,)
    weights2: ndarray  # (64,)
    bias2: float


def init(rng: np.random.Generator) -> Net:
    """The parameters before the first step; rng follows --seed."""
    return Net(
        weights1=5 * rng.normal(size=(2, 64)),
        bias1=2 * rng.normal(size=64),
        weights2=rng.normal(size=64) / 8,
        bias2=0.0,
    )


def logit(net: Net, points: ndarray) -> Any:
    """(n, 2) gives (n,): above 0 for points that seem to lie in the ring."""
    hidden = np.tanh(points @ net.weights1 + net.bias1)
    return hidden @ net.weights2 + net.bias2


def loss(net: Net, batch: tuple[ndarray, ndarray]) -> Any:
    """How wrong the network is on a batch, one number: what training makes small.

    The cross-entropy of what it says and what is true, in the mean over the batch.
    """
    points, inside = batch
    z = logit(net, points)
    return np.mean(np.logaddexp(0, z) - inside * z)


# What follows may be left out.


def data() -> tuple[tuple[ndarray, ndarray], tuple[ndarray, ndarray]]:
    """What to train on, and what to test on: arrays whose rows are samples.

    With `def data(path)` it is given what --data names.
    """
    rng = np.random.default_rng(0)
    points = rng.uniform(-1, 1, size=(5000, 2))
    distance = np.hypot(points[:, 0], points[:, 1])
    inside = ((distance > 0.4) & (distance < 0.8)).astype(float)
    return (points[:4000], inside[:4000]), (points[4000:], inside[4000:])


def metrics(net: Net, batch: tuple[ndarray, ndarray]) -> dict[str, Any]:
    """What else the reports should show, in the mean over a batch."""
    points, inside = batch
    return {"error": np.mean((logit(net, points) > 0) != (inside > 0.5))}


def predict(net: Net, points: ndarray) -> Any:
    """What `gradx predict` gives for some points: the probability that they lie in the ring."""
    return 1 / (1 + np.exp(-logit(net, points)))
