"""The loop: steps over shuffled samples, and a report now and then. Every run goes through here.

The loop knows no device: it calls plain NumPy on arrays, and reads numbers back only to report.
Nothing in it depends on how often it reports or where it was interrupted, so that the same plan
always walks the same path.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from gradx.optim.method import Method
from gradx.train.data import Source, Step, Walk
from gradx.train.errors import DivergedError, OptionError
from gradx.train.evaluation import (
    Score,
    Totals,
    evaluate,
    quiet_arithmetic,
    read_numbers,
    score_of,
)
from gradx.train.gradients import Gradients, Piece
from gradx.train.state import State
from gradx.train.step import rate_of, stepper
from gradx.train.task import Task
from gradx.train.values import as_float, own

__all__ = ["Begun", "Plan", "Report", "Reported", "Stopped", "Tick", "train"]

Tick = Callable[[int], bool]
"""Called after each step with the position in the epoch; True asks the loop to stop there."""


@dataclass(frozen=True, kw_only=True)
class Plan:
    """All that decides a run, but for where it begins.

    Attributes:
        task: what is trained.
        data: what to train on.
        method: how to step.
        validation: what to validate on; None to do without.
        epochs: passes over the data in all, counted from the very first.
        batch_size: samples a step; the last step of an epoch may have fewer.
        seed: decides the order of the samples.
        report_every: samples from one report to the next; None for one report an epoch.
        gradients: how a gradient comes about.
        quiet: keep NumPy's warnings back; a loss that is not finite is told of anyway.
    """

    task: Task
    data: Source
    method: Method
    validation: Source | None = None
    epochs: int = 1
    batch_size: int = 32
    seed: int = 0
    report_every: int | None = None
    gradients: Gradients = field(default_factory=Gradients)
    quiet: bool = False

    def walk(self, epoch: int) -> Walk:
        """An epoch's way through the data."""
        return self.data.walk(self.seed, epoch, self.batch_size, self.gradients)

    def arithmetic(self) -> AbstractContextManager[Any]:
        """The block in which steps and evaluations run."""
        return quiet_arithmetic() if self.quiet else nullcontext()


@dataclass(frozen=True)
class Begun:
    """A chunk of samples is about to be trained on; epochs and batches count from 1."""

    epoch: int
    batch: int
    position: int


@dataclass(frozen=True)
class Report:
    """How the parameters do after a chunk of samples.

    Attributes:
        epoch: the pass over the data, from 1.
        batch: the chunk in that pass, from 1.
        points: how many samples the chunk has.
        step: steps done in all.
        rate: the learning rate of the last step; None where the method has none.
        training: on the chunk just trained on: the mean of the losses of its steps, and metrics of
            the parameters after it (see `Task.after`).
        validation: of the parameters after it on all validation data; None where there is none.
        seconds: since this run of the loop began.
    """

    epoch: int
    batch: int
    points: int
    step: int
    rate: float | None
    training: Score
    validation: Score | None
    seconds: float


@dataclass(frozen=True)
class Reported(Report):
    """A report, together with where the run stands.

    Attributes:
        state: it is not written into by later steps.
    """

    state: State


@dataclass(frozen=True)
class Stopped:
    """The loop was asked to stop, and did, between two steps."""

    state: State


def train(
    plan: Plan, state: State, tick: Tick = lambda position: False
) -> Iterator[Begun | Reported | Stopped]:
    """Train to the end of the last epoch, telling what happens on the way.

    Args:
        plan: what to do.
        state: where to begin, its parameters on the data's device; nothing in it is written into.
        tick: see `Tick`.

    Yields:
        For each chunk of samples a `Begun` and a `Reported`; at the end `Stopped` if it was
        stopped.

    Raises:
        DivergedError: the loss is no longer a finite number.
    """
    began = time.perf_counter()
    if state.method is None:
        state = replace(state, method=plan.method.init(state.params))
    while state.epoch < plan.epochs:
        epoch = state.epoch + 1
        walk = plan.walk(epoch)
        steps = walk.steps(state.position)
        number, start = walk.chunk_at(state.position, plan.report_every)
        while state.epoch < epoch:
            yield Begun(epoch, number, state.position)
            chunk = _Chunk(plan, walk, state, start)
            end, stopped = chunk.go(steps, tick)
            training, validation = chunk.scores(end, tick)
            if chunk.complete:
                seconds = time.perf_counter() - began
                points, rate = chunk.position - start, rate_of(plan.method, end.method)
                report = epoch, number, points, end.step, rate, training, validation, seconds
                state = replace(end, loss_sum=0.0)
                yield Reported(*report, state)
                number, start = number + 1, chunk.position
            else:
                state = end
            if stopped and state.epoch < plan.epochs:
                yield Stopped(state)
                return


