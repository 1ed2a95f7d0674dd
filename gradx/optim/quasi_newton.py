"""Quasi-Newton: minima of smooth losses by L-BFGS, over any value."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from gradx import numpy as gnp
from gradx.core.plain import value
from gradx.optim.flat import Flat
from gradx.optim.line_search import Point, WolfeSearch
from gradx.optim.method import check_between
from gradx.optim.minimum import Array, Minimum, begin, refuse_start
from gradx.optim.plain_functions import plain_of
from gradx.optim.ravel import Part, ravel
from gradx.optim.schedules import check_count
from gradx.optim.solutions import optimum_at, valued
from gradx.reverse.api import grad

__all__ = ["lbfgs"]


@dataclass(frozen=True)
class lbfgs:
    """A minimiser: L-BFGS with a line search, for losses without noise.

    It is called with a loss and the parameters to begin with. What it knows of the curvature are
    its last steps, so it needs memory for ``2 * memory`` times the parameters. The loss sees the
    parameters in the dtypes that they have; the search itself is in double precision.

    Args:
        memory: how many steps are remembered.
        tolerance: it ends where no number of the gradient is larger.
        max_steps: the most steps.

    Raises:
        MethodError: an option cannot work; from the call, the loss or a parameter is not finite to
            begin with.

    Source: Nocedal and Wright, Numerical optimization (2006), algorithms 7.4 and 7.5; the search is
    `gradx.optim.line_search`.

    >>> def rosenbrock(p):
    ...     return (1 - p["x"]) ** 2 + 100 * (p["y"] - p["x"] ** 2) ** 2
    >>> found = lbfgs()(rosenbrock, {"x": -1.2, "y": 1.0})
    >>> {name: round(x, 6) for name, x in found.params.items()}, found.converged
    ({'x': 1.0, 'y': 1.0}, True)
    """

    memory: int = 10
    tolerance: float = 1e-6
    max_steps: int = 1000

    def __post_init__(self) -> None:
        check_count(self.memory, "lbfgs", "memory")
        check_count(self.max_steps, "lbfgs", "max_steps")
        check_between(self.tolerance, "lbfgs", "tolerance", 0)

    def __call__(self, loss: Callable[[Any], Any], params: Any) -> Minimum:
        """The minimum of a loss.

        Where there are variables in what the loss closes over, the minimum has its derivative, as
        with `gradx.minimize`; ``params`` is a constant.

        Args:
            loss: ``loss(params)``, with one real number as its result.
            params: where to begin, a value of any type with a gradient.

        Returns:
            The minimum; its ``params`` are like those given.

        Raises:
            NonScalarError: the result is not one real number.
            NotDifferentiableError: the parameters have no numbers, or complex ones.
            MethodError: the loss, its gradient or a parameter is not finite to begin with.
        """
        flat = begin(value(params), "gx.optim.lbfgs")
        plain = plain_of(loss)
        x, found = _Search(self, flat, plain).done()
        if plain is loss:
            return found
        gradient: Callable[..., Any] = grad(loss)
        y = optimum_at(x, lambda v: ravel(gradient(flat.whole(v)))[0], None, flat, "gx.optim.lbfgs")
        whole = flat.whole(y)
        kept = {**vars(found), "params": whole}
        return Minimum(**kept | {"value": valued(gnp.sum(loss(whole)), found.value)})


class _Search:
    """One run: where it is, and what it remembers."""

    def __init__(self, method: lbfgs, flat: Flat, loss: Callable[[Any], Any]) -> None:
        self.method, self.flat = method, flat
        self.function = flat.with_gradient(loss, ())
        self.pairs: deque[tuple[Array, Array, float]] = deque(maxlen=method.memory)
        self.search = WolfeSearch(rounding=50 * max(map(_rounding, flat.known.parts)))
        self.calls = 0
        self.endless = False

    def at(self, x: Array) -> tuple[float, Array]:
        """The loss and its gradient."""
        self.calls += 1
        value, gradient = self.function(x)
        return float(value), gradient

    def done(self) -> tuple[Array, Minimum]:
        """Where it ends."""
        method, x = self.method, self.flat.start
        value, gradient = self.at(x)
        refuse_start(value, gradient, "the loss", "gx.optim.lbfgs")
        steps, message = 0, ""
        while (slope := _largest(gradient)) > method.tolerance:
            if steps == method.max_steps:
                message = f"max_steps={steps} steps were done; allow more, or begin nearer"
                break
            after = self.stepped(x, value, gradient)
            if after is None and self.pairs:
                self.pairs.clear()  # what is remembered misleads: along the gradient once more
                after = self.stepped(x, value, gradient)
            if after is None:
                message = (
                    "no step along the gradient makes the loss smaller by more than rounding; a "
                    "tolerance below that of the loss, or a loss that is not smooth, ends like this"
                )
                break
            x, value, gradient = after
            steps += 1
            if self.endless:
                message = "the loss falls on and on along a direction; it may have no minimum"
                slope = _largest(gradient)
                break
        found = Minimum(
            params=self.flat.whole(x),
            value=value,
            steps=steps,
            converged=not message,
            message=message or f"no number of the gradient is larger than {method.tolerance:g}",
            slope=slope,
            calls=self.calls,
        )
        return x, found

    def stepped(self, x: Array, value: float, gradient: Array) -> tuple[Array, float, Array] | None:
        """The next point, its loss and gradient; None where there is none."""
        direction = -self.product(gradient)
        slope = float(gradient @ direction)
        if not slope < 0:
            return None

        def function(step: float) -> Point:
            y = x + step * direction
            found, g = self.at(y)
            return Point(step, found, float(g @ direction), (y, g))

        first = 1.0 if self.pairs else min(1.0, 1 / float(np.abs(gradient).sum()))
        end = self.search(function, Point(0.0, value, slope, None), first)
        if end is None:
            return None
        self.endless = end.step > 1e6 and end.slope < self.search.c2 * slope
        new, g = end.more
        s, y = new - x, g - gradient
        curvature = float(s @ y)
        if curvature > 1e-12 * float(np.linalg.norm(s) * np.linalg.norm(y)):
            self.pairs.append((s, y, curvature))
        return new, end.value, g

    def product(self, gradient: Array) -> Array:
        """The inverse Hessian, as far as it is remembered, times the gradient: algorithm 7.4."""
        q = gradient.copy()
        shares = []
        for s, y, curvature in reversed(self.pairs):
            share = float(s @ q) / curvature
            shares.append(share)
            q -= share * y
        if self.pairs:
            _, y, curvature = self.pairs[-1]
            q *= curvature / float(y @ y)
        for (s, y, curvature), share in zip(self.pairs, reversed(shares), strict=True):
            q += (share - float(y @ q) / curvature) * s
        return q


def _largest(gradient: Array) -> float:
    return float(np.abs(gradient).max())


def _rounding(part: Part) -> float:
    """The rounding of a leaf; Python's numbers are doubles."""
    dtype = part.spec.dtype
    return float(np.finfo(dtype if isinstance(dtype, np.dtype) else float).eps)
