"""Optics: paths of steps, and their composition.

The kind of an optic follows from the number of foci that its steps have::

                at least one    at most one    can build a whole
    Traversal
    Affine                           ×
    Prism                            ×                ×
    Lens              ×              ×
    Iso               ×              ×                ×

When an optic is first used, the `get`, `parts` and `over` of its steps are composed into three
functions.
"""

# The kinds of optics repeat methods of Traversal for their narrower types.
# ruff: noqa: D102
# mypy: disable-error-code=override
# pyright: reportIncompatibleMethodOverride=false

from __future__ import annotations

import functools
import operator
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Generic, TypeVar, overload

from gradx.core.plain import primals
from gradx.core.spec import primal
from gradx.errors import OpticError
from gradx.lens.deep import Instances
from gradx.lens.functions import Between, Together
from gradx.lens.hints import hint_of_attribute, hint_of_item, without_none
from gradx.lens.steps import Attribute, Each, Item, MaybeItem, Step, Where
from gradx.values.operations import MISSING

__all__ = [
    "Affine",
    "Iso",
    "Lens",
    "Prism",
    "Traversal",
    "getter",
    "kind_named",
    "lister",
    "made",
    "not_an_optic",
    "updater",
]

S = TypeVar("S")
A = TypeVar("A")
B = TypeVar("B")
Over = Callable[[Callable[[Any], Any], Any], Any]


class Traversal(Generic[S, A]):
    """The path from a whole of type ``S`` to any number of parts of type ``A``.

    Attributes and items of an optic continue to parts of the parts; ``a >> b`` continues from the
    parts of ``a`` along ``b``. For a field that has the name of a method, write `field`.
    """

    __slots__ = ("_get", "_hint", "_over", "_parts", "_steps")
    _steps: tuple[Step, ...]
    _hint: Any
    _get: Callable[[Any], Any] | None
    _parts: Callable[[Any], list[Any]] | None
    _over: Over | None

    def __init__(self) -> None:
        raise TypeError("optics are created with gx.lens(…), gx.each(), gx.prism(…) and the like")

    # Further steps.

    def _onto(self, step: Step, hint: Any) -> Traversal[S, Any]:
        return made((*self._steps, step), hint)  # type: ignore[no-any-return]

    def __getattr__(self, name: str) -> Traversal[S, Any]:
        if name.startswith("__"):
            raise AttributeError(name)
        return self.field(name)

    def __getitem__(self, key: Any) -> Traversal[S, Any]:
        return self._onto(Item(key), hint_of_item(self._hint, key))

    def field(self, name: str) -> Traversal[S, Any]:
        """Continue to the attribute of any name."""
        hint = hint_of_attribute(self._hint, name, repr(self))
        return self._onto(Attribute(name), hint)

    def ix(self, key: Any) -> Traversal[S, Any]:
        """Continue to the item of a key or index, if there is one."""
        return self._onto(MaybeItem(key), hint_of_item(self._hint, key))

    def fields(self, *parts: str | Lens[A, Any]) -> Traversal[S, tuple[Any, ...]]:
        """Continue to several parts at once, as a tuple.

        Args:
            parts: names of fields, or lenses from the part.

        Raises:
            OpticError: two of them overlap, or one is not a lens.
        """
        return self._onto(_together(parts, self._hint, repr(self)), None)

    def each(self) -> Traversal[S, Any]:
        """Continue to every part: items, values of a dict, fields of a record, rows of an array."""
        return self._onto(Each(), hint_of_item(self._hint, None))

    def filtered(self, test: Callable[[Any], bool]) -> Traversal[S, A]:
        """Continue to the part if its plain value passes a test."""
        name = getattr(test, "__name__", repr(test))
        on_value = functools.partial(_passes, test)
        return self._onto(Where(on_value, f".filtered({name})", test, False), self._hint)

    def instance(self, cls: type[B]) -> Traversal[S, B]:
        """Continue to the part if it is an instance of a class, such as a member of a union."""
        isinstance(None, cls)  # raises at once if it is not a class
        test = functools.partial(_is_instance, cls)
        step = Where(test, f".instance({_name(cls)})", cls, True)
        return self._onto(step, cls)

    def just(self: Traversal[S, B | None]) -> Traversal[S, B]:
        """Continue to the part if it is not None."""
        step = Where(_is_there, ".just()", None, True)
        return self._onto(step, without_none(self._hint))

    def at_instances_of(self, cls: type[B]) -> Traversal[S, B]:
        """Continue to every outermost instance of a class, wherever it is in the part."""
        isinstance(None, cls)  # raises at once if it is not a class
        return self._onto(Instances(cls), cls)

    # There is an optic for every index, so iteration would never end.
    __iter__ = None

    def __rshift__(self, then: Traversal[A, B]) -> Traversal[S, B]:
        if not isinstance(then, Traversal):
            raise OpticError(f"{self!r} >> {then!r}: {not_an_optic(then)}")
        return made((*self._steps, *then._steps), then._hint)  # type: ignore[no-any-return]

    # As a value.

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Traversal) and self._steps == other._steps

    def __hash__(self) -> int:
        return hash(self._steps)

    def __reduce__(self) -> Any:
        return made, (self._steps, self._hint)

    def __repr__(self) -> str:
        return "lens" + "".join(map(str, self._steps))


