"""Sparse arrays with variables for items: SciPy's classes, whose products are lifted.

Each is a subclass of SciPy's of the same name, so it is one for whoever asks. On plain items and
operands it does what SciPy's does. With variables among them it has the operations that are
written here, and anything else raises.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from types import MappingProxyType
from typing import Any

import numpy as np
import scipy.sparse

from gradx import numpy as gnp
from gradx.core.dispatch import apply, has_variables
from gradx.core.plain import value
from gradx.core.spec import shape_of
from gradx.devices.placement import PLACES
from gradx.errors import NotLiftedError
from gradx.numpy.arguments import is_lifted, on_host, operand
from gradx.ops.helpers import eye_for, first_device_array
from gradx.ops.scipy.sparse import sparse_matmul
from gradx.scipy.library import device_array
from gradx.scipy.lifting import depends
from gradx.scipy.sparse.items import (
    find,
    is_plain,
    is_sparse,
    on_device,
    ones_beside,
    pattern_of,
    placed,
    refuse,
    together,
    valued,
)
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
]

Array = np.ndarray[Any, Any]

_FORMATS = frozenset({"coo", "csc", "csr"})
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
    __array_priority__ = 1000.0  # and CuPy's

    def __init__(self, arg1: Any, *args: Any, **kwargs: Any) -> None:
        arg1 = _of_a_device(arg1)
        if not depends(arg1.data if is_sparse(arg1) else arg1) and not on_device(arg1):
            arg1 = arg1 if is_sparse(arg1) else value(arg1)
            _scipys(self).__init__(self, arg1, *args, **kwargs)
            return
        plain, data = _taken(arg1)
        _scipys(self).__init__(self, plain, *args, **kwargs)
        _fill(self, plain, data)

    def __getattribute__(self, name: str) -> Any:
        if name[0] == "_" or name in _ALLOWED:
            return object.__getattribute__(self, name)
        data = vars(self).get("data")
        if not is_lifted(data) and type(data) not in PLACES:
            return object.__getattribute__(self, name)
        raise _absent(self, f".{name}")

    def __getitem__(self, key: Any) -> Any:
        if on_device(self):
            raise _absent(self, "An item or a part")
        return _scipys(self).__getitem__(self, key)

    # --- Products ---------------------------------------------------------------------------------

    def __matmul__(self, other: Any) -> Any:
        if is_plain(self, other):
            return _scipys(self).__matmul__(self, other)
        if is_sparse(other):
            return _product(self, other)
        x = operand(other)
        shape = shape_of(x)
        if len(shape) not in (1, 2) or shape[0] != self.shape[-1]:
            return _bare(self, True) @ np.ones(shape)  # which raises
        with together("@", self.data, x):
            return apply(sparse_matmul, (self.data, x), {"pattern": pattern_of(self)})

    def __rmatmul__(self, other: Any) -> Any:
        if is_plain(self, other):
            return _scipys(self).__rmatmul__(self, other)
        if is_sparse(other):
            return _product(other, self)
        return gnp.transpose(self.transpose() @ gnp.transpose(operand(other)))

    def dot(self, other: Any) -> Any:
        """As SciPy's."""
        return self @ other

    def __mul__(self, other: Any) -> Any:
        if is_plain(self, other):
            return _scipys(self).__mul__(self, other)
        if isinstance(self, scipy.sparse.spmatrix) and np.ndim(value(other)):
            return self @ other
        return self.multiply(other)

    def __rmul__(self, other: Any) -> Any:
        if is_plain(self, other):
            return _scipys(self).__rmul__(self, other)
        if isinstance(self, scipy.sparse.spmatrix) and np.ndim(value(other)):
            return self.__rmatmul__(other)
        return self.multiply(other)

    def multiply(self, other: Any) -> Any:
        """As SciPy's, with a number or with a dense array of this shape."""
        if is_plain(self, other):
            return _scipys(self).multiply(self, other)
        if is_sparse(other):
            refuse("the product of two sparse arrays, item by item,", "x.toarray()")
        factor = operand(other)
        if shape_of(factor) == ():
            return _like(self, self.data * factor)
        pattern = pattern_of(self)
        with together("multiply", self.data, factor):
            places = pattern.places_beside(factor)
            factor = gnp.broadcast_to(factor, pattern.shape)[places]
            return _like(self.tocoo(), self.data * factor)

    def __truediv__(self, other: Any) -> Any:
        if is_plain(self, other):
            return _scipys(self).__truediv__(self, other)
        if shape_of(operand(other)) != ():
            refuse("the quotient of a sparse array and an array", "A.multiply(1 / x)")
        single = self.dtype.kind == "f" and self.dtype.itemsize < 8
        data = self.data.astype(float) if single else self.data  # as SciPy does
        return _like(self, data * (1 / other))

    # --- Sums -------------------------------------------------------------------------------------

    def __neg__(self) -> Any:
        return _like(self, -self.data)

    def __add__(self, other: Any) -> Any:
        return self._sum(other, operator.add)

    __radd__ = __add__

    def __sub__(self, other: Any) -> Any:
        return self._sum(other, operator.sub)

    def __rsub__(self, other: Any) -> Any:
        return -self + other

    def _sum(self, other: Any, function: Callable[[Any, Any], Any]) -> Any:
        if not is_sparse(other):
            if is_plain(self, other) or shape_of(operand(other)) == ():
                return function(
                    _bare(self, not is_plain(self)), value(other)
                )  # of a number: raises
            with together("the sum", self.data, operand(other)):
                return function(self.toarray(), operand(other))
        other = _of_known_format(other)
        if is_plain(self, other):
            return as_lifted(function(_bare(self), _bare(other)))
        mine, theirs = pattern_of(self), pattern_of(other)
        ones = operator.add(_bare(self, True), _bare(other, True))
        theirs_data = other.data if function is operator.add else -other.data
        terms = [(self.data, mine.rows, mine.columns), (theirs_data, theirs.rows, theirs.columns)]
        with together("the sum", self.data, other.data):
            own = None if on_device(self) else function(_bare(self), _bare(other))
            return _of_terms(own, ones, terms)

    def sum(self, axis: Any = None, *args: Any, **kwargs: Any) -> Any:
        """As SciPy's: of all items, or along an axis."""
        if is_plain(self):
            return _scipys(self).sum(self, axis, *args, **kwargs)
        pattern = pattern_of(self)
        there = on_device(self)
        own = None if there else pattern.build(value(self.data)).sum(axis)
        if axis is None:
            return valued(gnp.sum(self.data), own)
        if isinstance(self, scipy.sparse.spmatrix):
            refuse("the sum of a sparse matrix along an axis", "csr_array for csr_matrix")
        pattern = pattern if axis in (1, -1) else pattern.transposed
        ones = ones_beside(self.data, pattern.shape[1])
        return valued(apply(sparse_matmul, (self.data, ones), {"pattern": pattern}), own)

    # --- Other forms ------------------------------------------------------------------------------

    def transpose(self, axes: Any = None, copy: bool = False) -> Any:
        """As SciPy's: the items stay where they are."""
        new = _scipys(self).transpose(self, axes, copy) if is_plain(self) else None
        if new is None:
            bare = _with_data(self, np.zeros(shape_of(self.data)), _scipys(self)).transpose(axes)
            vars(bare).pop("_pattern", None)
            if on_device(self):
                bare._pattern = pattern_of(self).transposed
            return _like(bare, self.data)
        return as_lifted(new)

    T = property(transpose)

    def toarray(self, order: Any = None, out: Any = None) -> Any:
        """As SciPy's."""
        if is_plain(self):
            return _scipys(self).toarray(self, order, out)
        own = None if on_device(self) else pattern_of(self).build(value(self.data)).toarray()
        with together(".toarray()", self.data):
            return valued(self @ eye_for(self.data, self.shape[1]), own)

    def todense(self, order: Any = None, out: Any = None) -> Any:
        """As SciPy's, but an array, not a matrix, of variables."""
        return _scipys(self).todense(self, order, out) if is_plain(self) else self.toarray()

    def copy(self) -> Any:
        """As SciPy's."""
        return _scipys(self).copy(self) if is_plain(self) else _like(self, self.data)

    def tocsr(self, copy: bool = False) -> Any:
        """As SciPy's: the same array in the format csr."""
        return _converted(self, "csr")

    def tocsc(self, copy: bool = False) -> Any:
        """As SciPy's: the same array in the format csc."""
        return _converted(self, "csc")

    def tocoo(self, copy: bool = False) -> Any:
        """As SciPy's: the same array in the format coo."""
        return _converted(self, "coo")


