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
from gradx.descent import descend
from gradx.device import Device
from gradx.errors import (
    AssignmentError,
    BlasThreadsError,
    ConversionError,
    CotangentError,
    CycleError,
    DeviceError,
    DeviceMismatchError,
    EmptyFocusError,
    EscapedVarError,
    GradxError,
    InPlaceError,
    NoGradientError,
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
from gradx.parts import coerce_var, collect_var, freeze, iso_var, replace, sequence_var, tied
from gradx.record import Record, record
from gradx.registration import instance, register, register_number, register_static
from gradx.joining import split
from gradx.threads import blas_threads
from gradx.tuples import T2, T3, NumTuple
from gradx.value import add, one, zero

# ``set`` is public too, but a star import must not hide the builtin.
__all__ = [
    "T2",
    "T3",
    "Affine",
    "AssignmentError",
    "BVar",
    "BlasThreadsError",
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
    "InPlaceError",
    "Iso",
    "Lens",
    "NoGradientError",
    "NonScalarError",
    "NotDifferentiableError",
    "NotLiftedError",
    "NumTuple",
    "Op",
    "OpError",
    "OpticError",
    "Prism",
    "Record",
    "StructureError",
    "Traversal",
    "UnknownDeviceError",
    "UnregisteredTypeError",
    "__version__",
    "add",
    "at_instances_of",
    "backprop",
    "backprop_with",
    "blas_threads",
    "bp_op",
    "coerce_var",
    "collect_var",
    "compose",
    "compose_op",
    "dense",
    "descend",
    "device_of",
    "devices",
    "each",
    "eval_bp",
    "expect",
    "filtered",
    "fold_tree",
    "freeze",
    "from_dlpack",
    "grad",
    "grad_bp",
    "id_op",
    "instance",
    "iso",
    "iso_var",
    "ix",
    "join",
    "just",
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
    "preview",
    "prism",
    "record",
    "register",
    "register_array",
    "register_number",
    "register_static",
    "relu",
    "replace",
    "review",
    "sequence_var",
    "softmax",
    "softmax_cross_entropy",
    "split",
    "static",
    "tied",
    "to_device",
    "to_list",
    "traversal",
    "updates",
    "value",
    "value_and_grad",
    "view",
    "zero",
]
