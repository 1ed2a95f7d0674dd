"""Methods of `gx.optim` on any value: pure, in place, and differentiated through."""

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

import gradx as gx
from gradx.errors import NotDifferentiableError, StructureError
from gradx.optim import MethodError
from gradx.optim.method import Method
from tests.optim.kinds import METHODS, WRAPPED, Layer, Model, Pair, leaves, model, owned

ALL = METHODS | WRAPPED
optim = gx.optim


def assert_same(one, two):
    """Equal to the bit, with equal types."""
    ours, theirs = leaves(one), leaves(two)
    assert len(ours) == len(theirs)
    for x, y in zip(ours, theirs, strict=True):
        assert type(x) is type(y)
        if isinstance(x, np.ndarray):
            assert (x.dtype, x.shape) == (y.dtype, y.shape)
        np.testing.assert_array_equal(x, y)


# --- Pure and in place ----------------------------------------------------------------------------


KINDS = [
    (name, char)
    for name in ALL
    for char in "fdFD"
    if name != "clip_by_value" or char in "fd"  # which refuses complex numbers: test_wrappers
]


@pytest.mark.parametrize(("name", "char"), KINDS)
def test_in_place_is_the_pure_step_in_the_arrays_themselves(name, char, rng):
    method, params = ALL[name], model(rng, char)
    mine = owned(params)
    state, own = method.init(params), method.init(mine)
    arrays = [id(x) for x in leaves(mine) if isinstance(x, np.ndarray)]
    for _ in range(4):
        g = model(rng, char)
        before, kept = owned(params), owned(state)
        new, after = method.update(g, state, params)
        assert_same(params, before)
        assert_same(state, kept)
        params, state = new, after
        mine, own = method.update(g, own, mine, in_place=True)
        assert_same(mine, params)
        assert_same(own, state)
    assert [id(x) for x in leaves(mine) if isinstance(x, np.ndarray)] == arrays
    assert type(mine) is Model and mine.layers[1].name == "last" and mine.sizes == (3, 4)
    assert state.step == own.step == 4


@pytest.mark.parametrize("name", ALL)
def test_a_state_shares_no_array_with_the_parameters(name, rng):
    method, params = ALL[name], model(rng)
    state = method.init(params)
    for _ in range(3):
        g = model(rng)
        params, state = method.update(g, state, params)
        for x in leaves(state):
            for y in (*leaves(params), *leaves(g)):
                assert not np.shares_memory(x, y)


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize(
    "params",
    [2.0, [1.0, 2.0], Pair(1.0, None), {"a": 1.0, "b": "text", "n": None}, (np.float32(1.5),)],
)
def test_numbers_of_any_value_are_replaced(name, params):
    method = ALL[name]
    g = gx.map(lambda x: type(x)(3.0), params)
    pure, state = method.update(g, method.init(params), params)
    mine, own = method.update(g, method.init(params), params, in_place=True)
    assert_same(mine, pure)
    assert_same(own, state)
    for new, old in zip(leaves(mine), leaves(params), strict=True):
        assert type(new) is type(old)
        assert bool(new == old) is (name in ("accumulate", "frozen", "several"))


def test_what_is_in_place_is_the_value_itself_where_nothing_is_replaced(rng):
    params = [rng.standard_normal(3)]
    method = optim.adam()
    state = method.init(params)
    new, after = method.update([np.ones(3)], state, params, in_place=True)
    assert new is params and after.first is state.first and after.step == 1


@pytest.mark.parametrize("name", METHODS)
def test_dicts_match_by_key(name, rng):
    method = METHODS[name]
    a, b, g = (rng.standard_normal(3) for _ in range(3))
    wanted, _ = method.update({"a": g, "b": 2 * g}, method.init({"a": a, "b": b}), {"a": a, "b": b})
    state = method.init({"b": b, "a": a})
    mine = {"a": a.copy(), "b": b.copy()}
    found, after = method.update({"b": 2 * g, "a": g}, state, mine, in_place=True)
    assert_same(found, wanted)
    assert list(found) == ["a", "b"] and after.step == 1


@pytest.mark.parametrize("name", ["sgd", "adam"])
def test_exact_numbers_stay_exact_where_a_method_is_arithmetic(name):
    params, g = [Fraction(1, 3)], [Fraction(1, 2)]
    method = optim.sgd(Fraction(1, 3)) if name == "sgd" else optim.adam(0.1)
    new, _ = method.update(g, method.init(params), params, in_place=True)
    assert new == [Fraction(1, 6)] if name == "sgd" else new[0] == pytest.approx(1 / 3 - 0.1)


