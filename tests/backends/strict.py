"""A backend of arrays that are no NumPy arrays, on devices that are none: array-api-strict.

The library follows the array API standard to the letter: it refuses what the standard leaves open,
and it has fake devices whose arrays cannot be combined. It knows nothing of NumPy's protocols, so
its arrays are wrapped in a class that does. That is all a library without them would need.
"""

import functools
from contextlib import nullcontext
from types import MappingProxyType

import array_api_strict as xp
import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin

from gradx.backends import Device, DeviceInfo

DEVICES = tuple(xp.Device(name) for name in ("CPU_DEVICE", "device1", "device2"))

# From NumPy's name of a function to the standard's, where they differ.
NAMES = {"absolute": "abs", "power": "pow", "conjugate": "conj", "concatenate": "concat"}


class StrictArray(NDArrayOperatorsMixin):
    """An array of array-api-strict with NumPy's protocols."""

    def __init__(self, inside):
        self.inside = inside

    shape = property(lambda self: self.inside.shape)
    ndim = property(lambda self: self.inside.ndim)
    size = property(lambda self: self.inside.size)
    dtype = property(lambda self: np.dtype(str(self.inside.dtype).rpartition(".")[2]))
    T = property(lambda self: np.transpose(self))

    def astype(self, dtype):
        return StrictArray(xp.astype(self.inside, getattr(xp, np.dtype(dtype).name)))

    def __getitem__(self, index):
        index = index if isinstance(index, tuple) else (index,)
        return StrictArray(self.inside[(*index, ...) if ... not in index else index])

    def __setitem__(self, index, item):
        self.inside[index] = unwrapped(item)

    def __iadd__(self, other):
        return self + other

    def __repr__(self):
        return f"StrictArray({self.inside})"

    def __array_ufunc__(self, ufunc, method, *inputs, **kwargs):
        return self.call(ufunc, inputs, kwargs) if method == "__call__" else NotImplemented

    def __array_function__(self, function, types, args, kwargs):
        return self.call(function, args, kwargs)

    def call(self, function, args, kwargs):
        if any(not known(x) for x in args):
            return NotImplemented
        own = OWN.get(function) or getattr(xp, NAMES.get(function.__name__, function.__name__))
        return wrapped(own(*map(unwrapped, args), **kwargs))


def known(x):
    if isinstance(x, (list, tuple)):
        return all(map(known, x))
    if isinstance(x, np.ndarray):
        raise TypeError("an array of numpy on the host cannot be combined with a StrictArray")
    return not hasattr(x, "__array_ufunc__") or isinstance(x, (StrictArray, np.generic))


def unwrapped(x):
    if isinstance(x, (list, tuple)):
        return type(x)(map(unwrapped, x))
    if isinstance(x, np.generic):
        return x.item()
    return x.inside if isinstance(x, StrictArray) else x


def wrapped(x):
    return StrictArray(x) if isinstance(x, type(xp.asarray(0.0))) else x


# --- Functions whose arguments the standard has otherwise -----------------------------------------


def filled(x, number, dtype, shape):
    shape = x.shape if shape is None else shape
    dtype = x.dtype if dtype is None else getattr(xp, np.dtype(dtype).name)
    return xp.full(shape, number, dtype=dtype, device=x.device)


def transposed(x, axes=None):
    return xp.permute_dims(x, tuple(axes or range(x.ndim)[::-1]))


def reduced(function, x, axis=None, keepdims=False, dtype=None):
    x = x if dtype is None else xp.astype(x, getattr(xp, np.dtype(dtype).name))
    return function(x, axis=axis, keepdims=keepdims)


OWN = {
    np.empty_like: lambda x, dtype=None, shape=None: filled(x, 0, dtype, shape),
    np.zeros_like: lambda x, dtype=None, shape=None: filled(x, 0, dtype, shape),
    np.ones_like: lambda x, dtype=None, shape=None: filled(x, 1, dtype, shape),
    np.transpose: transposed,
    np.real: lambda x: xp.real(x) if "complex" in str(x.dtype) else x,
    np.sum: functools.partial(reduced, xp.sum),
    np.mean: functools.partial(reduced, xp.mean),
    np.max: functools.partial(reduced, xp.max),
    np.expand_dims: lambda x, axis: xp.expand_dims(x, axis=axis),
    np.stack: lambda xs, axis=0: xp.stack(xs, axis=axis),
    np.concatenate: lambda xs, axis=0: xp.concat(xs, axis=axis),
}


class StrictBackend:
    """array-api-strict as a backend with the devices `strict`, `strict:1` and `strict:2`."""

    kind = "strict"
    name = f"array-api-strict {xp.__version__}"
    priority = -1
    arrays = (StrictArray,)
    kernels = MappingProxyType({})

    def devices(self):
        return [DeviceInfo(Device(self.kind, i), str(d)) for i, d in enumerate(DEVICES)]

    def asarray(self, x, device, dtype=None):
        if isinstance(x, StrictArray):
            moved = x if self.device_of(x) == device else self.moved(x, device)
            return moved if dtype is None or dtype == x.dtype else moved.astype(dtype)
        return StrictArray(xp.asarray(np.array(x, dtype), device=DEVICES[device.index]))

    def moved(self, x, device):
        return StrictArray(x.inside.to_device(DEVICES[device.index]))

    def to_numpy(self, x):
        return np.array(np.from_dlpack(x.inside.to_device(DEVICES[0])))

    def device_of(self, x):
        return Device(self.kind, DEVICES.index(x.inside.device))

    def on(self, device):
        return nullcontext()  # every function makes its result where its operands are

    def from_dlpack(self, x):
        return StrictArray(xp.from_dlpack(x))

    def explain(self, error):
        return None
