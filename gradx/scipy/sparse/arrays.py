"""Sparse arrays with variables for items: SciPy's classes, whose products are lifted.

Each is a subclass of SciPy's of the same name, so it is one for whoever asks. On plain items and
operands it does what SciPy's does. With variables among them it has the operations that are
written here, and anything else raises.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from types import MappingProxyType
from typing import Any, NoReturn

import numpy as np
import scipy.sparse

from gradx import numpy as gnp
from gradx.core.dispatch import apply, has_variables
from gradx.core.plain import value
from gradx.core.spec import shape_of
from gradx.errors import NotLiftedError
from gradx.numpy.arguments import is_lifted, operand
from gradx.ops import shaping
from gradx.ops.scipy.sparse import Pattern, sparse_matmul
from gradx.values.builtin import STATIC
from gradx.values.operations import Kind, ValueType

__all__ = [
    "CLASSES",
    "coo_array",
    "coo_matrix",
    "csc_array",
    "csc_matrix",
    "csr_array",
    "csr_matrix",
    "entry_of",
    "lifted_class",
    "pattern_of",
]

_ALLOWED = frozenset(
    {
        "T",
        "copy",
        "coords",
        "col",
        "data",
        "dot",
        "dtype",
        "format",
        "indices",
        "indptr",
        "maxprint",
    }
    | {"multiply", "ndim", "nnz", "row", "shape", "size", "sum", "toarray", "todense", "tocsr"}
    | {"tocsc", "tocoo", "transpose", "has_canonical_format", "has_sorted_indices"}
)
"""What a sparse array of variables has; SciPy's other methods would read the items."""


def pattern_of(x: Any) -> Pattern:
    """Where the items of a sparse array stand."""
    if x.format == "coo":
        return Pattern("coo", tuple(x.coords), x.shape)
    return Pattern(x.format, (x.indices, x.indptr), x.shape)


def _with_data(x: Any, data: Any, cls: Any) -> Any:
    """An array of a class with the pattern of another, and other items."""
    new = object.__new__(cls)
    new.__dict__.update(x.__dict__)
    new.data = data
    return new


