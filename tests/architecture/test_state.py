"""No module-level mutable state but the run counter and the registries, each listed here."""

import ast
import collections
import functools
import importlib
import itertools
import threading
import weakref
from collections.abc import Callable, Iterator, Mapping
from contextvars import ContextVar
from types import MappingProxyType

import pytest

from tests.architecture.sources import Module, assert_none, package_modules, synthetic
from tests.restoring import restored, state_named

# "module:name": why it is there. An entry that is no longer needed fails the test.
ALLOWED: Mapping[str, str] = {
    "gradx.core.dispatch:_levels": "the one counter of runs",
    "gradx.values.registry:registry": "the registry of types",
    "gradx.devices.placement:PLACES": "the registry of backends by array type",
    "gradx.adoption.classes:_ASKED": "the questions whether a class is a subclass, under way",
    "gradx.values.unregistered:_INSTANCES": "the types that are known for the length of a block",
    "gradx.devices.kernel_table:TABLES": "the registry of stand-ins by array type",
    "gradx.core.dispatch:UFUNCS": "the registry of lifted ufuncs",
    "gradx.core.dispatch:LIBRARIES": "the registry of libraries whose ufuncs are lifted late",
    "gradx.core.dispatch:UFUNC_METHODS": "the registry of lifted methods of ufuncs",
    "gradx.core.dispatch:FUNCTIONS": "the registry of lifted functions",
    "gradx.core.op:POINTWISE": "the registry of ops behind operators and ufuncs",
    "gradx.core.op:OPS": "the registry of the ops of the tables, by name",
    "gradx.adoption.entry:_ADOPTIONS": "the adoptions that are in use, by their program",
    "gradx.adoption.inside:INSIDE": "the call of adopted code that runs in this thread",
    "gradx.adoption.places:_HELD": "what is exchanged in objects while adopted code runs",
    "gradx.batch.direct:_function_of": "a cache: an op does not change",
    "gradx.batch.randomness:_memory_tells": "a cache: of how this Python keeps generators",
    "gradx.batch.randomness:_names": "a cache: the code of a function does not change",
    "gradx.batch.loops:_COUNTS": "who counts loops over examples, in this context",
    "gradx.batch.run:_facts_of": "a cache: an op does not change",
    "gradx.batch.run:_form_of_numbers": "a cache: an op does not change",
    "gradx.batch.values:_comparison": "a cache: there are six comparisons",
    "gradx.surface.arrays:NAMESPACE": "the namespace that arrays name, in this context",
    "gradx.core.assignment:_CONDITIONS": "where branches of a batch write, in this context",
    "gradx.core.watch:WATCH": "who watches the runs of this thread",
    "gradx.abstract.run:_comparison": "a cache: there are six comparisons",
    "gradx.backends.registry:REGISTRY": "the registry of backends",
    "gradx.forward.rules:_facts_of": "a cache: an op does not change",
    "gradx.forward.direct:UFUNCS_DIRECT": "a cache: an op does not change",
    "gradx.forward.direct:direct_of": "a cache: an op does not change",
    "gradx.series.run:_rule_of": "a cache: an op does not change",
    "gradx.reverse.recorders:ufunc_recorder": "a cache: an op does not change",
    "gradx.reverse.recorders:UFUNC_RECORDERS": "a cache: an op does not change",
}

MUTABLE_CALLS = frozenset(
    {"dict", "list", "set", "bytearray", "defaultdict", "OrderedDict", "Counter", "deque"}
    | {"count", "local", "ContextVar", "WeakKeyDictionary", "WeakValueDictionary", "WeakSet"}
)
CACHES = frozenset({"cache", "lru_cache"})
MUTABLE_DISPLAYS = (ast.List, ast.Dict, ast.Set, ast.ListComp, ast.DictComp, ast.SetComp)
MUTABLE_TYPES = (
    list,
    dict,
    set,
    bytearray,
    collections.deque,
    itertools.count,
    threading.local,
    ContextVar,
    weakref.WeakKeyDictionary,
    weakref.WeakValueDictionary,
    weakref.WeakSet,
)
UNCHANGED_BY_CUSTOM = frozenset({"__all__", "__slots__", "__match_args__"})

