"""Optics into records of device arrays: parts and gradients stay on the device."""

from dataclasses import dataclass

import numpy as np
import pytest

import gradx as gx
from tests.cuda.places import assert_same, there


@dataclass
class Layer:
    w: np.ndarray
    b: np.ndarray
    scale: float


W = np.linspace(-1.0, 1.0, 12).reshape(3, 4)
LAYERS = [Layer(W, W[0], 2.0), Layer(2.0 * W, W[1], 3.0)]
first = gx.lens(list)[0]


def changed(optic, function=np.sin):
    return lambda v: gx.over(optic, function, v)


USES = {
    "path": lambda v: gx.view(first.w, v) ** 2,
    "fields": lambda v: gx.view(first.fields("w", "b"), v)[0] @ gx.view(first.b, v),
    "over": changed(first.w),
    "each": changed(gx.each() >> gx.lens(Layer).b),
    "rows": changed(first.w.each()),
    "instances": changed(gx.at_instances_of(Layer).w),
    "item": changed(first.w[1, 2]),
    "row": changed(first.w[0]),
    "slice": changed(first.w[:, 1:3]),
    "mask": changed(first.w[W > 0.0], lambda x: x * x),
    "indices": changed(first.b[[2, 0]]),
    "set": lambda v: gx.set(first.b, gx.view(first.w, v)[1] * 2.0, v),
    "set an item": lambda v: gx.set(first.b[1], gx.view(first.scale, v), v),
    "match": lambda v: gx.fold_tree(lambda layer: layer.w @ layer.b, v[1]),
}


@pytest.mark.parametrize("kind", USES)
def test_optics_on_device_arrays(kind):
    f = USES[kind]
    assert_same(f(there(LAYERS)), f(LAYERS))
    y, g = gx.backprop(f, there(LAYERS))
    wanted, gradient = gx.backprop(f, LAYERS)
    assert_same(y, wanted)
    assert_same(g, gradient)
