"""Opaque values: variables of registered types with an ``add`` of their own, and their parts.

Such a value is a single leaf, whatever it is built of, since its gradients are added by the type's
own function. If the type has children as well, they can be taken out and put together again; each
is an op.
"""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import Any, TypeVar

from gradx.core.dispatch import Lifted, apply, has_variables
from gradx.core.hidden import look_through
from gradx.core.objects import joined, numeric
from gradx.core.op import Op
from gradx.core.properties import Property
from gradx.core.spec import primal
from gradx.errors import NotLiftedAttributeError, NotLiftedError
from gradx.reverse.variables import BVar, ItemVar
from gradx.values.operations import (
    ValueType,
    children_of,
    fold,
    parts_alone,
    rebuilt,
    value_type,
    zero,
)
from gradx.values.per_class import per_class

__all__ = ["OpaqueVar", "join", "opaque_class", "split"]

T = TypeVar("T")


class OpaqueVar(BVar):
    """The variable of a value of a registered type with an ``add`` of its own: one leaf.

    Where the type has children too, its attributes, methods and operators work on `split` of the
    variable, an instance whose children are variables.
    """

    __slots__ = ()

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        instance = split(self)
        if instance is not self:
            return getattr(instance, name)
        kind = self.__class__.__name__
        raise NotLiftedAttributeError(
            f".{name} of a variable of the registered type {kind} cannot be followed; register "
            f"its parts with gx.register({kind}, children=…), or make an op of what you need"
        )


def _forwarded(name: str) -> Any:
    """A special method that runs on an instance of the user's class."""
    function = getattr(operator, name, None)

    def method(self: Any, *args: Any) -> Any:
        instance = split(self)
        if instance is self:
            kind = self.__class__.__name__
            raise NotLiftedError(
                f"{name} of a variable of the registered type {kind} has no derivative; register "
                f"its parts with gx.register({kind}, children=…), or make an op of it"
            )
        if function is not None:
            return function(instance, *args)
        return getattr(type(instance), name)(instance, *args)

    method.__name__ = name
    return method


_SPECIAL = (
    *(f"__{name}__" for name in ("add", "sub", "mul", "truediv", "floordiv", "mod", "pow")),
    *(f"__r{name}__" for name in ("add", "sub", "mul", "truediv", "floordiv", "mod", "pow")),
    *("__matmul__", "__rmatmul__", "__and__", "__rand__", "__or__", "__ror__", "__xor__"),
    *("__rxor__", "__neg__", "__pos__", "__abs__", "__invert__", "__lt__", "__le__", "__gt__"),
    *("__ge__", "__eq__", "__ne__", "__getitem__", "__len__", "__iter__", "__contains__"),
    *("__call__", "__bool__", "__enter__", "__exit__"),
)


@per_class
def opaque_class(cls: Any) -> type[OpaqueVar]:
    """The class of variables of an opaque type, with the special methods that the type has."""
    methods = {
        name: _forwarded(name)
        for name in _SPECIAL
        if getattr(cls, name, None) is not getattr(object, name, None)
        and callable(getattr(cls, name))
    }
    body = {"__slots__": (), "__doc__": OpaqueVar.__doc__, "__array_ufunc__": None, **methods}
    return type("OpaqueVar", (OpaqueVar,), body)


# --- Taking apart and putting together ------------------------------------------------------------


def _part_of(key: Any) -> Op:
    """The op from an opaque value to one of its parts."""

    def forward(x: Any) -> tuple[Any, Any]:
        value = primal(x)
        spec = value_type(value)
        part = dict(children_of(split(x), spec))[key]
        return part, lambda g: join(rebuilt(zero(value), spec, [key], [g]))

    linear = Property.LINEAR | Property.STRUCTURAL
    return Op(f"part {key!r}", forward, pullback_form=True, arity=1, properties=linear)


