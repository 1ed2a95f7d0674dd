"""The surfaces of NumPy scalars and of arrays: their attributes and methods.

Each method is the NumPy function of its name, on the device of the array. Methods that would change
an array raise and say what to write instead.
"""

from __future__ import annotations

import math
import operator
import sys
from collections.abc import Iterable, Iterator
from contextvars import ContextVar
from typing import Any, NoReturn

import numpy as np

from gradx import numpy as gnp
from gradx.core.dispatch import FUNCTIONS, Lifted, apply, one_by_one
from gradx.core.op import Op
from gradx.core.refusals import as_array
from gradx.core.views import is_view
from gradx.core.watch import tell
from gradx.devices.placement import PLACES
from gradx.errors import ConversionError, NotLiftedAttributeError
from gradx.ops import indexing, numbers, products, shaping
from gradx.ops.helpers import first_device_array
from gradx.surface.assignment import AssignmentSurface
from gradx.surface.numbers import NumberSurface, binary, is_operand

__all__ = ["NAMESPACE", "ArraySurface", "ScalarSurface"]

NAMESPACE: ContextVar[Any] = ContextVar("gradx_array_namespace", default=gnp)
"""What an array names as its namespace; adopted code has one whose arrays can be filled."""


_AS_STRIDED = np.lib.stride_tricks.as_strided.__code__


def _method(name: str, function: str | None = None) -> Any:
    """The array method that is the NumPy function of the same name, or of another."""
    own = getattr(np, function or name)
    lifted = FUNCTIONS[own]

    def method(self: Any, *args: Any, **kwargs: Any) -> Any:
        try:
            return lifted(self, *args, **kwargs)
        except ConversionError as error:
            return one_by_one(own, (self, *args), kwargs, error)

    method.__name__ = name
    method.__doc__ = f"As `np.{function or name}` of this array."
    return method


def _place(shape: tuple[int, ...], args: tuple[Any, ...]) -> tuple[Any, ...]:
    """The index of an item: by its number in the order of the axes, by one number for each axis."""
    size = math.prod(shape)
    if len(args) == 1 and type(args[0]) is tuple:
        args = args[0]
    if not args and size != 1:
        raise ValueError("can only convert an array of size 1 to a Python scalar")
    if not args:
        return (0,) * len(shape)
    if len(args) == 1:
        number = operator.index(args[0])
        if not -size <= number < size:
            raise IndexError(f"index {number} is out of bounds for size {size}")
        return np.unravel_index(number % size, shape)
    if len(args) != len(shape):
        raise ValueError("incorrect number of indices for array")
    return args