class _Chunk:
    """The way from one report to the next, or to where it is stopped."""

    def __init__(self, plan: Plan, walk: Walk, begin: State, start: int) -> None:
        self.plan, self.walk, self.begin, self.start = plan, walk, begin, start
        every = plan.report_every
        self.due = math.inf if every is None else (start // every + 1) * every
        self.position = begin.position
        self.complete = False

    def go(self, steps: Iterator[Step], tick: Tick) -> tuple[State, bool]:
        """Do the steps; where that leads, and whether `tick` stopped it."""
        plan, begin, position = self.plan, self.begin, self.position
        params, memory = own(begin.params), own(begin.method)  # the steps are in place
        losses, adds = _LossSum(plan, begin.loss_sum), not plan.task.after
        count, last, stopped = 0, False, False
        try:
            with plan.data.on(), plan.arithmetic():
                step = stepper(plan.method, plan.task.loss, params, plan.gradients)
                for batch, _, stop, last in steps:
                    loss, params, memory = step(params, memory, batch)
                    if adds:
                        losses.add(loss, stop - position)
                    count, position = count + 1, stop
                    stopped = tick(position)
                    if stopped or last or position >= self.due:
                        break
        except BaseException as error:
            error.add_note(
                f"This was in step {begin.step + count + 1:,}, in epoch {begin.epoch + 1} after "
                f"{position:,} samples of it; the parameters given to the run are as they were."
            )
            if _says_read_only(error):
                error.add_note(
                    "A batch is read-only, so that a loss cannot change the data; write into a "
                    "copy of it: x = np.copy(x)"
                )
            raise
        self.position, self.complete = position, last or position >= self.due
        epoch, at = (begin.epoch + 1, 0) if last else (begin.epoch, position)
        return State(params, epoch, at, begin.step + count, memory, losses.read()), stopped

    def scores(self, end: State, tick: Tick) -> tuple[Score, Score | None]:
        """Scores on the samples just trained on, and on the validation data.

        A chunk that was stopped before its end has no report: of it only the loss is looked at.
        """
        plan, task, begin = self.plan, self.plan.task, self.begin
        held_out = plan.validation if self.complete else None
        rows = max(task.rows(end.params), plan.batch_size)
        again = self.walk.blocks(self.start, self.position, rows)
        parts: list[tuple[Totals, Iterable[Piece]]] = []
        measured = task.metrics is not None and self.complete
        if again is not None and (task.after or measured):
            parts.append((task.totals if task.after else task.metric_totals, again))
        if held_out is not None:
            parts.append((task.totals, held_out.blocks(rows, plan.gradients)))
        try:
            with plan.data.on(), plan.arithmetic():
                means = evaluate(end.params, parts, place=plan.data.place, gradients=plan.gradients)
        except OptionError:  # says which function it is about
            raise
        except BaseException as error:
            error.add_note(
                f"This was after step {end.step:,}, in epoch {begin.epoch + 1}, in metrics or in "
                "the loss on the validation data; the parameters given to the run are as they were."
            )
            raise
        validation = None if held_out is None else score_of(means.pop())
        points = self.position - self.start
        known = means[0] if means else {"count": points}
        training = score_of({"loss": end.loss_sum / points, **known})
        loss = training.loss + (0.0 if validation is None else validation.loss)
        if not math.isfinite(loss):
            raise self._divergence(loss, end.method, tick)
        return training, validation

    def _divergence(self, loss: float, end: Any, tick: Tick) -> DivergedError:
        """Go the last steps again, looking at each loss, to say where it went wrong."""
        plan, begin = self.plan, self.begin
        found = self._first_bad_loss(tick) or (self.position - 1, loss, end)
        at, loss, memory = found
        where = f"epoch {begin.epoch + 1}, sample {at + 1:,}: the loss became {loss}"
        if begin.step == 0 and at == 0:
            return DivergedError(f"{where} before the first step{plan.task.first_fix}")
        rate = rate_of(plan.method, memory)
        if rate is None:
            return DivergedError(f"{where}; take smaller steps, or limit the gradient")
        return DivergedError(f"{where}; a rate of {rate:g} is too large here, try {rate / 10:g}")

    def _first_bad_loss(self, tick: Tick) -> tuple[int, float, Any] | None:
        """The position before the first step whose loss is not finite, and that loss.

        And what the method remembered of the step before, which led there.
        """
        plan, begin = self.plan, self.begin
        params, memory = own(begin.params), own(begin.method)
        with plan.data.on(), plan.arithmetic():
            step = stepper(plan.method, plan.task.loss, params, plan.gradients)
            steps = plan.walk(begin.epoch + 1).steps(begin.position)
            for batch, start, stop, _ in steps:
                before = memory
                loss, params, memory = step(params, memory, batch)
                [loss] = read_numbers([loss], plan.data.place)
                if not math.isfinite(loss):
                    return start, loss, before
                if stop >= self.position or tick(stop):
                    break
        return None


def _says_read_only(error: BaseException) -> bool:
    """Whether NumPy refused to write into an array, which it says in the error's text alone."""
    return isinstance(error, ValueError) and str(error).endswith("is read-only")


class _LossSum:
    """The sum of the losses of samples, on their device until it is read."""

    def __init__(self, plan: Plan, begin: float) -> None:
        self._place, self._mean = plan.data.place, plan.task.reduction == "mean"
        self._sum: Any = np.float64(begin)

    def add(self, loss: Any, rows: int) -> None:
        """Add the loss of a step."""
        loss = loss if self._place is not None else as_float(loss)
        self._sum = self._sum + (loss * rows if self._mean else loss)

    def read(self) -> float:
        """The sum as Python's number."""
        far = not isinstance(self._sum, np.float64)
        return read_numbers([self._sum], self._place if far else None)[0]
