"""`gx.vmap` refuses to draw random numbers: all examples would get the same."""

import functools
import random
import types
from dataclasses import dataclass

import numpy as np
import pytest

import gradx as gx
from gradx.batch import randomness

YS = np.random.default_rng(5).standard_normal(4)
GENERATOR = np.random.default_rng(0)


@dataclass
class Noisy:
    rng: object

    def __call__(self, x):
        return x + self.rng.standard_normal()


PRIVATE = random.Random(0)


class OfClass:
    rng = np.random.default_rng(2)

    def __call__(self, x):
        return x + self.rng.random()


random_numbers = types.ModuleType("random_numbers")
random_numbers.drawn = PRIVATE.random


def with_default(x, r=PRIVATE):
    return x + r.random()


def from_closure(rng):
    return lambda x: x + rng.normal()


@pytest.mark.parametrize(
    ("f", "name"),
    [
        (lambda x: x + GENERATOR.standard_normal(), "GENERATOR"),
        (lambda x: x + np.random.rand(), r"np\.random"),
        (lambda x: x + random.random(), "random"),
        (from_closure(np.random.RandomState(0)), "rng"),
        (from_closure(np.random.Generator(np.random.MT19937(1))), "rng"),
        (Noisy(np.random.default_rng(0)), "the function"),
        (with_default, "a default of with_default"),
        (functools.partial(lambda r, x: x + r.random(), PRIVATE), "the function"),
        (lambda x: x + OfClass.rng.random(), "OfClass"),
        (lambda x: OfClass()(x), "OfClass"),
        (lambda x: x + random_numbers.drawn(), r"random_numbers\.drawn"),
    ],
)
def test_drawing_random_numbers_is_refused(f, name):
    with pytest.raises(
        gx.NotLiftedError, match=f"^{name} drew random numbers inside a mapped function.*pass it as"
    ):
        gx.vmap(f)(YS)


@pytest.fixture(params=[True, False], ids=["by memory", "by asking"])
def read_by_memory(request, monkeypatch):
    """Whether the state of the two shared generators is read as memory, as on this Python."""
    assert randomness._memory_tells()
    monkeypatch.setattr(randomness, "_memory_tells", lambda: request.param)


def test_a_python_whose_ids_are_no_addresses_has_its_generators_asked(monkeypatch):
    def read(*args):
        raise AssertionError(args)

    monkeypatch.setattr(randomness.sys.implementation, "name", "pypy")
    monkeypatch.setattr(randomness.ctypes, "string_at", read)
    assert not randomness._memory_tells.__wrapped__()


@pytest.mark.usefixtures("read_by_memory")
@pytest.mark.parametrize(
    ("draw", "name"),
    [
        (lambda: random.random(), "random"),
        (lambda: random.gauss(0, 1), "random"),
        (lambda: np.random.rand(), r"np\.random"),
        (lambda: np.random.binomial(10, 0.5), r"np\.random"),
    ],
)
def test_drawing_from_the_shared_generators_is_refused(draw, name):
    with pytest.raises(gx.NotLiftedError, match=f"^{name} drew"):
        gx.vmap(lambda x: x + draw())(YS)


@pytest.mark.usefixtures("read_by_memory")
def test_the_normal_number_that_python_keeps_is_noticed():
    random.gauss(0, 1)  # of the two that it made
    with pytest.raises(gx.NotLiftedError, match=r"^random drew random numbers"):
        gx.vmap(lambda x: x + random.gauss(0, 1))(YS)


@pytest.mark.usefixtures("read_by_memory")
def test_drawing_the_normal_number_that_numpy_keeps_is_refused():
    state = np.random.get_state()
    try:
        np.random.randn()  # of the two that it made
        with pytest.raises(gx.NotLiftedError, match=r"^np\.random drew random numbers"):
            gx.vmap(lambda x: x + np.random.randn())(YS)
    finally:
        np.random.set_state(state)


def test_drawing_from_an_argument_is_refused():
    with pytest.raises(gx.NotLiftedError, match="an argument drew random numbers"):
        gx.vmap(lambda x, rng: x + rng.normal(), in_axes=(0, None))(YS, np.random.default_rng(1))


def test_a_generator_that_stays_is_no_error():
    rng = np.random.default_rng(0)
    assert gx.vmap(lambda x: x * (rng is not None))(YS).shape == (4,)


# --- Generators that the function makes -----------------------------------------------------------


def unseeded(x):
    return x + np.random.default_rng().standard_normal()


def of_python(x):
    return x + random.Random().random()


class Layer:
    def drop(self, x):
        return x * (np.random.RandomState().rand() > 0.5) + unseeded(x)

    def __call__(self, x):
        return self.drop(x)


@pytest.mark.parametrize(
    ("f", "name"), [(unseeded, "unseeded"), (of_python, "of_python"), (Layer(), "drop")]
)
@pytest.mark.parametrize("chunk", [None, 3])
def test_a_generator_without_a_seed_is_refused(f, name, chunk):
    with pytest.raises(
        gx.NotLiftedError, match=f"^{name} makes a generator of random numbers without a seed"
    ):
        gx.vmap(f, chunk=chunk)(YS)
    with pytest.raises(gx.NotLiftedError, match="makes a generator of random numbers"):
        gx.vmap(gx.grad(lambda x: f(x) ** 2))(YS)
    with pytest.raises(gx.NotLiftedError, match="makes a generator of random numbers"):
        gx.grad(lambda ys: np.sum(gx.vmap(f)(ys)))(YS)


def test_a_generator_with_a_seed_gives_each_example_the_same():
    def f(x):
        rng = np.random.default_rng(3)
        y = x * rng.standard_normal(2)
        y[0] += rng.random()
        return y

    np.testing.assert_array_equal(gx.vmap(f)(YS), [f(y) for y in YS])


class Slotted:
    __slots__ = ("rng", "unset")

    def __init__(self):
        self.rng = np.random.default_rng(0)

    def draw(self, x):
        return x + self.rng.random()


class Shared:
    rng = np.random.default_rng(0)


class OfShared(Shared):
    __slots__ = ()

    def draw(self, x):
        return x + self.rng.random()


@functools.cache
def kept():
    return np.random.default_rng(0)


SET = {np.random.default_rng(0)}
NAMES = types.SimpleNamespace(rng=np.random.default_rng(0))


@pytest.mark.parametrize(
    "f",
    [
        Slotted().draw,
        OfShared().draw,
        lambda x: x + next(iter(SET)).random(),
        lambda x: x + NAMES.rng.random(),
        lambda x: x + kept().random(),
    ],
)
def test_a_generator_is_found_wherever_a_program_keeps_it(f):
    kept()
    with pytest.raises(gx.NotLiftedError, match="random numbers"):
        gx.vmap(f)(YS)


def test_a_distribution_with_a_generator_is_refused():
    stats = pytest.importorskip("scipy.stats")
    normal = stats.norm(0, 1)
    normal.random_state = np.random.default_rng(0)
    with pytest.raises(gx.NotLiftedError, match="normal drew random numbers"):
        gx.vmap(lambda x: x + normal.rvs())(YS)


def test_what_makes_a_generator_is_known_by_any_name():
    made = np.random.default_rng
    bound = functools.partial(np.random.RandomState)
    system = random.SystemRandom()
    for f in (
        lambda x: x + made().random(),
        lambda x: x + bound().rand(),
        lambda x: x + system.random(),
    ):
        with pytest.raises(gx.NotLiftedError, match="makes a generator of random numbers"):
            gx.vmap(f)(YS)
    np.testing.assert_array_equal(gx.vmap(lambda x: (x, system)[0])(YS), YS)
