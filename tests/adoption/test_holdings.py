"""What functions and classes hold is adopted in every call that reaches them, and in no other."""

import enum
import functools
import itertools
import math
import threading
from typing import ClassVar

import numpy as np
import pytest

import gradx as gx
from gradx.adoption.places import is_held
from tests.adoption import programs
from tests.adoption import test_holdings as itself


class Part:
    """What does not run on variables unless it is adopted."""

    def __init__(self, scale):
        self.scale = scale

    def value(self, x):
        both = np.zeros(2)
        both[0], both[1] = self.scale * x, math.sin(x)
        return both.sum()


def parts():
    return [Part(1.0), {"second": Part(2.0)}, (Part(3.0), math.exp)]


def used(these, x):
    first, second, third = these
    return first.value(x) + second["second"].value(x) * third[0].value(x) + third[1](x)


def by_default(x, these=parts()):  # noqa: B008
    return used(these, x)


def by_name(x, *, these=parts()):  # noqa: B008
    return used(these, x)


def caught(these):
    def closure(x):
        return used(these, x)

    return closure


class Base:
    these = parts()
    pair = (Part(1.5), parts())
    table: ClassVar[dict] = {Part: parts(), "cosine": math.cos}

    class Inner:
        these = parts()

    def __init__(self, these=parts()):  # noqa: B008
        self.own = these

    def method(self, x):
        return used(self.these, x) + used(self.own, x)

    @staticmethod
    def static(x, these=parts()):  # noqa: B008
        return used(these, x)

    @classmethod
    def of_class(cls, x):
        return used(cls.these, x)

    @functools.cached_property
    def first(self):
        return self.these[0]


class Derived(Base):
    def method(self, x):
        return super().method(x) * 2.0


class Registered:
    known: ClassVar[dict] = {}

    def __init_subclass__(cls):
        Registered.known[cls.__name__] = cls


class Named(Registered):
    these = parts()


class Meta(type):
    these = parts()

    def of_meta(cls, x):
        return used(cls.these, x)


class WithMeta(metaclass=Meta):
    pass


class Kind(enum.Enum):
    ONE = 1

    def value_of(self, x, these=parts()):  # noqa: B008
        return used(these, x)


def adds(these):
    def decorate(f):
        @functools.wraps(f)
        def wrapper(x):
            return f(x) + used(these, x)

        return wrapper

    return decorate


@adds(parts())
def decorated(x):
    return x


def with_attribute(x):
    return used(with_attribute.these, x)


with_attribute.these = parts()


@functools.singledispatch
def dispatched(_, x, these=parts()):  # noqa: B008
    return used(these, x)


@dispatched.register
def _(_: Part, x, these=parts()):  # noqa: B008
    return used(these, x) * 3.0


@functools.cache
def cached(i, these=tuple(parts())):  # noqa: B008
    return these[i]


@functools.cache
def made(scale):
    return Part(scale), lambda x: math.sin(x) * scale


def yielding(these=parts()):  # noqa: B008
    yield from these


DERIVED, CLOSURE = Derived(), caught(parts())
METHOD, PARTIAL = DERIVED.method, functools.partial(used, parts())
TABLE, PAIR = {"default": by_default, "class": Base}, (CLOSURE, Derived)
ADOPTED = {"programs": gx.adopt(programs)}

