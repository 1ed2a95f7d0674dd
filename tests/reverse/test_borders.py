"""What crosses the borders of a run: results, operands, cotangents, variables of other runs."""

import collections
import functools
import sys
import threading
import types
import weakref
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

import gradx as gx
from gradx.core.naming import ufunc_name


class Holder:
    """An object with an attribute; registered as static."""

    def __init__(self, a):
        self.a = a

    def method(self):
        return self.a


class Slotted:
    __slots__ = ("a", "never_set")

    def __init__(self, a):
        self.a = a


class Unknown(Holder):
    pass


class Whole(Holder):
    """Registered with an addition of its own and with a part."""


@dataclass
class Record:
    w: Any
    config: Any = gx.static(default=None)  # noqa: RUF009


class Weights(list):
    pass


@pytest.fixture(autouse=True)
def registered():
    gx.register_static(Holder)
    gx.register_static(Slotted)
    gx.register(
        Whole,
        children=("a",),
        zero=lambda m: Whole(0.0),
        add=lambda x, y: Whole(x.a + y.a),
        one=lambda m: Whole(1.0),
    )


def with_attribute(v):
    weights = Weights([1.0])
    weights.note = Holder(v)
    return weights


KEPT = []


def kept(v):
    KEPT.append(Holder(v))
    return weakref.ref(KEPT[-1])


# ---- Variables inside objects --------------------------------------------------------------------

HIDING = {
    "attribute": (Holder, r"{}, of type Holder, holds a variable \(at \.a\)"),
    "slot": (Slotted, r"{}, of type Slotted, holds a variable \(at \.a\)"),
    "object in an object": (lambda v: Holder(Holder(v)), r"\(at \.a\.a\)"),
    "list in an object": (lambda v: Holder([0, v]), r"\(at \.a\[1\]\)"),
    "dict in an object": (lambda v: Holder({"k": (v,)}), r"\(at \.a\['k'\]\[0\]\)"),
    "deque in an object": (lambda v: Holder(collections.deque([v])), r"\(at \.a\[0\]\)"),
    "record in an object": (lambda v: Holder(Record(v)), r"\(at \.a\.w\)"),
    "object array": (lambda v: Holder(objects(v)), r"\(at \.a\[0\]\)"),
    "set": (lambda v: {Holder(v)}, r"of type set, .* \(at \(a member\)\.a\)"),
    "frozenset": (lambda v: frozenset([Holder(v)]), r"of type frozenset, .*\.a\)"),
    "partial": (lambda v: functools.partial(np.add, v), r"of type partial, .* \(at \.args\[0\]\)"),
    "partial, keyword": (lambda v: functools.partial(dict, k=v), r"\(at \.keywords\['k'\]\)"),
    "bound method": (lambda v: Holder(v).method, r"of type method, .* \(at \.__self__\.a\)"),
    "method of a variable": (lambda v: v.__add__, r"of type method.*__self__"),
    "method of a list": (lambda v: [v].append, r"\(at \.__self__\[0\]\)"),
    "weak reference": (kept, r"of type ReferenceType, .* \(at \(\)\.a\)"),
    "slice": (lambda v: slice(v), r"of type slice, holds"),
    "key of a dict": (lambda v: {Holder(v): 1.0}, r"a key that holds a variable \(at \.a\)"),
    "static field": (lambda v: Record(1.0, Holder(v)), "'config' of a Record .*" + r"\(at \.a\)"),
    "undeclared attribute": (with_attribute, "the attribute 'note' of a Weights holds a variable"),
    "unknown class": (Unknown, "holds a variable|does not know the type .*Unknown"),
    "namespace": (lambda v: types.SimpleNamespace(a=v), "does not know the type .*Namespace"),
    "generator": (lambda v: (x for x in [v]), r"list\(…\)"),
    "map": (lambda v: map(abs, [v]), r"list\(…\)"),
    "zip": (lambda v: zip([v], strict=True), r"list\(…\)"),
    "dict view": (lambda v: {"k": v}.values(), r"list\(…\)"),
}
hiding = pytest.mark.parametrize(
    ("make", "says"), [pytest.param(*row, id=kind) for kind, row in HIDING.items()]
)


def objects(v):
    array = np.empty(1, object)
    array[0] = v
    return array


@hiding
def test_a_hidden_variable_in_a_result_is_refused_by_path(make, says):
    with pytest.raises(gx.GradxError, match=says.format("the result")):
        gx.backprop(lambda x: make(x * x), 3.0)
    with pytest.raises(gx.GradxError, match=says.format(r"the result\[1\]\['k'\]")):
        gx.backprop(lambda x: [x, {"k": make(x * x)}], 3.0)