def test_half_precision_stays_with_an_eps_that_it_has():
    params = {"w": np.ones(4, np.float16)}
    for in_place in (False, True):
        method = optim.adam(0.1, eps=1e-3)
        mine = owned(params)
        new, state = method.update(mine, method.init(mine), mine, in_place=in_place)
        assert new["w"].dtype == state.second["w"].dtype == np.float16
        np.testing.assert_allclose(new["w"], 0.9, atol=2e-3)


def test_a_state_of_more_precision_keeps_it_in_place(rng):
    w = rng.standard_normal(5).astype("f")
    method = optim.adam(0.1)
    state = method.init(w.astype("d"))
    pure, after = method.update(w, state, w)
    mine, own = method.update(w.copy(), state, w.copy(), in_place=True)
    assert mine.dtype == np.float32 and own.first.dtype == np.float64
    np.testing.assert_array_equal(mine, pure)
    np.testing.assert_array_equal(own.second, after.second)


def test_complex_numbers_go_by_the_modulus_of_the_gradient():
    method, z = optim.adagrad(0.5, eps=0.0), np.array([1 + 1j])
    new, state = method.update(np.array([3 + 4j]), method.init(z), z)
    np.testing.assert_allclose(new, z - 0.5 * (0.6 + 0.8j))
    np.testing.assert_allclose(state.squares, 25)
    step, _ = optim.lion(0.5).update(np.array([3 + 4j]), optim.lion().init(z), z)
    np.testing.assert_allclose(step, z - 0.5 * (0.6 + 0.8j))


@pytest.mark.parametrize("name", ["sgd", "momentum", "nesterov"])
def test_a_step_of_a_registered_type_is_that_of_its_arithmetic(name, polynomial):
    method, p, g = METHODS[name], polynomial(1.0, 2.0), polynomial(0.5, 0.25)
    new, _ = method.update([g], method.init([p]), [p], in_place=True)
    assert new == method.update([g], method.init([p]), [p])[0] != [p]


@pytest.mark.parametrize("name", ["adagrad", "rmsprop", "adam", "lamb", "lion", "clip_by_norm"])
@pytest.mark.parametrize("in_place", [False, True])
def test_a_registered_type_without_the_arithmetic_is_told_by_its_path(name, in_place, polynomial):
    method = ALL[name]
    params = {"a": 1.0, "b": [polynomial(1.0, 2.0)]}
    text = r"(params|gradient)\['b'\]\[0\] is a Polynomial, which has not the arithmetic of this"
    with pytest.raises(NotDifferentiableError, match=text):
        method.update(params, method.init(params), params, in_place=in_place)


@pytest.fixture
def polynomial():
    """A type with an arithmetic of its own, which is a leaf."""

    class Polynomial:
        def __init__(self, *coefficients):
            self.coefficients = coefficients

        def _both(self, other, f):
            return Polynomial(*map(f, self.coefficients, other.coefficients))

        def __add__(self, other):
            return self._both(other, lambda a, b: a + b)

        def __sub__(self, other):
            return self._both(other, lambda a, b: a - b)

        def __rmul__(self, number):
            return Polynomial(*[number * c for c in self.coefficients])

        def __eq__(self, other):
            return self.coefficients == other.coefficients

        __hash__ = None

    gx.register(
        Polynomial,
        zero=lambda x: Polynomial(*[0.0] * len(x.coefficients)),
        add=lambda x, y: x + y,
        one=lambda x: Polynomial(*[1.0] * len(x.coefficients)),
    )
    return Polynomial


# --- Layouts --------------------------------------------------------------------------------------


def layouts(x):
    """The same matrix by rows, by columns, strided, reversed and in a subclass."""
    large = np.zeros((2 * x.shape[0], 3 * x.shape[1]))
    strided = large[::2, 1::3]
    strided[:] = x
    return [
        x.copy(),
        np.asfortranarray(x),
        strided,
        x[::-1].copy()[::-1],
        x.copy().view(Stack),
    ]


class Stack(np.ndarray):
    """A subclass with the arithmetic of its base."""


