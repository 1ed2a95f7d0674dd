"""The sweep in C leaves nothing behind, writes into what is its own, and can be interrupted."""

import dataclasses
import gc
import itertools
import signal
import sys
import threading
import weakref

import numpy as np
import pytest

import gradx as gx
from gradx.core.cotangent import (
    KEEPS_STRUCTURE,
    SHARED_PULLBACK,
    Structured,
    dense,
    node_of,
    picked,
)
from gradx.core.linear import negated, passed
from gradx.native import native
from gradx.ops.scaling import divided, scaled
from gradx.reverse import backward
from gradx.reverse.run import run_on
from gradx.reverse.tape import InputNode
from tests.native.native import bits, blocks_kept, only_native

pytestmark = only_native
N = 1 << 14  # numbers of an array that is large enough to be written in place


# ---- Nothing is left behind ----------------------------------------------------------------------


def raising(error):
    def pull(g):
        raise error

    return pull


def op_with(pull, n=1):
    """A function of n arrays with a pullback."""
    maker = {1: gx.op1, 2: gx.op2}[n]
    lift = {1: gx.lift_op1, 2: gx.lift_op2}[n]
    return lift(maker(lambda *xs: (sum(xs), pull)))


def ruled(pull):
    """A function of an array with a rule, which nobody checks."""
    return gx.lift_op1(gx.Op("ruled", lambda x: x + 0.0, pull))


class Bad(Structured):
    def dense(self):
        raise ArithmeticError

    merged = dense