@hiding
def test_a_hidden_variable_in_an_operand_is_refused(make, says):
    @gx.lift
    def op(c, x):
        return x * 2.0, lambda g: (gx.zero(c), g * 2.0)

    with pytest.raises(gx.GradxError, match=says.format("an operand of op")):
        gx.backprop(lambda x: op(make(x * x), x), 3.0)
    with pytest.raises(gx.GradxError, match=says.format("an operand of op")):
        gx.backprop(lambda x: op(make(x * x), 1.0) + x, 3.0)  # no operand is a variable


@hiding
def test_a_hidden_variable_in_a_static_parameter_is_refused(make, says):
    @gx.lift
    def op(x, *, c):
        return x * 2.0, lambda g: g * 2.0

    with pytest.raises(gx.GradxError, match=says.format("the keyword parameter 'c' of op")):
        gx.backprop(lambda x: op(x, c=make(x * x)), 3.0)


@hiding
def test_a_hidden_variable_in_aux_is_refused(make, says):
    with pytest.raises(gx.GradxError, match=says.format("the second part of the result")):
        gx.value_and_grad(lambda x: (x, make(x * x)), has_aux=True)(3.0)


@pytest.mark.parametrize(
    "kind", ["attribute", "slot", "object in an object", "partial", "bound method", "slice", "set"]
)
def test_what_holds_a_constant_passes(kind):
    constant = HIDING[kind][0](5.0)
    y, g = gx.backprop(lambda x: (x * x, {"k": constant}), 3.0)
    assert y[0] == 9.0 and y[1]["k"] is constant
    assert g == 6.0


def test_variables_of_runs_around_a_run_are_constants_in_its_result():
    def f(x):
        def inner(y):
            return y * x, Holder(x)

        (_, held), g = gx.value_and_grad(inner, has_aux=True)(2.0)
        return g * held.a

    assert gx.value_and_grad(f)(3.0) == (9.0, 6.0)


def test_looking_into_an_object_that_leads_to_everything_ends():
    ring = Holder(None)
    ring.a = [ring, {"self": ring}, sys.modules]
    y, g = gx.backprop(lambda x: (x * x, ring), 3.0)
    assert y[1] is ring and g == 6.0


# ---- Results -------------------------------------------------------------------------------------


def test_an_object_at_several_places_stays_one_and_its_cotangents_add_up():
    def f(x):
        part = [x * 2.0, "name"]
        return part, {"k": part}, (part[0], part)

    y, g = gx.backprop(f, np.ones(2))
    assert y[0] is y[1]["k"] is y[2][1]
    assert y[0][0] is y[2][0]
    assert np.array_equal(g, [8.0, 8.0])


def test_an_opaque_value_at_several_places_stays_one():
    def f(x):
        whole = Whole(x * x)
        return whole, [whole, [whole]]

    y, g = gx.backprop(f, 3.0)
    assert y[0] is y[1][0] is y[1][1][0] and y[0].a == 9.0
    assert g == 18.0


def test_arrays_that_were_not_written_are_the_callers_own():
    x, constant = np.ones(2), np.arange(2.0)
    y, g = gx.backprop(lambda x: (x, {"c": constant, "s": np.sum(x)}), x)
    assert y[0] is x and y[1]["c"] is constant
    assert np.array_equal(g, [2.0, 2.0])
    y, _ = gx.backprop_with(lambda x: (x, constant), x)
    assert y[0] is x and y[1] is constant


def test_a_result_that_contains_itself_is_refused():
    def f(x):
        loop = [x]
        loop.append({"k": loop})
        return loop

    with pytest.raises(gx.CycleError, match=r"^the result\[1\]\['k'\] contains itself"):
        gx.backprop(f, 1.0)


def test_children_that_are_made_when_asked_for_are_all_seen():
    class Lazy:
        def __init__(self, items):
            self.items = items

    gx.register(
        Lazy,
        children=lambda m: (
            {k: [x] for k, x in enumerate(m.items)},
            lambda parts: Lazy([part[0] for part in parts.values()]),
        ),
    )
    y, g = gx.backprop(lambda x: Lazy([1.0, 2.0, x * x, x]), 3.0)
    assert y.items == [1.0, 2.0, 9.0, 3.0] and g == 7.0


# ---- Cotangents ----------------------------------------------------------------------------------


def zeroing(g):
    g *= 0.0
    return g


def test_a_pullback_cannot_write_into_its_cotangent():
    op = gx.lift(lambda x: (x + 0.0, zeroing))
    with pytest.raises(ValueError, match="read-only") as caught:
        gx.grad_bp(lambda x, y: op(x) + y, np.ones(3), np.ones(3))
    assert "write g = g * 2 instead of g *= 2" in caught.value.__notes__[0]
    with pytest.raises(ValueError, match="read-only"):
        gx.Op("op", lambda x: (x, zeroing), pullback_form=True, arity=1).grad_with(
            np.ones(2), np.ones(2)
        )


