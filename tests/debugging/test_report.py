"""The report of `gx.debug`: what happened in a run that nothing else shows."""

import re

import numpy as np
import pytest

import gradx as gx
from gradx.core.watch import Watch, tell


def told(f, *xs):
    with gx.debug() as report:
        gx.backprop(f, *xs)
    return [(event.kind, event.what, count) for event, count in report.events.items()]


def masked(x):
    return np.sum(np.where(x > 0, np.sqrt(x), 0.0))


LOST = "a cotangent of 0 times a derivative that is not finite, in the backward rule of sqrt"


def filled(x):
    y = np.zeros_like(x)
    y[0] = x[0]
    y[1] = x[1]
    return np.sum(y)


def narrow(x):
    y = np.zeros_like(x, dtype=np.float32)
    y[:] = x
    return np.sum(y)


@pytest.mark.parametrize(
    ("f", "x", "wanted"),
    [
        (lambda x: np.sum(x * x), np.ones(2), []),
        (masked, np.array([0.0, 4.0]), [("zero times infinity", LOST, 1)]),
        (lambda x: np.where(x > 0, np.sqrt(x), 0.0), 0.0, [("zero times infinity", LOST, 1)]),
        (
            lambda x: np.sum(x * np.ones(2)),
            np.ones(2, np.float32),
            [("promotion", "operator.mul made float64 of float32", 1)],
        ),
        (
            lambda x: np.sum(x * np.array([x[0], x[1] * 2.0])),
            np.ones(2),
            [("object array", "an array of 2 variables, made by NumPy, was joined into one", 1)],
        ),
        (
            lambda x: np.sum(np.asarray(x)),
            np.ones(2),
            [("object array", "NumPy made an array of objects of a variable of shape (2,)", 1)],
        ),
        (
            lambda x: np.sum(np.exp(np.array([x[0], x[1]]))),
            np.ones(2),
            [("object array", "exp of an array of objects, one item after the other", 2)],
        ),
        (
            filled,
            np.ones(2),
            [("copy", "the first write into an array of shape (2,) copies all of it", 1)],
        ),
        (
            narrow,
            np.ones(2),
            [
                ("cast", "filled_like made float32 of float64", 1),
                ("copy", "the first write into an array of shape (2,) copies all of it", 1),
                ("cast", "put made float32 of float64", 1),
            ],
        ),
        (
            lambda x: np.sum(x.astype(int) * x),
            np.ones(2),
            [("cast", "a variable became plain int64, which has no gradient", 1)],
        ),
    ],
    ids=range(10),
)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_what_is_told(f, x, wanted):
    assert told(f, x) == wanted


def test_the_text_of_a_report():
    with gx.debug() as report:
        gx.grad(filled)(np.ones(2))
        gx.grad(filled)(np.ones(2))
    assert re.fullmatch(
        r"gx\.debug: 2 runs, 12 operations\n"
        r"copy:\n"
        r"  2 × the first write into an array of shape \(2,\) copies all of it, at "
        rf"{re.escape(__file__)}:\d+ in filled, 'y\[0\] = x\[0\]'",
        str(report),
    )


def test_a_report_of_nothing():
    with gx.debug() as report:
        gx.grad(lambda x: x * x)(1.0)
    assert str(report) == "gx.debug: 1 runs, 1 operations\nnothing to tell"


def test_a_loop_over_examples():
    polynomials = np.array([[1.0, -3.0, 2.0], [1.0, -5.0, 6.0]])
    with gx.debug() as report:
        gx.vmap(np.roots)(polynomials)
        gx.vmap(np.sin)(polynomials)
    wanted = "fallback loop:\n  1 × gx.vmap did roots for 2 examples one after the other, at "
    assert wanted in str(report)
    tell("fallback loop", "nobody listens")
    assert len(report.events) == 1


def test_the_plain_watch_gives_plain_tapes_and_hears_nothing():
    watch = Watch()
    assert watch.tape() is None
    assert watch.tell("kind", "what") is None