@pytest.mark.parametrize("shape", [(3, 5), (1, 40_000), (40_000, 1), (300, 200), (0, 4), (7, 0)])
def test_arrays_of_any_layout_are_written_into(shape, rng):
    method = optim.adam(0.1)
    p, g = rng.standard_normal(shape), rng.standard_normal(shape)
    wanted, state = method.update(g, method.init(p), p)
    for mine in layouts(p):
        for given in (g, np.asfortranarray(g)):
            kept = mine.copy()
            new, own = method.update(given, method.init(p), mine, in_place=True)
            assert new is mine
            np.testing.assert_array_equal(np.asarray(mine), wanted)
            np.testing.assert_array_equal(own.second, state.second)
            mine[:] = kept


def test_arrays_of_no_axes_and_of_three_are_written_into(rng):
    method = optim.rmsprop(0.1, momentum=0.5)
    params = {"a": np.array(2.0), "b": rng.standard_normal((3, 4, 5))[:, ::2].transpose(2, 0, 1)}
    g = {"a": np.array(1.0), "b": rng.standard_normal((5, 3, 2))}
    wanted, _ = method.update(g, method.init(params), params)
    mine = {"a": params["a"].copy(), "b": params["b"].copy()}
    assert_same(method.update(g, method.init(mine), mine, in_place=True)[0], wanted)


def test_a_memory_map_is_written_into(tmp_path, rng):
    start = rng.standard_normal((50, 60))
    mapped = np.memmap(tmp_path / "w", float, "w+", shape=(50, 60))
    mapped[:] = start
    method = optim.adam(0.1)
    method.update([np.ones((50, 60))], method.init([start]), [mapped], in_place=True)
    mapped.flush()
    wanted, _ = method.update(np.ones((50, 60)), method.init(start), start)
    np.testing.assert_array_equal(np.fromfile(tmp_path / "w").reshape(50, 60), wanted)


def test_numbers_of_the_other_byte_order_are_written_into(rng):
    p = rng.standard_normal(9)
    method, mine = optim.adam(0.1), p.astype(">f8")
    method.update(np.ones(9), method.init(p), mine, in_place=True)
    np.testing.assert_array_equal(mine, method.update(np.ones(9), method.init(p), p)[0])


def test_parts_of_one_array_that_do_not_overlap_are_written_into(rng):
    flat = rng.standard_normal(12)
    table = flat[:10].reshape(5, 2)
    params = [table[:, 0], table[:, 1], flat[10:]]
    wanted, _ = optim.sgd(1.0).update(params, optim.sgd().init(params), owned(params))
    optim.sgd(1.0).update(owned(params), optim.sgd().init(params), params, in_place=True)
    assert_same(params, wanted)
    np.testing.assert_array_equal(flat, 0.0)


@pytest.mark.parametrize("name", METHODS)
def test_a_gradient_that_shares_memory_with_the_parameters_is_read_first(name, rng):
    flat = rng.standard_normal(30)
    method = METHODS[name]
    p, g = flat[:20], flat[10:]
    wanted, _ = method.update(g.copy(), method.init(p), p.copy())
    method.update(g[:20], method.init(p), p, in_place=True)
    np.testing.assert_array_equal(p, wanted)


# --- Derivatives ----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", {**METHODS, "clip_by_norm": 0, "average": 0})
def test_steps_are_differentiated_through(name):
    method = ALL[name]

    def after(start):
        params, state = {"w": start, "b": 0.5}, method.init({"w": np.zeros(2), "b": 0.5})
        for _ in range(3):
            g = gx.grad(lambda p: np.sum((p["w"] - 3) ** 4) + p["b"] ** 2)(params)
            params, state = method.update(g, state, params)
        return np.sum(params["w"] ** 2) + params["b"]

    gx.check_grads(after, np.array([1.0, -2.0]), order=1, tolerance=1e-5)


def test_options_may_be_variables():
    def after(rate, b1, decay):
        method = optim.adamw(rate, b1=b1, weight_decay=decay)
        params, state = np.array([1.0, 2.0]), method.init(np.zeros(2))
        for _ in range(2):
            params, state = method.update(params**2, state, params)
        return np.sum(params**2)

    gx.check_grads(after, 0.1, 0.8, 0.2, order=1)


# --- Options --------------------------------------------------------------------------------------


