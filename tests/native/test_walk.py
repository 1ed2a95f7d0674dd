"""The walk through a value in C: what `gradx.values.leaves.walk` does in Python, call by call."""

import collections
import dataclasses
import enum
import gc
import types
import weakref
from typing import Any, NamedTuple

import numpy as np
import pytest

import gradx as gx
from gradx.native import native
from gradx.reverse.copies import all_apart
from gradx.values.leaves import walk
from gradx.values.operations import found_leaves
from tests.native.native import blocks_kept, only_native

pytestmark = only_native


@dataclasses.dataclass
class Plain:
    w: Any
    b: Any = 0.5


@dataclasses.dataclass(frozen=True)
class Frozen:
    w: Any
    b: Any = None


@dataclasses.dataclass(slots=True)
class Slotted:
    w: Any
    b: Any = 0.5


@dataclasses.dataclass
class Sized:
    size: int
    w: Any
    count: Any = 3
    name: str = gx.static(default="sized")
    shape: tuple[int, ...] = (2, 3)
    shift: float = gx.param(default=1)


@dataclasses.dataclass
class Static:
    w: Any
    only: Any = gx.static(default=7.0)  # noqa: RUF009


@dataclasses.dataclass
class Empty:
    pass


class Sub(Plain):
    """No dataclass of its own."""


@dataclasses.dataclass
class Looking(Plain):
    def __getattribute__(self, name):
        return super().__getattribute__(name)


class Pair(NamedTuple):
    a: Any
    b: Any


class Colour(enum.Enum):
    RED = 1


class Weights(list):
    pass


class Registered:
    def __init__(self, w, b):
        self.w, self.b = w, b


class Money:
    def __init__(self, cents):
        self.cents = cents


gx.register(Registered, children=("w", "b"))
gx.register(
    Money,
    zero=lambda x: Money(0.0),
    add=lambda x, y: Money(x.cents + y.cents),
    one=lambda x: Money(1.0),
    children=("cents",),
)


def unset(x, name):
    object.__delattr__(x, name)
    return x


def with_more(x, **more):
    vars(x).update(more)
    return x


def referred_to(x):
    return x, weakref.ref(x)


LEAVES = [
    *(1.0, 2, 1j, np.float64(3), np.float32(3), np.ones(3), np.ones((2, 2), np.float32)),
    *(np.ones(2, complex), np.arange(3), np.array([True]), None, True, "name", b"b", Colour.RED),
    *(len, np.dtype(float), frozenset({"a"}), Money(2.0), np.int64(3)),
]
VALUES = [
    *LEAVES,
    *([], (), {}, [[]], [()], [{}], [[], 1.0], [1.0, [2.0, (3.0, {"k": [4.0]})], "x"]),
    *([1.0] * 9, [np.ones(2)] * 9, [1.0, *["s"] * 9], {"a": 1.0, 2: [1.0], (3,): {}}, [LEAVES]),
    *(collections.OrderedDict(b=1.0, a=[2.0]), collections.defaultdict(list, a=[1.0])),
    *(collections.deque([1.0, [2.0]], 5), types.MappingProxyType({"a": 1.0}), Pair(1.0, [2.0])),
    *(Weights([1.0, 2.0]), with_more(Weights([1.0]), log=["a"])),
    *(Plain(1.0), Plain([1.0], {"a": Plain(2.0)}), Frozen(1.0), Frozen(np.ones(2), Frozen("a"))),
    *(Slotted(1.0), Slotted([1.0]), Sized(3, 1.0), Sized(3, 4, 5.0, "other", (1, 2)), Static(1.0)),
    *(Static([1.0], [2.0]), Empty(), [Empty()], Sub(1.0), Looking(1.0), Registered(1.0, [2.0])),
    *(unset(Plain(1.0, 2.0), "b"), unset(Plain(1.0, 2.0), "w"), Plain(3, 4), Plain(True, "b")),
    *(
        with_more(Plain(1.0), log=[1]),
        with_more(Plain(1.0), name="n"),
        referred_to(Plain([1.0]))[0],
    ),
    *([Money(1.0), Plain(Money(2.0))], [Plain(i, float(i)) for i in range(40)]),
]


