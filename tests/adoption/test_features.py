"""What Python has in classes and functions, in adopted programs: the plain value, the gradient."""

import abc
import dataclasses
import functools
import math
import typing

import numpy as np
import pytest

import gradx as gx
from gradx.adoption.classes import is_adopted_class


def agrees(program, x=0.7):
    """The lifted value is the plain one to the bit, the gradient that of differences."""
    step = 1e-6
    plain = program(x)
    value, gradient = gx.value_and_grad(gx.adopt(program))(x)
    assert value == plain
    slope = (program(x + step) - program(x - step)) / (2 * step)
    assert gradient == pytest.approx(slope, rel=1e-5)


# --- Classes --------------------------------------------------------------------------------------

REGISTERED = []


class Shape(abc.ABC):
    def __init_subclass__(cls, **options):
        super().__init_subclass__(**options)
        REGISTERED.append(cls)

    @abc.abstractmethod
    def area(self): ...

    def twice(self):
        return 2 * self.area()


class Circle(Shape):
    def __init__(self, r):
        self.r = r

    def area(self):
        return math.pi * math.pow(self.r, 2)


class Ring(Circle):
    def __init__(self, r, hole):
        super().__init__(r)
        self.hole = hole

    def area(self):
        return super().area() - math.pi * math.pow(self.hole, 2)


def test_abstract_classes_and_what_is_told_of_subclasses():
    agrees(lambda x: Ring(x, 0.1).twice())
    assert [Circle, Ring] == REGISTERED
    with pytest.raises(TypeError, match="abstract"):
        gx.adopt(Shape)()


class Sine:
    def value(self):
        return math.sin(self.x)


class Left(Sine):
    def __init__(self, x):
        self.x = x

    def value(self):
        return 2 * super().value()


class Right(Sine):
    def value(self):
        return 3 * super().value()


class Diamond(Left, Right):
    def value(self):
        return 5 * super().value()


def test_super_goes_through_all_bases_in_their_order():
    agrees(lambda x: Diamond(x).value())
    order = [cls.__name__ for cls in gx.adopt(Diamond).__mro__]
    assert order == ["Diamond", "Left", "Right", "Sine", "object"]


class Decorated(Left):
    @gx.adopt
    def value(self):
        return super().value() * np.array([self.x])[0]


def test_one_adopted_method_of_a_class():
    agrees(lambda x: Decorated(x).value())
    assert gx.grad(lambda x: Decorated(x).value())(0.7) == gx.grad(
        gx.adopt(lambda x: Decorated(x).value())
    )(0.7)


class Hidden(Left):
    value = None


def test_what_hides_a_method_hides_its_copy():
    assert gx.adopt(Hidden).value is None


class Point(typing.NamedTuple):
    x: float
    y: float = 2.0

    def norm(self):
        return math.hypot(self.x, self.y)


@dataclasses.dataclass(slots=True, frozen=True)
class Frozen:
    a: float
    b: tuple = (1.0,)

    def value(self):
        return math.exp(self.a) + self.b[0]


class Slotted:
    __slots__ = ("buffer", "x")

    def __init__(self, x):
        self.x, self.buffer = x, np.zeros(2)
        self.buffer[0] = x

    def value(self):
        return self.buffer.sum() * math.sin(self.x)


class Totals(dict):
    def total(self):
        return math.fsum(self.values())


class Row(list):
    def array(self):
        return np.array(self)


def test_tuples_slots_and_subclasses_of_containers():
    agrees(lambda x: Point(x).norm() * Point(1.0, x)._replace(y=x).norm())
    agrees(lambda x: dataclasses.replace(Frozen(x), a=2 * x).value())
    agrees(lambda x: Slotted(x).value())
    agrees(lambda x: Totals(a=x, b=2 * x).total())
    agrees(lambda x: Row([x, x * x]).array().sum())


class Marking(type):
    def __call__(cls, *args):
        new = super().__call__(*args)
        new.mark = math.cos(0.0)
        return new


