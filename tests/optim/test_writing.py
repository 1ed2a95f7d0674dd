"""Steps in place are done whole or not at all, and say which array is in the way."""

import signal
from contextlib import nullcontext
from dataclasses import replace

import numpy as np
import pytest

import gradx as gx
from gradx.core.dispatch import Lifted
from gradx.devices.kernel_table import TABLES
from gradx.devices.placement import PLACES
from gradx.errors import InPlaceError, StructureError
from gradx.optim.blocks import Program
from gradx.records.tree_map import leafwise
from tests.optim.kinds import METHODS, WRAPPED, leaves, owned

optim = gx.optim
ALL = METHODS | {k: v for k, v in WRAPPED.items() if k != "frozen"}


def read_only(x):
    x = x.copy()
    x.flags.writeable = False
    return x


def unchanged(method, g, state, params, error, text):
    """That a step in place fails, and has written nothing."""
    kept = owned((state, params))
    with pytest.raises(error, match=text):
        method.update(g, state, params, in_place=True)
    for x, y in zip(leaves((state, params)), leaves(kept), strict=True):
        np.testing.assert_array_equal(x, y)


@pytest.mark.parametrize("name", ALL)
def test_a_read_only_parameter_is_told_by_its_path(name):
    method = ALL[name]
    params = {"a": np.ones(3), "b": [np.ones(2), read_only(np.ones(2))]}
    text = (
        r"params\['b'\]\[1\] is a read-only array and cannot be changed in place; pass a copy of "
        r"it, or leave out in_place=True"
    )
    unchanged(method, owned(params), method.init(params), params, InPlaceError, text)


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("momentum", r"state\.velocity"),
        ("adagrad", r"state\.squares"),
        ("rmsprop with momentum", r"state\.squares"),
        ("adam", r"state\.first"),
        ("lamb", r"state\.first"),
        ("lion", r"state\.mean"),
        ("accumulate", r"state\.total"),
        ("average", r"state\.averaged"),
    ],
)
def test_a_read_only_memory_is_told_by_its_path(name, path):
    method, params = ALL[name], {"a": np.ones(3), "b": np.ones(2)}
    state = gx.map(lambda x: read_only(x) if isinstance(x, np.ndarray) else x, method.init(params))
    text = rf"{path}\['a'\] is a read-only array and cannot be changed in place"
    unchanged(method, owned(params), state, params, InPlaceError, text)


@pytest.mark.parametrize("name", ALL)
def test_one_array_at_two_places_is_told_by_both(name):
    method, one = ALL[name], np.ones(3)
    params = {"a": one, "b": {"c": one}}
    text = (
        r"params\['a'\] and params\['b'\]\['c'\] share memory, so that a step in place would move "
        r"the same numbers twice; give each an array of its own, or leave out in_place=True"
    )
    unchanged(method, owned(params), method.init(params), params, InPlaceError, text)


def test_a_state_that_shares_memory_with_the_parameters_is_told():
    params = {"w": np.ones(3)}
    method = optim.adam()
    state = method.init(params)
    state = type(state)(0, params, state.second)
    text = r"params\['w'\] and state\.first\['w'\] share memory"
    unchanged(method, {"w": np.ones(3)}, state, params, InPlaceError, text)


def test_arrays_that_overlap_in_part_are_told():
    flat = np.arange(10.0)
    params = [flat[:6], flat[5:]]
    unchanged(optim.sgd(), [np.ones(6), np.ones(5)], optim.sgd().init(params), params,
              InPlaceError, r"params\[0\] and params\[1\] share memory")  # fmt: skip


def test_arrays_over_the_memory_of_others_may_share_it():
    room = bytearray(80)
    params = [np.frombuffer(room, float), np.frombuffer(room, float)]
    unchanged(optim.sgd(), [np.ones(10)] * 2, optim.sgd().init(params), params,
              InPlaceError, r"params\[0\] and params\[1\] share memory")  # fmt: skip
    params = [np.frombuffer(room, float, 5), np.frombuffer(room, float, 5, offset=40)]
    optim.sgd(1.0).update([np.ones(5)] * 2, optim.sgd().init(params), params, in_place=True)
    np.testing.assert_array_equal(np.frombuffer(room, float), -1.0)


