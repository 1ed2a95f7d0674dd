"""A long short-term memory that foresees the next character, from ADBench.

The source of the problem stands in ``evaluation_model.py``. Where all parameters are zero every
character is as likely as any other: the loss is the logarithm of their number, and the gradient by
the last biases is how often each is foreseen less how often it comes. It learns a text by heart.
"""

from dataclasses import dataclass

import numpy as np
from evaluation_model import lstm_loss

import gradx as gx

TEXT = "abcadabcad" * 4
LETTERS = sorted(set(TEXT))
C = len(LETTERS)
sequence = np.array([[float(a == b) for b in LETTERS] for a in TEXT])


@dataclass
class Network:
    layers: list  # of pairs of arrays (4, c), weights and biases of the gates
    inward: np.ndarray  # (c,)
    outward: np.ndarray  # (2, c)


def loss(network):
    return lstm_loss(network.layers, network.inward, network.outward, sequence)


def network_of(draw):
    return Network([(draw((4, C)), draw((4, C))) for _ in range(2)], draw(C), draw((2, C)))


value, gradient = gx.value_and_grad(loss)(network_of(np.zeros))
assert np.isclose(value, np.log(C), rtol=1e-12)
assert np.allclose(gradient.outward[1], 1 / C - sequence[1:].mean(axis=0), rtol=1e-10, atol=1e-12)
assert not np.any(gradient.inward) and not np.any(gradient.layers[0][0])

rng = np.random.default_rng(0)
network = network_of(lambda shape: 0.5 * rng.normal(size=shape))
short = sequence[:4]
gx.check_grads(
    lambda n: lstm_loss(n.layers, n.inward, n.outward, short), network, modes=("rev",), order=1
)
state = gx.updates.adam_start(network)
for step in range(1, 201):
    value, gradient = gx.value_and_grad(loss)(network)
    network, state = gx.updates.adam(network, gradient, state, rate=0.05)
    if step % 50 == 0:
        print(f"step {step:3d}  surprise {value:.4f} of {np.log(C):.4f}")
assert value < 0.55 * np.log(C)
