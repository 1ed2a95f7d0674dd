"""The derivatives under autograd's names: each takes a function, and which argument to go by."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

import gradx as gx

__all__ = [
    "checkpoint",
    "deriv",
    "elementwise_grad",
    "grad",
    "grad_and_aux",
    "grad_named",
    "hessian",
    "hessian_tensor_product",
    "hessian_vector_product",
    "holomorphic_grad",
    "jacobian",
    "make_ggnvp",
    "make_hvp",
    "make_jvp",
    "make_jvp_reversemode",
    "make_vjp",
    "multigrad_dict",
    "tensor_jacobian_product",
    "value_and_grad",
    "vector_jacobian_product",
]

Function = Callable[..., Any]
Argnum = int | Sequence[int]

checkpoint = gx.checkpoint


def _transposed(g: Any) -> Any:
    """A gradient as autograd has it: gradx conjugates those by complex numbers."""
    if type(g) is dict:
        return {key: _transposed(part) for key, part in g.items()}
    if type(g) in (tuple, list):
        return type(g)(map(_transposed, g))
    return np.conj(g) if np.iscomplexobj(g) else g


def _by_one(fun: Function, argnum: Argnum, args: Any, kwargs: Any) -> tuple[Function, Any]:
    """A function of one argument, or of the tuple of several, and that argument."""
    alone = np.ndim(argnum) == 0
    places: list[int] = np.atleast_1d(argnum).tolist()

    def by_chosen(x: Any) -> Any:
        given = list(args)
        for place, each in zip(places, [x] if alone else x, strict=True):
            given[place] = each
        return fun(*given, **kwargs)

    chosen = tuple([args[place] for place in places])
    return by_chosen, chosen[0] if alone else chosen


def _by_its_argument(make: Callable[[Function, Any], Any]) -> Callable[..., Function]:
    """Of what takes a function of one argument and that argument, what takes any and an argnum."""

    def operator(fun: Function, argnum: Argnum = 0) -> Function:
        def derivative(*args: Any, **kwargs: Any) -> Any:
            return make(*_by_one(fun, argnum, args, kwargs))

        return derivative

    operator.__name__ = operator.__qualname__ = make.__name__.lstrip("_")
    operator.__doc__ = make.__doc__
    return operator


def _grad(f: Function, x: Any) -> Any:
    """The gradient of a function whose result is one number, of the argument's type."""
    return _transposed(gx.grad(f)(x))


def _value_and_grad(f: Function, x: Any) -> tuple[Any, Any]:
    """The value of a function whose result is one number, and its gradient."""
    y, g = gx.value_and_grad(f)(x)
    return y, _transposed(g)


def _grad_and_aux(f: Function, x: Any) -> tuple[Any, Any]:
    """The gradient of the first of two results, and the second as it is."""
    (_, aux), g = gx.value_and_grad(f, has_aux=True)(x)
    return _transposed(g), aux


def _elementwise_grad(f: Function, x: Any) -> Any:
    """The gradient of the sum of the results: for a function of each item, its derivatives."""
    return _transposed(gx.grad_bp(f, x))


def _deriv(f: Function, x: Any) -> Any:
    """The derivative in the direction of ones, of shape of the result."""
    return gx.jvp(f, (x,), (gx.one(x),))[1]


def _jacobian(f: Function, x: Any) -> Any:
    """The Jacobian, of the shape of the result followed by that of the argument."""
    return gx.jacobian(f)(x)


def _holomorphic_grad(f: Function, x: Any) -> Any:
    """The complex derivative of a holomorphic function."""
    return gx.holomorphic_grad(f)(x)


def _hessian(f: Function, x: Any) -> Any:
    """The Hessian, of the shape of the argument twice."""
    return gx.hessian(f)(x)


def _make_vjp(f: Function, x: Any) -> tuple[Function, Any]:
    """The pullback, from a cotangent of the result to one of the argument; and the result."""
    y, pullback = gx.backprop_with(f, x)
    return lambda g: _transposed(pullback(_transposed(g))), y