def shown(x: Any) -> Any:
    """A value with its types and attributes, to compare."""
    if isinstance(x, np.ndarray):
        return x.dtype, x.shape, x.tolist()
    if isinstance(x, dict | types.MappingProxyType):
        return type(x), [(k, shown(v)) for k, v in x.items()], getattr(x, "default_factory", None)
    if isinstance(x, list | tuple | collections.deque):
        return type(x), [shown(v) for v in x], shown(getattr(x, "__dict__", None))
    if isinstance(x, Slotted):
        return type(x), shown(x.w), shown(x.b)
    if hasattr(x, "__dict__") and not isinstance(x, type | enum.Enum):
        return type(x), [(k, shown(v)) for k, v in vars(x).items()]
    return type(x), repr(x)


class Told:
    """Notes what it is given, and gives something that can be told apart."""

    def __init__(self, what, calls):
        self.what, self.calls = what, calls

    def __call__(self, x, spec):
        self.calls.append((self.what, id(x), spec))
        return self.what, len(self.calls)


def outcome(function, value, static, own, met, noted, atoms):
    """What a walk gives, and all it told anyone; or its error."""
    calls, notes = [], [] if noted else None

    def kept(x, copy):
        calls.append(("met", id(x), type(copy)))
        return [copy]

    args = (Told("static", calls) if static else None, own, kept if met else None, notes, atoms)
    try:
        new = function(value, Told("leaf", calls), "the value", *args)
    except Exception as error:
        return type(error), str(error), error.__suppress_context__
    pairs = [(id(notes[i]), shown(notes[i + 1])) for i in range(0, len(notes or ()), 2)]
    return shown(new), calls, pairs


WAYS = [
    *((False, False, False, False, True), (True, False, False, True, True)),
    *((True, False, False, True, False), (True, True, True, True, True)),
]


@pytest.mark.parametrize("way", WAYS, ids=["leaves", "static", "no atoms", "everything"])
@pytest.mark.parametrize("value", VALUES, ids=lambda x: f"{type(x).__name__}")
def test_as_in_python(value, way):
    assert outcome(native.map_leaves, value, *way) == outcome(walk, value, *way)


@pytest.mark.parametrize("value", VALUES, ids=lambda x: f"{type(x).__name__}")
def test_the_leaves_are_those_that_python_finds(value):
    assert list(map(id, native.leaves_of(value))) == list(map(id, found_leaves(value)))


class Unknown:
    pass


@dataclasses.dataclass
class Dying:
    w: float

    def __del__(self):
        pass


def cyclic(way):
    """A value that contains itself along a way of keys, behind as many lists."""
    x: Any = [1.0]
    inner = x
    for key in way:
        inner.append({key: [2.0, Plain(3.0, [4.0])]})
        inner = inner[-1][key][-1].b
    inner.append(x)
    return x


def deep(x, depth):
    for _ in range(depth):
        x = [0.0, x]
    return x


def cyclic_beside(depth):
    """A value that contains itself beside one that goes deeper than the way around."""
    x: Any = [deep([1.0], depth), Plain({"a": 2.0})]
    x.append(x)
    return x


WRONG = [
    Unknown(),
    [1.0, {"a": (2.0, Plain(1.0, [Unknown()]))}],
    {"k": Registered(1.0, {3: Unknown()})},
    [np.array(["a", 1], object)],
    [{"m": np.ma.ones(3)}],
    Plain(np.zeros(1, [("a", float)])),
    [{1.0, 2.0}],
    [1.0, (Dying(1.0),)],
    with_more(Plain(1.0), log=[1.0]),
    [[with_more(Plain(1.0), odd=Unknown())]],
    cyclic("a"),
    cyclic("abcdefghijk"),
    deep(cyclic("ab"), 3),
    deep(cyclic("ab"), 70),
    *(cyclic_beside(0), cyclic_beside(3), cyclic_beside(40), deep(cyclic_beside(9), 30)),
    {"x": cyclic(""), "y": Unknown()},
    Pair(1.0, [Unknown()]),
    with_more(Plain(1.0), own=Plain(np.ones(2))),
]