def _made_of(template: Any, keys: Sequence[Any]) -> Op:
    """The op from the parts of an opaque value to the value."""
    spec = value_type(template)

    def forward(*parts: Any) -> tuple[Any, Any]:
        def pullback(g: Any) -> Any:
            given = dict(children_of(split(g), spec))
            pairs = zip(keys, parts, strict=True)
            return tuple([given[key] if key in given else zero(part) for key, part in pairs])

        return join(rebuilt(template, spec, keys, parts)), pullback

    name, linear = f"{type(template).__name__} of its parts", Property.LINEAR | Property.STRUCTURAL
    return Op(name, forward, pullback_form=True, arity=-1, properties=linear)


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
    value = primal(x)
    spec = value_type(value)
    if spec.children is None:
        return x
    keys = [key for key, _ in children_of(value, spec)]
    return rebuilt(value, spec, keys, [apply(_part_of(key), (x,)) for key in keys])  # type: ignore[no-any-return]


def join(x: T, root: str = "the value", run: Any = None, found: list[Any] | None = None) -> T:
    """A value made ready to be returned or passed on: opaque types built of variables are joined.

    What a differentiated function returns, and what is passed to an op, is joined by itself.

    Args:
        x: a record, tuple, list or dict, with variables anywhere in it, or any other value.
        root: how the value is called in messages.
        run: the run whose result it is, for the engine.
        found: gets the variable of the highest run that is in it, for the engine.

    Returns:
        The value itself; only where an instance of a registered type with an ``add`` of its own
        has variables for children, one variable stands in the place of it.

    Raises:
        EscapedVarError: there is a variable of a run that has ended, or that started later.
        StructureError: there is a variable where its gradient would be lost.
    """
    top, simple = look_through(x, root, run)
    if top is None:
        return numeric(x)  # type: ignore[no-any-return]
    if found is not None:
        found.append(top)
    if top is x:
        return _leaf(x)  # type: ignore[no-any-return]
    if simple:
        return x
    done: dict[int, tuple[Any, Any]] = {}
    held: dict[int, tuple[Any, Any]] = {}  # the same for what opaque values hold

    def remade(template: Any, spec: ValueType, keys: list[Any], parts: list[Any]) -> Any:
        """The same one at each place where one object stands."""
        known = done.get(id(template))
        if known is None:
            known = done[id(template)] = template, _joined(template, spec, keys, parts, held)
        return known[1]

    out: T = fold(x, None, parts_alone, _leaf, root, rebuild=remade, own=True)
    return out


def _leaf(x: Any, *rest: Any) -> Any:
    """A leaf as what holds it: an item of an array as a variable, an array of objects as one."""
    kind = type(x)  # isinstance would ask a variable for the class of its value
    if issubclass(kind, Lifted):
        return x._item() if issubclass(kind, ItemVar) else x
    return joined(x)


def _joined(
    template: Any,
    spec: ValueType,
    keys: list[Any],
    parts: list[Any],
    held: dict[int, tuple[Any, Any]],
) -> Any:
    """A container with new parts; an opaque one that has variables for parts as one variable."""
    if spec.fieldwise or not any(map(has_variables, parts)):
        if all(p is old for p, (_, old) in zip(parts, children_of(template, spec), strict=True)):
            return template
        return rebuilt(template, spec, keys, parts)
    whole = rebuilt(template, spec, keys, [_plain_tree(p, held) for p in parts])
    return apply(_made_of(whole, keys), parts)


def _plain_tree(x: Any, held: dict[int, tuple[Any, Any]]) -> Any:
    """A value with what its variables hold; one container at several places stays one."""

    def rebuild(template: Any, spec: ValueType, keys: list[Any], parts: list[Any]) -> Any:
        known = held.get(id(template))
        if known is None:
            known = held[id(template)] = template, rebuilt(template, spec, keys, parts)
        return known[1]

    return fold(
        x, None, parts_alone, lambda leaf, *_: primal(joined(leaf)), own=True, rebuild=rebuild
    )
