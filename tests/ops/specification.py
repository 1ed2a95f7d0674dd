"""What a row of the op specification is: a `Case`, and the makers of its operands.

A case is plain NumPy code of some operands with a rule, or several, behind it. The case files
(``cases_*.py``) each define ``CASES``; `tests.ops.cases` gathers them; `test_specification` proves
each case nine ways and `test_completeness` proves that no op is without one.

To write a case::

    Case("take/axis", ("take",), lambda x: np.take(x, [0, 2, 2], axis=1), normals((2, 3)))

``call`` sees the name ``np``, which is NumPy for us and autograd's NumPy for the reference.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

__all__ = [
    "DERIVED",
    "Case",
    "Make",
    "distinct",
    "normals",
    "over_kinds",
    "signed",
    "together",
    "uniforms",
    "with_values",
]

DERIVED: Final = "derived"
"""The reference is ``call`` itself with autograd's NumPy in place of NumPy."""

Make = Callable[[np.random.Generator], tuple[Any, ...]]


@dataclass(frozen=True)
class Case:
    """A row of the specification.

    Attributes:
        name: unique; the function, and after a slash what is special.
        ops: the names of the ops that it exercises, as in ``Op.name`` ("sum") or, where one name
            serves several, with the module ("numbers.add").
        call: plain NumPy code of the operands, in one expression on the global name ``np``.
        make: draws the operands, inside the domain and away from kinks: float64 arrays, Python
            floats, or anything else that a gradient goes to.
        complex: also run with complex operands, made from two draws.
        order: 2 checks the gradient of the gradient too.
        tolerance: the largest error beside central differences, relative to the largest number.
        reference: autograd's version of ``call``; by default ``call`` with autograd's NumPy, and
            no check where autograd lacks the function; None for no check.
        abstract: the rules and the function work without reading a value. Only functions whose
            shapes depend on values may say False.
        device: also run on a CUDA device. Functions that only SciPy has say False.
    """

    name: str
    ops: tuple[str, ...]
    call: Callable[..., Any]
    make: Make
    complex: bool = True
    order: int = 2
    tolerance: float = 1e-6
    reference: Callable[..., Any] | str | None = DERIVED
    abstract: bool = True
    device: bool = True


# --- Makers -------------------------------------------------------------------------------------
# A shape is a tuple of lengths, or ``float`` for a Python number.

Shape = tuple[int, ...] | type[float]


def _drawn(draw: Callable[[tuple[int, ...]], Any], shape: Shape) -> Any:
    return float(draw(())) if shape is float else np.asarray(draw(shape))


def normals(*shapes: Shape) -> Make:
    """Operands from the normal distribution."""
    return lambda rng: tuple(_drawn(rng.standard_normal, shape) for shape in shapes)


def uniforms(low: float, high: float, *shapes: Shape) -> Make:
    """Operands between two numbers."""
    return lambda rng: tuple(_drawn(lambda s: rng.uniform(low, high, s), shape) for shape in shapes)


def signed(*shapes: Shape) -> Make:
    """Operands of either sign that keep away from zero."""

    def make(rng: np.random.Generator) -> tuple[Any, ...]:
        def draw(shape: tuple[int, ...]) -> Any:
            return rng.uniform(0.3, 1.7, shape) * rng.choice([-1.0, 1.0], shape)

        return tuple(_drawn(draw, shape) for shape in shapes)

    return make


def distinct(*shapes: Shape) -> Make:
    """Operands without a tie among all their numbers: at least 0.05 apart, around zero."""

    def make(rng: np.random.Generator) -> tuple[Any, ...]:
        sizes = [1 if shape is float else math.prod(shape) for shape in shapes]
        total = sum(sizes)
        pool = (rng.permutation(total) - total / 2 + 0.25) * 0.1 + rng.uniform(-0.02, 0.02, total)
        parts = np.split(pool, np.cumsum(sizes)[:-1])
        return tuple(
            float(part[0]) if shape is float else part.reshape(shape)
            for part, shape in zip(parts, shapes, strict=True)
        )

    return make


def together(*makes: Make) -> Make:
    """The operands of several makers after one another."""
    return lambda rng: tuple(x for make in makes for x in make(rng))


def with_values(*values: Any) -> Make:
    """These operands, copied."""
    return lambda rng: tuple(x.copy() if isinstance(x, np.ndarray) else x for x in values)


def over_kinds(
    name: str,
    ops: tuple[str, ...],
    call: Callable[..., Any],
    make: Callable[..., Make],
    **options: Any,
) -> list[Case]:
    """Cases of an elementwise function: arrays, broadcasting, 0-d, empty and Python numbers.

    Args:
        name: the function.
        ops: the names of its ops.
        call: the function of one or two operands.
        make: a maker that takes shapes, such as `normals`.
        options: more fields of the cases.
    """
    unary = {
        "matrix": [(2, 3)],
        "scalar": [float],
        "0-d": [()],
        "empty": [(0, 2)],
    }
    binary = {
        "matrix": [(2, 3), (2, 3)],
        "broadcast": [(2, 1, 3), (2, 1)],
        "scalar": [float, float],
        "array-scalar": [(3,), float],
        "scalar-array": [float, (3,)],
        "0-d": [(), (2,)],
        "empty": [(0, 2), (1, 2)],
    }
    shapes = unary if call.__code__.co_argcount == 1 else binary
    return [
        Case(f"{name}/{kind}", ops, call, make(*each), **options) for kind, each in shapes.items()
    ]