@pytest.mark.parametrize("value", WRONG, ids=range(len(WRONG)))
def test_the_same_errors(value):
    for way in WAYS[1:]:
        got = outcome(native.map_leaves, value, *way)
        assert got == outcome(walk, value, *way)
        assert isinstance(got[0], type) and issubclass(got[0], gx.GradxError)


def test_errors_of_the_functions_come_out():
    def failing(*_):
        raise KeyError("mine")

    for value in ([[1.0]], {"a": Plain(1.0)}, (1.0,)):
        with pytest.raises(KeyError, match="mine"):
            native.map_leaves(value, failing, "x", None, False, None, None, True)
        with pytest.raises(KeyError, match="mine"):
            native.map_leaves(value, lambda x, _: x, "x", None, False, failing, None, True)
    with pytest.raises(KeyError, match="mine"):
        native.map_leaves([["a"]], len, "x", failing, False, None, None, True)


@pytest.mark.parametrize("wrap", [lambda x: [x], lambda x: (x,), lambda x: {"a": x}, Plain])
def test_values_of_any_depth(wrap):
    x: Any = 1.0
    for _ in range(100_000):
        x = wrap(x)
    y = native.map_leaves(x, lambda leaf, _: leaf, "x", None, False, None, None, True)
    depth = 0
    while type(y) is not float:
        y = y.w if type(y) is Plain else next(iter(y.values() if type(y) is dict else y))
        depth += 1
    assert depth == 100_000


def test_nothing_is_left_behind():
    value = [VALUES[:-1], WRONG[1:2]]

    def once():
        native.map_leaves(VALUES, lambda x, _: x, "x", None, False, None, [], True)
        with pytest.raises(gx.UnregisteredTypeError):
            native.map_leaves(value, lambda x, _: x, "x", None, True, None, [], True)

    assert blocks_kept(once, 50) < 1


def test_a_list_that_changes_meanwhile():
    rows: list[Any] = [[1.0], [2.0], [3.0]]

    def leaf(x, _):
        rows.clear()
        return -x

    new = native.map_leaves(rows, leaf, "x", None, False, None, None, True)
    assert new == [[-1.0], [-2.0], [-3.0]] and rows == []


class Key:
    """A key whose hash may change, as that of a record does which is written into."""

    def __init__(self, number):
        self.number = number

    def __hash__(self):
        return self.number


def test_a_dict_with_a_key_that_has_another_hash_now():
    key = Key(1)
    x = {key: 2.0, "b": 3.0}
    key.number = 7
    new = native.map_leaves(x, lambda x, _: -x, "x", None, False, None, None, True)
    assert list(new.items()) == [(key, -2.0), ("b", -3.0)]
    assert list(gx.grad(lambda x: sum(v * v for v in x.values()))(x).values()) == [4.0, 6.0]


def test_a_copied_tuple_stays_known_to_the_collector():
    """It holds variables, which cycles may go through, whatever it held while it was made."""

    def leaf(x, _):
        gc.collect()
        return [x]

    new = native.map_leaves((1.0, 2.0), leaf, "x", None, False, None, None, True)
    assert new == ([1.0], [2.0]) and gc.is_tracked(new)


def test_copies_keep_their_attributes_where_the_class_says():
    copy = gx.one(Plain(2.0, [3.0]))
    assert vars(copy) == {"w": 1.0, "b": [1.0]} and list(vars(copy)) == ["w", "b"]
    copy = gx.one(Sized(3, 4.0))
    assert vars(copy) == {**vars(Sized(3, 4.0)), "w": 1.0, "shift": 1.0}


# --- Layouts --------------------------------------------------------------------------------------


def general(*args):
    return "general", *args


def layout(cls=Plain, names=("w", "b"), marks=b"aa", fixed=()):
    return native.Layout(cls, names, marks, fixed, general, general)


