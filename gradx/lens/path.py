"""Paths: lenses made of attributes, indices and keys."""

from __future__ import annotations

import copy
import dataclasses
import typing
from collections.abc import Callable
from typing import Any, Generic, TypeVar

from gradx.errors import StructureError
from gradx.joining import with_part
from gradx.structures import StructVar
from gradx.value import Kind, children_of, value_type

__all__ = ["Lens", "lens", "over", "set", "view"]

S = TypeVar("S")
A = TypeVar("A")


@dataclasses.dataclass(frozen=True, slots=True)
class _Attribute:
    name: str

    def __str__(self) -> str:
        return f".{self.name}"

    def get(self, whole: Any) -> Any:
        return getattr(whole, self.name)

    def put(self, whole: Any, part: Any) -> Any:
        if isinstance(whole, StructVar):
            return with_part(whole, self.name, part)
        if hasattr(whole, "_replace"):
            return whole._replace(**{self.name: part})
        if not dataclasses.is_dataclass(whole):
            return _rebuilt(whole, self.name, part)
        field = {f.name: f for f in dataclasses.fields(whole)}.get(self.name)
        if field is None or not field.init:
            return _rebuilt(whole, self.name, part)
        return dataclasses.replace(whole, **{self.name: part})  # type: ignore[type-var]


@dataclasses.dataclass(frozen=True, slots=True)
class _Item:
    key: Any

    def __str__(self) -> str:
        return f"[{self.key!r}]"

    def get(self, whole: Any) -> Any:
        return whole[self.key]

    def put(self, whole: Any, part: Any) -> Any:
        if not isinstance(whole, StructVar):
            return _with_item(whole, self.key, part)
        if value_type(whole).kind is Kind.MAPPING:
            return with_part(whole, self.key, part)
        position = range(len(whole))[self.key]
        if value_type(whole).kind is Kind.NAMED_TUPLE:
            return with_part(whole, type(whole._value)._fields[position], part)
        return with_part(whole, position, part)


_Step = _Attribute | _Item


def _rebuilt(whole: Any, key: str, part: Any) -> Any:
    spec = value_type(whole)
    keyed = children_of(whole, spec)
    if spec.rebuild is None or key not in [k for k, _ in keyed]:
        raise StructureError(f"a {type(whole).__name__} has no part {key!r} that could be replaced")
    parts = [part if k == key else child for k, child in keyed]
    return spec.rebuild(whole, [k for k, _ in keyed], parts)


def _with_item(whole: Any, key: Any, part: Any) -> Any:
    whole[key]  # raises if there is no such item
    if isinstance(whole, tuple):
        position = range(len(whole))[key]
        items = [*whole[:position], part, *whole[position + 1 :]]
        return (
            type(whole)(*items) if hasattr(whole, "_fields") else tuple.__new__(type(whole), items)
        )
    new = copy.copy(whole)
    new[key] = part
    return new


class Lens(Generic[S, A]):
    """The path from a value of type ``S`` to a part of type ``A``.

    Attributes and items of a lens are lenses to parts of the part; ``a >> b`` goes on from the
    part of ``a`` along ``b``. Use it with `view`, `set` and `over`.
    """

    __slots__ = ("_steps", "_target")
    _steps: tuple[_Step, ...]
    _target: Any

    def __init__(self, steps: tuple[_Step, ...] = (), target: Any = None) -> None:
        self._steps, self._target = steps, target

    def __getattr__(self, name: str) -> Lens[S, Any]:
        if name.startswith("__"):
            raise AttributeError(name)
        return Lens((*self._steps, _Attribute(name)), _target_of(self, name))

    def __getitem__(self, key: Any) -> Lens[S, Any]:
        return Lens((*self._steps, _Item(key)))

    def __rshift__(self, then: Lens[A, Any]) -> Lens[S, Any]:
        return Lens((*self._steps, *then._steps), then._target)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Lens) and self._steps == other._steps

    def __hash__(self) -> int:
        return hash(self._steps)

    def __repr__(self) -> str:
        return "lens" + "".join(str(step) for step in self._steps)


def _target_of(whole: Lens[Any, Any], name: str) -> Any:
    """The class of a field, where annotations tell; refuses a field that does not exist."""
    cls = whole._target
    if not dataclasses.is_dataclass(cls):
        return None
    names = [f.name for f in dataclasses.fields(cls)]
    if name not in names:
        raise AttributeError(
            f"{cls.__name__} has no field {name!r} ({whole!r}.{name}); "  # type: ignore[union-attr]
            f"it has {', '.join(names)}"
        )
    try:
        hint = typing.get_type_hints(cls).get(name)
    except Exception:  # an annotation that cannot be resolved tells nothing
        return None
    return hint if isinstance(hint, type) else None


def lens(cls: type[S]) -> Lens[S, S]:
    """The lens of a whole value, from which paths start.

    Args:
        cls: the class of the whole; the names of a dataclass's fields are checked at once.

    >>> from dataclasses import dataclass
    >>> @dataclass
    ... class Layer:
    ...     weight: float
    ...     bias: float
    >>> bias = lens(Layer).bias
    >>> view(bias, Layer(2.0, 3.0)), set(bias, 4.0, Layer(2.0, 3.0))
    (3.0, Layer(weight=2.0, bias=4.0))
    """
    return Lens((), cls)


def view(path: Lens[S, A], whole: S) -> A:
    """The part of a value, or the variable of the part of a variable.

    Args:
        path: the lens.
        whole: a value or a variable.

    Raises:
        AttributeError, IndexError, KeyError: there is no such part; the message gives the path.
    """
    part: Any = whole
    for i, step in enumerate(path._steps):
        part = _stepped(path, i, step, part)
    return part  # type: ignore[no-any-return]


def _stepped(path: Lens[Any, Any], i: int, step: _Step, whole: Any) -> Any:
    try:
        return step.get(whole)
    except (AttributeError, IndexError, KeyError) as error:
        reached = repr(Lens(path._steps[:i]))
        raise type(error)(
            f"{reached} has no part {step} (on the way of {path!r}): {error}"
        ) from None


def set(path: Lens[S, A], part: Any, whole: S) -> S:
    """A value, or a variable of one, with another part.

    Plain records are made with `dataclasses.replace`, so that their checks run.

    Args:
        path: the lens.
        part: the new part, a value or a variable.
        whole: a value or a variable.
    """
    return over(path, lambda _: part, whole)


def over(path: Lens[S, A], function: Callable[[A], Any], whole: S) -> S:
    """A value, or a variable of one, with a function applied to a part.

    Args:
        path: the lens.
        function: a function of the part.
        whole: a value or a variable.

    >>> from dataclasses import dataclass
    >>> import gradx as gx
    >>> doubled = lambda pair: over(lens(tuple)[0], lambda x: x * x, pair)
    >>> gx.grad_bp(lambda pair: sum(doubled(pair)), (2.0, 3.0))
    (4.0, 1.0)
    """
    wholes: list[Any] = [whole]
    for i, step in enumerate(path._steps):
        wholes.append(_stepped(path, i, step, wholes[-1]))
    new = function(wholes.pop())
    for step, outer in zip(reversed(path._steps), reversed(wholes), strict=True):
        new = step.put(outer, new)
    return new  # type: ignore[no-any-return]