class ScalarSurface(NumberSurface):
    """The attributes and methods of a NumPy scalar, beside the operators of a number."""

    __slots__ = ()

    def _takes(self, other: Any, op: Op) -> bool:
        if type(other) in (list, tuple):  # NumPy takes a list for an array, but for its product
            return op is not numbers.multiply
        return is_operand(other)

    __iter__: Any = None  # or Python would take it for a sequence, since it has items

    def __getitem__(self, index: Any) -> Any:
        try:
            return indexing.taken(self, index)
        except ConversionError as error:
            return one_by_one(operator.getitem, (self, index), {}, error)

    shape = property(lambda self: self._spec().shape, doc="The lengths of the axes.")
    dtype = property(lambda self: self._spec().dtype, doc="The dtype.")
    ndim = property(lambda self: len(self._spec().shape), doc="The number of axes.")
    size = property(lambda self: self._spec().size, doc="The number of items.")
    itemsize = property(lambda self: self._spec().dtype.itemsize, doc="The bytes of an item.")
    strides = property(lambda self: self._laid_out().strides, doc="The steps in memory.")
    nbytes = property(lambda self: self.size * self.itemsize, doc="The bytes of all items.")
    T = property(lambda self: gnp.transpose(self), doc="The transpose.")

    @property
    def device(self) -> Any:
        """Where the array is; one of which only a shape is known is on the host."""
        x: Any = self._primal()
        return "cpu" if x is self else getattr(x, "device", "cpu")

    def to_device(self, device: Any, /, *, stream: Any = None) -> Any:
        """The array itself, for the device on which it is.

        Raises:
            ValueError: another device; names `gx.to_device`. NumPy's own, for a stream.
        """
        if stream is not None:
            np.empty(0).to_device("cpu", stream=stream)
        if device != self.device:
            raise ValueError(
                f"v.to_device({device!r}) of an array on {self.device!r}; write gx.to_device(v, "
                f"{device!r}), which is differentiable"
            )
        return self

    def __array_namespace__(self, /, *, api_version: Any = None) -> Any:
        """`gradx.numpy`, a namespace of the array API standard; in adopted code that of it.

        Raises:
            ValueError: NumPy's own, where it does not know the version.
        """
        np.empty(0).__array_namespace__(api_version=api_version)
        return NAMESPACE.get()

    def _laid_out(self) -> Any:
        """The plain array, to ask how it lies in memory.

        Raises:
            NotLiftedAttributeError: there is none, only a shape and a dtype.
        """
        x: Any = self._primal()
        if x is self:
            raise NotLiftedAttributeError(f"{x!r} lies nowhere in memory")
        return x._laid_out() if issubclass(type(x), Lifted) else x

    sum, mean, prod = _method("sum"), _method("mean"), _method("prod")
    max, min, std, var = _method("max"), _method("min"), _method("std"), _method("var")
    cumsum, cumprod, dot = _method("cumsum"), _method("cumprod"), _method("dot")
    ravel, swapaxes = _method("ravel"), _method("swapaxes")
    squeeze, clip = _method("squeeze"), _method("clip")
    conj = NumberSurface.conjugate
    diagonal, trace, repeat = _method("diagonal"), _method("trace"), _method("repeat")
    take, round = _method("take"), _method("round")
    all, any, nonzero = _method("all"), _method("any"), _method("nonzero")
    argmax, argmin, argsort = _method("argmax"), _method("argmin"), _method("argsort")
    argpartition, searchsorted = _method("argpartition"), _method("searchsorted")

    def flatten(self, order: str = "C") -> Any:
        """As `ndarray.flatten`: always a copy."""
        y = gnp.ravel(self, order)
        return y.copy() if is_view(y) or y is self else y

    def compress(self, condition: Any, axis: int | None = None, **options: Any) -> Any:
        """As `ndarray.compress`; the function of the name takes the condition first."""
        return gnp.compress(condition, self, axis, **options)

    def copy(self, order: str = "C") -> Any:
        """As `ndarray.copy`, whose order in memory is not that of `np.copy`."""
        return apply(shaping.copy, (self,), {"order": order, "method": True})

    def astype(
        self,
        dtype: Any,
        order: str = "K",
        casting: str = "unsafe",
        subok: bool = True,
        copy: bool = True,
    ) -> Any:
        """As `ndarray.astype`; a cast to integers or booleans gives a plain array."""
        return gnp.astype(self, dtype, order=order, casting=casting, subok=subok, copy=copy)

    def reshape(self, *shape: Any, **options: Any) -> Any:
        """As `np.reshape`; the shape as one argument or as several."""
        return gnp.reshape(self, shape[0] if len(shape) == 1 else shape, **options)

    def transpose(self, *axes: Any) -> Any:
        """As `np.transpose`; the axes as one argument or as several."""
        return gnp.transpose(self, axes[0] if len(axes) == 1 else axes or None)

    def item(self, *args: Any) -> Any:
        """As `ndarray.item`: the variable of a Python number.

        Raises:
            ConversionError: the array is on a device, so that its number must be fetched.
            ValueError: there are several items and none is chosen.
        """
        known = self._spec()
        if first_device_array((self,)) is not None or known.dtype.char not in "efdFD":
            self._refuse_number("v.item()")
        kind = complex if known.dtype.kind == "c" else float
        return apply(numbers.of_python, (self[_place(known.shape, args)],), {"kind": kind})

    def tolist(self) -> NoReturn:
        """Refused: it would drop the gradient."""
        self._refuse_number("v.tolist()")


class ArraySurface(AssignmentSurface, ScalarSurface):
    """The attributes and methods of an array."""

    __slots__ = ()
    __hash__: Any = None

    def _takes(self, other: Any, op: Op) -> bool:
        return type(other) in (list, tuple) or is_operand(other)

    __matmul__, __rmatmul__ = binary(products.matmul)
    flags = property(lambda self: self._laid_out()[...].flags, doc="How it lies in memory.")
    mT = property(lambda self: gnp.matrix_transpose(self), doc="The last two axes exchanged.")

    def __len__(self) -> int:
        shape = self._spec().shape
        if not shape:
            raise TypeError("len() of unsized object")
        return int(shape[0])

    def __iter__(self) -> Iterator[Any]:
        if not self._spec().shape:
            raise TypeError("iteration over a 0-d array")
        return (self[i] for i in range(len(self)))  # each is read when it is asked for

    def __contains__(self, item: Any) -> bool:
        number = item._concrete("v in array") if isinstance(item, Lifted) else item
        return number in self._concrete("'item in v'")

    def __index__(self) -> int:
        self._refuse_index()

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Any:
        """An array of objects, the items of this array, which gradx joins where it meets them.

        It is read-only unless it is a copy, since this array would not show what is written.

        Raises:
            ConversionError: another dtype is asked for, or the array is on a device, or NumPy's
                `as_strided` asks, which would read the memory as if it held the numbers.
        """
        if sys._getframe(1).f_code is _AS_STRIDED:
            raise ConversionError(
                "np.lib.stride_tricks.as_strided reads the memory of a plain array; write "
                "gx.numpy.lib.stride_tricks.as_strided or np.lib.stride_tricks.sliding_window_view"
            )
        if (dtype is not None and np.dtype(dtype) != object) or type(self._primal()) in PLACES:
            raise as_array(self)
        tell("object array", f"NumPy made an array of objects of a variable of shape {self.shape}")
        source = gnp.copy(self) if copy else self
        items = np.fromiter(source._items(), object, self.size).reshape(self.shape)
        if not copy and getattr(self, "flags", None) is not None and self.flags.fnc:
            items = np.asfortranarray(items)  # or NumPy would make a copy where it makes none of v
        items.flags.writeable = bool(copy)
        return items

    def _items(self) -> Iterable[Any]:
        """The items in order; a kind of run may give lazy ones."""
        return (self[index] for index in np.ndindex(*self.shape))
