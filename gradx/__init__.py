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

from gradx import _interrupts as _interrupts  # before all that takes time

# isort: split
import typing as _typing
from importlib import import_module as _import_module
from types import MappingProxyType as _MappingProxyType

from gradx import numpy, scipy
from gradx._version import __version__
from gradx.backends import DeviceUnavailableError, device_of, devices, from_dlpack, to_device
from gradx.blas import blas_threads
from gradx.core.op import Op, compose
from gradx.core.op_constructors import (
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
from gradx.devices.device import Device
from gradx.errors import (
    AdoptionError,
    AliasError,
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
    LoopError,
    NoGradientError,
    NonFiniteError,
    NonScalarError,
    NotDifferentiableError,
    NotLiftedError,
    OpError,
    OpticError,
    OverwrittenError,
    RecomputeError,
    StructureError,
    UnknownDeviceError,
    UnregisteredTypeError,
)
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
from gradx.ops import numeric as numeric_ops
from gradx.reverse.api import backprop, backprop_with, eval_bp, grad, grad_bp, value_and_grad
from gradx.reverse.fold_tree import fold_tree
from gradx.reverse.results import join, split, value
from gradx.reverse.user_ops import lift, lift_op, lift_op1, lift_op2, lift_op3
from gradx.reverse.variables import BVar
from gradx.values.builtin import param, register_array, static
from gradx.values.operations import add, one, zero
from gradx.values.register import instance, register, register_number, register_static

# What most programs do without is imported when its name is first used, and here for type checkers.
if _typing.TYPE_CHECKING:
    from gradx import cmath, math, optim, parallel, prelude
    from gradx.adoption.entry import adopt
    from gradx.batch.api import vmap
    from gradx.control.checkpoint import checkpoint
    from gradx.control.custom import custom_jvp, custom_vjp
    from gradx.control.loops import cond, fori_loop, while_loop
    from gradx.control.scan import scan
    from gradx.control.stopping import stop_gradient
    from gradx.debugging.debug import debug
    from gradx.debugging.profile import profile
    from gradx.debugging.show import show
    from gradx.debugging.tree import tree
    from gradx.files.errors import FileError
    from gradx.files.values import load, save
    from gradx.forward.api import jvp, linearize
    from gradx.nn.functions import (
        dense,
        log_softmax,
        logistic,
        relu,
        softmax,
        softmax_cross_entropy,
    )
    from gradx.operators.jacobians import hessian, jacfwd, jacobian, jacrev, value_and_jacobian
    from gradx.operators.products import (
        elementwise_grad,
        ggnvp,
        hessian_diag,
        holomorphic_grad,
        hvp,
        vjp,
    )
    from gradx.optim import updates
    from gradx.optim.implicit import implicit
    from gradx.optim.in_place import descend
    from gradx.optim.minimize import minimize
    from gradx.optim.ravel import ravel
    from gradx.optim.solve import curve_fit, least_squares, root, root_scalar
    from gradx.records.edit import (
        coerce_var,
        collect_var,
        freeze,
        iso_var,
        replace,
        sequence_var,
        tied,
    )
    from gradx.records.from_function import bp_op, no_grad, no_grad1, op_coerce, op_lens
    from gradx.records.map import map as map
    from gradx.records.num_tuple import T2, T3, NumTuple
    from gradx.records.record import Record, record
    from gradx.series.api import taylor
    from gradx.sparse.api import Sparsity, sparse_jacobian, sparsity
    from gradx.testing.gradients import check_grads

_MODULE_OF = _MappingProxyType(
    {
        name: module
        for module, names in (
            ("gradx", "cmath math optim parallel prelude"),
            ("gradx.adoption.entry", "adopt"),
            ("gradx.batch.api", "vmap"),
            ("gradx.control.checkpoint", "checkpoint"),
            ("gradx.control.custom", "custom_jvp custom_vjp"),
            ("gradx.control.loops", "cond fori_loop while_loop"),
            ("gradx.control.scan", "scan"),
            ("gradx.control.stopping", "stop_gradient"),
            ("gradx.debugging.debug", "debug"),
            ("gradx.debugging.profile", "profile"),
            ("gradx.debugging.show", "show"),
            ("gradx.debugging.tree", "tree"),
            ("gradx.files.errors", "FileError"),
            ("gradx.files.values", "load save"),
            ("gradx.forward.api", "jvp linearize"),
            ("gradx.nn.functions", "dense log_softmax logistic relu softmax softmax_cross_entropy"),
            ("gradx.operators.jacobians", "hessian jacfwd jacobian jacrev value_and_jacobian"),
            ("gradx.operators.products", "elementwise_grad ggnvp hessian_diag holomorphic_grad"),
            ("gradx.operators.products", "hvp vjp"),
            ("gradx.optim", "updates"),
            ("gradx.optim.implicit", "implicit"),
            ("gradx.optim.in_place", "descend"),
            ("gradx.optim.minimize", "minimize"),
            ("gradx.optim.ravel", "ravel"),
            ("gradx.optim.solve", "curve_fit least_squares root root_scalar"),
            ("gradx.records.edit", "coerce_var collect_var freeze iso_var replace"),
            ("gradx.records.edit", "sequence_var tied"),
            ("gradx.records.from_function", "bp_op no_grad no_grad1 op_coerce op_lens"),
            ("gradx.records.map", "map"),
            ("gradx.records.num_tuple", "T2 T3 NumTuple"),
            ("gradx.records.record", "Record record"),
            ("gradx.series.api", "taylor"),
            ("gradx.sparse.api", "Sparsity sparse_jacobian sparsity"),
            ("gradx.testing.gradients", "check_grads"),
        )
        for name in names.split()
    }
)


# Rooms above the library, which use it as any program does. Type checkers know them by an import.
_ABOVE = ("train",)


def __getattr__(name: str) -> _typing.Any:
    if name in _ABOVE:
        return _import_module(f"gradx.{name}")
    module = _MODULE_OF.get(name)
    if module is None:
        raise AttributeError(f"module 'gradx' has no attribute {name!r}")
    if module in ("gradx", "gradx.optim"):
        found: _typing.Any = _import_module(f"{module}.{name}")
    else:
        found = getattr(_import_module(module), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *_MODULE_OF, *_ABOVE})


