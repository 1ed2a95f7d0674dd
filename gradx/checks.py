"""Checks: cotangents that a user gives, held against the values they are for.

Whoever calls a pullback of `gradx.backprop_with`, or writes an op, hands over cotangents. One of
a wrong number, type or shape is found here, with the path of the part that is wrong.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from gradx.cotangent import Fields, fit, held, shape_of
from gradx.device import CPU
from gradx.errors import (
    CotangentError,
    DeviceMismatchError,
    NotDifferentiableError,
    UnregisteredTypeError,
)
from gradx.places import PLACES, beside, device_at
from gradx.value import (
    Item,
    Kind,
    ValueType,
    Where,
    children_of,
    every_mismatch,
    fold,
    registry,
    value_type,
)

__all__ = ["checked_pullback", "expected_of", "matched"]


def checked_pullback(
    g: Any, op: Any, pullback: Callable[[Any], Any], operands: Sequence[Any]
) -> Any:
    """A user's cotangents, one for each operand, each checked against it.

    Args:
        g: the cotangent of the result.
        op: the op.
        pullback: what its function returned.
        operands: the operands as plain values, or what `expected_of` keeps of them.

    Raises:
        CotangentError: of a wrong number, or one of a wrong type or shape.
    """
    parts = pullback(g)
    if op.arity == 1:
        parts = (parts,)
    elif not isinstance(parts, (tuple, list)):
        raise CotangentError(
            f"the pullback of {op.name} returned a {type(parts).__name__}; return a tuple with a "
            f"cotangent for each of its {len(operands)} operands"
        )
    if len(parts) != len(operands):
        raise CotangentError(
            f"the pullback of {op.name} returned {len(parts)} cotangents for {len(operands)} "
            "operands; return one for each"
        )
    out = []
    for i, (x, part) in enumerate(zip(operands, parts, strict=True)):
        try:
            h = _alike(x, part, 0)
        except (NotDifferentiableError, UnregisteredTypeError):  # `matched` says where
            h = None
        if h is None:
            name = f"the cotangent of operand {i} of {op.name}"
            h = matched(x, part, name, "operand", _fitted_there)
        out.append(h)
    return tuple(out)


_DEEP = 16
"""Records nested deeper than this are left to `matched`, which does not recurse."""


def _alike(x: Any, g: Any, depth: int) -> Any:
    """A cotangent that needs no work, as the engine has it: None if it needs a closer look.

    That is an array of NumPy's of the operand's very dtype and shape, or a record of such.
    """
    kind = type(g)
    if kind is np.ndarray:
        if type(x) is _Shape:
            same = x.device is CPU
        else:
            same = type(x) is np.ndarray and x.dtype.kind in "fc"
        return g if same and g.dtype is x.dtype and g.shape == x.shape else None
    if kind is not type(x) or depth > _DEEP:
        return None
    if kind is float:
        return g
    spec = value_type(x)
    if spec.kind is not Kind.RECORD or not spec.fieldwise:
        return None
    pairs, own, parts = children_of(x, spec), children_of(g, spec), {}
    if len(pairs) != len(own):
        return None
    for (key, child), (other, h) in zip(pairs, own, strict=True):
        if other != key:
            return None
        if value_type(child).kind is Kind.STATIC:
            continue
        h = _alike(child, h, depth + 1)
        if h is None:
            return None
        parts[key] = h
    return Fields(x, parts)


class _Shape:
    """What is kept of an array operand to check its cotangent: not its numbers."""

    __slots__ = ("device", "dtype", "shape")

    def __init__(self, shape: tuple[int, ...], dtype: Any, device: Any) -> None:
        self.shape, self.dtype, self.device = shape, dtype, device


registry.register(_Shape, ValueType(Kind.NUMERIC, lambda x: x, lambda x, y: x, lambda x: x))


def expected_of(x: Any) -> Any:
    """What to keep of an operand to check a cotangent of it: of an array only the shape."""
    kept = (type(x) is np.ndarray or type(x) in PLACES) and x.dtype.kind in "fc"
    return _Shape(x.shape, x.dtype, device_at(x)) if kept else x


_COMPLEX = np.dtype(complex)


def _fitted_there(x: Any, g: Any) -> Any:
    """As `fitted`, for a cotangent that must be on the device of the operand if that has one."""
    if not PLACES:
        return fitted(x, g)
    given = held(g)
    wanted, found = (z.device if type(z) is _Shape else device_at(z) for z in (held(x), given))
    if None not in (wanted, found) and wanted != found:
        raise DeviceMismatchError(
            f"the pullback of an op returned a cotangent on {found} for an operand on {wanted}; "
            f"move it there with gx.to_device(g, '{wanted}')"
        )
    with beside(given):
        return fitted(x, g)


def fitted(x: Any, g: Any) -> Any:
    """A user's cotangent of a number or array, cast to its dtype and realness."""
    x = held(x)
    dtype = getattr(x, "dtype", None)
    if dtype is not None:
        return fit(g, (x.shape, dtype))
    if isinstance(x, complex):
        return fit(g, ((), _COMPLEX))
    return fit(g, ((), float)) if isinstance(x, (int, float)) else g


