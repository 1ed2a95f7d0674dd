"""Fit: train any parameters on any data, in one call.

What it does can be written out and changed, where a run needs something else. These lines take the
same steps as ``fit(loss, params, data, method=method, batch=16, epochs=2)``, to the bit:

>>> import numpy as np
>>> from gradx.train import batches, own, stepper
>>> x = np.linspace(0.0, 1.0, 64)
>>> data, method = (x, 3 * x + 1), gx.optim.adam(0.1)
>>> def loss(line, batch):
...     return np.mean((line[0] * batch[0] + line[1] - batch[1]) ** 2)
>>> params = own((0.0, 0.0))
>>> state, step = method.init(params), stepper(method, loss, params)
>>> for epoch in (1, 2):
...     for batch in batches(data, 16, epoch=epoch):
...         y, params, state = step(params, state, batch)
>>> params == fit(loss, (0.0, 0.0), data, method=method, batch=16, epochs=2).params
True
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, Generic, TypeVar

import numpy as np

import gradx as gx
from gradx.errors import StructureError
from gradx.optim.method import Method
from gradx.records.tree_map import leafwise
from gradx.train.data import source_of
from gradx.train.errors import OptionError
from gradx.train.gradients import Gradients
from gradx.train.loop import Plan, Report, Reported, train
from gradx.train.options import check_count
from gradx.train.sameness import agree
from gradx.train.state import Best, State
from gradx.train.task import Task
from gradx.train.values import own, with_floats
from gradx.values.operations import leaves_of

__all__ = ["Callback", "Fit", "Patience", "fit"]

P = TypeVar("P")
Callback = Callable[[Reported], Any]
"""Is given each report; stops the run if it returns True."""


@dataclass(frozen=True)
class Fit(Generic[P]):
    """What `fit` found.

    Attributes:
        params: the parameters after the last step, or with ``patience`` the best ones.
        history: the reports.
        state: where the run stands, to go on from: ``fit(…, start=found.state)``.
    """

    params: P
    history: list[Report]
    state: State


def fit(
    loss: Callable[..., Any],
    params: P,
    data: Any = None,
    *,
    method: Method | None = None,
    epochs: int = 1,
    batch: int = 32,
    seed: int = 0,
    validation: Any = None,
    metrics: Callable[[P, Any], Mapping[str, Any]] | None = None,
    callbacks: Iterable[Callback] = (),
    patience: int | None = None,
    eval_every: int | None = None,
    start: State | None = None,
    reduction: str = "mean",
    gradients: Gradients | None = None,
) -> Fit[P]:
    """Find parameters of small loss, by steps along its gradient over shuffled batches.

    The order of the samples follows from ``seed`` and the number of the epoch alone. A run that was
    stopped and goes on from its ``state`` gives the same bits as one that was not.

    Args:
        loss: ``loss(params, batch)`` gives one real number, the mean over the samples of the batch;
            without data ``loss(params)``.
        params: where to begin, a value of any type with a gradient. It is not changed. An array at
            two places of it becomes two, each with a gradient of its own.
        data: arrays of one length, in a tuple, list, dict or record, or one array; a batch is a
            value like it, of some rows, and read-only. Arrays of a device stay there. Memory maps,
            and anything with ``shape``, ``dtype`` and items by a slice or rising indices, are read
            batch by batch. Or a function that gives an iterator of an epoch's batches,
            ``data()`` or ``data(epoch)``, epochs counted from 1. Or None: an epoch is one step.
        method: how to step; ``gx.optim.adam()`` if None.
        epochs: passes over the data in all; with ``start`` those behind it count.
        batch: samples a step. The last step of an epoch may have fewer.
        seed: any number from 0.
        validation: data like ``data``, which is not trained on.
        metrics: ``metrics(params, batch)`` gives numbers by name, each a mean over the batch.
        callbacks: each is called with each report, which has the ``state`` too, and stops the run
            if it returns True.
        patience: reports in a row without a smaller loss after which to stop, of validation if
            there is any, else of training. ``params`` are then the best ones.
        eval_every: samples from one report to the next; one report an epoch if None.
        start: the ``state`` of an earlier run to go on from; ``params`` are not looked at then.
        reduction: ``"sum"`` if the loss is the sum over the samples of the batch.
        gradients: how a gradient comes about: ``Gradients(group=gx.parallel.world())`` shares each
            batch with the ranks that a launcher started, `Blocks` cuts it into fixed blocks. All
            ranks call `fit` with the same arguments and get the same; so must callbacks.

    Returns:
        The parameters, the reports and where the run stands. In a report the training loss is the
        mean over the samples since the last report, each by the parameters before its own step;
        training metrics are those of the parameters after these samples, on the same ones, and left
        out where they cannot be read again. Validation is of all its data, after these samples.

    Raises:
        OptionError: an option cannot work, or there is nothing to learn.
        DataError: the data has no rows, arrays of different lengths, or no known form.
        RanksDifferError: ranks that share a batch were given other parameters or options, or
            another number of samples.
        DivergedError: the loss became nan or infinite; names the epoch, the sample and the rate.

    An error in ``loss`` or a callback has a note that says in which step and epoch.

    >>> import numpy as np
    >>> x = np.linspace(0.0, 1.0, 64)
    >>> def loss(line, batch):
    ...     x, y = batch
    ...     return np.mean((line["slope"] * x + line["start"] - y) ** 2)
    >>> line = {"slope": 0.0, "start": 0.0}
    >>> found = fit(loss, line, (x, 3 * x + 1), method=gx.optim.sgd(0.3), epochs=50, batch=16)
    >>> {name: round(number, 3) for name, number in found.params.items()}
    {'slope': 3.0, 'start': 1.0}
    >>> len(found.history), found.history[-1].training.loss < 1e-6, found.state.step
    (50, True, 200)
    """
    _check(loss, method, epochs, batch, seed, patience, eval_every, start)
    _check_params(params if start is None else start.params)
    calls = _listed(callbacks)
    method = gx.optim.adam() if method is None else method
    if start is not None:
        _check_memory(method, start)
    plan = Plan(
        task=Task(loss if data is not None else lambda p, _: loss(p), metrics, reduction),
        data=source_of(data),
        method=method,
        validation=None if validation is None else source_of(validation, "validation"),
        epochs=epochs,
        batch_size=batch,
        seed=seed,
        report_every=eval_every,
        gradients=replace(gradients or Gradients(), reduction=reduction),
    )
    state = State(own(with_floats(params))) if start is None else start
    agree(plan, state)
    best, history = Patience(patience, state.best), list[Report]()
    for event in train(plan, state):
        if isinstance(event, Reported):
            state = event.state
            history.append(_without_state(event))
            if best.see(event) or _asked_to_stop(calls, event):
                break
    state = replace(state, best=best.known)
    return Fit((state if state.best is None else state.best.state).params, history, state)


class Patience:
    """Looks for the best state of a run, and ends it where none is better for too long.

    The best is that of the smallest loss, of validation if there is any, else of training.

    Args:
        most: how many reports in a row may be no better; None for all, and then nothing is kept.
        known: the best of the run before it was stopped.

    Attributes:
        known: the best so far.
    """

    def __init__(self, most: int | None, known: Best | None) -> None:
        self._most = most
        self.known = None if most is None else known

    def see(self, event: Reported) -> bool:
        """Note a report; whether patience is at its end."""
        if self._most is None:
            return False
        loss = (event.validation or event.training).loss
        if self.known is None or loss < self.known.loss:
            self.known = Best(replace(event.state, best=None), loss)
            return False
        self.known = replace(self.known, since=self.known.since + 1)
        return self.known.since >= self._most


def _asked_to_stop(callbacks: tuple[Callback, ...], event: Reported) -> bool:
    """Call each callback; whether one wants to stop."""
    try:
        return any([_is_true(callback(event)) for callback in callbacks])
    except BaseException as error:
        error.add_note(
            f"This was in a callback after step {event.step:,}, in epoch {event.epoch}; the "
            "parameters given to the run are as they were."
        )
        raise


def _is_true(x: Any) -> bool:
    return isinstance(x, (bool, np.bool_)) and bool(x)


def _without_state(event: Reported) -> Report:
    """A report for the history, which does not keep the parameters of each."""
    return Report(**{field.name: getattr(event, field.name) for field in fields(Report)})


def _listed(callbacks: Any) -> tuple[Callback, ...]:
    """The callbacks; refuse one that is in no list."""
    if callable(callbacks):
        raise OptionError(
            "callbacks is a function; give a list of functions, even for one: callbacks=[…]"
        )
    if not isinstance(callbacks, Iterable):
        raise OptionError(f"callbacks is {callbacks!r:.60}; give a list of functions")
    calls = tuple(callbacks)
    for call in calls:
        if not callable(call):
            raise OptionError(f"callbacks holds {call!r:.60}; give functions of a report")
    return calls


def _check_params(params: Any) -> None:
    """Refuse parameters of which nothing would be learned."""
    if not leaves_of(params):
        raise OptionError(
            f"params is {params!r:.60}, which holds no number to learn: texts, flags and arrays of "
            "whole numbers stay as they are; give floats, such as np.zeros(3)"
        )


def _check_memory(method: Method, start: State) -> None:
    """Refuse a state whose method is another one, of which the steps would be half of each."""
    if start.method is None:
        return
    wanted = method.init(start.params)
    try:
        leafwise(_first_of, wanted, (start.method,), results=(0,))
    except StructureError as error:
        raise OptionError(
            f"start is of a run with another method than {type(method).__name__}; give the method "
            f"of that run: {error}"
        ) from None


def _first_of(x: Any, _: Any) -> tuple[Any]:
    return (x,)


def _check(
    loss: Any,
    method: Any,
    epochs: int,
    batch: int,
    seed: int,
    patience: int | None,
    eval_every: int | None,
    start: Any,
) -> None:
    """Refuse options that cannot work."""
    if not callable(loss):
        raise OptionError(f"loss is {loss!r:.60}; give a function of parameters and a batch")
    if method is not None and not isinstance(method, Method):
        raise OptionError(
            f"method is {method!r:.60}; give one of gx.optim, such as gx.optim.sgd(0.1) or "
            "gx.optim.adam()"
        )
    check_count("epochs", epochs, "passes over the data", 10)
    check_count("batch", batch, "samples a step", 32)
    if patience is not None:
        check_count("patience", patience, "reports", 5)
    if eval_every is not None:
        check_count("eval_every", eval_every, "samples", 5000)
    if not isinstance(seed, (int, np.integer)):
        raise OptionError(f"seed {seed!r:.60}: must be a whole number, such as 0")
    if seed < 0:
        raise OptionError(f"seed {seed}: must be 0 or above, such as 0")
    if start is not None and not isinstance(start, State):
        raise OptionError(
            f"start is a {type(start).__name__}; give the state of an earlier run, found.state"
        )
    if start is not None and epochs <= start.epoch:
        raise OptionError(
            f"epochs {epochs}: start has {start.epoch} behind it, and the number counts from the "
            f"very first; use {start.epoch + 1} or more"
        )
