"""The runners, which turn a function of values into its gradient.

The last noun. A runner lifts the inputs onto a fresh tape, calls the function, closes the tape,
sweeps it from the output back, and settles the cotangents of the inputs into values of the
inputs' types: zeros where there were none, the input's own dtype and device, and memory that
nothing else shares.

Inside, a cotangent of a complex value is the plain transpose, dL/dx - i dL/dy; at the runners it
is conjugated, so that a user's gradient is the direction of steepest ascent.
"""

from __future__ import annotations

import functools
import inspect
import math
import operator
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ParamSpec, SupportsFloat, TypeVar, overload

import numpy as np

from gradx.core.check_cotangents import fitted, matched
from gradx.core.dispatch import Lifted
from gradx.core.spec import primal, shape_of
from gradx.devices.placement import PLACES, common_device, device_at, on_device_of
from gradx.errors import DeviceMismatchError, NonScalarError
from gradx.ops.helpers import conj, is_complex, zeros_for
from gradx.reverse.backward import consuming
from gradx.reverse.nested import register_variables
from gradx.reverse.overloads import (
    First,
    FirstTwo,
    Function,
    GradOfOne,
    GradOfTwo,
    Names,
    OfOne,
    OfTwo,
    Positions,
    Second,
    Yes,
)
from gradx.reverse.recorders import install
from gradx.reverse.run import Execution, executed, run_on
from gradx.values.builtin import check_differentiable
from gradx.values.operations import value_type

__all__ = [
    "Chosen",
    "backprop",
    "backprop_with",
    "check_scalar",
    "eval_bp",
    "grad",
    "grad_bp",
    "run_on_chosen",
    "value_and_grad",
]

# An input's type is bound by Any: a lambda tells nothing of its parameter, and may do all with it.
A = TypeVar("A", bound=Any)
B = TypeVar("B", bound=Any)
C = TypeVar("C", bound=Any)
Y = TypeVar("Y")
Real = TypeVar("Real", bound=SupportsFloat)
Aux = TypeVar("Aux")
P = ParamSpec("P")

register_variables()
install()


def _entering(y: Any, g: Any) -> Any:
    """A caller's cotangent in the engine's convention.

    Raises:
        DeviceMismatchError: it is on another device than the result.
    """
    own, given = primal(y), primal(g)
    if PLACES and (type(own) in PLACES or type(given) in PLACES):
        common_device("the pullback", (own, given))
        if device_at(own) is None:
            raise DeviceMismatchError(
                f"the pullback was given an array on {device_at(given)} as the cotangent of a "
                "number; give a number, such as float(g)"
            )
    with on_device_of(own):
        if device_at(given) is None and type(own) in PLACES:
            g = zeros_for(own, ()) + g  # a number, which goes with the array
        return conj(fitted(y, g))


def _shaped(gradients: list[Any], n: int, named: Mapping[str, Any]) -> Any:
    """One gradient for one input, a tuple for several, a dict for inputs by keyword."""
    positional = gradients[0] if n == 1 else tuple(gradients[:n])
    if not named:
        return positional
    by_name = dict(zip(named, gradients[n:], strict=True))
    return (positional, by_name) if n else by_name


# --- The runners ----------------------------------------------------------------------------------


@overload
def backprop(f: Callable[[A], Y], x: A, /) -> tuple[Y, A]: ...
@overload
def backprop(f: Callable[[A, B], Y], x: A, y: B, /) -> tuple[Y, tuple[A, B]]: ...
@overload
def backprop(f: Callable[[A, B, C], Y], x: A, y: B, z: C, /) -> tuple[Y, tuple[A, B, C]]: ...
@overload
def backprop(f: Callable[P, Y], /, *xs: P.args, **named: P.kwargs) -> tuple[Y, Any]: ...
def backprop(f: Callable[..., Any], /, *xs: Any, **named: Any) -> Any:
    """The result of a function and its gradient.

    Args:
        f: the function; its inputs arrive as variables, and any value may come out.
        xs: the inputs, of any types.
        named: inputs by keyword.

    Returns:
        The result, and the gradient: of the input's type for one input, a tuple of them for
        several, a dict for inputs by keyword; a pair of the two for both. For a result that is
        not one number it is the gradient of the sum of its components.

    Raises:
        UnregisteredTypeError: an input has a part of an unknown type.
        NotDifferentiableError: an input is an integer array.

    >>> backprop(lambda x, xs: sum(v**2 for v in xs) / x, 9.0, [1.0, 6.0, 2.0])[0]
    4.555555555555555
    """
    run = run_on(f, xs, named)
    y = run.value
    return y, _shaped(run.gradients(consuming(run.nodes), run.ones()), len(xs), named)