def _absent(x: Any, what: str) -> NotLiftedError:
    """The error that something of an array has no derivative, or is not on its device."""
    where = "of variables" if is_lifted(x.data) else "on a device"
    return NotLiftedError(
        f"{what} of a {type(x).__name__} {where} has no derivative in gradx; it has @, +, -, * "
        "with numbers, .T, .sum, .multiply, .toarray and the conversions, and "
        "gx.scipy.sparse.linalg.spsolve takes it"
    )


def _bare(x: Any, ones: bool = False) -> Any:
    """SciPy's own array of the plain items; or of ones in their places, which do not cancel."""
    return _with_data(x, np.ones(shape_of(x.data)) if ones else value(x.data), _scipys(x))


def _of_known_format(x: Any) -> Any:
    return x if x.format in _FORMATS else x.tocsr()


def _product(a: Any, b: Any) -> Any:
    """The product of two sparse arrays: the sum over all pairs of items that meet."""
    a, b = _of_known_format(a), _of_known_format(b)
    if a.shape[1] != b.shape[0]:
        return _bare(a, True) @ _bare(b, True)  # which raises
    mine, theirs = pattern_of(a), pattern_of(b)
    by_row = np.argsort(theirs.rows, kind="stable")
    starts = np.searchsorted(theirs.rows[by_row], np.arange(b.shape[0] + 1))
    counts = np.diff(starts)[mine.columns]
    left = np.repeat(np.arange(len(counts)), counts)
    within = np.arange(len(left)) - np.repeat(np.cumsum(counts) - counts, counts)
    right = by_row[starts[mine.columns][left] + within]
    with together("@", a.data, b.data):
        products = gnp.take(a.data, left) * gnp.take(b.data, right)
        terms = [(products, mine.rows[left], theirs.columns[right])]
        own = None if on_device(a) else _bare(a) @ _bare(b)
        return _of_terms(own, _bare(a, True) @ _bare(b, True), terms)


