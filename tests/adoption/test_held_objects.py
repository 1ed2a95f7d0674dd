"""Objects that a program made before it was adopted, and names that it imported one by one."""

import dataclasses
import inspect
import math
import threading
from collections.abc import Callable

import numpy as np
import pytest
import scipy.linalg
import scipy.stats
from numpy.lib.stride_tricks import as_strided
from scipy.stats import dirichlet, multivariate_normal

import gradx as gx
from tests.adoption.test_public_style import agrees

X = np.array([[0.5, 1.5, 2.5], [2.25, 1.25, 0.75]])


# --- What instances hold --------------------------------------------------------------------------


class Squares:
    def __init__(self, scale):
        self.scale = scale

    def __call__(self, x):
        y = np.empty(x.shape)
        y[...] = x**2 / self.scale
        return y


class Sum:
    def __init__(self, *parts):
        self.parts = parts

    def __call__(self, x):
        return sum(part(x) for part in self.parts)


class Product:
    def __init__(self, first, second):
        self.factors = {"first": first, "second": second}

    def __call__(self, x):
        return self.factors["first"](x) * self.factors["second"](x)


KERNEL = Product(Sum(Squares(2.0), Squares(3.0)), Squares(4.0))


def test_parts_of_an_instance_are_adopted_with_it():
    plain = KERNEL(X)
    y, gradient = gx.backprop(gx.adopt(KERNEL.__call__), X)
    np.testing.assert_array_equal(y, plain)
    np.testing.assert_allclose(gradient, 4 * plain / X)
    assert type(KERNEL.factors["first"].parts[1]) is Squares


KERNELS = {"sum": Sum(Squares(2.0)), "squares": Squares(3.0), "number": 2.0}


def by_a_table_of_objects(x):
    return KERNELS["sum"](x) * KERNELS["squares"](x) * KERNELS["number"]


def by_an_object(x):
    return KERNEL(x)


def test_objects_of_the_program_are_adopted_with_their_parts():
    agrees(by_an_object, X)
    assert type(KERNEL.factors["first"].parts[1]) is Squares


def test_objects_in_a_table_of_the_program_are_adopted():
    agrees(by_a_table_of_objects, X)
    assert type(KERNELS["sum"]) is Sum
    assert type(KERNELS["sum"].parts[0]) is Squares


def test_parts_of_an_argument_are_adopted_with_it():
    def times(kernels, x):
        return kernels[0](x) * kernels[1](x)

    adopted = gx.adopt(times)
    y, gradient = gx.backprop(lambda x: adopted([KERNEL, KERNEL], x), X)
    np.testing.assert_array_equal(y, times([KERNEL, KERNEL], X))
    np.testing.assert_allclose(gradient, 8 * y / X)
    assert type(KERNEL) is Product


def test_parts_have_their_class_again_after_an_error():
    def fails(kernel, x):
        kernel(x)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        gx.grad(lambda x: gx.adopt(fails)(KERNEL, x))(X)
    assert type(KERNEL.factors["second"]) is Squares


def test_threads_share_parts():
    """A part keeps its adopted class for as long as a call of any thread needs it."""
    at_first, at_last, seen = threading.Event(), threading.Event(), []

    class Waits(Squares):
        def __call__(self, x):
            at_first.set()
            at_last.wait(5)
            return super().__call__(x)

    held = Sum(Waits(1.0), Squares(2.0))
    slow = gx.adopt(held.__call__)
    thread = threading.Thread(target=lambda: seen.append(gx.grad(lambda x: np.sum(slow(x)))(X)))
    thread.start()
    at_first.wait(5)
    at_last.set()
    gradient = gx.grad(lambda x: np.sum(slow(x)))(X)
    thread.join()
    np.testing.assert_array_equal(seen[0], gradient)
    np.testing.assert_allclose(gradient, 3 * X)
    assert type(held.parts[0]) is Waits


class Named(type):
    """A metaclass with a property of a name that instances have too."""

    @property
    def name(cls):
        return cls.__name__.lower()


