"""Checkpoints: the parameters that a run left in a file, and whether they are those of its log."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradx.errors import GradxError
from gradx.files.formats import opened_arrays
from gradx.files.reading import read_json
from gradx.report.logs import Run
from gradx.report.words import number

__all__ = ["Parameters", "parameters_of"]

_STATE = "__state__."
"""Begins the names of what is no parameter: how a method stands."""
_SMALL = 1 << 26
_MOST_RATIO = 16
"""What unpacks to more than so many times the file is no model, unless it is small."""


@dataclass(frozen=True)
class Parameters:
    """What the checkpoint of a run holds.

    Attributes:
        path: the file.
        tensors: the parameters by path.
        about: what the file says of its model.
        doubts: why these may not be the parameters of the log's last report.
    """

    path: Path
    tensors: Mapping[str, NDArray[Any]]
    about: Mapping[str, Any]
    doubts: tuple[str, ...] = ()


def parameters_of(run: Run) -> Parameters | str:
    """The parameters of a run, or why there are none to show."""
    named = run.header.get("checkpoint")
    if not run.headers:
        return "The log has no header, and so names no checkpoint."
    if not isinstance(named, str) or not named:
        return "The run saved no checkpoint; --save FILE does."
    # A path that is not absolute was one of the folder that the run was started in.
    places = [Path(named), run.path.parent / named]
    try:
        path = next((place for place in places if place.exists()), None)
        if path is None:
            return f"The checkpoint {named} is not there any more."
        return _read(path, run)
    except GradxError as error:
        return f"The checkpoint cannot be read. {error}"
    except (OSError, ValueError) as error:
        return f"The checkpoint {named} cannot be read ({error})."


def _read(path: Path, run: Run) -> Parameters:
    with opened_arrays(path) as file:
        entries = {
            name: entry
            for name, entry in file.entries.items()
            if not name.startswith(_STATE) and entry.dtype.kind in "biufc"
        }
        needed = sum(math.prod(e.shape) * e.dtype.itemsize for e in entries.values())
        if needed > max(_SMALL, _MOST_RATIO * file.size):
            raise ValueError(f"its {file.size:,} bytes cannot hold arrays of {needed:,} bytes")
        tensors = {name: file.read(name) for name in entries}
        about = {} if file.about is None else read_json(file.about)
    if not isinstance(about, dict):
        raise ValueError("what it says of its model is no object of JSON")
    found = Parameters(path, tensors, about)
    return Parameters(path, tensors, about, tuple(_doubts(found, run)))


def _doubts(found: Parameters, run: Run) -> list[str]:
    """Where a checkpoint and the log that names it differ."""
    told = []
    there, said = sum(x.size for x in found.tensors.values()), run.header.get("parameters")
    if isinstance(said, int) and said != there:
        told.append(
            f"It holds {there:,} parameters, the model of the log has {said:,}: the file is "
            "another model's."
        )
    if found.about.get("model", run.header.get("model")) != run.header.get("model"):
        told.append(f"It is of the model {found.about['model']}, not of that of the log.")
    for key, what in (("step", "steps"), ("points", "samples")):
        last = run.places(what)[-1:] if key in run.columns else np.zeros(0)
        saved = _saved_after(found.about, what)
        if saved is not None and last.size and np.isfinite(last[0]) and saved != last[0]:
            told.append(
                f"It was saved after {number(saved)} {what}, the log's last report came after "
                f"{number(float(last[0]))}."
            )
            break
    return told


def _saved_after(about: Mapping[str, Any], what: str) -> int | None:
    """How many steps or samples a model had behind it, where its file says that."""
    names = ("step",) if what == "steps" else ("epoch", "samples", "position")
    counts = [about[name] for name in names if type(about.get(name)) is int]
    if len(counts) < len(names):
        return None
    count: int = counts[0] if what == "steps" else counts[0] * counts[1] + counts[2]
    return count
