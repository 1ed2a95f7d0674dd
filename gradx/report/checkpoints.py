"""Checkpoints: the parameters that a run left in a file, and whether they are those of its log."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradx.errors import GradxError
from gradx.report.logs import Run
from gradx.report.words import number
from gradx.train import load

__all__ = ["Parameters", "parameters_of"]


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
    checkpoint = load(path)
    tensors = {
        f"layers.{i}.{name}": array
        for i, layer in enumerate(checkpoint.state.net.layers)
        for name, array in (("weights", layer.weights), ("bias", layer.bias))
    }
    state = checkpoint.state
    seen = state.epoch * checkpoint.samples + state.position
    about = {"data": checkpoint.data, "points": seen}
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
        saved = found.about.get(key)
        if isinstance(saved, int) and last.size and np.isfinite(last[0]) and saved != last[0]:
            told.append(
                f"It was saved after {number(saved)} {what}, the log's last report came after "
                f"{number(float(last[0]))}."
            )
            break
    return told
