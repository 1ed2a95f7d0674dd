"""Implicit: the derivative of a root, a fixed point or an optimum, through its equation.

A solution ``y`` of ``r(y, p) = 0`` is a function of the parameters ``p`` wherever ``A``, the
Jacobian of ``r`` by ``y``, is regular, and ``dy = -inv(A) dr``, where ``dr`` is the change of the
residual with ``y`` fixed. How the solution was found does not matter.

What is computed here is one formula that has this derivative and every further one::

    y[k + 1] = y[k] - inv(A) r(y[k], p),      y[0] = y*

``y*`` is the solution that was found and ``A`` the plain Jacobian there: both are constants. The
value of each ``y[k]`` is ``y*``, since the residual is zero there, and ``y[k]`` has the first ``k``
derivatives of the solution. For let ``y[k]`` differ from the solution by ``d``, of order ``k + 1``
in a change of the parameters. Then ``r(y[k], p) = A d`` but for terms of an order more, so that
``y[k + 1]`` differs from the solution in terms of order ``k + 2``. Each nested run differentiates
once, so there are as many steps as there are runs among the variables. In reverse mode a step
solves the adjoint system, ``A.T w = g``, and pulls ``-w`` through the residual.

Sources: Griewank and Walther, Evaluating Derivatives (2008), chapter 15; Blondel et al., Efficient
and Modular Implicit Differentiation (2022), for the residual of the user as the specification.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

import numpy as np

from gradx import numpy as gnp
from gradx.core.dispatch import apply, has_variables
from gradx.core.plain import primals, value
from gradx.core.spec import shape_of, spec_of
from gradx.devices.placement import PLACES
from gradx.errors import NotDifferentiableError, NotLiftedError, StructureError
from gradx.ops.shaping import computed
from gradx.optim.linear_systems import LINEAR, inverse_of
from gradx.optim.plain_functions import plain_of
from gradx.optim.ravel import Part, Raveling
from gradx.reverse.results import runs_of

__all__ = ["TOLERANCE", "implicit", "solution_at"]

P = ParamSpec("P")
Y = TypeVar("Y")
Array = np.ndarray[Any, Any]

TOLERANCE = 1e-4
"""How far from the root a solution may be: Newton's step, relative to its size."""


def implicit(
    solve: Callable[P, Y],
    residual: Callable[..., Any],
    linear: Any = "dense",
    *,
    tolerance: float | None = TOLERANCE,
) -> Callable[P, Y]:
    """A solver whose solution has a derivative, through the equation that it solves.

    For a fixed point of ``f`` the residual is ``lambda y, *p: f(y, *p) - y``, and for an optimum of
    ``f(y, *p)`` it is ``gx.grad(f)``. The derivative is by the parameters, and by the variables
    that ``residual`` closes over, to any order.

    Args:
        solve: ``solve(*params)``, the solution ``y``: a number, an array, or a value of any type
            made of them. It is called once, with plain values, and what it closes over is plain.
        residual: ``residual(y, *params)``, a value of the structure and the shapes of ``y`` that is
            zero at the solution, made of functions with a derivative.
        linear: how to solve with ``A``, the Jacobian of the residual by ``y``, of shape (n, n) for
            ``y`` of n numbers: ``"dense"`` makes the matrix, by n products; ``"cg"``, for one that
            is symmetric and positive definite, as at a minimum, and ``"gmres"`` are SciPy's, and
            need products only; ``linear(matvec, b)`` gives x with ``matvec(x) = b`` for vectors
            of shape (n,), and gets the products with ``A`` and those with ``A.T``.
        tolerance: how far a solution may be from the root (by Newton's step, relative to the
            largest number in ``y`` and 1), and a hundred times how far the product with the result
            of an iterative ``linear`` from its right-hand side, relative to that. None for no
            check.

    Returns:
        A function of the same parameters as ``solve``, with the same result.

    Raises:
        ValueError: ``linear`` is no name of these.
        StructureError: (the function) the residual is not of the solution's structure; with paths.
        NotDifferentiableError: (the function) the Jacobian is singular, the linear solver fails,
            the solution is not finite, or no root.
        NotLiftedError: (the function) a parameter is batched, as under `gradx.vmap`.
        ImportError: (the function) ``"cg"`` or ``"gmres"`` without SciPy.

    Source: see the module.

    >>> import gradx as gx
    >>> cube_root = implicit(lambda a: a ** (1 / 3), lambda y, a: y**3 - a)
    >>> round(gx.grad(cube_root)(8.0), 6)  # 1 / (3 y**2)
    0.083333
    """
    if not callable(linear) and linear not in LINEAR:
        raise ValueError(
            f"gx.implicit got linear={linear!r}; give one of {', '.join(map(repr, LINEAR))}, or a "
            "function of (matvec, b)"
        )

    @functools.wraps(solve)
    def solution(*params: P.args, **named: P.kwargs) -> Y:
        plain, plain_named = plain_of(params), plain_of(named)
        if has_variables((plain, plain_named)):
            raise NotLiftedError(
                "gx.implicit: solve takes plain numbers, and a parameter is of a run that has none "
                "for one example, such as gx.vmap; write a loop over the examples, and np.stack"
            )
        y = primals(plain_of(solve)(*plain, **plain_named))
        space = _Space(y)

        def vector_of(v: Any) -> Any:
            return space.residual(residual(space.whole(v), *params, **named))

        found = solution_at(space.vector, vector_of, linear, tolerance, "gx.implicit")
        return space.whole(found) if found is not space.vector else y

    return solution