@overload
def grad_bp(f: Callable[[A], Any], x: A, /) -> A: ...
@overload
def grad_bp(f: Callable[[A, B], Any], x: A, y: B, /) -> tuple[A, B]: ...
@overload
def grad_bp(f: Callable[[A, B, C], Any], x: A, y: B, z: C, /) -> tuple[A, B, C]: ...
@overload
def grad_bp(f: Callable[P, Any], /, *xs: P.args, **named: P.kwargs) -> Any: ...
def grad_bp(f: Callable[..., Any], /, *xs: Any, **named: Any) -> Any:
    """The gradient of a function, as in `backprop`.

    >>> grad_bp(lambda x: x**2 + 3, 9.0)
    18.0
    """
    return backprop(f, *xs, **named)[1]


def eval_bp(f: Callable[P, Y], /, *xs: P.args, **named: P.kwargs) -> Y:
    """The result of a function: the plain call, at no cost and with its side effects.

    >>> eval_bp(lambda x: x**2 + 3, 9.0)
    84.0
    """
    return f(*xs, **named)


@overload
def backprop_with(f: Callable[[A], Y], x: A, /) -> tuple[Y, Callable[[Any], A]]: ...
@overload
def backprop_with(
    f: Callable[[A, B], Y], x: A, y: B, /
) -> tuple[Y, Callable[[Any], tuple[A, B]]]: ...
@overload
def backprop_with(
    f: Callable[[A, B, C], Y], x: A, y: B, z: C, /
) -> tuple[Y, Callable[[Any], tuple[A, B, C]]]: ...
@overload
def backprop_with(
    f: Callable[P, Y], /, *xs: P.args, **named: P.kwargs
) -> tuple[Y, Callable[[Any], Any]]: ...
def backprop_with(f: Callable[..., Any], /, *xs: Any, **named: Any) -> Any:
    """The result of a function and its pullback.

    Args:
        f: the function.
        xs: the inputs, of any types.
        named: inputs by keyword.

    Returns:
        The result, and a function from a cotangent of the result's type to the gradients, shaped
        as in `backprop`. It may be called any number of times, and what is done to the result in
        place does not change what it gives.

    Raises:
        CotangentError: (the pullback) the cotangent is not of the result's type and shape.

    >>> y, pullback = backprop_with(lambda x: (x, x * x), 3.0)
    >>> y, pullback((1.0, 10.0)), pullback((1.0, 0.0))
    ((3.0, 9.0), 61.0, 1.0)
    """
    run = run_on(f, xs, named)
    y = run.value

    def pullback(g: Any) -> Any:
        whole = matched(y, g, "the cotangent", "result", _entering)
        return _shaped(run.gradients(reversed(run.nodes), run.seeds(whole)), len(xs), named)

    return run.handed_out(), pullback


@overload
def value_and_grad(f: np.ufunc, argnums: Positions = 0) -> Callable[..., tuple[Any, Any]]: ...
@overload
def value_and_grad(f: OfOne[A, P, Real], argnums: First = 0) -> GradOfOne[A, P, tuple[Real, A]]: ...
@overload
def value_and_grad(
    f: OfTwo[A, B, P, Real], argnums: Second
) -> GradOfTwo[A, B, P, tuple[Real, B]]: ...
@overload
def value_and_grad(
    f: OfTwo[A, B, P, Real], argnums: FirstTwo
) -> GradOfTwo[A, B, P, tuple[Real, tuple[A, B]]]: ...
@overload
def value_and_grad(f: Callable[P, Real], argnums: Positions) -> Function[P, tuple[Real, Any]]: ...
@overload
def value_and_grad(f: Callable[P, Real], *, argnames: Names) -> Function[P, tuple[Real, Any]]: ...
@overload
def value_and_grad(
    f: OfOne[A, P, tuple[Real, Aux]], argnums: First = 0, *, has_aux: Yes
) -> GradOfOne[A, P, tuple[tuple[Real, Aux], A]]: ...
@overload
def value_and_grad(
    f: Callable[P, tuple[Real, Aux]], argnums: Positions, *, has_aux: Yes
) -> Function[P, tuple[tuple[Real, Aux], Any]]: ...
@overload
def value_and_grad(
    f: Callable[P, tuple[Real, Aux]], *, argnames: Names, has_aux: Yes
) -> Function[P, tuple[tuple[Real, Aux], Any]]: ...
def value_and_grad(
    f: Callable[..., Any],
    argnums: int | Sequence[int] = 0,
    *,
    argnames: str | Sequence[str] | None = None,
    has_aux: bool = False,
    **unknown: Any,
) -> Any:
    """A function that returns the result of another and its gradient.

    Args:
        f: a function of any arguments with one real number as its result, or an array of one.
        argnums: the position or positions of the arguments to differentiate.
        argnames: their name or names, instead of positions.
        has_aux: ``f`` returns a pair, and only its first part is differentiated.
        unknown: refused; says which of these was meant.

    Returns:
        A function of the same arguments. Its gradient is of the argument's type for one position
        or name, a tuple for several. With ``has_aux`` its result is a pair too.

    Raises:
        NonScalarError: (the function) the result is not one real number.
        NotDifferentiableError: (the function) a chosen argument has no gradient, such as None.
        TypeError: an unknown keyword, such as ``argnum``.

    >>> value_and_grad(lambda x, y: x * y, argnums=(0, 1))(3.0, 4.0)
    (12.0, (4.0, 3.0))
    """
    _refuse_unknown("value_and_grad", unknown)

    @functools.wraps(f)
    def value_and_gradient(*args: Any, **kwargs: Any) -> tuple[Any, Any]:
        run, several = run_on_chosen(f, argnums, argnames, args, kwargs, has_aux)
        y = run.value
        check_scalar(y, f)
        gradients = run.gradients(consuming(run.nodes), run.ones())
        gradient = tuple(gradients) if several else gradients[0]
        return ((y, run.aux) if has_aux else y), gradient

    return value_and_gradient


