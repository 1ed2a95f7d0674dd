"""Checkpoint: a training run in a file, with all that is needed to use its model or to go on.

The file is one of `gx.save`, in the layout of safetensors or an `.npz`: the parameters have the
ways to them as names (`layers.0.weights`), what the method remembers stands below `__state__`, and
one JSON text says where the run stands and how it was asked for.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradx.files.errors import InputError, OutputError
from gradx.files.formats import Stored, opened_arrays, write_arrays
from gradx.files.names import RESERVED, Names
from gradx.files.reading import in_one_line
from gradx.files.values import about_of, as_arrays, filled, mismatches, read_about
from gradx.mnist import CLASSES
from gradx.optim.method import Method
from gradx.train.errors import ModelFileError, OptionError
from gradx.train.heading import DIGITS, FORMAT, Heading, heading_of
from gradx.train.model import Layer, Net
from gradx.train.options import MOST_UNITS, Options
from gradx.train.state import Best, State

__all__ = ["Checkpoint", "check_names", "load", "names_of_nan", "read_parameters", "save"]

_METHOD = f"{RESERVED}.method"
_BEST = f"{RESERVED}.best"


@dataclass(frozen=True)
class Checkpoint:
    """What a model file holds.

    Attributes:
        state: the parameters, in NumPy arrays, and how far their training has come.
        options: how they were trained.
        samples: how many there were to train on.
        data: the fingerprint of that data.
        model: what they are the parameters of.
    """

    state: State
    options: Options
    samples: int
    data: str
    model: str = DIGITS


def save(path: str | os.PathLike[str], checkpoint: Checkpoint) -> None:
    """Write a model file, whole or not at all: `.npz` by that ending, otherwise safetensors.

    Args:
        path: the file; replaced if it is there.
        checkpoint: what to write.

    Raises:
        OutputError: it cannot be written; the file is as it was.
    """
    target, state = Path(path), checkpoint.state
    parts = {"": state.params, _METHOD: state.method}
    best = state.best
    if best is not None and best.state.step != state.step:  # otherwise it is this state
        parts |= {f"{_BEST}.params": best.state.params, f"{_BEST}.method": best.state.method}
    leaves, kinds = dict[str, Any](), dict[str, Any]()
    for start, part in parts.items():
        if part is not None:
            names, below = Names(part, target, OutputError), f"{start}." if start else ""
            leaves |= {below + name: x for name, x in names.leaves.items()}
            kinds |= {(below + name).rstrip("."): kind for name, kind in names.kinds.items()}
    about = {
        **about_of(FORMAT, kinds, leaves),
        "model": checkpoint.model,
        "options": asdict(checkpoint.options),
        **_place_of(state),
        "samples": checkpoint.samples,
        "data": checkpoint.data,
    }
    if best is not None:
        about["best"] = {**_place_of(best.state), "loss": float(best.loss), "since": best.since}
    write_arrays(target, as_arrays(leaves, target), json.dumps(about))


def _place_of(state: State) -> dict[str, Any]:
    """How far a training has come, as JSON has it."""
    return {
        "epoch": state.epoch,
        "position": state.position,
        "step": state.step,
        "loss_sum": float(state.loss_sum),
    }


def load(
    path: str | os.PathLike[str],
    like: Callable[[Heading], Any] | None = None,
    method: Callable[[Heading], Method] | None = None,
) -> Checkpoint:
    """Read a model file, believing nothing that has not been checked.

    Args:
        path: as `save` wrote it, or an earlier gradx.
        like: ``like(heading)`` gives parameters of the structure that the file should have, whose
            numbers are of no account; by default it should have the announcement's network.
        method: ``method(heading)`` gives the method that trained them; without it, what is only
            there to go on with is not read: what the method remembers, and the best state before.

    Returns:
        What was saved, on the devices of ``like``.

    Raises:
        ModelFileError: it is missing, damaged, no model, of another version, or of another model;
            says which.
    """
    target = Path(path)
    with _told(target), opened_arrays(target) as stored:
        heading = _heading(stored, target)
        if like is None:
            params = _network(heading, stored, target)
        else:
            params = _filled(like(heading), "", heading, stored, target)
        state = State(params, **heading.place)
        if method is not None:
            state = _to_go_on(state, method, heading, stored, target)
    return Checkpoint(state, heading.options, heading.samples, heading.data, heading.model)


def read_parameters(path: str | os.PathLike[str]) -> tuple[dict[str, NDArray[Any]], Heading]:
    """Read the parameters of a model file by name, whatever their model is.

    Args:
        path: as for `load`.

    Returns:
        The arrays by name, and what the file says of them.

    Raises:
        ModelFileError: it is missing, damaged, no model, or of another version.
    """
    target = Path(path)
    with _told(target), opened_arrays(target) as stored:
        heading = _heading(stored, target)
        stored.check_size(target)
        return {name: stored.read(name) for name in heading.entries}, heading


def check_names(params: Any, path: Path) -> None:
    """Refuse parameters that no file can hold, before they are learned.

    Args:
        params: on the host.
        path: where they will be saved.

    Raises:
        OutputError: a key makes no name, two have one name, or a number fits no array; says which.
    """
    as_arrays(Names(params, path, OutputError).leaves, path)


def names_of_nan(params: Any) -> set[str]:
    """The names, as in a file, of the parameters in which there is a nan.

    >>> names_of_nan({"w": np.array([1.0, np.nan]), "b": 0.0})
    {'w'}
    """
    leaves = Names(params, Path(), OutputError).leaves
    return {name for name, x in leaves.items() if np.any(x != x)}


# --- Reading --------------------------------------------------------------------------------------


def _heading(stored: Stored, path: Path) -> Heading:
    about = read_about(stored, path)
    if not about:
        raise _not_a_model(path, "it does not say of which training run it is")
    try:
        return heading_of(about, _below("", stored))
    except ValueError as error:
        raise _not_a_model(path, error) from None


def _below(prefix: str, stored: Stored) -> dict[str, Any]:
    """The entries of the parameters, or those below a name, without that name."""
    if not prefix:
        found = stored.entries.items()
        return {name: x for name, x in found if name.partition(".")[0] != RESERVED}
    start = f"{prefix}."
    return {
        name.removeprefix(start): x for name, x in stored.entries.items() if name.startswith(start)
    }


def _filled(wanted: Any, below: str, heading: Heading, stored: Stored, path: Path) -> Any:
    """A value with the arrays of a file that have names below one; all must be there and fit."""
    names, entries = Names(wanted, path, ModelFileError), _below(below, stored)
    told = mismatches(names.leaves, entries)
    if told:
        method = below.endswith(".method")
        what = "what its method remembers does" if method else "its parameters do"
        raise ModelFileError(
            f"{path}: is a checkpoint of {heading.model!r:.80}, and {what} not fit: {told}; go on "
            "with the model and the method that it was trained with"
        )
    start = f"{below}." if below else ""
    arrays = {name: stored.read(start + name) for name in entries}
    shared = heading.shared if isinstance(heading.shared, dict) else {}
    same = {
        name.removeprefix(start): first.removeprefix(start)
        for name, first in shared.items()
        if isinstance(first, str) and name.startswith(start) and first.startswith(start)
    }
    return filled(names, arrays, same, path)


def _to_go_on(
    state: State, method: Callable[[Heading], Method], heading: Heading, stored: Stored, path: Path
) -> State:
    """A state with what its method remembers, and with the best state before."""

    def remembered(name: str) -> Any:
        if not _below(name, stored):
            return None
        return _filled(method(heading).init(state.params), name, heading, stored, path)

    state = replace(state, method=remembered(_METHOD))
    if heading.best is None:
        return state
    (place, loss, since), then = heading.best, state
    if place["step"] != heading.step:
        params = _filled(state.params, f"{_BEST}.params", heading, stored, path)
        then = State(params, **place, method=remembered(f"{_BEST}.method"))
    return replace(state, best=Best(then, loss, since))


def _network(heading: Heading, stored: Stored, path: Path) -> Net:
    """The announcement's network; what its arrays need is compared with the size of the file."""
    if heading.model != DIGITS:
        raise ModelFileError(
            f"{path}: is a checkpoint of {heading.model!r:.80}; name that model as well"
        )
    try:
        names = Names(_like_network(heading), path, ModelFileError)
    except ValueError as error:
        raise _not_a_model(path, error) from None
    told = mismatches(names.leaves, heading.entries)
    if told:
        raise _not_a_model(path, told)
    stored.check_size(path)
    arrays = {name: stored.read(name) for name in heading.entries}
    for name, array in arrays.items():
        if not np.isfinite(array).all():
            raise _not_a_model(path, f"{name} holds values that are not finite")
    return filled(names, arrays, None, path)  # type: ignore[no-any-return]


