"""`gx.tree`: a value of any type as a tree of its parts, with their norms."""

from __future__ import annotations

import math
from collections.abc import Iterator
from decimal import Decimal
from numbers import Complex
from typing import Any, NamedTuple

import numpy as np

from gradx.core.dispatch import Lifted
from gradx.core.spec import primal, spec_of
from gradx.debugging.finite import is_finite, read
from gradx.debugging.markup import Markup, element
from gradx.devices.placement import on_device_of
from gradx.values.operations import children_of, fold, leaves_of, parts_alone, value_type

__all__ = ["Part", "Tree", "tree"]

_MOST = 200
"""Lines that are shown."""


class Part(NamedTuple):
    """A part of a value.

    Attributes:
        depth: how many containers it is in.
        key: how it is reached from the one around it, such as ".w" or "[0]".
        what: its type, and of an array its dtype and shape.
        norm: the root of the sum of the squares of all numbers in it; None where there are none.
        note: a warning: that a number in it is not finite, or that all are zero.
    """

    depth: int
    key: str
    what: str
    norm: float | None
    note: str


class Tree:
    """A value's parts: text when printed, a tree that opens and closes in a notebook.

    Attributes:
        parts: all parts, each before its own parts.
    """

    def __init__(self, value: Any) -> None:
        self.parts = list(_parts(value))

    def __str__(self) -> str:
        lines = ["  " * part.depth + _line(part) for part in self.parts[:_MOST]]
        return "\n".join([*lines, *self._more()])

    __repr__ = __str__

    def _more(self) -> list[str]:
        more = len(self.parts) - _MOST
        return [f"… and {more} more parts: see .parts"] if more > 0 else []

    def _repr_html_(self) -> str:
        # From the last part to the first, so that a part's own parts are ready before it.
        inside: dict[int, list[Markup]] = {}
        for part in reversed(self.parts[:_MOST]):
            below = inside.pop(part.depth + 1, [])
            line = _line(part)
            if below:
                made = element("details", element("summary", line), *reversed(below), open="")
            else:
                made = element("div", line)
            style = "margin-left: 1.5em" if part.depth else "font-family: monospace"
            inside.setdefault(part.depth, []).append(element("div", made, style=style))
        return element("div", *reversed(inside.get(0, [])), *self._more())


def _line(part: Part) -> str:
    norm = "" if part.norm is None else f"  |{part.norm:.4g}|"
    return f"{part.key} {part.what}{norm}{'  ' + part.note if part.note else ''}".strip()


def _parts(value: Any) -> Iterator[Part]:
    """The parts of a value, each before its own; iterative, since records may be nested deep."""
    fold(value, None, parts_alone, lambda *_: None, rebuild=lambda *_: None)  # refuses cycles
    waiting: list[tuple[int, str, Any]] = [(0, "", value)]
    while waiting:
        depth, key, x = waiting.pop()
        spec = value_type(x)
        if spec.static:
            text = repr(x)
            yield Part(depth, key, text if len(text) <= 60 else text[:57] + "...", None, "")
            continue
        opens = spec.children is not None and spec.fieldwise
        leaves = leaves_of(x) if opens else [x]
        yield Part(depth, key, _what(x, opens), _norm(leaves), _note(leaves))
        if opens:
            parts = [(depth + 1, spec.format_key(k), child) for k, child in children_of(x, spec)]
            waiting.extend(reversed(parts))


def _what(x: Any, opens: bool) -> str:
    if opens:
        return type(x).__name__
    shape, dtype, _ = spec_of(x)
    name = str(dtype) if isinstance(dtype, np.dtype) else getattr(dtype, "__name__", str(dtype))
    return f"{name} {'x'.join(map(str, shape))}".strip()


def _norm(leaves: list[Any]) -> float | None:
    norms = [norm for x in leaves if (norm := _norm_of(primal(x))) is not None]
    return math.hypot(*norms) if norms else None


def _norm_of(x: Any) -> float | None:
    """The norm of the numbers in a leaf; that of a mapped function has one for each example."""
    if isinstance(x, Lifted):
        return None
    if hasattr(x, "dtype") and x.dtype.kind in "fciu":
        with on_device_of(x), np.errstate(all="ignore"):
            return math.sqrt(float(read(np.sum(np.abs(x) ** 2.0))))
    return abs(complex(x)) if isinstance(x, (Complex, Decimal)) else None


def _note(leaves: list[Any]) -> str:
    if not all(map(is_finite, leaves)):
        return "not finite"
    return "all zero" if leaves and _norm(leaves) == 0 else ""


def tree(value: Any) -> Tree:
    """A value as a tree of its parts, with the norm of the numbers in each: of a gradient, say.

    Args:
        value: any value that can be differentiated, or a gradient.

    Returns:
        The tree: text when it is printed, a tree that opens and closes in a notebook, ``.parts``
        as data.

    Raises:
        CycleError: the value contains itself.
        UnregisteredTypeError: a part is of an unknown type.

    >>> print(tree({"w": np.array([3.0, 4.0]), "rest": [0.0, "name"]}))
    dict  |5|
      ['w'] float64 2  |5|
      ['rest'] list  |0|  all zero
        [0] float  |0|  all zero
        [1] 'name'
    """
    return Tree(value)