FAILURES = {
    "rule": ruled(lambda g: 1 // 0),
    "interrupt": ruled(raising(KeyboardInterrupt)),
    "shape": ruled(lambda g: np.ones(7)),
    "type": ruled(lambda g: "text"),
    "structured": ruled(lambda g: Bad()),
    "pullback": op_with(raising(ArithmeticError)),
    "number": lambda x: op_with(lambda g: (g,), 2)(x, x * 2.0),
    "mismatch": lambda x: op_with(lambda g: (g, np.ones(7)), 2)(x, x * 2.0),
}


@pytest.mark.parametrize("failure", FAILURES)
def test_an_error_in_the_middle_leaves_nothing_behind(failure):
    failing = FAILURES[failure]
    x, w = np.ones(3), np.ones((3, 3))

    def f(x, w):
        y = np.exp(x) * 2.0
        z = failing(y)
        return np.sum((w @ z) * y / 3.0 + z) + np.sum(np.tanh(y) @ w)

    _, pullback = gx.backprop_with(f, x, w)
    seed = np.float64(1.0)

    def sweep():
        with pytest.raises((TypeError, ValueError, ArithmeticError, KeyboardInterrupt)):
            pullback(seed)

    before = [sys.getrefcount(each) for each in (x, w, seed)]
    assert blocks_kept(sweep, 100) < 0.5
    assert [sys.getrefcount(each) for each in (x, w, seed)] == before


@dataclasses.dataclass
class Layer:
    w: np.ndarray
    b: np.ndarray
    s: float


@gx.lift
def halves(x):
    """An op of several results, whose cotangents are merged leaf by leaf."""
    return {"a": x * 0.5, "b": x * 0.25}, lambda g: 0.5 * g["a"] + 0.25 * g["b"]


@pytest.mark.parametrize("n", [3, 200])
def test_a_sweep_leaves_nothing_behind(n):
    def f(layer, pairs):
        y = 1 / (1 + np.exp(-(layer.w @ pairs["x"] + layer.b)))
        y = y - np.log(y + 1.0) * layer.s + pairs["z"][0] * 2.0
        both = halves(y)
        y = y + both["a"] * both["b"] - both["a"]
        return np.sum(y * y / (y + y)) + np.sum(y @ layer.w) + y @ y - np.dot(pairs["x"], y)

    layer = Layer(np.full((n, n), 0.01), np.ones(n), 0.5)
    pairs = {"x": np.linspace(0, 1, n), "z": (2.0, np.ones(3))}
    held = [layer.w, layer.b, pairs["x"]]
    before = [sys.getrefcount(each) for each in held]
    assert blocks_kept(lambda: gx.grad_bp(f, layer, pairs), 100) < 0.5
    assert [sys.getrefcount(each) for each in held] == before


def test_edges_that_are_none():
    node = InputNode()
    nodes = [
        *(3, "text", (), (1, 2, 3), (node, passed, (), None), [3], [(node,)], {}, object()),
        (node, passed, (), None, None, None),
        *(
            (*edge, None)
            for edge in (
                *((node, passed, None, None), (node, passed, [], None), (node, scaled, (), None)),
                *((node, scaled, (1.0, 2.0), None), (node, None, (), None)),
                *((node, passed, (3.0,), None), (node, passed, (), 3), (node, passed, (), (1, 2))),
                *((node, negated, (2.0,), None), (node, divided, (), None)),
                *(
                    (SHARED_PULLBACK, passed, (), None),
                    (SHARED_PULLBACK, passed, (), ()),
                    (SHARED_PULLBACK, passed, (), (1, 2)),
                ),
                *(
                    (SHARED_PULLBACK, lambda g: g, (), ([node], [None])),
                    (SHARED_PULLBACK, lambda g: [g], (), ([], [])),
                ),
                *((node, picked, (), KEEPS_STRUCTURE), (node, picked, (1.0,), KEEPS_STRUCTURE)),
            )
        ),
    ]

    def sweep():
        for wrong in nodes:
            with pytest.raises((TypeError, ValueError)):
                native.sweep([wrong], {id(wrong): 1.0})

    assert blocks_kept(sweep, 30) < 0.5


def test_arguments_that_are_none():
    node = InputNode()
    for args, error in (
        ((), TypeError),
        (([],), TypeError),
        (([], 1), TypeError),
        (([], [(1, 1.0)]), TypeError),
        ((3, {id(node): 1.0}), TypeError),
        (([], {"id": 1.0}), TypeError),
        (([], {5: 1.0, "id": 1.0}), TypeError),
        (([], {1 << 80: 1.0}), OverflowError),
        (([], {0: 1.0}), ValueError),
    ):
        with pytest.raises(error):
            native.sweep(*args)

    def breaks():
        yield (node, passed, (), None, None)
        raise ArithmeticError

    with pytest.raises(ArithmeticError):
        native.sweep(breaks(), {id(node): 1.0})
    assert native.sweep([], {id(node): None}) == {id(node): None}
    assert native.sweep([], {}) == {}
    assert native.sweep([None, node], {5: "seed", 6: 2.0}) == {5: "seed", 6: 2.0}
    seeds = {5: 1.0}
    assert native.sweep([], seeds) == {5: 1.0} and seeds == {}  # they are used up


@pytest.mark.parametrize("n", [1, 2, 63, 64, 65, 1000, 5000])
def test_as_many_cotangents_as_there_are(n):
    inputs = [InputNode() for _ in range(n)]
    wide = node_of([(node, scaled, (float(i),), None, None) for i, node in enumerate(inputs)])
    chain, node = [], wide
    for _ in range(3):
        node = (*(node, passed, (), None, None), *(inputs[0], passed, (), None, None))
        chain.append(node)
    nodes = [*reversed(chain), wide]
    seeds = {id(nodes[0]): 2.0, id(wide): 0.5}
    assert native.sweep(nodes, dict(seeds)) == backward.sweep(nodes, dict(seeds))


# ---- In place ------------------------------------------------------------------------------------


def swept_both(f, *xs, seed=None):
    """A function's gradients by the sweep in C, after a look at whether Python's are the same."""
    run = run_on(f, xs, {})
    seeds = dict(zip(run.outputs, run.ones() if seed is None else [seed], strict=True))
    nodes = list(reversed(run.nodes))
    mine, theirs = (s(nodes, dict(seeds)) for s in (native.sweep, backward.sweep))
    assert mine.keys() == theirs.keys()
    for key, g in mine.items():
        assert bits(dense(g)) == bits(dense(theirs[key]))
    return [mine.get(id(node)) for node in run.leaves]


DUPLICATES = {
    "square": lambda x: x * x,
    "double": lambda x: x + x,
    "zero": lambda x: x - x,
    "one": lambda x: x / x,
    "twice": lambda x: (y := x * 3.0) * y + y,
    "sum": lambda x: np.sum(x * x) * x,
    "minus": lambda x: -x - (-x) * x,
    "same cotangent": lambda x: (x * 2.0 + x * 3.0) * (x + x),
    "transposed": lambda x: x.reshape(128, -1).T * 2.0 + x.reshape(-1, 128),
    "view": lambda x: x[::-1] * x + x[0],
}


@pytest.mark.parametrize("f", DUPLICATES.values(), ids=DUPLICATES)
@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.float16, np.longdouble, complex])
def test_operands_that_stand_twice(f, dtype, rng):
    x = rng.uniform(0.5, 1.5, size=N).astype(dtype)
    before = x.copy()
    with np.errstate(over="ignore"):  # of the sum of so many short numbers
        swept_both(f, x)
    assert bits(x) == bits(before)


