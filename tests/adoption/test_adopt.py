"""`gx.adopt`: programs that import NumPy and math as everybody does, differentiated as they are."""

import functools
import math
import sys
import textwrap
from dataclasses import dataclass, field
from enum import Enum
from typing import Protocol, final

import numpy as np
import pytest
from numpy import array, linalg
from numpy import sum as total

import gradx as gx

STEP = 1e-6


def slope(f, x):
    return (f(x + STEP) - f(x - STEP)) / (2 * STEP)


def agrees(program, x=0.7):
    """The lifted value is the plain one to the bit, the gradient that of differences."""
    plain = program(x)
    value, gradient = gx.value_and_grad(gx.adopt(program))(x)
    assert value == plain
    assert gradient == pytest.approx(slope(program, x), rel=1e-5)
    return gradient


# --- Functions ------------------------------------------------------------------------------------

RATE = 2.0
COUNT = 0


def wave(x):
    return math.sin(RATE * x) * math.exp(-x)


def pair(x):
    return np.array([x, wave(x)])


def test_a_function_with_its_helpers():
    agrees(wave)
    agrees(lambda x: np.sum(pair(x) * pair(x)))


def test_names_that_were_imported_from_numpy_and_math():
    agrees(lambda x: total(array([x, 2 * x])) + linalg.norm([x, 1.0]))


def test_imports_inside_of_a_function():
    def program(x):
        import math as m

        import numpy
        from numpy import array as arr

        return numpy.sum(arr([m.cos(x), x])) + m.log(x)

    agrees(program)


def test_nested_functions_closures_defaults_and_generators():
    scale = 3.0

    def curve(t):
        return math.sqrt(t) * scale

    def program(x, g=wave, *, h=curve):
        def terms():
            for k in range(3):
                yield math.pow(x, k)

        inner = lambda t: g(t) + h(t)  # noqa: E731
        return np.sum(np.array(list(terms()))) + inner(x)

    agrees(program)


def test_recursion_through_a_closure():
    def outer():
        def power(x, n):
            return math.exp(0.0) if n == 0 else x * power(x, n - 1) + math.sin(x)

        return power

    agrees(functools.partial(outer(), n=3))


def test_a_function_that_was_wrapped():
    def doubled(f):
        @functools.wraps(f)
        def wrapper(x):
            return 2 * f(x)

        return wrapper

    agrees(doubled(wave))


def test_a_table_of_functions():
    table = {"wave": wave, "square": lambda x: x * x}

    agrees(lambda x: sum(f(x) for f in table.values()))


@gx.adopt
def decorated(x, depth=2):
    return math.sin(x) if depth == 0 else decorated(x, depth - 1) * x


def test_as_a_decorator():
    assert decorated(0.5) == math.sin(0.5) * 0.25
    assert gx.grad(decorated)(0.5) == pytest.approx(slope(decorated, 0.5))
    assert decorated.__name__ == "decorated"


def test_without_a_variable_it_is_the_original():
    calls = []

    def program(x):
        calls.append(sys._getframe().f_code is program.__code__ and type(np) is type(sys))
        return x

    def caught(x):
        return gx.adopt(lambda: np.array([x]))()

    gx.adopt(program)(1.0)
    assert calls == [True]
    assert type(gx.adopt(pair)(1.0)) is np.ndarray
    assert gx.grad_bp(caught, 2.0) == 1.0


def counted(x):
    global COUNT
    COUNT += 1
    return COUNT * x


def test_globals_are_read_live_and_assigned_in_the_copy(monkeypatch):
    adopted = gx.adopt(wave)
    gx.grad(adopted)(0.7)
    monkeypatch.setitem(globals(), "RATE", 5.0)
    assert gx.value_and_grad(adopted)(0.7)[0] == wave(0.7)
    adopted = gx.adopt(counted)
    assert [gx.grad(adopted)(1.0) for _ in range(3)] == [1.0, 2.0, 3.0]
    assert COUNT == 0


# --- Classes --------------------------------------------------------------------------------------


