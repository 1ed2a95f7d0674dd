"""Rebuilding: what a copy of a user's instance has, and what is refused."""

import collections
import dataclasses
import functools
import gc
import threading
import types
import weakref
from dataclasses import dataclass, field
from typing import Any, Generic, NamedTuple, TypeVar

import attrs
import numpy as np
import pytest

import gradx as gx
from gradx.values.operations import map_leaves


def doubled(value):
    return map_leaves(value, lambda x, spec: 2 * x)


# ---- The class, the order and the make of every kind of container -----------------------------


class Weights(list):
    def __iter__(self):
        raise AssertionError("a user's method was called")

    @functools.cached_property
    def norm2(self):
        return sum(w * w for w in list.__iter__(self))


class Params(dict):
    __getattr__ = dict.__getitem__


class Loud(dict):
    def __init__(self):
        raise AssertionError("a user's method was called")

    __setitem__ = update = items = copy = __copy__ = __init__


class Ring(collections.deque):
    pass


class Triple(tuple):
    def __new__(cls, *items):
        return tuple.__new__(cls, items)


class Base(NamedTuple):
    x: float
    n: int


class Named(Base):
    """With a ``__dict__``."""


class Tally(collections.Counter):
    pass


def test_subclasses_of_containers_are_rebuilt_truly():
    w = Weights([1.0, 2.0])
    w.name = "w"
    new = doubled(w)
    assert type(new) is Weights and list.__eq__(new, [2.0, 4.0]) and new.name == "w"
    triple = Triple(1.0, 2.0, 3.0)
    triple.name = "t"
    new = doubled(triple)
    assert type(new) is Triple and new == (2.0, 4.0, 6.0) and new.name == "t"
    ring = Ring([1.0, 2.0], maxlen=2)
    ring.name = "r"
    new = doubled(ring)
    assert type(new) is Ring and new.maxlen == 2 and list(new) == [2.0, 4.0] and new.name == "r"
    loud = dict.__new__(Loud)
    dict.__setitem__(loud, ("any", 1), 3.0)
    assert dict.__eq__(doubled(loud), {("any", 1): 6.0})
    named = Named(1.0, 3)
    named.label = "n"
    new = doubled(named)
    assert type(new) is Named and new == (2.0, 3) and new.label == "n"
    assert doubled(Tally({"a": 2.5})) == {"a": 5.0} and type(doubled(Tally())) is Tally


def test_dicts_keep_their_order_their_factory_and_their_kind():
    ordered = collections.OrderedDict(a=1.0, b=2.0)
    ordered.move_to_end("a")
    new = doubled(ordered)
    assert type(new) is collections.OrderedDict and list(new.items()) == [("b", 4.0), ("a", 2.0)]
    new = doubled(collections.defaultdict(list, {1: [1.0]}))
    assert new == {1: [2.0]} and new.default_factory is list
    assert doubled(types.MappingProxyType({"a": 1.0})) == {"a": 2.0}
    assert type(doubled(types.MappingProxyType({}))) is types.MappingProxyType


def test_a_dict_whose_attributes_are_its_items():
    assert gx.zero(Params(w=3.0)) == {"w": 0.0}
    assert gx.grad(lambda p: p["w"] ** 2)(Params(w=3.0)) == {"w": 6.0}


def test_a_dict_that_is_its_own_dict_is_refused():
    class Own(dict):
        def __init__(self, **items):
            super().__init__(**items)
            self.__dict__ = self

    with pytest.raises(gx.NotDifferentiableError, match=r"value\[0\]: a Own is its own __dict__"):
        gx.zero([Own(w=1.0)])


# ---- Records ----------------------------------------------------------------------------------

T = TypeVar("T")


@dataclass(frozen=True)
class Frozen:
    x: float
    n: int = 2


@dataclass(frozen=True, slots=True)
class Slotted:
    x: float
    name: str = "s"


@dataclass(slots=True, weakref_slot=True, kw_only=True)
class Keyed:
    x: float


@dataclass
class Late:
    x: float
    y: float = field(init=False)

    def __post_init__(self):
        if self.x < 0:
            raise AssertionError("a check of a value is run on a copy")
        self.y = 2 * self.x