Finds = Iterator[tuple[str, int]]


def last_name(node: ast.expr) -> str:
    """``f`` for ``f``, ``a.f``, ``f(...)`` and ``f[T](...)``."""
    while isinstance(node, ast.Call | ast.Subscript):
        node = node.func if isinstance(node, ast.Call) else node.value
    return getattr(node, "attr", getattr(node, "id", ""))


def is_mutable(value: ast.expr | None) -> bool:
    """Whether the expression makes something that can change later, as far as one can see."""
    if isinstance(value, ast.Call):
        return last_name(value) in MUTABLE_CALLS | CACHES
    return isinstance(value, MUTABLE_DISPLAYS)


def top_statements(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    """The statements that run at import: also those in ``if``, ``try``, ``for`` and classes."""
    for statement in body:
        yield statement
        if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        for part in ("body", "orelse", "finalbody"):
            yield from top_statements(getattr(statement, part, []))
        for handler in getattr(statement, "handlers", []):
            yield from top_statements(handler.body)


def state(module: Module) -> Iterator[tuple[str, int]]:
    """Names and lines of the module's mutable state.

    That is: mutable displays, comprehensions and containers assigned at module level or in a class
    body; caches; and names that functions rebind with ``global``. A table that does not change
    is a tuple, a frozenset or a MappingProxyType.
    """
    for statement in top_statements(module.tree.body):
        if isinstance(statement, ast.Assign | ast.AnnAssign) and is_mutable(statement.value):
            targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
            for target in targets:
                name = ast.unparse(target)
                if name not in UNCHANGED_BY_CUSTOM:
                    yield name, statement.lineno
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Global):
            yield from ((name, node.lineno) for name in node.names)
        for decorator in getattr(node, "decorator_list", []):
            if last_name(decorator) in CACHES:
                yield node.name, node.lineno


def stateful_objects(namespace: Mapping[str, object], package: str) -> Iterator[str]:
    """Names whose values hold state: what can change, or an object of the package with such a part.

    It sees what the text alone does not show, such as ``registry = Registry()``.
    """
    for name, value in namespace.items():
        if isinstance(value, MUTABLE_TYPES):
            yield name
        elif not isinstance(value, type) and type(value).__module__.split(".")[0] == package:
            slots = [slot for cls in type(value).__mro__ for slot in getattr(cls, "__slots__", ())]
            parts = [*getattr(value, "__dict__", {}).values()]
            parts += [getattr(value, slot, None) for slot in slots]
            if any(isinstance(part, MUTABLE_TYPES) for part in parts):
                yield name


def loaded_state(module: Module) -> Iterator[tuple[str, int]]:
    """The same as `state`, found in the module as it is once it is loaded."""
    namespace = vars(importlib.import_module(module.name))
    lines = {
        target.id: node.lineno
        for node in top_statements(module.tree.body)
        if isinstance(node, ast.Assign | ast.AnnAssign)
        for target in ast.walk(node)
        if isinstance(target, ast.Name) and isinstance(target.ctx, ast.Store)
    }
    own = {name: namespace[name] for name in lines if name in namespace}
    for name in stateful_objects(own, module.name.split(".")[0]):
        if name not in UNCHANGED_BY_CUSTOM:
            yield name, lines[name]


def unlisted(found: Mapping[str, int], allowed: Mapping[str, str]) -> list[str]:
    """State that is not allowed, and allowances that nothing needs."""
    return [f"{key} (line {line})" for key, line in found.items() if key not in allowed] + [
        f"{key} is allowed but is not there" for key in allowed if key not in found
    ]


def by_key(modules: Mapping[str, Module], *finders: Callable[[Module], Finds]) -> dict[str, int]:
    """What the finders find in the modules: its line by ``module:name``."""
    return {
        f"{module.name}:{name}": line
        for module in modules.values()
        for finder in finders
        for name, line in finder(module)
    }


