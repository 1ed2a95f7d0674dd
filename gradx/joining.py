"""Trees: values that are built of variables, taken apart into leaves and put together again.

A record, list, tuple or dict inside a differentiated function is a real one whose leaves are
variables, so there is nothing to join in it. What is said here is how a run finds the variables in
what a function returns or an op is given, and the one case where parts do become one variable: a
type that has an ``add`` of its own is a single leaf, whatever it is built of.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar

from gradx.bvar import BVar, OpaqueVar, plain
from gradx.errors import StructureError
from gradx.lifted import Lifted, apply, has_variables, static_fields
from gradx.op import Op
from gradx.value import (
    Kind,
    ValueType,
    children_of,
    fold,
    parts_alone,
    rebuilt,
    value_type,
    zero,
)

__all__ = ["join", "own_leaves", "split", "value"]

T = TypeVar("T")


# --- Opaque values with parts ---------------------------------------------------------------------
# A registered type with an `add` of its own and with children is one variable; its parts are ops.


def _part_of(key: Any) -> Op:
    """The op from an opaque value to one of its parts."""

    def forward(x: Any) -> tuple[Any, Any]:
        held = plain(x)
        spec = value_type(held)
        part = dict(children_of(split(x), spec))[key]
        return part, lambda g: join(rebuilt(zero(held), spec, [key], [g]))

    return Op(f"part {key!r}", forward, pullback_form=True, arity=1)


def _made_of(template: Any, keys: Sequence[Any]) -> Op:
    """The op from the parts of an opaque value to the value."""
    spec = value_type(template)

    def forward(*parts: Any) -> tuple[Any, Any]:
        def pullback(g: Any) -> Any:
            given = dict(children_of(split(g), spec))
            return tuple([given[key] for key in keys])

        return join(rebuilt(template, spec, keys, parts)), pullback

    return Op(f"{type(template).__name__} of its parts", forward, pullback_form=True, arity=-1)


def split(x: T) -> T:
    """A value taken apart: an instance of an opaque variable's type, with variables for its parts.

    A record or container inside a differentiated function is such an instance already.

    Args:
        x: any value.

    Returns:
        For the variable of a registered type that has both an ``add`` of its own and children, an
        instance whose children are variables; anything else as it is.

    >>> import gradx as gx
    >>> def area(shape):
    ...     match gx.split(shape):
    ...         case (width, height):
    ...             return width * height
    >>> gx.grad_bp(area, (3.0, 4.0))
    (4.0, 3.0)
    """
    if not isinstance(x, OpaqueVar):
        return x
    held = plain(x)
    spec = value_type(held)
    if spec.children is None:
        return x
    keys = [key for key, _ in children_of(held, spec)]
    return rebuilt(held, spec, keys, [apply(_part_of(key), (x,)) for key in keys])  # type: ignore[no-any-return]


def join(x: T) -> T:
    """A value made ready to be returned or passed on: opaque types built of variables are joined.

    What a differentiated function returns, and what is passed to an op, is joined by itself.

    Args:
        x: a record, tuple, list or dict, with variables anywhere in it, or any other value.

    Returns:
        The value itself; only where an instance of a registered type with an ``add`` of its own
        has variables for children, one variable stands in the place of it.

    Raises:
        EscapedVarError: there is a variable of a run that has ended.
        StructureError: there is a variable where its gradient would be lost.
    """
    if isinstance(x, Lifted):
        return _open_leaf(x)  # type: ignore[no-any-return]
    if not has_variables(x):
        return x
    joined: T = fold(x, None, parts_alone, _open_leaf, "the result", rebuild=_joined, own=True)
    return joined


def _open_leaf(x: Any, *rest: Any) -> Any:
    """A leaf of a result, which must be a variable of an open run or hold none."""
    run = getattr(x, "_run", None) if isinstance(x, Lifted) else None
    if run is not None and getattr(run, "nodes", run) is None:
        raise run.escaped(x)
    return x


def _joined(template: Any, spec: ValueType, keys: list[Any], parts: list[Any]) -> Any:
    """A container with new parts; an opaque one that has variables for parts as one variable."""
    for name, x in static_fields(template, spec):
        if has_variables(x):
            raise _in_static_field(name, template)
    if spec.fieldwise or not any(map(has_variables, parts)):
        if all(p is old for p, (_, old) in zip(parts, children_of(template, spec), strict=True)):
            return template
        return rebuilt(template, spec, keys, parts)
    whole = rebuilt(template, spec, keys, [value(p) for p in parts])
    return apply(_made_of(whole, keys), parts)


def _in_static_field(name: str, record: Any) -> StructureError:
    return StructureError(
        f"the static field {name!r} of a {type(record).__name__} holds a variable, whose "
        "gradient would be lost; drop gx.static() from it, or pass gx.value(v)"
    )


# --- Leaves ---------------------------------------------------------------------------------------


def value(x: T) -> T:
    """The plain value of a variable, with no gradient.

    Args:
        x: a variable of this run or an outer one, a container with variables in it, or any other
            value, which is returned as it is.

    >>> import gradx as gx
    >>> gx.grad(lambda x: x * gx.value(x))(3.0)
    3.0
    """
    held: T = plain(x)
    if has_variables(held):
        held = fold(held, None, parts_alone, lambda leaf, *_: plain(leaf), own=True)
    return held


def own_leaves(x: Any, run: Any, found: list[Any]) -> Any:
    """A value with each variable of a run replaced by what that holds.

    Args:
        x: a value; opaque types in it are joined already.
        run: the run.
        found: gets the variable of each leaf in the order of the leaves, None for a leaf that is
            not of the run; leaves are numbers, arrays and opaque values.

    Returns:
        ``x`` itself if there is nothing of the run in it.
    """
    changed = False

    def leaf(v: Any, spec: ValueType, *_: Any) -> Any:
        nonlocal changed
        if spec.kind is Kind.STATIC:
            return v
        if isinstance(v, BVar) and v._run is run:
            found.append(v)
            changed = True
            return v._value
        found.append(None)
        return v

    new = fold(x, None, parts_alone, leaf, "the result")
    return new if changed else x