class Model(metaclass=Named):
    def __init__(self, label):
        self._label = label

    @property
    def name(self):
        return np.array([self._label])

    def at(self, x):
        return self.name * x


def test_a_metaclass_has_a_property_of_the_same_name():
    agrees(Model(3.0).at, X)
    adopted = gx.adopt(Model)
    assert (adopted.name, Model.name) == ("model", "model")
    assert gx.grad(lambda v: adopted(v).at(2.0)[0])(1.5) == 2.0


# --- What was imported ----------------------------------------------------------------------------


def windows(x):
    y = x.ravel()
    step = y.itemsize
    return as_strided(y, (5, 2), (step, step)).sum(axis=1) ** 2


def density(x):
    cov = x @ x.T + np.eye(2)
    return multivariate_normal.logpdf(x[:, 0], x[:, 1], cov, True) + dirichlet.logpdf(
        x[0] / x[0].sum(), x[1]
    )


def pseudo_inverse(x):
    return scipy.linalg.pinvh(x.T @ x + np.eye(3))


def of_many(x):
    low, high = map(float, (x.min(), x.max()))
    return np.array(list(map(float, x[0]))) * (high - low)


@pytest.mark.parametrize(
    "program", [windows, density, pseudo_inverse, of_many], ids=lambda f: f.__name__
)
def test_imported_names(program):
    if program is density:
        y, gradient = gx.backprop(gx.adopt(density), X)
        assert y == density(X)
        gx.check_grads(gx.adopt(density), X)
        assert np.all(gradient)
    else:
        agrees(program, X)


# --- Instances that were made of an adopted class -------------------------------------------------


class Fitted:
    def __init__(self, kernel=None):
        self.kernel = kernel

    def fit(self, x):
        self.kernel_ = Sum(Squares(2.0), Squares(4.0))
        self.centre_ = np.mean(x)
        return self

    def predict(self, x):
        return self.kernel_(x - self.centre_)


def test_an_instance_of_an_adopted_class_stays_one_when_a_method_returns_it():
    adopted = gx.adopt(Fitted)
    y, gradient = gx.backprop(lambda x: adopted().fit(x).predict(x), X)
    np.testing.assert_array_equal(y, Fitted().fit(X).predict(X))
    step = 1e-6
    moved = [Fitted().fit(X + h).predict(X + h).sum() for h in (step * np.eye(2, 3), 0.0)]
    assert np.sum(gradient * np.eye(2, 3)) == pytest.approx((moved[0] - moved[1]) / step, rel=1e-5)


def test_a_twin_is_the_programs_own_when_a_method_returns_it():
    model = Fitted()
    fit = gx.adopt(model.fit)
    seen = []
    gx.grad(lambda x: seen.append(fit(x)) or np.sum(x))(X)
    assert type(seen[0]) is Fitted


def test_a_function_may_say_anything_of_its_parameters():
    """Also what is not a signature: `inspect` refuses that, but adopted code does not ask it."""

    def odd(x):
        return math.sin(x)

    odd.__signature__ = "none"
    functions = [odd]

    def program(x):
        return functions[0](x) * (2.0 if functions[0].__signature__ == "none" else 3.0)

    assert gx.grad(gx.adopt(program))(0.5) == 2.0 * math.cos(0.5)


def test_adopted_methods_tell_their_parameters():
    method = gx.adopt(Fitted)().__init__
    assert inspect.getfullargspec(method).args == ["self", "kernel"]
    assert str(inspect.signature(method)) == "(kernel=None)"


# --- Attributes that hold code --------------------------------------------------------------------


def filled(x):
    y = np.zeros(x.shape)
    y[...] = x**2
    return y


class Method:
    """What holds functions of the program, of SciPy, and its own methods."""

    def __init__(self, step=filled):
        self.step, self.root, self.law = step, scipy.linalg.cholesky, scipy.stats.norm
        self.table = {"filled": filled, "rows": [1, 2]}
        self.own, self.calls = self.doubled, 0

    def doubled(self, x):
        return 2.0 * filled(x)

    def __call__(self, x):
        self.calls += 1
        whole = self.root(self.step(x) @ x.T + 9.0 * np.eye(2))
        return self.own(whole) + self.table["filled"](whole) * self.law.cdf(whole)