class _Products:
    """The operations of SciPy's sparse arrays that are lifted."""

    data: Any
    shape: tuple[int, int]
    dtype: Any

    __array_ufunc__ = None  # so that NumPy's arrays and variables leave products to it

    def __init__(self, arg1: Any, *args: Any, **kwargs: Any) -> None:
        if not has_variables(arg1):
            _scipys(self).__init__(self, arg1, *args, **kwargs)
            return
        plain, data = _taken(arg1)
        _scipys(self).__init__(self, plain, *args, **kwargs)
        _fill(self, plain, data)

    def __getattribute__(self, name: str) -> Any:
        if name[0] == "_" or name in _ALLOWED or not is_lifted(vars(self).get("data")):
            return object.__getattribute__(self, name)
        raise NotLiftedError(
            f".{name} of a {type(self).__name__} of variables has no derivative in gradx; it has "
            "@, +, -, * with numbers, .T, .sum, .multiply, .toarray and the conversions, and "
            "gx.scipy.sparse.linalg.spsolve takes it"
        )

    # --- Products ---------------------------------------------------------------------------------

    def __matmul__(self, other: Any) -> Any:
        if _plain(self, other):
            return _scipys(self).__matmul__(self, other)
        if scipy.sparse.issparse(other):
            _refuse("@ of two sparse arrays", "x.toarray()")
        x = operand(other)
        shape = shape_of(x)
        if len(shape) not in (1, 2) or shape[0] != self.shape[1]:
            return _scipys(self).__matmul__(self, value(x))  # which raises
        return apply(sparse_matmul, (self.data, x), {"pattern": pattern_of(self)})

    def __rmatmul__(self, other: Any) -> Any:
        if _plain(self, other):
            return _scipys(self).__rmatmul__(self, other)
        return gnp.transpose(self.transpose() @ gnp.transpose(operand(other)))

    def dot(self, other: Any) -> Any:
        """As SciPy's."""
        return self @ other

    def __mul__(self, other: Any) -> Any:
        if _plain(self, other):
            return _scipys(self).__mul__(self, other)
        if isinstance(self, scipy.sparse.spmatrix) and np.ndim(value(other)):
            return self @ other
        return self.multiply(other)

    def __rmul__(self, other: Any) -> Any:
        if _plain(self, other):
            return _scipys(self).__rmul__(self, other)
        if isinstance(self, scipy.sparse.spmatrix) and np.ndim(value(other)):
            return self.__rmatmul__(other)
        return self.multiply(other)

    def multiply(self, other: Any) -> Any:
        """As SciPy's, with a number or with a dense array of this shape."""
        if _plain(self, other):
            return _scipys(self).multiply(self, other)
        if scipy.sparse.issparse(other):
            _refuse("the product of two sparse arrays, item by item,", "x.toarray()")
        factor = operand(other)
        if shape_of(factor) == ():
            return _like(self, self.data * factor)
        pattern = pattern_of(self)
        factor = gnp.broadcast_to(factor, pattern.shape)[pattern.rows, pattern.columns]
        return _like(self.tocoo(), self.data * factor)

    def __truediv__(self, other: Any) -> Any:
        if _plain(self, other):
            return _scipys(self).__truediv__(self, other)
        if shape_of(operand(other)) != ():
            _refuse("the quotient of a sparse array and an array", "A.multiply(1 / x)")
        single = self.dtype.kind == "f" and self.dtype.itemsize < 8
        data = self.data.astype(float) if single else self.data  # as SciPy does
        return _like(self, data * (1 / other))

    # --- Sums -------------------------------------------------------------------------------------

    def __neg__(self) -> Any:
        return _like(self, -self.data)

    def __add__(self, other: Any) -> Any:
        return self._sum(other, 1.0, functools.partial(_scipys(self).__add__, self))

    __radd__ = __add__

    def __sub__(self, other: Any) -> Any:
        return self._sum(other, -1.0, functools.partial(_scipys(self).__sub__, self))

    def __rsub__(self, other: Any) -> Any:
        return -self + other

    def _sum(self, other: Any, sign: float, own: Callable[[Any], Any]) -> Any:
        if _plain(self, other):
            return own(other)
        if not scipy.sparse.issparse(other):
            if shape_of(operand(other)) == ():
                return own(value(other))  # which raises
            return self.toarray() + sign * operand(other)
        mine, theirs = pattern_of(self), pattern_of(other)
        same = mine.kind == theirs.kind and mine.shape == theirs.shape
        if not same or not all(map(np.array_equal, mine.places, theirs.places)):
            _refuse("the sum of sparse arrays of two patterns", "A.toarray() + B.toarray()")
        return _like(self, self.data + sign * other.data)

    def sum(self, axis: Any = None, *args: Any, **kwargs: Any) -> Any:
        """As SciPy's: of all items, or along an axis."""
        if _plain(self):
            return _scipys(self).sum(self, axis, *args, **kwargs)
        pattern = pattern_of(self)
        own = pattern.build(value(self.data)).sum(axis)
        if axis is None:
            return apply(shaping.computed, (gnp.sum(self.data), own))
        if isinstance(self, scipy.sparse.spmatrix):
            _refuse("the sum of a sparse matrix along an axis", "csr_array for csr_matrix")
        pattern = pattern if axis in (1, -1) else pattern.transposed
        ones = np.ones(pattern.shape[1], self.dtype)
        sums = apply(sparse_matmul, (self.data, ones), {"pattern": pattern})
        return apply(shaping.computed, (sums, own))

    # --- Other forms ------------------------------------------------------------------------------

    def transpose(self, axes: Any = None, copy: bool = False) -> Any:
        """As SciPy's: the items stay where they are."""
        new = _scipys(self).transpose(self, axes, copy) if _plain(self) else None
        if new is None:
            bare = _with_data(self, np.zeros(shape_of(self.data)), _scipys(self))
            return _like(bare.transpose(axes), self.data)
        return as_lifted(new)

    T = property(transpose)

    def toarray(self, order: Any = None, out: Any = None) -> Any:
        """As SciPy's."""
        if _plain(self):
            return _scipys(self).toarray(self, order, out)
        own = pattern_of(self).build(value(self.data)).toarray()
        whole = self @ np.eye(self.shape[1], dtype=self.dtype)
        return apply(shaping.computed, (whole, own))

    def todense(self, order: Any = None, out: Any = None) -> Any:
        """As SciPy's, but an array, not a matrix, of variables."""
        return _scipys(self).todense(self, order, out) if _plain(self) else self.toarray()

    def copy(self) -> Any:
        """As SciPy's."""
        return _scipys(self).copy(self) if _plain(self) else _like(self, self.data)

    def tocsr(self, copy: bool = False) -> Any:
        """As SciPy's: the same array in the format csr."""
        return _converted(self, "csr")

    def tocsc(self, copy: bool = False) -> Any:
        """As SciPy's: the same array in the format csc."""
        return _converted(self, "csc")

    def tocoo(self, copy: bool = False) -> Any:
        """As SciPy's: the same array in the format coo."""
        return _converted(self, "coo")


def _plain(x: Any, *others: Any) -> bool:
    return not (is_lifted(x.data) or any(has_variables(other) for other in others))


def _refuse(what: str, remedy: str) -> NoReturn:
    raise NotLiftedError(f"{what} of variables has no derivative in gradx; write {remedy}")


