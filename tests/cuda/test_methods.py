"""Methods of `gx.optim` on a device: results, launches, what is written, what is refused."""

import cupy as cp
import numpy as np
import pytest

import gradx as gx
from gradx.errors import DeviceMismatchError, InPlaceError, StructureError
from tests.cuda.places import here, there
from tests.cuda.test_kernels import TOLERANCE, Parts, assert_close, counted, doubled, parts
from tests.optim.kinds import METHODS

pytestmark = pytest.mark.modes
optim = gx.optim
EPS = {"eps": 0.3}  # with which half precision rounds little
ONE_LAUNCH = {
    name: method for name, method in METHODS.items() if name not in ("lamb", "adam", "adagrad")
} | {"adam": optim.adam(0.1, **EPS), "adagrad": optim.adagrad(0.1, **EPS)}
ONE_LAUNCH["rmsprop"] = optim.rmsprop(0.1, **EPS)
ONE_LAUNCH["rmsprop with momentum"] = optim.rmsprop(0.1, momentum=0.5, **EPS)
ONE_LAUNCH["adamw"] = optim.adamw(0.1, **EPS)


CASES = [
    (name, char, in_place)
    for name in ONE_LAUNCH
    for char, in_place in [*((char, True) for char in TOLERANCE), ("f", False)]
    if name != "lion" or char not in "FD"  # see below
]


@pytest.mark.parametrize(("name", "char", "in_place"), CASES)
def test_a_step_is_one_launch(name, char, in_place, rng):
    method = ONE_LAUNCH[name]
    p, g = parts(rng, char), parts(rng, char)
    mine, gradient = there(p), there(g)
    state = method.init(mine)
    wanted, wanted_state = doubled(p), method.init(doubled(p))
    for _ in range(2):  # counted does it twice
        wanted, wanted_state = method.update(doubled(g), wanted_state, wanted)

    def step(params, g):
        nonlocal state
        new, state = method.update(g, state, params, in_place=in_place)
        return new

    if in_place:
        got, found = counted(step, mine, gradient)
        assert all(x is y for x, y in zip(got.arrays, mine.arrays, strict=True))
    else:
        first = step(mine, gradient)
        _, found = counted(lambda p, g: method.update(g, state, p), first, gradient)
        got = step(first, gradient)
    assert_close(got, wanted, char)
    if found is not None:
        assert sum(found.values()) == 1 and next(iter(found)).startswith("gradx_multi_")


@pytest.mark.parametrize("in_place", [False, True])
@pytest.mark.parametrize("char", "dD")
def test_lamb_lion_and_wrappers(char, in_place, rng):
    p, g = parts(rng, char), parts(rng, char)
    for method in (
        optim.lamb(0.1, weight_decay=0.1),
        optim.lion(0.1, weight_decay=0.1),
        optim.clip_by_norm(optim.adam(0.1), 1.0),
        optim.accumulate(optim.adam(0.1), 2),
        optim.average(optim.sgd(0.1), 0.5),
        optim.by_part({gx.lens(Parts).arrays[1]: optim.adam(0.1)}, optim.frozen()),
    ):
        mine, ours = there(p), p
        state, own = method.init(mine), method.init(ours)
        for _ in range(2):
            mine, state = method.update(there(g), state, mine, in_place=in_place)
            ours, own = method.update(g, own, ours)
        assert_close(mine, ours, char)
        for x, y in zip(*(_arrays(each) for each in (state, own)), strict=True):
            np.testing.assert_allclose(here(x), y, rtol=1e-12, atol=1e-12)


def _arrays(state):
    found = []
    gx.map(lambda x: found.append(x) if hasattr(x, "shape") else None, state)
    return found


def test_numbers_that_are_cut_off_are_so_on_the_device(rng):
    p = parts(rng, "d")
    method = optim.clip_by_value(optim.sgd(1.0), 0.5)
    new, _ = method.update(there(p), method.init(there(p)), there(p))
    assert_close(new, method.update(p, method.init(p), p)[0], "d")


def test_arrays_of_any_layout_are_written_into(rng):
    a = rng.standard_normal((6, 8))
    g = there(rng.standard_normal((6, 8)))
    wanted = a - 0.5 * here(g)
    large = cp.zeros((12, 24))
    strided = large[::2, 1::3]
    strided[...] = there(a)
    by_columns = cp.asfortranarray(there(a))
    method = optim.sgd(0.5)
    _, found = counted(
        lambda p: method.update([g], method.init([p]), [p], in_place=True)[0], by_columns
    )
    np.testing.assert_allclose(here(by_columns), wanted - 0.5 * here(g) * (found is not None))
    assert found is None or sum(found.values()) == 1
    method.update([g], method.init([strided]), [strided], in_place=True)
    np.testing.assert_allclose(here(strided), wanted)
    assert not here(large)[1::2].any() and not here(large)[:, ::3].any()