def test_a_method_is_a_value_that_is_written_as_it_was_made():
    assert repr(optim.sgd(0.1)) == "sgd(rate=0.1, momentum=0.0, nesterov=False)"
    assert optim.adam(0.1) == optim.adam(0.1) != optim.adam(0.2)
    nested = optim.clip_by_norm(optim.lion(optim.cosine(0.1, 9)), 1.0)
    assert eval(repr(nested), vars(optim)) == nested
    with pytest.raises(AttributeError, match="cannot assign"):
        nested.limit = 2.0


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: optim.sgd(float("nan")), "sgd: rate is nan; give a number that is at least 0 and"),
        (lambda: optim.sgd(-1), "sgd: rate is -1; give a number that is at least 0 and finite"),
        (lambda: optim.sgd(None), "sgd: rate is None; give a number or a schedule"),
        (
            lambda: optim.sgd(nesterov=True),
            "sgd: nesterov looks ahead along the momentum, which is",
        ),
        (lambda: optim.sgd(momentum=1.0), "sgd: momentum is 1.0; give a number that is at least 0"),
        (lambda: optim.adagrad(eps=-1), "adagrad: eps is -1; give a number that is at least 0 and"),
        (lambda: optim.rmsprop(decay=1), "rmsprop: decay is 1; give a number that is at least 0"),
        (lambda: optim.rmsprop(momentum=2), "rmsprop: momentum is 2; give a number that is at lea"),
        (lambda: optim.adam(b1=1), "adam: b1 is 1; give a number that is at least 0 and below 1"),
        (lambda: optim.adamw(b2=-0.1), "adamw: b2 is -0.1; give a number that is at least 0 and b"),
        (lambda: optim.adamw(weight_decay=-1), "adamw: weight_decay is -1; give a number that is"),
        (lambda: optim.lamb(weight_decay=-1), "lamb: weight_decay is -1; give a number that is at"),
        (lambda: optim.lion(b1=2), "lion: b1 is 2; give a number that is at least 0 and below 1"),
    ],
)
def test_options_that_cannot_work(make, text):
    with pytest.raises(MethodError, match=text):
        make()


def test_a_method_without_functions_says_so():
    class Empty(Method):
        pass

    with pytest.raises(NotImplementedError, match="Empty has no init"):
        Empty().init(1.0)
    with pytest.raises(NotImplementedError, match="Empty has no update"):
        Empty().update(1.0, None, 1.0)


# --- Weight decay ---------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["adamw", "lamb", "lion"])
@pytest.mark.parametrize("in_place", [False, True])
def test_only_what_the_mask_chooses_decays(name, in_place, rng):
    make = getattr(optim, name)
    weights = gx.at_instances_of(Layer).weights
    params, g = model(rng), model(rng)
    new, _ = make(0.1, weight_decay=0.5, decay_mask=weights).update(
        g, make().init(params), owned(params), in_place=in_place
    )
    all_of_it, _ = make(0.1, weight_decay=0.5).update(g, make().init(params), params)
    none_of_it, _ = make(0.1, weight_decay=0.0).update(g, make().init(params), params)
    for k in range(2):
        found, one, two = (x.layers[k] for x in (new, all_of_it, none_of_it))
        np.testing.assert_allclose(found.weights, one.weights, rtol=1e-15)
        np.testing.assert_array_equal(found.bias, two.bias)
        assert not np.array_equal(one.bias, two.bias)
    assert new.scale == none_of_it.scale


def test_a_mask_may_ask_what_the_leaves_are(rng):
    matrices = gx.at_instances_of(np.ndarray).filtered(lambda x: x.ndim > 1)
    params = model(rng)
    method = optim.adamw(0.1, weight_decay=0.5, decay_mask=matrices)
    new, _ = method.update(gx.zero(params), method.init(params), params)
    np.testing.assert_allclose(new.layers[0].weights, 0.95 * params.layers[0].weights)
    np.testing.assert_array_equal(new.layers[0].bias, params.layers[0].bias)


@pytest.mark.parametrize(
    ("mask", "text"),
    [
        (gx.lens(Model).layers[0].name, r"the decay_mask of adamw: .*name.* finds no numbers in a"),
        (gx.lens(Model).layers[0].weights[1], "chooses a piece of an array or something that it"),
        ("weights", "the decay_mask of adamw has 'weights', which is no optic; write gx.lens"),
    ],
)
def test_masks_that_cannot_work(mask, text, rng):
    params = model(rng)
    method = optim.adamw(decay_mask=mask)
    with pytest.raises(MethodError, match=text):
        method.update(params, method.init(params), params)


