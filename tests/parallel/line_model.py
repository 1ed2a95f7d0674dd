"""A small model, whose loss can be told to fail."""

import os
import signal

import numpy as np

STEPS_BEFORE = 5
calls = [0]


def init(rng):
    return {"w": rng.normal(size=3), "b": 0.0}


def data():
    random = np.random.default_rng(5)
    x = random.normal(size=(160, 3))
    y = x @ np.array([1.0, -2.0, 0.5]) + 0.3
    return (x[:128], y[:128]), (x[128:], y[128:])


def loss(params, batch):
    x, y = batch
    calls[0] += 1
    if calls[0] > STEPS_BEFORE:
        fault(os.environ.get("FAULT", ""))
    return np.mean((x @ params["w"] + params["b"] - y) ** 2)


def metrics(params, batch):
    x, y = batch
    return {"distance": np.mean(np.abs(x @ params["w"] + params["b"] - y))}


def fault(what):
    """``killed 1`` kills rank 1, ``raised 0 1`` raises on both."""
    kind, *ranks = what.split() or [""]
    if os.environ.get("PMI_RANK", "0") not in ranks:
        return
    if kind == "killed":
        os.kill(os.getpid(), signal.SIGKILL)
    raise ValueError("a fault of the model's own")
