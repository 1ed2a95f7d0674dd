"""Gradients of many kinds, printed as JSON: run by `test_interpreters` on several interpreters."""

import dataclasses
import json

import numpy as np

import gradx as gx


@gx.record
class Net:
    w: np.ndarray
    b: np.ndarray
    scale: float
    name: str = "net"


def numbers_of(x):
    """All of a value, as JSON has it; of an array its dtype too."""
    if dataclasses.is_dataclass(x):
        return {f.name: numbers_of(getattr(x, f.name)) for f in dataclasses.fields(x)}
    if isinstance(x, (list, tuple)):
        return [numbers_of(part) for part in x]
    if isinstance(x, dict):
        return {key: numbers_of(part) for key, part in x.items()}
    if isinstance(x, (np.ndarray, np.generic)):
        return {"dtype": str(x.dtype), "items": np.ravel(x).astype(float).tolist()}
    return [x.real, x.imag] if isinstance(x, complex) else x


def loss(net, x):
    h = np.tanh(net.w @ x + net.b)
    return np.sum(h * h) * net.scale


def chain(v):
    return np.sum(np.exp(-np.exp(-np.exp(-v))) * v / (1.0 + v * v))


def loop(x, y):
    for k in range(5):
        x = np.sin(x) * y + x / (k + 2.0)
    return x


def tree(t):
    return sum(np.sum(part**2) for part in t["a"]) * t["b"][0]


def results():
    """Each gradient by its name."""
    rng = np.random.default_rng(0)
    net, x = Net(rng.normal(size=(40, 300)), rng.normal(size=40), 0.5), rng.normal(size=300)
    large = rng.normal(size=30_000)
    parts = {"a": [np.ones(3), np.ones((2, 2))], "b": (2.0, None)}
    value, g = gx.value_and_grad(loss)(net, x)
    _, pullback = gx.backprop_with(chain, large)
    vector = rng.normal(size=400)
    gx.descend(lambda v: np.sum(np.sin(v)), vector, 0.1)
    return {
        "value of a network": value,
        "gradient of a network": g,
        "arithmetic of records": -(net - 0.1 * g) + 2.0 * net,
        "large arrays": gx.grad(chain)(large),
        "a pullback called twice": pullback(1.0) + pullback(2.0),
        "numbers": gx.backprop(loop, 0.7, 0.9),
        "nested runs": gx.grad(lambda x: gx.grad(lambda y: loop(y, x))(0.3))(0.4),
        "second order": gx.grad(lambda v: np.sum(gx.grad(chain)(v) ** 2))(large[:50]),
        "containers": gx.grad(tree)(parts),
        "items": gx.grad(lambda v: np.sum(v[::2] * v[1::2]) + v[0])(large[:10]),
        "complex": gx.grad(lambda z: np.abs(z) ** 2)(3.0 + 4.0j),
        "single precision": gx.grad(lambda v: np.sum(v * v))(large[:8].astype(np.float32)),
        "a step": gx.updates.sgd(parts["a"], parts["a"], 0.5),
        "a step in place": vector,
    }


def shown_results():
    """The same as JSON has it."""
    return {name: numbers_of(value) for name, value in results().items()}


if __name__ == "__main__":
    print(json.dumps(shown_results()))
