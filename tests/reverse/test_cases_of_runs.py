"""Programs on runs, opaque types and NumPy's calls that once went wrong, and what is right."""

import gc
import threading
import weakref
from dataclasses import dataclass

import numpy as np
import pytest

import gradx as gx
from gradx.testing.abstract import AbstractArray
from tests.reverse.cases import Programs, assert_alike

PROGRAMS = Programs()
right, refused = PROGRAMS.right, PROGRAMS.refused

# ---- In place ------------------------------------------------------------------------------------


@right((18.0, np.array([12.0, 12.0])))
def a_second_name_of_an_array_changed_in_place():
    def f(x):
        y = 2 * x
        z = y
        z += 1
        return np.sum(y * z)

    return gx.value_and_grad(f)(np.ones(2))


@right((9.0, np.full(3, 2.0)))
def a_first_name_of_an_array_changed_in_place():
    def f(x):
        y = x * 2.0
        z = y
        y += 1.0
        return np.sum(z)

    return gx.backprop(f, np.ones(3))


@right((16.0, np.full((2, 2), 8.0)))
def a_row_changed_in_place():
    def f(x):
        x = x * 1.0
        for row in x:
            row *= 2
        return np.sum(x**2)

    return gx.value_and_grad(f)(np.ones((2, 2)))


@right((14 / 3, np.array([-8.0, -2.0, 10.0]) / 3))
def a_helper_that_works_in_place():
    def centre(x):
        x -= x.mean()

    def f(x):
        x = x * 1.0
        centre(x)
        return np.sum(x**2)

    return gx.value_and_grad(f)(np.array([1.0, 2.0, 4.0]))


@right((20.0, 18.0))
def a_number_is_rebound_as_in_python():
    def f(x):
        y = z = x * 2.0
        y += 1.0
        return y * z

    return gx.value_and_grad(f)(2.0)


@refused(ValueError, "read-only")
def a_pullback_that_writes_into_its_cotangent():
    def zeroing(g):
        g *= 0.0
        return g

    op = gx.lift(lambda x: (x + 0.0, zeroing))
    gx.grad_bp(lambda x, y: op(x) + y, np.ones(3), np.ones(3))


# ---- Opaque types, other runs, other kinds of run ------------------------------------------------


class Opaque:
    def __init__(self, a):
        self.a = a


def register_opaque():
    gx.register(
        Opaque,
        zero=lambda m: Opaque(0.0),
        add=lambda x, y: Opaque(x.a + y.a),
        one=lambda m: Opaque(1.0),
    )


@refused(gx.GradxError, "Opaque")
def a_variable_inside_an_opaque_result():
    register_opaque()
    gx.backprop(lambda x: Opaque(x * 2.0), 3.0)


@gx.lift
def product(a, b):
    x, y = gx.value(a), gx.value(b)
    return Opaque(x.a * y.a), lambda g: (product(g, b), product(a, g))


@gx.lift
def opened(m):
    return gx.value(m).a, lambda g: closed(g)


@gx.lift
def closed(x):
    return Opaque(float(gx.value(x))), lambda g: opened(g)


@right(2.0)
def the_second_derivative_of_an_opaque_square():
    register_opaque()
    first = lambda m: gx.grad(lambda n: opened(product(n, n)))(m)  # noqa: E731
    return gx.grad(lambda m: opened(first(m)))(Opaque(3.0)).a


@refused(gx.EscapedVarError, "run")
def a_variable_of_a_later_run_that_is_still_open():
    got, go, done = [], threading.Event(), threading.Event()

    def inner(y):
        got.append(y)
        go.set()
        done.wait(60)
        return y

    def outer(x):
        thread.start()
        assert go.wait(60)
        return x * got[0]

    thread = threading.Thread(target=lambda: gx.grad(inner)(2.0))
    try:
        gx.backprop(outer, 3.0)
    finally:
        done.set()
        thread.join(60)


@right((2,))
def abstract_arrays_are_joined():
    pair = gx.join((AbstractArray((2,)), 1.0))
    return pair[0].shape


@right((2,), "AbstractArray", 1.0)
def an_abstract_array_above_a_variable():
    def f(x):
        product = x * AbstractArray((2,))
        seen.append((product.shape, type(product).__name__))
        return x

    seen = []
    g = gx.grad(f)(3.0)
    return *seen[0], g


@right(0)
def classes_that_were_differentiated_are_freed():
    def once():
        @dataclass
        class Local:
            a: float

        gx.grad(lambda r: r.a**2)(Local(3.0))
        return weakref.ref(Local)

    kept = [once() for _ in range(20)]
    gc.collect()
    return sum(each() is not None for each in kept)


# ---- Calls of NumPy that see a plain array first -------------------------------------------------


@right(np.ones(2))
def the_dot_of_a_plain_array():
    return gx.grad(lambda x: np.eye(2).dot(x).sum())(np.ones(2))


@right(1.0)
def the_clip_of_a_plain_array():
    return gx.grad(lambda x: np.arange(3.0).clip(x, 1.5).sum())(0.5)


@refused(TypeError, r"gx\.value\(n\)")
def a_variable_as_a_size():
    gx.grad(lambda v: v[0] * np.zeros(v[1]).size)(np.array([1.0, 2.0]))


@refused(gx.UnregisteredTypeError, r"list\(")
def a_generator_as_a_result():
    gx.grad_bp(lambda v: (x for x in v), np.array([1.0, 2.0]))


@pytest.mark.parametrize(("program", "wanted"), PROGRAMS.results)
def test_it_is_right(program, wanted):
    assert_alike(program(), wanted)


@pytest.mark.parametrize(("program", "error", "match"), PROGRAMS.errors)
def test_it_is_refused(program, error, match):
    with pytest.raises(error, match=match):
        program()
