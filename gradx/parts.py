"""Parts: taking values apart and putting them together, on variables as on plain values.

`gradx.split` and `gradx.join` do it for a whole record. Here are its relatives: the items of any
container, the same parts under another type, a record with some fields changed, and two ways to
say what a gradient should be in a part of a record, `freeze` and `tied`.
"""

from __future__ import annotations

import ast
import functools
import operator
from collections.abc import Callable
from typing import Any, TypeVar

from gradx.bvar import BVar
from gradx.checks import matched
from gradx.constructors import op_iso_n
from gradx.containers import init_fields, record_fields, remade
from gradx.cotangent import held, shape_of
from gradx.errors import CotangentError, StructureError
from gradx.joining import join, split, value
from gradx.lifted import has_variables
from gradx.lens import Lens, Traversal, lens, over, set, view
from gradx.lifting import lift_op
from gradx.value import (
    Kind,
    ValueType,
    children_of,
    fold,
    parts_alone,
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
    """A container of variables from the variable of a container.

    Args:
        v: a value or a variable: of a list, tuple, dict or record, or of an array with an axis.

    Returns:
        The same container with variables for its parts, as `gradx.split` gives; for an array, the
        list of its entries along the first axis.

    >>> import gradx as gx
    >>> gx.grad_bp(lambda xs: sum(x**2 for x in sequence_var(xs)), [1.0, 6.0, 2.0])
    [2.0, 12.0, 4.0]
    """
    if value_type(v).kind is Kind.NUMERIC and shape_of(v):
        return list(v)
    return split(v)


def collect_var(x: T) -> T:
    """The variable of a container from a container of variables, as `gradx.join` gives.

    What a differentiated function returns, and what an op is given, is collected by itself. For
    one array out of many variables write ``np.stack``.

    Args:
        x: a container with variables anywhere in it.
    """
    return join(x)


def iso_var(to: Callable[..., Any], from_: Callable[[Any], Any], *vs: Any) -> Any:
    """Apply a change of representation, whose derivative is its inverse.

    Right only for functions that move numbers about; see `gradx.op_iso`.

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
    """The same parts, in the same order, under another type.

    Args:
        cls: a list or tuple class, a named tuple, a dataclass or an attrs class of as many fields
            as the value has parts, built without running ``__init__``; of a value that is a
            single number or array, a record of one field; or, to take such a record apart, the
            type of its field.
        v: a list, tuple, record, number or array, or a variable of one.

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
        built: Any = tuple.__new__(cls, parts) if issubclass(cls, tuple) else cls(parts)  # type: ignore[call-arg]
        return join(built)  # type: ignore[no-any-return]
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
        return join(tuple.__new__(cls, parts))
    record = cls.__new__(cls)
    for name, part in zip(names, parts, strict=True):
        object.__setattr__(record, name, part)
    return join(record)


def _as(cls: type[T], part: Any, v: Any) -> T:
    """The only part of a value, which must be of a class already."""
    if not isinstance(held(part), cls):
        raise StructureError(
            f"the part of a {_name_of(v)} is a {_name_of(part)} and no {cls.__name__}; coerce_var "
            "changes no numbers: give the type that it has, or convert it, for example with "
            "gx.prelude.real_to_frac(x, to)"
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
            f"the parts of a {_name_of(v)} have keys and no order to go by; write "
            "gx.iso_var(to, from_, v) with a function each way"
        )
    return [instance]


def _fields(record: Any) -> list[str]:
    """The names of a record's declared fields; none of a registered type."""
    cls: Any = type(record)
    return [name for name, _ in record_fields(cls)]


def _name_of(v: Any) -> str:
    return type(held(v)).__name__


# --- Records --------------------------------------------------------------------------------------


def replace(record: T, /, **changes: Any) -> T:
    """A record with some of its fields changed, as `dataclasses.replace` gives.

    Args:
        record: a dataclass, an attrs class, a named tuple or a registered type with named parts,
            or a variable of one.
        changes: the new fields, values or variables.

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
        return join(instance._replace(**changes))  # type: ignore[no-any-return]
    if init_fields(type(instance)) or hasattr(instance, "__dataclass_fields__"):
        return join(remade(instance, changes))  # type: ignore[no-any-return]
    known = dict(children_of(instance, spec))
    known.update(changes)
    assert spec.rebuild is not None  # a type with parts has one
    return join(spec.rebuild(instance, list(known), list(known.values())))  # type: ignore[no-any-return]


def _key_of(index: ast.expr) -> Any:
    """The key that is written as an index."""
    if isinstance(index, ast.Slice):
        ends = (index.lower, index.upper, index.step)
        return slice(*(None if end is None else ast.literal_eval(end) for end in ends))
    if isinstance(index, ast.Tuple):
        return tuple(map(_key_of, index.elts))
    return ast.literal_eval(index)


def _lens_of(record: Any, path: Traversal[Any, Any] | str) -> Any:
    """A lens, or that of a path in the form in which messages write one.

    Raises:
        StructureError: the text is no path.
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
            f"{path!r} is no path into a {_name_of(record)}; write fields and keys as in code, "
            "such as 'layers[0].weights' or \"['key']\", or give a lens"
        ) from None
    return functools.reduce(
        lambda found, step: step(found), reversed(steps), lens(type(held(record)))
    )


