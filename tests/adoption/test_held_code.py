"""Where a program keeps its functions: tables of any depth and kind, slots, enums, caches."""

import collections
import dataclasses
import enum
import functools
import math
import types
import typing

import numpy as np
import pytest

import gradx as gx


def smooth(x):
    """A function that takes a variable only where it is adopted."""
    return float(math.tanh(x))


def agrees(program, x=0.5, *rest):
    """The lifted value is the plain one to the bit, the gradient that of differences.

    Args:
        program: a function of a number, and of what it is given beside it.
        x: where.
        rest: what it is given.
    """
    step, plain = 1e-6, program(x, *rest)
    value, gradient = gx.value_and_grad(gx.adopt(program))(x, *rest)
    assert (type(value), value) == (type(plain), plain)
    slope = (program(x + step, *rest) - program(x - step, *rest)) / (2 * step)
    assert gradient == pytest.approx(slope, rel=1e-5)


# --- Tables ---------------------------------------------------------------------------------------

Pair = collections.namedtuple("Pair", "act rest")
GET = {
    "dict": ({"act": smooth}, lambda t: t["act"]),
    "list": ([smooth], lambda t: t[0]),
    "tuple": ((1.0, smooth), lambda t: t[1]),
    "named tuple": (Pair(smooth, 1), lambda t: t.act),
    "deep": ({"a": [(1, {"act": smooth})]}, lambda t: t["a"][0][1]["act"]),
    "after much data": ({**{i: i for i in range(99)}, "act": smooth}, lambda t: t["act"]),
    "ordered": (collections.OrderedDict(act=smooth), lambda t: t["act"]),
    "by default": (collections.defaultdict(lambda: smooth), lambda t: t["act"]),
    "queue": (collections.deque([smooth]), lambda t: t[0]),
    "set": ({smooth}, lambda t: next(iter(t))),
    "frozen set": (frozenset({smooth}), lambda t: next(iter(t))),
    "proxy": (types.MappingProxyType({"act": smooth}), lambda t: t["act"]),
    "namespace": (types.SimpleNamespace(act=smooth), lambda t: t.act),
    "object array": (np.array([smooth], dtype=object), lambda t: t[0]),
    "partial": ([functools.partial(smooth)], lambda t: t[0]),
    "cached": ({"act": functools.cache(smooth)}, lambda t: t["act"]),
}


class Holder:
    """An instance with one attribute."""

    def __init__(self, held):
        self.held = held


class Slotted:
    """An instance with one slot and nothing else."""

    __slots__ = ("held",)

    def __init__(self, held):
        self.held = held

    def doubled(self, x):
        return float(x) * 2.0


@dataclasses.dataclass(frozen=True, slots=True)
class Frozen:
    """An instance that says it cannot be changed."""

    held: object


def program_of(place, table, get):
    """A program that finds a table in a place, and what it is given beside x."""
    if place == "default":
        return lambda x, table=table: get(table)(x), ()
    if place == "keyword default":

        def by_name(x, *, table=table):
            return get(table)(x)

        return by_name, ()
    if place == "argument":
        return lambda x, table: get(table)(x), (table,)
    if place == "closure":
        return lambda x: get(table)(x), ()
    if place == "class":
        cls = type("Local", (), {"held": table, "__module__": __name__})
        return lambda x, owner: get(owner.held)(x), (cls(),)
    if place == "global":
        globals()["TABLE"] = table
        return (lambda x: get(TABLE)(x)), ()  # noqa: F821
    owner = {"attribute": Holder, "slot": Slotted, "frozen": Frozen}[place](table)
    return lambda x, owner: get(owner.held)(x), (owner,)


PLACES = ("default", "keyword default", "argument", "closure", "class", "global")


@pytest.mark.parametrize("place", [*PLACES, "attribute", "slot", "frozen"])
@pytest.mark.parametrize("kind", GET)
def test_functions_in_tables_are_adopted(place, kind):
    table, get = GET[kind]
    if kind == "by default":
        table = table.copy()
    program, rest = program_of(place, table, get)
    agrees(program, 0.5, *rest)
    agrees(program, 0.25, *rest)
    assert get(table) in (smooth, table[0] if kind == "partial" else smooth, get(GET[kind][0]))


def test_a_function_that_is_an_argument_is_adopted():
    agrees(lambda x, act: act(x), 0.5, smooth)
    scale = 3.0
    agrees(lambda x, act: act(x), 0.5, lambda t: float(t) * scale)


