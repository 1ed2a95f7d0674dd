"""Damped least squares: the method of Levenberg and Marquardt, over any value."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from gradx import numpy as gnp
from gradx.core.plain import value
from gradx.errors import NotDifferentiableError
from gradx.optim.flat import Flat, jacobian_of
from gradx.optim.method import check_between
from gradx.optim.minimum import Array, Minimum, begin, refuse_start
from gradx.optim.plain_functions import plain_of
from gradx.optim.ravel import ravel
from gradx.optim.schedules import check_count
from gradx.optim.solutions import optimum_at, valued
from gradx.reverse.api import grad

__all__ = ["levenberg_marquardt"]


@dataclass(frozen=True)
class levenberg_marquardt:
    """A minimiser of sums of squares: steps of Gauss and Newton, damped where they go too far.

    It is called with a residual and the parameters to begin with. Each step solves a linear least
    squares problem with the Jacobian as a matrix, so it is for residuals and parameters that fit
    into one.

    Args:
        damping: how much the first step is damped, relative to the curvature; 0 for steps of
            Gauss and Newton throughout.
        tolerance: it ends where the cosine of the angle between the residual and every column of
            the Jacobian, or the relative change of the parameters or of the sum of squares is
            smaller.
        max_steps: the most steps.

    Raises:
        MethodError: an option cannot work; from the call, the residual or a parameter is not finite
            to begin with.

    Source: Madsen, Nielsen and Tingleff, Methods for non-linear least squares problems (2004),
    algorithm 3.16, with the scaling of Moré, The Levenberg-Marquardt algorithm (1978), section 6.

    >>> import numpy as np
    >>> x = np.linspace(0, 1, 9)
    >>> y = 2 * np.exp(-3 * x)
    >>> def residual(p):
    ...     return p["a"] * np.exp(-p["k"] * x) - y
    >>> found = levenberg_marquardt()(residual, {"a": 1.0, "k": 1.0})
    >>> {name: round(number, 6) for name, number in found.params.items()}, found.converged
    ({'a': 2.0, 'k': 3.0}, True)
    """

    damping: float = 1e-3
    tolerance: float = 1e-8
    max_steps: int = 200

    def __post_init__(self) -> None:
        check_between(self.damping, "levenberg_marquardt", "damping", 0)
        check_between(self.tolerance, "levenberg_marquardt", "tolerance", 0, above=True)
        check_count(self.max_steps, "levenberg_marquardt", "max_steps")

    def __call__(self, residual: Callable[[Any], Any], params: Any) -> Minimum:
        """The parameters with the smallest sum of squares.

        Where there are variables in what the residual closes over, they have their derivative, as
        with `gradx.least_squares`; ``params`` is a constant.

        Args:
            residual: ``residual(params)``, real numbers in a value of any type.
            params: where to begin, a value of any type with a gradient.

        Returns:
            The minimum; its ``params`` are like those given, its ``value`` is half the sum of
            squares.

        Raises:
            NotDifferentiableError: the parameters or the residual have no numbers, or complex ones.
            MethodError: the residual, its Jacobian or a parameter is not finite to begin with.
        """
        flat = begin(value(params), _CALLED)
        plain = plain_of(residual)
        x, found = _Fit(self, flat, plain).done()
        if plain is residual:
            return found

        def half(whole: Any) -> Any:
            return gnp.sum(ravel(residual(whole))[0] ** 2) / 2

        gradient: Callable[..., Any] = grad(half)
        y = optimum_at(x, lambda v: ravel(gradient(flat.whole(v)))[0], None, flat, _CALLED)
        whole = flat.whole(y)
        kept = {**vars(found), "params": whole}
        return Minimum(**kept | {"value": valued(half(whole), found.value)})


_CALLED = "gx.optim.levenberg_marquardt"


class _Fit:
    """One run."""

    def __init__(
        self, method: levenberg_marquardt, flat: Flat, residual: Callable[[Any], Any]
    ) -> None:
        self.method, self.flat, self.residual = method, flat, residual
        self.calls = 0

    def residual_at(self, x: Array) -> Array:
        """The residual, shape (m,).

        Raises:
            NotDifferentiableError: it is complex, or has no numbers.
        """
        self.calls += 1
        found, _ = ravel(self.residual(self.flat.whole(x)))
        if found.dtype.kind == "c":
            raise NotDifferentiableError(
                f"{_CALLED} works on real numbers, and the residual is complex; give its real and "
                "its imaginary part as two"
            )
        if not found.size:
            raise NotDifferentiableError(
                f"{_CALLED} was given a residual without numbers; return an array, or a value with "
                "numbers in it, from the function"
            )
        return np.asarray(found, float)

    def jacobian_at(self, x: Array) -> Array:
        """The Jacobian, shape (m, n)."""
        self.calls += 1
        return np.asarray(jacobian_of(self.residual, self.flat.whole(x)), float)

    def done(self) -> tuple[Array, Minimum]:
        """Where it ends."""
        x = self.flat.start
        r = self.residual_at(x)
        jacobian = self.jacobian_at(x)
        refuse_start(float(r @ r) / 2, jacobian, "the residual", _CALLED)
        damping, growth, steps = self.method.damping, 2.0, 0
        scale = _norms(jacobian)
        message, failure = self._flat_at(jacobian, r), ""
        while not (message or failure):
            if steps == self.method.max_steps:
                failure = f"max_steps={steps} steps were done; allow more, or begin nearer"
                break
            step = _solved(jacobian, r, damping, scale)
            new = x + step
            after = self.residual_at(new)
            foretold = float(r @ r - np.sum((r + jacobian @ step) ** 2)) / 2
            fall = float(r @ r - after @ after) / 2
            steps += 1
            taken = fall > 0 < foretold if damping else math.isfinite(fall)
            # A step is small of itself where it is not damping that holds it back.
            free = not taken or damping <= 1
            message = self._small(x, step, r, fall, foretold, taken) if free else ""
            if message and steps == 1 and damping > 1:
                failure, message = f"damping={damping:g} holds every step back; give less", ""
            elif taken:
                x, r, jacobian = new, after, self.jacobian_at(new)
                if not np.isfinite(jacobian).all():
                    failure = "the Jacobian is not finite where a step went"
                    break
                scale = np.maximum(scale, _norms(jacobian))
                damping *= max(1 / 3, 1 - (2 * fall / foretold - 1) ** 3) if damping else 0.0
                growth = 2.0
                message = self._flat_at(jacobian, r) or message
            elif damping:
                damping, growth = damping * growth, growth * 2
            else:
                failure = "a step of Gauss and Newton went where the residual is infinite; damp it"
        gradient = jacobian.T @ r
        found = Minimum(
            params=self.flat.whole(x),
            value=float(r @ r) / 2,
            steps=steps,
            converged=not failure,
            message=failure or message,
            slope=float(np.abs(gradient).max()),
            calls=self.calls,
        )
        return x, found

    def _flat_at(self, jacobian: Array, r: Array) -> str:
        """Why it ends here, if the residual is perpendicular to the columns of the Jacobian."""
        length, norms = float(np.linalg.norm(r)), _norms(jacobian)
        if length == 0:
            return "the residual is zero"
        with np.errstate(divide="ignore", invalid="ignore"):
            cosines = np.where(norms > 0, np.abs(jacobian.T @ r) / (norms * length), 0.0)
        if cosines.max() <= self.method.tolerance:
            return "the residual is perpendicular to every column of the Jacobian"
        return ""

    def _small(
        self, x: Array, step: Array, r: Array, fall: float, foretold: float, taken: bool
    ) -> str:
        """Why it ends after a step, if that changed little."""
        tolerance, squares = self.method.tolerance, float(r @ r) / 2
        if np.linalg.norm(step) <= tolerance * (np.linalg.norm(x) + tolerance):
            return f"the parameters change by less than {tolerance:g} of themselves"
        if abs(fall) <= tolerance * squares and foretold <= tolerance * squares and taken:
            return f"the sum of squares changes by less than {tolerance:g} of itself"
        return ""


def _norms(jacobian: Array) -> Array:
    """The lengths of the columns."""
    return np.asarray(np.sqrt(np.sum(jacobian**2, axis=0)))


def _solved(jacobian: Array, r: Array, damping: float, scale: Array) -> Array:
    """The step that makes the linear residual smallest, together with what damps it.

    The two are one least squares problem, which is twice as accurate as its normal equations.
    """
    if damping:
        scale = np.where(scale > 0, scale, 1.0)  # of what the residual does not depend on
        jacobian = np.vstack([jacobian, np.diag(math.sqrt(damping) * scale)])
        r = np.concatenate([r, np.zeros(len(scale))])
    return np.asarray(np.linalg.lstsq(jacobian, -r)[0])
