"""The tape and the sweep: where it starts, what it touches, what it frees, who owns what."""

import gc
import threading
import tracemalloc
import weakref

import numpy as np
import pytest

import gradx as gx
from tests.core.samples import Plain, same

# ---- The sweep starts at the output (the Haskell library starts at the last entry) ---------------


def unused_comparison(x):
    y = x * x
    return y if y * 3.0 > 0.0 else 0.0


def constant_branch(x):
    return 7.0 if 2.0 * x < 0.0 else 2.0 * x


def early_result(x):
    a = 2.0 * x
    b = 3.0 * x
    return a if a > b else b


def list_computed_last(x):
    y = x * 2.0
    [x, y * 5.0]
    gx.join([x, y])
    return y


@pytest.mark.parametrize(
    ("f", "x", "gradient"),
    [
        (unused_comparison, 5.0, 10.0),
        (constant_branch, -1.0, 0.0),
        (constant_branch, 1.0, 2.0),
        (early_result, -1.0, 2.0),
        (early_result, 1.0, 3.0),
        (list_computed_last, 1.0, 2.0),
    ],
)
def test_the_sweep_starts_at_the_output(f, x, gradient):
    assert gx.grad(f)(x) == gradient
    assert gx.grad(lambda v: f(v) * 1.0)(x) == gradient


def test_a_constant_output_has_gradient_zero():
    for constant in (7.0, 7, np.float64(7.0), np.array(7.0), (1.0, 2.0), None, "text"):
        assert gx.grad_bp(lambda x, c=constant: c, 3.0) == 0.0
    assert same(gx.grad_bp(lambda x: np.ones(3), np.ones(2)), np.zeros(2))
    outer = gx.grad(lambda x: x * gx.grad(lambda y: x)(1.0))
    assert outer(3.0) == 0.0


def test_an_input_returned_unchanged_has_gradient_one():
    assert gx.grad(lambda x: x if x < 0 else x)(1.0) == 1.0  # noqa: RUF034
    assert gx.grad_bp(lambda x, y: y, 1.0, np.ones(2))[1].tolist() == [1.0, 1.0]
    assert same(gx.grad_bp(lambda p: p, Plain(2.0, [3.0])), Plain(1.0, [1.0]))
    assert same(gx.grad_bp(lambda p: p.y, Plain(2.0, [3.0])), Plain(0.0, [1.0]))
    assert same(gx.grad_bp(lambda p: (p, p.x), Plain(2.0, [3.0])), Plain(2.0, [1.0]))


def test_unused_inputs_have_gradient_zero():
    g = gx.grad_bp(lambda x, y, z: x * 2.0, 1.0, np.ones(2, np.float32), {"a": (1.0, None)})
    assert same(g, (2.0, np.zeros(2, np.float32), {"a": (0.0, None)}))


def test_only_nodes_on_the_way_are_pulled_through():
    pulled = []

    def spy(name):
        def fn(x):
            return x * 1.0, lambda g: pulled.append(name) or g

        return gx.lift(fn)

    used, unused = spy("used"), spy("unused")

    def f(x, y):
        unused(x)
        unused(y)
        return used(x) + gx.value(unused(y))

    gx.grad_bp(f, 1.0, 2.0)
    assert pulled == ["used"]


def test_each_node_is_pulled_through_once():
    pulled = []
    spy = gx.lift(lambda x: (x * 1.0, lambda g: pulled.append(g) or g))

    def f(x):
        y = spy(x)
        return y * y + 3.0 * y

    assert gx.grad(f)(2.0) == 7.0
    assert pulled == [7.0]


def test_a_diamond_adds_both_ways():
    def f(x):
        y = np.sin(x)
        return np.sum(y * y[::-1] + y * 3.0)

    x = np.array([0.3, 0.4, 0.5])
    wanted = (2.0 * np.sin(x)[::-1] + 3.0) * np.cos(x)
    assert np.allclose(gx.grad(f)(x), wanted)


# ---- Length --------------------------------------------------------------------------------------


def test_a_million_ops_need_no_recursion_and_little_memory():
    def f(x):
        for _ in range(1_000_000):
            x = x * 1.000001
        return x

    assert np.isclose(gx.grad(f)(1.0), np.e, rtol=1e-5)