def _of_terms(own: Any, ones: Any, terms: Sequence[Any]) -> Any:
    """The array of SciPy's values whose items are sums of variables.

    Args:
        own: SciPy's result, which leaves out what comes out as zero; None on a device.
        ones: the same of positive items, which leaves out nothing.
        terms: variables, and the rows and the columns where they are added.
    """
    new = as_lifted(ones)
    values = None
    if own is not None:
        known = pattern_of(own)
        values = np.zeros(new.nnz, own.dtype)
        values[find(new, known.rows, known.columns)] = own.data
    total: Any = 0.0
    for data, rows, columns in terms:
        total = total + placed(data, find(new, rows, columns), new.nnz)
    new.data = valued(total, values)
    return new


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
_OF_FORMATS = MappingProxyType({"coo": coo_array, "csc": csc_array, "csr": csr_array})


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


def _of_a_device(arg1: Any) -> Any:
    """An argument of a constructor with its indices on the host, of whatever library it is."""
    if not is_sparse(arg1) and device_array(getattr(arg1, "data", None)) is not None:
        cls = _OF_FORMATS.get(getattr(arg1, "format", ""))
        if cls is not None:
            is_coo = arg1.format == "coo"
            places = ((arg1.row, arg1.col),) if is_coo else (arg1.indices, arg1.indptr)
            return cls((arg1.data, *places), shape=arg1.shape)
    if type(arg1) is tuple and device_array(*_indices_in(arg1)) is not None:
        places = tuple(map(on_host, _indices_in(arg1)))
        return (arg1[0], places) if len(arg1) == 2 else (arg1[0], *places)
    return arg1


def _indices_in(arg1: tuple[Any, ...]) -> tuple[Any, ...]:
    """The arrays of indices in an argument of a constructor."""
    second = arg1[1] if len(arg1) == 2 else arg1[1:]
    return tuple(second) if isinstance(second, (tuple, list)) else ()


def _taken(arg1: Any) -> tuple[Any, Any]:
    """An argument of a constructor without its variables, and the variables in it."""
    if isinstance(arg1, tuple) and len(arg1) in (2, 3) and shape_of(operand(arg1[0])):
        data = operand(arg1[0])
        return (_stand_in(data), *arg1[1:]), data
    other: Any = arg1
    if is_sparse(other):
        return _with_data(other, _stand_in(other.data), _scipys(other)), other.data
    refuse("a sparse array made of a dense one", "A = csr_array((data, (rows, columns)))")


def _stand_in(data: Any) -> Any:
    """Items for SciPy's own constructor: the plain ones, or in place of a device's ones."""
    return np.ones(shape_of(data)) if first_device_array((data,)) is not None else value(data)


def _fill(x: Any, plain: Any, data: Any) -> None:
    """Put variables into an array that was made with their values."""
    if isinstance(plain, tuple) and len(plain) == 2:
        places = (np.asarray(plain[1][0]), np.asarray(plain[1][1]))
    elif isinstance(plain, tuple):
        x.data = data if shape_of(data) == x.data.shape else data[: x.nnz]
        return
    else:
        source = pattern_of(plain)
        places = (source.rows, source.columns)
    x.data = _moved(data, places, x)


def _moved(data: Any, places: tuple[Any, Any], x: Any) -> Any:
    """Items at given places in the order in which an array has them; sums where they repeat."""
    if x.format == "coo":
        return data  # the same order
    moved = placed(data, find(x, *places), x.nnz)
    return moved if first_device_array((data,)) is not None else valued(moved, x.data)


def _converted(x: Any, kind: str) -> Any:
    """An array in another format."""
    bare = _with_data(x, _stand_in(x.data), _scipys(x))
    vars(bare).pop("_pattern", None)
    new = as_lifted(getattr(bare, f"to{kind}")())
    if is_lifted(x.data) or on_device(x):
        source = pattern_of(x)
        new.data = _moved(x.data, (source.rows, source.columns), new)
    return new


# --- The registration -----------------------------------------------------------------------------


def _parts(x: Any) -> list[tuple[str, Any]]:
    return [("data", x.data)]


def _rebuilt(template: Any, keys: Sequence[Any], parts: Sequence[Any]) -> Any:
    """An array of the template's pattern: SciPy's own of plain items, with indices of its own."""
    data = parts[0] if parts else template.data
    there = first_device_array((data,)) is not None
    if there:
        pattern_of(template)  # once for all that have it
    if there or has_variables(data):
        return _with_data(template, data, lifted_class(template))
    new = _with_data(template, data, _scipys(template))
    vars(new).pop("_pattern", None)
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