# --- The kinds ------------------------------------------------------------------------------------
# At run time they only add their names; they tell a type checker the kind of each composition.


class Affine(Traversal[S, A]):
    """The path to a part that may be missing: at most one focus."""

    __slots__ = ()

    if TYPE_CHECKING:

        def __getattr__(self, name: str) -> Affine[S, Any]: ...
        def __getitem__(self, key: Any) -> Affine[S, Any]: ...
        def field(self, name: str) -> Affine[S, Any]: ...
        def ix(self, key: Any) -> Affine[S, Any]: ...
        def fields(self, *parts: str | Lens[A, Any]) -> Affine[S, tuple[Any, ...]]: ...
        def filtered(self, test: Callable[[Any], bool]) -> Affine[S, A]: ...
        def instance(self, cls: type[B]) -> Affine[S, B]: ...
        def just(self: Affine[S, B | None]) -> Affine[S, B]: ...
        @overload
        def __rshift__(self, then: Affine[A, B]) -> Affine[S, B]: ...
        @overload
        def __rshift__(self, then: Traversal[A, B]) -> Traversal[S, B]: ...
        def __rshift__(self, then: Any) -> Any: ...


class Prism(Affine[S, A]):
    """The path to a part that may be missing, from which a whole can be built: see `review`."""

    __slots__ = ()

    if TYPE_CHECKING:

        def instance(self, cls: type[B]) -> Prism[S, B]: ...
        def just(self: Prism[S, B | None]) -> Prism[S, B]: ...
        @overload
        def __rshift__(self, then: Prism[A, B]) -> Prism[S, B]: ...
        @overload
        def __rshift__(self, then: Affine[A, B]) -> Affine[S, B]: ...
        @overload
        def __rshift__(self, then: Traversal[A, B]) -> Traversal[S, B]: ...
        def __rshift__(self, then: Any) -> Any: ...


class Lens(Affine[S, A]):
    """The path to a part that is always there: exactly one focus."""

    __slots__ = ()

    if TYPE_CHECKING:

        def __getattr__(self, name: str) -> Lens[S, Any]: ...
        def __getitem__(self, key: Any) -> Lens[S, Any]: ...
        def field(self, name: str) -> Lens[S, Any]: ...
        def fields(self, *parts: str | Lens[A, Any]) -> Lens[S, tuple[Any, ...]]: ...
        @overload
        def __rshift__(self, then: Lens[A, B]) -> Lens[S, B]: ...
        @overload
        def __rshift__(self, then: Affine[A, B]) -> Affine[S, B]: ...
        @overload
        def __rshift__(self, then: Traversal[A, B]) -> Traversal[S, B]: ...
        def __rshift__(self, then: Any) -> Any: ...


class Iso(Lens[S, A], Prism[S, A]):
    """Two forms of one value, each computed from the other; ``~iso`` is the inverse."""

    __slots__ = ()

    def __invert__(self) -> Iso[A, S]:
        back = []
        for step in reversed(self._steps):
            assert isinstance(step, Between)  # the only step that is an iso
            back.append(Between(step.functions[1], step.functions[0]))
        return made(tuple(back), None)  # type: ignore[no-any-return]

    if TYPE_CHECKING:

        def instance(self, cls: type[B]) -> Prism[S, B]: ...
        def just(self: Prism[S, B | None]) -> Prism[S, B]: ...
        @overload
        def __rshift__(self, then: Iso[A, B]) -> Iso[S, B]: ...
        @overload
        def __rshift__(self, then: Lens[A, B]) -> Lens[S, B]: ...
        @overload
        def __rshift__(self, then: Prism[A, B]) -> Prism[S, B]: ...
        @overload
        def __rshift__(self, then: Affine[A, B]) -> Affine[S, B]: ...
        @overload
        def __rshift__(self, then: Traversal[A, B]) -> Traversal[S, B]: ...
        def __rshift__(self, then: Any) -> Any: ...