def test_the_sweep_frees_what_it_has_used():
    """A chain of arrays: the cotangents are not all alive at once."""

    def f(x):
        for _ in range(200):
            x = x + 1.0  # keeps no operand
        return np.sum(x)

    x = np.ones(20_000)
    tracemalloc.start()
    try:
        gx.grad(f)(x)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 20 * x.nbytes


def test_a_long_chain_of_records():
    def f(p):
        for _ in range(2_000):
            p = (p[0] + p[1] * 0.001, p[1])
        return p[0]

    g = gx.grad_bp(f, (1.0, 2.0))
    assert g[0] == 1.0 and np.isclose(g[1], 2.0)


def test_a_deeply_nested_result_needs_no_recursion():
    def f(x):
        linked = ()
        for _ in range(5_000):
            linked = (x, linked)
        return linked

    assert gx.grad_bp(f, 1.0) == 5_000.0


# ---- Ownership -----------------------------------------------------------------------------------


def frozen(x):
    x = np.array(x)
    x.flags.writeable = False
    return x


FUNCTIONS = {
    "identity": lambda x, y: (x, y),
    "sum": lambda x, y: x + y,
    "difference": lambda x, y: x - y - y,
    "fan-out": lambda x, y: x * x + x + x + y,
    "views": lambda x, y: x[0] + x[::-1] + x.reshape(3, 1) + y[1:2],
    "transposed": lambda x, y: (x[None].T, x.ravel(), y.reshape(3, 1)),
    "broadcast": lambda x, y: np.broadcast_to(x, (2, 3)) + y,
    "twice in a pair": lambda x, y: ((x, x), {"k": y, "l": y}),
    "negated": lambda x, y: +x - (-y),
    "concatenated": lambda x, y: np.concatenate([x, y, x]),
}


@pytest.mark.parametrize("kind", FUNCTIONS)
def test_gradients_alias_neither_each_other_nor_inputs(kind):
    x, y = frozen([1.0, 2.0, 3.0]), frozen([4.0, 5.0, 6.0])
    result, pullback = gx.backprop_with(FUNCTIONS[kind], x, y)
    seed = gx.one(result)
    before = [gx.add(seed, gx.zero(seed)), x.copy(), y.copy()]
    first, second = pullback(seed), pullback(seed)
    arrays = [*first, *second]
    assert not any(np.shares_memory(a, b) for a in arrays for b in arrays if a is not b)
    assert not any(np.shares_memory(a, b) for a in arrays for b in (x, y))
    for g in arrays:
        assert g.flags.writeable
        g += 100.0
    assert same([seed, x, y], before)
    assert same(pullback(seed), tuple(g - 100.0 for g in first))


returning = gx.lift(lambda x: (x, lambda g: g))
keeping = gx.lift(lambda x: (np.sum(x), lambda g: x))
pairing = gx.lift(lambda x, y: (x + y, lambda g: (g, g)))
viewing = gx.lift(lambda x: (x[::-1], lambda g: g[::-1]))


@pytest.mark.parametrize(
    ("f", "wanted"),
    [
        (lambda x, y: returning(x) + returning(y), (1.0, 1.0)),
        (lambda x, y: (returning(returning(x)), y), (1.0, 1.0)),
        (lambda x, y: keeping(x) + keeping(y) + keeping(x), None),
        (lambda x, y: pairing(x, y), (1.0, 1.0)),
        (lambda x, y: pairing(pairing(x, y), x), (2.0, 1.0)),
        (lambda x, y: viewing(x) + y, (1.0, 1.0)),
    ],
)
def test_user_ops_that_return_their_argument_do_no_harm(f, wanted):
    x, y = frozen([1.0, 2.0]), frozen([3.0, 4.0])
    gx_, gy = gx.grad_bp(f, x, y)
    assert not np.shares_memory(gx_, gy)
    assert not any(np.shares_memory(a, b) for a in (gx_, gy) for b in (x, y))
    gx_ += 1.0
    gy += 1.0
    assert same((x, y), (np.array([1.0, 2.0]), np.array([3.0, 4.0])))
    if wanted is None:
        assert same((gx_, gy), (2.0 * x + 1.0, y + 1.0))
    else:
        assert same((gx_, gy), (np.full(2, wanted[0] + 1.0), np.full(2, wanted[1] + 1.0)))


