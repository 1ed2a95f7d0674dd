"""Wrappers: what they do to the gradient, when they step, and which parts they give to whom."""

import math

import numpy as np
import pytest

import gradx as gx
from gradx.errors import StructureError
from gradx.optim import MethodError
from gradx.optim.wrappers import AverageState
from tests.optim.kinds import WRAPPED, Layer, Model, leaves, model, owned

optim = gx.optim


def moved(method, g, params):
    """How far a method of rate 1 goes in its first step."""
    new, _ = method.update(g, method.init(params), params)
    return gx.map(lambda x, y: x - y, params, new)


# --- Clipping -------------------------------------------------------------------------------------


def test_a_gradient_is_cut_to_the_length_of_all_its_numbers(rng):
    params, g = model(rng), model(rng)
    length = math.sqrt(sum(np.sum(np.square(x)) for x in leaves(g)))
    method = optim.clip_by_norm(optim.sgd(1.0), 0.1)
    for found, whole in zip(leaves(moved(method, g, params)), leaves(g), strict=True):
        np.testing.assert_allclose(found, whole * (0.1 / length), rtol=1e-9)


@pytest.mark.parametrize("limit", [5.0, 5.1, 1e300])
def test_a_gradient_within_the_limit_stays_to_the_bit(limit):
    method = optim.clip_by_norm(optim.sgd(1.0), limit)
    assert moved(method, (3.0, 4.0), (0.0, 0.0)) == (3.0, 4.0)
    assert moved(method, (0.0, 0.0), (0.0, 0.0)) == (0.0, 0.0)


def test_the_length_of_complex_and_of_half_precision_numbers():
    method = optim.clip_by_norm(optim.sgd(1.0), 1.0)
    np.testing.assert_allclose(moved(method, 3 + 4j, 0j), 0.6 + 0.8j)
    g = np.full(100, 100.0, np.float16)  # whose squares are beyond half precision
    found = moved(method, g, np.zeros(100, np.float16))
    assert found.dtype == np.float16
    np.testing.assert_allclose(found, 0.1, rtol=1e-3)


def test_a_gradient_is_not_changed_by_clipping_in_place(rng):
    params, g = model(rng), model(rng)
    kept = owned(g)
    for method in (
        optim.clip_by_norm(optim.adam(), 0.1),
        optim.clip_by_value(optim.adam(), 0.1),
    ):
        method.update(g, method.init(params), owned(params), in_place=True)
        for x, y in zip(leaves(g), leaves(kept), strict=True):
            np.testing.assert_array_equal(x, y)


def test_a_gradient_that_is_no_number_is_not_hidden():
    by_norm = optim.clip_by_norm(optim.sgd(1.0), 1.0)
    by_value = optim.clip_by_value(optim.sgd(1.0), 1.0)
    assert all(map(math.isnan, moved(by_norm, (math.nan, 1.0), (0.0, 0.0))))
    assert math.isnan(moved(by_value, math.nan, 0.0))


def test_numbers_are_cut_off_one_by_one():
    method = optim.clip_by_value(optim.sgd(1.0), 2.0)
    g = {"a": np.array([-5.0, 0.5, 3.0], "f"), "b": -7.0}
    found = moved(method, g, gx.zero(g))
    np.testing.assert_array_equal(found["a"], np.array([-2.0, 0.5, 2.0], "f"))
    assert found["b"] == -2.0 and found["a"].dtype == np.float32


def test_complex_numbers_have_no_order_to_be_cut_off_by():
    method, params = optim.clip_by_value(optim.sgd(1.0), 2.0), {"a": 1.0, "z": np.ones(2) * 1j}
    text = r"gradient\['z'\] is complex, and what is beyond a limit has no order there; use gx.op"
    with pytest.raises(StructureError, match=text):
        method.update(params, method.init(params), params)


# --- Accumulation and averages --------------------------------------------------------------------


@pytest.mark.parametrize("in_place", [False, True])
def test_a_step_along_the_mean_of_several_gradients(in_place, rng):
    inner = optim.adam(optim.cosine(0.1, steps=10))
    method, params = optim.accumulate(inner, 3), model(rng)
    mine, state = owned(params), method.init(params)
    inner_state = inner.init(params)
    for k in range(9):
        if k % 3 == 0:
            group = [model(rng) for _ in range(3)]
        mine, state = method.update(group[k % 3], state, mine, in_place=in_place)
        if k % 3 == 2:
            mean = gx.map(lambda a, b, c: ((a + b) + c) / 3, *group)
            params, inner_state = inner.update(mean, inner_state, params)
        for x, y in zip(leaves(mine), leaves(params), strict=True):
            np.testing.assert_allclose(x, y, rtol=1e-13)
    assert state.step == 9 and state.inner.step == 3


