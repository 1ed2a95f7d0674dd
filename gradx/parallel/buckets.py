"""Buckets: a value of any type as one flat vector for each dtype in it, and back.

A message has a cost of its own, however short it is. So the arrays of a record do not travel one
by one: those of one dtype go together. Both directions are differentiable.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np

from gradx import numpy as gnp
from gradx.core.dispatch import Lifted, apply
from gradx.core.objects import joined
from gradx.core.plain import primals
from gradx.core.spec import Form, Spec, spec_of
from gradx.ops import numbers
from gradx.parallel.errors import ParallelError
from gradx.values.leaves import map_leaves
from gradx.values.operations import ValueType, Where, fold, parts_alone

__all__ = ["Buckets"]


class _Place(NamedTuple):
    """Where a leaf is: in a bucket from a start on, or, without a bucket, among the others."""

    bucket: Any
    start: int
    spec: Spec


class Buckets:
    """The leaves of a value by their dtypes.

    Args:
        whole: a value of any type that gradx knows, with variables in it or without.

    Attributes:
        vectors: a vector for each dtype, in the order in which the dtypes come in the value. They
            are new and may be written into, or replaced.
        others: the leaves that are no floats, such as an `int` or a `Fraction`.

    Raises:
        UnregisteredTypeError: a part is of an unknown type.
        ParallelError: a leaf is a variable of a value of no floats.
    """

    def __init__(self, whole: Any) -> None:
        pieces: dict[Any, list[Any]] = {}
        sizes: dict[Any, int] = {}
        self.others: list[Any] = []
        self._places: list[_Place] = []

        def leaf(x: Any, spec: ValueType, _: None, where: Where) -> None:
            if spec.static:
                return
            x = _as_float(joined(x))
            found = spec_of(x)
            dtype = _BUCKETS.get(found.dtype, found.dtype)
            if getattr(dtype, "kind", "") not in ("f", "c"):
                _check_plain(x, where)
                self._places.append(_Place(None, len(self.others), found))
                self.others.append(x)
                return
            self._places.append(_Place(dtype, sizes.get(dtype, 0), found))
            sizes[dtype] = sizes.get(dtype, 0) + found.size
            pieces.setdefault(dtype, []).append(x)

        fold(whole, None, parts_alone, leaf, "the value", rebuild=lambda *_: None)
        self._dtypes = tuple(pieces)
        # A new vector of its own, also of a single leaf: an engine may write into it.
        self.vectors = [
            gnp.concatenate([gnp.reshape(x, (-1,)) for x in leaves]) for leaves in pieces.values()
        ]
        self._template = primals(whole)

    def whole(self) -> Any:
        """A value like the one taken apart, of what the vectors and the others are now.

        Its arrays are views of the vectors.
        """
        by_dtype = dict(zip(self._dtypes, self.vectors, strict=True))
        rest = iter(self._places)

        def leaf(x: Any, spec: ValueType) -> Any:
            place = next(rest)
            if place.bucket is None:
                return self.others[place.start]
            return _restored(by_dtype[place.bucket], place)

        return map_leaves(self._template, leaf)


_BUCKETS: Any = MappingProxyType({float: np.dtype(float), complex: np.dtype(complex)})


def _as_float(x: Any) -> Any:
    """A variable of a Python int as one of a float, which is what its gradient is."""
    if not isinstance(x, Lifted) or spec_of(x).dtype is not int:
        return x
    return apply(numbers.multiply, (x, 1.0))


def _check_plain(x: Any, where: Callable[[], str]) -> None:
    if isinstance(x, Lifted):
        raise ParallelError(
            f"{where()} is a variable of a {spec_of(x).dtype.__name__}, which cannot be summed "
            "over the ranks; use float or an array of floats"
        )


def _restored(vector: Any, place: _Place) -> Any:
    shape, dtype, form = place.spec
    if form is Form.NUMBER:
        return apply(numbers.of_python, (vector[place.start],), {"kind": dtype})
    if form is Form.SCALAR:
        return vector[place.start]
    return gnp.reshape(vector[place.start : place.start + math.prod(shape)], shape)
