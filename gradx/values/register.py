"""Registration of a user's types, permanently or for a block.

`register` takes the operations of a type or its parts, `register_number` makes it a number like
any other, `register_static` says that it has no derivative, and `instance` does what `register`
does for the length of a ``with`` block.
"""

from __future__ import annotations

import copy
import functools
import inspect
import operator
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from gradx.values.builtin import STATIC
from gradx.values.operations import Kind, ValueType, registry
from gradx.values.operations import add as add_values
from gradx.values.operations import one as one_of
from gradx.values.operations import zero as zero_of
from gradx.values.rebuild import finished, plan_of_attributes, started
from gradx.values.unregistered import known_as

__all__ = ["instance", "register", "register_number", "register_static"]

Children = Sequence[str] | Callable[[Any], tuple[dict[Any, Any], Callable[[dict[Any, Any]], Any]]]


def register(
    cls: type,
    *,
    zero: Callable[[Any], Any] | None = None,
    add: Callable[[Any, Any], Any] | None = None,
    one: Callable[[Any], Any] | None = None,
    children: Children | None = None,
) -> None:
    """Make a type differentiable.

    Either name its parts, and everything works part by part, or give the three operations, and
    the type is opaque to gradx; with both, the given operations come before the parts.

    Args:
        cls: the class; its subclasses follow unless they are registered themselves.
        zero: ``zero(x)``, the zero of the shape of ``x``.
        add: ``add(x, y)``, the sum of two gradients.
        one: ``one(x)``, the gradient of the identity at ``x``.
        children: the names of the attributes that are parts, or a function of a value that
            returns a dict of its parts and a function that rebuilds a value from such a dict.

    Raises:
        TypeError: not a class, or neither parts nor all of the three operations.

    >>> class Point:
    ...     def __init__(self, x, y):
    ...         self.x, self.y = x, y
    >>> register(Point, children=("x", "y"))
    >>> from gradx.values.operations import one
    >>> one(Point(2.0, 3.0)).y
    1.0
    """
    registry.register(cls, _entry_of("register", cls, zero, add, one, children))


@contextmanager
def instance(
    cls: type,
    *,
    zero: Callable[[Any], Any] | None = None,
    add: Callable[[Any, Any], Any] | None = None,
    one: Callable[[Any], Any] | None = None,
    children: Children | None = None,
) -> Iterator[None]:
    """Make a type differentiable within a ``with`` block, in this thread only.

    For a type that is not known to gradx, and should not be for the whole program: two parts of
    it may take its operations to be different ones. The pullback of `gradx.backprop_with` must be
    called within the block too.

    Args:
        cls: the class; its subclasses follow.
        zero: as for `gradx.register`.
        add: as for `gradx.register`.
        one: as for `gradx.register`.
        children: as for `gradx.register`.

    Raises:
        TypeError: the type is known already, or the arguments do not say enough.

    >>> import gradx as gx
    >>> class Money:
    ...     def __init__(self, cents):
    ...         self.cents = cents
    >>> with instance(Money, children=["cents"]):
    ...     gx.grad(lambda m: m.cents**2)(Money(3.0)).cents
    6.0
    """
    entry = _entry_of("instance", cls, zero, add, one, children)
    if registry.find(cls) is not None:
        raise TypeError(
            f"{cls.__name__} is known to gradx already and has one instance only; give other "
            "operations by a class of your own that wraps the value"
        )
    with known_as(cls, entry):
        yield


def _entry_of(
    call: str, cls: Any, zero: Any, add: Any, one: Any, children: Children | None
) -> ValueType:
    """The registry entry that follows from the arguments of `register`."""
    operations = (zero, add, one)
    if children is None:
        if any(operation is None for operation in operations):
            raise TypeError(
                f"{call}({getattr(cls, '__name__', cls)}) needs children=, or all of zero=, add= "
                "and one=; without them gradx cannot tell what a gradient of it is"
            )
        return ValueType(Kind.OPAQUE, zero, add, one)
    parts, rebuild = _parts_of(children)
    if all(operation is None for operation in operations):
        return ValueType(Kind.RECORD, children=parts, rebuild=rebuild)
    zero_by_parts, add_by_parts, one_by_parts = _operations_by_parts(parts, rebuild)
    own = (zero or zero_by_parts, add or add_by_parts, one or one_by_parts)
    return ValueType(Kind.RECORD, *own, parts, rebuild)