class Special(metaclass=Marking):
    def __init__(self, x):
        self.x = x

    def __matmul__(self, other):
        return self.x * other.x * self.mark * math.exp(self.x)

    def __getattr__(self, name):
        raise AttributeError(name)

    def __getitem__(self, i):
        return np.array([self.x, 1.0])[i]

    def __enter__(self):
        return self

    def __exit__(self, *error):
        return False

    def __iter__(self):
        yield math.sqrt(self.x)

    def __eq__(self, other):
        return self.x == other.x

    __hash__ = None


def test_special_methods_and_a_metaclass():
    def program(x):
        with Special(x) as s:
            return s @ s + s[0] + sum(s) + (s == s) + hasattr(s, "nothing")

    agrees(program)


class Descriptor:
    def __get__(self, owner, cls=None):
        return math.sin(owner.angle)

    def __set__(self, owner, value):
        owner.angle = value


class Described:
    value = Descriptor()

    def __init__(self, x):
        self.value = x

    @functools.cached_property
    def twice(self):
        return 2 * math.cos(self.angle)


def test_descriptors():
    agrees(lambda x: Described(x).value * Described(x).twice)


class Counting:
    def __init__(self):
        self.w, self.calls = 2.0, 0

    def __call__(self, x):
        self.calls += 1
        buffer = np.zeros(2)
        buffer[0] = x * self.w
        return buffer.sum()


COUNTING = Counting()


def test_an_instance_that_the_program_holds():
    before = COUNTING.calls
    agrees(lambda x: COUNTING(x) * math.exp(x))
    assert COUNTING.calls == before + 4
    assert not is_adopted_class(type(COUNTING))


def test_a_class_inside_of_a_function():
    def program(x):
        class Local:
            scale = math.exp(0.5)

            def value(self):
                return np.array([x])[0] * self.scale

        return Local().value()

    agrees(program)


# --- Functions ------------------------------------------------------------------------------------


async def later(x):
    return math.sin(x)


def partial_sums(x):
    sums = np.zeros(2)
    for i in range(2):
        sums[i] = x * (i + 1)
        yield sums.sum()


def times(n):
    def decorator(f):
        @functools.wraps(f)
        def wrapper(*args):
            return n * f(*args)

        return wrapper

    return decorator


@times(3.0)
@times(2.0)
def logarithm(x):
    return math.log(x)


def remembered(f):
    store = {}

    def wrapper(n):
        if n not in store:
            store[n] = f(n)
        return store[n]

    return wrapper


@remembered
def weights(n):
    return np.linspace(0, 1, n)


def test_coroutines_generators_and_decorators():
    def awaited(x):
        try:
            later(x).send(None)
        except StopIteration as result:
            return result.value

    agrees(awaited)
    agrees(lambda x: sum(partial_sums(x)))
    agrees(logarithm)
    agrees(lambda x: np.sum(weights(4) * x))


def test_builtins_that_call_functions():
    agrees(lambda x: functools.reduce(np.add, [x, 2 * x, np.array([1.0])])[0])
    agrees(lambda x: sum(map(math.exp, [x, 2 * x])))
    agrees(lambda x: max(np.array([x, 0.1])) + sorted([x, 3.0])[0] + min(x, 9.0))


class Counter:
    def __init__(self, x):
        self.total = np.zeros(2)
        self.x = x

    def add(self):
        self.total[0] += self.x
        return self


class Doubled(Counter):
    def add(self):
        super().add()
        self.total *= 2.0
        return self

    @functools.cached_property
    def parts(self):
        parts = np.zeros(2)
        parts[1] = self.total[0]
        return parts


def test_a_method_that_calls_super_returns_the_adopted_instance():
    agrees(lambda x: Doubled(x).add().add().parts.sum())


def test_rows_are_shuffled_as_numpy_does():
    def program(x):
        np.random.seed(3)
        rows = np.outer([x, 2.0, x * x], [1.0, x])
        np.random.shuffle(rows)
        numbers = np.arange(5.0) * x
        np.random.shuffle(numbers)
        rng, constant = np.random.default_rng(4), np.arange(12.0).reshape(4, 3)
        rng.shuffle(constant)
        rng.shuffle(rows)
        rng.shuffle(constant, axis=1)
        rows *= constant[:3, :2]
        return np.sum(rows.T @ [1.0, 2.0, 3.0]) + numbers @ np.arange(5.0)

    agrees(program)