class Base:
    gain = 1.5

    def __init__(self, w):
        self.w = w

    def forward(self, x):
        return math.tanh(self.w * x)

    @property
    def size(self):
        return np.array([self.w, 1.0]).sum()

    @staticmethod
    def shift(x):
        return math.cos(x)

    @classmethod
    def unit(cls):
        return cls(1.0)


class Layer(Base):
    def forward(self, x):
        return super().forward(x) * self.gain + super().forward(x) * self.shift(x)

    def __call__(self, x):
        return self.forward(x) + self.size


def test_a_class_made_and_used_inside_of_a_function():
    def program(x):
        layer = Layer(x)
        assert type(layer) is Layer and isinstance(layer, Base)
        assert isinstance(Layer.unit(), Layer)
        return layer(x) * Layer.unit()(x)

    agrees(program)


def test_a_class_is_adopted_as_a_subclass():
    adopted = gx.adopt(Layer)
    layer = adopted(2.0)
    assert isinstance(layer, Layer) and isinstance(Layer(1.0), adopted)
    assert issubclass(adopted, Layer) and issubclass(Layer, adopted)
    assert not isinstance(Base(1.0), adopted)
    assert layer(0.5) == Layer(2.0)(0.5)
    assert gx.grad(layer)(0.5) == pytest.approx(slope(layer, 0.5))
    assert adopted.__name__ == "Layer" and adopted.gain == 1.5
    assert "forward" in vars(Layer) and Layer.forward is not adopted.forward


@dataclass(frozen=True)
class Point:
    x: float
    y: float

    def norm(self):
        return math.hypot(self.x, self.y)


@dataclass
class Path:
    points: list[Point]
    label: str = "path"
    weights: dict[str, float] = field(default_factory=lambda: {"a": math.exp(0.0)})

    def length(self):
        return math.fsum(p.norm() for p in self.points) * self.weights["a"]

    def moved(self, by):
        return Path([Point(p.x + by, p.y) for p in self.points], weights=self.weights)


def norm_of(path):
    assert type(path) is Path and all(type(p) is Point for p in path.points)
    return path.length() + path.moved(1.0).length()


def test_records_go_in_as_instances_and_gradients_come_out_as_the_programs_own():
    path = Path([Point(3.0, 4.0), Point(0.6, 0.8)])
    gradient = gx.grad(gx.adopt(norm_of))(path)
    assert type(gradient) is Path and type(gradient.points[0]) is Point
    assert gradient.points[0].x == pytest.approx(0.6 + 4 / math.hypot(4, 4))
    assert gradient.label == "path"
    moved, pull = gx.backprop_with(gx.adopt(lambda p: p.moved(2.0)), path)
    assert type(moved) is Path and type(moved.points[1]) is Point
    assert pull(moved).points[0] == Point(5.0, 4.0)


def test_a_constant_record_has_adopted_methods():
    layer = Layer(1.5)

    def program(x, layer):
        return layer(x)

    assert gx.grad(gx.adopt(program))(0.5, layer) == pytest.approx(slope(layer, 0.5))
    assert gx.grad(gx.adopt(layer.forward))(0.5) == pytest.approx(slope(layer.forward, 0.5))
    assert gx.grad(gx.adopt(layer))(0.5) == pytest.approx(slope(layer, 0.5))
    assert type(layer) is Layer


# --- Modules and packages -------------------------------------------------------------------------

UTIL = """
import numpy as np
from math import sqrt

def norm(x):
    return sqrt(x * x + 1.0)

class Table:
    def __init__(self, x):
        self.x = x

    def row(self):
        return np.array([self.x, norm(self.x)])
"""
MAIN = """
import numpy as np
from . import util
from .util import Table

RATE = 2.0

def loss(x):
    from .util import norm
    return np.sum(Table(x).row()) * RATE + norm(x) * util.norm(2 * x)
"""


@pytest.fixture
def package(tmp_path, monkeypatch):
    home = tmp_path / "wave_package"
    home.mkdir()
    (home / "__init__.py").write_text("")
    (home / "util.py").write_text(textwrap.dedent(UTIL))
    (home / "main.py").write_text(textwrap.dedent(MAIN))
    monkeypatch.syspath_prepend(tmp_path)
    yield "wave_package"
    for name in [name for name in sys.modules if name.startswith("wave_package")]:
        del sys.modules[name]