@pytest.mark.parametrize("n", [3, 12])  # with short arrays, and with longer ones
def test_sums_lie_in_memory_as_without_the_c_code(n, rng):
    """Of what lies in several ways: in what order it is summed later follows from that."""
    perms = list(itertools.permutations(range(3)))
    weights = [np.transpose(rng.normal(size=(n, n, n)), perm) for perm in perms]
    for several in itertools.product(range(6), repeat=3):
        a, b, c = (weights[i] for i in several)
        run = run_on(lambda x, a=a, b=b, c=c: np.sum(x * a + x * b + x * c), [weights[0]], {})
        seeds = dict(zip(run.outputs, run.ones(), strict=True))
        nodes, key = list(reversed(run.nodes)), id(run.leaves[0])
        mine, theirs = (s(nodes, dict(seeds))[key] for s in (native.sweep, backward.sweep))
        assert mine.strides == theirs.strides and bits(mine) == bits(theirs)


def test_the_seed_and_what_looks_at_it_stay():
    y, pullback = gx.backprop_with(lambda x: -(-x * 2.0) / 3.0 + (-x), np.ones(N))
    for seed in (np.ones(N), np.ones(2 * N)[::2], np.ones((N, 1))[:, 0], np.broadcast_to(1.0, N)):
        look = memoryview(seed)
        first = pullback(seed)
        assert bits(pullback(seed)) == bits(first)
        assert (seed == 1.0).all() and look[3] == 1.0
    assert (y == y[0]).all()


def test_a_pullback_that_keeps_its_cotangent():
    kept, looks = [], []

    def keeping(g):
        kept.append(g)
        looks.append((weakref.ref(g), memoryview(g), g[:]))
        return g

    f = op_with(keeping)
    gx.grad_bp(lambda x: f(-f(-f(x * 2.0)) * 3.0), np.ones(N))
    assert [g[0] for g in kept] == [1.0, -3.0, 3.0]
    for g, (reference, memory, view) in zip(kept, looks, strict=True):
        assert reference() is g and memory[N - 1] == view[0] == g[0] and (g == g[0]).all()


def test_a_pullback_that_returns_what_it_keeps():
    kept = np.ones(N)
    for given in (kept, kept[:], kept[::-1], kept.reshape(1, N)[0]):
        f = op_with(lambda g, given=given: given)
        pair = op_with(lambda g, given=given: (given, given), 2)
        gx.grad_bp(lambda x, f=f: f(-x * 2.0) + f(-(0.0 - x)), np.ones(N))
        gx.grad_bp(lambda x, f=pair: f(-x * 2.0, x / 3.0) + f(-x, -x), np.ones(N))
        assert (kept == 1.0).all()


def test_a_pullback_that_writes_into_its_cotangent_in_place():
    """Against the rules, but no reason for other gradients to change."""

    def writing(g):
        g = g.copy()
        g *= 2.0
        return g

    f = op_with(writing)
    assert gx.grad_bp(lambda x: f(x) + x, np.ones(N))[0] == 3.0


def test_gradients_do_not_share_memory():
    both = gx.grad_bp(lambda x, y: (x + y) + (x - y) * 1.0 + x.T, np.ones((128, 128)), np.ones(128))
    again = gx.grad_bp(lambda d: (d["a"] + d["b"], d["b"]), {"a": np.ones(N), "b": np.ones(N)})
    assert not np.shares_memory(*both) and not np.shares_memory(again["a"], again["b"])


def test_numbers_repeated_are_summed_as_numpy_sums(rng):
    for order in "CF":
        a = np.asarray(rng.normal(size=(300, 40)), order=order)
        (g,) = swept_both(lambda x, a=a: (x * a) * a, 2.0)
        assert g == np.add.reduce(a * a, axis=None)