def test_no_unlisted_state():
    modules = package_modules("gradx")
    loadable = {name: each for name, each in modules.items() if not name.endswith("__main__")}
    found = {**by_key(modules, state), **by_key(loadable, loaded_state)}
    assert_none(unlisted(found, ALLOWED))


@pytest.mark.parametrize(
    "text",
    [
        "x = []",
        "x: list[int] = []",
        "x = {}",
        "x: Final = {'a': 1}",
        "x = {1, 2}",
        "x = {k: 1 for k in 'ab'}",
        "x = dict(a=1)",
        "x = collections.defaultdict(list)",
        "x = weakref.WeakKeyDictionary[type, int]()",
        "x = itertools.count()",
        "x = threading.local()",
        "if True:\n    x = []",
        "try:\n    pass\nexcept E:\n    x = []",
        "class C:\n    x = []",
        "x = 0\ndef f():\n    global x\n    x += 1",
        "@functools.cache\ndef x(): pass",
        "x = functools.cache(f)",
        "x = lru_cache(maxsize=None)(f)",
        "@lru_cache(maxsize=None)\ndef x(): pass",
    ],
)
def test_state_is_found(text):
    found = by_key(synthetic({"p": text}), state)
    assert list(found) == ["p:x"]
    assert unlisted(found, {}) == [f"p:x (line {found['p:x']})"]
    assert unlisted(found, {"p:x": "why"}) == []


@pytest.mark.parametrize(
    "text",
    [
        "x = ()",
        "x = 1",
        "x = MappingProxyType({'a': []})",
        "x = frozenset({1})",
        "x = tuple([1, 2])",
        "__all__ = ['a']",
        "def f():\n    x = []\n    return x",
        "f = lambda: []",
        "class C:\n    __slots__ = ['a']\n    def f(self):\n        self.x = {}",
        "x: list[int]",
    ],
)
def test_what_is_no_state_passes(text):
    assert by_key(synthetic({"p": text}), state) == {}


def test_an_allowance_that_nothing_needs_is_found():
    assert unlisted({}, {"p:x": "why"}) == ["p:x is allowed but is not there"]


class Holder:
    """An object that may hold state."""

    def __init__(self, part: object) -> None:
        self.part = part


class Slotted:
    """The same, with slots, in a base class."""

    __slots__ = ("part",)


class Derived(Slotted):
    """Its slots are its base's."""

    __slots__ = ()


def test_objects_that_hold_state_are_found():
    slotted = Derived()
    slotted.part = []
    namespace = {
        "holder": Holder({}),
        "slotted": slotted,
        "counter": itertools.count(),
        "table": MappingProxyType({}),
        "constant": Holder((1, 2)),
        "a_class": Holder,
    }
    assert list(stateful_objects(namespace, "tests")) == ["holder", "slotted", "counter"]


# ---- Every test leaves it as it was ------------------------------------------------------------


class Cached:
    """A module's state of a kind that is not known."""


@pytest.mark.parametrize("name", ALLOWED)
def test_all_state_is_restored_after_each_test(name):
    with restored(state_named([name])[name]):
        pass


@pytest.mark.parametrize(
    ("before", "changed"),
    [
        ({1: 2}, lambda x: x.update({3: 4})),
        ({1: 2}, lambda x: x.clear()),
        ({1, 2}, lambda x: x.add(3)),
        ([1, 2], lambda x: x.append(3)),
        (collections.deque([1]), lambda x: x.append(3)),
        (weakref.WeakKeyDictionary({Holder: 1}), lambda x: x.update({Slotted: 2})),
    ],
    ids=lambda x: type(x).__name__,
)
def test_a_table_is_refilled(before, changed):
    copied = before.copy()
    with restored(before):
        changed(before)
        assert before != copied
    assert before == copied


def test_a_cache_is_cleared():
    cached = functools.cache(abs)
    with restored(cached):
        cached(-1)
    assert cached.cache_info().currsize == 0


def test_a_kind_of_state_that_cannot_be_restored_is_told():
    with pytest.raises(TypeError, match="no way to restore a Cached"):
        restored(Cached())
