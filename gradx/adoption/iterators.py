"""NumPy's classes: its iterators for variables, and arrays that can be filled.

NumPy does not dispatch classes. Here the name of each is a function, which calls NumPy's class
where no variable is given. Only `np.ndarray`, of which programs ask whether x is one, is a class.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from gradx.adoption.inside import handed
from gradx.core.spec import shape_of
from gradx.errors import NotLiftedError
from gradx.numpy.arguments import has_lifted, operand, primals

__all__ = ["broadcast", "ndarray", "ndenumerate", "nditer"]


class _LikeNumpys(type):
    """What makes of `np.ndarray(shape)` an array that can be filled; all else is NumPy's answer."""

    def __call__(cls, *args: Any, **kwargs: Any) -> Any:
        if cls is not ndarray:  # a subclass
            return super().__call__(*args, **kwargs)
        return handed(np.ndarray(*args, **kwargs), args)

    def __instancecheck__(cls, x: Any) -> bool:
        return isinstance(x, np.ndarray) if cls is ndarray else super().__instancecheck__(x)

    def __subclasscheck__(cls, other: Any) -> bool:
        if cls is ndarray:
            return issubclass(other, np.ndarray)
        return super().__subclasscheck__(other)

    def __eq__(cls, other: Any) -> bool:
        return other is cls or (cls is ndarray and other is np.ndarray)

    def __hash__(cls) -> int:
        return hash(np.ndarray) if cls is ndarray else super().__hash__()


class ndarray(np.ndarray[Any, Any], metaclass=_LikeNumpys):
    """`np.ndarray` in adopted code, where calling it makes an array that variables can fill."""

    __module__ = "numpy"


def ndenumerate(arr: Any) -> Any:
    """As `np.ndenumerate`; of a variable the items are variables."""
    if not has_lifted(arr):
        return np.ndenumerate(arr)
    arr = operand(arr)
    return ((index, arr[index]) for index in np.ndindex(shape_of(arr)))


class _Broadcast:
    """The broadcast of several arrays, as `np.broadcast` gives it."""

    def __init__(self, arrays: Sequence[Any]) -> None:
        self._arrays = np.broadcast_arrays(*map(operand, arrays))
        self.shape = shape_of(self._arrays[0])
        self.size = int(np.prod(self.shape, dtype=int))
        self.nd = self.ndim = len(self.shape)
        self.numiter = len(arrays)

    def __iter__(self) -> Iterator[Any]:
        for index in np.ndindex(self.shape):
            yield tuple(x[index] for x in self._arrays)


def broadcast(*arrays: Any) -> Any:
    """As `np.broadcast`."""
    return _Broadcast(arrays) if any(map(has_lifted, arrays)) else np.broadcast(*arrays)


class _Iteration:
    """The items of arrays one after another, each as an array of no axes, as `np.nditer` does.

    Args:
        arrays: the arrays, of one shape.
        indices: in which order.
    """

    def __init__(self, arrays: Sequence[Any], indices: Sequence[tuple[int, ...]]) -> None:
        self.operands = tuple(arrays)
        self._indices, self.iterindex = indices, 0
        self.shape, self.itersize = shape_of(arrays[0]), len(indices)
        self.ndim, self.nop = len(self.shape), len(arrays)

    finished = property(lambda self: self.iterindex >= self.itersize)
    multi_index = property(lambda self: self._indices[self.iterindex])

    @property
    def value(self) -> Any:
        """The item, or those of several arrays."""
        items = tuple(x[(*self.multi_index, ...)] for x in self.operands)
        return items[0] if len(items) == 1 else items

    def __getitem__(self, i: int) -> Any:
        return self.operands[i][(*self.multi_index, ...)]

    def iternext(self) -> bool:
        """Go to the next item, if there is one."""
        self.iterindex += 1
        return not self.finished

    def __iter__(self) -> Iterator[Any]:
        while not self.finished:
            yield self.value
            self.iterindex += 1

    def __enter__(self) -> Any:
        return self

    def __exit__(self, *_: Any) -> None:
        return None


_FLAGS = frozenset({"multi_index", "refs_ok", "zerosize_ok", "c_index"})


def nditer(op: Any, flags: Sequence[str] = (), *args: Any, order: Any = "K", **kwargs: Any) -> Any:
    """As `np.nditer`; the items of a variable are views of it.

    Raises:
        NotLiftedError: a flag or an argument that variables cannot follow.
    """
    if not has_lifted(op):
        return np.nditer(op, flags, *args, order=order, **kwargs)  # type: ignore[call-overload]
    unknown = [*(set(flags) - _FLAGS), *(set(kwargs) - {"op_flags"}), *args[1:]]
    if unknown or order not in ("K", "C"):
        raise NotLiftedError(
            f"np.nditer with {', '.join(map(str, unknown)) or f'order={order!r}'} does not go over "
            "variables; loop over np.ndindex(v.shape) and write v[index]"
        )
    arrays = [operand(x) for x in op] if type(op) in (list, tuple) else [operand(op)]
    if len({shape_of(x) for x in arrays}) > 1:
        arrays = list(np.broadcast_arrays(*arrays))
    return _Iteration(arrays, _in_order(arrays[0], order))


def _in_order(x: Any, order: str) -> list[tuple[int, ...]]:
    """The indices of an array in the order of its memory, or in that of its axes."""
    like = primals(x)
    indices = list(np.ndindex(shape_of(x)))
    if order == "C" or type(like) is not np.ndarray or like.flags.c_contiguous:
        return indices
    flat = np.nditer(like, ["multi_index", "zerosize_ok"], order="K")
    return [flat.multi_index for _ in flat]