class Chosen:
    """A function of the arguments that are differentiated, the others being bound.

    Args:
        f: the function of all arguments.
        argnums: the position or positions of those to differentiate.
        argnames: their name or names, instead of positions.
        args: the positional arguments.
        kwargs: those by keyword.

    Attributes:
        inputs: the arguments to differentiate.
        names: how they are called in messages.
        beside: the other arguments that are arrays or variables, by their names in messages.
        several: a tuple of inputs is meant, be it of one.

    Raises:
        NotDifferentiableError: a chosen argument has no gradient.
    """

    __slots__ = ("_args", "_chosen", "_f", "_kwargs", "beside", "inputs", "names", "several")

    def __init__(
        self,
        f: Callable[..., Any],
        argnums: int | Sequence[int],
        argnames: str | Sequence[str] | None,
        args: Sequence[Any],
        kwargs: Mapping[str, Any],
    ) -> None:
        self._f, self._args, self._kwargs = f, args, kwargs
        self._chosen = chosen = _chosen(f, argnums, argnames, args, kwargs)
        self.inputs = [args[k] if isinstance(k, int) else kwargs[k] for k in chosen]
        self.names = [k if isinstance(k, str) else f"argument {k}" for k in chosen]
        for x, name in zip(self.inputs, self.names, strict=True):
            if x is None:
                check_differentiable(x, name, optional=False)
        self.beside = {
            k if isinstance(k, str) else f"argument {k}": x
            for k, x in (*enumerate(args), *kwargs.items())
            if k not in chosen and (type(x) is np.ndarray or isinstance(x, Lifted))
        }
        wanted = argnums if argnames is None else argnames
        self.several = not isinstance(wanted, str) and not hasattr(wanted, "__index__")

    def __call__(self, *vs: Any) -> Any:
        """The result for other values of the chosen arguments."""
        positional, named = list(self._args), dict(self._kwargs)
        for k, v in zip(self._chosen, vs, strict=True):
            if isinstance(k, int):
                positional[k] = v
            else:
                named[k] = v
        return self._f(*positional, **named)


def run_on_chosen(
    f: Callable[..., Any],
    argnums: int | Sequence[int],
    argnames: str | Sequence[str] | None,
    args: Sequence[Any],
    kwargs: Mapping[str, Any],
    has_aux: bool,
) -> tuple[Execution, bool]:
    """The run of a function on variables of chosen arguments, and whether a tuple of them is meant.

    Raises:
        NotDifferentiableError: a chosen argument has no gradient.
    """
    call = Chosen(f, argnums, argnames, args, kwargs)
    return executed(call, call.inputs, call.names, has_aux, call.beside), call.several


