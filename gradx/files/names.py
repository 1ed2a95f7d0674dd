"""Names: what each number and array of a value is called in a file, by the way to it.

`layers.0.w` is the field `w` of the first item of the field `layers`. Numbers that have no
gradient, such as a count of steps, a truth value or an array of labels, have names too; what is no
number, and what a field marks as static, belongs to the program and not to the file.
"""

from __future__ import annotations

import enum
from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from gradx.core.dispatch import Lifted
from gradx.devices.placement import PLACES
from gradx.errors import CycleError, GradxError, NotDifferentiableError, UnregisteredTypeError
from gradx.files.formats import METADATA
from gradx.values.builtin import is_builtin, record_fields
from gradx.values.operations import MISSING, Kind, ValueType, Where, children_of, fold

__all__ = ["BARE", "RESERVED", "Names", "is_array"]

RESERVED = "__state__"
"""Below this name a checkpoint has what is no parameter."""

BARE = "value"
"""What a value that is one number or one array is called."""

_DTYPES = frozenset(
    {"b1", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f2", "f4", "f8", "c8", "c16"}
)
_NUMBERS = (int, float, complex, Fraction, Decimal)
_MOST_LETTERS = 100_000_000  # of all names together: those of a list linked 10,000 times

Rebuild = Callable[[Any, ValueType, list[Any], list[Any]], Any]
Leaf = Callable[[str, Any], Any]


class Names:
    """The names of the numbers and arrays in a value.

    Args:
        value: any value that gradx knows.
        path: the file, for messages.
        error: the class to raise where something in the value can have no name.

    Attributes:
        leaves: the numbers and arrays, by name.
        fixed: the names of those without a gradient.
        kinds: the names of the classes of all containers, by the name of the container.

    Raises:
        GradxError: of the given class; a key makes no name, two parts have one name, or a part is
            of a type whose contents gradx does not know.
        UnregisteredTypeError: a part is of an unknown type, and so for the two other errors that a
            walk through a value raises, each with the file.
    """

    def __init__(self, value: Any, path: Path, error: type[GradxError]) -> None:
        self._whole, self._path, self._error = value, path, error
        self.leaves: dict[str, Any] = {}
        self.fixed: set[str] = set()
        self.kinds: dict[str, str] = {}
        self._letters = 0
        try:
            fold(value, "", self._expand, self._note, rebuild=lambda *_: None, own=True)
        except (UnregisteredTypeError, NotDifferentiableError, CycleError) as told:
            raise type(told)(f"{path}: {told}") from None

    def filled(self, leaf: Leaf) -> Any:
        """The value with other numbers and arrays.

        Args:
            leaf: ``leaf(name, x)`` gives what stands in the place of `x`.
        """

        def changed(x: Any, spec: ValueType, name: str, where: Where) -> Any:
            name = name or BARE
            return leaf(name, x) if name in self.leaves else x

        return fold(self._whole, "", self._parts, changed, own=True)

    def _expand(self, x: Any, spec: ValueType, name: str) -> tuple[Any, list[Any]]:
        self.kinds[name] = type(x).__name__
        template, items = self._parts(x, spec, name)
        self._letters += sum(len(item[2]) for item in items)
        if self._letters > _MOST_LETTERS:
            raise self._error(
                f"{self._path}: the value is nested so deep that the names of its parts take more "
                f"than {_MOST_LETTERS:,} letters; turn its linked parts into a list"
            )
        return template, items

    def _parts(self, x: Any, spec: ValueType, name: str) -> tuple[Any, list[Any]]:
        """The parts of a container, each with its name: a `fold` goes by this."""
        parts = _fields(x) if _is_record(spec) else children_of(x, spec)
        prefix = f"{name}." if name else ""
        return x, [(key, part, prefix + self._text(key, name)) for key, part in parts]

    def _text(self, key: Any, name: str) -> str:
        """A key as a part of a name."""
        text = key.name if isinstance(key, enum.Enum) else key
        if type(text) is int or type(text) is np.int64:
            return str(text)
        if isinstance(text, str) and text and (name or self._is_free(text)):
            return text
        inside = f" of {name}" if name else ""
        wrong = "makes no name" if not isinstance(text, str) or not text else "is reserved"
        raise self._error(
            f"{self._path}: the key {key!r:.80}{inside} {wrong}; use whole numbers, or texts that "
            f"are not empty and do not begin with {RESERVED!r}"
        )

    @staticmethod
    def _is_free(text: str) -> bool:
        return text != METADATA and text.partition(".")[0] != RESERVED

    def _note(self, x: Any, spec: ValueType, name: str, where: Where) -> None:
        """Note a leaf, if it is something to write."""
        name = name or BARE
        if isinstance(x, Lifted):
            raise self._error(
                f"{self._path}: {name} is a variable of a run; take its value with gx.value"
            )
        if not self._is_number(x, spec, name):
            return
        if name in self.leaves:
            raise self._error(
                f"{self._path}: two parts are called {name}, one of them {where()}; give their "
                "keys other names"
            )
        self.leaves[name] = x
        if spec.static or type(x) is int:
            self.fixed.add(name)

    def _is_number(self, x: Any, spec: ValueType, name: str) -> bool:
        if is_array(x):
            if x.dtype.str[1:] in _DTYPES:
                return True
            if x.dtype.kind not in "fc":
                return False  # texts, dates
            fix = "convert it with x.astype(float)"
            raise self._error(
                f"{self._path}: {name} is of dtype {x.dtype}, which has no place in a file; {fix}"
            )
        if type(x) is bool:
            return True
        if spec.static:
            return False
        if isinstance(x, _NUMBERS):
            return True
        cls = type(x).__name__
        raise self._error(
            f"{self._path}: {name} is of type {cls}, whose contents gradx does not know; name its "
            f"parts with gx.register({cls}, children=…), or mark its field with gx.static()"
        )


def is_array(x: Any) -> bool:
    """Whether a value is an array, on the host or a device, or a scalar of NumPy."""
    return isinstance(x, (np.ndarray, np.generic)) or type(x) in PLACES


def _is_record(spec: ValueType) -> bool:
    return spec.kind in (Kind.RECORD, Kind.NAMED_TUPLE) and is_builtin(spec)


def _fields(x: Any) -> list[tuple[str, Any]]:
    """The fields of a record that are not marked as static, whatever they hold."""
    named = [name for name, mark in record_fields(type(x)) if mark != "static"]
    found = [(name, getattr(x, name, MISSING)) for name in named]
    return [(name, part) for name, part in found if part is not MISSING]