# --- Slots ----------------------------------------------------------------------------------------


class More(Slotted):
    """Slots, and slots above."""

    __slots__ = ("factor",)

    def doubled(self, x):
        return super().doubled(x) * self.held(x) * self.factor


class WithDict(Slotted):
    """Slots above, and attributes."""

    def doubled(self, x):
        return super().doubled(x) * self.held(x) * self.factor


class Row(typing.NamedTuple):
    """A tuple with methods."""

    held: object
    factor: float

    def doubled(self, x):
        return float(x) * self.held(x) * self.factor


def made(cls):
    if cls is Row:
        return Row(smooth, 2.0)
    new = cls(smooth)
    new.factor = 2.0
    return new


@pytest.mark.parametrize("cls", [More, WithDict, Row])
def test_instances_with_slots(cls):
    owner = made(cls)
    agrees(lambda x, owner: owner.doubled(x) * owner.held(x), 0.5, owner)
    agrees(lambda x: owner.doubled(x) * owner.held(x))
    agrees(lambda x, owners: owners[0].doubled(x), 0.5, [owner])
    assert type(owner) is cls
    assert owner.held is smooth


def test_an_instance_with_slots_and_its_methods_can_be_adopted():
    class Called(Slotted):
        __slots__ = ()

        def __call__(self, x):
            return self.held(x) * self.doubled(x)

    owner = Called(smooth)
    for program in (owner, owner.doubled):
        agrees(program)
    assert gx.adopt(owner)(0.5) == owner(0.5)


# --- Classes that have no adopted subclass --------------------------------------------------------


class Scale(enum.Enum):
    """Members that hold numbers, with methods."""

    ONE = 1.5
    TWO = 2.5

    def of(self, x):
        return float(x) * float(self.value)

    @property
    def half(self):
        return float(self.value) / 2.0

    @classmethod
    def first(cls, x):
        return cls.ONE.of(x)

    @staticmethod
    def squared(x):
        return float(x) ** 2


class Act(enum.Enum):
    """Members that hold functions."""

    SMOOTH = functools.partial(smooth)
    SHARP = functools.partial(math.exp)

    def __call__(self, x):
        return self.value(x)


class Word(str, enum.Enum):  # noqa: UP042
    """Members that are texts."""

    A = "a"

    def of(self, x):
        return float(x) * len(self)


class Flags(enum.IntFlag):
    """Members that are numbers."""

    A, B = 1, 2

    def of(self, x):
        return float(x) * int(self)


class FailedError(ValueError):
    """An exception with methods."""

    def __init__(self, x):
        super().__init__("failed")
        self.x = np.zeros(1)
        self.x[0] = x

    def number(self):
        return float(self.x[0])


class FailedAgainError(FailedError):
    def number(self):
        return super().number() * 2.0


@typing.final
class Last:
    def of(self, x):
        return float(x) * 2.0


class Able(typing.Protocol):
    def of(self, x):
        return float(x) * 3.0


class Made(Able):
    pass


class Making(type):
    def of(cls, x):
        return float(x) * 4.0

    @property
    def name(cls):
        return len(cls.__name__)


class OfMaking(metaclass=Making):
    pass


def failing(x):
    try:
        raise FailedAgainError(x)
    except FailedError as error:
        return error.number()


def same_members(x):
    same = [Scale(1.5) is Scale.ONE, Scale["TWO"] is Scale.TWO, Scale.ONE in {Scale.ONE: 1}]
    same += [type(Scale.ONE) is Scale, isinstance(Scale.ONE, Scale), list(Scale)[1] is Scale.TWO]
    return x * (2.0 if all(same) else 3.0)


IN_PLACE = {
    "method": lambda x: Scale.TWO.of(x),
    "property": lambda x: Scale.TWO.half * float(x),
    "class method": lambda x: Scale.first(x),
    "static method": lambda x: Scale.ONE.squared(x),
    "functions as members": lambda x: Act.SMOOTH(x) * Act.SHARP(x),
    "texts": lambda x: Word.A.of(x),
    "flags": lambda x: (Flags.A | Flags.B).of(x),
    "identity": same_members,
    "exception": failing,
    "final": lambda x: Last().of(x),
    "protocol": lambda x: Made().of(x),
    "metaclass": lambda x: OfMaking.of(x) * OfMaking.name,
}