def test_arrays_of_which_it_is_hard_to_say_count_as_sharing(monkeypatch):
    flat = np.zeros(60)
    params = [np.lib.stride_tricks.as_strided(flat[k:], (2, 3, 2), (96, 32, 16)) for k in (0, 1)]
    monkeypatch.setattr("gradx.optim.sharing._WORK", 0)
    unchanged(optim.sgd(), owned(params), optim.sgd().init(params), params,
              InPlaceError, r"params\[0\] and params\[1\] share memory")  # fmt: skip


def test_an_array_whose_items_share_memory_is_told():
    x = np.lib.stride_tricks.as_strided(np.ones(4), (3, 2), (8, 8))
    text = r"params\[0\] is an array whose items share memory, as np.broadcast_to and as_strided"
    unchanged(optim.sgd(), [np.ones((3, 2))], optim.sgd().init([x]), [x], InPlaceError, text)


def test_structures_that_differ_are_told_with_all_paths():
    method, params = optim.adam(), {"a": np.ones(3), "b": [np.ones(2), 1.0]}
    g = {"a": np.ones(4), "b": [np.ones(2)]}
    text = r"2 parts do not match:\n.*shapes \(3,\) and \(4,\).*params\['a'\]\)\n.*params\['b'\]\)"
    unchanged(method, g, method.init(params), params, StructureError, text)


def test_a_complex_gradient_of_real_parameters_is_told():
    for params in ({"w": np.ones(2)}, {"w": 1.0}):
        g = {"w": params["w"] * 1j}
        text = r"would be complex; take the real part .*\(at params\['w'\]\)"
        unchanged(optim.adam(), g, optim.adam().init(params), params, StructureError, text)


def test_variables_are_told():
    def inner(x):
        return optim.sgd().update([x], optim.sgd().init([np.ones(2)]), [np.ones(2)], in_place=True)

    text = r"gradient\[0\] depends on variables of an outer function, whose gradient a step in pla"
    with pytest.raises(InPlaceError, match=text):
        gx.grad(lambda x: np.sum(inner(x)[0][0]))(np.ones(2))

    def rated(rate):
        method = optim.adam(rate)
        return np.sum(method.update(1.0, method.init(1.0), 1.0, in_place=True)[0])

    with pytest.raises(InPlaceError, match="the rate or another number of the method depends on"):
        gx.grad(rated)(0.1)


def test_an_error_of_arithmetic_leaves_all_as_it_was():
    params = [np.ones(3), np.full(3, 1e300)]
    method = optim.sgd(1e10)
    with np.errstate(over="raise"):
        unchanged(method, [np.ones(3), np.full(3, 1e300)], method.init(params), params,
                  FloatingPointError, "overflow encountered in")  # fmt: skip
    with np.errstate(over="warn"), pytest.warns(RuntimeWarning, match="overflow"):
        method.update([np.ones(3), np.full(3, 1e300)], method.init(params), params, in_place=True)
    assert np.isinf(params[1]).all()


def test_a_signal_comes_before_a_step_or_after_it():
    """Whatever a handler finds, all of the state belongs to one step."""
    method, params = optim.adam(0.1), [np.ones(20_000), np.ones(30)]
    state = method.init(params)
    found = []

    def look(*_):
        found.append({x.min() for x in params} | {x.max() for x in params})

    before = signal.signal(signal.SIGALRM, look)
    try:
        signal.setitimer(signal.ITIMER_REAL, 1e-3, 1e-3)
        for _ in range(150):
            g = [np.ones(20_000), np.ones(30)]
            params, state = method.update(g, state, params, in_place=True)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert len(found) > 3
    assert all(len(each) == 1 for each in found)


def test_a_rate_for_each_item_is_used_in_place():
    p = np.ones(2)
    optim.sgd(np.array([0.5, 1.0])).update(np.ones(2), optim.sgd().init(p), p, in_place=True)
    np.testing.assert_array_equal(p, [0.5, 0.0])


def test_a_rate_of_another_shape_is_told():
    text = r"would have the shape \(3, 2\).*\(at params\[0\]\)"
    p = [np.ones(2)]
    unchanged(optim.sgd(np.ones((3, 1))), p, optim.sgd().init(p), p, StructureError, text)


# --- Arrays of other libraries --------------------------------------------------------------------


