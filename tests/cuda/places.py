"""Where the CUDA tests run, and values moved there and back.

This module imports CuPy only where there is a device, so that the tests without one can use it.
"""

import os
import sys

import numpy as np

from gradx.values.operations import Kind, children_of, rebuilt, value_type
from gradx_cuda.diagnosis import driver_problem, import_cupy

REAL = os.environ.get("GRADX_CUDA") == "real"
SOFTWARE = "softcuda" in sys.modules

if REAL or SOFTWARE:
    cp = import_cupy()
    ARRAY = cp.ndarray


def count_devices():
    """How many CUDA devices there are.

    Raises:
        DeviceUnavailableError: there is none; says why.
    """
    problem = driver_problem(cp)
    if problem is not None:
        raise problem
    return cp.cuda.runtime.getDeviceCount()


def _mapped(change, x):
    spec = value_type(x)
    parts = children_of(x, spec)
    if not parts:
        return change(x)
    return rebuilt(x, spec, [k for k, _ in parts], [_mapped(change, part) for _, part in parts])


def there(x):
    """A value with its NumPy arrays on the current CUDA device; numbers stay on the host."""
    return _mapped(lambda leaf: cp.asarray(leaf) if isinstance(leaf, np.ndarray) else leaf, x)


def beside(x, y):
    """A host value with each array where the same part of ``y`` is."""
    spec = value_type(x)
    parts, other = children_of(x, spec), dict(children_of(y, value_type(y)))
    if parts:
        moved = [beside(part, other[key]) for key, part in parts]
        return rebuilt(x, spec, [key for key, _ in parts], moved)
    return there(np.asarray(x)) if isinstance(y, ARRAY) else x


def here(x):
    """A value with its CuPy arrays on the host."""
    return _mapped(lambda leaf: _read(leaf) if isinstance(leaf, ARRAY) else leaf, x)


def _read(x):
    with x.device:  # whose current stream has the work to wait for
        return x.get()


def leaves(x):
    """The numbers and arrays in a value, in order."""
    parts = children_of(x, value_type(x))
    return [leaf for _, part in parts for leaf in leaves(part)] if parts else [x]


def has_gradient(x):
    return value_type(x).kind is not Kind.STATIC


def assert_same(got, wanted, tolerance=1e-9):
    """A value from the device is NumPy's: arrays stayed there, shapes, dtypes, numbers."""
    got, wanted = leaves(got), leaves(wanted)
    assert len(got) == len(wanted)
    for x, y in zip(got, wanted, strict=True):
        if isinstance(y, np.ndarray) and has_gradient(y):
            assert isinstance(x, ARRAY), f"{type(x)} is not on the device"
        if isinstance(y, (np.ndarray, np.generic)):
            assert (x.dtype, x.shape) == (y.dtype, y.shape), f"{x!r}\n{y!r}"
        if not isinstance(y, (np.ndarray, np.number, float, complex)):
            assert x == y
            continue
        x, y = np.asarray(here(x)), np.asarray(y)
        if y.dtype.kind not in "fc":
            np.testing.assert_array_equal(x, y)
            continue
        finite = np.isfinite(y)
        np.testing.assert_array_equal(np.isfinite(x), finite)
        np.testing.assert_array_equal(x[~finite], y[~finite])
        x, y = x[finite], y[finite]
        size = max(np.max(np.abs(y), initial=0.0), 1e-3)
        assert np.max(np.abs(x - y), initial=0.0) <= tolerance * size, f"{x}\n{y}"
