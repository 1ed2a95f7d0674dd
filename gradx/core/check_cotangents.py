"""Checks of the cotangents that a user gives, against the values that they belong to.

Whoever calls a pullback of `gradx.backprop_with`, or writes an op, hands over cotangents. One of
a wrong number, type or shape is found here, with the path of the part that is wrong.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from copy import deepcopy
from functools import partial
from types import FunctionType
from typing import Any

import numpy as np

from gradx.core.cotangent import unbroadcast_and_cast
from gradx.core.spec import Answering, Form, primal, shape_of, spec_of
from gradx.devices.device import CPU
from gradx.devices.placement import PLACES, copied, device_at, on_device_of
from gradx.errors import CotangentError, DeviceMismatchError
from gradx.native import native
from gradx.values.leaves import taken_apart
from gradx.values.operations import (
    Item,
    Kind,
    ValueType,
    Where,
    children_of,
    every_mismatch,
    fold,
    leaves_of,
    map_leaves,
    registry,
    value_type,
)

__all__ = [
    "checked_leaves",
    "checked_pullback",
    "expected_of",
    "fitted",
    "given_by",
    "guarded",
    "matched",
    "shapes_of",
]


def _pulled(
    g: Any, op: Any, pullback: Callable[[Any], Any], count: int, wants: Callable[[int], bool]
) -> Sequence[Any]:
    """What a user's pullback gives for a cotangent that it must not change; see `given_by`."""
    try:
        run = None if type(g) in _PLAIN else _run_of(g)
        given = guarded(g)
        if run is None:
            return given_by(pullback, op, count, wants, given)
        parts: Sequence[Any] = run.pulled(op, partial(given_by, pullback, op, count, wants), given)
    except ValueError as error:
        note_read_only(error, op)
        raise
    return parts


def note_read_only(error: ValueError, op: Any) -> None:
    """Say in the error of a pullback that wrote into its cotangent what to write instead."""
    if "read-only" in str(error):
        error.add_note(
            f"the cotangent that the pullback of {op.name} is given may be another operand's "
            "too, so it cannot be written into; write g = g * 2 instead of g *= 2, or "
            "g = g.copy() first"
        )


def given_by(
    pullback: Callable[[Any], Any], op: Any, count: int, wants: Callable[[int], bool], g: Any
) -> Sequence[Any]:
    """The cotangents that a user's pullback gives, one for each operand.

    One may be delayed: a function without parameters in its place, called where it is wanted.

    Args:
        pullback: what the op's function returned.
        op: the op.
        count: the number of operands.
        wants: ``wants(i)``, whether the cotangent of operand ``i`` is wanted.
        g: the cotangent of the result.

    Returns:
        The cotangents. One that was delayed and is not wanted is left as the function.

    Raises:
        CotangentError: they are of another number, or a function among them has parameters.
    """
    return _one_for_each(pullback(g), op, count, wants)


def _one_for_each(parts: Any, op: Any, count: int, wants: Callable[[int], bool]) -> Sequence[Any]:
    """What a pullback gave, as `given_by` says."""
    if op.arity == 1:
        parts = (parts,)
    elif not isinstance(parts, (tuple, list)):
        raise CotangentError(
            f"the pullback of {op.name} returned a {type(parts).__name__}; return a tuple with a "
            f"cotangent for each of its {count} operands"
        )
    if len(parts) != count:
        raise CotangentError(
            f"the pullback of {op.name} returned {len(parts)} cotangents for {count} "
            "operands; return one for each"
        )
    if FunctionType in map(type, parts):
        parts = [
            _computed(h, i, op) if type(h) is FunctionType and wants(i) else h
            for i, h in enumerate(parts)
        ]
    return parts  # type: ignore[no-any-return]


def _computed(delayed: Any, i: int, op: Any) -> Any:
    code, named = delayed.__code__, delayed.__kwdefaults__ or ()
    if code.co_argcount > len(delayed.__defaults__ or ()) or code.co_kwonlyargcount > len(named):
        raise CotangentError(
            f"{_name(i, op)} is a function with parameters; give the cotangent, or delay it by a "
            "function without parameters, as in lambda: g * x"
        )
    return delayed()


def _count(x: Any) -> int:
    """How many leaves a value has, each of which has a cotangent."""
    return 0 if registry.find(type(x)) is None else len(leaves_of(x))


_PLAIN = frozenset({float, np.ndarray, np.float64})


def _run_of(g: Any) -> Any:
    """The run of the first lifted value in a cotangent; None for a plain one."""
    leaves = (g,) if registry.find(type(g)) is None else leaves_of(g)
    return next((v._run for v in leaves if isinstance(v, Answering)), None)


def guarded(g: Any) -> Any:
    """A cotangent that may be handed to a user's code: nothing done to it changes the original.

    Arrays are read-only views; containers are new; what cannot be made read-only is copied.
    """
    kind = type(g)
    if kind is float:
        return g
    if kind is np.ndarray:
        view = g.view()
        view.setflags(False)  # a third of what view.flags.writeable = False takes
        return view
    if registry.find(kind) is None:
        return g
    return map_leaves(g, _guarded_leaf, "the cotangent")


