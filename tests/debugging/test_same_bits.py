"""`gx.debug` computes what the run without it does, to the bit, in its own thread alone."""

import threading
from contextvars import copy_context

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import gradx as gx
from gradx.core.watch import WATCH
from gradx.debugging.debug import DebugTape
from gradx.reverse.tape import Tape
from tests.core.samples import same
from tests.debugging.samples import fork, net, output, recurrent, total
from tests.reverse.programs import inputs, programs


def writing(x):
    y = np.zeros_like(x)
    for i in range(len(x)):
        y[i] = x[i] ** 2
    y += x
    view = y[1:]
    view *= 2.0
    return np.sum(y * y)


CASES = [
    (output, net(), np.ones(3)),
    (lambda w, x: recurrent(w, x, 5), np.full((3, 3), 0.3), np.ones(3)),
    (total, fork()),
    (writing, np.linspace(0.1, 1.0, 5)),
    (lambda x: x * gx.grad(lambda y: np.sin(y * x) * y)(x), 0.3),
    (lambda x: gx.grad(gx.grad(lambda y: np.exp(np.sin(y))))(x), 0.3),
    (lambda x: np.sum(gx.grad(writing)(x) ** 2), np.linspace(0.1, 1.0, 5)),
    (lambda x: np.sum(np.where(x > 0, np.sqrt(x), 0.0)), np.array([0.0, 4.0])),
    (lambda x: np.sum(gx.grad(lambda y: np.sum(np.where(y > 0, np.sqrt(y), 0)))(x)), np.eye(2)),
    (lambda x: np.sum(np.abs(np.fft.fft(x)) ** 2), np.arange(4.0)),
    (lambda x: np.sum(x.astype(np.float32) * x), np.ones(3)),
    (lambda d: d["a"] * d["b"][0], {"a": 2.0, "b": (3.0, 1)}),
    (lambda x: np.sum(np.array([x[0], x[1] * 2.0])), np.ones(2)),
]


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("case", CASES, ids=range(len(CASES)))
def test_cases(case):
    f, *xs = case
    plain = gx.backprop(f, *xs)
    with gx.debug():
        assert same(gx.backprop(f, *xs), plain)


@settings(max_examples=60)
@given(programs(20), st.integers(0, 1000))
def test_random_programs(program, seed):
    xs = inputs(np.random.default_rng(seed))
    plain = gx.backprop(program, *xs)
    with gx.debug() as report:
        assert same(gx.backprop(program, *xs), plain)
    assert report.runs == 1


@settings(max_examples=20)
@given(programs(8), st.integers(0, 1000))
def test_random_programs_twice(program, seed):
    xs = inputs(np.random.default_rng(seed))

    def slopes(*ys):
        return gx.grad_bp(program, *ys)

    plain = gx.backprop(slopes, *xs)
    with gx.debug() as report:
        assert same(gx.backprop(slopes, *xs), plain)
    assert report.runs == 2


def test_in_place_descent():
    one, other = {"w": np.full((3, 3), 0.3)}, {"w": np.full((3, 3), 0.3)}
    gx.descend(lambda p: recurrent(p["w"], np.ones(3), 4), one, 0.1)
    with gx.debug():
        gx.descend(lambda p: recurrent(p["w"], np.ones(3), 4), other, 0.1)
    assert same(one, other)


def test_a_block_ends_with_the_watch_that_was_there_before():
    assert WATCH.get() is None
    with gx.debug() as outer:
        with pytest.raises(ZeroDivisionError, match="by zero"), gx.debug() as inner:
            gx.grad(lambda x: x / 0)(1.0)
        assert WATCH.get() is outer
    assert WATCH.get() is None
    assert (outer.runs, inner.runs) == (0, 1)


def kind_of_tape():
    found = []
    gx.grad(lambda x: (found.append(type(x._run)), x)[1])(1.0)
    return found[0]


def test_another_thread_is_not_watched_unless_it_has_the_context():
    found = []
    with gx.debug() as report:
        assert kind_of_tape() is DebugTape
        for target in (kind_of_tape, lambda: copy_context().run(kind_of_tape)):
            thread = threading.Thread(target=lambda target=target: found.append(target()))
            thread.start()
            thread.join()
        context = copy_context()
        thread = threading.Thread(target=lambda: found.append(context.run(kind_of_tape)))
        thread.start()
        thread.join()
    assert found == [Tape, Tape, DebugTape]
    assert report.runs == 2
    assert kind_of_tape() is Tape