def test_a_layout_takes_apart_and_makes():
    x = Plain(1.0, [2.0])
    names, parts = layout().parts(x)
    assert names == ("w", "b") and parts == [1.0, [2.0]]
    y = layout().rebuild(x, names, [3.0, 4.0])
    assert type(y) is Plain and y == Plain(3.0, 4.0) and y is not x


@pytest.mark.parametrize(
    ("marks", "names", "parts"),
    [(b"aa", ("w",), [1.0]), (b"pa", ("w",), [1.0]), (b"ap", ("w", "b"), [1.0, 3])],
)
def test_whole_numbers_are_parts_where_the_mark_says_so(marks, names, parts):
    x = Plain(1.0, 3)
    assert layout(marks=marks).parts(x) == (names, parts)
    y = layout(marks=marks).rebuild(x, *layout(marks=marks).parts(x))
    assert y == x and vars(y) == vars(x)


@pytest.mark.parametrize(
    "x",
    [
        *(Sub(1.0), Looking(1.0), with_more(Plain(1.0), c=1), unset(Plain(1.0), "b"), 3, None),
        Registered(1.0, 2.0),
    ],
)
def test_other_instances_go_the_general_way(x):
    assert layout().parts(x) == ("general", x)
    made = layout().rebuild(x, ("w", "b"), [1.0, 2.0])
    assert made == ("general", x, ("w", "b"), [1.0, 2.0])


def test_one_that_is_referred_to_weakly_is_made_in_general():
    x, reference = referred_to(Plain(1.0))
    assert layout().rebuild(x, ("w", "b"), [1.0, 2.0])[0] == "general"
    del reference
    assert layout().rebuild(x, ("w", "b"), [1.0, 2.0]) == Plain(1.0, 2.0)


@pytest.mark.parametrize("keys", [["w", "b"], ("w",), ("w", "b", "c"), None])
def test_other_keys_go_the_general_way(keys):
    assert layout().rebuild(Plain(1.0), keys, [1.0, 2.0])[0] == "general"
    assert layout().rebuild(Plain(1.0), ("w", "b"), (1.0, 2.0))[0] == "general"


@pytest.mark.parametrize(
    ("args", "error"),
    [
        ((), TypeError),
        ((Plain, ["w"], b"a", (), general, general), TypeError),
        ((Plain, ("w",), b"", (), general, general), ValueError),
        (("Plain", ("w",), b"a", (), general, general), TypeError),
    ],
)
def test_layouts_that_cannot_be(args, error):
    with pytest.raises(error):
        native.Layout(*args)
    with pytest.raises(TypeError, match="by position"):
        native.Layout(cls=Plain)
    with pytest.raises(TypeError, match="takes a template"):
        layout().rebuild(1)


def test_a_layout_goes_with_its_class():
    cls = dataclasses.make_dataclass("Passing", ["w"])
    gx.one(cls(1.0))
    gone = weakref.ref(cls)
    del cls
    gc.collect()
    assert gone() is None


# --- Sharing --------------------------------------------------------------------------------------

SHARED: list[Any] = [1.0]
NOTED = [
    *([], [SHARED], [SHARED, (1.0,), {}], [SHARED, [1.0]], [SHARED, SHARED], [Plain(1.0)]),
    *([Plain(1.0), Plain(1.0), Frozen(1.0)], [with_more(Plain(1.0), c=1)], [Weights([1.0])]),
    *([[i] for i in range(50)], [*([i] for i in range(50)), SHARED, SHARED], [Static(1.0)]),
    *([Slotted(1.0)], [Pair(1.0, 2.0)], [Registered(1.0, 2.0)], [Empty(), Empty()]),
]


@pytest.mark.parametrize("originals", NOTED, ids=range(len(NOTED)))
def test_what_is_shared(originals):
    noted = [x for original in originals for x in (original, "copy")]
    assert native.unshared(noted) is all_apart(noted)


@pytest.mark.parametrize("args", [(), (1,), ((),) * 8, ([], len, "x", None, False, None, (), True)])
def test_wrong_arguments(args):
    with pytest.raises(TypeError, match="internal error: map_leaves"):
        native.map_leaves(*args)
    with pytest.raises(TypeError, match="internal error: unshared"):
        native.unshared(args)
