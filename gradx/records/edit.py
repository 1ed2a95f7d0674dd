"""Edits: change a record, take values apart and put them together; freeze and tie parts.

The items of any container, the same parts as another type, a record with some of its fields
changed, and two functions that say what the gradient of a part of a record should be: `freeze`
and `tied`.
"""

from __future__ import annotations

import ast
import functools
import operator
from collections.abc import Callable
from typing import Any, TypeVar

from gradx.core.check_cotangents import matched
from gradx.core.dispatch import has_variables
from gradx.core.op_constructors import op_iso_n
from gradx.core.plain import primals
from gradx.core.spec import primal, shape_of
from gradx.errors import CotangentError, StructureError
from gradx.lens import Lens, Traversal, lens, over, set, view
from gradx.reverse.results import join, split, without
from gradx.reverse.user_ops import lift_op
from gradx.reverse.variables import BVar
from gradx.values.builtin import init_fields, record_fields, remade
from gradx.values.operations import (
    Kind,
    ValueType,
    children_of,
    fold,
    parts_alone,
    rebuilt,
    registry,
    value_type,
)

__all__ = [
    "coerce_var",
    "collect_var",
    "freeze",
    "iso_var",
    "replace",
    "sequence_var",
    "tied",
]

T = TypeVar("T")
_RECORDS = (Kind.RECORD, Kind.NAMED_TUPLE)


# --- Containers -----------------------------------------------------------------------------------


def sequence_var(v: Any) -> Any:
    """The items of a value: of an array the list of its entries, of a container the container.

    Args:
        v: a list, tuple, dict or record, or an array with at least one axis; plain or a variable.

    Returns:
        The container itself, whose parts are variables in a differentiated function, as
        `gradx.split` returns it; for an array, the list of its entries along the first axis.

    >>> import gradx as gx
    >>> gx.grad_bp(lambda xs: sum(x**2 for x in sequence_var(xs)), [1.0, 6.0, 2.0])
    [2.0, 12.0, 4.0]
    """
    if value_type(v).numeric and shape_of(v):
        return list(v)
    return split(v)


def collect_var(x: T) -> T:
    """A container of variables as a value, as `gradx.join`: the inverse of `sequence_var`.

    A container may have variables in it wherever gradx takes one, so there is no need to call
    this. To build an array out of many variables write ``np.stack``.

    Args:
        x: a container with variables anywhere in it.
    """
    return join(x)


def iso_var(to: Callable[..., Any], from_: Callable[[Any], Any], *vs: Any) -> Any:
    """Apply a change of representation, whose derivative is its inverse.

    This is right only for functions that rearrange numbers without changing them; see
    `gradx.op_iso`.

    Args:
        to: ``to(*vs)`` gives the result.
        from_: its inverse, of one result: the operand, or a tuple of them for several.
        vs: the operands, values or variables.

    >>> import gradx as gx
    >>> pair = lambda x, y: iso_var(lambda a, b: {"a": a, "b": b}, lambda d: (d["a"], d["b"]), x, y)
    >>> gx.grad_bp(lambda x, y: pair(x, y)["a"] * pair(x, y)["b"], 3.0, 4.0)
    (4.0, 3.0)
    """
    if len(vs) == 1:
        return lift_op(op_iso_n(to, lambda g: (from_(g),)))(*vs)
    return lift_op(op_iso_n(to, from_))(*vs)


def coerce_var(cls: type[T], v: Any) -> T:
    """The same parts, in the same order, as another type.

    Args:
        cls: a list or tuple class, a named tuple, a dataclass or an attrs class with as many
            fields as the value has parts, which is built without running ``__init__``; for a
            single number or array, a record of one field; or, to unwrap such a record, the type
            of its field.
        v: a list, tuple, record, number or array, or a variable.

    Raises:
        StructureError: the numbers of parts differ, or the type has no ordered parts.

    >>> from typing import NamedTuple
    >>> class Point(NamedTuple):
    ...     x: float
    ...     y: float
    >>> coerce_var(Point, (3.0, 4.0)), coerce_var(list, Point(3.0, 4.0))
    (Point(x=3.0, y=4.0), [3.0, 4.0])
    """
    parts = _ordered_parts(v)
    target: Any = cls
    entry = registry.find(cls)
    kind = entry.kind if isinstance(entry, ValueType) else Kind.NUMERIC
    if kind is Kind.SEQUENCE:
        return tuple.__new__(cls, parts) if issubclass(cls, tuple) else cls(parts)  # type: ignore[call-arg]
    names = [name for name, _ in record_fields(target)] if kind in _RECORDS else None
    wanted = 1 if names is None else len(names)
    if kind is Kind.MAPPING or len(parts) != wanted:
        raise StructureError(
            f"a {_name_of(v)} of {len(parts)} parts cannot become a {cls.__name__}"
            + ("" if kind is Kind.MAPPING else f", which has {wanted}")
            + "; give a type with as many parts in an order, or write gx.iso_var(to, from_, v)"
        )
    if names is None:
        return _as(cls, parts[0], v)
    if issubclass(cls, tuple):
        return tuple.__new__(cls, parts)
    record = cls.__new__(cls)
    for name, part in zip(names, parts, strict=True):
        object.__setattr__(record, name, part)
    return record


