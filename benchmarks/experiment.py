"""Experiment: the whole of the default `gradx train` beside the same in hand-written NumPy.

60,000 steps on one sample each, and after every 5,000 the errors on those and on the test set.
A round is such a chunk. Reading the data is not part of it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from benchmarks.network import Net, hand_gradient, hand_step, parts
from benchmarks.workload import Setting, Way, Workload
from gradx import mnist
from gradx.backends import resolve
from gradx.train import Data, Options, Reported, State, init_net, place, plan_of, train
from gradx.train.data import sample_order


def whole(setting: Setting) -> Workload:
    """The announcement's experiment."""
    backend, device = resolve("cpu")
    dataset, options = mnist.load(), Options(dtype=setting.dtype)
    if setting.smoke:
        dataset = replace(dataset, train=_first(dataset.train, 60), test=_first(dataset.test, 40))
        options = replace(options, report_every=30)
    data = place(dataset, setting.dtype, backend, device)
    rounds = -(-len(data.train) // options.report_every)
    ways = {"numpy": _by_hand(data, options), "gradx": _by_gradx(data, options)}
    return Workload("gradx train", {k: Way(v.__next__) for k, v in ways.items()}, rounds=rounds)


def _first(split: mnist.Split, count: int) -> mnist.Split:
    return mnist.Split(split.images[:count], split.labels[:count])


def _by_gradx(data: Data, options: Options) -> Iterator[Any]:
    """As `gradx train` does it: after each chunk its errors and the network."""
    start = State(init_net((784, *options.hidden, 10), options.dtype, options.seed))
    for event in train(plan_of(options, data), start):
        if isinstance(event, Reported):
            first, last = event.state.params.layers
            arrays = (first.weights, first.bias, last.weights, last.bias)
            yield event.training.metrics["error"], event.validation.metrics["error"], *arrays


def _by_hand(data: Data, options: Options) -> Iterator[Any]:
    """The same, as anyone would write it in NumPy."""
    first, last = init_net((784, *options.hidden, 10), options.dtype, options.seed).layers
    net = Net(first.weights, first.bias, last.weights, last.bias)
    images, targets = data.train.images, data.train.targets
    order = sample_order(options.seed, 1, len(images))
    for start in range(0, len(order), options.report_every):
        chunk = order[start : start + options.report_every]
        for i in chunk:
            net = hand_step(net, hand_gradient(net, images[i], targets[i]), options.rate)
        training = hand_error(net, images[chunk], data.train.labels[chunk])
        yield training, hand_error(net, data.test.images, data.test.labels), *parts(net)


def hand_error(net: Net, images: np.ndarray, labels: np.ndarray) -> float:
    """The share of images that a network puts in the wrong class."""
    y = 1 / (1 + np.exp(-(images @ net.weights1.T + net.bias1)))
    z = y @ net.weights2.T + net.bias2
    return float(np.mean(np.argmax(z, axis=1) != labels))
