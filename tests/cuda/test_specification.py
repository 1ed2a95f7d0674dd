"""The op specification on the device: each case gives NumPy's values, gradients and dtypes.

Cases all of whose operands are Python numbers have nothing on a device, and are proved elsewhere.
What does not work yet stands in `tests.cuda.left_out`, with the reason.
"""

import warnings
import zlib

import numpy as np
import pytest

import gradx as gx
from gradx.testing.gradients import random_like
from tests.cuda.device_numpy import on_device
from tests.cuda.left_out import LEFT_OUT
from tests.cuda.places import assert_same, beside, has_gradient, leaves, there
from tests.ops.cases import ALL_CASES

MODES = {"double": 1e-9, "single": 2e-3, "complex": 1e-9}


@pytest.fixture(autouse=True)
def quiet():
    """Rules work on whole arrays, so what np.where does not choose may overflow."""
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.filterwarnings("ignore", category=np.exceptions.ComplexWarning)
        yield


def is_real(x):
    return isinstance(x, float) or (isinstance(x, np.ndarray) and x.dtype == np.float64)


def is_there(x):
    return any(isinstance(leaf, np.ndarray) and has_gradient(leaf) for leaf in leaves(x))


def joined(x, y):
    """A complex operand of two real ones."""
    if not is_real(x):
        return x
    return complex(x, y) if isinstance(x, float) else np.asarray(x + 1j * y)


def single(x):
    if isinstance(x, np.ndarray):
        return x.astype({"d": np.float32, "D": np.complex64}.get(x.dtype.char, x.dtype))
    return x


def operands(case, mode):
    rng = np.random.default_rng(zlib.crc32(case.name.encode()))
    xs = case.make(rng)
    if mode == "complex":
        return tuple(joined(x, y) for x, y in zip(xs, case.make(rng), strict=True))
    return tuple(map(single, xs)) if mode == "single" else xs


def pullback_of(f):
    """A function's gradient as a function of its operands and the cotangent."""
    return lambda cotangent, *xs: gx.backprop_with(f, *xs)[1](cotangent)


def prove(f, g, xs, order, tolerance):
    """A function ``f`` on the host and ``g``, the same on the device, agree on operands."""
    rng = np.random.default_rng(0)
    device_xs = tuple(map(there, xs))
    y, pullback = gx.backprop_with(f, *xs)
    device_y, device_pullback = gx.backprop_with(g, *device_xs)
    assert_same(device_y, y, tolerance)
    cotangent = random_like(y, rng)
    device_cotangent = beside(cotangent, device_y)
    assert_same(device_pullback(device_cotangent), pullback(cotangent), tolerance)
    if order < 2:
        return
    _, pullback = gx.backprop_with(pullback_of(f), cotangent, *xs)
    h, device_pullback = gx.backprop_with(pullback_of(g), device_cotangent, *device_xs)
    wanted = gx.eval_bp(pullback_of(f), cotangent, *xs)
    again = random_like(wanted, rng)
    assert_same(device_pullback(beside(again, h)), pullback(again), 10 * tolerance)


def check(case, mode):
    xs = operands(case, mode)
    order = case.order if mode == "double" else 1
    prove(case.call, on_device(case.call), xs, order, MODES[mode])


def rows():
    for case in ALL_CASES:
        if not is_there(case.make(np.random.default_rng(0))):
            continue
        for mode in MODES:
            if mode in LEFT_OUT.get(case.name, ()) or (mode == "complex" and not case.complex):
                continue
            yield pytest.param(case, mode, id=f"{case.name}-{mode}")


@pytest.mark.parametrize(("case", "mode"), [*rows()])
def test_the_device_agrees_with_the_host(case, mode):
    check(case, mode)


def test_what_is_left_out_exists():
    known = {case.name for case in ALL_CASES}
    assert set(LEFT_OUT) - known == set()
