"""What writes into a lifted array: items, in-place operators, and the methods that change it."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator
from typing import Any, NoReturn

import numpy as np

from gradx import numpy as gnp
from gradx.core.assignment import assign, fill, root_of
from gradx.core.dispatch import Lifted
from gradx.core.objects import is_lifted
from gradx.core.spec import primal
from gradx.core.views import is_view
from gradx.errors import AssignmentError
from gradx.numpy.assignment import as_written

__all__ = ["AssignmentSurface", "Flat"]


def _in_place(function: Callable[[Any, Any], Any], ufunc: Any) -> Any:
    """An in-place operator: the result of the operator, written into the array."""
    name = f"__i{function.__name__.strip('_')}__"
    write = getattr(operator, name)

    def into(a: Any, b: Any, out: Any) -> None:
        write(out, b)

    def method(self: Any, other: Any) -> Any:
        y = as_written(into, (self, other), self, function(self, other))
        return fill(self, y, ufunc=ufunc)

    method.__name__ = name
    return method


class AssignmentSurface(Lifted):
    """The operators, methods and attributes by which an array is changed in place.

    The array changes under each of its names and in its views, as in NumPy. The caller's own array
    stays as it was.
    """

    __slots__ = ()

    def __setitem__(self, index: Any, item: Any) -> None:
        assign(self, index, item)

    def __delitem__(self, index: Any) -> NoReturn:
        raise ValueError("cannot delete array elements; write np.delete(v, i)")

    __iadd__, __isub__ = _in_place(operator.add, np.add), _in_place(operator.sub, np.subtract)
    __imul__ = _in_place(operator.mul, np.multiply)
    __itruediv__ = _in_place(operator.truediv, np.divide)
    __ifloordiv__ = _in_place(operator.floordiv, np.floor_divide)
    __imod__ = _in_place(operator.mod, np.remainder)
    __ipow__ = _in_place(operator.pow, np.power)

    def __imatmul__(self, other: Any) -> Any:
        if not self.shape or np.ndim(other) < 2:
            raise ValueError(
                "inplace matrix multiplication requires the first operand to have at least one "
                "and the second at least two dimensions"
            )
        return fill(self, self @ other)

    def fill(self, value: Any) -> None:
        """As `ndarray.fill`."""
        if np.ndim(value):  # NumPy's own error
            np.empty(1).fill(np.zeros(np.shape(value)))
        assign(self, ..., value)

    def sort(self, axis: int = -1, kind: Any = None, order: Any = None) -> None:
        """As `ndarray.sort`, in place."""
        assign(self, ..., gnp.sort(self, axis, kind, order), fresh=True)

    def partition(self, kth: Any, axis: int = -1, kind: str = "introselect") -> None:
        """As `ndarray.partition`, in place."""
        assign(self, ..., gnp.partition(self, kth, axis, kind), fresh=True)

    def put(self, indices: Any, values: Any, mode: str = "raise") -> None:
        """As `ndarray.put`."""
        gnp.put(self, indices, values, mode)

    def resize(self, *shape: Any, refcheck: bool = True) -> NoReturn:
        """Refused: an array of another size is another array."""
        raise AssignmentError(
            ".resize would change the size of a variable in place, which is not possible while it "
            "has other names; write v = np.resize(v, shape)"
        )

    def _set_shape(self, shape: Any) -> None:
        """Take another shape, of which NumPy makes a view."""
        raise NotImplementedError

    @property
    def shape(self) -> tuple[int, ...]:
        """The lengths of the axes; setting it makes a view of the array of it."""
        shape: tuple[int, ...] = self._spec().shape
        return shape

    @shape.setter
    def shape(self, shape: Any) -> None:
        self._set_shape(shape)

    def _set_real(self, items: Any) -> None:
        assign(gnp.real(self), ..., items)

    def _set_imag(self, items: Any) -> None:
        if self._spec().dtype.kind != "c":
            raise TypeError("array does not have imaginary part to set")
        assign(gnp.imag(self), ..., items)

    real = property(lambda self: gnp.real(self), _set_real, doc="The real part.")
    imag = property(lambda self: gnp.imag(self), _set_imag, doc="The imaginary part.")

    @property
    def base(self) -> Any:
        """The array of which it is a view; None for an array of its own."""
        return root_of(self) if is_view(self) else None

    @property
    def flat(self) -> Flat:
        """The items in order, to read and to write, as `ndarray.flat`."""
        return Flat(self)

    @flat.setter
    def flat(self, items: Any) -> None:
        if is_lifted(items) and _is_by_columns(self) and not _is_by_columns(items):
            items = gnp.copy(items)  # as NumPy does
        self.flat[:] = items


def _is_by_columns(array: Any) -> bool:
    flags = getattr(primal(array), "flags", None)
    return flags is not None and bool(flags.f_contiguous)


class Flat:
    """The items of a lifted array in order: what `ndarray.flat` is of an array.

    Args:
        array: the array.
    """

    __slots__ = ("_array", "base")

    def __init__(self, array: Any) -> None:
        self.base = array
        self._array = array if array.shape else array.reshape(1)

    def __len__(self) -> int:
        return int(self.base.size)

    def __iter__(self) -> Iterator[Any]:
        return (self[i] for i in range(len(self)))

    def _places(self, index: Any) -> Any:
        """The index in the array of items at an index in their order."""
        if isinstance(index, tuple) and len(index) == 1:
            index = index[0]
        return np.unravel_index(np.arange(len(self))[index], self._array.shape)

    def __getitem__(self, index: Any) -> Any:
        return self._array[self._places(index)]

    def __setitem__(self, index: Any, items: Any) -> None:
        places = self._places(index)
        if not np.ndim(items):
            self._array[places] = items
            return
        items = items if hasattr(items, "flat") else gnp.array(items)
        if not items.size:
            return  # as NumPy does
        if root_of(items) is not root_of(self.base):
            count = np.size(places[0])
            items = np.resize(items, (count,)) if count else np.zeros(0)
            self._array[places] = items.reshape(np.shape(places[0]))
            return
        # NumPy reads as it writes, so that items which were just written are read again.
        for number, place in enumerate(zip(*map(np.ravel, places), strict=True)):
            self._array[place] = items.flat[number % items.size]

    def copy(self) -> Any:
        """The items as a vector of its own."""
        return self.base.flatten()

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Any:
        return self.base.ravel().__array__(dtype, copy)
