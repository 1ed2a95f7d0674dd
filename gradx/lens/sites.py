"""Sites and edits: what optics work on until they know what they need.

Going through a variable, an optic does not make the variable of each part on its way: it goes
from `Site` to `Site`, which know the plain value there, and only the parts it ends at become
variables, with one node each. A prism that misses records nothing. In the same way a change is an
`Edit`, parts to be put into a whole, until it is complete: a set deep inside a variable is one
node, and a dataclass is replaced once for all fields that change, so that its checks see the
whole change.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from typing import Any

from gradx.bvar import BVar, plain
from gradx.containers import record_fields
from gradx.errors import NotDifferentiableError, UnregisteredTypeError
from gradx.joining import join

class StructVar: pass
with_parts=view_along=view_several=None
from gradx.value import MISSING, Kind, ValueType, part_of, rebuilt, value_type

__all__ = [
    "Edit",
    "Group",
    "Site",
    "finished",
    "items_of",
    "kind_of",
    "plain_at",
    "steps_into",
    "variable_at",
]

_FAR = 16
"""After so many steps a site begins anew at its variable, so that ways stay short."""


class Site:
    """A part of a variable that has no node yet.

    Attributes:
        root: the variable.
        keys: the keys on the way from it.
        value: the plain value there.
        spec: what gradx knows of the value's type.
        held: the value there as the variable holds it; MISSING where a variable of an outer run
            is on the way, which views its parts itself.
    """

    __slots__ = ("held", "keys", "root", "spec", "value")

    def __init__(
        self, root: StructVar, keys: tuple[Any, ...], value: Any, spec: ValueType, held: Any
    ) -> None:
        self.root, self.keys, self.value, self.spec = root, keys, value, spec
        self.held = held

    def child(self, key: Any) -> Any:
        """The site of a part, the value of a static part, or `MISSING`."""
        held = part_of(self.value, key, self.spec)
        if held is MISSING:
            return MISSING
        part = plain(held) if isinstance(held, BVar) else held
        spec = value_type(part)
        if spec.kind is Kind.STATIC:
            return part
        if self.held is not self.value:
            held = MISSING
        if len(self.keys) < _FAR:
            return Site(self.root, (*self.keys, key), part, spec, held)
        return Site(self.variable(), (key,), part, spec, held)

    def variable(self) -> Any:
        """The variable of this part, the same one each time."""
        return view_along(self.root, self.keys, self.held) if self.keys else self.root

    def attribute(self, name: str) -> Any:
        """A field as a site, a static field, or what the variable has by that name."""
        if self.spec.kind in (Kind.RECORD, Kind.NAMED_TUPLE):
            part = self.child(name)
            if part is not MISSING:
                return part
            cls: Any = type(self.value)
            if name in dict(record_fields(cls)):
                return getattr(self.value, name)
        return getattr(self.variable(), name)

    def item(self, key: Any) -> Any:
        """An item as a site, or what the variable has at that index or key."""
        key = self.key_of(key)
        if type(key) is _Foreign:
            return self.variable()[key.value]
        return self.attribute(key) if self.spec.kind is Kind.NAMED_TUPLE else self.child(key)

    def key_of(self, item: Any) -> Any:
        """The key of an item among the parts: a position from the front, a field's name.

        Raises:
            IndexError, KeyError: there is no such item.
        """
        kind = self.spec.kind
        if kind is Kind.MAPPING and item in self.value:
            return item
        if kind is Kind.SEQUENCE or kind is Kind.NAMED_TUPLE:
            position = range(len(self.value))[operator.index(item)]
            return position if kind is Kind.SEQUENCE else type(self.value)._fields[position]
        return _Foreign(item)


class _Foreign:
    """An index that is no part: of an array, or of a class with items of its own."""

    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value = value


class Group:
    """Several parts as one container: a slice, or some fields as a tuple.

    Attributes:
        parts: from each key of the container to what stands there, a site or a plain value.
        value: the container, with the plain parts.
    """

    __slots__ = ("parts", "value")

    def __init__(self, parts: dict[Any, Any], template: Any) -> None:
        self.parts = parts
        values = [plain_at(part) for part in parts.values()]
        self.value = rebuilt(template, value_type(template), list(parts), values)

    def variable(self) -> Any:
        """The variable of the container, with one node where all parts are of one variable."""
        sites = {key: part for key, part in self.parts.items() if type(part) is Site}
        roots = [site.root for site in sites.values()]
        if roots and all(root is roots[0] for root in roots) and not self._loose():
            paths = {key: site.keys for key, site in sites.items()}
            whole = view_several(roots[0], paths, self.value)
            if whole is not None:
                return whole
        parts = [variable_at(part) for part in self.parts.values()]
        return join(rebuilt(self.value, value_type(self.value), list(self.parts), parts))

    def _loose(self) -> bool:
        return any(
            isinstance(part, (BVar, Group)) or (type(part) is Site and not part.keys)
            for part in self.parts.values()
        )


class Edit:
    """A whole with other parts, not put in yet.

    Attributes:
        base: the whole, plain or a site.
        parts: from keys to the new parts, which may be edits themselves.
        put: ``put(base, parts)``, the plain whole with the parts put in.
    """

    __slots__ = ("base", "parts", "put")

    def __init__(
        self, base: Any, parts: dict[Any, Any], put: Callable[[Any, Mapping[Any, Any]], Any]
    ) -> None:
        self.base, self.parts, self.put = base, parts, put

    def finished(self) -> Any:
        """The changed whole: a plain one, or a variable."""
        if type(self.base) is Group:
            parts = [finished(part) for part in items_of(self)]
            group = self.base
            return join(rebuilt(group.value, value_type(group.value), list(group.parts), parts))
        if type(self.base) is not Site:
            return self.put(self.base, {key: finished(part) for key, part in self.parts.items()})
        paths: dict[tuple[Any, ...], Any] = {}
        self._gather((), paths)
        return with_parts(self.base.variable(), paths)

    def _gather(self, way: tuple[Any, ...], paths: dict[tuple[Any, ...], Any]) -> None:
        for key, part in self.parts.items():
            inside = type(part) is Edit and type(part.base) is Site
            if inside and part.base.root is self.base.root:
                part._gather((*way, key), paths)
            else:
                paths[(*way, key)] = finished(part)

    def merged(self, other: Any) -> Any:
        """This change and another one of the same whole, or None if they meet at one part."""
        if type(other) is not Edit or other.put is not self.put:
            return None
        if other.base is not self.base and not _same_site(self.base, other.base):
            return None
        parts = dict(self.parts)
        for key, new in other.parts.items():
            known = parts.get(key, MISSING)
            if known is MISSING:
                parts[key] = new
                continue
            both = known.merged(new) if type(known) is Edit else None
            if both is None:
                return None
            parts[key] = both
        return Edit(self.base, parts, self.put)


def _same_site(a: Any, b: Any) -> bool:
    return type(a) is Site and type(b) is Site and a.root is b.root and a.keys == b.keys


def steps_into(whole: Any) -> Any:
    """What an optic begins at: the site of a variable with parts, anything else as it is."""
    if isinstance(whole, StructVar):
        held = plain(whole)
        return Site(whole, (), held, value_type(held), whole._value)
    return whole


def variable_at(x: Any) -> Any:
    """The variable of a site or group; anything else as it is."""
    return x.variable() if type(x) is Site or type(x) is Group else x


def plain_at(x: Any) -> Any:
    """The plain value of a site, group or variable; anything else as it is."""
    return x.value if type(x) is Site or type(x) is Group else plain(x)


def finished(x: Any) -> Any:
    """What an optic ends with: a value or a variable."""
    return x.finished() if type(x) is Edit else variable_at(x)


def items_of(x: Any) -> list[Any]:
    """The items of a new group: those that did not change are the sites they were."""
    if type(x) is Group:
        return list(x.parts.values())
    if type(x) is Edit and type(x.base) is Group:
        return [x.parts.get(key, part) for key, part in x.base.parts.items()]
    return list(finished(x))


def kind_of(x: Any) -> Kind | None:
    """What a plain value is to gradx; None if it cannot be differentiated at all."""
    try:
        return value_type(x).kind
    except (UnregisteredTypeError, NotDifferentiableError):
        return None