def matched(y: Any, g: Any, name: str, noun: str, finish: Callable[[Any, Any], Any]) -> Any:
    """A cotangent, checked to be of the structure and the shapes of its value.

    Args:
        y: the value.
        g: a cotangent that a user gave for it.
        name: how to call the cotangent in a message.
        noun: how to call the value.
        finish: ``finish(y, g)``, what to make of each number or array in it.

    Raises:
        CotangentError: parts are of a wrong type or shape; the message has the path of each.
    """

    def expand(y: Any, spec: ValueType, g: Any) -> tuple[Any, list[Item]]:
        parts, own = children_of(y, spec), _parts_of(g)
        same = type(held(g)) is type(y) or isinstance(held(y), type(held(g)))
        if own is None or own.keys() != dict(parts).keys() or not same:
            raise CotangentError(
                f"{name} {_described(g)}; the {noun} is a {type(y).__name__} with parts "
                f"{[key for key, _ in parts]}: give one of its type, with gx.zero(x) where there "
                "is no derivative"
            )
        return y, [(key, child, own[key]) for key, child in parts]

    def leaf(y: Any, spec: ValueType, g: Any, where: Where) -> Any:
        if spec.kind is Kind.STATIC:
            return y
        if spec.kind is not Kind.NUMERIC:
            if type(held(g)) is not type(held(y)):
                raise CotangentError(
                    f"{where()} {_described(g)}; the {noun} is a {type(y).__name__}: give one of "
                    "its type"
                )
            return g
        if not _is_numeric(g) or shape_of(g) != shape_of(y):
            raise CotangentError(
                f"{where()} {_described(g)}; the {noun} has shape {shape_of(y)}: give a number or "
                "an array of that shape, zeros where there is no derivative, and sum over what "
                "was repeated"
            )
        return finish(y, g)

    try:
        return fold(y, g, expand, leaf, name)
    except CotangentError as error:
        text = every_mismatch(error, y, g, expand, leaf, name)
    raise CotangentError(text)


def _parts_of(g: Any) -> dict[Any, Any] | None:
    entry = registry.find(type(g))
    if not isinstance(entry, ValueType) or entry.children is None:
        return None
    return dict(entry.children(g))


def _is_numeric(g: Any) -> bool:
    try:
        return g is not None and value_type(g).kind is Kind.NUMERIC
    except TypeError:
        return False


def _described(g: Any) -> str:
    if _is_numeric(g) and shape_of(g):
        return f"has shape {shape_of(g)}"
    if hasattr(g, "dtype"):
        return f"is an array of dtype {g.dtype}"
    parts = _parts_of(g)
    kind = f"is a {type(held(g)).__name__}"
    return kind + (f" with parts {list(parts)}" if parts else "")
