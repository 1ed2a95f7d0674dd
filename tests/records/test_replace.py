"""Records with some of their fields changed: gx.replace, and what is set on a plain record."""

from dataclasses import InitVar, dataclass, field

import attrs
import numpy as np
import pytest

import gradx as gx
from tests.core.samples import RECORDS, Mixed, Pair, Plain, same

WITHOUT_INIT = "dataclass with init=False"


def test_a_field_without_init_cannot_be_replaced():
    with pytest.raises((ValueError, TypeError), match="init=False"):
        gx.replace(RECORDS[WITHOUT_INIT](2.0, 3.0), y=1.0)


@pytest.mark.parametrize("kind", [kind for kind in RECORDS if kind != WITHOUT_INIT])
def test_replace_works_on_every_record_plain_and_variable(kind):
    record = RECORDS[kind](2.0, 3.0)
    assert same(gx.replace(record, x=5.0), RECORDS[kind](5.0, 3.0))
    assert same(gx.replace(record), record)

    def f(r):
        new = gx.replace(r, x=r.y * r.y)
        return new.x * new.y * 10

    assert same(gx.backprop(f, record), (270.0, RECORDS[kind](0.0, 270.0)))


def test_replaced_by_a_variable_in_a_plain_record():
    def f(x):
        return gx.replace(Plain(1.0, 2.0), y=x * x)

    assert same(gx.backprop(f, 3.0), (Plain(1.0, 9.0), 6.0))


def test_replaced_static_parts():
    m = Mixed(np.ones(2), 0.5, 3, "net")
    y, g = gx.backprop(lambda m: gx.replace(m, name="other", size=4, rate=m.rate * 2), m)
    assert (y.name, y.size, y.rate) == ("other", 4, 1.0)
    assert (g.name, g.size, g.rate) == ("net", 3, 2.0)


def test_replaced_parts_of_a_registered_type():
    class Interval:
        def __init__(self, low, high):
            self.low, self.high = low, high

    gx.register(Interval, children=("low", "high"))
    g = gx.grad(lambda i: gx.replace(i, low=i.high**2).low)(Interval(1.0, 3.0))
    assert (g.low, g.high) == (0.0, 6.0)
    assert gx.replace(Interval(1.0, 3.0), high=5.0).high == 5.0


@dataclass
class Derived:
    """A record with a field that its __post_init__ computes."""

    x: float
    double: float = field(init=False)

    def __post_init__(self):
        self.double = 2 * self.x


def test_a_derived_field_is_computed_again_plain_or_not():
    assert gx.replace(Derived(1.0), x=5.0).double == 10.0
    y, g = gx.backprop(lambda r: gx.replace(r, x=r.x * r.x).double, Derived(3.0))
    assert (y, g.x) == (18.0, 12.0)


@attrs.define
class Positive:
    """A record of attrs with a check, a private name, and a field that is computed."""

    x: float = attrs.field(validator=attrs.validators.gt(0))
    _by: float = 2.0
    double: float = attrs.field(init=False)

    def __attrs_post_init__(self):
        self.double = self._by * self.x


def test_attrs_classes_are_made_by_their_own_init():
    assert gx.replace(Positive(1.0), x=5.0).double == gx.replace(Positive(2.0), _by=5.0).double
    assert gx.set(gx.lens(Positive).x, 5.0, Positive(1.0)).double == 10.0
    y, g = gx.backprop(lambda r: gx.replace(r, x=r.x * r._by).double, Positive(3.0))
    assert (y, g.x, g._by, g.double) == (12.0, 4.0, 12.0, 0.0)
    for call in (
        lambda r: gx.replace(r, x=-r.x),
        lambda r: gx.grad_bp(lambda v: gx.replace(v, x=-v.x), r),
        lambda r: gx.set(gx.lens(Positive).x, -1.0, r),
    ):
        with pytest.raises(ValueError, match=r"'x' must be > 0"):
            call(Positive(1.0))
    with pytest.raises(ValueError, match=r"'double' of a Positive is declared with init=False"):
        gx.replace(Positive(1.0), double=3.0)
    assert gx.set(gx.lens(Positive).double, 3.0, Positive(1.0)).double == 3.0


@attrs.define
class OwnInit:
    """A record of attrs that is made in its own way."""

    x: float
    y: float

    def __init__(self, both):
        self.x = self.y = both


def test_an_attrs_class_with_an_init_of_its_own_has_its_fields_put_in():
    for changed in (gx.replace(OwnInit(1.0), x=2.0), gx.set(gx.lens(OwnInit).x, 2.0, OwnInit(1.0))):
        assert (changed.x, changed.y) == (2.0, 1.0)


@dataclass
class Scaled:
    """A record that is made with something it does not keep."""

    x: float
    by: InitVar[float]
    y: float = field(init=False)

    def __post_init__(self, by):
        self.y = by * self.x


def test_what_only_init_takes_can_be_given():
    assert gx.replace(Scaled(1.0, by=2.0), x=5.0, by=3.0).y == 15.0
    y, g = gx.backprop(lambda r: gx.replace(r, x=r.x * r.y, by=3.0).y, Scaled(2.0, by=5.0))
    assert (y, g.x, g.y) == (60.0, 30.0, 6.0)


@pytest.mark.parametrize(
    ("record", "text"),
    [
        (Plain(1.0, 2.0), r"a Plain has no field 'z'; it has x, y"),
        (Pair(1.0, 2.0), r"a Pair has no field 'z'; it has x, y"),
        ({"z": 1.0}, r"a dict has no field 'z'; replace is for records: write \{\*\*d, key: x\}"),
        (1.0, r"a float has no field 'z'; replace is for records"),
    ],
    ids=repr,
)
def test_a_field_that_does_not_exist(record, text):
    for call in (
        lambda: gx.replace(record, z=1.0),
        lambda: gx.grad_bp(lambda r: gx.replace(r, z=1.0), record),
    ):
        with pytest.raises(gx.StructureError, match=text):
            call()