def test_a_library_may_write_all_arrays_at_once(monkeypatch):
    class Array(np.ndarray):
        pass

    seen = []

    def all_at_once(function, operands, numbers, out=None):
        seen.append((len(operands), out))
        for arrays in operands:
            for k, y in zip(out, function(*arrays, *numbers), strict=True):
                arrays[k][...] = y

    monkeypatch.setitem(TABLES, Array, {leafwise: all_at_once})
    x, y = np.ones(2).view(Array), np.ones(3).view(Array)
    params = [x, 1.0, {"k": y}]
    method = optim.sgd(0.5, momentum=0.5)
    state = method.init(params)
    new, _ = method.update(owned(params), state, params, in_place=True)
    assert seen == [(2, (0, 2))]
    assert new[0] is x and new[1] == 0.5
    np.testing.assert_array_equal(y, 0.5)


def test_a_library_without_a_kernel_is_written_into_leaf_by_leaf(monkeypatch):
    class Place:
        def device_of(self, x):
            return gx.Device("there")

        def on(self, device):
            return nullcontext()

    class Array(np.ndarray):
        pass

    monkeypatch.setitem(TABLES, Array, {})
    monkeypatch.setitem(PLACES, Array, Place())
    x = np.ones(2).view(Array)
    params = [x]
    new, _ = optim.sgd(0.5).update([x + 0], optim.sgd().init(params), params, in_place=True)
    assert new[0] is x
    np.testing.assert_array_equal(x, 0.5)


# --- Programs -------------------------------------------------------------------------------------


def run(formula, arrays, numbers=(), into=(0,)):
    """A formula done into copies of arrays, and by itself."""
    wanted = formula(*arrays, *numbers)
    mine = [x.copy() for x in arrays]
    for call in Program(formula, [x.dtype for x in mine], numbers, into).calls([mine]):
        call()
    for k, y in zip(into, wanted, strict=True):
        np.testing.assert_array_equal(mine[k], y.astype(mine[k].dtype))
    for k, x in enumerate(arrays):
        if k not in into:
            np.testing.assert_array_equal(mine[k], x)


@pytest.mark.parametrize("size", [1, 16_384, 16_385, 50_000])
@pytest.mark.parametrize(
    "formula",
    [
        lambda a, b: (a + b, a - b),
        lambda a, b: (b, a),
        lambda a, b: (a, a),
        lambda a, b: (a * b, a),
        lambda a, b: (2 * b, 3 * a),
        lambda a, b: ((a + b) * (a - b) / (a + 1.5), a / b),
        lambda a, b: (lambda c: (c * a, c + b))(a - b),
        lambda a, b: (np.maximum(a, b) ** 0.5 - a**3, -a + +b),
        lambda a, b: (np.sign(a - b), np.minimum(1 - a, 0.25)),
    ],
)
def test_a_program_is_its_formula(formula, size, rng):
    run(formula, [rng.random(size) + 0.1, rng.random(size) + 0.1], into=(0, 1))


@pytest.mark.parametrize("chars", ["fd", "df", "eF", "Dd", "ff"])
def test_a_program_has_the_dtypes_of_its_formula(chars, rng):
    arrays = [(rng.random(70) + 0.5).astype(char) for char in chars]
    arrays = arrays if arrays[0].dtype.kind == "c" else [arrays[0], arrays[1].real]
    run(lambda a, b, c: ((a + c * b) / (b + 1), b * c), arrays, (0.1,), into=(0, 1))


def test_no_variable_is_ever_in_a_program():
    assert not issubclass(Program, Lifted)


# --- Wrappers -------------------------------------------------------------------------------------


def over_in_the_second(method):
    """A step of which the second array overflows."""
    params = {"a": np.ones(3), "b": np.ones(2)}
    g = {"a": np.ones(3), "b": np.full(2, 1e300)}
    with np.errstate(over="raise"):
        unchanged(method, g, method.init(params), params, FloatingPointError, "overflow")


@pytest.mark.parametrize(
    "method",
    [
        optim.accumulate(optim.sgd(1e300), 1),
        optim.average(optim.sgd(1e300)),
        optim.by_part({gx.ix("a"): optim.sgd(0.1)}, otherwise=optim.sgd(1e300)),
        optim.accumulate(optim.average(optim.by_part({}, otherwise=optim.sgd(1e300))), 1),
        optim.clip_by_value(optim.by_part({gx.ix("b"): optim.sgd(1e300)}, optim.adam()), 1e301),
    ],
)
def test_a_wrapper_that_fails_in_the_middle_has_written_nothing(method):
    over_in_the_second(method)


