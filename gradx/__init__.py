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
    EmptyFocusError,
    EscapedVarError,
    GradxError,
    NonScalarError,
    NotDifferentiableError,
    NotLiftedError,
    OpError,
    OpticError,
    StructureError,
    UnknownDeviceError,
    UnregisteredTypeError,
)
from gradx.folding import fold_tree
from gradx.gradient import backprop, backprop_with, eval_bp, grad, grad_bp, value_and_grad
from gradx.joining import join, value
from gradx.lens import (
    Affine,
    Field,
    Iso,
    Lens,
    Prism,
    Traversal,
    at_instances_of,
    each,
    expect,
    filtered,
    iso,
    ix,
    just,
    lens,
    over,
    preview,
    prism,
    review,
    to_list,
    traversal,
    view,
)
from gradx.lens import set as set  # the alias makes it public to type checkers as well
from gradx.lifting import lift, lift_op, lift_op1, lift_op2, lift_op3
from gradx.op import Op, compose
from gradx.record import record
from gradx.structures import split
from gradx.value import add, one, zero

# ``set`` is public too, but a star import must not hide the builtin.
__all__ = [
    "Affine",
    "AssignmentError",
    "BVar",
    "ConversionError",
    "CotangentError",
    "CycleError",
    "Device",
    "DeviceError",
    "DeviceMismatchError",
    "DeviceUnavailableError",
    "EmptyFocusError",
    "EscapedVarError",
    "Field",
    "GradxError",
    "Iso",
    "Lens",
    "NonScalarError",
    "NotDifferentiableError",
    "NotLiftedError",
    "Op",
    "OpError",
    "OpticError",
    "Prism",
    "StructureError",
    "Traversal",
    "UnknownDeviceError",
    "UnregisteredTypeError",
    "__version__",
    "add",
    "at_instances_of",
    "backprop",
    "backprop_with",
    "compose",
    "device_of",
    "devices",
    "each",
    "eval_bp",
    "expect",
    "filtered",
    "fold_tree",
    "from_dlpack",
    "grad",
    "grad_bp",
    "iso",
    "ix",
    "join",
    "just",
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
    "preview",
    "prism",
    "record",
    "register",
    "register_array",
    "register_static",
    "review",
    "split",
    "static",
    "to_device",
    "to_list",
    "traversal",
    "value",
    "value_and_grad",
    "view",
    "zero",
]
