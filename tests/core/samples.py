"""Record types of every kind that design knows, and values of every type, for the core tests."""

import collections
import dataclasses
import enum
import types
import typing
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction

import attrs
import numpy as np
from hypothesis import strategies as st

import gradx as gx

T = typing.TypeVar("T")


@dataclass
class Plain:
    x: float
    y: typing.Any


@dataclass(frozen=True)
class Frozen:
    x: float
    y: typing.Any


@dataclass(kw_only=True)
class KeywordOnly:
    x: float
    y: typing.Any


@dataclass(slots=True, frozen=True)
class Slots:
    x: float
    y: typing.Any


@dataclass
class Base:
    x: float


@dataclass
class Inherited(Base):
    y: typing.Any = 0.0


@dataclass
class Uninitialised:
    x: float
    y: typing.Any = field(init=False, default=0.0)

    @classmethod
    def of(cls, x, y):
        made = cls(x)
        made.y = y
        return made


@dataclass
class Generic(typing.Generic[T]):
    x: float
    y: T


@attrs.define
class Attrs:
    x: float
    y: typing.Any


@attrs.frozen
class FrozenAttrs:
    x: float
    y: typing.Any


class Typed(typing.NamedTuple):
    x: float
    y: typing.Any


Pair = collections.namedtuple("Pair", "x y")


class Colour(enum.Enum):
    RED = 1


@dataclass
class Mixed:
    """A record with parts that get a gradient and parts that do not."""

    weight: np.ndarray
    rate: float
    size: int
    name: str
    limit: float = gx.static(default=2.5)
    count: int = gx.param(default=3)
    colour: Colour = Colour.RED


@gx.record
class Point:
    x: float
    y: float
    name: str = "p"


@gx.record
class Net:
    w: np.ndarray
    b: np.ndarray
    rate: float
    size: int = 2


@gx.record(frozen=True)
class Stack:
    first: Net
    rest: list
    table: dict


RECORDS = {
    "dataclass": Plain,
    "frozen dataclass": Frozen,
    "keyword-only dataclass": lambda x, y: KeywordOnly(x=x, y=y),
    "dataclass with slots": Slots,
    "inherited dataclass": Inherited,
    "dataclass with init=False": Uninitialised.of,
    "generic dataclass": Generic,
    "attrs": Attrs,
    "frozen attrs": FrozenAttrs,
    "typed named tuple": Typed,
    "named tuple": Pair,
}

# Numbers on a grid add without rounding, so that laws hold exactly.
grid = st.integers(-64, 64).map(lambda n: n / 8)


def arrays(dtype, shape):
    size = int(np.prod(shape))
    real = st.lists(grid, min_size=size, max_size=size).map(
        lambda items: np.array(items).reshape(shape).astype(dtype)
    )
    if np.dtype(dtype).kind != "c":
        return real
    return st.builds(lambda a, b: np.asarray(a + 1j * b, dtype), real, real)


LEAVES = {
    "float": grid,
    "complex": st.builds(complex, grid, grid),
    "int": st.integers(-9, 9),
    "np.float64": grid.map(np.float64),
    "np.float32": grid.map(np.float32),
    "np.complex64": st.builds(lambda a, b: np.complex64(complex(a, b)), grid, grid),
    "Fraction": st.fractions(-4, 4, max_denominator=9),
    "Decimal": st.integers(-99, 99).map(lambda n: Decimal(n) / 10),
    **{
        f"{np.dtype(dtype).name} array {shape}": arrays(dtype, shape)
        for dtype in (np.float64, np.float32, np.complex64, np.complex128)
        for shape in ((), (3,), (2, 3), (0, 2))
    },
}
CONTAINERS = {
    "tuple": st.tuples(grid, arrays(float, (2,))),
    "list": st.lists(grid, max_size=4),
    "dict": st.dictionaries(st.sampled_from("abcd"), grid),
    "OrderedDict": st.dictionaries(st.sampled_from("abcd"), grid).map(collections.OrderedDict),
    "defaultdict": st.dictionaries(st.sampled_from("abcd"), grid).map(
        lambda d: collections.defaultdict(float, d)
    ),
    "deque": st.lists(grid, max_size=4).map(collections.deque),
    "mapping proxy": st.dictionaries(st.sampled_from("abcd"), grid).map(types.MappingProxyType),
    "None": st.none(),
    "tuple with None": st.tuples(grid, st.none() | grid),
    "nested": st.tuples(
        st.builds(Plain, grid, st.lists(arrays(float, (2,)), max_size=3)),
        st.fixed_dictionaries({"k": st.builds(Pair, grid, grid)}),
    ),
    **{name: st.builds(make, grid, arrays(float, (2,))) for name, make in RECORDS.items()},
    "record with statics": st.builds(
        Mixed, arrays(float, (2,)), grid, st.just(4), st.just("net"), count=grid
    ),
    "record of @gx.record": st.builds(Net, arrays(float, (2, 2)), arrays(float, (2,)), grid),
}
VALUES = {**LEAVES, **CONTAINERS}


def fields_of(x):
    """The names and parts of any record."""
    if dataclasses.is_dataclass(x):
        return {f.name: getattr(x, f.name) for f in dataclasses.fields(x)}
    if attrs.has(type(x)):
        return {f.name: getattr(x, f.name) for f in attrs.fields(type(x))}
    return x._asdict()


def same(x, y):
    """Whether two values are of one type and exactly equal, arrays and dtypes included."""
    if type(x) is not type(y):
        return False
    if isinstance(x, np.ndarray):
        return x.dtype == y.dtype and np.array_equal(x, y)
    if isinstance(x, (dict, types.MappingProxyType)):
        return x.keys() == y.keys() and all(same(x[key], y[key]) for key in x)
    if dataclasses.is_dataclass(x) or attrs.has(type(x)) or hasattr(x, "_fields"):
        return same(fields_of(x), fields_of(y))
    if isinstance(x, collections.deque):
        return x.maxlen == y.maxlen and same(list(x), list(y))
    if isinstance(x, (list, tuple)):
        return len(x) == len(y) and all(map(same, x, y))
    return bool(x == y)


def rank(x):
    """A number like another: ints become floats, as in gradients."""
    if type(x) is int:
        return float(x)
    if type(x) is tuple or type(x) is list:
        return type(x)(map(rank, x))
    return x


__all__ = [
    "CONTAINERS",
    "LEAVES",
    "RECORDS",
    "VALUES",
    "Attrs",
    "Colour",
    "Fraction",
    "Frozen",
    "Mixed",
    "Net",
    "Pair",
    "Plain",
    "Point",
    "Slots",
    "Stack",
    "Typed",
    "rank",
    "same",
]