@pytest.mark.parametrize("name", IN_PLACE)
def test_classes_without_an_adopted_subclass(name):
    classes = (Scale, Act, Word, Flags, FailedError, FailedAgainError, Last, Able, Making)
    before = [dict(vars(cls)) for cls in classes]
    agrees(IN_PLACE[name])
    for cls, members in zip(classes, before, strict=True):
        assert {name: vars(cls)[name] for name in members} == members


@pytest.mark.parametrize("owner", [Holder, Slotted, Frozen])
def test_members_of_enums_that_objects_hold(owner):
    def program(x, owner, member=Scale.ONE):
        kept = {Scale.TWO: 2.0}[owner.held]
        return owner.held.of(x) * member.of(x) * kept * (owner.held is Scale.TWO)

    agrees(program, 0.5, owner(Scale.TWO))


# --- Caches ---------------------------------------------------------------------------------------

CALLS = []


@functools.cache
def cached(x):
    CALLS.append(x)
    return float(math.sin(x))


@functools.lru_cache(maxsize=99)
def fibonacci(n, x):
    CALLS.append(n)
    return x if n < 2 else fibonacci(n - 1, x) + float(x) * fibonacci(n - 2, x)


@functools.cache
def grid(n):
    return np.linspace(0.0, 1.0, n)


class Cached:
    """Cached methods, and what they are given."""

    @functools.lru_cache  # noqa: B019
    def at(self, x):
        return float(math.sin(x)) + float(x)


@dataclasses.dataclass(frozen=True)
class Point:
    """A value with a hash of its own."""

    x: float


@functools.cache
def of_a_point(point):
    return float(point.x) ** 2


CACHED = Cached()
CACHES = {
    "function": lambda x: cached(x) * cached(x) + cached(0.5),
    "recursive": lambda x: fibonacci(40, x),
    "of no variable": lambda x: np.sum(grid(4) * x),
    "method": lambda x: CACHED.at(x) * CACHED.at(x),
    "of a record": lambda x: of_a_point(Point(x)) + of_a_point(point=Point(2.0)),
}


@pytest.mark.parametrize("name", CACHES)
def test_cached_functions(name):
    program = CACHES[name]
    adopted, step = gx.adopt(program), 1e-6
    for x in (0.5, 0.5, 0.75):  # a plain call fills the cache, which the next one must not find
        plain = program(x)
        value, gradient = gx.value_and_grad(adopted)(x)
        assert (type(value), value) == (type(plain), plain)
        slope = (program(x + step) - program(x - step)) / (2 * step)
        assert gradient == pytest.approx(slope, rel=1e-5)


def test_cached_functions_are_called_once_for_a_variable():
    CALLS.clear()
    gx.grad(gx.adopt(lambda x: fibonacci(40, x)))(0.5)
    assert len(CALLS) == 41
    gx.grad(gx.adopt(lambda x: fibonacci(40, x)))(0.5)
    assert len(CALLS) == 82
    assert CACHED.at.cache_info().hits >= 0


@pytest.mark.parametrize("adopt", [gx.adopt, lambda f: f])
@pytest.mark.parametrize("filled", [True, False])
def test_a_memo_by_the_number_of_a_variable_raises(adopt, filled):
    memo = {}

    def remembered(x):
        key = x * 2.0
        if key in memo:
            return memo[key]
        memo[key] = key * key
        return memo[key]

    if filled:
        remembered(0.5)
    with pytest.raises(gx.ConversionError, match=r"variables are unhashable, since what a dict"):
        gx.grad(adopt(remembered))(0.5)
    with pytest.raises(gx.ConversionError, match="unhashable"):
        gx.grad(adopt(lambda x: x * (x in {0.5})))(0.5)


def test_a_cached_function_raises_outside_of_adopted_code():
    cached(0.5)
    with pytest.raises(gx.ConversionError, match=r"f\.__wrapped__\(v\)"):
        gx.grad(cached)(0.5)
    with pytest.raises(gx.ConversionError, match="one for each example"):
        gx.vmap(cached)(np.array([0.5, 0.25]))


def test_an_array_is_no_argument_of_a_cached_function_as_in_the_plain_program():
    with pytest.raises(TypeError, match="unhashable"):
        gx.grad(gx.adopt(lambda x: cached(np.array([x, x]))))(0.5)
