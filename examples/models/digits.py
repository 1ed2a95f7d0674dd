"""The network of the announcement of Haskell's backprop, which reads handwritten digits.

    gradx train digits.py --method sgd --rate 0.02 --batch-size 1 --epochs 1

A model is a record of what is learned, a way to begin, and a loss, in plain NumPy; gradx finds the
derivative of the loss and walks downhill. This one is a hidden layer of 250 logistic units between
784 pixels and ten digits, and its loss the cross-entropy, written for a batch: a sample is a row.
The line above gives the same errors as `gradx train`, which does this experiment by itself.
"""

from dataclasses import dataclass

import numpy as np

from gradx import mnist


@dataclass(frozen=True)
class Layer:
    weights: np.ndarray  # (outputs, inputs)
    bias: np.ndarray  # (outputs,)


@dataclass(frozen=True)
class Network:
    hidden: Layer
    output: Layer


def init(rng):
    """Where learning begins: all numbers uniform between -0.5 and 0.5."""

    def layer(outputs, inputs):
        return Layer(rng.uniform(-0.5, 0.5, (outputs, inputs)), rng.uniform(-0.5, 0.5, outputs))

    return Network(layer(250, 784), layer(10, 250))


def logistic(x):
    return 1 / (1 + np.exp(-x))


def softmax(x):
    """Ten positive numbers a row that add up to one."""
    expx = np.exp(x)
    return expx / np.sum(expx, axis=1, keepdims=True)


def probabilities(network, images):
    """Images, (n, 28, 28) bytes, to the probability of each digit, (n, 10)."""
    pixels = images.reshape(len(images), -1) / 255
    hidden = logistic(pixels @ network.hidden.weights.T + network.hidden.bias)
    return softmax(hidden @ network.output.weights.T + network.output.bias)


def loss(network, batch):
    """How surprised the network is by the labels, in the mean; smaller is better."""
    images, labels = batch
    return -np.mean(np.log(probabilities(network, images)[np.arange(len(labels)), labels]))


def metrics(network, batch):
    """What is reported beside the loss."""
    images, labels = batch
    return {"error": np.mean(predict(network, images) != labels)}


def predict(network, images):
    """The digit that is seen in each image."""
    return probabilities(network, images).argmax(axis=1)


def data():
    """The MNIST that gradx ships: 60,000 images to learn from, 10,000 others to be tested with."""
    digits = mnist.load()
    return (digits.train.images, digits.train.labels), (digits.test.images, digits.test.labels)
