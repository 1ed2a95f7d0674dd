"""Methods of `gx.optim`: pure and in place."""

import numpy as np
import pytest

import gradx as gx

METHODS = {
    "sgd": gx.optim.sgd(0.1),
    "momentum": gx.optim.sgd(0.1, momentum=0.9),
    "nesterov": gx.optim.sgd(0.1, momentum=0.9, nesterov=True),
    "adam": gx.optim.adam(0.1),
}


@pytest.mark.parametrize("name", METHODS)
def test_in_place_is_pure_written_into_the_arrays(name, rng):
    method = METHODS[name]
    params = {"w": rng.standard_normal((3, 4)), "b": rng.standard_normal(4), "s": 2.0}
    owned = gx.map(lambda x: x + 0.0, params)
    w, b = owned["w"], owned["b"]
    state, own_state = method.init(params), method.init(owned)
    for _ in range(5):
        gradient = {"w": rng.standard_normal((3, 4)), "b": rng.standard_normal(4), "s": 3.0}
        params, state = method.update(gradient, state, params)
        owned, own_state = method.update(gradient, own_state, owned, in_place=True)
    assert owned["w"] is w and owned["b"] is b
    np.testing.assert_array_equal(owned["w"], params["w"])
    np.testing.assert_array_equal(owned["b"], params["b"])
    assert owned["s"] == params["s"] and type(owned["s"]) is float
    assert state.step == own_state.step == 5