@dataclass
class Pair(Generic[T]):
    first: T
    second: T


@attrs.frozen
class Fixed:
    x: float
    n: int = 3


@attrs.define(slots=False)
class Open:
    x: float


@dataclass
class Failure(Exception):
    x: float


class Slots:
    __slots__ = ("__hidden", "label", "x")

    def __init__(self, x, label):
        self.x, self.label, self.__hidden = x, label, len

    def hidden(self):
        return self.__hidden


@pytest.mark.parametrize(
    ("x", "wanted"),
    [
        (Frozen(1.0), Frozen(2.0)),
        (Slotted(1.0), Slotted(2.0)),
        (Keyed(x=1.0), Keyed(x=2.0)),
        (Pair[float](1.0, 2.0), Pair(2.0, 4.0)),
        (Fixed(1.0), Fixed(2.0)),
        (Open(1.0), Open(2.0)),
        (Failure(1.0), Failure(2.0)),
    ],
    ids=lambda x: type(x).__name__,
)
def test_records_of_every_make(x, wanted):
    new = doubled(x)
    assert type(new) is type(x) and dataclasses_equal(new, wanted)
    assert repr(new) == repr(wanted)


def dataclasses_equal(x, y):
    return x == y or vars(x) == vars(y)


def test_no_check_runs_on_a_copy():
    new = map_leaves(Late(1.0), lambda x, spec: -x)
    assert (new.x, new.y) == (-1.0, -2.0)


def test_undeclared_slots_go_along():
    gx.register(Slots, children=("x",))
    new = doubled(Slots(1.0, "label"))
    assert (new.x, new.label, new.hidden()) == (2.0, "label", len)
    with pytest.raises(
        gx.NotDifferentiableError, match="attribute 'label' of a Slots holds numbers"
    ):
        gx.zero(Slots(1.0, np.ones(2)))


# ---- Undeclared attributes --------------------------------------------------------------------


@gx.record
class Layer:
    w: float
    act: str = "tanh"

    def __post_init__(self):
        self.f = {"tanh": np.tanh, "sin": np.sin}[self.act]
        self.lock, self.seen, self.run2 = threading.Lock(), [], self.run

    def run(self, x):
        return self.f(self.w * x)

    @functools.cached_property
    def twice(self):
        return 2 * self.w


def test_static_attributes_go_along():
    layer = Layer(0.5)
    new = doubled(layer)
    assert new.f is np.tanh and new.lock is layer.lock and new.act == "tanh"
    assert new.seen == [] and new.seen is not layer.seen
    assert (Layer(0.0) - 0.1 * Layer(1.0)).run(2.0) == np.tanh(-0.2)


def test_a_bound_method_is_a_method_of_the_copy():
    new = doubled(Layer(0.5))
    assert new.run2.__self__ is new and new.run2(2.0) == np.tanh(2.0)


def test_what_a_cached_property_left_is_computed_anew():
    layer = Layer(0.5)
    assert layer.twice == 1.0
    new = doubled(layer)
    assert "twice" not in vars(new) and new.twice == 2.0
    w = Weights([1.0, 2.0])
    assert w.norm2 == 5.0 and doubled(w).norm2 == 20.0


def test_what_functools_cache_left_is_computed_anew():
    @dataclass
    class Cached:
        x: float

        def __post_init__(self):
            self.total = functools.lru_cache(maxsize=3)(self._total)

        def _total(self, n):
            return self.x * n

    cached = Cached(1.0)
    assert cached.total(3) == 3.0
    new = doubled(cached)
    assert new.total(3) == 6.0 and new.total.cache_parameters()["maxsize"] == 3


@pytest.mark.parametrize(
    "held", [2.0, 1j, np.ones(2), np.float32(1), [1.0], {"a": (np.ones(1),)}, Frozen(1.0)], ids=repr
)
def test_an_undeclared_number_is_refused_by_path(held):
    x = Open(1.0)
    x.area = held
    text = (
        r"^value\[1\]\['k'\]: the attribute 'area' of a Open holds numbers and is not one of its "
    )
    text += r"declared parts.*make it a field \(with gx\.static\(\).*functools\.cached_property"
    for f in (gx.zero, gx.one, doubled):
        with pytest.raises(gx.NotDifferentiableError, match=text):
            f((1.0, {"k": x}))


