"""Jacobians and Hessians.

A Jacobian of y by x is a value of y's type. In the place of each number or array of y it has a
value of x's type, whose arrays have the shape ``y.shape + x.shape`` and the dtype of x. Reverse
mode finds it by rows, one for each number of y, and forward mode by columns, one for each number of
x.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from gradx.core.spec import shape_of
from gradx.devices.placement import PLACES
from gradx.errors import NotDifferentiableError
from gradx.operators.blocks import UNFIT, Blocks, by_columns, by_columns_of, by_rows
from gradx.ops.helpers import conj, is_complex
from gradx.reverse.api import Chosen, grad
from gradx.reverse.gradients import read_together, settle
from gradx.reverse.run import executed
from gradx.values.leaves import map_leaves
from gradx.values.operations import leaves_of, value_type
from gradx.values.statics import static_copy

__all__ = ["check_numbers", "hessian", "jacfwd", "jacobian", "jacrev", "value_and_jacobian"]

Method = Callable[[Chosen, bool, bool], tuple[Any, Any, Blocks]]
"""From a function and its inputs to its value, its second part and the blocks of its Jacobian."""


def value_and_jacobian(
    f: Callable[..., Any],
    argnums: int | Sequence[int] = 0,
    *,
    argnames: str | Sequence[str] | None = None,
    has_aux: bool = False,
    holomorphic: bool = False,
) -> Callable[..., Any]:
    """A function that returns the result of another and its Jacobian; see `jacobian`.

    Returns:
        A function of the same arguments, whose result is a pair. With ``has_aux`` the first of the
        two is a pair too, as ``f`` returns it.

    >>> value_and_jacobian(lambda x: 3.0 * x)(2.0)
    (6.0, 3.0)
    """
    return _transform(f, argnums, argnames, has_aux, holomorphic, _cheaper)


def jacobian(
    f: Callable[..., Any],
    argnums: int | Sequence[int] = 0,
    *,
    argnames: str | Sequence[str] | None = None,
    has_aux: bool = False,
    holomorphic: bool = False,
) -> Callable[..., Any]:
    """A function that returns the Jacobian of another, by the cheaper of the two directions.

    The function is called once. Its Jacobian is found by rows in one backward sweep, or, where its
    inputs have far fewer numbers than its result, by columns.

    Args:
        f: a function of any arguments, whose result is a value of numbers and arrays.
        argnums: the position or positions of the arguments to differentiate.
        argnames: their name or names, instead of positions.
        has_aux: ``f`` returns a pair, and only its first part is differentiated.
        holomorphic: ``f`` is a holomorphic function of complex numbers; the Jacobian is f'(z).

    Returns:
        A function of the same arguments. Its result is of the type of ``f``'s, with a value of the
        argument's type for each number or array, of the shape ``y.shape + x.shape`` and the dtype
        of x; for several positions or names with a tuple of them. With ``has_aux`` the pair of that
        and the rest.

    Raises:
        NotDifferentiableError: (the function) something is complex, and ``holomorphic`` is False;
            or a part is of a registered type with an ``add`` of its own.

    >>> import numpy as np
    >>> jacobian(lambda x: np.array([1.0, 2.0]) * x)(np.array([3.0, 4.0]))
    array([[1., 0.],
           [0., 2.]])
    """
    return _without_value(f, argnums, argnames, has_aux, holomorphic, _cheaper)


def jacfwd(
    f: Callable[..., Any],
    argnums: int | Sequence[int] = 0,
    *,
    argnames: str | Sequence[str] | None = None,
    has_aux: bool = False,
    holomorphic: bool = False,
) -> Callable[..., Any]:
    """`jacobian` by forward mode: all columns in one run, for functions of few numbers.

    >>> import numpy as np
    >>> jacfwd(lambda t: t * np.array([1.0, 2.0]))(3.0)
    array([1., 2.])
    """
    return _without_value(f, argnums, argnames, has_aux, holomorphic, _forward)


def jacrev(
    f: Callable[..., Any],
    argnums: int | Sequence[int] = 0,
    *,
    argnames: str | Sequence[str] | None = None,
    has_aux: bool = False,
    holomorphic: bool = False,
) -> Callable[..., Any]:
    """`jacobian` by reverse mode: all rows in one sweep, for functions with few numbers as result.

    >>> import numpy as np
    >>> jacrev(np.sum)(np.array([3.0, 4.0]))
    array([1., 1.])
    """
    return _without_value(f, argnums, argnames, has_aux, holomorphic, _reverse)


def hessian(
    f: Callable[..., Any],
    argnums: int | Sequence[int] = 0,
    *,
    argnames: str | Sequence[str] | None = None,
    has_aux: bool = False,
) -> Callable[..., Any]:
    """A function that returns the Hessian of another: the Jacobian of its gradient.

    It is forward mode over reverse mode, all columns in one run.

    Args:
        f: a function of any arguments with one real number as its result.
        argnums: the position or positions of the arguments to differentiate.
        argnames: their name or names, instead of positions.
        has_aux: ``f`` returns a pair, and only its first part is differentiated.

    Returns:
        A function of the same arguments, with a value of the argument's type in the place of each
        number and array of it. With ``has_aux`` the pair of that and the second part.

    >>> import numpy as np
    >>> hessian(lambda x: x[0] ** 2 * x[1])(np.array([3.0, 4.0]))
    array([[8., 6.],
           [6., 0.]])
    """
    options: Any = {"argnames": argnames, "has_aux": has_aux}
    gradient: Any = grad
    return jacfwd(gradient(f, argnums, **options), argnums, **options)


# --- The three methods ----------------------------------------------------------------------------


def _forward(call: Chosen, has_aux: bool, holomorphic: bool) -> tuple[Any, Any, Blocks]:
    check_numbers(call.inputs, holomorphic)
    blocks, run = by_columns(call, has_aux)
    check_numbers([run.value], holomorphic)
    return run.value, run.aux if has_aux else None, blocks


def _reverse(call: Chosen, has_aux: bool, holomorphic: bool) -> tuple[Any, Any, Blocks]:
    run = executed(call, call.inputs, call.names, has_aux, call.beside)
    check_numbers([*call.inputs, run.value], holomorphic)
    return run.value, run.aux, by_rows(run)


_DEARER = 3
"""How many rows cost as much as a column, whose sweep goes through the one that is recorded."""


def _cheaper(call: Chosen, has_aux: bool, holomorphic: bool) -> tuple[Any, Any, Blocks]:
    run = executed(call, call.inputs, call.names, has_aux, call.beside)
    check_numbers([*call.inputs, run.value], holomorphic)
    if _DEARER * _count(call.inputs) < _count([run.value]):
        try:
            return run.value, run.aux, by_columns_of(run)
        except UNFIT:
            pass  # a pullback of a user's is not linear, or not lifted, which rows do not mind
    return run.value, run.aux, by_rows(run)


def _count(values: Iterable[Any]) -> int:
    return sum(math.prod(shape_of(leaf)) for x in values for leaf in leaves_of(x))


# --- The whole ------------------------------------------------------------------------------------


def _transform(
    f: Callable[..., Any],
    argnums: int | Sequence[int],
    argnames: str | Sequence[str] | None,
    has_aux: bool,
    holomorphic: bool,
    method: Method,
) -> Callable[..., Any]:
    @functools.wraps(f)
    def of(*args: Any, **kwargs: Any) -> Any:
        call = Chosen(f, argnums, argnames, args, kwargs)
        value, aux, blocks = method(call, has_aux, holomorphic)
        whole = _put_together(value, call, blocks)
        return ((value, aux) if has_aux else value), whole

    return of


def _without_value(f: Callable[..., Any], *options: Any) -> Callable[..., Any]:
    both = _transform(f, *options)

    @functools.wraps(f)
    def of(*args: Any, **kwargs: Any) -> Any:
        value, whole = both(*args, **kwargs)
        has_aux = options[2]
        return (whole, value[1]) if has_aux else whole

    return of


def _put_together(value: Any, call: Chosen, blocks: Blocks) -> Any:
    """The Jacobian of its blocks: a value of the result's type of values of the inputs' types."""
    rows = iter(blocks)

    def row(y: Any, spec: Any) -> Any:
        parts = iter(next(rows))

        def leaf(x: Any, spec: Any) -> Any:
            block = next(parts)
            return block if shape_of(y) else settle(x, [conj(block)], "the Jacobian")

        columns = [map_leaves(x, leaf, "the input", static=_static) for x in call.inputs]
        return tuple(columns) if call.several else columns[0]

    whole = map_leaves(value, row, "the result", static=_static)
    return read_together([whole])[0] if PLACES else whole


def _static(x: Any, spec: Any) -> Any:
    return static_copy(x)


def check_numbers(values: Sequence[Any], holomorphic: bool = False) -> None:
    """Refuse what has no Jacobian, among inputs and results.

    Raises:
        NotDifferentiableError: a value is of a type that has an ``add`` of its own, and so has no
            items; or it is complex, or, of a holomorphic function, real.
    """
    every = [leaf for x in values for leaf in leaves_of(x)]
    for leaf in every:
        if not value_type(leaf).numeric:
            raise NotDifferentiableError(
                f"a Jacobian has a row for each number, and a {type(leaf).__name__} is one "
                "value of its own; write the function of its numbers"
            )
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