def test_a_gradient_may_be_used_again_after_it_was_accumulated():
    method, g = optim.accumulate(optim.sgd(1.0), 2), np.ones(2)
    _, state = method.update(g, method.init(np.zeros(2)), np.zeros(2))
    g[:] = 100.0
    new, _ = method.update(np.ones(2), state, np.zeros(2))
    np.testing.assert_array_equal(new, -1.0)


def test_a_gradient_that_was_no_number_is_forgotten_after_its_step():
    method, params = optim.accumulate(optim.sgd(1.0), 1), np.zeros(1)
    _, state = method.update(np.array([np.nan]), method.init(params), params)
    np.testing.assert_array_equal(method.update(np.ones(1), state, params)[0], -1.0)


@pytest.mark.parametrize("in_place", [False, True])
def test_the_running_mean_of_the_parameters(in_place, rng):
    method, params = optim.average(optim.sgd(0.5), 0.75), model(rng)
    mean, state = params, method.init(params)
    params = owned(params)
    for _ in range(5):
        params, state = method.update(model(rng), state, params, in_place=in_place)
        mean = gx.map(lambda a, p: 0.75 * a + 0.25 * p, mean, params)
    for x, y in zip(leaves(optim.averaged(state)), leaves(mean), strict=True):
        np.testing.assert_allclose(x, y, rtol=1e-13)
    assert type(optim.averaged(state)) is Model


@pytest.mark.parametrize(
    "method",
    [
        *WRAPPED.values(),
        optim.by_part({gx.lens(Model).layers[0]: optim.average(optim.adam(0.1))}, optim.lamb(0.1)),
        optim.clip_by_value(optim.accumulate(optim.average(optim.sgd(0.1, momentum=0.5)), 2), 0.5),
    ],
)
def test_an_advance_is_the_step_in_place(method, rng):
    """`Method.advance` gives the same bits, into the arrays, without what makes a step whole."""
    pure = mine = model(rng)
    mine = owned(mine)
    state, memory = method.init(pure), method.init(mine)
    for _ in range(5):
        g = model(rng)
        pure, state = method.update(g, state, pure)
        new, memory = method.advance(g, memory, mine)
        assert all(x is y for x, y in zip(leaves(new), leaves(mine), strict=True) if np.ndim(x))
        mine = new
        for x, y in zip(leaves((pure, state)), leaves((mine, memory)), strict=True):
            assert type(x) is type(y)
            np.testing.assert_array_equal(x, y)


def test_an_average_is_found_wherever_it_is():
    inner = optim.average(optim.sgd(1.0), 0.5)
    for method in (
        inner,
        optim.clip_by_norm(inner, 1.0),
        optim.accumulate(inner, 2),
        optim.by_part({gx.ix(0): inner, gx.ix(1): optim.frozen()}),
    ):
        assert leaves(optim.averaged(method.init([3.0, 4.0])))[0] == 3.0


@pytest.mark.parametrize("count", [0, 2])
def test_there_must_be_one_average(count):
    method = optim.sgd()
    for _ in range(count):
        method = optim.accumulate(optim.average(method), 2)
    state = method.init(1.0)
    if count:
        state = (state, AverageState(0, 1.0, None))
    text = rf"a {type(state).__name__} with {count} averages in it; give the state of a method with"
    with pytest.raises(MethodError, match=text):
        optim.averaged(state)


# --- Parts ----------------------------------------------------------------------------------------


def by_layer(**options):
    first = gx.lens(Model).layers[0]
    return optim.by_part({first: optim.sgd(1.0), gx.lens(Model).scale: optim.adam(0.5)}, **options)


@pytest.mark.parametrize("in_place", [False, True])
def test_each_part_has_its_method(in_place, rng):
    method, params, g = by_layer(otherwise=optim.frozen()), model(rng), model(rng)
    mine, state = owned(params), method.init(params)
    new, state = method.update(g, state, mine, in_place=in_place)
    np.testing.assert_array_equal(
        new.layers[0].weights, params.layers[0].weights - g.layers[0].weights
    )
    np.testing.assert_array_equal(new.layers[0].bias, params.layers[0].bias - g.layers[0].bias)
    np.testing.assert_array_equal(new.layers[1].weights, params.layers[1].weights)
    assert abs(new.scale - params.scale) == pytest.approx(0.5)
    assert type(new) is Model and new.layers[1].name == "last"
    assert state.step == 1 and [part.step for part in state.parts] == [1, 1, 1]
    assert (new.layers[0].weights is mine.layers[0].weights) is in_place


def test_what_a_part_remembers_has_the_paths_of_the_whole(rng):
    state = optim.by_part(
        {gx.lens(Model).scale: optim.adam()}, otherwise=optim.sgd(momentum=0.5)
    ).init(model(rng))
    assert state.parts[0].first.scale == 0.0
    assert state.parts[0].first.layers[0].weights is None
    assert state.parts[1].velocity.scale is None
    assert state.parts[1].velocity.layers[1].weights.shape == (2, 4)