def _like_network(heading: Heading) -> Net:
    """The network of a heading, in arrays that take no memory.

    Raises:
        ValueError: there can be none.
    """
    options, first = heading.options, heading.entries.get("layers.0.weights")
    if first is None or len(first.shape) != 2:
        raise ValueError("it has no array 'layers.0.weights' of two axes")
    sizes = (first.shape[1], *options.hidden, CLASSES)
    if not 1 <= sizes[0] <= MOST_UNITS:
        raise ValueError(f"its network takes {sizes[0]:,} pixels")
    try:
        options.check_against(heading.samples, sizes[0], CLASSES)
    except OptionError as error:
        raise ValueError(f"its options: {error}") from None
    return Net(tuple(_like_layer(m, n, options.precision) for n, m in pairwise(sizes)))


def _like_layer(m: int, n: int, dtype: str) -> Layer:
    """A layer of these sizes that takes no memory."""
    zero = np.zeros((), dtype)
    return Layer(np.broadcast_to(zero, (m, n)), np.broadcast_to(zero, m))


@contextmanager
def _told(path: Path) -> Iterator[None]:
    """In the block, what is wrong in a file is an error of model files."""
    try:
        yield
    except InputError as error:
        if error.reason is None:
            raise ModelFileError(str(error)) from None
        raise _not_a_model(path, error.reason) from None


def _not_a_model(path: Path, reason: object) -> ModelFileError:
    return ModelFileError(
        f"{path}: not a model file of gradx, or a damaged one ({in_one_line(reason)}); write "
        "one with `gradx train --save`"
    )
