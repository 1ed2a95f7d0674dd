"""The problem that PyTorch and gradx solve in 100 steps: the gradient of a bowl, with noise."""

import numpy as np

STEPS = 100
SHAPES = {"w": (4, 3), "b": (3,), "s": ()}


def start():
    """The parameters before the first step."""
    return {
        name: np.cos(np.arange(float(np.prod(shape))) * 1.3 + k).reshape(shape)
        for k, (name, shape) in enumerate(SHAPES.items())
    }


def gradient(params, step):
    """The gradient in a step: that of a bowl, steeper in some directions, and noise.

    Args:
        params: NumPy arrays by name.
        step: counted from 0.
    """
    found = {}
    for k, (name, x) in enumerate(params.items()):
        order = np.arange(float(x.size)).reshape(x.shape)
        noise = np.sin(1.7 * step + 0.9 * order + k) * 0.3
        found[name] = (1 + order) * x / 4 + noise
    return found