def _guarded_leaf(g: Any, spec: ValueType) -> Any:
    if isinstance(g, Answering):  # a variable, which does not change
        return g
    if type(g) is np.ndarray:
        return guarded(g)
    if spec.numeric:
        return copied(g)
    if spec.children is not None:
        return map_leaves(g, _guarded_leaf, own=True)
    return deepcopy(g)  # its inside is unknown


def checked_pullback(
    g: Any,
    op: Any,
    pullback: Callable[[Any], Any],
    operands: Sequence[Any],
    wanted: Sequence[bool] | None = None,
) -> Any:
    """A user's cotangents, one for each operand, each checked against it.

    Args:
        g: the cotangent of the result.
        op: the op.
        pullback: what its function returned.
        operands: the operands as plain values.
        wanted: for each operand whether its cotangent is wanted; all are by default.

    Returns:
        A tuple; None for a cotangent that was delayed and is not wanted.

    Raises:
        CotangentError: of a wrong number, or one of a wrong type or shape.
    """

    def wants(i: int) -> bool:
        return _count(operands[i]) > 0 and (wanted is None or wanted[i])

    parts = _pulled(g, op, pullback, len(operands), wants)
    return tuple(
        [
            None
            if wanted is not None and type(h) is FunctionType and not wanted[i]
            else matched(x, h, _name(i, op), "operand", _fitted_there)
            for i, (x, h) in enumerate(zip(operands, parts, strict=True))
        ]
    )


def checked_leaves_in_general(
    g: Any,
    op: Any,
    pullback: Callable[[Any], Any],
    operands: Sequence[Any],
    targets: Sequence[Any],
) -> list[Any]:
    """A user's cotangents of the leaves of all operands, in order, each checked.

    Args:
        g: the cotangent of the result.
        op: the op.
        pullback: what its function returned.
        operands: what `expected_of` keeps of the operands.
        targets: the node of each leaf, None where no cotangent is wanted.

    Returns:
        The cotangents; None for the leaves of an operand whose cotangent was delayed and of which
        no leaf has a node.

    Raises:
        CotangentError: of a wrong number, or one of a wrong type or shape.
    """
    wants = partial(_has_node, operands, targets)
    return _leaves_checked(_pulled(g, op, pullback, len(operands), wants), op, operands, wants)


def checked_parts(
    given: Any, op: Any, operands: Sequence[Any], targets: Sequence[Any], computed: int = 0
) -> list[Any]:
    """As `checked_leaves`, of what the pullback gave for a plain cotangent.

    The delayed cotangents of so many operands, the first ones, are computed already.
    """
    wants = partial(_has_node, operands, targets)
    parts = _one_for_each(given, op, len(operands), lambda i: i >= computed and wants(i))
    return _leaves_checked(parts, op, operands, wants)


def _leaves_checked(
    parts: Sequence[Any], op: Any, operands: Sequence[Any], wants: Callable[[int], bool]
) -> list[Any]:
    out: list[Any] = []
    for i, x in enumerate(operands):
        if alike(x, parts[i], out) or registry.find(type(x)) is None:
            continue
        if type(parts[i]) is FunctionType and not wants(i):
            out += [None] * len(leaves_of(x))
        else:
            out += leaves_of(matched(x, parts[i], _name(i, op), "operand", _fitted_there))
    return out


def _has_node(operands: Sequence[Any], targets: Sequence[Any], i: int) -> bool:
    """Whether a leaf of operand ``i`` has a node."""
    counts = list(map(_count, operands[: i + 1]))
    own = targets[sum(counts[:i]) : sum(counts)]
    return any(target is not None for target in own)


def _name(i: int, op: Any) -> str:
    return f"the cotangent of operand {i} of {op.name}"


def leaves_alike(x: Any, g: Any, out: list[Any]) -> bool:
    """Whether a cotangent fits as it is to what `expected_of` has kept of a value.

    Args:
        x: the value.
        g: the cotangent.
        out: gets the leaves of the cotangent, if all of them fit.
    """
    if _is_alike(x, g):
        out.append(g)
        return True
    entry = registry.find(type(x))
    if type(g) is not type(x) or not isinstance(entry, ValueType):
        return False
    if entry.kind is not Kind.RECORD or not entry.fieldwise:
        return False
    keys, parts = taken_apart(x, entry)
    own_keys, own = taken_apart(g, entry)
    if keys is not own_keys and list(keys) != list(own_keys):
        return False
    if not all(map(_is_alike, parts, own)):
        return False
    out += own
    return True


def _is_alike(x: Any, g: Any) -> bool:
    kind = type(g)
    if kind is np.ndarray:
        same = type(x) is _Shape and x.device is CPU and g.dtype is x.dtype
        return same and g.shape == x.shape
    return kind is float and type(x) is float


