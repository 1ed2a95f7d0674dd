"""Values and programs that the tests of this folder share."""

from dataclasses import dataclass

import numpy as np

X = np.array([0.3, -0.7, 1.1])


@dataclass
class Layer:
    w: np.ndarray
    b: float
    name: str = "layer"


def layer():
    return Layer(np.array([0.5, -0.2, 0.8]), 0.3)


def bits(x):
    """The numbers of a value, to the bit."""
    found = []
    from_leaves(x, found)
    return found


def from_leaves(x, found):
    if isinstance(x, dict):
        for key in x:
            found.append(key)
            from_leaves(x[key], found)
    elif isinstance(x, (list, tuple)):
        found.append(type(x))
        for part in x:
            from_leaves(part, found)
    elif hasattr(x, "__dataclass_fields__"):
        for name in x.__dataclass_fields__:
            from_leaves(getattr(x, name), found)
    elif isinstance(x, (float, np.generic, np.ndarray)):
        found.append((np.asarray(x).dtype, np.asarray(x).shape, np.asarray(x).tobytes()))
    else:
        found.append(x)


def assert_same_bits(x, y):
    assert bits(x) == bits(y)


def assert_close(x, y, tolerance=1e-11):
    """Two values of one structure are equal up to rounding."""
    if isinstance(x, dict):
        assert x.keys() == y.keys()
        for key in x:
            assert_close(x[key], y[key], tolerance)
    elif isinstance(x, (list, tuple)):
        assert len(x) == len(y)
        for a, b in zip(x, y, strict=True):
            assert_close(a, b, tolerance)
    elif hasattr(x, "__dataclass_fields__"):
        for name in x.__dataclass_fields__:
            assert_close(getattr(x, name), getattr(y, name), tolerance)
    elif isinstance(x, str) or x is None:
        assert x == y
    else:
        np.testing.assert_allclose(x, y, rtol=tolerance, atol=tolerance)
