"""Ravel: a value of any type as one vector of its numbers, and back; both are differentiable.

What wants a vector (an optimiser, a sampler, a file) gets one this way. `Raveling` knows where in
the vector each leaf of a value stands and by which path it is reached.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any, Generic, NamedTuple, TypeVar

import numpy as np

from gradx import numpy as gnp
from gradx.core.dispatch import Lifted, apply
from gradx.core.objects import joined
from gradx.core.plain import primals
from gradx.core.spec import Form, Spec, shape_of, spec_of
from gradx.errors import NotDifferentiableError, StructureError
from gradx.ops import numbers
from gradx.reverse.results import split
from gradx.values.builtin import check_differentiable
from gradx.values.leaves import map_leaves
from gradx.values.operations import Kind, ValueType, Where, fold, parts_alone

__all__ = ["Part", "Raveling", "Unravel", "ravel"]

T = TypeVar("T")


class Part(NamedTuple):
    """A leaf of a value, and its place in the vector.

    Attributes:
        path: how it is reached, such as ``.layers[0].w``; empty for a value that is one leaf.
        start: where its numbers begin.
        spec: its shape, dtype and form.
    """

    path: str
    start: int
    spec: Spec

    @property
    def place(self) -> slice:
        """Its numbers in the vector."""
        return slice(self.start, self.start + math.prod(self.spec.shape))


class Raveling:
    """What a value is made of, and the vector of its numbers.

    Args:
        whole: the value.

    Attributes:
        parts: its leaves in order.
        vector: their numbers.

    Raises:
        NotDifferentiableError: the value, or a leaf of it, has no numbers.
        UnregisteredTypeError: a part is of an unknown type.
    """

    def __init__(self, whole: Any) -> None:
        check_differentiable(whole, "the value")
        self.parts: list[Part] = []
        self._size = 0
        pieces: list[Any] = []
        self._collect(whole, "", pieces)
        self.vector: Any = gnp.concatenate(pieces) if pieces else np.zeros(0)
        self._template = primals(whole)

    def _collect(self, whole: Any, root: str, pieces: list[Any]) -> None:
        """Enter the leaves of a value, and their numbers."""

        def leaf(x: Any, spec: ValueType, _: None, where: Where) -> None:
            if spec.static:
                return
            instance = split(x)
            if instance is not x:  # the variable of an opaque type that has parts
                self._collect(instance, where(), pieces)
                return
            self.parts.append(Part(where(), self._size, _numeric(x, spec, where)))
            pieces.append(gnp.reshape(_as_floats(joined(x)), (-1,)))
            self._size += math.prod(shape_of(x))

        fold(whole, None, parts_alone, leaf, root, rebuild=lambda *_: None, own=True)

    def unravel(self, vector: Any) -> Any:
        """A value like the one raveled, with the numbers of a vector.

        Args:
            vector: its numbers, shape (n,), plain or a variable.

        Raises:
            StructureError: it has another shape.
        """
        if tuple(shape_of(vector)) != (self._size,):
            raise StructureError(
                f"an array of shape {tuple(shape_of(vector))} cannot be unraveled to a "
                f"{type(self._template).__name__} of {self._size} numbers; give one of shape "
                f"({self._size},)"
            )
        vector = vector if isinstance(vector, Lifted) else np.asarray(vector)
        rest = iter(self.parts)
        return map_leaves(self._template, lambda x, _: _restored(vector, next(rest)), own=True)


class Unravel(Generic[T]):
    """The way from a vector back to a value.

    Args:
        known: what the value is made of.
        name: how it is called in paths.
    """

    __slots__ = ("_known", "_name")

    def __init__(self, known: Raveling, name: str) -> None:
        self._known, self._name = known, name

    def __call__(self, vector: Any) -> T:
        """A value like the one raveled, with the numbers of a vector.

        Args:
            vector: its numbers, shape (n,), plain or a variable.

        Raises:
            StructureError: it has another shape.
        """
        return self._known.unravel(vector)  # type: ignore[no-any-return]

    @property
    def paths(self) -> tuple[str, ...]:
        """The path of each number of the vector in the value; made when they are asked for."""
        return tuple(
            f"{self._name}{part.path}{index}"
            for part in self._known.parts
            for index in _indices(part.spec.shape)
        )


def _indices(shape: tuple[int, ...]) -> Iterator[str]:
    """How the items of an array are reached, in order; nothing for a number."""
    for index in np.ndindex(shape):
        yield f"[{', '.join(map(str, index))}]" if index else ""


def ravel(whole: T, name: str = "") -> tuple[Any, Unravel[T]]:
    """The numbers of a value of any type as one vector, and the way back.

    The vector has the dtype to which NumPy promotes those of the arrays; Python's numbers count as
    double precision. On the way back each leaf gets the dtype that it had: what is a Python number
    becomes a ``float`` or ``complex``, and a real leaf takes the real part of a complex number.
    Static parts (names, integer arrays) are not in the vector, and come back as they are. Both
    directions are differentiable.

    Args:
        whole: a value of any type with a gradient, with variables in it or without.
        name: how it is called in ``unravel.paths``; by default as its type.

    Returns:
        The vector, shape (n,), in the order of the leaves; and ``unravel(vector)``, which gives a
        value of the type of ``whole`` that shares no memory with the vector. ``unravel.paths``
        names each number of the vector, such as ``net.layers[0].w[0, 1]``.

    Raises:
        NotDifferentiableError: a leaf is no number or array of floats, such as a `Fraction`, or
            there is nothing to differentiate; with its path.
        StructureError: (``unravel``) the vector has another shape.

    >>> vector, unravel = ravel({"w": np.array([1.0, 2.0]), "b": 3.0, "name": "line"})
    >>> vector
    array([1., 2., 3.])
    >>> unravel(vector * 10)
    {'w': array([10., 20.]), 'b': 30.0, 'name': 'line'}
    >>> ravel({"w": np.array([1.0, 2.0]), "b": 3.0}, "line")[1].paths
    ("line['w'][0]", "line['w'][1]", "line['b']")
    """
    known = Raveling(whole)
    return known.vector, Unravel(known, name or whole.__class__.__name__)


def _numeric(x: Any, spec: ValueType, where: Where) -> Spec:
    """The spec of a leaf of numbers.

    Raises:
        NotDifferentiableError: it is another leaf.
    """
    found = spec_of(joined(x))
    floats = found.dtype in (float, int, complex) or getattr(found.dtype, "kind", "") in ("f", "c")
    if spec.kind is Kind.OPAQUE or not floats or found.form is Form.OPAQUE:
        raise NotDifferentiableError(
            f"{where() or 'the value'} is a {x.__class__.__name__}, which cannot be numbers of a "
            "vector; use float or an array of floats, or register its parts with "
            "gx.register(cls, children=…)"
        )
    return found


def _as_floats(x: Any) -> Any:
    """A Python int as a float, whose gradient is one."""
    return x * 1.0 if spec_of(x).dtype is int else x


def _restored(vector: Any, part: Part) -> Any:
    """A leaf as it was, with the numbers of a vector."""
    shape, dtype, form = part.spec
    real = dtype in (float, int) or getattr(dtype, "kind", "") == "f"
    if spec_of(vector).dtype.kind == "c" and real:
        vector = gnp.real(vector)
    if form is Form.NUMBER:
        kind = complex if dtype is complex else float
        return apply(numbers.of_python, (vector[part.start],), {"kind": kind})
    if form is Form.SCALAR:
        return vector[part.start].astype(dtype)
    items = gnp.reshape(vector[part.place], shape)
    return items if items.dtype == dtype and isinstance(items, Lifted) else items.astype(dtype)
