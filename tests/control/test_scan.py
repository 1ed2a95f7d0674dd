"""gx.scan: a Python loop, to the bit, with or without states that are kept."""

import functools
import gc
import tracemalloc
from dataclasses import dataclass

import numpy as np
import pytest

import gradx as gx
from gradx.testing import check_grads
from tests.control.programs import Layer, X, assert_close, assert_same_bits, layer
from tests.reverse import naive

RNG = np.random.default_rng(0)
XS = RNG.normal(size=(7, 3))
LABELS = np.array([2, 0, 1, 1, 2, 0, 2])
MASK = np.array([True, False, True, True, False, False, True])
WAYS = pytest.mark.parametrize("checkpoint", [None, "sqrt", 1, 3, 20])
BACKWARDS = pytest.mark.parametrize("reverse", [False, True])


@dataclass
class State:
    h: np.ndarray
    pair: tuple
    name: str = "state"


def first_state():
    return State(np.array([0.1, -0.3, 0.5]), (0.5, {"n": np.zeros(2)}))


def step_of(net):
    """A step that reads a record from outside, labels and a mask."""

    def step(s, x):
        u, label, keep = x["u"], x["label"], x["keep"]
        a, rest = s.pair
        h = np.tanh(net.w * s.h + u * net.b) * np.where(keep, 1.0, 0.5)
        n = rest["n"] * 0.5 + 0.0 * h[:2]
        n[0] += h[label]
        state = State(h, (a + np.sum(h), {"n": n}))
        return state, {"h": h, "picked": (h[label], None), "count": label + 1}

    return step


def items(xs):
    return {"u": xs, "label": LABELS[: len(xs)], "keep": MASK[: len(xs)]}


def scanned(reverse, checkpoint, net, s, xs):
    return gx.scan(step_of(net), s, items(xs), reverse=reverse, checkpoint=checkpoint)


def looped(reverse, net, s, xs):
    step, found = step_of(net), []
    order = range(len(xs) - 1, -1, -1) if reverse else range(len(xs))
    for t in order:
        s, y = step(s, {"u": xs[t], "label": LABELS[t], "keep": MASK[t]})
        found.append(y)
    found = found[::-1] if reverse else found
    ys = {
        "h": np.stack([y["h"] for y in found]),
        "picked": (np.stack([y["picked"][0] for y in found]), None),
        "count": np.stack([y["count"] for y in found]),
    }
    return s, ys


def loss(program, net, s, xs):
    s, ys = program(net, s, xs)
    a, rest = s.pair
    return (
        np.sum(s.h**2) * a
        + np.sum(rest["n"])
        + np.sum(np.sin(ys["h"]))
        + np.sum(ys["picked"][0] * ys["count"])
    )


@WAYS
@BACKWARDS
def test_the_values_are_those_of_the_loop(reverse, checkpoint):
    xs = layer(), first_state(), XS
    wanted = looped(reverse, *xs)
    assert_same_bits(scanned(reverse, checkpoint, *xs), wanted)

    def lifted(net, s, xs):
        state, ys = scanned(reverse, checkpoint, net, s, xs)
        ys = ys | {"count": ys["count"] * 1.0}
        return state, ys

    value = gx.backprop(lifted, *xs)[0]
    assert_same_bits(value, (wanted[0], wanted[1] | {"count": wanted[1]["count"] * 1.0}))


@WAYS
@BACKWARDS
def test_the_gradient_is_that_of_the_loop(reverse, checkpoint):
    xs = layer(), first_state(), XS
    wanted = gx.grad_bp(functools.partial(loss, functools.partial(looped, reverse)), *xs)
    own = functools.partial(loss, functools.partial(scanned, reverse, checkpoint))
    assert_close(gx.grad_bp(own, *xs), wanted)


@pytest.mark.parametrize("checkpoint", [None, "sqrt"])
def test_the_gradient_is_right_to_second_order(checkpoint):
    own = functools.partial(loss, functools.partial(scanned, False, checkpoint))
    check_grads(lambda net, s: own(net, s, XS[:4]), layer(), first_state(), order=2)
    check_grads(lambda xs: own(layer(), first_state(), xs), XS[:3], order=1)


@WAYS
def test_it_agrees_with_the_naive_engine(checkpoint):
    def step(s, x):
        return s * x + np.sin(s), s

    def own(s, xs):
        s, ys = gx.scan(step, s, xs, checkpoint=checkpoint)
        return s + np.sum(ys * ys)

    def reference(s, xs):
        total = 0.0
        for x in xs:
            total, s = total + s * s, s * x + s.sin()
        return s + total

    xs = 0.3, np.array([0.5, 1.0, -0.2, 0.7])
    g, gs = naive.gradient(reference, *xs)
    assert_close(gx.grad_bp(own, *xs), (float(g), np.array([float(h) for h in gs])))

    def along(gradient):
        return lambda s, xs: sum(
            sum(part) if isinstance(part, np.ndarray) else part for part in gradient(s, xs)
        )

    g, gs = naive.gradient(along(functools.partial(naive.gradient, reference)), *xs)
    own_second = gx.grad_bp(
        lambda s, xs: (lambda pair: pair[0] + np.sum(pair[1]))(gx.grad_bp(own, s, xs)), *xs
    )
    assert_close(own_second, (float(g), np.array([float(h) for h in gs])), 1e-10)