def test_an_undeclared_number_of_a_registered_class_says_children():
    class Box:
        def __init__(self, w, h):
            self.w, self.h, self.area = w, h, w * h

    gx.register(Box, children=("w", "h"))
    with pytest.raises(gx.NotDifferentiableError, match=r"'area' of a Box .* named in children="):
        gx.grad(lambda b: b.area**2)(Box(2.0, 3.0))


def test_an_undeclared_attribute_of_an_unknown_type_is_refused():
    class Unknown:
        pass

    x = Open(1.0)
    x.engine = Unknown()
    with pytest.raises(
        gx.UnregisteredTypeError, match=r"value: the attribute 'engine' of a Open.*"
    ):
        gx.zero(x)


def test_a_function_that_has_caught_the_record_is_refused():
    x = Open(1.0)
    x.loss = lambda: x.x**2
    text = (
        r"value: the attribute 'loss': this function keeps a Open .* \(its closure has it as 'x'\)"
    )
    with pytest.raises(gx.NotDifferentiableError, match=text):
        gx.zero(x)


def test_a_class_with_a_finalizer_is_refused_unless_registered():
    class Handle:
        def __init__(self, x):
            self.x = x

        def __del__(self):
            pass

    made = dataclasses.dataclass(type("Made", (Handle,), {"__annotations__": {"x": float}}))
    with pytest.raises(
        gx.NotDifferentiableError, match=r"a Made has a __del__.*gx\.register\(Made"
    ):
        gx.zero(made(1.0))
    gx.register(made, children=("x",))
    assert gx.zero(made(1.0)).x == 0.0


def test_an_instance_in_a_weak_table_is_refused():
    x, table = Open(1.0), weakref.WeakValueDictionary()
    bare = weakref.ref(x)
    assert gx.zero(x) == Open(0.0) and bare() is x
    table["x"] = x
    with pytest.raises(gx.NotDifferentiableError, match=r"a Open is in a weak dict or set"):
        gx.zero(x)


def test_a_record_that_has_items_too_is_refused():
    @dataclass
    class Both(dict):
        x: float

    assert gx.zero(Both(1.0)).x == 0.0
    both = Both(1.0)
    both["x"] = 1.0
    with pytest.raises(gx.NotDifferentiableError, match="a Both has items of a dict besides"):
        gx.zero(both)


# ---- Walks ------------------------------------------------------------------------------------


def test_values_nested_100_000_times():
    for wrap in (lambda x: [x], lambda x: (x,), lambda x: {"k": x}, lambda x: Pair(x, None)):
        x: Any = 1.0
        for _ in range(100_000):
            x = wrap(x)
        new = doubled(x)
        while not isinstance(new, float):
            new = (
                new.first
                if isinstance(new, Pair)
                else next(iter(new.values() if isinstance(new, dict) else new))
            )
        assert new == 2.0
        del x, new
        gc.collect()


def test_containers_met_are_told_with_their_copies():
    shared, met = [1.0], {}
    x = {"a": shared, "b": (shared, "name")}

    def first(original, copy):
        return met.setdefault(id(original), (original, copy))[1]

    new = map_leaves(x, lambda x, spec: x, met=first)
    assert new["b"][0] is new["a"]  # what is returned takes the place of the copy
    assert met[id(x)] == (x, new) and met[id(x["b"])][1] is new["b"]
    assert met[id(shared)][0] is shared and len(met) == 3


def test_the_path_of_what_cannot_be_walked():
    loop: list[Any] = [1.0]
    loop.append({"k": loop})
    with pytest.raises(gx.CycleError, match=r"^argument 0\[1\]\['k'\] contains itself"):
        map_leaves(loop, lambda x, spec: x, "argument 0")
    with pytest.raises(gx.UnregisteredTypeError, match=r"of the value at p\.first\[1\];"):
        map_leaves(Pair([1.0, collections.UserList()], 2.0), lambda x, spec: x, "p")