def test_gradients_within_a_record_do_not_alias():
    w = frozen([1.0, 2.0])
    g = gx.grad_bp(lambda p: p.x + p.y[0] + p.y[1], Plain(w, (w, w)))
    parts = [g.x, *g.y]
    assert not any(np.shares_memory(a, b) for a in parts for b in parts if a is not b)


def test_the_cotangent_that_a_rule_gets_is_not_written_to_later():
    seen = []
    spy = gx.lift(lambda x: (x * 1.0, lambda g: seen.append((g, np.array(g))) or g))

    def f(x):
        y = spy(x)
        return np.sum(y * 2.0 + spy(x) + x * 3.0 + x)

    gx.grad(f)(np.ones(3))
    assert seen and all(np.array_equal(g, then) for g, then in seen)


# ---- Pullbacks -----------------------------------------------------------------------------------


def test_a_pullback_is_reusable():
    y, pullback = gx.backprop_with(lambda x, y: x * y, 3.0, np.array([1.0, 2.0]))
    assert same(y, np.array([3.0, 6.0]))
    ones = np.ones(2)
    assert same(pullback(ones), (3.0, np.array([3.0, 3.0])))
    assert same(pullback(2.0 * ones), (6.0, np.array([6.0, 6.0])))
    assert same(pullback(ones), (3.0, np.array([3.0, 3.0])))


def test_a_pullback_is_closed_for_recording():
    kept = []
    _, pullback = gx.backprop_with(lambda x: kept.append(x) or x * x, 3.0)
    with pytest.raises(gx.EscapedVarError):
        kept[0] + 1.0
    assert pullback(1.0) == 6.0


# ---- Memory --------------------------------------------------------------------------------------


@pytest.fixture
def without_collector():
    gc.collect()
    gc.disable()
    yield
    gc.enable()


def network(p):
    hidden = np.tanh(p["w"] @ p["x"] + p["b"][0])
    return np.sum(hidden * hidden[::-1])


def parameters():
    return {"w": np.ones((3, 2)), "x": np.ones(2), "b": (np.ones(3), 1.0)}


RUNS = {
    "backprop": lambda: gx.backprop(network, parameters()),
    "grad": lambda: gx.grad(network)(parameters()),
    "backprop_with": lambda: gx.backprop_with(network, parameters())[1](1.0),
    "nested": lambda: gx.grad(gx.grad(lambda x: np.sin(x) * x))(2.0),
    "user op": lambda: gx.grad(lambda x: keeping(returning(x)))(np.ones(2)),
    "record": lambda: gx.grad_bp(lambda p: Plain(p.x * 2.0, [p.y]), Plain(1.0, 2.0)),
}


@pytest.mark.parametrize("kind", RUNS)
def test_runs_leave_no_reference_cycles(kind, without_collector):
    RUNS[kind]()
    gc.collect()
    for _ in range(3):
        RUNS[kind]()
    assert gc.collect() == 0


def test_arrays_die_with_their_run(without_collector):
    alive = []

    def f(x):
        y = np.exp(x)
        z = np.sin(y) * y
        alive.extend([weakref.ref(gx.value(y)), weakref.ref(gx.value(z))])
        return np.sum(z)

    g = gx.grad(f)(np.ones(3))
    assert g.shape == (3,) and [ref() for ref in alive] == [None, None]


def test_arrays_die_during_the_sweep(without_collector):
    """When the first op is pulled through, what the later ones kept is gone."""
    alive, seen = [], []
    spy = gx.lift(lambda x: (x * 1.0, lambda g: seen.append(alive[0]() is None) or g))

    def f(x):
        y = np.exp(spy(x))
        alive.append(weakref.ref(gx.value(y)))
        return np.sum(y)

    gx.grad(f)(np.ones(3))
    assert seen == [True]


def test_arrays_live_as_long_as_the_pullback(without_collector):
    alive = []

    def f(x):
        y = np.exp(x)
        alive.append(weakref.ref(gx.value(y)))
        return np.sum(y)

    _, pullback = gx.backprop_with(f, np.ones(3))
    assert alive[0]() is not None and same(pullback(1.0), np.exp(np.ones(3)))
    del pullback
    assert alive[0]() is None


