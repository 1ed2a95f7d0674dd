"""The announcement's network, learning digits: one hidden layer, one sample a step.

This is the program that the announcement of Haskell's backprop library walks through. The network
is a dataclass, the functions are plain NumPy, and the step is `net0 - 0.02 * gr`.

    python examples/announcement.py                  35,000 samples, as the announcement trained on
    python examples/announcement.py --points 5000
    python examples/announcement.py --quick          1,000 samples
"""

import argparse

import numpy as np

import gradx as gx
from gradx import mnist


@gx.record  # makes a dataclass, with + - * / between networks and between a network and a number
class Net:
    weights1: np.ndarray  # (250, 784)
    bias1: np.ndarray  # (250,)
    weights2: np.ndarray  # (10, 250)
    bias2: np.ndarray  # (10,)


# --- The functions know nothing of gradx: they run on plain networks and on variables alike ------


def logistic(x):
    return 1 / (1 + np.exp(-x))


def soft_max(x):
    expx = np.exp(x)
    return expx / np.sum(expx)


def run_net(net, x):
    y = logistic(net.weights1 @ x + net.bias1)
    return soft_max(net.weights2 @ y + net.bias2)


def cross_entropy(targ, res):
    return -(np.log(res) @ targ)


def net_err(x, targ, net):
    return cross_entropy(targ, run_net(net, x))


def step_net(x, targ, net0):
    gr = gx.grad_bp(lambda net: net_err(x, targ, net), net0)
    return net0 - 0.02 * gr


# --- Taking it for a spin -------------------------------------------------------------------------


def random_net(rng):
    def draw(*shape):
        return rng.uniform(-0.5, 0.5, shape)

    return Net(draw(250, 784), draw(250), draw(10, 250), draw(10))


def error_rate(net, images, labels):
    """The share of images that the network takes for another digit; `run_net` on plain values."""
    guesses = np.array([np.argmax(run_net(net, x)) for x in images])
    return np.mean(guesses != labels)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--points", type=int, default=35_000, help="samples to train on")
    parser.add_argument("--quick", action="store_true", help="1,000 samples, and a smaller test")
    options = parser.parse_args()
    points, tested = (1_000, 1_000) if options.quick else (options.points, 10_000)

    data = mnist.load()
    images = data.train.images.reshape(-1, 784) / 255
    test_images = data.test.images[:tested].reshape(-1, 784) / 255
    test_labels = data.test.labels[:tested]
    one_hot = np.eye(10)[data.train.labels]
    print("Loaded data.")

    rng = np.random.default_rng(0)
    net = random_net(rng)
    before = error_rate(net, test_images, test_labels)
    order = rng.permutation(len(images))[:points]
    for done, i in enumerate(order, 1):
        net = step_net(images[i], one_hot[i], net)
        if done % 5_000 == 0 or done == len(order):
            after = error_rate(net, test_images, test_labels)
            print(f"Trained on {done} points. Validation error: {100 * after:.2f}%")

    assert after < before / 2, f"no better than at the start: {before:.2f} to {after:.2f}"


if __name__ == "__main__":
    main()
