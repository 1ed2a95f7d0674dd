"""Classes of adopted programs: what is asked of them has the plain answer, in the plain order."""

import functools
import math
from typing import ClassVar

import numpy as np

import gradx as gx
from tests.adoption.test_features import agrees

LOG: list[str] = []


# --- super ----------------------------------------------------------------------------------------


class Root:
    factor = 1.0

    def __init__(self, **named):
        super().__init__(**named)
        LOG.append("Root")

    def value(self, x):
        return math.sin(x)

    def rest(self, x):
        try:
            return super().rest(x)
        except AttributeError:
            return math.cos(x)

    @staticmethod
    def cube(x):
        return math.pow(x, 3)


class Left(Root):
    factor = 2.0

    def __init__(self, left, **named):
        super().__init__(**named)
        self.left = left
        LOG.append("Left")


class Right(Root):
    factor = 3.0

    def __init__(self, right, **named):
        super().__init__(**named)
        self.right = right
        LOG.append("Right")

    @staticmethod
    def cube(x):
        return super(Right, Right).cube(x) / 2


class Both(Left, Right):
    factor = 5.0

    def value(self, x):
        return super().value(x) * super().factor + super(Left, self).factor * x + __class__.factor


def test_a_constructor_that_goes_on_to_object_is_run_once():
    LOG.clear()
    agrees(lambda x: Both(left=x, right=2.0).left * math.sin(x))
    plain = ["Root", "Right", "Left"]
    assert plain * (len(LOG) // 3) == LOG
    LOG.clear()
    gx.grad(gx.adopt(lambda x: Both(left=x, right=2.0).left * math.sin(x)))(0.5)
    assert plain == LOG


def test_super_finds_data_of_the_class_that_comes_next():
    agrees(lambda x: Both(left=1.0, right=2.0).value(x))


def test_super_finds_nothing_after_the_last_class():
    agrees(lambda x: Both(left=1.0, right=2.0).rest(x))


def test_super_with_arguments_in_a_static_method():
    agrees(lambda x: Right(2.0).cube(x) * Right.cube(x))


# --- What is asked of a class ---------------------------------------------------------------------


class Options:
    rate, scale = 2.0, 3.0

    def total(self, x):
        return math.sin(x) * sum(
            v for k, v in vars(Options).items() if not callable(v) and k[0] != "_"
        )


class Pair:
    __slots__ = ("a", "b")

    def __init__(self, a):
        self.a, self.b = a, 2 * a

    def total(self):
        return sum(math.sin(getattr(self, name)) for name in self.__slots__)


class Triple(Pair):
    __slots__ = ("c",)

    def __init__(self, a):
        super().__init__(a)
        self.c = 3 * a

    def total(self):
        names = [name for cls in Triple.__mro__ for name in getattr(cls, "__slots__", ())]
        assert names == ["c", "a", "b"]
        return super().total() + sum(math.cos(getattr(self, name)) for name in names)


def test_vars_of_a_class():
    agrees(lambda x: Options().total(x))


def test_slots_of_a_class():
    agrees(lambda x: Pair(x).total() * Triple(x).total())


def questions(x):
    assert Both.__mro__ == (Both, Left, Right, Root, object)
    assert Both.__bases__ == (Left, Right)
    assert Both.__base__ is Left
    assert Root.__subclasses__()[:2] == [Left, Right]
    assert "factor" in vars(Both) and "cube" not in vars(Both)
    return math.sin(x) * len(Both.__mro__)


def test_the_bases_of_a_class():
    agrees(questions)


class Shape:
    def area(self, x):
        return x * x


class Round(Shape):
    def area(self, x):
        return math.pi * math.pow(x, 2)


class Flat(Shape):
    def area(self, x):
        y = np.zeros(2)
        y[0] = x
        return y.sum()


def test_subclasses_that_are_reached_by_their_base_alone():
    def total(x):
        return sum(cls().area(x) for cls in Shape.__subclasses__())

    plain = total(0.5)
    assert gx.backprop(gx.adopt(total), 0.5) == (plain, math.pi + 1.0)


# --- Registries -----------------------------------------------------------------------------------


class Plugin:
    kinds: ClassVar[dict] = {}
    order: ClassVar[list] = []

    def __init_subclass__(cls, **options):
        super().__init_subclass__(**options)
        Plugin.kinds[cls.__name__] = cls
        Plugin.order.append(cls)


class Wave(Plugin):
    def value(self, x):
        return math.sin(x)


def by_plugin(x):
    wave = Wave()
    assert Plugin.kinds["Wave"] is Wave and Plugin.order[0] is Wave
    return wave.value(x)


def test_a_registry_in_a_base_that_its_subclass_leads_to():
    assert gx.grad(gx.adopt(by_plugin))(0.5) == math.cos(0.5)


def local_plugin(x):
    class Local(Wave):
        def value(self, x):
            return super().value(x) * len(Plugin.order)

    new = Local()
    assert Plugin.order.pop() is Local
    assert Plugin.kinds.pop("Local") is Local
    return new.value(x)


def test_a_base_is_told_of_a_class_that_is_made_in_adopted_code():
    agrees(local_plugin)
    assert Plugin.order == [Wave]


TABLE: dict = {}


class Keyed:
    table = TABLE

    def value(self, x):
        return math.sin(x) * self.table["count"]


TABLE[Keyed] = 1.0


def counted(x):
    TABLE["count"] = TABLE.get("count", 0.0) + TABLE[Keyed]
    assert Keyed.table is TABLE
    return Keyed().value(x)


def test_a_table_by_a_class_that_holds_the_table():
    f = gx.adopt(counted)
    assert gx.backprop(f, 0.5)[0] == math.sin(0.5)
    assert counted(0.5) == 2 * math.sin(0.5)
    assert gx.backprop(f, 0.5)[0] == 3 * math.sin(0.5)


class Dispatched:
    @functools.singledispatchmethod
    def scaled(self, factor, x):
        return math.sin(x)

    @scaled.register
    def _(self, factor: int, x):
        y = np.zeros(1)
        y[0] = x * factor
        return y[0]


def test_a_method_that_is_dispatched_by_the_type_of_its_argument():
    agrees(lambda x: Dispatched().scaled(2, x) * Dispatched().scaled("two", x))
