"""Heading: what a checkpoint says of its run, checked before an array is read."""

from __future__ import annotations

import math
import types
import typing
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from gradx.files.reading import Entry
from gradx.train.errors import OptionError
from gradx.train.options import MOST_COUNT, Options

__all__ = ["DIGITS", "FORMAT", "OLD_FORMAT", "Heading", "heading_of"]

FORMAT = "gradx checkpoint"
OLD_FORMAT = "gradx model"
"""That of the first version, of which the model is always the network for digits."""

DIGITS = "digits"
"""What the announcement's network is called."""

_MOST_TEXT = 1000
_PLACE = ("epoch", "position", "step", "loss_sum")


@dataclass(frozen=True)
class Heading:
    """What a checkpoint says of its run.

    Attributes:
        model: its name: that of the announcement's network, or as the user gave it.
        options: how it is trained.
        epoch: passes over the data completed.
        position: samples of the running pass already trained on.
        step: steps done in all.
        loss_sum: the losses of the samples since the last report, added up.
        best: of the best state so far, if there is one, the same four, its loss and how many
            reports ago it was.
        samples: how many there were to train on.
        data: the fingerprint of that data.
        shared: arrays that are one, by name.
        entries: the parameters by name, before they are read.
    """

    model: str
    options: Options
    epoch: int
    position: int
    step: int
    loss_sum: float
    best: tuple[Mapping[str, Any], float, int] | None
    samples: int
    data: str
    shared: Any
    entries: Mapping[str, Entry]

    @property
    def place(self) -> dict[str, Any]:
        """How far the training has come."""
        return {name: getattr(self, name) for name in _PLACE}


def heading_of(about: Mapping[str, Any], entries: Mapping[str, Entry]) -> Heading:
    """Look at each thing that a checkpoint says.

    Args:
        about: the text of the file, which is JSON.
        entries: the parameters by name.

    Raises:
        ValueError: something cannot be; says what.
    """
    if about.get("format") not in (FORMAT, OLD_FORMAT):
        raise ValueError(f"its format is {about.get('format')!r:.40}, which is no training run")
    old = about["format"] == OLD_FORMAT
    options = _options(about.get("options"))
    samples = _count(about, "samples", 1)
    if old:
        _check_sizes(about.get("sizes"), options.hidden, entries)
        epoch, position = _count(about, "epoch"), _count(about, "position", 0, samples - 1)
        each, begun = -(-samples // options.batch_size), -(-position // options.batch_size)
        about = {**about, "step": each * epoch + begun, "loss_sum": 0.0, "best": None}
    return Heading(
        model=DIGITS if old else _text(about, "model"),
        options=options,
        **_place(about, samples),
        best=_best(about.get("best"), samples),
        samples=samples,
        data=_text(about, "data"),
        shared=about.get("shared"),
        entries=entries,
    )


def _place(about: Mapping[str, Any], samples: int) -> dict[str, Any]:
    return {
        "epoch": _count(about, "epoch"),
        "position": _count(about, "position", 0, samples - 1),
        "step": _count(about, "step"),
        "loss_sum": _number(about, "loss_sum"),
    }


def _best(found: Any, samples: int) -> tuple[Mapping[str, Any], float, int] | None:
    if found is None:
        return None
    if not isinstance(found, dict):
        raise ValueError(f"its best is {found!r:.40}")
    try:
        return _place(found, samples), _number(found, "loss"), _count(found, "since")
    except ValueError as error:
        raise ValueError(f"of its best state {error}") from None


def _count(about: Mapping[str, Any], name: str, least: int = 0, most: int = MOST_COUNT) -> int:
    value = about.get(name)
    if type(value) is not int or not least <= value <= most:
        raise ValueError(f"its {name} is {value!r:.40}")
    return value


def _number(about: Mapping[str, Any], name: str) -> float:
    value = about.get(name)
    if type(value) is not float or not math.isfinite(value):
        raise ValueError(f"its {name} is {value!r:.40}")
    return value


def _text(about: Mapping[str, Any], name: str) -> str:
    value = about.get(name)
    if type(value) is not str or len(value) > _MOST_TEXT:
        raise ValueError(f"its {name} is {value!r:.40}")
    return value


def _check_sizes(sizes: Any, hidden: tuple[int, ...], entries: Mapping[str, Entry]) -> None:
    """The old format says twice how large the layers are."""
    wanted = [x.shape[:1] for name, x in entries.items() if name.endswith(".bias")]
    if not isinstance(sizes, list) or [(size,) for size in sizes[1:]] != wanted:
        raise ValueError(f"its sizes {sizes!r:.80} do not fit hidden {list(hidden)}")


# --- Options --------------------------------------------------------------------------------------


def _options(found: Any) -> Options:
    """Options of the right types and values; those that an older gradx did not have are usual."""
    hints = typing.get_type_hints(Options)
    names = {field.name for field in fields(Options)}
    if not isinstance(found, dict) or not found.keys() <= names:
        raise ValueError("its options are not those of this version")
    for name, value in found.items():
        if not _is_of(value, hints[name]):
            raise ValueError(f"its option {name} is {value!r:.40}")
    given: dict[str, Any] = {
        name: tuple(x) if isinstance(x, list) else x for name, x in found.items()
    }
    options = Options(**given)
    try:
        options.check()
    except OptionError as error:
        raise ValueError(f"its options: {error}") from None
    return options


def _is_of(value: Any, hint: Any) -> bool:
    """Whether something that JSON gave is of the type of an option."""
    origin, args = typing.get_origin(hint), typing.get_args(hint)
    if origin in (types.UnionType, typing.Union):
        return any(_is_of(value, each) for each in args)
    if origin is tuple:
        return isinstance(value, list) and all(_is_of(x, args[0]) for x in value)
    if hint is float:
        return type(value) is float or _is_of(value, int)
    if hint is int:
        return type(value) is int and abs(value) <= MOST_COUNT
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return isinstance(value, dict) and all(_is_of(x, float | bool) for x in value.values())
    return type(value) is hint