# ``map`` and ``set`` are public too, but a star import must not hide the builtins.
__all__ = [
    "T2",
    "T3",
    "AdoptionError",
    "Affine",
    "AliasError",
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
    "FileError",
    "GradxError",
    "InPlaceError",
    "Iso",
    "Lens",
    "LoopError",
    "NoGradientError",
    "NonFiniteError",
    "NonScalarError",
    "NotDifferentiableError",
    "NotLiftedError",
    "NumTuple",
    "Op",
    "OpError",
    "OpticError",
    "OverwrittenError",
    "Prism",
    "RecomputeError",
    "Record",
    "Sparsity",
    "StructureError",
    "Traversal",
    "UnknownDeviceError",
    "UnregisteredTypeError",
    "__version__",
    "add",
    "adopt",
    "at_instances_of",
    "backprop",
    "backprop_with",
    "blas_threads",
    "bp_op",
    "check_grads",
    "checkpoint",
    "cmath",
    "coerce_var",
    "collect_var",
    "compose",
    "compose_op",
    "cond",
    "curve_fit",
    "custom_jvp",
    "custom_vjp",
    "debug",
    "dense",
    "descend",
    "device_of",
    "devices",
    "each",
    "elementwise_grad",
    "eval_bp",
    "expect",
    "filtered",
    "fold_tree",
    "fori_loop",
    "freeze",
    "from_dlpack",
    "ggnvp",
    "grad",
    "grad_bp",
    "hessian",
    "hessian_diag",
    "holomorphic_grad",
    "hvp",
    "id_op",
    "implicit",
    "instance",
    "iso",
    "iso_var",
    "ix",
    "jacfwd",
    "jacobian",
    "jacrev",
    "join",
    "just",
    "jvp",
    "least_squares",
    "lens",
    "lift",
    "lift_op",
    "lift_op1",
    "lift_op2",
    "lift_op3",
    "linearize",
    "load",
    "log_softmax",
    "logistic",
    "math",
    "minimize",
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
    "optim",
    "over",
    "parallel",
    "param",
    "prelude",
    "preview",
    "prism",
    "profile",
    "ravel",
    "record",
    "register",
    "register_array",
    "register_number",
    "register_static",
    "relu",
    "replace",
    "review",
    "root",
    "root_scalar",
    "save",
    "scan",
    "scipy",
    "sequence_var",
    "show",
    "softmax",
    "softmax_cross_entropy",
    "sparse_jacobian",
    "sparsity",
    "split",
    "static",
    "stop_gradient",
    "taylor",
    "tied",
    "to_device",
    "to_list",
    "traversal",
    "tree",
    "updates",
    "value",
    "value_and_grad",
    "value_and_jacobian",
    "view",
    "vjp",
    "vmap",
    "while_loop",
    "zero",
]