def _make_jvp(f: Function, x: Any) -> Function:
    """From a tangent of the argument to the result and its tangent."""
    return lambda v: gx.jvp(f, (x,), (v,))


def _make_jvp_reversemode(f: Function, x: Any) -> Function:
    """From a tangent of the argument to that of the result."""
    return lambda v: gx.jvp(f, (x,), (v,))[1]


def _make_hvp(f: Function, x: Any) -> tuple[Function, Any]:
    """From a vector to the product of the Hessian with it; and the gradient."""
    return lambda v: _transposed(gx.hvp(f)(x, v)), _grad(f, x)


grad = _by_its_argument(_grad)
value_and_grad = _by_its_argument(_value_and_grad)
grad_and_aux = _by_its_argument(_grad_and_aux)
elementwise_grad = _by_its_argument(_elementwise_grad)
deriv = _by_its_argument(_deriv)
jacobian = _by_its_argument(_jacobian)
holomorphic_grad = _by_its_argument(_holomorphic_grad)
hessian = _by_its_argument(_hessian)
make_vjp = _by_its_argument(_make_vjp)
make_jvp = _by_its_argument(_make_jvp)
make_jvp_reversemode = _by_its_argument(_make_jvp_reversemode)
make_hvp = _by_its_argument(_make_hvp)


def grad_named(fun: Function, argname: str) -> Function:
    """The gradient by the argument of a name.

    Args:
        fun: a function whose result is one number.
        argname: the name of one of its parameters.
    """
    return grad(fun, list(inspect.signature(fun).parameters).index(argname))


def multigrad_dict(fun: Function) -> Function:
    """The gradients by all arguments, as a dict from their names.

    Args:
        fun: a function whose result is one number.
    """
    signature = inspect.signature(fun)

    def gradients(*args: Any, **kwargs: Any) -> dict[str, Any]:
        bound = signature.bind(*args, **kwargs)
        bound.apply_defaults()

        def by_names(given: dict[str, Any]) -> Any:
            bound.arguments.update(given)
            return fun(*bound.args, **bound.kwargs)

        found: dict[str, Any] = _grad(by_names, dict(bound.arguments))
        return found

    return gradients


def hessian_tensor_product(fun: Function, argnum: int = 0) -> Function:
    """The product of the Hessian with a tensor, which stands after the arguments.

    Args:
        fun: a function whose result is one number.
        argnum: by which argument.
    """

    def product(*args: Any, **kwargs: Any) -> Any:
        f, x = _by_one(fun, argnum, args[:-1], kwargs)
        return _transposed(gx.hvp(f)(x, args[-1]))

    return product


def tensor_jacobian_product(fun: Function, argnum: int = 0) -> Function:
    """The product of a tensor, which stands after the arguments, with the Jacobian.

    Args:
        fun: a function.
        argnum: by which argument.
    """

    def product(*args: Any, **kwargs: Any) -> Any:
        f, x = _by_one(fun, argnum, args[:-1], kwargs)
        return _make_vjp(f, x)[0](args[-1])

    return product


hessian_vector_product = hessian_tensor_product
vector_jacobian_product = tensor_jacobian_product


def _half_the_squares(y: Any) -> Any:
    return np.sum(y**2, axis=-1) / 2


def make_ggnvp(f: Function, g: Function = _half_the_squares, f_argnum: int = 0) -> Function:
    """From a vector to the product of the generalised Gauss-Newton matrix of ``g(f(x))`` with it.

    Args:
        f: the model.
        g: the loss of its result, which is one number.
        f_argnum: by which argument of the model.
    """

    def at(*args: Any, **kwargs: Any) -> Function:
        model, x = _by_one(f, f_argnum, args, kwargs)
        return lambda v: _transposed(gx.ggnvp(model, g)(x, v))

    return at