def test_parts_whose_gradients_do_not_fit_are_found_before_any_is_written():
    method = optim.by_part({gx.ix("a"): optim.sgd(1.0)}, otherwise=optim.adam())
    params = {"a": np.ones(3), "b": np.ones(2)}
    g = {"a": np.ones(3), "b": np.ones(3)}
    unchanged(method, g, method.init(params), params, StructureError, r"shapes \(2,\) and \(3,\)")


@pytest.mark.parametrize(
    ("method", "memory", "path"),
    [
        (optim.accumulate(optim.adam(), 1), lambda s: s.inner.second, r"state\.inner\.second"),
        (optim.accumulate(optim.adam(), 2), lambda s: s.inner.second, r"state\.inner\.second"),
        (optim.average(optim.adam()), lambda s: s.inner.first, r"state\.inner\.first"),
        (
            optim.by_part({gx.ix("a"): optim.sgd()}, otherwise=optim.adam()),
            lambda s: s.parts[1].first,
            r"state\.parts\[1\]\.first",
        ),
    ],
)
def test_a_read_only_memory_within_a_wrapper_is_told_by_its_path(method, memory, path):
    params = {"a": np.ones(3), "b": np.ones(2)}
    state = method.init(params)
    memory(state)["b"].flags.writeable = False
    text = rf"^{path}\['b'\] is a read-only array"
    unchanged(method, owned(params), state, params, InPlaceError, text)


@pytest.mark.parametrize(
    ("method", "path"),
    [(optim.accumulate(optim.adam(), 2), "total"), (optim.average(optim.adam()), "averaged")],
)
def test_a_wrapper_whose_memory_is_that_of_the_parameters_is_told(method, path):
    params = {"a": np.ones(3)}
    state = replace(method.init(params), **{path: params})
    text = rf"^params\['a'\] and state\.{path}\['a'\] share memory"
    unchanged(method, owned(params), state, params, InPlaceError, text)


def test_a_gradient_that_shares_memory_with_another_part_is_read_first():
    flat = np.arange(5.0)
    params, g = {"a": flat[:3], "b": flat[3:]}, {"a": flat[:3], "b": flat[1:3]}
    method = optim.by_part({gx.ix("a"): optim.sgd(1.0)}, otherwise=optim.sgd(1.0))
    method.update(g, method.init(params), params, in_place=True)
    np.testing.assert_array_equal(flat, [0.0, 0.0, 0.0, 2.0, 2.0])


def test_a_signal_comes_before_a_step_of_a_wrapper_or_after_it():
    method = optim.average(optim.by_part({gx.ix(0): optim.sgd(0.1)}, optim.adam(0.1)), 0.0)
    params = [np.ones(20_000), np.ones(20_000)]
    state = method.init(params)
    found = []

    def look(*_):
        found.append([(params[k] == state.averaged[k]).all() for k in (0, 1)])

    before = signal.signal(signal.SIGALRM, look)
    try:
        signal.setitimer(signal.ITIMER_REAL, 1e-3, 1e-3)
        for _ in range(150):
            params, state = method.update([x * 1.0 for x in params], state, params, in_place=True)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert len(found) > 3
    assert all(all(each) for each in found)


@pytest.mark.parametrize("again", [np.from_dlpack, lambda x: np.asarray(memoryview(x))])
@pytest.mark.parametrize("order", [1, -1])
def test_memory_of_an_array_that_another_library_hands_out_is_shared_too(again, order):
    x = np.ones(4)
    params = [x, again(x)][::order]
    method = gx.optim.sgd(0.1)
    with pytest.raises(InPlaceError, match=r"params\[0\] and params\[1\] share memory"):
        method.update([np.ones(4)] * 2, method.init(params), params, in_place=True)
    y = np.arange(4.0)
    (z,), _ = method.update([again(y[:3])], method.init([y[1:]]), [y[1:]], in_place=True)
    np.testing.assert_array_equal(z, [1.0, 1.9, 2.8])