def _as(cls: type[T], part: Any, v: Any) -> T:
    """The only part of a value, which must be an instance of the class already."""
    if not isinstance(primal(part), cls):
        raise StructureError(
            f"the part of a {_name_of(v)} is of type {_name_of(part)}, not {cls.__name__}; "
            "coerce_var does not convert numbers: give the type that the part has, or convert it, "
            "for example with gx.prelude.real_to_frac(x, to)"
        )
    return part  # type: ignore[no-any-return]


def _ordered_parts(v: Any) -> list[Any]:
    instance = split(v)
    spec = value_type(instance)
    if spec.kind is Kind.SEQUENCE:
        return list(instance)
    if spec.kind in _RECORDS:
        names = _fields(instance)
        if names:
            return [getattr(instance, name) for name in names]
        return [child for _, child in children_of(instance, spec)]
    if spec.kind is Kind.MAPPING:
        raise StructureError(
            f"the parts of a {_name_of(v)} have keys instead of an order; write "
            "gx.iso_var(to, from_, v) with a function each way"
        )
    return [instance]


def _fields(record: Any) -> list[str]:
    """The names of a record's declared fields; a registered type declares none."""
    cls: Any = type(record)
    return [name for name, _ in record_fields(cls)]


def _name_of(v: Any) -> str:
    return type(primal(v)).__name__


# --- Records --------------------------------------------------------------------------------------


def replace(record: T, /, **changes: Any) -> T:
    """A record with some of its fields changed, as by `dataclasses.replace`.

    Args:
        record: a dataclass, an attrs class, a named tuple or a registered type with named parts.
        changes: the new fields, plain values or variables.

    Raises:
        StructureError: there is no field of that name.

    >>> from dataclasses import dataclass
    >>> import gradx as gx
    >>> @dataclass
    ... class Line:
    ...     slope: float
    ...     intercept: float
    >>> replace(Line(2.0, 1.0), intercept=0.0)
    Line(slope=2.0, intercept=0.0)
    >>> gx.grad_bp(lambda line: replace(line, intercept=line.slope**2).intercept, Line(2.0, 1.0))
    Line(slope=4.0, intercept=0.0)
    """
    instance: Any = split(record)
    spec = value_type(instance)
    names = _fields(instance) or [key for key, _ in children_of(instance, spec)]
    known_to_init = getattr(instance, "__dataclass_fields__", ())  # InitVars too
    for name in changes:
        if spec.kind not in _RECORDS or not (name in names or name in known_to_init):
            raise StructureError(
                f"a {_name_of(record)} has no field {name!r}"
                + (f"; it has {', '.join(map(str, names))}" if spec.kind in _RECORDS else "")
                + ("" if spec.kind in _RECORDS else "; replace is for records: write {**d, key: x}")
            )
    if hasattr(instance, "_replace"):
        return instance._replace(**changes)  # type: ignore[no-any-return]
    if init_fields(type(instance)) or hasattr(instance, "__dataclass_fields__"):
        return remade(instance, changes)  # type: ignore[no-any-return]
    known = dict(children_of(instance, spec))
    known.update(changes)
    # A type with an add of its own is one variable again.
    return join(rebuilt(instance, spec, list(known), list(known.values())))  # type: ignore[no-any-return]


def _key_of(index: ast.expr) -> Any:
    """The key that is written as an index."""
    if isinstance(index, ast.Slice):
        ends = (index.lower, index.upper, index.step)
        return slice(*(None if end is None else ast.literal_eval(end) for end in ends))
    if isinstance(index, ast.Tuple):
        return tuple(map(_key_of, index.elts))
    return ast.literal_eval(index)


