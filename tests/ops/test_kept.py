"""What a condition keeps of a cotangent, and what it drops: to the bit as `np.where` says it."""

import numpy as np
import pytest

import gradx as gx
from gradx.ops.helpers import dropped, kept

rng = np.random.default_rng(0)
ITEMS = np.array([1.5, -0.0, 0.0, np.inf, -np.inf, np.nan, -np.nan, 5e-324, -3.0, 1e300])


def bits(x):
    return np.shape(x), np.asarray(x).dtype, np.asarray(x).tobytes()


CASES = {
    "a vector": (rng.random(10) < 0.5, ITEMS),
    "every other": (rng.random(5) < 0.5, ITEMS[::2]),
    "backwards": (rng.random(10) < 0.5, ITEMS[::-1]),
    "transposed": (rng.random((2, 5)) < 0.5, ITEMS.reshape(5, 2).T),
    "repeated along axes": (rng.random((3, 2, 4, 5)) < 0.5, ITEMS.reshape(2, 1, 5)),
    "a condition that is repeated": (rng.random((2, 1)) < 0.5, ITEMS.reshape(2, 5)),
    "none": (np.zeros((0, 3), bool), np.zeros((0, 3))),
    "without axes": (np.array(True), np.array(np.nan)),
    "complex numbers": (rng.random(10) < 0.5, ITEMS + 1j),
    "numbers for a condition": (np.arange(10) % 3, ITEMS),
    "a number": (True, 2.0),
    "none of a number": (False, np.float32(np.inf)),
}


@pytest.mark.parametrize("dtype", [None, "f2", "f4"])
@pytest.mark.parametrize("case", CASES)
@pytest.mark.filterwarnings("ignore:overflow encountered in cast")
def test_the_bits_are_those_of_where(case, dtype):
    chosen, g = CASES[case]
    if dtype and isinstance(g, np.ndarray) and g.dtype == float:
        with np.errstate(over="ignore", invalid="ignore"):
            g = g.astype(dtype)
    assert bits(kept(chosen, g)) == bits(np.where(chosen, g, 0.0))
    assert bits(dropped(chosen, g)) == bits(np.where(chosen, 0.0, g))


def test_what_is_not_chosen_is_zero_though_the_cotangent_is_infinite():
    x = np.array([-1.0, 4.0, -2.0])
    with np.errstate(divide="ignore"):
        for f in (
            lambda x: np.sqrt(np.maximum(x, 0)),
            lambda x: np.sqrt(np.where(x > 0, x, 0)),
            lambda x: np.sqrt(np.where(x < 0, 0, x)),
            lambda x: np.sqrt(np.fmax(x, 0)),
        ):
            assert gx.grad_bp(f, x).tolist() == [0.0, 0.25, 0.0]
