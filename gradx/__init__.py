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

from gradx import numeric_ops, numpy, prelude, updates
from gradx._version import __version__
from gradx.backend import DeviceUnavailableError, device_of, devices, from_dlpack, to_device
from gradx.bvar import BVar
from gradx.constructors import (
    compose_op,
    id_op,
    op0,
    op1,
    op2,
    op3,
    op_const,
    op_iso,
    op_iso2,
    op_iso3,
    op_iso_n,
    op_n,
    op_tup,
)
from gradx.containers import param, register_array, static
from gradx.derived import bp_op, no_grad, no_grad1, op_coerce, op_lens
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
    NoGradientError,
    NonScalarError,
    NotDifferentiableError,
    NotLiftedError,
    OpError,
    StructureError,
    UnknownDeviceError,
    UnregisteredTypeError,
)
from gradx.fused import (
    dense,
    log_softmax,
    logistic,
    relu,
    softmax,
    softmax_cross_entropy,
)
from gradx.gradient import backprop, backprop_with, eval_bp, grad, grad_bp, value_and_grad
from gradx.joining import join, value
from gradx.lens import Lens, lens, over, set, view  # noqa: F401
from gradx.lifting import lift, lift_op, lift_op1, lift_op2, lift_op3
from gradx.op import Op, compose
from gradx.parts import coerce_var, collect_var, freeze, iso_var, replace, sequence_var, tied
from gradx.record import record
from gradx.registration import instance, register, register_number, register_static
from gradx.structures import split
from gradx.tuples import T2, T3, NumTuple
from gradx.value import add, one, zero

# ``set`` is public too, but a star import must not hide the builtin.
__all__ = [
    "T2",
    "T3",
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
    "NoGradientError",
    "NonScalarError",
    "NotDifferentiableError",
    "NotLiftedError",
    "NumTuple",
    "Op",
    "OpError",
    "StructureError",
    "UnknownDeviceError",
    "UnregisteredTypeError",
    "__version__",
    "add",
    "backprop",
    "backprop_with",
    "bp_op",
    "coerce_var",
    "collect_var",
    "compose",
    "compose_op",
    "dense",
    "device_of",
    "devices",
    "eval_bp",
    "freeze",
    "from_dlpack",
    "grad",
    "grad_bp",
    "id_op",
    "instance",
    "iso_var",
    "join",
    "lens",
    "lift",
    "lift_op",
    "lift_op1",
    "lift_op2",
    "lift_op3",
    "log_softmax",
    "logistic",
    "no_grad",
    "no_grad1",
    "numeric_ops",
    "numpy",
    "one",
    "op0",
    "op1",
    "op2",
    "op3",
    "op_coerce",
    "op_const",
    "op_iso",
    "op_iso2",
    "op_iso3",
    "op_iso_n",
    "op_lens",
    "op_n",
    "op_tup",
    "over",
    "param",
    "prelude",
    "record",
    "register",
    "register_array",
    "register_number",
    "register_static",
    "relu",
    "replace",
    "sequence_var",
    "softmax",
    "softmax_cross_entropy",
    "split",
    "static",
    "tied",
    "to_device",
    "updates",
    "value",
    "value_and_grad",
    "view",
    "zero",
]