METHOD = Method()


def by_a_global(x):
    return METHOD(x) + METHOD.step(x)[0, 0]


def by_an_argument(x, method=METHOD):
    return method(x)


@pytest.mark.parametrize(
    "program", [by_a_global, by_an_argument, METHOD], ids=["global", "argument", "itself"]
)
def test_functions_in_attributes_are_adopted(program):
    called = METHOD.calls
    agrees(program, X)
    assert METHOD.calls == called + 4
    assert METHOD.step is filled
    assert METHOD.root is scipy.linalg.cholesky
    assert METHOD.table["filled"] is filled
    assert "step" in vars(METHOD)


def test_what_is_written_into_such_an_attribute_stays():
    method = Method()

    def exchanges(x):
        y = method(x)
        method.step = abs
        return y

    gx.grad(lambda x: np.sum(gx.adopt(exchanges)(x)))(X)
    assert method.step is abs


@dataclasses.dataclass
class Layer:
    weights: np.ndarray
    act: Callable = filled

    def stepped(self, x):
        new = dataclasses.replace(self, weights=self.weights - self.act(x))
        return new, [new.act], {"act": self.act}


def test_results_hold_the_programs_own_functions():
    layer, seen = Layer(X + 1.0), []
    stepped = gx.adopt(layer.stepped)

    def loss(x):
        seen.append(stepped(x))
        return np.sum(seen[0][0].weights)

    np.testing.assert_array_equal(gx.grad(loss)(X), -2.0 * X)
    new, listed, named = seen[0]
    assert new.act is listed[0] is named["act"] is layer.act is filled
    assert type(new) is Layer
    gradient = gx.grad(lambda layer: np.sum(layer.stepped(X)[0].weights))(layer)
    assert gradient.act is filled


LAYER = Layer(np.ones((2, 3)))


def test_derivatives_inside_of_a_program():
    def slope(x, layer=LAYER):
        inner = gx.grad(lambda each: np.sum(each.act(each.weights)))(layer)
        return np.sum(inner.weights * x)

    np.testing.assert_array_equal(gx.grad(gx.adopt(slope))(X), np.full((2, 3), 2.0))


def test_other_threads_see_originals_in_attributes():
    """A function that stands in an attribute meanwhile does there what it did."""
    inside, done, seen = threading.Event(), threading.Event(), []

    def waits(x):
        inside.set()
        done.wait(5)
        return filled(x)

    method = Method(waits)

    def looks():
        inside.wait(5)
        seen.append(method.table["filled"](X))
        done.set()

    thread = threading.Thread(target=looks)
    thread.start()
    gx.grad(lambda x: np.sum(gx.adopt(method.__call__)(x)))(X)
    thread.join()
    assert type(seen[0]) is np.ndarray


def test_threads_share_attributes():
    """An attribute stays adopted for as long as a call of any thread needs it."""
    inside, ended = threading.Event(), threading.Event()

    def first(x):
        inside.set()
        second_began.wait(5)
        return filled(x)

    def second(x):
        second_began.set()
        ended.wait(5)
        return filled(x)

    second_began = threading.Event()
    table = {"first": first, "second": second, "then": filled}

    class Steps:
        def __init__(self):
            self.table = table

        def __call__(self, x, name):
            return self.table[name](x) + self.table["then"](x)

    steps, found = Steps(), {}
    adopted = gx.adopt(steps.__call__)

    def runs(name):
        try:
            found[name] = gx.grad(lambda x: np.sum(adopted(x, name)))(X)
        finally:
            ended.set()

    threads = [threading.Thread(target=runs, args=(name,)) for name in ("first", "second")]
    threads[0].start()
    inside.wait(5)
    threads[1].start()
    for thread in threads:
        thread.join()
    np.testing.assert_array_equal(found["first"], found["second"])
    assert steps.table is table
    assert table["then"] is filled
