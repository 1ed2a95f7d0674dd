"""Rehearsal: a program's functions are called for the first time, and what they give is looked at.

What cannot work is told of before the first step, by the function that gave it.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from gradx.errors import GradxError
from gradx.train.errors import ProgramError
from gradx.train.model import random_stream
from gradx.train.modules import in_file
from gradx.train.program import Program
from gradx.train.task import KEPT_NAMES, described, is_number
from gradx.train.values import cast_floats, with_floats
from gradx.values.builtin import check_differentiable
from gradx.values.leaves import map_leaves
from gradx.values.operations import ValueType, Where, fold, parts_alone

_PAIR = 2
_MOST_MARKED = 4096  # rows that the fingerprint reads


@dataclass(frozen=True)
class ProgramData:
    """What a program's ``data`` gives.

    Attributes:
        train: arrays of equal length, whose rows are samples.
        test: the same of other samples, or None.
    """

    train: tuple[Any, ...]
    test: tuple[Any, ...] | None = None

    @property
    def fingerprint(self) -> str:
        """A CRC-32 of what it trains on, as eight hex digits: of shapes, and of rows all over it.

        It reads few rows, so that data larger than memory has one too.

        >>> ProgramData((np.arange(3),)).fingerprint == ProgramData((np.arange(4),)).fingerprint
        False
        """
        mark = 0
        for x in self.train:
            mark = zlib.crc32(f"{x.dtype} {tuple(x.shape)}".encode(), mark)
            every = -(-x.shape[0] // _MOST_MARKED)
            mark = zlib.crc32(np.ascontiguousarray(x[::every]).data.cast("B"), mark)
        return f"{mark:08x}"


def first_params(program: Program, seed: int, dtype: str | None = None) -> Any:
    """The parameters that a program begins with.

    Args:
        program: whose ``init`` is called.
        seed: decides the random numbers.
        dtype: of their arrays of real numbers, and as precise for complex ones; None leaves them.

    Raises:
        ProgramError: ``init`` gave something in which there is nothing to learn.
    """
    params = program.init(random_stream(seed, 0))
    try:
        check_differentiable(params, "what init gave", optional=False)
        count = count_numbers(params)
    except GradxError as error:
        raise ProgramError(
            f"{program.name}: init gave no parameters: {in_file(str(error))}; return a record, "
            "or any tuple, list or dict of numbers and arrays of floats"
        ) from None
    if not count:
        raise ProgramError(
            f"{program.name}: init gave a {type(params).__name__} without a number to learn; "
            "return a record, or any tuple, list or dict with an array of floats in it"
        )
    params = with_floats(params)
    return params if dtype is None else cast_floats(params, dtype)


def integer_arrays(params: Any) -> list[str]:
    """The paths of the arrays of integers in parameters, of which none is learned.

    >>> integer_arrays({"w": np.zeros(2, int), "b": np.zeros(2)})
    ["params['w']"]
    """
    found: list[str] = []

    def leaf(x: Any, spec: ValueType, _: Any, where: Where) -> Any:
        if getattr(getattr(x, "dtype", None), "kind", "") in ("i", "u"):
            found.append(where())
        return x

    fold(params, None, parts_alone, leaf, "params", rebuild=lambda *_: None)
    return found


def read_data(program: Program, path: Path | None = None) -> ProgramData | None:
    """What a program trains on.

    Args:
        program: whose ``data`` is called.
        path: given to it, if not None.

    Returns:
        The data; None if the program has no ``data``.

    Raises:
        ProgramError: it takes no path, or needs one, or gave something else than such arrays.
    """
    use = program.path_use
    if path is not None and use == "none":
        raise ProgramError(
            f"{program.name}: --data does not apply, as its data() takes no path; write "
            "def data(path): …"
            if program.data is not None
            else f"{program.name}: --data does not apply, as it has no data(); write "
            "def data(path): …"
        )
    if path is None and use == "required":
        raise ProgramError(f"{program.name}: its data(path) needs a path; give it with --data PATH")
    if program.data is None:
        return None
    given = program.data() if path is None else program.data(path)
    parts = given if _is_split(given) else (given,)
    arrays = [_arrays(program, part) for part in parts]
    if len({len(part) for part in arrays}) > 1:
        raise _wrong(
            program,
            f"{len(arrays[0])} arrays to train on and {len(arrays[1])} to test on",
            "as many of each",
        )
    return ProgramData(*arrays)


def _is_split(given: Any) -> bool:
    return (
        isinstance(given, tuple)
        and len(given) == _PAIR
        and all(isinstance(part, tuple) for part in given)
    )


def _arrays(program: Program, part: Any) -> tuple[Any, ...]:
    """The arrays of one part of the data, if they are such."""
    if not isinstance(part, tuple):
        example = "x," if hasattr(part, "shape") else "x, y"
        raise _wrong(program, f"a {type(part).__name__}", f"such as 'return {example}'")
    if not part:
        raise _wrong(program, "an empty tuple", "such as 'return x, y'")
    for i, x in enumerate(part):
        if not (hasattr(x, "shape") and hasattr(x, "dtype")):
            raise _wrong(program, f"a {type(x).__name__} at {i}", "such as np.asarray(x)")
        if getattr(x.dtype, "kind", "f") not in "biufc":
            raise _wrong(program, f"an array of dtype {x.dtype} at {i}", "of numbers")
        if not x.shape:
            raise _wrong(program, f"an array without rows at {i}", "whose rows are samples")
    lengths = [x.shape[0] for x in part]
    if len(set(lengths)) > 1:
        told = " and ".join(f"{n:,}" for n in lengths)
        raise _wrong(program, f"arrays of {told} rows", "a row of each for every sample")
    if not lengths[0]:
        raise _wrong(program, "arrays without rows", "with a sample at least")
    return part


def _wrong(program: Program, gave: str, wanted: str) -> ProgramError:
    return ProgramError(
        f"{program.name}: data() gave {gave}; return a tuple of arrays, {wanted}, or two such "
        "tuples, to train and to test on"
    )


def check_loss(program: Program, params: Any, batch: tuple[Any, ...] | None) -> None:
    """Look whether a program's loss is one number, and its metrics are numbers by name.

    Args:
        program: whose functions are called.
        params: the first parameters.
        batch: some samples; None for a program without data.

    Raises:
        ProgramError: they are something else.
    """
    arguments = (params,) if batch is None else (params, batch)
    with np.errstate(all="ignore"):
        loss = program.loss(*arguments)
        metrics = program.metrics(*arguments) if program.metrics is not None else {}
    if not is_number(loss, floating=True):
        raise ProgramError(
            f"{program.name}: loss gave {described(loss)}; return one real number, such as "
            "np.mean(errors)"
        )
    if not isinstance(metrics, Mapping):
        raise ProgramError(
            f"{program.name}: metrics gave {described(metrics)}; return a dict of numbers, such "
            'as {"error": np.mean(wrong)}'
        )
    for key, value in metrics.items():
        if not str(key).isidentifier() or key in KEPT_NAMES:
            raise ProgramError(
                f'{program.name}: metrics names one {key!r:.40}; use a name such as "error"'
            )
        if not is_number(value):
            raise ProgramError(
                f"{program.name}: the metric {key} is {described(value)}; give one number, such "
                "as np.mean(wrong)"
            )


def count_numbers(params: Any) -> int:
    """How many numbers a value has that can be learned.

    >>> count_numbers({"w": np.zeros((3, 4)), "b": 0.0, "name": "linear"})
    13
    """
    found: list[int] = []

    def leaf(x: Any, _: Any) -> Any:
        found.append(int(np.prod(getattr(x, "shape", ()))))
        return x

    map_leaves(params, leaf, "params", own=True)
    return sum(found)