def test_a_state_of_more_precision_keeps_it(rng):
    p, g = there(parts(rng, "f")), there(parts(rng, "f"))
    method = optim.sgd(0.5, momentum=0.5)
    state = method.init(there(parts(rng, "d")))
    new, after = method.update(g, state, p, in_place=True)
    assert {x.dtype.char for x in new.arrays} == {"f"}
    assert {x.dtype.char for x in after.velocity.arrays} == {"d"}
    assert new.arrays[0] is p.arrays[0]
    np.testing.assert_allclose(here(after.velocity.arrays[1]), here(g.arrays[1]), rtol=1e-6)


def test_more_arrays_than_a_launch_takes_in_place(rng):
    p, g = parts(rng, "f", [(3,)] * 200), parts(rng, "f", [(3,)] * 200)
    method, mine = optim.adam(0.1), there(p)
    method.update(there(g), method.init(mine), mine, in_place=True)
    assert_close(mine, method.update(g, method.init(p), p)[0], "f")


def test_numbers_beside_arrays_are_replaced(rng):
    params = {"w": there(rng.standard_normal(3)), "b": 1.0, "h": rng.standard_normal(2)}
    g = {"w": cp.ones(3), "b": 1.0, "h": np.ones(2)}
    kept = here(params["w"]), params["h"].copy()
    new, _ = optim.sgd(0.5).update(g, optim.sgd().init(params), params, in_place=True)
    assert new["w"] is params["w"] and new["h"] is params["h"] and new["b"] == 0.5
    np.testing.assert_allclose(here(new["w"]), kept[0] - 0.5)
    np.testing.assert_allclose(new["h"], kept[1] - 0.5)


def unchanged(method, g, params, error, text):
    kept = [here(x) if hasattr(x, "device") else x.copy() for x in params]
    with pytest.raises(error, match=text):
        method.update(g, method.init(params), params, in_place=True)
    for x, y in zip(params, kept, strict=True):
        np.testing.assert_array_equal(here(x) if hasattr(x, "get") else x, y)


def test_nothing_is_written_where_something_is_wrong():
    method, one = optim.sgd(0.5), cp.ones(3)
    unchanged(method, [one, one], [one, one], InPlaceError, r"params\[0\] and params\[1\] share")
    flat = cp.ones(10)
    unchanged(
        method, [cp.ones(6)] * 2, [flat[:6], flat[4:]], InPlaceError, r"params\[0\] and params\[1\]"
    )
    unchanged(
        method, [cp.ones(3), cp.ones(3)], [cp.ones(3), np.ones(3)], DeviceMismatchError, "sgd takes"
    )
    unchanged(
        method, [cp.ones(3), cp.ones(3) * 1j], [cp.ones(3), cp.ones(3)], StructureError, "complex"
    )


def test_parts_of_one_array_that_do_not_overlap_are_written_into():
    flat = cp.ones(10)
    params = [flat[:5], flat[5:]]
    optim.sgd(0.5).update([cp.ones(5)] * 2, optim.sgd().init(params), params, in_place=True)
    np.testing.assert_array_equal(here(flat), 0.5)


def test_whether_arrays_share_memory_is_asked_without_waiting():
    flat = cp.ones(10)
    params = [flat[:5], flat[5:]]
    method, g = optim.sgd(0.5), [cp.ones(5)] * 2
    counted(lambda p: method.update(g, method.init([1.0, 1.0]), p, in_place=True), params)


def test_a_gradient_that_shares_memory_with_the_parameters_is_read_first():
    flat = cp.arange(10.0)
    p, g = flat[:8], flat[2:]
    optim.sgd(1.0).update([g], optim.sgd().init([p]), [p], in_place=True)
    np.testing.assert_array_equal(here(flat)[:8], -2.0)


@pytest.mark.parametrize("index", range(cp.cuda.runtime.getDeviceCount()))
def test_arrays_of_any_device_are_written_there(index, rng):
    with cp.cuda.Device(index):
        params = [cp.ones(3), cp.ones((2, 2))]
        g = [cp.ones(3), cp.ones((2, 2))]
    both = [*params, cp.ones(4)]
    method = optim.adam(0.5)
    new, state = method.update([*g, cp.ones(4)], method.init(both), both, in_place=True)
    assert [x.device.id for x in new] == [index, index, cp.cuda.Device().id]
    assert [x.device.id for x in state.first] == [index, index, cp.cuda.Device().id]
    for x in new:
        np.testing.assert_allclose(here(x), 0.5, rtol=1e-6)


def test_a_rate_on_the_device_is_used_there():
    p = [cp.ones(3)]
    new, _ = optim.sgd(cp.asarray(0.5)).update([cp.ones(3)], optim.sgd().init(p), p, in_place=True)
    assert new[0] is p[0]
    np.testing.assert_array_equal(here(p[0]), 0.5)
