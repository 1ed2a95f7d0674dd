"""A variable inside any kind of value gives its gradient, or an error that names where it is.

Each kind of value that can hold a variable is returned, returned inside a list, given to an op, and
put into a static field. The gradient is right or the error says what holds the variable; never is
the variable taken for a constant in silence.
"""

import collections
import functools
import types
from dataclasses import dataclass
from typing import Any

import attrs
import numpy as np
import pytest

import gradx as gx

Point = collections.namedtuple("Point", "x y")


@dataclass
class Record:
    x: Any
    name: str = "record"


@dataclass(frozen=True, slots=True)
class Frozen:
    x: Any


@attrs.define
class Attrs:
    x: Any


@gx.record
class Arithmetic:
    x: Any


@dataclass
class Holder:
    """A record with a static field."""

    x: Any
    config: Any = gx.static(default=None)  # noqa: RUF009


class Plain:
    """A class that is registered in several ways, or not."""

    def __init__(self, x):
        self.x = x


class WithParts(Plain):
    pass


class Opaque(Plain):
    pass


class Static(Plain):
    pass


class Unregistered(Plain):
    pass


@pytest.fixture(autouse=True)
def registered():
    gx.register(WithParts, children=("x",))
    gx.register(
        Opaque,
        zero=lambda m: Opaque(0.0),
        add=lambda a, b: Opaque(a.x + b.x),
        one=lambda m: Opaque(1.0),
    )
    gx.register_static(Static)


# kind: (a value around a variable, the variable taken out again)
CARRYING = {
    "tuple": (lambda v: (v, 1.0), lambda c: c[0]),
    "list": (lambda v: [1.0, v], lambda c: c[1]),
    "dict": (lambda v: {"k": v}, lambda c: c["k"]),
    "OrderedDict": (lambda v: collections.OrderedDict(k=v), lambda c: c["k"]),
    "defaultdict": (lambda v: collections.defaultdict(float, k=v), lambda c: c["k"]),
    "mapping proxy": (lambda v: types.MappingProxyType({"k": v}), lambda c: c["k"]),
    "deque": (lambda v: collections.deque([v, 1.0]), lambda c: c[0]),
    "named tuple": (lambda v: Point(1.0, v), lambda c: c.y),
    "dataclass": (Record, lambda c: c.x),
    "frozen dataclass with slots": (Frozen, lambda c: c.x),
    "attrs class": (Attrs, lambda c: c.x),
    "gx.record": (Arithmetic, lambda c: c.x),
    "registered class with children": (WithParts, lambda c: c.x),
    "nested": (lambda v: {"k": [Record((v, None))]}, lambda c: c["k"][0].x[0]),
}
# kind: (a value around a variable, what the error names)
HIDING = {
    "opaque class": (Opaque, "Opaque"),
    "static class": (Static, "Static"),
    "unregistered class": (Unregistered, "Unregistered"),
    "set": (lambda v: {Key(v)}, "set"),
    "partial": (lambda v: functools.partial(np.multiply, v), "partial"),
    "generator": (lambda v: (part for part in [v]), "generator"),
    "static field": (lambda v: Holder(1.0, v), "'config' of a Holder"),
    "record in a static field": (lambda v: Holder(1.0, Record(v)), "'config' of a Holder"),
    "list in a static field": (lambda v: Holder(1.0, [v]), "'config' of a Holder"),
}
hiding = pytest.mark.parametrize(
    ("make", "named"), [pytest.param(*row, id=kind) for kind, row in HIDING.items()]
)


class Key:
    """Hashable, unlike a variable."""

    def __init__(self, x):
        self.x = x


@pytest.mark.parametrize("kind", CARRYING)
def test_what_carries_a_variable_has_its_gradient(kind):
    make, take = CARRYING[kind]
    y, g = gx.backprop(lambda x: make(x * x), 3.0)
    assert take(y) == 9.0 and type(take(y)) is float
    assert g == 6.0
    y, g = gx.backprop(lambda x: [make(x * x), 1.0], 3.0)
    assert take(y[0]) == 9.0
    assert g == 6.0
    y, g = gx.backprop(lambda x: take(make(x * x)) * x, 3.0)
    assert (y, g) == (27.0, 27.0)


@pytest.mark.parametrize("kind", CARRYING)
def test_what_carries_a_variable_can_be_given_to_an_op(kind):
    make, take = CARRYING[kind]
    op = gx.lift(lambda c: (take(c) * 2.0, lambda g: zeroed(make(g * 2.0), c)))

    def zeroed(cotangent, c):
        return gx.add(gx.zero(c), gx.add(cotangent, gx.zero(c)))

    y, g = gx.backprop(lambda x: op(make(x * x)), 3.0)
    assert y == 18.0 and type(y) is float
    assert g == 12.0


@hiding
def test_what_hides_a_variable_is_refused_as_a_result(make, named):
    with pytest.raises(gx.GradxError, match=named):
        gx.backprop(lambda x: make(x * x), 3.0)


@hiding
def test_what_hides_a_variable_is_refused_inside_a_result(make, named):
    with pytest.raises(gx.GradxError, match=named):
        gx.backprop(lambda x: [1.0, {"k": make(x * x)}], 3.0)


@hiding
def test_what_hides_a_variable_is_refused_as_an_operand(make, named):
    op = gx.lift(lambda c, x: (x * 2.0, lambda g: (gx.zero(c), g * 2.0)))
    with pytest.raises(gx.GradxError, match=named):
        gx.backprop(lambda x: op(make(x * x), x), 3.0)


@pytest.mark.parametrize("make", [lambda v: lambda x: x * v, lambda v: lambda x, v=v: x * v])
def test_a_function_that_holds_a_variable_cannot_be_used_after_the_run(make):
    y, _ = gx.backprop(lambda x: make(x * x), 3.0)
    with pytest.raises(gx.EscapedVarError):
        y(2.0)


@pytest.mark.parametrize(
    "call",
    [lambda x, m: (x * m).sum(), lambda x, m: np.sum(np.maximum(x, m)), lambda x, m: x @ (x - m)],
    ids=["product", "maximum", "difference"],
)
def test_a_masked_array_beside_a_variable_is_refused(call):
    masked = np.ma.masked_array([1.0, 2.0, 3.0], [False, True, False])
    with pytest.raises(gx.NotDifferentiableError, match=r"masked array.*array\.data"):
        gx.grad_bp(lambda x: call(x, masked), np.array([1.0, 2.0, 3.0]))