def _class(name: str) -> Any:
    own = getattr(scipy.sparse, name)
    body = {"__doc__": f"As `scipy.sparse.{name}`; its items may be variables."}
    return type(name, (_Products, own), body | {"__module__": __name__})


coo_array, coo_matrix = _class("coo_array"), _class("coo_matrix")
csc_array, csc_matrix = _class("csc_array"), _class("csc_matrix")
csr_array, csr_matrix = _class("csr_array"), _class("csr_matrix")

CLASSES = MappingProxyType(
    {
        scipy.sparse.coo_array: coo_array,
        scipy.sparse.coo_matrix: coo_matrix,
        scipy.sparse.csc_array: csc_array,
        scipy.sparse.csc_matrix: csc_matrix,
        scipy.sparse.csr_array: csr_array,
        scipy.sparse.csr_matrix: csr_matrix,
    }
)
"""From SciPy's class to that whose items may be variables."""


def lifted_class(x: Any) -> Any:
    """The class of arrays like this one whose items may be variables."""
    return CLASSES.get(type(x), type(x))


def as_lifted(x: Any) -> Any:
    """SciPy's array as one whose products are lifted; anything else as it is."""
    cls = CLASSES.get(type(x))
    return x if cls is None else _with_data(x, x.data, cls)


def _scipys(x: Any) -> Any:
    """SciPy's own class of an array."""
    return next(cls for cls in type(x).__mro__ if cls in CLASSES)


def _like(x: Any, data: Any) -> Any:
    return _with_data(x, data, lifted_class(x))


# --- Conversions ----------------------------------------------------------------------------------


def _taken(arg1: Any) -> tuple[Any, Any]:
    """An argument of a constructor without its variables, and the variables in it."""
    if isinstance(arg1, tuple) and len(arg1) in (2, 3) and not np.isscalar(arg1[0]):
        data = operand(arg1[0])
        return (value(data), *arg1[1:]), data
    if scipy.sparse.issparse(arg1):
        return _with_data(arg1, value(arg1.data), _scipys(arg1)), arg1.data
    _refuse("a sparse array made of a dense one", "A = csr_array((data, (rows, columns)))")


def _fill(x: Any, plain: Any, data: Any) -> None:
    """Put variables into an array that was made with their values."""
    if isinstance(plain, tuple) and len(plain) == 2:
        places = (np.asarray(plain[1][0]), np.asarray(plain[1][1]))
    elif isinstance(plain, tuple):
        x.data = data
        return
    else:
        source = pattern_of(plain)
        places = (source.rows, source.columns)
    x.data = _moved(data, places, x)


def _moved(data: Any, places: tuple[Any, Any], x: Any) -> Any:
    """Items at given places in the order in which an array has them; sums where they repeat."""
    target = pattern_of(x)
    if target.kind == "coo":
        return data
    width = target.shape[1]
    known = target.rows.astype(np.int64) * width + target.columns
    order = np.argsort(known)
    wanted = np.asarray(places[0], np.int64) * width + places[1]
    which = order[np.searchsorted(known, wanted, sorter=order)]
    count = len(which)
    sums = Pattern("coo", (which, np.arange(count)), (len(known), count))
    moved = apply(sparse_matmul, (np.ones(count, x.dtype), data), {"pattern": sums})
    return apply(shaping.computed, (moved, x.data))


def _converted(x: Any, kind: str) -> Any:
    """An array in another format."""
    bare = _with_data(x, value(x.data), _scipys(x))
    new = as_lifted(getattr(bare, f"to{kind}")())
    if is_lifted(x.data):
        source = pattern_of(x)
        new.data = _moved(x.data, (source.rows, source.columns), new)
    return new


# --- The registration -----------------------------------------------------------------------------


def _parts(x: Any) -> list[tuple[str, Any]]:
    return [("data", x.data)]


def _rebuilt(template: Any, keys: Sequence[Any], parts: Sequence[Any]) -> Any:
    """An array of the template's pattern: SciPy's own of plain items, with indices of its own."""
    data = parts[0] if parts else template.data
    if has_variables(data):
        return _with_data(template, data, lifted_class(template))
    new = _with_data(template, data, _scipys(template))
    for name in ("indices", "indptr"):
        if name in new.__dict__:
            setattr(new, name, getattr(template, name).copy())
    if "coords" in new.__dict__:
        new.coords = tuple(each.copy() for each in template.coords)
    return new


_SPARSE = ValueType(Kind.RECORD, children=_parts, rebuild=_rebuilt)


def entry_of(x: Any) -> ValueType:
    """What gradx knows of a sparse array: of integers or booleans it has no derivative."""
    return _SPARSE if x.dtype.kind in "fc" else STATIC
