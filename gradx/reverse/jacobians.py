"""Jacobians, Hessians, and products with them, by reverse mode.

A Jacobian of y by x is a value of y's type. In the place of each number or array of y it has a
value of x's type, whose arrays have the shape ``y.shape + x.shape``: a row for each item of y,
which costs one sweep.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from gradx.core.check_cotangents import matched
from gradx.core.spec import shape_of
from gradx.errors import NotDifferentiableError
from gradx.ops.helpers import conj, is_complex
from gradx.reverse.api import grad, run_on_chosen
from gradx.reverse.run import Execution
from gradx.values.leaves import map_leaves
from gradx.values.operations import leaves_of, value_type, zero

__all__ = ["hessian", "hvp", "jacobian"]


def jacobian(
    f: Callable[..., Any],
    argnums: int | Sequence[int] = 0,
    *,
    argnames: str | Sequence[str] | None = None,
    has_aux: bool = False,
    holomorphic: bool = False,
) -> Callable[..., Any]:
    """A function that returns the Jacobian of another.

    Args:
        f: a function of any arguments, whose result is a value of numbers and arrays.
        argnums: the position or positions of the arguments to differentiate.
        argnames: their name or names, instead of positions.
        has_aux: ``f`` returns a pair, and only its first part is differentiated.
        holomorphic: ``f`` is a holomorphic function of complex numbers; the Jacobian is f'(z).

    Returns:
        A function of the same arguments. Its result is of the type of ``f``'s, with a value of the
        argument's type for each number or array, of the shape ``y.shape + x.shape``; for several
        positions or names with a tuple of them. With ``has_aux`` the pair of that and the rest.

    Raises:
        NotDifferentiableError: (the function) something is complex, and ``holomorphic`` is False;
            or a part is of a registered type with an ``add`` of its own.

    >>> jacobian(lambda x: np.array([1.0, 2.0]) * x)(np.array([3.0, 4.0]))
    array([[1., 0.],
           [0., 2.]])
    """

    @functools.wraps(f)
    def rows(*args: Any, **kwargs: Any) -> Any:
        run, several = run_on_chosen(f, argnums, argnames, args, kwargs, has_aux)
        _check_numeric(run)
        _check_real(run, holomorphic)
        blocks = iter([_block(run, i, y, holomorphic) for i, y in enumerate(leaves_of(run.value))])

        def leaf(y: Any, spec: Any) -> Any:
            block = next(blocks)
            return tuple(block) if several else block[0]

        whole = map_leaves(run.value, leaf, "the result")
        return (whole, run.aux) if has_aux else whole

    return rows


def _check_numeric(run: Execution) -> None:
    """Refuse values of types that have an ``add`` of their own, which have no items.

    Raises:
        NotDifferentiableError: there is one.
    """
    for x in (*run.inputs, run.value):
        for leaf in leaves_of(x):
            if not value_type(leaf).numeric:
                raise NotDifferentiableError(
                    f"a Jacobian has a row for each number, and a {type(leaf).__name__} is one "
                    "value of its own; write the function of its numbers"
                )


def _check_real(run: Execution, holomorphic: bool) -> None:
    """Refuse complex numbers, or, of a holomorphic function, real ones.

    Raises:
        NotDifferentiableError: there are some.
    """
    every = [leaf for x in (*run.inputs, run.value) for leaf in leaves_of(x)]
    if not holomorphic and any(map(is_complex, every)):
        raise NotDifferentiableError(
            "a Jacobian of complex numbers needs holomorphic=True, which gives f'(z) of a "
            "holomorphic function; for any other write the function of the real and the imaginary "
            "parts"
        )
    if holomorphic and not all(map(is_complex, every)):
        raise NotDifferentiableError(
            "with holomorphic=True the inputs and the result are complex; write x.astype(complex)"
        )


def _block(run: Execution, number: int, y: Any, conjugated: bool) -> list[Any]:
    """The Jacobian of a number or array of the result, by each input.

    Args:
        run: the run, whose tape is kept.
        number: which leaf of the result it is.
        y: its value.
        conjugated: the gradients are of complex numbers, for which they are the conjugates.
    """
    shape = shape_of(y)
    gradients = [*_gradients(run, number, y, shape)]
    return [
        _stacked(x, [g[i] for g in gradients], shape, conjugated) for i, x in enumerate(run.inputs)
    ]


def _gradients(run: Execution, number: int, y: Any, shape: tuple[int, ...]) -> Iterator[list[Any]]:
    """The gradients of each item of a leaf of the result."""
    own = run.outputs[number] is not None
    place = sum(output is not None for output in run.outputs[:number])
    for item in range(math.prod(shape)):
        seeds = [zero(primal) for primal in run.primals]
        if own:
            seeds[place] = _unit(y, item, shape)
        yield run.gradients(reversed(run.nodes), seeds)


def _unit(y: Any, item: int, shape: tuple[int, ...]) -> Any:
    """The cotangent that asks for one item of a value."""
    if not shape:
        return zero(y) + 1
    unit = zero(y)
    unit.reshape(-1)[item] = 1
    return unit


def _stacked(x: Any, gradients: list[Any], shape: tuple[int, ...], conjugated: bool) -> Any:
    """A value like an input, with the gradients' numbers and arrays as rows."""
    columns = [leaves_of(g) for g in gradients]
    numbers = iter(range(len(leaves_of(x))))

    def leaf(part: Any, spec: Any) -> Any:
        i = next(numbers)
        rows = [conj(column[i]) if conjugated else column[i] for column in columns]
        if not shape:
            return rows[0]
        if not rows:
            return np.zeros((*shape, *shape_of(part)), getattr(part, "dtype", float))
        return np.reshape(np.stack(rows), (*shape, *shape_of(part)))

    return map_leaves(x, leaf, "the input")


def hessian(
    f: Callable[..., Any],
    argnums: int | Sequence[int] = 0,
    *,
    argnames: str | Sequence[str] | None = None,
) -> Callable[..., Any]:
    """A function that returns the Hessian of another: the Jacobian of its gradient.

    Args:
        f: a function of any arguments with one real number as its result.
        argnums: the position or positions of the arguments to differentiate.
        argnames: their name or names, instead of positions.

    >>> hessian(lambda x: x[0] ** 2 * x[1])(np.array([3.0, 4.0]))
    array([[8., 6.],
           [6., 0.]])
    """
    gradient: Any = grad
    return jacobian(gradient(f, argnums, argnames=argnames), argnums, argnames=argnames)


def hvp(f: Callable[..., Any]) -> Callable[..., Any]:
    """A function of ``x`` and ``v`` that returns the product of the Hessian of another at x with v.

    The Hessian itself is not made: the cost is that of two gradients.

    Args:
        f: a function of one value with one real number as its result.

    Returns:
        A function whose result is of the type of ``x``; ``v`` is of that type too.

    >>> hvp(lambda x: x[0] ** 2 * x[1])(np.array([3.0, 4.0]), np.array([1.0, 0.0]))
    array([8., 6.])
    """

    @functools.wraps(f)
    def product(x: Any, v: Any) -> Any:
        v = matched(x, v, "v", "x", lambda _, given: given)

        def along(u: Any) -> Any:
            pairs = zip(leaves_of(grad(f)(u)), leaves_of(v), strict=True)
            return sum((np.sum(np.real(g * conj(d))) for g, d in pairs), 0.0)

        return grad(along)(x)

    return product
