"""A convolutional network that reads handwritten digits, in plain NumPy.

    gradx train convolution.py --schedule cosine --rate 0.01 --epochs 6 --batch-size 100

Two convolutions, each followed by the largest of four neighbours, and one dense layer. A
convolution is a product of matrices: the windows that slide over the image are the columns of one,
the filters are the rows of the other. The images of a batch stand along the *last* axis, so that
what belongs together in an image is a long row in memory for all of them at once.
"""

from dataclasses import dataclass

import numpy as np

from gradx import mnist


@dataclass(frozen=True)
class Layer:
    weights: np.ndarray  # (outputs, inputs), for a convolution (outputs, inputs * side * side)
    bias: np.ndarray  # (outputs, 1)


@dataclass(frozen=True)
class Network:
    first: Layer  # 1 channel to 8, in windows of 5 by 5
    second: Layer  # 8 channels to 16, likewise
    last: Layer  # 16 channels of 4 by 4 to the ten digits


def layer(rng, outputs, inputs):
    """Weights that keep the spread of what they are given (He et al., 2015), and no bias."""
    weights = rng.normal(0, (2 / inputs) ** 0.5, (outputs, inputs))
    return Layer(weights.astype(np.float32), np.zeros((outputs, 1), np.float32))


def init(rng):
    return Network(layer(rng, 8, 25), layer(rng, 16, 8 * 25), layer(rng, 10, 16 * 4 * 4))


def convolve(layer, images, side=5):
    """Channels of images, (c, h, w, n), give (outputs, h - side + 1, w - side + 1, n)."""
    windows = np.lib.stride_tricks.sliding_window_view(images, (side, side), axis=(1, 2))
    c, h, w, n, _, _ = windows.shape
    columns = windows.transpose(0, 4, 5, 1, 2, 3).reshape(c * side * side, h * w * n)
    return (layer.weights @ columns + layer.bias).reshape(-1, h, w, n)


def pool(images):
    """The largest of each square of four: (c, h, w, n) gives (c, h / 2, w / 2, n)."""
    c, h, w, n = images.shape
    return images.reshape(c, h // 2, 2, w // 2, 2, n).max(axis=(2, 4))


def scores(network, images):
    """Ten scores for each image: (n, 28, 28) bytes give (10, n)."""
    pixels = np.moveaxis(images, 0, -1)[None].astype(np.float32) / 255
    pixels = np.maximum(pool(convolve(network.first, pixels)), 0)
    pixels = np.maximum(pool(convolve(network.second, pixels)), 0)
    return network.last.weights @ pixels.reshape(256, -1) + network.last.bias


def loss(network, batch):
    """The cross-entropy of the right digit, in the mean."""
    images, labels = batch
    z = scores(network, images)
    right = np.take_along_axis(z, labels[None].astype(int), axis=0)
    return np.mean(np.logaddexp.reduce(z, axis=0) - right)


def metrics(network, batch):
    images, labels = batch
    return {"error": np.mean(scores(network, images).argmax(axis=0) != labels)}


def predict(network, images):
    return scores(network, images).argmax(axis=0)


def data():
    digits = mnist.load()
    return tuple((part.images, part.labels) for part in (digits.train, digits.test))