def made(steps: tuple[Step, ...], hint: Any) -> Any:
    """The optic of some steps, whose kind follows from theirs.

    Args:
        steps: the steps, beginning at the whole.
        hint: the annotation of the part at the end; None if it is unknown.
    """
    single, builds = all(s.single for s in steps), all(s.build for s in steps)
    if single and all(s.total for s in steps):
        kind: Any = Iso if builds else Lens
    elif single:
        kind = Prism if builds else Affine
    else:
        kind = Traversal
    optic = object.__new__(kind)
    optic._steps, optic._hint = steps, hint
    optic._get = optic._parts = optic._over = None
    return optic


def kind_named(optic: Any) -> str:
    """The kind of an optic with its article."""
    name = type(optic).__name__
    return f"{'an' if name[0] in 'AI' else 'a'} {name}"


def not_an_optic(x: Any) -> str:
    """Why something is not an optic, and what to write."""
    owner = getattr(x, "__self__", None)
    if isinstance(owner, Traversal):
        name = getattr(x, "__name__", "")
        return (
            f"{name} is a method of optics that was not called; write .{name}(…), or "
            f".field({name!r}) for a field of that name"
        )
    return (
        f"a {type(x).__name__} is not an optic; create one with gx.lens(T).field, gx.each(), "
        "gx.prism(match, build) or the like"
    )


def _passes(test: Callable[[Any], bool], x: Any) -> bool:
    return test(primals(x))


def _is_instance(cls: Any, x: Any) -> bool:
    return isinstance(primal(x), cls)


def _is_there(x: Any) -> bool:
    return x is not None


def _name(cls: Any) -> str:
    return getattr(cls, "__name__", str(cls))


def _together(parts: Sequence[Any], hint: Any, path: str) -> Together:
    lenses = []
    for part in parts:
        if isinstance(part, str):
            part = made((Attribute(part),), hint_of_attribute(hint, part, path))
        if not isinstance(part, Lens):
            what = (
                f"{part!r} is {kind_named(part)}, which may have no focus or many"
                if isinstance(part, Traversal)
                else not_an_optic(part)
            )
            raise OpticError(f"fields takes names and lenses: {what}")
        lenses.append(part)
    return Together([part._steps for part in lenses])


# --- Composed functions ---------------------------------------------------------------------------


def getter(optic: Traversal[Any, Any]) -> Callable[[Any], Any]:
    """The function to the focus, or to `MISSING`; attributes in a row are one call."""
    if optic._get is None:
        gets: list[Callable[[Any], Any]] = []
        names: list[str] = []
        for step in (*optic._steps, None):
            if isinstance(step, Attribute):
                names.append(step.name)
                continue
            if names:
                gets.append(operator.attrgetter(".".join(names)))
                names = []
            if step is not None:
                gets.append(step.get)
        optic._get = _compiled(gets, all(step.total for step in optic._steps))
    return optic._get


def lister(optic: Traversal[Any, Any]) -> Callable[[Any], list[Any]]:
    """The function to the list of foci."""
    if optic._parts is None:
        optic._parts = functools.reduce(
            _then_parts, [step.parts for step in optic._steps], lambda whole: [whole]
        )
    return optic._parts


def updater(optic: Traversal[Any, Any]) -> Over:
    """The function that applies a function to each focus."""
    if optic._over is None:
        optic._over = functools.reduce(
            _then_over,
            [step.over for step in optic._steps],
            lambda function, whole: function(whole),
        )
    return optic._over


def _compiled(gets: Sequence[Callable[[Any], Any]], total: bool) -> Callable[[Any], Any]:
    if not gets:
        return lambda whole: whole
    then = _then if total else _then_if_there
    return functools.reduce(then, gets)


def _then(first: Callable[[Any], Any], second: Callable[[Any], Any]) -> Callable[[Any], Any]:
    return lambda whole: second(first(whole))


def _then_if_there(
    first: Callable[[Any], Any], second: Callable[[Any], Any]
) -> Callable[[Any], Any]:
    def get(whole: Any) -> Any:
        part = first(whole)
        return part if part is MISSING else second(part)

    return get


def _then_parts(
    first: Callable[[Any], list[Any]], second: Callable[[Any], list[Any]]
) -> Callable[[Any], list[Any]]:
    return lambda whole: [part for middle in first(whole) for part in second(middle)]


def _then_over(first: Over, second: Over) -> Over:
    return lambda function, whole: first(lambda part: second(function, part), whole)
