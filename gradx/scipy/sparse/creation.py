"""The creation of sparse arrays: SciPy's functions, whose results are arrays that take variables.

Functions that put together diagonals or blocks take variables, too. They only move items, so they
are asked where each item goes: by the same call with numbered items.
"""

from __future__ import annotations

import functools
import math
import operator
from collections.abc import Callable
from types import MappingProxyType
from typing import Any

import numpy as np
import scipy.sparse

from gradx import numpy as gnp
from gradx.core.dispatch import apply
from gradx.core.plain import value
from gradx.core.spec import home, shape_of
from gradx.devices.placement import on_common_device
from gradx.errors import NotLiftedError
from gradx.numpy.arguments import as_array, operand
from gradx.ops import shaping
from gradx.ops.helpers import first_device_array
from gradx.scipy.lifting import depends
from gradx.scipy.sparse.arrays import CLASSES, as_lifted
from gradx.scipy.sparse.items import is_plain, is_sparse

__all__ = [
    "as_taking",
    "block_array",
    "block_diag",
    "bmat",
    "diags",
    "diags_array",
    "eye",
    "eye_array",
    "hstack",
    "identity",
    "kron",
    "kronsum",
    "random",
    "random_array",
    "spdiags",
    "tril",
    "triu",
    "vstack",
]


# --- Arrays of other formats ----------------------------------------------------------------------


class _Taking:
    """What an array of another format, of plain items, does with variables: it goes by csr."""

    __array_ufunc__ = None

    def tocsr(self, copy: bool = False) -> Any:
        """As SciPy's."""
        return as_lifted(_own(self).tocsr(self, copy))

    def tocsc(self, copy: bool = False) -> Any:
        """As SciPy's."""
        return as_lifted(_own(self).tocsc(self, copy))

    def tocoo(self, copy: bool = True) -> Any:
        """As SciPy's."""
        return as_lifted(_own(self).tocoo(self, copy))

    def __matmul__(self, other: Any) -> Any:
        if not _meets_variables(other):
            return as_taking(_own(self).__matmul__(self, other))
        return self._valued(self.tocsr() @ other, operator.matmul, self, other)

    def __rmatmul__(self, other: Any) -> Any:
        if not _meets_variables(other):
            return as_taking(_own(self).__rmatmul__(self, other))
        return self._valued(other @ self.tocsr(), operator.matmul, other, self)

    def _valued(self, y: Any, function: Callable[..., Any], *operands: Any) -> Any:
        """A dense result with the value that SciPy gives for this format."""
        if is_sparse(y):
            return y
        plain = [_own(x)(x) if x is self else value(x) for x in operands]
        return apply(shaping.computed, (y, function(*plain)))

    def dot(self, other: Any) -> Any:
        """As SciPy's."""
        return self @ other

    def __mul__(self, other: Any) -> Any:
        if not _meets_variables(other):
            return as_taking(_own(self).__mul__(self, other))
        matrix = isinstance(self, scipy.sparse.spmatrix) and shape_of(other)
        return self @ other if matrix else self.tocsr() * other

    def __rmul__(self, other: Any) -> Any:
        if not _meets_variables(other):
            return as_taking(_own(self).__rmul__(self, other))
        matrix = isinstance(self, scipy.sparse.spmatrix) and shape_of(other)
        return self.__rmatmul__(other) if matrix else self.tocsr() * other

    def __add__(self, other: Any) -> Any:
        plain = not _meets_variables(other)
        return as_taking(_own(self).__add__(self, other)) if plain else self.tocsr() + other

    def __sub__(self, other: Any) -> Any:
        plain = not _meets_variables(other)
        return as_taking(_own(self).__sub__(self, other)) if plain else self.tocsr() - other

    def __radd__(self, other: Any) -> Any:
        return self + other

    def __rsub__(self, other: Any) -> Any:
        plain = not _meets_variables(other)
        return as_taking(_own(self).__rsub__(self, other)) if plain else other - self.tocsr()


def _own(x: Any) -> Any:
    """SciPy's own class of an array."""
    return next(cls for cls in type(x).__mro__ if cls in _OTHERS)


_NAMES = ("bsr_array", "bsr_matrix", "dia_array", "dia_matrix", "lil_array", "lil_matrix")
_OTHERS = MappingProxyType(
    {
        own: type(own.__name__, (_Taking, own), {"__module__": __name__, "__doc__": own.__doc__})
        for own in (getattr(scipy.sparse, name) for name in _NAMES)
    }
)


def as_taking(x: Any) -> Any:
    """SciPy's array as one whose products take variables; anything else as it is."""
    cls = _OTHERS.get(type(x))
    if cls is None:
        return as_lifted(x)
    new: Any = object.__new__(cls)
    new.__dict__.update(x.__dict__)
    return new