def test_without_arrays_it_does_as_many_steps_as_it_is_told():
    f = gx.grad(lambda x: gx.scan(lambda s, _: (s * s, s), x, length=3, checkpoint="sqrt")[0])
    assert f(2.0) == 8 * 2.0**7
    s, ys = gx.scan(lambda s, x: (s + 1.0, None), 0.0, length=4)
    assert (s, ys) == (4.0, None)


def test_forward_mode():
    own = functools.partial(loss, functools.partial(scanned, False, "sqrt"))
    xs = layer(), first_state(), XS
    g = gx.grad(own, 2)(*xs)
    ts = gx.zero(layer()), gx.zero(first_state()), np.cos(XS)
    assert_close(gx.jvp(own, xs, ts)[1], np.sum(g * np.cos(XS)))


def test_numbers_of_one_dtype_are_as_good_as_another():
    assert gx.scan(lambda s, x: (s + x, s), 0.0, np.ones(2))[1].tolist() == [0.0, 1.0]


# --- No steps -------------------------------------------------------------------------------------


def test_no_steps():
    s = first_state()
    same, ys = gx.scan(step_of(layer()), s, items(XS[:0]))
    assert same is s
    assert (ys["h"].shape, ys["h"].dtype) == ((0, 3), np.float64)
    assert (ys["count"].shape, ys["count"].dtype) == ((0,), np.int64)
    assert (ys["picked"][0].shape, ys["picked"][1]) == ((0,), None)


def test_no_steps_in_a_differentiated_function():
    def f(net, s):
        s, ys = gx.scan(step_of(net), s, items(XS[:0]))
        return np.sum(s.h**2) + np.sum(ys["h"])

    g = gx.grad(f, (0, 1))(layer(), first_state())
    assert_close(g[1].h, 2 * first_state().h)
    assert_close(g[0].w, np.zeros(3))


def test_no_steps_keep_float32():
    ys = gx.scan(lambda s, x: (s, x * 2), X.astype(np.float32), XS[:0].astype(np.float32))[1]
    assert (ys.shape, ys.dtype) == ((0, 3), np.float32)


def test_no_steps_of_a_step_that_reads_numbers():
    with pytest.raises(gx.ConversionError, match="reads a number") as caught:
        gx.scan(lambda s, x: (s, x) if x > 0 else (s, -x), 0.0, np.ones(0))
    assert "gx.scan of no steps calls its step once on values" in caught.value.__notes__[0]


# --- Errors ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("step", "state", "message"),
    [
        (
            lambda s, x: ({"a": s["a"] + x}, None),
            {"a": 0},
            r"state\['a'\] is of shape \(\) and dtype int64 before step 0 of gx.scan and of shape",
        ),
        (
            lambda s, x: ([s[0], np.ones(2)], None),
            [1.0, np.ones(3)],
            r"state\[1\] is of shape \(3,\) and dtype float64 before step 0 .* begin with one such",
        ),
        (
            lambda s, x: ((s[0],), None),
            (1.0, 2.0),
            r"state is a tuple with parts \[0, 1\] before step 0 of gx.scan and a tuple with parts",
        ),
        (
            lambda s, x: (Layer(s.w.astype(np.float32), s.b), None),
            layer(),
            r"state.w is of shape \(3,\) and dtype float64 .* and dtype float32 after it",
        ),
        (lambda s, x: s, 1.0, r"returned a float; return a pair \(state, y\), with None for y"),
        (
            lambda s, x: (s, "text"),
            1.0,
            "y is a str, which cannot be stacked; return arrays, numbers and None",
        ),
        (
            lambda s, x: (s + 1.0, np.ones(2 if s == 0.0 else 3)),
            0.0,
            r"y is of shape \(2,\) and dtype float64 in step 0 of gx.scan and of shape \(3,\)",
        ),
    ],
)
def test_steps_that_do_not_fit(step, state, message):
    with pytest.raises(gx.StructureError, match=message):
        gx.scan(step, state, np.ones(2))


@pytest.mark.parametrize(
    ("xs", "length", "message"),
    [
        (
            {"a": np.ones(3), "b": [np.ones((4, 2))]},
            None,
            r"differ in length \(xs of gx.scan\['a'\]: 3, xs of gx.scan\['b'\]\[0\]: 4\)",
        ),
        (np.ones(3), 4, r"differ in length \(xs of gx.scan: 3, length: 4\)"),
        ({"a": 1.0}, None, r"\['a'\] is a float without a leading axis, of which each step"),
        ((np.array(1.0),), None, r"\[0\] is a ndarray without a leading axis"),
        (None, None, "was given no array to go along and no length; give xs or length="),
    ],
)
def test_arrays_that_do_not_fit(xs, length, message):
    with pytest.raises(gx.StructureError, match=message):
        gx.scan(lambda s, x: (s, None), 0.0, xs, length=length)


