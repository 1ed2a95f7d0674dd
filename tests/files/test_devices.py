"""Arrays of a device are read from it, and come back to the device of the value to be filled."""

import numpy as np
import pytest

import gradx as gx
from gradx.backends import REGISTRY, Device
from tests.backends.strict import StrictArray, StrictBackend

VALUE = {
    "w": np.arange(6.0).reshape(2, 3),
    "n": np.array([1, 2]),
    "z": np.array([1 + 2j]),
    "x": 0.5,
}


@pytest.fixture(autouse=True)
def strict():
    REGISTRY.register("strict", StrictBackend)


@pytest.mark.parametrize("ending", ["safetensors", "npz"])
@pytest.mark.parametrize(("source", "target"), [("strict:1", "cpu"), ("cpu", "strict:2")])
def test_from_a_device_to_another(tmp_path, ending, source, target):
    path = tmp_path / f"a.{ending}"
    gx.save(path, gx.to_device(VALUE, source))
    like = gx.to_device(gx.map(lambda x: x * 0, VALUE), target)
    found = gx.load(path, like)
    assert {gx.device_of(found[name]) for name in "wnz"} == {gx.device_of(like["w"])}
    back = gx.to_device(found, "cpu")
    for name, x in VALUE.items():
        np.testing.assert_array_equal(back[name], x, strict=True)


def test_each_array_goes_to_its_own_device(tmp_path):
    gx.save(tmp_path / "a", [np.ones(2), np.zeros(2)])
    first, second = gx.load(
        tmp_path / "a", [gx.to_device(np.ones(2), "strict:1"), gx.to_device(np.ones(2), "strict:2")]
    )
    assert isinstance(first, StrictArray)
    assert [gx.device_of(x) for x in (first, second)] == [Device("strict", 1), Device("strict", 2)]


def test_one_array_that_comes_to_two_devices_is_two(tmp_path):
    w = gx.to_device(np.ones(2), "strict:1")
    gx.save(tmp_path / "a", [w, w])
    first, second = gx.load(tmp_path / "a", [w, w])
    assert first is second
    first, second = gx.load(tmp_path / "a", [w, np.ones(2)])
    assert isinstance(first, StrictArray) and isinstance(second, np.ndarray)