def test_what_the_function_lets_go_of_is_freed_at_once(without_collector):
    alive = []

    def f(x):
        y = x + 1.0  # its rule keeps nothing
        alive.append(weakref.ref(gx.value(y)))
        z = y + 1.0
        del y
        alive.append(alive[0]() is None)
        return np.sum(z)

    gx.grad(f)(np.ones(3))
    assert alive[1] is True


# ---- Escaped variables ---------------------------------------------------------------------------

ESCAPED = r"a variable that holds a {kind} was used after run \d+, which made it, had ended; return"


def escaped(x, f=lambda v: v):
    kept = []
    gx.grad_bp(lambda v: kept.append(f(v)) or 1.0, x)
    return kept[0]


USES = {
    "operator": (2.0, lambda v: v + 1.0, "float"),
    "reflected": (2.0, lambda v: 1.0 - v, "float"),
    "unary": (2.0, lambda v: -v, "float"),
    "function": (np.ones(2), np.exp, "ndarray"),
    "item": (np.ones(2), lambda v: v[0], r"\w+"),
    "other run": (2.0, lambda v: gx.grad(lambda x: x * v)(1.0), "float"),
    "input": (2.0, gx.grad(lambda x: x * x), "float"),
    "returned": (2.0, lambda v: gx.grad(lambda x: v)(1.0), "float"),
    "returned in a tuple": (2.0, lambda v: gx.grad_bp(lambda x: (x, v), 1.0), "float"),
    "item of a tuple": ((1.0, 2.0), lambda v: v[0] * 2.0, "float"),
    "field": (Plain(1.0, 2.0), lambda v: v.x + v.y, "float"),
    "field, in an input": (Plain(1.0, 2.0), gx.grad(lambda p: p.x * p.y), "float"),
    "split": ((1.0, 2.0), lambda v: sum(gx.split(v)), "float"),
    "join": ((1.0, 2.0), gx.join, "float"),
    "iteration": ({"a": 1.0}, lambda v: [x * x for x in v.values()], "float"),
    "user op": (2.0, returning, "float"),
    "user op on a tuple": ((1.0, 2.0), lambda v: returning(v), "float|tuple"),
    "set": ((1.0, 2.0), lambda v: gx.set(gx.lens(tuple)[0], 3.0, v)[1] * 2.0, "float"),
}


@pytest.mark.parametrize("kind", USES)
def test_escaped_variables_raise(kind):
    x, use, shown = USES[kind]
    with pytest.raises(gx.EscapedVarError, match=ESCAPED.format(kind=f"({shown})")):
        use(escaped(x))


def test_the_error_says_what_to_do():
    with pytest.raises(gx.EscapedVarError, match=r"keep its plain value with gx\.value\(v\)"):
        escaped(2.0) * 2.0
    assert gx.value(escaped(2.0)) == 2.0
    assert repr(escaped(2.0)) == "BVar(2.0)"


def test_closures_escape():
    with pytest.raises(gx.EscapedVarError):
        escaped(2.0, lambda v: lambda: v * 2.0)()


def test_generators_escape():
    def items(x):
        yield x
        yield x * 2.0

    paused = escaped(2.0, lambda x: items(x))
    next(paused)
    with pytest.raises(gx.EscapedVarError):
        next(paused)


def test_inner_runs_escape():
    def f(x):
        inner = []
        gx.grad(lambda y: inner.append(y * x) or y * x)(1.0)
        return inner[0] * x

    with pytest.raises(gx.EscapedVarError, match=ESCAPED.format(kind="float")):
        gx.grad(f)(2.0)


def test_threads_that_outlive_the_run_escape():
    raised, ended = [], threading.Event()

    def work(v):
        ended.wait()
        try:
            v + 1.0
        except gx.EscapedVarError as error:
            raised.append(error)

    def f(x):
        thread = threading.Thread(target=work, args=(x,))
        thread.start()
        threads.append(thread)
        return x * x

    threads = []
    assert gx.grad(f)(3.0) == 6.0
    ended.set()
    threads[0].join()
    assert len(raised) == 1