@overload
def grad(f: np.ufunc, argnums: Positions = 0) -> Callable[..., Any]: ...
@overload
def grad(f: OfOne[A, P, SupportsFloat], argnums: First = 0) -> GradOfOne[A, P, A]: ...
@overload
def grad(f: OfTwo[A, B, P, SupportsFloat], argnums: Second) -> GradOfTwo[A, B, P, B]: ...
@overload
def grad(
    f: OfTwo[A, B, P, SupportsFloat], argnums: FirstTwo
) -> GradOfTwo[A, B, P, tuple[A, B]]: ...
@overload
def grad(f: Callable[P, SupportsFloat], argnums: Positions) -> Function[P, Any]: ...
@overload
def grad(f: Callable[P, SupportsFloat], *, argnames: Names) -> Function[P, Any]: ...
@overload
def grad(
    f: OfOne[A, P, tuple[SupportsFloat, Aux]], argnums: First = 0, *, has_aux: Yes
) -> GradOfOne[A, P, tuple[A, Aux]]: ...
@overload
def grad(
    f: Callable[P, tuple[SupportsFloat, Aux]], argnums: Positions, *, has_aux: Yes
) -> Function[P, tuple[Any, Aux]]: ...
@overload
def grad(
    f: Callable[P, tuple[SupportsFloat, Aux]], *, argnames: Names, has_aux: Yes
) -> Function[P, tuple[Any, Aux]]: ...
def grad(
    f: Callable[..., Any],
    argnums: int | Sequence[int] = 0,
    *,
    argnames: str | Sequence[str] | None = None,
    has_aux: bool = False,
    **unknown: Any,
) -> Any:
    """A function that returns the gradient of another; see `value_and_grad` for the arguments.

    Returns:
        A function of the same arguments: the gradient, or with ``has_aux`` the pair of the
        gradient and the second part of the result.

    >>> grad(lambda x: x * grad(lambda y: y * x)(1.0))(3.0)
    6.0
    """
    _refuse_unknown("grad", unknown)
    transform: Any = value_and_grad
    both = transform(f, argnums, argnames=argnames, has_aux=has_aux)

    @functools.wraps(f)
    def gradient(*args: Any, **kwargs: Any) -> Any:
        y, g = both(*args, **kwargs)
        return (g, y[1]) if has_aux else g

    return gradient


def _refuse_unknown(name: str, unknown: Mapping[str, Any]) -> None:
    for key, given in unknown.items():
        meant = "argnames" if "name" in key else "argnums" if "arg" in key else ""
        instead = f"{meant}={given!r}" if meant else "argnums=, argnames= or has_aux="
        raise TypeError(f"{name}() takes no keyword argument {key!r}; write {instead}")


def check_scalar(y: Any, f: Callable[..., Any]) -> None:
    """Refuse a result that is not one real number.

    Raises:
        NonScalarError: it is not; says what to use instead.
    """
    if type(y) is np.float64 or type(y) is float:
        return
    if value_type(y).numeric and shape_of(y) == () and not is_complex(y):
        return
    if getattr(y, "shape", None) == () and y.dtype.kind in "iu":
        return  # a count, with gradient zero
    if hasattr(y, "dtype") and y.dtype.kind == "f" and math.prod(shape_of(y)) == 1:
        return  # one number, whatever the axes around it
    name = getattr(f, "__name__", "the function")
    shown = f"shape {shape_of(y)}" if hasattr(y, "shape") and shape_of(y) else type(y).__name__
    shown = "a complex number" if is_complex(y) and not shape_of(y) else shown
    raise NonScalarError(
        f"grad and value_and_grad need one real number as the result, and {name} returned {shown}; "
        "sum it with np.sum (or take np.real), or use gx.grad_bp for the gradient of the sum and "
        "gx.backprop_with for a cotangent of your own"
    )


def _chosen(
    f: Callable[..., Any], argnums: Any, argnames: Any, args: Sequence[Any], kwargs: Any
) -> list[int | str]:
    """The arguments to differentiate: positions, and names of those passed by keyword."""
    if argnames is None:
        positions = [argnums] if hasattr(argnums, "__index__") else list(argnums)
        chosen: list[int | str] = []
        for k in map(operator.index, positions):
            if not -len(args) <= k < len(args):
                raise IndexError(
                    f"argnums={k} and {len(args)} positional arguments were given; differentiate "
                    "an argument that is passed by keyword with argnames="
                )
            chosen.append(k % len(args))
        return _distinct(chosen, argnums)
    names = [argnames] if isinstance(argnames, str) else list(argnames)
    parameters = list(inspect.signature(f).parameters)
    chosen = []
    for name in names:
        if name in kwargs:
            chosen.append(name)
        elif name in parameters and parameters.index(name) < len(args):
            chosen.append(parameters.index(name))
        else:
            raise TypeError(
                f"argnames has {name!r}, which is not an argument of this call; the function has "
                f"{', '.join(parameters)}"
            )
    return _distinct(chosen, argnames)


def _distinct(chosen: list[int | str], wanted: Any) -> list[int | str]:
    if len(set(chosen)) < len(chosen):
        raise TypeError(
            f"{wanted!r} names an argument twice, and only one of them could have the gradient; "
            "name each argument once"
        )
    return chosen