# --- Of plain numbers -----------------------------------------------------------------------------


def _creating(name: str) -> Callable[..., Any]:
    """A function that makes an array of plain numbers."""
    own = getattr(scipy.sparse, name)

    @functools.wraps(own)
    def create(*args: Any, **kwargs: Any) -> Any:
        if any(map(_meets_variables, args)):
            raise NotLiftedError(
                f"scipy.sparse.{name} of variables has no derivative in gradx; make the array of "
                "its items, csr_array((data, (rows, columns)))"
            )
        return as_taking(own(*args, **kwargs))

    return create


eye, eye_array, identity = _creating("eye"), _creating("eye_array"), _creating("identity")
kron, kronsum = _creating("kron"), _creating("kronsum")
random, random_array = _creating("random"), _creating("random_array")


# --- Of items that are moved ----------------------------------------------------------------------


def _moving(name: str) -> Callable[..., Any]:
    """A function that puts the items of its first argument together."""
    own = getattr(scipy.sparse, name)

    @functools.wraps(own)
    def move(items: Any, *args: Any, **kwargs: Any) -> Any:
        if not _meets_variables(items):
            return as_taking(own(value(items), *args, **kwargs))
        there = first_device_array(_leaves(items))
        pieces: list[Any] = []
        kwargs.pop("dtype", None)  # of the variables
        numbered = own(_replaced(items, pieces, np.arange), *args, **kwargs)
        ones = own(_replaced(items, [], lambda n, m: np.ones(m - n)), *args, **kwargs)
        if type(numbered) not in CLASSES:
            numbered, ones = numbered.tocoo(), ones.tocoo()
        if np.any(ones.data != 1):
            raise NotLiftedError(
                f"scipy.sparse.{name} of arrays with two items at one place has no derivative in "
                "gradx; write A.tocsr() first"
            )
        new = as_lifted(numbered)
        index = numbered.data.round().astype(int) - 1
        with on_common_device(f"scipy.sparse.{name}", _leaves(items)):
            vectors = [gnp.reshape(as_array(piece, there), (-1,)) for piece in pieces]
            new.data = gnp.concatenate(vectors)[index]
        return new

    return move


def _meets_variables(x: Any) -> bool:
    if isinstance(x, (list, tuple)):
        return any(map(_meets_variables, x))
    return depends(x.data if is_sparse(x) else x) or not is_plain(x)


def _leaves(x: Any) -> list[Any]:
    """The plain values of the arrays and numbers among diagonals or blocks."""
    if isinstance(x, (list, tuple)):
        return [leaf for each in x for leaf in _leaves(each)]
    return [] if x is None else [home(x.data if is_sparse(x) else x)]


def _replaced(x: Any, pieces: list[Any], made: Callable[[int, int], Any]) -> Any:
    """The same diagonals or blocks with other numbers for items.

    Args:
        x: the diagonals or blocks: numbers, arrays, sparse arrays, None, and lists of them.
        pieces: gets the items, in arrays and numbers.
        made: gives the numbers in place of the items from one count, the first being 1, to another.
    """
    if x is None or (isinstance(x, (list, tuple)) and any(_has_parts(each) for each in x)):
        return None if x is None else [_replaced(each, pieces, made) for each in x]
    first = 1 + sum(math.prod(shape_of(piece)) for piece in pieces)
    if is_sparse(x):
        block: Any = x
        block = block if block.format in ("csr", "csc", "coo") else block.tocoo()
        pieces.append(operand(block.data))
        bare: Any = object.__new__(next(cls for cls in type(block).__mro__ if cls in CLASSES))
        bare.__dict__.update(block.__dict__)
        bare.data = made(first, first + math.prod(shape_of(pieces[-1]))).astype(float)
        return bare
    dense = operand(x)
    pieces.append(dense)
    numbers = made(first, first + math.prod(shape_of(dense))).astype(float)
    return numbers.reshape(shape_of(dense))


def _has_parts(x: Any) -> bool:
    """Whether a part of a list is an array, a list or nothing: the list is not one array."""
    return x is None or is_sparse(x) or isinstance(x, (list, tuple)) or _is_array(x)


def _is_array(x: Any) -> bool:
    return len(shape_of(x)) > 0


diags, diags_array, spdiags = _moving("diags"), _moving("diags_array"), _moving("spdiags")
vstack, hstack, block_diag = _moving("vstack"), _moving("hstack"), _moving("block_diag")
bmat, block_array = _moving("bmat"), _moving("block_array")
tril, triu = _moving("tril"), _moving("triu")
