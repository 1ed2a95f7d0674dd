# pyright: strict
"""Methods: parameters have the type that they had."""

from dataclasses import dataclass
from typing import assert_type

import numpy as np
from numpy.typing import NDArray

import gradx as gx
from gradx.optim.moments import AdamState


@dataclass(frozen=True)
class Net:
    weights: NDArray[np.float64]
    bias: float = 0.0


net = Net(np.ones(3))
method = gx.optim.adam(gx.optim.cosine(0.1, steps=9), b1=0.8)
state = method.init(net)
new, state = method.update(net, state, net)
assert_type(new, Net)
assert_type(state, AdamState)
assert_type(gx.optim.clip_by_norm(method, 1.0).update(net, state, net, in_place=True)[0], Net)
assert_type(gx.optim.lbfgs()(lambda x: x, 0.0).converged, bool)
whole: gx.optim.Method = gx.optim.by_part({gx.lens(Net).bias: method}, gx.optim.frozen())


def wrong() -> None:
    gx.optim.adam(beta1=0.8)  # error
    gx.optim.clip_by_norm(method)  # error
    gx.optim.cosine(0.1)  # error
    method.update(net, state)  # error
    method.update(net, state, net, True)  # error
    method.rate = 0.1  # error
    text: str = method.update(net, state, net)[0]  # error
