"""Joining: variables of containers that were built out of variables.

What a differentiated function returns, and what is passed to an op, may be a plain record, tuple,
list or dict with variables in it; it is joined into one variable, whose cotangent goes to each
part it was built of.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

import numpy as np

from gradx.bvar import BVar, plain, wrap
from gradx.containers import record_fields
from gradx.cotangent import STRUCTURAL, Edge, Fields, dense, node_of
from gradx.errors import StructureError
from gradx.lifted import Lifted
from gradx.structures import child_of, lookup
from gradx.value import (
    Kind,
    ValueType,
    children_of,
    fold,
    parts_alone,
    rebuilt,
    registry,
    value_type,
    zero,
)

__all__ = ["has_variables", "join", "value", "with_part", "with_parts"]

T = TypeVar("T")


def _part_rule(g: Any, key: Any) -> Any:
    """The cotangent of a part that a container was built of; None where it got none."""
    if isinstance(g, Fields):
        return g.parts.get(key)
    return dict(children_of(g, value_type(g))).get(key)


def _without_rule(g: Any, whole: Any, key: Any) -> Any:
    """The cotangent of a container of which one part was replaced: zero there."""
    known = g.parts if isinstance(g, Fields) else dict(children_of(g, value_type(g)))
    spec = value_type(whole)
    if not spec.fieldwise:
        return rebuilt(g, spec, [key], [zero(known[key])])
    return Fields(whole, {k: h for k, h in known.items() if k != key})


def _join_one(template: Any, spec: ValueType, keys: list[Any], parts: list[Any]) -> Any:
    """A variable of a container, built of parts some of which are variables."""
    for name, x in static_fields(template, spec):
        if has_variables(x):
            raise _in_static_field(name, template)
    top = max((p for p in parts if isinstance(p, Lifted)), key=lambda p: p._run.level, default=None)
    if top is None:
        return rebuilt(template, spec, keys, parts)
    run = top._run
    values: list[Any] = []
    edges: list[Edge] = []
    for key, part in zip(keys, parts, strict=True):
        mine = isinstance(part, BVar) and part._run is run
        values.append(part._value if mine else part)
        if mine:
            edges.append((part._node, _part_rule, (key,), STRUCTURAL))
    return _committed(run, edges, rebuilt(template, spec, keys, values))


def _committed(run: Any, edges: list[Edge], whole: Any) -> Any:
    nodes, node = run.nodes, node_of(edges)
    if nodes is None:
        raise run.escaped(whole)
    nodes.append(node)
    return wrap(run, node, whole)


def join(x: T) -> T:
    """A variable of a record or container that was built out of variables.

    What a differentiated function returns, and what is passed to an op, is joined by itself.

    Args:
        x: a record, tuple, list or dict, with variables anywhere in it.

    Returns:
        One variable, or ``x`` itself if there is no variable in it.

    Raises:
        EscapedVarError: there is a variable of a run that has ended.
    """
    if isinstance(x, BVar):
        return _checked_leaf(x)  # type: ignore[no-any-return]
    if not has_variables(x):
        return x
    joined: T = fold(
        x,
        None,
        parts_alone,
        _checked_leaf,
        "the result",
        rebuild=_join_one,
        leaves=BVar,
        own=True,
    )
    return joined


def _checked_leaf(x: Any, *_: Any) -> Any:
    if isinstance(x, BVar) and x._run.nodes is None:
        raise x._run.escaped(x)
    return x


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
        held = fold(
            held, None, parts_alone, lambda leaf, *_: value(plain(leaf)), leaves=BVar, own=True
        )
    return held


def static_fields(x: Any, spec: ValueType) -> list[tuple[str, Any]]:
    """The fields of a record that have no gradient."""
    cls: Any = type(x)
    if spec.kind not in (Kind.RECORD, Kind.NAMED_TUPLE) or isinstance(x, BVar):
        return []
    marked = [name for name, mark in record_fields(cls) if mark == "static"]
    return [(name, getattr(x, name)) for name in marked if hasattr(x, name)]


_LEAVES = frozenset({float, int, str, bool, type(None), np.ndarray, np.float64})


def has_variables(x: Any) -> bool:
    """Whether there is a variable in a value."""
    if isinstance(x, Lifted):
        return True
    waiting, seen = [x], set()
    while waiting:
        x = waiting.pop()
        if type(x) in _LEAVES:
            continue
        if isinstance(x, Lifted):
            return True
        entry = registry.find(type(x))
        if not isinstance(entry, ValueType) or entry.children is None or id(x) in seen:
            continue
        seen.add(id(x))
        waiting.extend(child for _, child in entry.children(x))
        waiting.extend(child for _, child in static_fields(x, entry))
    return False


def with_part(v: Any, key: Any, part: Any) -> Any:
    """A variable of a container with one part replaced.

    The new part gets the cotangent at the key; the old whole gets it everywhere else.

    Args:
        v: a variable of a container.
        key: the name, index or key of the part.
        part: the new part, plain or a variable.
    """
    part = join(part)
    run, whole = v._run, v._value
    if isinstance(part, Lifted) and part._run.level > run.level:
        run = part._run
    mine = isinstance(v, BVar) and v._run is run
    edges: list[Edge] = [(v._node, _without_rule, (whole, key), STRUCTURAL)] if mine else []
    held = whole if mine else v
    lookup(held, key)
    if isinstance(part, BVar) and part._run is run:
        edges.append((part._node, _part_rule, (key,), STRUCTURAL))
        part = part._value
    keys = [k for k, _ in children_of(held, value_type(held))]
    parts = [part if k == key else lookup(held, k) for k in keys]
    return _committed(run, edges, rebuilt(held, value_type(held), keys, parts))


# --- Several parts replaced at once, anywhere in a container -----------------------------------

Paths = Mapping[tuple[Any, ...], Any]
Tree = dict[Any, Any]
"""The paths and what goes there, by their first keys; further trees for those that go on."""


class _Leaf:
    """What goes to the end of a path, in a `Tree`."""

    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value = value


def _tree(paths: Paths) -> Tree:
    tree: Tree = {}
    for path, part in paths.items():
        inner = tree
        for key in path[:-1]:
            inner = inner.setdefault(key, {})
        inner[path[-1]] = _Leaf(part)
    return tree


def _at_rule(g: Any, path: tuple[Any, ...]) -> Any:
    """The cotangent of what was set at the end of a path; None where it got none."""
    for key in path:
        if g is None:
            return None
        g = _part_rule(g, key)
    return g


def _outside_rule(g: Any, whole: Any, tree: Tree) -> Any:
    """The cotangent of a container in which parts were replaced: zero there."""
    spec = value_type(whole)
    known = g.parts if isinstance(g, Fields) else dict(children_of(g, value_type(g)))
    kept = {}
    for key, h in known.items():
        below = tree.get(key)
        if below is None:
            kept[key] = h
        elif not isinstance(below, _Leaf) and h is not None:
            kept[key] = _outside_rule(h, lookup(whole, key), below)
    if spec.fieldwise:
        return Fields(whole, kept)
    full = {key: dense(kept[key]) if key in kept else zero(h) for key, h in known.items()}
    return rebuilt(g, spec, list(full), list(full.values()))


def _replaced(whole: Any, tree: Tree) -> Any:
    """A plain container with parts replaced; a static field may be replaced too."""
    spec = value_type(whole)
    given = dict(children_of(whole, spec))
    for name, x in static_fields(whole, spec):
        if name in tree:
            given[name] = x
    for key, below in tree.items():
        old = given[key] if key in given else lookup(whole, key)
        given[key] = below.value if isinstance(below, _Leaf) else _replaced(old, below)
    return rebuilt(whole, spec, list(given), list(given.values()))


def with_parts(v: Any, paths: Paths) -> Any:
    """A variable of a container with parts replaced, anywhere in it: one node.

    Each new part gets the cotangent at its path; the old whole gets it everywhere else.

    Args:
        v: a variable of a container.
        paths: from the keys on the way to a part to the new part, plain or a variable.
    """
    paths = {path: join(part) for path, part in paths.items()}
    run = v._run
    if any(isinstance(p, Lifted) and p._run.level > run.level for p in paths.values()) or any(
        _crosses(v._value, path) for path in paths
    ):
        for path, part in paths.items():
            v = _with_along(v, path, part)
        return v
    tree = _tree(paths)
    edges: list[Edge] = [(v._node, _outside_rule, (v._value, tree), STRUCTURAL)]
    for path, part in paths.items():
        if isinstance(part, BVar):
            _check_part(v._value, path)
            if part._run is run:
                edges.append((part._node, _at_rule, (path,), STRUCTURAL))
    plain_tree = _tree({path: _own(part, run) for path, part in paths.items()})
    return _committed(run, edges, _replaced(v._value, plain_tree))


def _check_part(whole: Any, path: tuple[Any, ...]) -> None:
    """Refuse to put a variable where there can be no gradient."""
    for key in path[:-1]:
        whole = lookup(whole, key)
    if path[-1] in dict(static_fields(whole, value_type(whole))):
        raise _in_static_field(path[-1], whole)
    lookup(whole, path[-1])


def _in_static_field(name: str, record: Any) -> StructureError:
    return StructureError(
        f"the static field {name!r} of a {type(record).__name__} holds a variable, whose "
        "gradient would be lost; drop gx.static() from it, or pass gx.value(v)"
    )


def _own(part: Any, run: Any) -> Any:
    return part._value if isinstance(part, BVar) and part._run is run else part


def _crosses(whole: Any, path: tuple[Any, ...]) -> bool:
    """Whether a variable of an outer run is on the way of a path."""
    for i, key in enumerate(path):
        if isinstance(whole, BVar):
            return True
        if i + 1 < len(path):
            whole = lookup(whole, key)
    return False


def _with_along(v: Any, path: tuple[Any, ...], part: Any) -> Any:
    if len(path) == 1:
        return with_part(v, path[0], part)
    return with_part(v, path[0], _with_along(child_of(v, path[0]), path[1:], part))