def register_number(cls: type, *, zero: Any, one: Any) -> None:
    """Make a type of numbers differentiable in its own arithmetic.

    Variables of it take the operators of Python and the functions of NumPy that the type has
    (``np.exp(v)`` calls its method ``exp``), with the usual rules. So its multiplication must be
    commutative, it must combine with Python's integers, and its operators must return
    NotImplemented for operands that they do not know, variables among them.

    Args:
        cls: the class; its subclasses follow unless they are registered themselves.
        zero: its zero.
        one: its one.

    >>> import gradx as gx
    >>> class Dual:
    ...     "a + b e, with e**2 = 0"
    ...     def __init__(self, a, b=0.0):
    ...         self.a, self.b = a, b
    ...     def __add__(self, other):
    ...         if not isinstance(other, Dual):
    ...             return NotImplemented
    ...         return Dual(self.a + other.a, self.b + other.b)
    ...     def __mul__(self, other):
    ...         other = Dual(other) if isinstance(other, (int, float)) else other
    ...         if not isinstance(other, Dual):
    ...             return NotImplemented
    ...         return Dual(self.a * other.a, self.a * other.b + self.b * other.a)
    ...     __rmul__ = __mul__
    >>> register_number(Dual, zero=Dual(0.0), one=Dual(1.0))
    >>> g = gx.grad(lambda x: x * x * x)(Dual(2.0, 1.0))
    >>> g.a, g.b
    (12.0, 12.0)
    """
    spec = ValueType(Kind.NUMERIC, lambda _: zero, operator.add, lambda _: one)
    registry.register(cls, spec)


def _parts_of(children: Children) -> tuple[Any, Any]:
    if callable(children):
        take_apart = children

        def parts(value: Any) -> list[tuple[Any, Any]]:
            return list(take_apart(value)[0].items())

        def rebuild(template: Any, keys: Sequence[Any], new: Sequence[Any]) -> Any:
            named, build = take_apart(template)
            return build({**named, **dict(zip(keys, new, strict=True))})

        return parts, rebuild
    names = tuple(children)

    def attributes(value: Any) -> list[tuple[Any, Any]]:
        return [(name, getattr(value, name)) for name in names]

    def with_attributes(template: Any, keys: Sequence[Any], new: Sequence[Any]) -> Any:
        cls: Any = type(template)
        plan = plan_of_attributes(cls, names)
        if plan.foundation is not object:
            return _on_a_copy(template, keys, new)
        value = started(template, plan)
        given = dict(zip(keys, new, strict=True))
        for name in names:
            part = given[name] if name in given else getattr(template, name)
            object.__setattr__(value, name, part)
        return finished(value, template, plan)

    return attributes, with_attributes


def _on_a_copy(template: Any, keys: Sequence[Any], new: Sequence[Any]) -> Any:
    """A shallow copy with other attributes, for a class with a builtin base."""
    value = copy.copy(template)
    for name in list(getattr(value, "__dict__", ())):
        if isinstance(inspect.getattr_static(type(value), name, None), functools.cached_property):
            del value.__dict__[name]
    for key, part in zip(keys, new, strict=True):
        object.__setattr__(value, key, part)
    return value


def _operations_by_parts(parts: Any, rebuild: Any) -> tuple[Any, Any, Any]:
    """``zero``, ``add`` and ``one`` of a type, part by part."""

    def mapped(function: Callable[[Any], Any]) -> Callable[[Any], Any]:
        def operation(x: Any) -> Any:
            keyed = parts(x)
            return rebuild(x, [k for k, _ in keyed], [function(c) for _, c in keyed])

        return operation

    def added(x: Any, y: Any) -> Any:
        keyed = [(k, add_values(a, b)) for (k, a), (_, b) in zip(parts(x), parts(y), strict=True)]
        return rebuild(x, [k for k, _ in keyed], [c for _, c in keyed])

    return mapped(zero_of), added, mapped(one_of)


def register_static(cls: type) -> None:
    """Mark a type static: its values pass through, in the gradient too, unchanged.

    Args:
        cls: the class; its subclasses follow unless they are registered themselves.
    """
    registry.register(cls, STATIC)
