"""Sparse arrays with variables for items: SciPy's classes, whose products are lifted.

Each is a subclass of SciPy's of the same name, so it is one for whoever asks. On plain items and
operands it does what SciPy's does. With variables among them it has the operations that are
written here, and anything else raises.
"""

from __future__ import annotations

import operator
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
from gradx.scipy.lifting import depends
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
    "is_sparse",
    "lifted_class",
    "pattern_of",
]

Array = np.ndarray[Any, Any]

is_sparse: Callable[[Any], bool] = scipy.sparse.issparse
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


def pattern_of(x: Any) -> Pattern:
    """Where the items of a sparse array stand.

    Raises:
        NotLiftedError: it has one axis alone.
    """
    if len(x.shape) != 2:
        _refuse("a sparse array of one axis", "x.reshape(1, -1), of plain items")
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
        if not depends(arg1.data if is_sparse(arg1) else arg1):
            arg1 = arg1 if is_sparse(arg1) else value(arg1)
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
        if is_sparse(other):
            return _product(self, other)
        x = operand(other)
        shape = shape_of(x)
        if len(shape) not in (1, 2) or shape[0] != self.shape[-1]:
            return _scipys(self).__matmul__(self, value(x))  # which raises
        return apply(sparse_matmul, (self.data, x), {"pattern": pattern_of(self)})

    def __rmatmul__(self, other: Any) -> Any:
        if _plain(self, other):
            return _scipys(self).__rmatmul__(self, other)
        if is_sparse(other):
            return _product(other, self)
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
        if is_sparse(other):
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
        return self._sum(other, operator.add)

    __radd__ = __add__

    def __sub__(self, other: Any) -> Any:
        return self._sum(other, operator.sub)

    def __rsub__(self, other: Any) -> Any:
        return -self + other

    def _sum(self, other: Any, function: Callable[[Any, Any], Any]) -> Any:
        if not is_sparse(other):
            if _plain(self, other) or shape_of(operand(other)) == ():
                return function(_bare(self), value(other))  # of a number it raises
            return function(self.toarray(), operand(other))
        other = _of_known_format(other)
        if _plain(self, other):
            return as_lifted(function(_bare(self), _bare(other)))
        mine, theirs = pattern_of(self), pattern_of(other)
        ones = operator.add(_bare(self, True), _bare(other, True))
        theirs_data = other.data if function is operator.add else -other.data
        terms = [(self.data, mine.rows, mine.columns), (theirs_data, theirs.rows, theirs.columns)]
        return _of_terms(function(_bare(self), _bare(other)), ones, terms)

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


def _plain(*xs: Any) -> bool:
    return not any(has_variables(x.data if is_sparse(x) else x) for x in xs)


def _bare(x: Any, ones: bool = False) -> Any:
    """SciPy's own array of the plain items; or of ones in their places, which do not cancel."""
    data = value(x.data)
    return _with_data(x, np.ones(len(data)) if ones else data, _scipys(x))


def _of_known_format(x: Any) -> Any:
    return x if x.format in _FORMATS else x.tocsr()


def _product(a: Any, b: Any) -> Any:
    """The product of two sparse arrays: the sum over all pairs of items that meet."""
    a, b = _of_known_format(a), _of_known_format(b)
    if a.shape[1] != b.shape[0]:
        return _bare(a) @ _bare(b)  # which raises
    mine, theirs = pattern_of(a), pattern_of(b)
    by_row = np.argsort(theirs.rows, kind="stable")
    starts = np.searchsorted(theirs.rows[by_row], np.arange(b.shape[0] + 1))
    counts = np.diff(starts)[mine.columns]
    left = np.repeat(np.arange(len(counts)), counts)
    within = np.arange(len(left)) - np.repeat(np.cumsum(counts) - counts, counts)
    right = by_row[starts[mine.columns][left] + within]
    products = gnp.take(a.data, left) * gnp.take(b.data, right)
    terms = [(products, mine.rows[left], theirs.columns[right])]
    return _of_terms(_bare(a) @ _bare(b), _bare(a, True) @ _bare(b, True), terms)


def _of_terms(own: Any, ones: Any, terms: Sequence[Any]) -> Any:
    """The array of SciPy's values whose items are sums of variables.

    Args:
        own: SciPy's result, which leaves out what comes out as zero.
        ones: the same of positive items, which leaves out nothing.
        terms: variables, and the rows and the columns where they are added.
    """
    new = as_lifted(ones)
    known = pattern_of(own)
    values = np.zeros(new.nnz, own.dtype)
    values[_find(new, known.rows, known.columns)] = own.data
    total: Any = 0.0
    for data, rows, columns in terms:
        total = total + _placed(data, _find(new, rows, columns), new.nnz)
    new.data = apply(shaping.computed, (total, values))
    return new


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
    other: Any = arg1
    if is_sparse(other):
        return _with_data(other, value(other.data), _scipys(other)), other.data
    _refuse("a sparse array made of a dense one", "A = csr_array((data, (rows, columns)))")


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
    moved = _placed(data, _find(x, *places), x.nnz)
    return apply(shaping.computed, (moved, x.data))


def _find(x: Any, rows: Any, columns: Any) -> Array:
    """Where the items at given places are among those of an array.

    Raises:
        NotLiftedError: the array has two items at one place.
    """
    pattern = pattern_of(x)
    width = pattern.shape[1]
    known = np.asarray(pattern.rows, np.int64) * width + pattern.columns
    order = np.argsort(known)
    if np.any(np.diff(known[order]) == 0):
        _refuse("the conversion of a sparse array with two items at one place", "A.tocoo() first")
    wanted = np.asarray(rows, np.int64) * width + columns
    found: Array = order[np.searchsorted(known, wanted, sorter=order)]
    return found


def _placed(data: Any, which: Array, size: int) -> Any:
    """A vector with items at places, summed where they repeat."""
    count = len(which)
    sums = Pattern("coo", (which, np.arange(count)), (size, count))
    ones = np.ones(count, data.dtype)
    return apply(sparse_matmul, (ones, data), {"pattern": sums})


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
