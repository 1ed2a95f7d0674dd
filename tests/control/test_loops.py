"""Loops and branches are ordinary Python, and the run of a predicate may say otherwise."""

from dataclasses import dataclass

import numpy as np
import pytest

import gradx as gx
from gradx.abstract.run import AbstractRun
from gradx.core.spec import Form, Spec
from gradx.testing import check_grads
from tests.control.programs import X, assert_close, layer


def test_cond_calls_one_of_two():
    calls = []
    assert gx.cond(True, lambda x: calls.append("yes") or x, lambda x: -x, 2.0) == 2.0
    assert gx.cond(np.bool_(False), lambda x: calls.append("no") or x, lambda x: -x, 2.0) == -2.0
    assert calls == ["yes"]


@pytest.mark.parametrize("x", [1.5, -1.5])
def test_cond_is_differentiated_in_the_branch_it_takes(x):
    def f(net, x):
        y = gx.cond(x > 0, lambda net, x: net.w * x**2, lambda net, x: net.b * x + net.w, net, x)
        return np.sum(y**2)

    check_grads(f, layer(), x, order=2)


def test_a_variable_is_a_predicate():
    f = gx.grad(lambda x: gx.cond(x, lambda x: x * x, lambda x: x, x))
    assert (f(3.0), f(0.0)) == (6.0, 1.0)


def test_fori_loop():
    def f(x):
        return np.sum(gx.fori_loop(1, 4, lambda i, s: {"y": s["y"] * x + i}, {"y": x})["y"])

    y = X
    for i in range(1, 4):
        y = y * X + i
    assert f(X) == np.sum(y)
    check_grads(f, X, order=2)
    assert gx.fori_loop(3, 3, lambda i, s: 1 / 0, "untouched") == "untouched"


def test_the_bounds_of_fori_loop_are_whole_numbers():
    with pytest.raises(TypeError, match="cannot be interpreted as an integer"):
        gx.fori_loop(0, 2.0, lambda i, s: s, 1.0)


def newton(a):
    """The square root, by as many steps as it takes."""
    return gx.while_loop(lambda y: abs(y * y - a) > 1e-12, lambda y: (y + a / y) / 2, a)


def test_while_loop_has_gradients_without_a_bound():
    assert_close(newton(2.0), np.sqrt(2.0))
    assert_close(gx.grad(newton)(2.0), 0.5 / np.sqrt(2.0))
    assert_close(gx.grad(gx.grad(newton))(2.0), -0.25 * 2.0**-1.5, 1e-8)


def test_while_loop_takes_any_state():
    def f(x):
        def body(s):
            return {"n": s["n"] + 1, "x": s["x"] * 1.5}

        s = gx.while_loop(lambda s: np.sum(s["x"] ** 2) < 100.0, body, {"n": 0, "x": x})
        return np.sum(s["x"]) * s["n"]

    check_grads(f, X, order=2)


@pytest.mark.parametrize("steps", [0, 3])
def test_a_loop_that_goes_on_too_long(steps):
    def unfinished(s):
        return s < 1e9

    message = f"condition unfinished of while_loop still holds after max_steps={steps} steps"
    with pytest.raises(gx.LoopError, match=message):
        gx.while_loop(unfinished, lambda s: s * 2, 1.0, max_steps=steps)


def test_as_many_steps_as_are_allowed():
    calls = []
    body = lambda s: calls.append(s) or s * 2  # noqa: E731
    assert gx.while_loop(lambda s: s < 8, body, 1.0, max_steps=3) == 8.0
    assert calls == [1.0, 2.0, 4.0]


class Telling(AbstractRun):
    """A run that says how it chooses, of predicates without a number."""

    __slots__ = ("left",)

    def choose(self, p, yes, no, xs):
        return [yes(*xs), no(*xs)]

    def goes_on(self, p):
        self.left -= 1
        return self.left >= 0

    def advanced(self, p, body, state):
        return [*state, body(state)]


def test_the_run_of_the_predicate_says_how():
    run = Telling()
    p = run.wrap(None, Spec((), bool, Form.NUMBER))
    assert gx.cond(p, lambda x: x, lambda x: -x, 2.0) == [2.0, -2.0]
    run.left = 2
    assert gx.while_loop(lambda s: p, lambda s: len(s), []) == [0, 1]


def test_predicates_without_a_number_are_refused():
    p = AbstractRun().wrap(None, Spec((), bool, Form.NUMBER))
    for call in (
        lambda: gx.cond(p, lambda: 1, lambda: 2),
        lambda: gx.while_loop(lambda s: p, lambda s: s, 1.0),
    ):
        with pytest.raises(gx.ConversionError, match="reads a number"):
            call()


# --- Batches --------------------------------------------------------------------------------------


def test_cond_of_a_batch_chooses_for_each_example():
    def f(x):
        return gx.cond(x > 0, lambda x: {"y": x**2, "n": 1}, lambda x: {"y": -x, "n": 0}, x)

    y = gx.vmap(f)(X)
    assert_close(y["y"], np.where(X > 0, X**2, -X))
    assert y["n"].tolist() == [1, 0, 1]
    g = gx.vmap(gx.grad(lambda x: f(x)["y"]))(X)
    assert_close(g, np.where(X > 0, 2 * X, -1.0))


def test_while_loop_of_a_batch_freezes_examples_that_are_done():
    x = np.array([2.0, 9.0, 100.0])
    roots = gx.vmap(newton)(x)
    np.testing.assert_array_equal(roots, [newton(a) for a in x])
    assert_close(gx.vmap(gx.grad(newton))(x), 0.5 / np.sqrt(x))
    with pytest.raises(gx.LoopError, match="still holds after max_steps=2 steps"):
        gx.vmap(lambda a: gx.while_loop(lambda y: y < 9, lambda y: y + 1, a, max_steps=2))(x)


def test_branches_of_different_forms():
    with pytest.raises(gx.StructureError, match="a predicate of a batch chooses between"):
        gx.vmap(lambda x: gx.cond(x > 0, lambda x: x, lambda x: np.stack([x, x]), x))(X)


def test_branches_go_by_the_names_of_their_parts():
    yes, no = (lambda x: {"a": x, "b": 2 * x}), (lambda x: {"b": 3 * x, "a": 4 * x})
    y = gx.vmap(lambda x: gx.cond(x > 0, yes, no, x))(X)
    assert_close(y["a"], np.where(X > 0, X, 4 * X))
    assert_close(y["b"], np.where(X > 0, 2 * X, 3 * X))
    with pytest.raises(gx.StructureError, match="chooses between a tuple and a tuple"):
        gx.vmap(lambda x: gx.cond(x > 0, lambda x: (x, x), lambda x: (x, x, x), x))(X)


@dataclass
class Counted:
    value: np.ndarray
    count: int


def test_branches_with_other_fields_of_integers():
    one, two = (lambda x: Counted(x, 1)), (lambda x: Counted(2 * x, 2))
    with pytest.raises(gx.StructureError, match="'count' of a Counted is static or one of integer"):
        gx.vmap(lambda x: gx.cond(x > 0, one, two, x))(X)
    y = gx.vmap(lambda x: gx.cond(x > 0, one, lambda x: Counted(2 * x, 1), x))(X)
    assert y.count == 1
    assert_close(y.value, np.where(X > 0, X, 2 * X))