def freeze(record: T, /, *paths: Traversal[Any, Any] | str) -> T:
    """A record of which some parts are constants for the rest of the run.

    Use it at the start of a differentiated function. The gradient in those parts is zero, and no
    work is done for them: what is computed of constants alone is not recorded. In a nested run
    they are constants of the inner run, and an outer one has its gradient through them.

    Args:
        record: a variable of a record or container, or one with variables in it. A plain value
            is returned as it is.
        paths: the parts, as any optics (a traversal for many parts at once), or written as in
            code, ``"layers[0].weights"``.

    Returns:
        The record with plain values in those parts and variables in the others.

    >>> import gradx as gx
    >>> def area(sides):
    ...     sides = freeze(sides, "[0]")
    ...     return sides[0] * sides[1]
    >>> gx.grad_bp(area, (3.0, 4.0))
    (0.0, 3.0)
    """
    if not has_variables(record):
        return record
    runs: list[Any] = []

    def seen(leaf: Any, *_: Any) -> Any:
        if isinstance(leaf, BVar):
            runs.append(leaf._run)
        return leaf

    instance = fold(record, None, parts_alone, seen, own=True)
    run = max(runs, key=lambda run: run.level, default=None)
    for path in paths:
        instance = over(_lens_of(record, path), lambda part: _constant_in(run, part), instance)
    return instance  # type: ignore[no-any-return]


def _constant_in(run: Any, part: Any) -> Any:
    """A part without the variables of a run; those of outer runs stay."""
    while isinstance(part, BVar) and part._run is run:
        part = part._value
    if isinstance(part, BVar) or not has_variables(part):
        return part
    return fold(part, None, parts_alone, lambda leaf, *_: _constant_in(run, leaf), own=True)


def tied(record: T, /, first: Lens[Any, Any] | str, *others: Lens[Any, Any] | str) -> T:
    """A record in which one parameter stands in several places.

    Gradients go by path: an object that stands in two places has a gradient in each, and after a
    step the two are no longer equal. A tied parameter lives in its first place; the others are
    set to it, and what they held is not read. So its gradient, at the first place, is the sum
    over all of them, and the gradient in the others is zero.

    Use it at the start of a differentiated function, and on the plain record at the end, to bring
    the other places up to date.

    Args:
        record: a record or container, or a variable of one.
        first: where the parameter is, as a lens, or written as in code, ``"encoder.weights"``.
        others: where it shall be too. They hold None, or a value of its type and shape.

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
        matched(value(parameter), value(part), f"the part at {path!r}", "part", lambda y, g: g)
    except CotangentError as error:
        raise StructureError(
            f"{path!r} cannot be tied to {first!r}: {str(error).partition(';')[0]}; tie parts of "
            "one type and shape, and write a function of the one where they differ"
        ) from None