class _Shape:
    """What a check of the cotangent needs of an array operand: all but its numbers."""

    __slots__ = ("device", "dtype", "shape")

    def __init__(self, shape: tuple[int, ...], dtype: Any, device: Any) -> None:
        self.shape, self.dtype, self.device = shape, dtype, device


registry.register(_Shape, ValueType(Kind.NUMERIC, lambda x: x, lambda x, y: x, lambda x: x))


def expected_of(x: Any) -> Any:
    """An operand reduced to what a check of its cotangent needs: shapes instead of arrays."""
    x = primal(x)
    if type(x) is np.ndarray:
        return _Shape(x.shape, x.dtype, CPU) if x.dtype.kind in "fc" else x
    if type(x) in PLACES:
        return _Shape(x.shape, x.dtype, device_at(x)) if x.dtype.kind in "fc" else x
    entry = registry.find(type(x))
    if not isinstance(entry, ValueType) or entry.children is None or not entry.fieldwise:
        return x
    return shapes_of(x)


def shapes_of(x: Any) -> Any:
    """`expected_of` of a container."""
    return map_leaves(x, lambda leaf, spec: expected_of(leaf))


alike = leaves_alike
checked_leaves = checked_leaves_in_general
if native is not None:
    native.use(Shape=_Shape, CPU=CPU, checked_parts=checked_parts, note_read_only=note_read_only)
    native.use(checked_leaves_in_general=checked_leaves_in_general)
    alike, checked_leaves = native.alike, native.checked_leaves
    native.use(checked_leaves=checked_leaves)


_COMPLEX = np.dtype(complex)


def _fitted_there(x: Any, g: Any) -> Any:
    """As `fitted`, for an operand that may be on a device, where its cotangent must be too."""
    if not PLACES:
        return fitted(x, g)
    given = primal(g)
    wanted, found = (z.device if type(z) is _Shape else device_at(z) for z in (primal(x), given))
    if None not in (wanted, found) and wanted != found:
        raise DeviceMismatchError(
            f"the pullback of an op returned a cotangent on {found} for an operand on {wanted}; "
            f"move it there with gx.to_device(g, '{wanted}')"
        )
    with on_device_of(given):
        return fitted(x, g)


def fitted(x: Any, g: Any) -> Any:
    """A user's cotangent of a number or array, cast to its dtype and realness."""
    shape, dtype, form = spec_of(x)
    if form is not Form.NUMBER:
        return g if form is Form.OPAQUE else unbroadcast_and_cast(g, (shape, dtype))
    if dtype is complex:
        return unbroadcast_and_cast(g, ((), _COMPLEX))
    return unbroadcast_and_cast(g, ((), float)) if dtype in (int, float, bool) else g


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
        same = type(primal(g)) is type(y) or isinstance(primal(y), type(primal(g)))
        if own is None or own.keys() != dict(parts).keys() or not same:
            raise CotangentError(
                f"{name} {_described(g)}; the {noun} is a {type(y).__name__} with parts "
                f"{[key for key, _ in parts]}: give one of its type, with gx.zero(x) where there "
                "is no derivative"
            )
        return y, [(key, child, own[key]) for key, child in parts]

    def leaf(y: Any, spec: ValueType, g: Any, where: Where) -> Any:
        if spec.static:
            return y
        if not spec.numeric:
            if type(primal(g)) is not type(primal(y)):
                raise CotangentError(
                    f"{where()} {_described(g)}; the {noun} is a {type(y).__name__}: give one of "
                    "its type"
                )
            return g
        if not _is_numeric(g) or shape_of(g) != shape_of(y):
            whole = getattr(getattr(g, "dtype", None), "kind", "f") in "biu"
            raise CotangentError(
                f"{where()} {_described(g)}; the {noun} has shape {shape_of(y)}: "
                + ("give floats, with .astype(float)" if whole else _WANTED)
            )
        return finish(y, g)

    try:
        return fold(y, g, expand, leaf, name)
    except CotangentError as error:
        text = every_mismatch(error, y, g, expand, leaf, name)
    raise CotangentError(text)


_WANTED = (
    "give a number or an array of that shape, zeros where there is no derivative, and sum over "
    "what was repeated"
)


def _parts_of(g: Any) -> dict[Any, Any] | None:
    entry = registry.find(type(g))
    if not isinstance(entry, ValueType) or entry.children is None:
        return None
    return dict(entry.children(g))


def _is_numeric(g: Any) -> bool:
    try:
        return g is not None and value_type(g).numeric
    except TypeError:
        return False


def _described(g: Any) -> str:
    if _is_numeric(g) and shape_of(g):
        return f"has shape {shape_of(g)}"
    if hasattr(g, "dtype"):
        return f"is an array of dtype {g.dtype}"
    parts = _parts_of(g)
    kind = f"is a {type(primal(g)).__name__}"
    return kind + (f" with parts {list(parts)}" if parts else "")