def test_a_pullback_cannot_write_into_containers_of_cotangents():
    def spoiling(g):
        h = g["a"]
        g["a"] = g.pop("b")
        h[:] = 0.0
        return h

    op = gx.lift(lambda x: ({"a": x + 0.0, "b": x * 2.0}, spoiling))
    with pytest.raises(ValueError, match="read-only"):
        gx.grad_bp(lambda x: op(x)["a"], np.ones(3))

    def moving(g):
        h = g["a"] + g["b"]
        g.clear()
        return h

    op = gx.lift(lambda x: ({"a": x + 0.0, "b": x * 1.0}, moving))
    g = {"a": np.ones(3), "b": np.ones(3)}
    _, pullback = gx.backprop_with(op, np.ones(3))
    assert np.array_equal(pullback(g), [2.0, 2.0, 2.0])
    assert np.array_equal(pullback(g), [2.0, 2.0, 2.0]) and list(g) == ["a", "b"]


def test_a_pullback_of_an_opaque_type_gets_a_copy():
    def spoiling(g):
        a, g.a = g.a, 0.0
        return Whole(a)

    op = gx.lift(lambda m: (Whole(m.a), spoiling))
    g = gx.grad_bp(lambda m, n: (op(m), n, op(m)), Whole(2.0), Whole(3.0))
    assert (g[0].a, g[1].a) == (2.0, 1.0)
    seed = Whole(5.0)
    _, pullback = gx.backprop_with(op, Whole(2.0))
    assert pullback(seed).a == 5.0 == pullback(seed).a


def test_what_is_done_to_a_result_does_not_change_the_pullback():
    y, pullback = gx.backprop_with(np.tanh, np.array([1.0]))
    y[:] = 0.0
    assert np.allclose(pullback(np.ones(1)), 1 - np.tanh(1.0) ** 2)

    def f(x):
        e = np.exp(x)
        return {"e": [e, e], "view": e[:1]}

    y, pullback = gx.backprop_with(f, np.zeros(2))
    assert y["e"][0] is y["e"][1]
    y["e"][0][:] = y["view"][:] = 7.0
    y["e"].pop()
    g = {"e": [np.ones(2), np.ones(2)], "view": np.ones(1)}
    assert np.array_equal(pullback(g), [3.0, 2.0])


def test_seeds_are_not_aliased_by_gradients():
    seed = np.ones(2)
    _, pullback = gx.backprop_with(lambda x: x, np.ones(2))
    g = pullback(seed)
    assert g is not seed and not np.shares_memory(g, seed)
    _, pullback = gx.backprop_with(lambda x, y: x + y, np.ones(2), np.ones(2))
    a, b = pullback(seed)
    assert not any(np.shares_memory(p, q) for p, q in ((a, b), (a, seed), (b, seed)))


# ---- Other runs, threads -------------------------------------------------------------------------


def in_a_crossed_run(outer):
    """The gradient of a function that is given a variable of a later run, which is still open."""
    got, go, done = [], threading.Event(), threading.Event()

    def inner(y):
        got.append(y)
        go.set()
        done.wait(60)
        return y * y

    results = []
    thread = threading.Thread(target=lambda: results.append(gx.value_and_grad(inner)(2.0)))

    def f(x):
        thread.start()
        assert go.wait(60)
        return outer(x, got[0])

    try:
        return gx.backprop(f, 3.0)
    finally:
        done.set()
        thread.join(60)
        assert results == [(4.0, 4.0)]  # the later run is not disturbed


@pytest.mark.parametrize(
    ("outer", "path"),
    [
        (lambda x, y: x * y, "the result"),
        (lambda x, y: [x, {"k": np.sin(x * y)}], r"the result\[1\]\['k'\]"),
        (lambda x, y: y, "the result"),
        (lambda x, y: gx.grad(lambda z: z * x * y)(2.0), "the result"),
    ],
)
def test_a_variable_of_a_later_open_run_in_a_result_is_refused(outer, path):
    says = f"^{path} is a variable of run .* started later than run .* gx.value"
    with pytest.raises(gx.EscapedVarError, match=says):
        in_a_crossed_run(outer)


def test_the_value_of_a_variable_of_a_later_open_run_is_a_constant():
    assert in_a_crossed_run(lambda x, y: x * gx.value(y)) == (6.0, 2.0)


def test_a_hidden_variable_of_a_later_open_run_is_refused():
    with pytest.raises(gx.GradxError, match="of type Holder"):
        in_a_crossed_run(lambda x, y: [x, Holder(x * y)])


