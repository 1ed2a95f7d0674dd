"""Threads and faults: many runs at once, and runs that end badly, leave no trace."""

import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import gradx as gx
from tests.core.samples import Net, same

W = np.linspace(-1.0, 1.0, 12).reshape(3, 4)
X = np.linspace(0.1, 0.9, 4)


def network(net, x):
    return np.sum(np.tanh(net.w @ x + net.b) ** 2) * net.rate


def first(k):
    net = Net(W * k, np.ones(3), 0.5 + k)
    return gx.grad(network)(net, X)


def second(k):
    return gx.grad(lambda x: x * gx.grad(lambda y: np.sin(y * x) * y)(k))(0.3)


def third(k):
    return gx.grad(gx.grad(gx.grad(lambda x: np.exp(np.sin(x) * k))))(0.5)


def crossed(k):
    _, pullback = gx.backprop_with(lambda x: np.sin(x) * k, X)
    return gx.grad_bp(lambda g: np.sum(pullback(g) * g), np.cos(X))


def mixed(k):
    return gx.grad_bp(lambda p: sum(p["a"]) * p["b"][0] * k, {"a": [1.0, k], "b": (2.0,)})


JOBS = [first, second, third, crossed, mixed]


@pytest.fixture
def tiny_switch_interval():
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


def test_many_threads_give_the_single_thread_results(tiny_switch_interval):
    keys = [(job, 0.1 * k) for k in range(8) for job in JOBS]
    alone = [job(k) for job, k in keys]
    start = threading.Barrier(8)

    def work(shift):
        start.wait()
        order = [(i + 5 * shift) % len(keys) for i in range(len(keys))] * 4
        return [(i, keys[i][0](keys[i][1])) for i in order]

    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(work, range(8)))
    wrong = [i for result in results for i, g in result if not same(g, alone[i])]
    assert wrong == []


def test_threads_inside_one_run(tiny_switch_interval):
    def f(xs):
        def work(i):
            y = xs[i]
            for _ in range(50):
                y = np.sin(y) + y * 0.5
            return y

        with ThreadPoolExecutor(6) as pool:
            return sum(pool.map(work, range(len(xs))))

    def alone(xs):
        total = 0.0
        for x in xs:
            y = x
            for _ in range(50):
                y = np.sin(y) + y * 0.5
            total = total + y
        return total

    xs = [0.1 * k for k in range(12)]
    wanted = gx.grad_bp(alone, xs)
    for _ in range(5):
        assert gx.grad_bp(f, xs) == wanted


def test_one_pullback_from_many_threads(tiny_switch_interval):
    _, pullback = gx.backprop_with(lambda x: np.sin(x) * x + x[0], X)
    seeds = [np.cos(X * k) for k in range(16)]
    alone = [pullback(seed) for seed in seeds]
    with ThreadPoolExecutor(8) as pool:
        for _ in range(5):
            assert all(map(np.array_equal, pool.map(pullback, seeds), alone))


def test_views_read_by_many_threads(tiny_switch_interval):
    def f(p):
        with ThreadPoolExecutor(8) as pool:
            return sum(pool.map(lambda i: p["a"][i % 3] * p["b"], range(24)))

    for _ in range(10):
        g = gx.grad_bp(f, {"a": (1.0, 2.0, 3.0), "b": 2.0})
        assert g == {"a": (16.0, 16.0, 16.0), "b": 48.0}


# ---- Faults --------------------------------------------------------------------------------------


def assert_sound():
    assert gx.grad(lambda x: x * gx.grad(lambda y: y * x)(1.0))(3.0) == 6.0
    assert gx.grad(gx.grad(np.sin))(0.0) == 0.0
    assert same(first(0.2), first(0.2))


@pytest.mark.parametrize("fault", [ValueError, KeyboardInterrupt, SystemExit, GeneratorExit])
@pytest.mark.parametrize("run", [gx.backprop, gx.grad_bp, gx.backprop_with])
def test_exceptions_pass_through_and_leave_nothing(run, fault):
    kept = []

    def f(x):
        kept.append(x)
        gx.grad(lambda y: kept.append(y) or y * x)(1.0)
        raise fault("stop")

    with pytest.raises(fault, match="stop"):
        run(f, 2.0)
    for v in kept:
        with pytest.raises(gx.EscapedVarError, match="had ended"):
            v * 2.0
    assert_sound()


def test_exceptions_in_an_inner_run_leave_the_outer_one_sound():
    def f(x):
        try:
            gx.grad(lambda y: y * x / 0)(1.0)
        except ZeroDivisionError:
            return x * gx.grad(lambda y: y * x)(1.0)

    assert gx.grad(f)(3.0) == 6.0
    assert_sound()


def test_exceptions_in_a_pullback_leave_nothing():
    def fail(g):
        raise ArithmeticError("in the pullback")

    bad = gx.lift(lambda x: (x, fail))
    with pytest.raises(ArithmeticError, match="in the pullback"):
        gx.grad(bad)(1.0)
    assert_sound()
    calls = []
    once = gx.lift(
        lambda x: (x * 2.0, lambda g: calls.append(g) or (fail(g) if len(calls) == 1 else g))
    )
    _, pullback = gx.backprop_with(once, 1.0)
    with pytest.raises(ArithmeticError):
        pullback(1.0)
    assert pullback(1.0) == 1.0


def test_generators_that_are_paused_and_closed():
    def steps(x):
        while True:
            x = x * 2.0
            yield x

    kept = []

    def f(x):
        generator = steps(x)
        kept.append(generator)
        return next(generator) + next(generator)

    assert gx.grad(f)(1.0) == 6.0
    kept[0].close()
    assert_sound()


def test_generators_of_two_runs_interleave():
    """Two runs that are open at once and take turns, neither inside the other."""
    results = {}

    def worker(name, turn, other):
        def f(x):
            y = x
            for k in range(5):
                turn.acquire()
                y = y * x + k * np.sin(y)
                other.release()
            return y

        results[name] = gx.grad(f)(0.7)

    a, b = threading.Semaphore(1), threading.Semaphore(0)
    threads = [
        threading.Thread(target=worker, args=("a", a, b)),
        threading.Thread(target=worker, args=("b", b, a)),
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    def alone(x):
        y = x
        for k in range(5):
            y = y * x + k * np.sin(y)
        return y

    assert results["a"] == results["b"] == gx.grad(alone)(0.7)


def test_a_deep_recursion_of_the_user_leaves_nothing():
    def f(x):
        return f(x * 1.0)

    with pytest.raises(RecursionError):
        gx.grad(f)(1.0)
    assert_sound()


def test_nested_runs_to_a_depth():
    def tower(n, x):
        return x if n == 0 else gx.grad(lambda y: y * y * 0.5 * tower(n - 1, x) / x)(x)

    assert np.isclose(gx.grad(lambda x: tower(12, x))(1.5), 1.0)
