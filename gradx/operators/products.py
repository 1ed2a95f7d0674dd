"""Products with Jacobians and Hessians that are not made, and gradients of other kinds."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

from gradx.core.check_cotangents import fitted, matched
from gradx.core.spec import shape_of
from gradx.errors import NotDifferentiableError
from gradx.forward.api import jvp
from gradx.operators.blocks import diagonal_by_columns
from gradx.operators.jacobians import check_numbers
from gradx.ops.helpers import is_complex
from gradx.reverse.api import Chosen, backprop_with, grad, run_on_chosen
from gradx.reverse.backward import consuming
from gradx.reverse.gradients import settle
from gradx.values.operations import leaves_of

__all__ = ["elementwise_grad", "ggnvp", "hessian_diag", "holomorphic_grad", "hvp", "vjp"]

vjp = backprop_with


def hvp(f: Callable[..., Any]) -> Callable[..., Any]:
    """A function of ``x`` and ``v`` that returns the product of the Hessian of another at x with v.

    The Hessian itself is not made: it is forward mode over reverse mode, at the cost of about
    three gradients. Source: B. A. Pearlmutter, "Fast exact multiplication by the Hessian" (1994).

    Args:
        f: a function of one value with one real number as its result.

    Returns:
        A function whose result is of the type of ``x``; ``v`` is of that type too.

    Raises:
        CotangentError: (the function) ``v`` is not of the structure of ``x``.
        NonScalarError: (the function) the result is not one real number.

    >>> import numpy as np
    >>> hvp(lambda x: x[0] ** 2 * x[1])(np.array([3.0, 4.0]), np.array([1.0, 0.0]))
    array([8., 6.])
    """
    gradient: Any = grad(f)

    @functools.wraps(f)
    def product(x: Any, v: Any) -> Any:
        v = matched(x, v, "v", "x", fitted)
        return jvp(gradient, (x,), (v,))[1]

    return product


def hessian_diag(f: Callable[..., Any]) -> Callable[..., Any]:
    """A function that returns the diagonal of the Hessian of another.

    It costs as many products with the Hessian as the argument has numbers, all in one run, for any
    function. Where each item of the gradient depends on its own item of the argument alone,
    ``elementwise_grad(elementwise_grad(f))`` is the same at the cost of one.

    Args:
        f: a function of one value with one real number as its result.

    Returns:
        A function of the value, whose result is of its type.

    Raises:
        NotDifferentiableError: (the function) a part of the value is complex, or of a registered
            type with an ``add`` of its own.
        NonScalarError: (the function) the result is not one real number.

    >>> import numpy as np
    >>> hessian_diag(lambda x: x[0] ** 2 * x[1] ** 3)(np.array([3.0, 2.0]))
    array([ 16., 108.])
    """
    gradient: Any = grad(f)

    @functools.wraps(f)
    def diagonal(x: Any) -> Any:
        check_numbers((x,))
        return diagonal_by_columns(Chosen(gradient, 0, None, (x,), {}))

    return diagonal


def ggnvp(model: Callable[..., Any], loss: Callable[..., Any]) -> Callable[..., Any]:
    """A function of ``x`` and ``v``: the generalised Gauss-Newton matrix times v.

    The matrix is ``J^T H J`` for the Jacobian J of the model and the Hessian H of the loss by what
    the model returns. Source: N. N. Schraudolph, "Fast curvature matrix-vector products for
    second-order gradient descent" (2002).

    Args:
        model: a function of one value.
        loss: a function of what the model returns, with one real number as its result.

    Returns:
        A function whose result is of the type of ``x``; ``v`` is of that type too.

    >>> import numpy as np
    >>> model, loss = lambda x: x**2, lambda y: np.sum(y**2)
    >>> ggnvp(model, loss)(np.array([1.0, 2.0]), np.array([1.0, 1.0]))
    array([ 8., 32.])
    """

    @functools.wraps(model)
    def product(x: Any, v: Any) -> Any:
        v = matched(x, v, "v", "x", fitted)
        y, along = jvp(model, (x,), (v,))
        curved = hvp(loss)(y, along)
        return backprop_with(model, x)[1](curved)

    return product


def elementwise_grad(
    f: Callable[..., Any],
    argnums: int | Sequence[int] = 0,
    *,
    argnames: str | Sequence[str] | None = None,
    has_aux: bool = False,
) -> Callable[..., Any]:
    """A function that returns the gradient of the sum of another's result.

    Of a function whose result has at each place a function of that place of the argument alone it
    is the derivative there.

    Args:
        f: a function of any arguments with any value of numbers and arrays as its result.
        argnums: the position or positions of the arguments to differentiate.
        argnames: their name or names, instead of positions.
        has_aux: ``f`` returns a pair, and only its first part is differentiated.

    >>> import numpy as np
    >>> elementwise_grad(np.sin)(np.zeros(3))
    array([1., 1., 1.])
    """

    @functools.wraps(f)
    def gradient(*args: Any, **kwargs: Any) -> Any:
        run, several = run_on_chosen(f, argnums, argnames, args, kwargs, has_aux)
        gradients = run.gradients(consuming(run.nodes), run.ones())
        found = tuple(gradients) if several else gradients[0]
        return (found, run.aux) if has_aux else found

    return gradient


def holomorphic_grad(f: Callable[..., Any], argnums: int = 0) -> Callable[..., Any]:
    """A function that returns the derivative f'(z) of a holomorphic function.

    `grad` of a function with a real result gives the direction of steepest ascent, which is a
    conjugate; this is the derivative itself, of a function with a complex result.

    Args:
        f: a holomorphic function with one complex number as its result.
        argnums: the position of the argument to differentiate.

    Returns:
        A function of the same arguments, whose result is of the argument's type.

    Raises:
        NotDifferentiableError: (the function) the argument or the result is not complex.

    >>> holomorphic_grad(lambda z: z**2)(1 + 2j)
    (2+4j)
    """

    @functools.wraps(f)
    def derivative(*args: Any, **kwargs: Any) -> Any:
        run, _ = run_on_chosen(f, argnums, None, args, kwargs, False)
        leaves = [*leaves_of(run.inputs[0]), run.value]
        if not all(map(is_complex, leaves)) or shape_of(run.value):
            raise NotDifferentiableError(
                "holomorphic_grad is f'(z) of complex numbers with one complex number as the "
                "result; write z.astype(complex), gx.jacobian(f, holomorphic=True) for several "
                "results, or gx.grad for a real one"
            )
        gradient = run.gradients(consuming(run.nodes), run.ones())[0]
        return settle(gradient, leaves_of(gradient)[::-1], "the derivative")  # the conjugate of it

    return derivative
