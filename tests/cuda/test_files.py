"""Values in files: arrays of a CUDA device are read from it and brought back to it."""

import numpy as np
import pytest

import gradx as gx
from gradx.backends import Device

VALUE = {
    "w": np.arange(6.0).reshape(2, 3),
    "single": np.array([1, 2], np.float32),
    "n": np.array([1, 2]),
    "z": np.array([1 + 2j]),
    "x": 0.5,
}


@pytest.mark.parametrize("ending", ["safetensors", "npz"])
def test_from_the_device_and_back(tmp_path, ending):
    path = tmp_path / f"a.{ending}"
    there = gx.to_device(VALUE, "cuda")
    gx.save(path, there)
    found = gx.load(path, gx.map(lambda x: x * 0, there))
    arrays = [x for name, x in found.items() if name != "x"]
    assert {gx.device_of(x) for x in arrays} == {Device("cuda", 0)}
    for like, where in ((VALUE, "cpu"), (there, "cuda")):
        found = gx.load(path, like)
        assert gx.device_of(found["w"]).kind == where
        back = gx.to_device(found, "cpu")
        for name, x in VALUE.items():
            np.testing.assert_array_equal(back[name], x, strict=True)
