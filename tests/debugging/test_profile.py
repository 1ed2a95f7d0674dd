"""`gx.profile`: time and bytes by op and by line."""

import time

import numpy as np
import pytest

import gradx as gx
from gradx.debugging.profile import Cost, Profile
from tests.debugging.samples import net, output, recurrent


def test_the_large_product_costs_most():
    w, x = np.ones((700, 700)), np.ones((700, 20))

    def f(w):
        y = w @ x
        return np.sum(np.tanh(y[:2]))

    costs = gx.profile(f, w)
    top = costs.rows[0]
    assert top.op == "matmul"
    assert top.place.text == "y = w @ x"
    assert top.forward > 0
    assert top.backward > 0
    assert top.total == top.forward + top.backward > costs.rows[-1].total
    assert (top.calls, top.results, top.cotangents) == (1, 700 * 20 * 8, 700 * 700 * 8)
    assert costs.forward == pytest.approx(sum(row.forward for row in costs.rows))
    assert costs.backward == pytest.approx(sum(row.backward for row in costs.rows))


def test_calls_are_added_up_by_op_and_line():
    costs = gx.profile(lambda w: recurrent(w, np.ones(3), 5), np.eye(3))
    assert sorted((row.op, row.calls) for row in costs.rows) == [
        *(("matmul", 5), ("sum_of_all", 1), ("tanh", 5)),
    ]
    tanh = next(row for row in costs.rows if row.op == "tanh")
    assert (tanh.results, tanh.kept) == (5 * 24, 5 * 24)
    lines = {(row.op, row.place.text): row.calls for row in costs.by_line()}
    assert lines == {("", "x = np.tanh(w @ x)"): 10, ("", "return np.sum(x)"): 1}
    assert all(row.place is None for row in costs.by_op())
    assert sum(row.calls for row in costs.by_op()) == 11


def test_the_text_of_a_profile():
    text = str(gx.profile(output, net(), np.ones(3)))
    whole, by_op, by_line = text.split("\n\n")
    assert whole.startswith("forward ")
    assert whole.endswith(" B kept")
    assert by_op.splitlines()[0].split() == [
        *("total", "share", "forward", "backward", "calls", "results", "kept", "cotangents"),
        *("op", "line"),
    ]
    assert by_line.splitlines()[0].endswith("line           source")
    assert "x = np.tanh(layer.w @ x + layer.b)" in by_line


def test_the_units_and_the_cut():
    costs = [Cost(f"op{k}", None, 1, 2.0 / 10**k, 0.0, 0, 0, 0) for k in range(50)]
    text = str(Profile(reversed(costs)))
    lines = text.split("\n\n")[1].splitlines()
    assert lines[1].split()[:3] == ["2.00", "s", "90%"]
    assert lines[2].split()[:2] == ["200.0", "ms"]
    assert lines[5].split()[:2] == ["200.0", "µs"]
    assert lines[-1] == "… and 10 more: see .rows"


def test_a_users_op_is_done_once_and_timed():
    calls = []

    @gx.lift
    def slow(x):
        calls.append(x)
        time.sleep(0.02)
        return x * 2.0, lambda g: g * 2.0

    costs = gx.profile(lambda x: slow(x) * 3.0, 1.0)
    assert calls == [1.0]
    assert costs.rows[0].op == "slow"
    assert 0.02 <= costs.rows[0].forward < 1.0


def test_writes_are_profiled_backward():
    def f(x):
        y = np.zeros_like(x)
        y[1:] = x[1:] ** 2
        return np.sum(y)

    put = next(row for row in gx.profile(f, np.ones(100)).rows if row.op == "put")
    assert put.forward == 0.0
    assert put.backward > 0.0


def test_the_function_runs_once_and_nested_runs_work():
    calls = []

    def f(x):
        calls.append(1)
        return np.sum(gx.grad(lambda y: np.sum(y**3))(x) * x)

    costs = gx.profile(f, np.ones(3))
    assert calls == [1]
    assert costs.backward > 0


def test_there_must_be_inputs():
    with pytest.raises(TypeError, match="there are no inputs to follow; pass them after the func"):
        gx.profile(lambda: 1.0)
