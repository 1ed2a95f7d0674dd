"""Inputs of a function from the command line: read as given, or drawn as its annotations say."""

from __future__ import annotations

import copy
import dataclasses
import inspect
import re
import types
import typing
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import click
import numpy as np

from gradx.files.formats import opened_arrays
from gradx.files.npy import read_npy
from gradx.testing.differences import numbers_by_path

__all__ = ["Drawing", "Inputs", "inputs_of", "parse_shapes"]

Shape = tuple[int, ...]
_ITEMS = 3
"""So many items does a list get whose annotation does not say how many."""


class Inputs(typing.NamedTuple):
    """The arguments of a call.

    Attributes:
        values: by the names of the parameters.
        origins: where each is from: ``given`` or ``drawn``.
        chosen: the names of those with numbers to differentiate.
    """

    values: dict[str, Any]
    origins: dict[str, str]
    chosen: tuple[str, ...]

    def call(self, f: Callable[..., Any], chosen: Mapping[str, Any]) -> Any:
        """The result for other values of the chosen ones; a function may write into the rest."""
        values = copy.deepcopy({k: x for k, x in self.values.items() if k not in chosen})
        values |= chosen
        parameters = _parameters(f, "").values()
        first = [p.name for p in parameters if p.kind is p.POSITIONAL_ONLY and p.name in values]
        return f(*[values.pop(key) for key in first], **values)


def parse_shapes(options: Sequence[str]) -> dict[str, Shape]:
    """The shapes of arrays by path, that of all others under the empty path.

    Raises:
        BadParameter: an option is no shape.
    """
    shapes = {}
    for option in options:
        path, _, text = option.rpartition("=")
        if not re.fullmatch(r"(\d+(,\d+)*,?)?", text) or (not path and not text):
            raise click.BadParameter(
                f"--shape {option}: it is 'x=3,4' for the array x, 'net.w=3,4' for one in a "
                "record, '3,4' for all others"
            )
        shapes[path] = tuple(int(n) for n in text.split(",") if n)
    return shapes


def inputs_of(f: Callable[..., Any], name: str, given: Sequence[str], drawing: Drawing) -> Inputs:
    """The inputs for a function.

    Args:
        f: the function.
        name: its name, for messages.
        given: values, in the order of the parameters or as ``parameter=value``.
        drawing: draws what is not given.

    Raises:
        ClickException: an input cannot be read or drawn.
    """
    parameters = _parameters(f, name)
    texts = _assigned(parameters, name, given)
    hints = _hints_of(f)
    values, origins, chosen = {}, {}, []
    for each in parameters.values():
        hint = hints.get(each.name, Any)
        if each.name in texts:
            values[each.name] = _read(texts[each.name], hint, each.name)
            origins[each.name] = "given"
        elif each.default is not each.empty:
            continue
        else:
            values[each.name], origins[each.name] = drawing.of(hint, each.name), "drawn"
        if _has_numbers(values[each.name]):
            chosen.append(each.name)
    if not chosen:
        raise click.ClickException(
            f"{name} was given nothing to differentiate; give it numbers or arrays of floats, or "
            "annotate a parameter with float"
        )
    return Inputs(values, origins, tuple(chosen))


def _parameters(f: Callable[..., Any], name: str) -> dict[str, inspect.Parameter]:
    try:
        found = inspect.signature(f).parameters
    except (TypeError, ValueError):
        raise click.ClickException(
            f"{name} does not say its parameters; write a function of Python's that calls it"
        ) from None
    several = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    return {p.name: p for p in found.values() if p.kind not in several}


def _assigned(parameters: Mapping[str, Any], name: str, given: Sequence[str]) -> dict[str, str]:
    """The texts of values by parameter."""
    texts: dict[str, str] = {}
    for text in given:
        key, equals, rest = text.partition("=")
        if not equals:
            key = next((each for each in parameters if each not in texts), "")
            rest = text
        if key not in parameters or key in texts:
            raise click.ClickException(
                f"{text}: {name} takes {', '.join(parameters) or 'nothing'}; give each value once, "
                "in this order or as parameter=value"
            )
        texts[key] = rest
    return texts


def _hints_of(thing: Any) -> dict[str, Any]:
    try:
        return typing.get_type_hints(thing)
    except (NameError, TypeError, AttributeError):
        return {}


def _has_numbers(x: Any) -> bool:
    """Whether there is something to differentiate: whole numbers by themselves are none."""
    if (
        isinstance(x, (int, str, bytes))
        or getattr(getattr(x, "dtype", None), "kind", "f") not in "fc"
    ):
        return False
    return bool(numbers_by_path(x))


# --- Reading --------------------------------------------------------------------------------------


def _read(text: str, hint: Any, path: str) -> Any:
    """A number, or what is in a file."""
    kind = Path(text).suffix
    if kind in (".npy", ".npz", ".safetensors"):
        found = _loaded(text)
        return _filled(hint, found, path, text) if isinstance(found, dict) else _typed(found, hint)
    hint = _bare(hint)
    if hint is str:
        return text
    for number in (int,) if hint is int else (complex,) if hint is complex else (float, complex):
        try:
            return number(text)
        except ValueError:
            continue
    raise click.ClickException(
        f"{path}={text} is no number; give a number such as 2.5 or 1+2j, or a file of arrays "
        "(.npy, .npz, .safetensors)"
    )


def _loaded(text: str) -> Any:
    path = Path(text)
    if path.suffix == ".npy":
        return read_npy(path)
    with opened_arrays(path) as stored:
        stored.check_size(path)
        return {name: stored.read(name) for name in stored.entries}


