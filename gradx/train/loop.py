"""The loop: steps of gradient descent over shuffled samples, and a report now and then.

The loop knows no device: it indexes arrays and calls plain NumPy, and reads numbers back only to
report. Nothing in it depends on how often it reports or where it was interrupted, so that the same
options always walk the same path.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import gradx as gx
from gradx.backends import Array
from gradx.train.errors import DivergedError
from gradx.train.evaluation import Score, evaluate, quiet_arithmetic
from gradx.train.model import (
    Net,
    descend_net,
    descend_net_rows,
    net_err,
    net_err_rows,
    own,
    random_stream,
)
from gradx.train.options import Options
from gradx.train.samples import Data
from gradx.train.state import State

Tick = Callable[[int], bool]
"""Called after each step with the position in the epoch; True asks the loop to stop there."""


@dataclass(frozen=True)
class Begun:
    """A chunk of samples is about to be trained on; epochs and batches count from 1."""

    epoch: int
    batch: int
    position: int


@dataclass(frozen=True)
class Report:
    """How the network does after a chunk of samples.

    Attributes:
        epoch: the pass over the data, from 1.
        batch: the chunk in that pass, from 1.
        points: how many samples the chunk has.
        training: on the chunk just trained on, by the network after it.
        validation: on the whole test set.
        seconds: since this run of the loop began.
        state: where the run stands now.
    """

    epoch: int
    batch: int
    points: int
    training: Score
    validation: Score
    seconds: float
    state: State


@dataclass(frozen=True)
class Stopped:
    """The loop was asked to stop, and did, between two steps."""

    state: State


def sample_order(seed: int, epoch: int, count: int) -> Array:
    """The order in which one epoch, counted from 1, takes its samples."""
    return random_stream(seed, epoch).permutation(count)


def chunk_stops(count: int, batch_size: int, report_every: int) -> list[int]:
    """Where the reports of an epoch come: after the first step at or past each multiple.

    Steps end at multiples of the batch size, wherever the reports are.

    >>> chunk_stops(12_000, batch_size=1, report_every=5000)
    [5000, 10000, 12000]
    >>> chunk_stops(12_000, batch_size=128, report_every=5000)
    [5120, 10112, 12000]
    """
    stops: list[int] = []
    stop = 0
    while stop < count:
        due = (stop // report_every + 1) * report_every
        stop = min(-(-due // batch_size) * batch_size, count)
        stops.append(stop)
    return stops


def train(
    state: State, data: Data, options: Options, tick: Tick = lambda position: False
) -> Iterator[Begun | Report | Stopped]:
    """Train to the end of the last epoch, telling what happens on the way.

    Args:
        state: where to begin, its network on the data's device.
        data: what to train and validate on.
        options: how; `options.epochs` counts those that `state` has behind it.
        tick: see `Tick`.

    Yields:
        For each chunk of samples a `Begun` and a `Report`; at the end `Stopped` if it was stopped.

    Raises:
        DivergedError: the loss is no longer a finite number.
    """
    began = time.perf_counter()
    count = len(data.train)
    stops = chunk_stops(count, options.batch_size, options.report_every)
    while state.epoch < options.epochs:
        epoch = state.epoch + 1
        walk = _Walk(data, options, epoch)
        for batch, (start, stop) in enumerate(zip([0, *stops], stops, strict=False), 1):
            if stop <= state.position:
                continue
            yield Begun(epoch, batch, state.position)
            net, position, stopped = walk.steps(state.net, state.position, stop, tick)
            training, validation = walk.scores(net, start, position)
            loss = training.loss + validation.loss
            if not math.isfinite(loss):
                raise walk.divergence(state, position, loss, tick)
            done = position == count
            state = State(net, epoch if done else epoch - 1, 0 if done else position)
            if position == stop:
                seconds = time.perf_counter() - began
                points = stop - start
                yield Report(epoch, batch, points, training, validation, seconds, state)
            if stopped and state.epoch < options.epochs:
                yield Stopped(state)
                return


class _Walk:
    """One epoch's way through the samples."""

    def __init__(self, data: Data, options: Options, epoch: int) -> None:
        self.data = data
        self.options = options
        self.epoch = epoch
        self.order = sample_order(options.seed, epoch, len(data.train))
        with data.backend.on(data.device):
            self.order_there = data.backend.asarray(self.order, data.device)

    @quiet_arithmetic()
    def steps(self, net: Net, position: int, stop: int, tick: Tick) -> tuple[Net, int, bool]:
        """Train from one position to another, or to where `tick` says so."""
        images, targets = self.data.train.images, self.data.train.targets
        rate, size = self.options.rate, self.options.batch_size
        with self.data.backend.on(self.data.device):
            net = own(net)  # the steps are in place
            if size == 1:
                for i in self.order[position:stop].tolist():
                    descend_net(images[i], targets[i], rate, net)
                    position += 1
                    if tick(position):
                        return net, position, True
                return net, position, False
            while position < stop:
                end = self._step_end(position)
                which = self.order_there[position:end]
                descend_net_rows(images[which], targets[which], rate, net)
                position = end
                if tick(position):
                    return net, position, True
            return net, position, False

    def _step_end(self, position: int) -> int:
        """A step ends at a multiple of the batch size, even one that does not begin at one."""
        size = self.options.batch_size
        return min((position // size + 1) * size, len(self.order))

    def scores(self, net: Net, start: int, stop: int) -> list[Score]:
        """Scores on the samples just trained on, and on the test set."""
        data = self.data
        with data.backend.on(data.device):
            parts = [(data.train, self.order_there[start:stop]), (data.test, None)]
            return evaluate(net, parts, data.backend)

    def divergence(self, state: State, stop: int, loss: float, tick: Tick) -> DivergedError:
        """Go the last steps again, looking at each loss, to say where it went wrong."""
        at, loss = self._first_bad_loss(state.net, state.position, stop, tick) or (stop - 1, loss)
        where = f"epoch {self.epoch}, sample {at + 1:,}: the loss became {loss}"
        if self.epoch == 1 and at == 0:
            return DivergedError(
                f"{where} before the first step, because the network's outputs overflow; use fewer "
                "hidden units or float64"
            )
        rate = self.options.rate
        return DivergedError(f"{where}; a rate of {rate:g} is too large here, try {rate / 10:g}")

    @quiet_arithmetic()
    def _first_bad_loss(
        self, net: Net, position: int, stop: int, tick: Tick
    ) -> tuple[int, float] | None:
        with self.data.backend.on(self.data.device):
            net = own(net)
            while position < stop:
                loss = self._watched_step(net, position)
                if not math.isfinite(loss):
                    return position, loss
                position = self._step_end(position)
                if tick(position):
                    break
        return None

    def _watched_step(self, net: Net, position: int) -> float:
        images, targets = self.data.train.images, self.data.train.targets
        error: Callable[[Net], Any]
        if self.options.batch_size == 1:
            i = int(self.order[position])
            error = lambda n: net_err(images[i], targets[i], n)  # noqa: E731
        else:
            which = self.order_there[position : self._step_end(position)]
            error = lambda n: net_err_rows(images[which], targets[which], n)  # noqa: E731
        loss = gx.descend(error, net, self.options.rate)
        return float(self.data.backend.to_numpy(loss))