def _lens_of(record: Any, path: Traversal[Any, Any] | str) -> Any:
    """An optic as it is, or the lens of a path in the form of error messages.

    Raises:
        StructureError: the text is not a path.
    """
    if not isinstance(path, str):
        return path
    steps: list[Callable[[Any], Any]] = []
    try:
        way = ast.parse("_" + ("" if path[:1] in ("", "[", ".") else ".") + path, mode="eval").body
        while not isinstance(way, ast.Name):
            if isinstance(way, ast.Attribute):
                steps.append(operator.methodcaller("field", way.attr))
            elif isinstance(way, ast.Subscript):
                steps.append(operator.itemgetter(_key_of(way.slice)))
            else:
                raise ValueError(path)
            way = way.value
    except (ValueError, SyntaxError):
        raise StructureError(
            f"{path!r} is not a path into a {_name_of(record)}; write fields and keys as in code, "
            "such as 'layers[0].weights' or \"['key']\", or give a lens"
        ) from None
    return functools.reduce(
        lambda found, step: step(found), reversed(steps), lens(type(primal(record)))
    )


def freeze(record: T, /, *paths: Traversal[Any, Any] | str) -> T:
    """A new record in which some parts are constants of the run.

    Use it at the start of a differentiated function. The gradient in those parts is zero, and no
    work is done for them: what is computed from constants alone is not recorded. In a nested run
    the parts are constants of the inner run only; the gradient of an outer run goes through them.

    Args:
        record: a record or container of variables. A plain value is returned as it is.
        paths: the parts, as any optics (a traversal for many parts at once), or written as in
            code, ``"layers[0].weights"``.

    Returns:
        The record with constants in those parts and variables in the others.

    >>> import gradx as gx
    >>> def area(sides):
    ...     sides = freeze(sides, "[0]")
    ...     return sides[0] * sides[1]
    >>> gx.grad_bp(area, (3.0, 4.0))
    (0.0, 3.0)
    """
    if not has_variables(record):
        return record
    run = _highest_run(record)
    frozen = record
    for path in paths:
        frozen = over(_lens_of(record, path), lambda part: _constant_in(run, part), frozen)
    return frozen


def _highest_run(x: Any) -> Any:
    """The run of the highest level among the variables in a value."""
    runs: list[Any] = []

    def seen(leaf: Any, *_: Any) -> None:
        if isinstance(leaf, BVar):
            runs.append(leaf._run)

    fold(x, None, parts_alone, seen, rebuild=lambda *_: None, leaves=BVar, own=True)
    return max(runs, key=lambda run: run.level, default=None)


def _constant_in(run: Any, part: Any) -> Any:
    """A part without the variables of a run; those of outer runs stay."""

    def stripped(leaf: Any, *_: Any) -> Any:
        return without(run, leaf)

    if not has_variables(part):
        return part
    return fold(part, None, parts_alone, stripped, leaves=BVar, own=True)


def tied(record: T, /, first: Lens[Any, Any] | str, *others: Lens[Any, Any] | str) -> T:
    """A new record in which several places share one parameter.

    Gradients go by path: an object in two places has a gradient in each, and after a step the two
    are no longer equal. A tied parameter lives in its first place; the other places are set to it,
    and what they held is not read. So its gradient, at the first place, is the sum over all
    places, and the gradient in the others is zero.

    Use it at the start of a differentiated function, and on the plain record after training, to
    update the other places.

    Args:
        record: a record or container.
        first: where the parameter is, as a lens, or written as in code, ``"encoder.weights"``.
        others: the other places. They hold None, or a value of the same type and shape.

    Raises:
        StructureError: a place holds a value of another type or shape.

    >>> import gradx as gx
    >>> first, second = gx.lens(tuple)[0], gx.lens(tuple)[1]
    >>> gx.grad_bp(lambda v: gx.prelude.prod(tied(v, first, second)), (3.0, 3.0, 5.0))
    (30.0, 0.0, 9.0)
    """
    place = _lens_of(record, first)
    parameter = view(place, record)
    for path in (_lens_of(record, other) for other in others):
        _check_alike(place, parameter, path, view(path, record))
        record = set(path, parameter, record)
    return record


def _check_alike(first: Any, parameter: Any, path: Any, part: Any) -> None:
    """Refuse to tie parts of different types or shapes."""
    if part is None:
        return
    try:
        matched(primals(parameter), primals(part), f"the part at {path!r}", "part", lambda y, g: g)
    except CotangentError as error:
        raise StructureError(
            f"{path!r} cannot be tied to {first!r}: {str(error).partition(';')[0]}; tie parts of "
            "one type and shape, and compute one from the other where they differ"
        ) from None
