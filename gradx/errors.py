"""Errors: everything gradx raises, in one tree.

Each error names the offending value or path, says why, and shows what to write instead.

    GradxError
    ├── UnregisteredTypeError   (TypeError)   a value of a type gradx does not know
    ├── NotDifferentiableError  (TypeError)   a value that has no gradient, such as an integer array
    ├── NotLiftedError          (TypeError)   a function gradx has no rule for
    │   └── NotLiftedAttributeError (AttributeError)  a method or attribute without one
    ├── ConversionError         (TypeError)   a variable used where only a plain value can go
    ├── AssignmentError         (TypeError)   a variable written into a plain array
    ├── AdoptionError           (TypeError)   something that gx.adopt cannot copy
    ├── AliasError              (ValueError)  an object at two paths that the function changed
    ├── InPlaceError            (TypeError)   parameters that cannot be changed in place
    ├── EscapedVarError         (RuntimeError) a variable used after its run has ended
    ├── NonFiniteError          (ArithmeticError) NaN or an infinity made of finite numbers
    ├── OverwrittenError        (ValueError)  an array that a rule keeps was overwritten
    ├── LoopError               (RuntimeError) a loop that goes on after its last step
    ├── RecomputeError          (RuntimeError) a function that gave something else when done again
    ├── StructureError          (ValueError)  values whose structures do not match
    ├── CotangentError          (ValueError)  a wrong cotangent, from an op's pullback or a caller
    ├── NonScalarError          (ValueError)  a result that is not one real number
    ├── CycleError              (ValueError)  a value that contains itself
    ├── OpError                 (ValueError)  an op or rule that was defined wrongly
    ├── OpticError              (TypeError)   an optic that is not what it is used as
    ├── EmptyFocusError         (LookupError) a part that was expected and is not there
    ├── NoGradientError         (RuntimeError) the gradient of an op that was made without one
    ├── BlasThreadsError        (RuntimeError) BLAS threads that cannot be limited
    └── DeviceError             something is wrong with a device
        ├── DeviceMismatchError (ValueError)  one operation on values of several devices
        └── UnknownDeviceError  an invalid device name

Packages add their own: `gradx.testing`, `gradx.optim`, `gradx.backends`, `gradx.files`,
`gradx.mnist`, `gradx.train` and `gradx.report`.
"""

from __future__ import annotations

__all__ = [
    "AdoptionError",
    "AliasError",
    "AssignmentError",
    "BlasThreadsError",
    "ConversionError",
    "CotangentError",
    "CycleError",
    "DeviceError",
    "DeviceMismatchError",
    "EmptyFocusError",
    "EscapedVarError",
    "GradxError",
    "InPlaceError",
    "LoopError",
    "NoGradientError",
    "NonFiniteError",
    "NonScalarError",
    "NotDifferentiableError",
    "NotLiftedAttributeError",
    "NotLiftedError",
    "OpError",
    "OpticError",
    "OverwrittenError",
    "RecomputeError",
    "StructureError",
    "UnknownDeviceError",
    "UnregisteredTypeError",
]


class GradxError(Exception):
    """The base of every error that gradx raises."""


class UnregisteredTypeError(GradxError, TypeError):
    """A value whose type is neither known, registered nor marked static."""


class NotDifferentiableError(GradxError, TypeError):
    """A value that cannot have a gradient, such as a bare integer array."""


class NotLiftedError(GradxError, TypeError):
    """A function or method that has no rule for variables."""


class NotLiftedAttributeError(NotLiftedError, AttributeError):
    """An attribute or method of a value that has no rule for variables."""


class ConversionError(GradxError, TypeError):
    """A variable was asked for a plain value, which would lose its gradient in silence."""


class AssignmentError(GradxError, TypeError):
    """A variable was written into a plain array, or an item of a variable was assigned to."""


class AdoptionError(GradxError, TypeError):
    """A thing that `gx.adopt` cannot copy, such as a function of C."""


class AliasError(GradxError, ValueError):
    """An object that the inputs reach by two paths was changed at one of them."""


class InPlaceError(GradxError, TypeError):
    """A part of a value cannot be changed in place, for example because it is a Python number."""


class EscapedVarError(GradxError, RuntimeError):
    """A variable was used after the run that made it had ended."""


class NonFiniteError(GradxError, ArithmeticError):
    """An operation or its backward rule made NaN or an infinity of finite numbers (`gx.debug`)."""


class OverwrittenError(GradxError, ValueError):
    """An array that a backward rule keeps was overwritten before the rule used it (`gx.debug`)."""


class LoopError(GradxError, RuntimeError):
    """A loop whose condition still holds after the most steps that it may do."""


class RecomputeError(GradxError, RuntimeError):
    """A checkpointed function gave another result when it was done again in the sweep."""


class StructureError(GradxError, ValueError):
    """Two values that should have the same structure do not."""


class CotangentError(GradxError, ValueError):
    """A cotangent of the wrong number, type or shape."""


class NonScalarError(GradxError, ValueError):
    """A result that should be one real number is not."""


class CycleError(GradxError, ValueError):
    """A value that contains itself, so that its gradient by path would never end."""


class NoGradientError(GradxError, RuntimeError):
    """The gradient was needed of an op that was created without one."""


class OpError(GradxError, ValueError):
    """An op or a rule whose definition cannot work."""


class OpticError(GradxError, TypeError):
    """An optic that is not what it is used as, whose foci overlap, or whose set changes a type."""


class EmptyFocusError(GradxError, LookupError):
    """A prism or traversal was expected to find a part, and there is none."""


class BlasThreadsError(GradxError, RuntimeError):
    """The number of BLAS threads cannot be changed here."""


class DeviceError(GradxError):
    """Something is wrong with a device or its backend; base of the errors below."""


class DeviceMismatchError(DeviceError, ValueError):
    """One operation on arrays of several devices."""


class UnknownDeviceError(DeviceError):
    """An invalid device name."""
