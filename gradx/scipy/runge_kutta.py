"""Runge-Kutta steps on variables: what SciPy's integrators do in a step that they accepted.

The sizes of the steps are constants, so the derivative is that of the discrete scheme. It agrees
with the derivative of the solution as the scheme itself agrees with the solution.

The implicit method is Radau IIA of order 5. Its stages are the solution of equations; it is found
on plain values, and then three of Newton's iterations are done on variables, with the inverse of a
Jacobian by differences. Each adds an order of derivatives that is right: they agree with those of
the implicit function up to the error of the Jacobian, which is 1e-8, to the third power for the
first derivative and the second power for the second.

Source: Hairer, Norsett and Wanner, Solving Ordinary Differential Equations I (1993), II.5 and II.6,
and II (1996), IV.5 and IV.8.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from types import MappingProxyType
from typing import Any

import numpy as np
from scipy.integrate import DOP853, RK23, RK45

from gradx import numpy as gnp
from gradx.core.dispatch import apply
from gradx.core.plain import value
from gradx.errors import NotDifferentiableError
from gradx.numpy.arguments import is_lifted
from gradx.ops.scipy.integrate import combination

__all__ = ["EXPLICIT", "Scheme", "Step", "explicit_steps", "radau_steps"]

Array = np.ndarray[Any, Any]
Function = Callable[[Any, Any], Any]


class Step:
    """A step on variables, and the state at any fraction of it.

    Attributes:
        start: the time at which it begins.
        size: its size, negative for time that runs back.
        before, after: the states at its ends.
    """

    def __init__(self, start: float, size: float, before: Any, after: Any, dense: Any) -> None:
        self.start, self.size, self.before, self.after = start, size, before, after
        self._dense = dense
        self._known: Any = None

    @property
    def end(self) -> float:
        """The time at which it ends."""
        return self.start + self.size

    def at(self, t: Any) -> Any:
        """The states at times: shape (r, n) for r plain times, (n,) for one variable of time."""
        if self._known is None:
            self._known = self._dense()
        terms, matrix, basis = self._known
        x = (t - self.start) / self.size if self.size else t * 0.0
        if is_lifted(x):
            weights = gnp.matmul(matrix, gnp.stack(basis(x)))
            return self.before + gnp.matmul(weights, gnp.stack(terms))
        weights = matrix @ np.stack(basis(x))
        every = np.concatenate([np.ones((1, len(t))), weights])
        return apply(combination, (self.before, *terms), {"weights": every})


def _combined(y: Any, terms: Sequence[Any], weights: Sequence[float]) -> Any:
    """A state and the sum of terms times weights; those of weight zero are left out."""
    chosen = [(x, float(w)) for x, w in zip(terms, weights, strict=True) if w]
    if not chosen:
        return y
    xs, ws = zip(*chosen, strict=True)
    return apply(combination, (y, *xs), {"weights": (1.0, *ws)})


# --- Explicit methods -----------------------------------------------------------------------------


def _powers(count: int) -> Callable[[Any], list[Any]]:
    return lambda x: [x ** (k + 1) for k in range(count)]


def _alternating(x: Any) -> list[Any]:
    """The basis of the dense output of DOP853: x, x (1-x), x² (1-x), x² (1-x)² and so on."""
    found = [x]
    for k in range(6):
        found.append(found[-1] * (x if k % 2 else 1 - x))
    return found


class Scheme:
    """The coefficients of an explicit method, of SciPy's class.

    The state at a fraction x of a step of size h is ``y + h * stages.T @ matrix @ basis(x)``.
    """

    def __init__(self, method: Any) -> None:
        self.stages: list[tuple[float, Any]] = [*zip(method.C, method.A, strict=True)]
        self.sum = method.B
        if method is DOP853:
            self.extra = [*zip(method.C_EXTRA, method.A_EXTRA, strict=True)]
            first, last = np.eye(16)[0], np.eye(16)[12]
            total = np.concatenate([method.B, np.zeros(4)])
            rows = [total, first - total, 2 * total - last - first, *method.D]
            self.matrix = np.stack(rows, axis=1)
            self.basis: Callable[[Any], list[Any]] = _alternating
        else:
            self.extra = []
            self.matrix = method.P
            self.basis = _powers(method.P.shape[1])

    def step(self, f: Function, t: float, h: float, y: Any, slope: Any) -> tuple[Step, Any]:
        """A step from a state with this slope, and the slope at its end."""
        slopes = [slope]
        for c, a in self.stages[1:]:
            count = len(slopes)
            slopes.append(f(t + c * h, _combined(y, slopes, h * a[:count])))
        after = _combined(y, slopes, h * self.sum)
        slopes.append(f(t + h, after))

        def dense() -> Any:
            every = list(slopes)
            for c, a in self.extra:
                every.append(f(t + c * h, _combined(y, every, h * a[: len(every)])))
            return every, h * self.matrix, self.basis

        return Step(t, h, y, after, dense), slopes[-1]


EXPLICIT = MappingProxyType({method: Scheme(method) for method in (RK23, RK45, DOP853)})
"""The explicit methods, from SciPy's class."""