def test_optics_may_ask_what_the_leaves_are(rng):
    matrices = gx.at_instances_of(np.ndarray).filtered(lambda x: x.ndim == 2)
    method = optim.by_part({matrices: optim.sgd(1.0)}, otherwise=optim.frozen())
    params = model(rng)
    new, _ = method.update(params, method.init(params), params)
    assert not new.layers[0].weights.any() and new.layers[0].bias.any()


def test_equal_numbers_at_two_places_are_two():
    method = optim.by_part({gx.ix("a"): optim.sgd(1.0)}, otherwise=optim.frozen())
    one = np.ones(2)
    params = {"a": one, "b": one, "c": 1.0}
    new, _ = method.update(params, method.init(params), params)
    np.testing.assert_array_equal(new["a"], 0.0)
    np.testing.assert_array_equal(new["b"], 1.0)


def test_one_method_for_a_value_that_is_one_leaf():
    method = optim.by_part({}, otherwise=optim.sgd(1.0))
    assert method.update(2.0, method.init(5.0), 5.0)[0] == 3.0


def test_parts_within_parts_and_a_norm_for_each(rng):
    outer = optim.by_part(
        {
            gx.lens(Model).layers: optim.by_part(
                {gx.lens(Model).layers[0]: optim.clip_by_norm(optim.sgd(1.0), 1.0)},
                otherwise=optim.frozen(),
            )
        },
        otherwise=optim.sgd(1.0),
    )
    params, g = gx.zero(model(rng)), model(rng)
    new, _ = outer.update(g, outer.init(params), params)
    first = new.layers[0]
    assert np.sum(first.weights**2) + np.sum(first.bias**2) == pytest.approx(1.0)
    assert new.scale == -g.scale and not new.layers[1].weights.any()


@pytest.mark.parametrize(
    ("method", "text"),
    [
        (
            by_layer(),
            r"by_part has no method for params\.layers\[1\]\.weights; give otherwise=gx.optim.fro",
        ),
        (
            optim.by_part(
                {
                    gx.lens(Model).layers[0]: optim.sgd(),
                    gx.at_instances_of(Layer).bias: optim.adam(),
                },
                optim.frozen(),
            ),
            r"by_part: .*layers\[0\] and .*bias both choose params\.layers\[0\]\.bias; choose each",
        ),
        (
            optim.by_part({gx.lens(Model).layers[0].bias[0]: optim.sgd()}, optim.frozen()),
            r"by_part: .*bias\[0\] chooses a piece of an array or something that it makes itself",
        ),
        (
            optim.by_part({gx.lens(Model).nothing: optim.sgd()}, optim.frozen()),
            r"by_part: .*nothing finds no numbers in a Model; leave it out, or see what gx.to_list",
        ),
        (
            optim.by_part({"scale": optim.sgd()}, optim.frozen()),
            r"by_part has 'scale', which is no optic; write gx.lens\(Net\).weights",
        ),
    ],
)
def test_parts_that_cannot_be(method, text, rng):
    with pytest.raises(MethodError, match=text):
        method.init(model(rng))


def test_a_gradient_of_another_structure_is_told_with_its_path(rng):
    method = by_layer(otherwise=optim.frozen())
    params = {"a": [1.0, 2.0], "b": 1.0}
    method = optim.by_part({gx.ix("a"): optim.sgd()}, otherwise=optim.frozen())
    state = method.init(params)
    with pytest.raises(StructureError, match=r"parts \[0\] and a list.*\(at dict\['a'\]\)"):
        method.update({"a": [1.0], "b": 1.0}, state, params)


# --- Options --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (
            lambda: optim.clip_by_norm(0.1, 1.0),
            "clip_by_norm: 0.1 is no method; give gx.optim.ad",
        ),
        (
            lambda: optim.clip_by_norm(optim.sgd(), 0),
            "clip_by_norm: limit is 0; give a number",
        ),
        (lambda: optim.clip_by_value(optim.sgd(), -1), "clip_by_value: limit is -1; give a number"),
        (lambda: optim.accumulate(optim.sgd(), 0), "accumulate: steps is 0; give an integer above"),
        (lambda: optim.average(optim.sgd(), 1), "average: decay is 1; give a number that is at le"),
        (lambda: optim.by_part({gx.ix(0): 0.1}), "by_part: 0.1 is no method; give gx.optim.ad"),
        (lambda: optim.by_part({}, optim.sgd), "by_part: <class .*sgd'> is no method; give gx.opt"),
    ],
)
def test_options_that_cannot_work(make, text):
    with pytest.raises(MethodError, match=text):
        make()