# ---- Interrupts, other runs ----------------------------------------------------------------------


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="there is no timer here")
def test_a_sweep_can_be_interrupted():
    if threading.current_thread() is not threading.main_thread():
        pytest.skip("signals go to another thread")

    class Time(Exception):
        pass

    def stop(*_):
        raise Time

    node = (InputNode(), scaled, (1.0,), None, None)
    before = signal.signal(signal.SIGALRM, stop)
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.05)
        with pytest.raises(Time):
            native.sweep(itertools.repeat(node), {id(node): 1.0})  # it has no end
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0.0)
        signal.signal(signal.SIGALRM, before)


def test_a_rule_may_sweep():
    def pull(g):
        inner = gx.grad(lambda x: np.sum(np.exp(x) * x) + 1 / (1 + x[0]))(np.full(3, 0.5))
        return g * inner

    f = op_with(pull)
    x = np.full(3, 0.2)
    g = gx.grad_bp(lambda x: f(f(x) * 2.0) + f(x), x)
    h = gx.grad(lambda x: np.sum(np.exp(x) * x) + 1 / (1 + x[0]))(np.full(3, 0.5))
    np.testing.assert_allclose(g, 2.0 * h * h + h)


def test_threads_sweep_one_tape(rng):
    x = rng.normal(size=(60, 60))
    _, pullback = gx.backprop_with(lambda x: np.sum(np.tanh(x @ x) * x / (1 + x * x)), x)
    wanted, found = bits(pullback(1.0)), []

    def work():
        found.extend(bits(pullback(1.0)) for _ in range(20))

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 80 and all(each == wanted for each in found)


# ---- Long tapes and the collector ----------------------------------------------------------------


def test_the_collector_is_told_nothing_of_plain_nodes():
    x, y = np.ones(3), 0.5

    def f(x, y):
        for _ in range(20):
            x = np.exp(-x) * 0.5 + y - x / 2.0 + 1 / (1 + x @ x)
            y = y * y * 0.1 + 0.1 / (1 + y)
        nodes.extend(x._run.nodes[1:])
        return np.sum(x)

    nodes: list = []
    gx.backprop_with(f, x, y)
    assert len(nodes) > 100 and not any(map(gc.is_tracked, nodes))


@pytest.mark.parametrize(
    ("f", "gradient"), [(lambda x: x * x * x, 12.0), (lambda x: x * x + x * x, 8.0)]
)
def test_the_collector_knows_the_nodes_of_what_it_knows(f, gradient):
    class Number:
        """A number that can have attributes, and so be part of a cycle."""

        def __init__(self, value):
            self.value = value

        def __add__(self, other):
            return Number(self.value + other.value) if isinstance(other, Number) else NotImplemented

        def __mul__(self, other):
            if not isinstance(other, (Number, int, float)):
                return NotImplemented
            return Number(self.value * getattr(other, "value", other))

        __rmul__ = __mul__

    gx.register_number(Number, zero=Number(0.0), one=Number(1.0))
    number = Number(2.0)
    dead = weakref.ref(number)
    y, pullback = gx.backprop_with(f, number)
    assert pullback(Number(1.0)).value == gradient
    number.pullback, y.pullback = pullback, pullback  # a cycle through the nodes
    del number, y, pullback
    gc.collect()
    assert dead() is None


@pytest.mark.parametrize(
    "f", [lambda w: w * w, lambda w: np.exp(w), lambda w: w * w + 1.0, lambda w: w - w * w]
)
def test_values_of_an_outer_run_can_be_in_a_cycle(f):
    class Holder:
        inner = None

    dead = []

    def outer(x):
        holder = Holder()
        dead.append(weakref.ref(holder))
        # The node of z holds on to the rule, and that to the nodes of the inner run.
        z = gx.lift_op1(gx.op1(lambda x: (x * 2.0, lambda g: g * 2.0 if holder else g)))(x)
        holder.inner = gx.backprop_with(lambda y: f(y * z), np.ones(2))
        return holder.inner[0]

    gx.backprop_with(outer, np.ones(2))
    gc.collect()
    assert dead[0]() is None


@pytest.mark.parametrize("x", [1.0, np.ones(2)], ids=["number", "array"])
def test_a_long_tape_goes_without_recursion(x):
    def f(x):
        y = x
        for _ in range(60_000):
            x = x * 1.000001
            y = y + x
        return np.sum(x + y)

    _, pullback = gx.backprop_with(f, x)
    g = pullback(1.0)
    assert np.all(g > 60_000)
    del pullback
    gc.collect()