def explicit_steps(method: Any, f: Function, mesh: Array, y: Any) -> list[Step]:
    """The steps of an explicit method between given times."""
    scheme, steps = EXPLICIT[method], []
    slope = f(float(mesh[0]), y)
    for t, end in zip(mesh[:-1].tolist(), mesh[1:].tolist(), strict=True):
        step, slope = scheme.step(f, t, end - t, y, slope)
        steps.append(step)
        y = step.after
    return steps


# --- Radau IIA ------------------------------------------------------------------------------------

_ROOT = math.sqrt(6)
_NODES = np.array([(4 - _ROOT) / 10, (4 + _ROOT) / 10, 1.0])
_WEIGHTS = np.array(
    [
        [(88 - 7 * _ROOT) / 360, (296 - 169 * _ROOT) / 1800, (-2 + 3 * _ROOT) / 225],
        [(296 + 169 * _ROOT) / 1800, (88 + 7 * _ROOT) / 360, (-2 - 3 * _ROOT) / 225],
        [(16 - _ROOT) / 36, (16 + _ROOT) / 36, 1 / 9],
    ]
)
_THROUGH_STAGES = np.linalg.inv(np.stack([_NODES, _NODES**2, _NODES**3], axis=1)).T
_SETTLED = 1e-6
_ITERATIONS = 3


def radau_steps(f: Function, plain: Function, solution: Any, mesh: Array, y: Any) -> list[Step]:
    """The steps of Radau's method between given times.

    Args:
        f: the right-hand side, of variables.
        plain: the same, on plain values.
        solution: from a time to the plain state, close to that of the method.
        mesh: the times.
        y: the first state.

    Raises:
        NotDifferentiableError: the equations of a step cannot be solved.
    """
    steps = []
    for t, end in zip(mesh[:-1].tolist(), mesh[1:].tolist(), strict=True):
        steps.append(_radau_step(f, plain, solution, t, end - t, y))
        y = steps[-1].after
    return steps


def _radau_step(f: Function, plain: Function, solution: Any, t: float, h: float, y: Any) -> Step:
    times = [t + float(c) * h for c in _NODES]
    known = value(y)
    z: Any = np.stack([solution(time) - known for time in times])
    jacobians = [_jacobian(plain, time, known + row) for time, row in zip(times, z, strict=True)]
    inverse = np.linalg.inv(_newton_matrix(h, jacobians))

    def residual(function: Function, y: Any, z: Any) -> Any:
        slopes = gnp.stack([function(times[k], y + z[k]) for k in range(3)])
        return z - h * gnp.matmul(_WEIGHTS, slopes)

    def closer(function: Function, y: Any, z: Any) -> Any:
        off = gnp.reshape(residual(function, y, z), (-1,))
        return z - gnp.reshape(gnp.matmul(inverse, off), (3, -1))

    for _ in range(_ITERATIONS):
        z = closer(plain, known, z)
    off = np.max(np.abs(residual(plain, known, z)), initial=0.0)
    if not off <= _SETTLED * (1 + np.max(np.abs(z), initial=0.0)):
        raise NotDifferentiableError(
            f"the equations of an implicit step at t = {t} cannot be solved by Newton's method, "
            "so it has no derivative; the right-hand side may not be smooth, or use RK45 or DOP853"
        )
    for _ in range(_ITERATIONS):
        z = closer(f, y, z)
    terms = [z[k] for k in range(3)]
    return Step(t, h, y, y + terms[2], lambda: (terms, _THROUGH_STAGES, _powers(3)))


def _newton_matrix(h: float, jacobians: Sequence[Array]) -> Array:
    n = len(jacobians[0])
    blocks = [[-h * w * j for w, j in zip(row, jacobians, strict=True)] for row in _WEIGHTS]
    return np.eye(3 * n) + np.block(blocks)


def _jacobian(plain: Function, t: float, y: Array) -> Array:
    """The Jacobian of the right-hand side by differences, shape (n, n)."""
    steps = 6e-6 * np.maximum(1e-3, np.abs(y))
    columns = []
    for k, step in enumerate(steps):
        there, back = y.copy(), y.copy()
        there[k] += step
        back[k] -= step
        columns.append((plain(t, there) - plain(t, back)) / (there[k] - back[k]))
    return np.stack(columns, axis=1)
