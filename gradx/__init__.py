"""gradx: automatic differentiation for the values people really have.

Write a numeric function on your own dataclasses, tuples, dicts and arrays with plain NumPy calls
and operators; gradx gives its gradient as a value of the same type.

>>> import numpy as np, gradx as gx
>>> def error(line, x, y):
...     slope, intercept = line
...     return np.sum((slope * x + intercept - y) ** 2)
>>> gx.grad(error)((1.0, 0.0), np.array([1.0, 2.0]), np.array([3.0, 5.0]))
(-16.0, -10.0)
"""

from gradx import numpy
from gradx._version import __version__
from gradx.backend import DeviceUnavailableError, device_of, devices, from_dlpack, to_device
from gradx.bvar import BVar
from gradx.constructors import op0, op1, op2, op3, op_n
from gradx.containers import param, register, register_array, register_static, static
from gradx.device import Device
from gradx.errors import (
    AssignmentError,
    ConversionError,
    CotangentError,
    CycleError,
    DeviceError,
    DeviceMismatchError,
    EscapedVarError,
    GradxError,
    NonScalarError,
    NotDifferentiableError,
    NotLiftedError,
    OpError,
    StructureError,
    UnknownDeviceError,
    UnregisteredTypeError,
)
from gradx.gradient import backprop, backprop_with, eval_bp, grad, grad_bp, value_and_grad
from gradx.joining import join, value
from gradx.lens import Lens, lens, over, set, view  # noqa: F401
from gradx.lifting import lift, lift_op, lift_op1, lift_op2, lift_op3
from gradx.op import Op, compose
from gradx.record import Record, record
from gradx.structures import split
from gradx.value import add, one, zero

# ``set`` is public too, but a star import must not hide the builtin.
__all__ = [
    "AssignmentError",
    "BVar",
    "ConversionError",
    "CotangentError",
    "CycleError",
    "Device",
    "DeviceError",
    "DeviceMismatchError",
    "DeviceUnavailableError",
    "EscapedVarError",
    "GradxError",
    "Lens",
    "NonScalarError",
    "NotDifferentiableError",
    "NotLiftedError",
    "Op",
    "OpError",
    "Record",
    "StructureError",
    "UnknownDeviceError",
    "UnregisteredTypeError",
    "__version__",
    "add",
    "backprop",
    "backprop_with",
    "compose",
    "device_of",
    "devices",
    "eval_bp",
    "from_dlpack",
    "grad",
    "grad_bp",
    "join",
    "lens",
    "lift",
    "lift_op",
    "lift_op1",
    "lift_op2",
    "lift_op3",
    "numpy",
    "one",
    "op0",
    "op1",
    "op2",
    "op3",
    "op_n",
    "over",
    "param",
    "record",
    "register",
    "register_array",
    "register_static",
    "split",
    "static",
    "to_device",
    "value",
    "value_and_grad",
    "view",
    "zero",
]
