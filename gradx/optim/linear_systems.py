"""Linear systems: the inverse of a Jacobian as an op, whose transpose is the adjoint system's.

The Jacobian itself is plain numbers. Its inverse is a linear function of the right-hand side, so
the op and its transpose are each other's derivatives, to any order and in every mode.
"""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from gradx.core.dispatch import apply
from gradx.core.op import Op
from gradx.core.plain import value
from gradx.core.properties import Property
from gradx.errors import NotDifferentiableError
from gradx.reverse.api import backprop_with
from gradx.scipy.library import library

__all__ = ["LINEAR", "inverse_of"]

Array = np.ndarray[Any, Any]
Map = Callable[[Array], Array]
"""A linear function of vectors."""
Inverse = Callable[[Any], Any]
"""The same, of plain vectors and of variables."""


def inverse_of(f: Map, y: Array, linear: Any, tolerance: float | None, what: str) -> Inverse:
    """The inverse of the Jacobian of a function at a place, as a function with a derivative.

    Args:
        f: a function of a vector, shape (n,), to one of the same shape, without variables.
        y: the place, shape (n,).
        linear: a name in `LINEAR`, or ``linear(matvec, b)``.
        tolerance: a hundred times how far the product with a solution may be from the right-hand
            side, relative to that; None for any distance.
        what: the function that was called, for messages.

    Raises:
        NotDifferentiableError: the Jacobian is singular; (the function) the solver failed.
    """
    result, pullback = backprop_with(f, y)

    def transposed(w: Array) -> Array:
        return np.asarray(value(pullback(w)), float)

    precision = float(np.finfo(result.dtype).eps)
    if isinstance(linear, str) and linear == "dense":
        rows = [transposed(e) for e in np.eye(y.size, dtype=result.dtype)]
        return _inverse_of(*_dense(np.stack(rows), precision, what))
    # A pullback is linear, so its own pullback is the product with the Jacobian.
    _, forward = backprop_with(pullback, np.zeros(y.size, result.dtype))

    def product(v: Array) -> Array:
        return np.asarray(value(forward(v)), float)

    if isinstance(linear, str):
        name, linear = linear, functools.partial(_of_scipy, linear, max(_CONVERGED, 4 * precision))
    else:
        name = getattr(linear, "__name__", repr(linear))
    furthest = np.inf if tolerance is None else max(0.01 * tolerance, 100 * precision)
    checked = _Checked(linear, name, furthest, what)
    return _inverse_of(checked.of(product), checked.of(transposed))


def _solved(b: Array, *, solve: Map, adjoint: Map) -> Array:
    return solve(b.astype(float)).astype(b.dtype) if np.any(b) else np.zeros_like(b)


_inverse = Op(
    "inverse_of_jacobian",
    _solved,
    lambda g, *, solve, adjoint: _inverse_of(adjoint, solve)(g),
    properties=Property.LINEAR,
)
"""One op for all Jacobians, since what is cached of an op keeps it."""


def _inverse_of(solve: Map, adjoint: Map) -> Inverse:
    """A linear function of variables too, from that and its transpose of plain vectors."""
    return lambda b: apply(_inverse, (b,), {"solve": solve, "adjoint": adjoint})


# --- Matrices -------------------------------------------------------------------------------------


def _dense(a: Array, precision: float, what: str) -> tuple[Map, Map]:
    """The solution of a system and of the transposed one, by the inverse and a refinement.

    The test for singularity is Skeel's condition number, which no scaling of the rows changes.
    Source: Higham, Accuracy and Stability of Numerical Algorithms (2002), sections 7.2 and 12.1.

    Raises:
        NotDifferentiableError: the matrix is singular, or not finite.
    """
    if not np.all(np.isfinite(a)):
        raise NotDifferentiableError(
            f"{what}: the Jacobian of the residual by the solution has entries that are not "
            "finite; the residual has to be differentiable at the solution"
        )
    inverse, condition = a, np.inf
    with contextlib.suppress(np.linalg.LinAlgError), np.errstate(all="ignore"):
        inverse = np.linalg.inv(a)
        condition = np.max(np.abs(inverse) @ np.sum(np.abs(a), axis=1))
    if not condition < _SINGULAR / precision:
        raise NotDifferentiableError(
            f"{what}: the Jacobian of the residual by the solution is singular (its condition "
            f"number is {condition:.1e}), so that the solution is not a function of the parameters "
            "nearby: it is a double root, or one of many; give as many independent equations as "
            "there are unknowns"
        )

    def solving(matrix: Array, its_inverse: Array) -> Map:
        def solve(b: Array) -> Array:
            x: Array = its_inverse @ b
            return x + its_inverse @ (b - matrix @ x)  # type: ignore[no-any-return]

        return solve

    return solving(a, inverse), solving(a.T, inverse.T)


_SINGULAR = 0.05

# --- Products alone -------------------------------------------------------------------------------


def _of_scipy(name: str, rtol: float, matvec: Map, b: Array) -> Array:
    """The solution by a solver of SciPy's."""
    sparse = library("scipy.sparse.linalg")
    operator = sparse.LinearOperator((b.size, b.size), matvec, dtype=float)
    restart = min(b.size, 50)
    limits = (
        {"maxiter": _MOST} if name == "cg" else {"restart": restart, "maxiter": _MOST // restart}
    )
    x: Array = getattr(sparse, name)(operator, b, rtol=rtol, **limits)[0]
    return x


_MOST, _CONVERGED = 10_000, 1e-11
LINEAR = ("dense", "cg", "gmres")
"""The names of the solvers."""


class _Checked:
    """A solver that is given products alone, and whose solution is checked with one more.

    Args:
        solver: ``solver(matvec, b)``.
        name: its name in messages.
        furthest: how far the product may be from the right-hand side, relative to that.
        what: the function that was called, for messages.
    """

    def __init__(self, solver: Any, name: str, furthest: float, what: str) -> None:
        self._solver, self._name, self._furthest, self._what = solver, name, furthest, what

    def of(self, matvec: Map) -> Map:
        """The solution of the system with this product.

        Raises:
            NotDifferentiableError: (the function) it does not solve the system.
        """

        def solve(b: Array) -> Array:
            x = np.asarray(self._solver(matvec, b.copy()))
            if x.shape != b.shape:
                raise NotDifferentiableError(
                    f"{self._what}: the linear solver {self._name} returned an array of shape "
                    f"{x.shape} for a right-hand side of shape {b.shape}; return the solution of "
                    "that shape"
                )
            off = np.linalg.norm(matvec(x) - b) / np.linalg.norm(b)
            if not off <= self._furthest:
                raise NotDifferentiableError(
                    f"{self._what}: the linear solver {self._name} did not converge: the product "
                    f"with its solution differs from the right-hand side by {off:.1e} of that; "
                    f"{self._advice()}"
                )
            return x

        return solve

    def _advice(self) -> str:
        if self._name == "cg":
            return (
                "cg needs a Jacobian that is symmetric and positive definite, as at a minimum: use "
                'linear="gmres" or "dense" for others'
            )
        return (
            'use linear="dense", or a solver with a preconditioner of your own, or pass a larger '
            "tolerance="
        )