def test_a_package_of_two_modules(package):
    adopted = gx.adopt(f"{package}.main")
    import wave_package.main as original

    assert gx.grad(adopted.loss)(0.7) == pytest.approx(slope(original.loss, 0.7))
    assert adopted.loss(0.7) == original.loss(0.7)
    assert gx.grad(adopted.util.norm)(1.0) == pytest.approx(slope(original.util.norm, 1.0))
    assert adopted.RATE == 2.0 and adopted.np.pi == np.pi
    by_name = gx.adopt(f"{package}.main:loss")
    assert gx.grad(by_name)(0.7) == gx.grad(adopted.loss)(0.7)


def test_nothing_else_is_touched(package):
    import wave_package.main as original

    modules = [np, np.linalg, np.fft, np.lib, math, original, original.util]
    before = [dict(vars(module)) for module in modules]
    methods = dict(vars(original.Table))
    known = dict(sys.modules)
    gx.grad(gx.adopt(package).main.loss)(0.7) if hasattr(original, "x") else None
    gx.grad(gx.adopt(original).loss)(0.7)
    assert [dict(vars(module)) for module in modules] == before
    after = {name: part for name, part in vars(original.Table).items() if name != "__gradx__"}
    assert after == {name: part for name, part in methods.items() if name != "__gradx__"}
    assert {name: sys.modules[name] for name in known} == known
    with pytest.raises(TypeError):
        gx.grad(original.loss)(0.7)


# --- Refusals -------------------------------------------------------------------------------------


@functools.lru_cache
def cached(x):
    return math.sin(x)


class Color(Enum):
    RED = 1


@final
class Closed:
    def f(self, x):
        return math.sin(x)


class Opaque:
    __slots__ = ("f",)

    def __call__(self, x):
        return self.f(x)


class Meta(type):
    pass


class Closing(type):
    def __new__(cls, name, bases, namespace):
        if bases:
            raise TypeError("no subclasses")
        return super().__new__(cls, name, bases, namespace)


class Alone(metaclass=Closing):
    def f(self, x):
        return math.sin(x)


class Able(Protocol):
    def f(self, x): ...


REFUSED = {
    "the class Meta cannot be adopted, since it is a metaclass": [Meta],
    "the class Able cannot be adopted, since it is a protocol": [Able],
    "the class Alone cannot be adopted, since it lets nobody subclass it": [Alone],
    "it is of a library that gradx has or is built upon; adopt the code": [np.testing.assert_equal],
    "it is a function of a library that gradx has; call it as it is": [math.sin, np.sin, np.dot],
    r"cache and lru_cache keep .* gx.adopt\(cached.__wrapped__\)": [cached],
    "no Python code in it to copy; make an op of it with @gx.lift": [len, [].append],
    "the class Color cannot be adopted, since it is an enum": [Color],
    "the class Closed cannot be adopted, since it is final": [Closed],
    "is an exception, which Python catches by its class": [gx.GradxError],
    "the class dict cannot be adopted, since it is a class of C": [dict],
    "numpy cannot be adopted, since it is a library that gradx has .*; adopt the code": [np],
    r"it is a transform of gradx; adopt the function in it, gx.adopt\(wave\)": [gx.grad(wave)],
    "given a float, 1.5; it takes a function, a class, a module": [1.5],
    "there is no module 'no_such_module'; gx.adopt takes the name": ["no_such_module"],
    "math has no 'sine'; gx.adopt takes 'package.module:function'": ["math:sine"],
}


@pytest.mark.parametrize(
    ("text", "thing"), [(text, thing) for text, things in REFUSED.items() for thing in things]
)
def test_what_cannot_be_adopted(text, thing):
    with pytest.raises(gx.AdoptionError, match=text):
        gx.adopt(thing)


def test_a_function_that_numba_compiled():
    dispatcher = type("Dispatcher", (), {"__module__": "numba.core", "__call__": lambda s, x: x})
    fast = dispatcher()
    fast.__name__ = "fast"
    with pytest.raises(gx.AdoptionError, match=r"compiled by numba; .* gx.adopt\(fast.py_func\)"):
        gx.adopt(fast)