@pytest.mark.parametrize("checkpoint", ["all", 0, 1.5])
def test_a_schedule_that_says_nothing(checkpoint):
    with pytest.raises(ValueError, match=r"of gx.scan says nothing; give None, 'sqrt' or the"):
        gx.scan(lambda s, x: (s, None), 0.0, np.ones(3), checkpoint=checkpoint)


def test_hidden_state_is_found():
    rng = np.random.default_rng(0)
    with pytest.raises(
        gx.RecomputeError, match=r"scan\(<lambda>\) gave another result when it was"
    ):
        gx.grad(
            lambda s: gx.scan(lambda s, x: (s * rng.random(), None), s, length=4, checkpoint=2)[0]
        )(1.0)


# --- Memory ---------------------------------------------------------------------------------------


@dataclass
class Cell:
    weights: np.ndarray
    recurrent: np.ndarray
    bias: np.ndarray


def lstm(cell, xs, size, checkpoint):
    def step(state, x):
        h, c = state
        z = np.dot(cell.weights, x) + np.dot(cell.recurrent, h) + cell.bias
        gates = 1 / (1 + np.exp(-z[: 3 * size]))
        c = gates[size : 2 * size] * c + gates[:size] * np.tanh(z[3 * size :])
        return (gates[2 * size :] * np.tanh(c), c), None

    (h, _), _ = gx.scan(step, (np.zeros(size), np.zeros(size)), xs, checkpoint=checkpoint)
    return np.sum(h**2)


def peak_beyond(cell, f):
    """The most memory that a gradient takes, beyond the gradient itself."""
    gc.collect()
    tracemalloc.start()
    try:
        g = f(cell)
        beyond = sum(part.nbytes for part in (g.weights, g.recurrent, g.bias))
        return tracemalloc.get_traced_memory()[1] - beyond, g
    finally:
        tracemalloc.stop()


def test_memory_of_an_lstm():
    """For 2,500 steps a fourth of the goal for 10,000: the peak goes with the root."""
    size, inputs, steps = 32, 8, 2500
    cell = Cell(*(RNG.uniform(-0.2, 0.2, s) for s in ((128, 8), (128, 32), (128,))))
    xs = RNG.uniform(-1, 1, (steps, inputs))
    of = {c: gx.grad(lambda cell, c=c: lstm(cell, xs, size, c)) for c in (None, "sqrt")}
    eager, wanted = peak_beyond(cell, of[None])
    kept, given = peak_beyond(cell, of["sqrt"])
    assert_close(given, wanted)
    assert kept < eager / 20


@dataclass
class Labelled:
    value: np.ndarray
    label: int


def test_fields_of_integers_are_not_taken_apart_or_put_together():
    xs = Labelled(np.ones(3), np.arange(3))
    with pytest.raises(
        gx.StructureError, match="holds an array of shape \\(3,\\), which would not"
    ):
        gx.scan(lambda s, x: (s + x.value * x.label, None), 0.0, xs)
    with pytest.raises(gx.StructureError, match="is 0 in one result and 1 in another"):
        gx.scan(lambda s, x: (s + x, Labelled(x, int(s == 0))), 0.0, np.ones(3))
    _, ys = gx.scan(lambda s, x: (s + x, Labelled(x, 7)), 0.0, np.ones(3))
    assert ys.label == 7
    assert ys.value.tolist() == [1.0, 1.0, 1.0]


def test_a_negative_length():
    with pytest.raises(gx.StructureError, match=r"length=-1 of gx\.scan is no number of steps"):
        gx.scan(lambda s, x: (s, None), 0.0, length=-1)


@pytest.mark.parametrize("checkpoint", [None, 2, "sqrt"])
def test_what_a_step_gave_is_not_changed_by_later_steps(checkpoint):
    """The state is one array, which each step writes into and gives."""
    xs, start = np.arange(1.0, 6.0), np.array([1.0, 2.0])

    def step(state, x):
        state[0] += x
        return state, {"whole": state, "part": state[:1]}

    def f(start):
        ys = gx.scan(step, start * 1.0, xs, checkpoint=checkpoint)[1]
        return ys["whole"][:, 0] + ys["part"][:, 0]

    wanted = 2.0 * (1.0 + np.cumsum(xs))
    np.testing.assert_array_equal(f(start), wanted)
    y, pullback = gx.backprop_with(f, start)
    np.testing.assert_array_equal(y, wanted)
    np.testing.assert_array_equal(pullback(np.arange(5.0)), [20.0, 0.0])
    np.testing.assert_array_equal(gx.jvp(f, (start,), (np.ones(2),))[1], 2.0 * np.ones(5))
    np.testing.assert_array_equal(gx.vmap(f)(np.stack([start, start])), [wanted, wanted])
