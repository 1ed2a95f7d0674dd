"""A case of the op specification as code for the device.

A case makes its constants with ``np.array`` and the like, which are on the host; mixed with
operands on the device they are an error. So here the name ``np`` of a case means NumPy with makers
that put new arrays on the device, and arrays that the case has from elsewhere are moved there.
"""

import types

import numpy as np

from gradx.core.dispatch import Lifted
from tests.cuda.places import there

_MAKERS = frozenset(
    {"arange", "array", "asarray", "diag", "empty", "eye", "full", "identity", "linspace", "ones"}
    | {"tri", "tril", "triu", "zeros"}
)


class DeviceNumPy:
    """NumPy, with the arrays that it makes of nothing on the device.

    Each is moved there once, so that another call of the same code moves nothing.
    """

    def __init__(self):
        self._made = {}

    def __getattr__(self, name):
        found = getattr(np, name)
        if name not in _MAKERS:
            return found

        def make(*args, **kwargs):
            made = found(*args, **kwargs)
            if not isinstance(made, np.ndarray):
                return made
            key = (name, made.dtype.str, made.shape, made.tobytes())
            if key not in self._made:
                self._made[key] = there(made)
            return self._made[key]

        return make


def _moved(x, moved):
    if isinstance(x, np.ndarray) or type(x).__module__.startswith("scipy.sparse"):
        return there(x)
    if x is np:
        return DeviceNumPy()
    if _is_code(x):
        return on_device(x, moved)
    if type(x) is dict and x and all(map(_is_code, x.values())):
        return {key: on_device(code, moved) for key, code in x.items()}
    return x


def _is_code(x):
    return isinstance(x, types.FunctionType) and x.__module__.startswith("tests.ops.")


def _defaults(function, moved):
    given = function.__defaults__
    return given and tuple(_moved(x, moved) if _is_code(x) else x for x in given)


def on_device(function, moved=None):
    """The function with its constants on the device."""
    moved = {} if moved is None else moved
    if not isinstance(function, types.FunctionType) or isinstance(function, Lifted):
        return function
    if function in moved:
        return moved[function]
    names = dict(function.__globals__)
    cells = tuple(
        types.CellType(_moved(cell.cell_contents, moved)) for cell in function.__closure__ or ()
    )
    new = types.FunctionType(
        function.__code__, names, function.__name__, _defaults(function, moved), cells or None
    )
    new.__kwdefaults__ = function.__kwdefaults__
    moved[function] = new
    for name, x in function.__globals__.items():
        names[name] = _moved(x, moved)
    return new