def test_many_threads_differentiate_at_once():
    def work(k):
        x = np.linspace(0.1, 1.0, 5) * (k + 1)
        f = lambda v: np.sum(np.sin(v) * gx.grad(lambda u: u**3)(float(k)))  # noqa: E731
        return all(np.array_equal(gx.grad(f)(x), np.cos(x) * (3.0 * k * k)) for _ in range(50))

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(work, range(32)))


def test_one_run_is_used_from_several_threads():
    def f(xs):
        with ThreadPoolExecutor(8) as pool:
            parts = list(pool.map(lambda k: np.sum(np.sin(xs[k % 4] * k)), range(64)))
        return sum(parts)

    xs = [np.linspace(0.0, 1.0, 3) + k for k in range(4)]
    g = gx.grad(f)(xs)
    wanted = [sum(k * np.cos(xs[j] * k) for k in range(64) if k % 4 == j) for j in range(4)]
    assert all(np.allclose(a, b, rtol=1e-12) for a, b in zip(g, wanted, strict=True))


def test_recording_in_a_run_that_another_thread_closes_raises():
    errors, started = [], threading.Event()

    def record(x):
        try:
            while True:
                x = np.sin(x)
                started.set()
        except gx.EscapedVarError as error:
            errors.append(str(error))

    def f(x):
        thread = threading.Thread(target=record, args=(x,))
        threads.append(thread)
        thread.start()
        assert started.wait(60)
        return np.sum(x * x)

    threads: list[threading.Thread] = []
    for _ in range(20):
        started.clear()
        assert np.array_equal(gx.grad(f)(np.ones(3)), [2.0, 2.0, 2.0])
    for thread in threads:
        thread.join(60)
    assert len(errors) == 20 and "was used after run" in errors[0]


def test_variables_kept_in_globals_and_defaults_raise_later():
    caught = []
    gx.grad(lambda x: caught.append(x * 2.0) or x)(1.0)

    def with_default(y, v=caught[0]):
        return v * y

    for use in (
        lambda: caught[0] + 1.0,
        lambda: np.sin(caught[0]),
        lambda: with_default(2.0),
        lambda: gx.grad(lambda x: x * caught[0])(1.0),
        lambda: gx.grad(lambda x: caught[0])(1.0),
        lambda: gx.backprop(lambda x: [x, caught[0]], 1.0),
        lambda: gx.backprop(lambda x: [x, Holder(caught[0])], 1.0),
        lambda: gx.grad(lambda x: x[0] * 2.0)([caught[0]]),
    ):
        with pytest.raises(gx.EscapedVarError, match=r"was used after run .* had ended"):
            use()
    assert gx.value(caught[0]) == 2.0


# ---- Names ---------------------------------------------------------------------------------------


def test_a_ufunc_is_named_by_the_library_that_has_it(monkeypatch):
    umath = sys.modules["numpy._core.umath"]
    for owner in ("numpy.char", "numpy.strings"):  # which other libraries import
        monkeypatch.delitem(sys.modules, owner, raising=False)
    library = types.ModuleType("other.special")
    library.str_len = umath.str_len
    monkeypatch.setitem(sys.modules, "other.special", library)
    monkeypatch.setitem(sys.modules, "other.special._inner", library)
    assert ufunc_name(umath.str_len) == "other.special.str_len"
    assert ufunc_name(np.sin) == "np.sin"
    with pytest.raises(gx.NotLiftedError, match=r"^other\.special\.str_len has no derivative"):
        gx.grad(lambda v: np.sum(umath.str_len(v)))(np.ones(2))
    with pytest.raises(gx.AssignmentError, match=r"^other\.special\.str_len with out="):
        gx.grad(lambda v: umath.str_len(v, out=np.ones(2)))(np.ones(2))


def test_a_ufunc_made_of_a_python_function_is_named_right():
    def twice(x):
        return 2 * x

    says = r"^np\.frompyfunc\(twice\) \(also np\.vectorize\) calls a Python function"
    with pytest.raises(gx.NotLiftedError, match=says):
        gx.grad(lambda v: np.frompyfunc(twice, 1, 1)(v))(np.ones(2))


class csr_array:
    """Like one of SciPy's: NumPy would call its reflected operators for each item."""

    __array_priority__ = 10.1
    dtype, shape = np.dtype(float), (2, 2)

    def __rmul__(self, other):
        return other

    __radd__ = __rmatmul__ = __rmul__


csr_array.__module__ = "scipy.sparse._csr"


@pytest.mark.parametrize(
    "call", [lambda v, a: v @ a, lambda v, a: v * a, lambda v, a: v + a, lambda v, a: np.dot(v, a)]
)
def test_sparse_arrays_are_refused(call):
    with pytest.raises(gx.UnregisteredTypeError, match=r"csr_array.*write x\.toarray\(\)"):
        gx.grad(lambda v: np.sum(call(v, csr_array())))(np.ones(2))