def solution_at(
    y: Array,
    residual: Callable[[Any], Any],
    linear: Any,
    tolerance: float | None,
    what: str,
) -> Any:
    """A solution, with the derivative that its equation gives it.

    Args:
        y: the solution, shape (n,), real.
        residual: a function of a vector, shape (n,), to one of the same shape; what it closes over
            are the parameters.
        linear: see `implicit`.
        tolerance: see there.
        what: the function that was called, for messages.

    Returns:
        ``y`` itself, if there is no variable in the residual.

    Raises:
        NotDifferentiableError: see `implicit`.
    """
    if not np.all(np.isfinite(y)):
        raise NotDifferentiableError(
            f"{what}: the solution has numbers that are not finite, and no derivative; see that "
            "the solver converges"
        )
    r = residual(y)
    if shape_of(r) != y.shape:
        raise StructureError(
            f"{what}: there are {spec_of(r).size} equations for {y.size} unknowns, which has no "
            "derivative; give as many of them, or use gx.least_squares"
        )
    if not has_variables(r):
        return y
    inverse = inverse_of(plain_of(residual), y, linear, tolerance, what)
    if tolerance is not None:
        step = np.max(np.abs(inverse(np.asarray(value(r)))))
        if not step <= tolerance * (1 + np.max(np.abs(y))):
            raise NotDifferentiableError(
                f"{what}: the solution is no root of the residual, since Newton's step from it is "
                f"{step:.1e} long; let the solver go on for longer, see that the residual is that "
                "of its equation, or pass a larger tolerance="
            )
    solution: Any = y
    zero = np.zeros_like(y, np.asarray(value(r)).dtype)
    for k in range(len(runs_of(r))):
        r = residual(solution) if k else r
        solution = solution - inverse(apply(computed, (r, zero)))
    return solution


class _Space:
    """A solution as a real vector, and its residual as another of the same parts.

    Args:
        whole: the solution; a complex number in it is two real ones.

    Raises:
        NotDifferentiableError: it has no numbers.
        NotLiftedError: it is on a device.
    """

    def __init__(self, whole: Any) -> None:
        self._known = Raveling(whole)
        size = self._known.vector.size
        if not size:
            raise NotDifferentiableError(
                f"gx.implicit: solve returned a {type(whole).__name__} without numbers; return the "
                "solution that residual takes"
            )
        if type(self._known.vector) in PLACES:
            raise NotLiftedError(
                "gx.implicit solves its linear system on cpu, and the solution is on a device; "
                "write solve and residual of gx.to_device(y, 'cpu')"
            )
        places = [np.arange(size)[part.place] for part in self._known.parts if _is_complex(part)]
        self._size, self._complex = size, np.concatenate(places) if places else None
        self.vector: Array = self._real(self._known.vector)

    def _real(self, v: Any) -> Any:
        if self._complex is None:
            return v
        return gnp.concatenate([gnp.real(v), gnp.imag(v)[self._complex]])

    def whole(self, v: Any) -> Any:
        """The solution that a real vector stands for."""
        if self._complex is None:
            return self._known.unravel(v)
        which = np.full(self._size, len(self._complex))
        which[self._complex] = np.arange(len(self._complex))
        imaginary = gnp.concatenate([v[self._size :], np.zeros(1)])[which]
        return self._known.unravel(v[: self._size] + 1j * imaginary)

    def residual(self, r: Any) -> Any:
        """The real vector of a residual.

        Raises:
            StructureError: it is of another structure, or has other shapes, than the solution.
        """
        given = Raveling(r)
        ours, theirs = _described(self._known), _described(given)
        if ours != theirs:
            only = [f"has {text}" for text in theirs if text not in ours]
            only += [f"lacks {text}" for text in ours if text not in theirs]
            raise StructureError(
                f"gx.implicit: the residual {', and '.join(only)}; return a value of the structure "
                "of the solution, an equation for each of its numbers"
            )
        return self._real(given.vector)


def _is_complex(part: Part) -> bool:
    return bool(np.dtype(part.spec.dtype).kind == "c")


def _described(known: Raveling) -> list[str]:
    """The parts of a value: their paths, shapes and realness."""
    return [
        f"{part.path or 'a value'} of shape {part.spec.shape}" + " (complex)" * _is_complex(part)
        for part in known.parts
    ]