# --- States of another method ---------------------------------------------------------------------


@pytest.mark.parametrize("name", METHODS | WRAPPED)
@pytest.mark.parametrize("state", [None, {"step": 0}])
def test_what_another_method_remembers_is_told(name, state):
    method = (METHODS | WRAPPED)[name]
    inner = getattr(method, "method", method) if name.startswith("clip") else method
    text = (
        f"^{type(inner).__name__}: state is a {type(state).__name__}, and it remembers a "
        f"{type(method.init(1.0)).__name__}; give what its init gave, or its last update$"
    )
    with pytest.raises(StructureError, match=text):
        method.update(1.0, state, 1.0)


def test_what_other_parts_remember_is_told():
    one, two = optim.by_part({}, otherwise=optim.sgd()), optim.by_part({gx.ix(0): optim.sgd()})
    state = replace(one.init([1.0]), parts=())
    text = "^by_part: state is of 0 methods, and there are 1; give what its init gave"
    with pytest.raises(StructureError, match=text):
        two.update([1.0], state, [1.0])


# --- Variables ------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", [optim.sgd, optim.rmsprop])
def test_a_momentum_of_zero_has_a_derivative(method):
    def after(momentum):
        m, p = method(0.1, momentum=momentum), 2.0
        state = m.init(p)
        for _ in range(3):
            p, state = m.update(3 * p, state, p)
        return p

    slope = (after(1e-6) - after(0.0)) / 1e-6
    assert np.isclose(gx.grad(after)(0.0), slope, rtol=1e-4) and abs(slope) > 0.1
    assert np.isclose(gx.jvp(after, (0.0,), (1.0,))[1], slope, rtol=1e-4)
    np.testing.assert_allclose(gx.vmap(after)(np.array([0.0, 0.5])), [after(0.0), after(0.5)])


@pytest.mark.parametrize(
    "method",
    [
        optim.adamw(0.1, weight_decay=0.5, decay_mask=gx.ix("w")),
        optim.lamb(0.1, weight_decay=0.5, decay_mask=gx.ix("w")),
        optim.lion(0.1, weight_decay=0.5, decay_mask=gx.ix("b")),
        optim.by_part({gx.ix("w"): optim.average(optim.adam(0.1), 0.5)}, otherwise=optim.sgd(0.1)),
        optim.by_part({gx.at_instances_of(float): optim.sgd(0.1)}, otherwise=optim.frozen()),
    ],
)
def test_optics_choose_among_variables(method):
    """Steps of methods with optics are differentiated through, and done for many at once."""

    def after(p):
        state = method.init(p)
        for _ in range(3):
            g = {"w": p["w"] ** 2 + p["b"], "b": np.sum(p["w"]) * p["b"]}
            p, state = method.update(g, state, p)
        return np.sum(p["w"] ** 2) + p["b"]

    p = {"w": np.array([1.0, -2.0]), "b": 0.5}
    t = {"w": np.array([0.3, 0.2]), "b": -0.4}
    near = [gx.map(lambda x, y, h=h: x + h * y, p, t) for h in (1e-6, -1e-6)]
    slope = (after(near[0]) - after(near[1])) / 2e-6
    g = gx.grad(after)(p)
    assert np.isclose(np.sum(g["w"] * t["w"]) + g["b"] * t["b"], slope, rtol=1e-5)
    assert np.isclose(gx.jvp(after, (p,), (t,))[1], slope, rtol=1e-5)


def test_parts_of_many_examples():
    method = optim.by_part({gx.ix("w"): optim.adam(0.1)}, otherwise=optim.sgd(0.1))

    def after(p):
        new, _ = method.update({"w": p["w"] ** 2, "b": p["b"]}, method.init(p), p)
        return np.sum(new["w"]) + new["b"]

    w, b = np.array([[1.0, -2.0], [0.5, 3.0]]), np.array([1.0, 2.0])
    wanted = [after({"w": w[k], "b": b[k]}) for k in (0, 1)]
    np.testing.assert_allclose(gx.vmap(after)({"w": w, "b": b}), wanted, rtol=1e-12)


def test_counts_may_be_numpys():
    assert optim.cosine(1.0, np.int64(4))(2) == optim.cosine(1.0, 4)(2)
    assert optim.piecewise(1.0, {np.int32(2): 0.5})(3) == 0.5
    assert optim.accumulate(optim.sgd(), np.int64(2)).steps == 2