PROGRAMS = {
    "default": lambda x: by_default(x) + by_name(x),
    "cell": lambda x: CLOSURE(x),
    "class": lambda x: used(Base.these, x),
    "tuple of a class": lambda x: Base.pair[0].value(x) + used(Base.pair[1], x),
    "table of a class": lambda x: used(Base.table[Part], x) * Base.table["cosine"](x),
    "inner class": lambda x: used(Base.Inner.these, x),
    "methods": lambda x: Base().method(x) + Base.static(x) + Derived.of_class(x),
    "derived class": lambda x: Derived().method(x) + used(Derived.these, x),
    "cached property": lambda x: Derived().first.value(x),
    "type of an object": lambda x: used(type(DERIVED).these, x),
    "bases": lambda x: used(Derived.__mro__[1].these, x) + used(Derived.__bases__[0].these, x),
    "subclasses": lambda x: used(Registered.__subclasses__()[0].these, x),
    "registry": lambda x: used(Registered.known["Named"].these, x),
    "metaclass": lambda x: WithMeta.of_meta(x),
    "enum": lambda x: Kind.ONE.value_of(x),
    "globals()": lambda x: used(globals()["Base"].these, x),
    "vars": lambda x: used(vars(Base)["these"], x),
    "module": lambda x: used(itself.Base.these, x) + itself.by_default(x),
    "class in a default": lambda x, cls=Base: used(cls.these, x),
    "method of an object": lambda x: METHOD(x),
    "partial": lambda x: PARTIAL(x),
    "decorator": lambda x: decorated(x),
    "attribute of a function": lambda x: with_attribute(x),
    "singledispatch": lambda x: dispatched(1, x) + dispatched(Part(1.0), x),
    "cache": lambda x: cached(0).value(x) + made(2.0)[0].value(x) * made(2.0)[1](x),
    "generator": lambda x: next(yielding()).value(x),
    "table of code": lambda x: TABLE["default"](x) + used(TABLE["class"].these, x),
    "tuple of code": lambda x: PAIR[0](x) + used(PAIR[1].these, x),
    "builtin": lambda x: max(map(Base.static, [x, 0.1])),
}


@pytest.fixture(scope="module")
def adopted():
    """All that is adopted of a package shares one copy while one of them lives."""
    return {name: gx.adopt(program) for name, program in PROGRAMS.items()}


def agrees(adopted, name):
    program = PROGRAMS[name]
    plain = program(0.4)
    value, gradient = gx.value_and_grad(adopted[name])(0.4)
    assert value == plain
    slope = (program(0.4 + 1e-6) - program(0.4 - 1e-6)) / 2e-6
    assert gradient == pytest.approx(slope, rel=1e-5)


@pytest.mark.parametrize("name", PROGRAMS)
def test_what_code_holds_is_adopted_in_every_call(adopted, name):
    for other in (name, "class", name, "methods", name):
        agrees(adopted, other)
    for these in (Base.these, Named.these, with_attribute.these, by_default.__defaults__[0]):
        assert (type(these[0]), type(these[1]["second"])) == (Part, Part)


def test_in_any_order(adopted):
    for first, second in itertools.permutations(list(PROGRAMS)[::3], 2):
        agrees(adopted, first)
        agrees(adopted, second)


def looks(x):
    assert LOOK(Base.these)  # of a class that it reaches
    return x * 2.0, LOOK.default()


class Look:
    """An instance of another package, to which adopted code gives nothing."""

    __module__ = "elsewhere"

    def __call__(self, these):
        return is_held(these[0])

    def default(self):
        return is_held(by_default.__defaults__[0][0])


LOOK = Look()


def test_what_other_functions_hold_is_left_alone(adopted):
    for name in PROGRAMS:
        agrees(adopted, name)
    look = gx.adopt(looks)
    for _ in range(2):
        assert gx.value_and_grad(look, has_aux=True)(0.5) == ((1.0, False), 2.0)


def by_adopted_module(x):
    return ADOPTED["programs"].cholesky(x).sum()


def test_an_adopted_module_that_the_program_holds_stays_one():
    view, x = ADOPTED["programs"], np.array([[1.0, 0.2], [0.3, 2.0]])
    for _ in range(2):
        assert gx.value_and_grad(gx.adopt(by_adopted_module))(x)[0] == programs.cholesky(x).sum()
        assert ADOPTED["programs"] is view


def large(count):
    """A class with many methods, of which the last one needs to be adopted."""
    names = {f"method{i}": lambda self, x: x for i in range(count)}
    names["last"] = Part.value
    return type("Large", (Part,), {**names, "__module__": __name__})


def test_no_thread_sees_half_of_a_class():
    for _ in range(5):
        cls, failed, together = large(200), [], threading.Barrier(4)

        def program(x, cls=cls):
            return cls(2.0).last(x)

        adopted = gx.adopt(program)

        def runs(adopted=adopted, together=together, failed=failed):
            together.wait()
            try:
                gx.grad(adopted)(0.5)
            except gx.GradxError as error:
                failed.append(error)

        threads = [threading.Thread(target=runs) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert failed == []
