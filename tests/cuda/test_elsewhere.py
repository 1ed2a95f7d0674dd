"""The op specification on a device that is not the current one: as on the current one.

CuPy warns where it works on arrays of another device than the current one, and puts the result on
the current one; neither must happen.
"""

import warnings
import zlib

import cupy as cp
import numpy as np
import pytest

import gradx as gx
from gradx.testing.gradients import random_like
from tests.cuda.device_numpy import on_device
from tests.cuda.places import ARRAY, assert_same, beside, here, leaves, there
from tests.cuda.test_specification import (
    CASES,
    MODES,
    is_taken,
    operands,
    pullback_of,
    quiet,
    settled,
)

__all__ = ["quiet"]

# Their code has arithmetic on constants, which CuPy does on the current device.
OF_CONSTANTS = frozenset(
    {
        *("dot/constant-matrix", "gradient/lifted-places", "cholesky/1x1", "cholesky/3x3"),
        *("cholesky/2x3x3", "cholesky/upper", "choose/wrap", "choose/clip", "select"),
        "select/default",
    }
    | {f"scipy.linalg.solve{rest}" for rest in ("/positive", "h_banded/lower", "h_banded/upper")}
    | {f"scipy.linalg.solve_{rest}" for rest in ("sylvester", "continuous_lyapunov")}
    | {f"scipy.linalg.{name}" for name in ("eig", "logm", "sqrtm")}
    | {f"scipy.linalg.eig{rest}" for rest in ("h/two", "h/two-upper", "valsh/two")}
)


def gradients(f, xs, cotangent):
    y, pullback = gx.backprop_with(f, *xs)
    return y, pullback(cotangent)


def cotangent_of(f, g, xs, device_xs):
    """A random cotangent of a function's result, where its result is."""
    cotangent = random_like(gx.eval_bp(f, *xs), np.random.default_rng(0))
    return beside(cotangent, gx.backprop_with(g, *device_xs)[0])


def rows():
    for case in CASES:
        for name in ("double", "complex"):
            if is_taken(case, MODES[name]) and case.name not in OF_CONSTANTS:
                third = zlib.crc32(case.name.encode()) % 3 == 0  # of which the quick tests run one
                marks = [] if third else [pytest.mark.thorough]
                yield pytest.param(case, MODES[name], id=f"{case.name}-{name}", marks=marks)


@pytest.mark.parametrize(("case", "mode"), [*rows()])
def test_work_is_done_where_the_operands_are(case, mode):
    host = operands(case, mode)
    with cp.cuda.Device(1):
        f = settled(case, on_device(case.call))
        xs = tuple(map(there, host))
        cotangent = cotangent_of(settled(case, case.call), f, host, xs)
        works = [(f, xs, cotangent)]
        if case.order == 2:  # of the gradient, the gradient
            again = gx.backprop_with(pullback_of(f), cotangent, *xs)[0]
            works.append((pullback_of(f), (cotangent, *xs), again))
        wanted = [here(gradients(*work)) for work in works]
    assert cp.cuda.Device().id == 0
    with warnings.catch_warnings():
        warnings.simplefilter("error", cp._util.PerformanceWarning)
        got = [gradients(*work) for work in works]
    assert all(leaf.device.id == 1 for leaf in leaves(got) if isinstance(leaf, ARRAY))
    with cp.cuda.Device(1):
        assert_same(got, wanted)