def _typed(array: np.ndarray, hint: Any) -> Any:
    """An array without axes as the number that is asked for."""
    kind = {float: float, complex: complex, int: int}.get(_bare(hint))
    return kind(array) if kind is not None and array.shape == () else array


def _filled(hint: Any, arrays: dict[str, Any], path: str, file: str) -> Any:
    """A record with the arrays of a file for fields; a dict of them for any other annotation."""
    hint = _bare(hint)
    if not dataclasses.is_dataclass(hint):
        return {key: _typed(array, float) for key, array in arrays.items()}
    rest = dict(arrays)
    record = _record(hint, rest, "", path, file)
    if rest:
        raise click.ClickException(
            f"{file} has {', '.join(rest)}, and {path} has no such field; name the arrays as its "
            "fields, and those of records inside as 'layer.w'"
        )
    return record


def _record(cls: Any, rest: dict[str, Any], prefix: str, path: str, file: str) -> Any:
    """A record of a class; takes what it uses out of ``rest``."""
    hints, parts = _hints_of(cls), {}
    for field in dataclasses.fields(cls):
        key, hint = prefix + field.name, _bare(hints.get(field.name, Any))
        if key in rest:
            parts[field.name] = _typed(rest.pop(key), hint)
        elif dataclasses.is_dataclass(hint) and any(k.startswith(f"{key}.") for k in rest):
            parts[field.name] = _record(hint, rest, f"{key}.", path, file)
        elif field.init and not _has_default(field):
            raise click.ClickException(f"{file} has no {key}, which {path} needs; add that array")
    return _made(cls, parts, path)


def _has_default(field: Any) -> bool:
    missing = dataclasses.MISSING
    return field.default is not missing or field.default_factory is not missing


def _made(cls: Any, parts: dict[str, Any], path: str) -> Any:
    try:
        return cls(**parts)
    except Exception as error:
        raise click.ClickException(
            f"{path}: {cls.__name__} could not be made ({type(error).__name__}: {error}); give "
            "values that it takes"
        ) from None


# --- Drawing --------------------------------------------------------------------------------------


def _bare(hint: Any) -> Any:
    """An annotation without what does not change the type."""
    while True:
        if hasattr(hint, "__supertype__"):
            hint = hint.__supertype__
        elif hasattr(hint, "__metadata__"):
            hint = hint.__origin__
        elif typing.get_origin(hint) in (typing.Union, types.UnionType):
            hint = next(part for part in typing.get_args(hint) if part is not type(None))
        else:
            return hint


class Drawing:
    """Random values of types.

    Args:
        rng: the generator.
        shapes: of arrays, by path.
        positive: all numbers are between 0.5 and 1.5; otherwise they are normal.
    """

    def __init__(
        self, rng: np.random.Generator, shapes: Mapping[str, Shape], positive: bool = False
    ) -> None:
        self._rng, self._shapes, self._positive = rng, shapes, positive

    def of(self, hint: Any, path: str) -> Any:
        """A value of a type; fields of records with a default have that.

        Raises:
            ClickException: the type does not say enough.
        """
        hint = _bare(hint)
        origin, args = typing.get_origin(hint), typing.get_args(hint)
        if hint in (float, complex) or _is_floating(hint):
            return hint(self._numbers((), hint is complex))
        if np.ndarray in (hint, origin):
            return self._array(args, path)
        if dataclasses.is_dataclass(hint) and isinstance(hint, type):
            return self._of_fields(hint, path)
        fields = getattr(hint, "_fields", None)
        if fields is not None:
            hints, named_tuple = _hints_of(hint), typing.cast(Any, hint)
            return named_tuple(*[self.of(hints.get(n, Any), f"{path}.{n}") for n in fields])
        if origin in (list, tuple) and args:
            repeated = origin is list or args[-1] is Ellipsis
            kinds = args[:1] * _ITEMS if repeated else args
            return origin([self.of(kind, f"{path}[{i}]") for i, kind in enumerate(kinds)])
        shown = "no annotation" if hint is Any else f"the annotation {_shown(hint)}"
        raise click.ClickException(
            f"{path} has {shown}, of which no value is drawn; give one, such as "
            f"{path.partition('.')[0].partition('[')[0]}=2.5 or a .npy file, or annotate it with "
            "float, np.ndarray, a dataclass or a tuple or list of these"
        )

    def _numbers(self, shape: Shape, imaginary: bool) -> Any:
        draw: Callable[[Shape], Any] = self._rng.standard_normal
        if self._positive:
            draw = lambda shape: self._rng.uniform(0.5, 1.5, shape)  # noqa: E731
        return draw(shape) + 1j * draw(shape) if imaginary else draw(shape)

    def _array(self, args: Sequence[Any], path: str) -> Any:
        dtype = np.dtype(next(iter(typing.get_args(args[-1])), float) if args else float)
        shape = self._shapes.get(path, self._shapes.get(""))
        if shape is None or dtype.kind not in "fc":
            missing = "no shape" if shape is None else f"the dtype {dtype}, which is not drawn"
            raise click.ClickException(
                f"{path} is an array with {missing}; give --shape {path}=3,4 for one of floats, or "
                "a .npy file"
            )
        return np.asarray(self._numbers(shape, dtype.kind == "c"), dtype)

    def _of_fields(self, cls: Any, path: str) -> Any:
        hints = _hints_of(cls)
        parts = {
            field.name: self.of(hints.get(field.name, Any), f"{path}.{field.name}")
            for field in dataclasses.fields(cls)
            if field.init and not _has_default(field)
        }
        return _made(cls, parts, path)


def _is_floating(hint: Any) -> bool:
    return isinstance(hint, type) and issubclass(hint, np.inexact)


def _shown(hint: Any) -> str:
    return hint.__name__ if isinstance(hint, type) else str(hint)
