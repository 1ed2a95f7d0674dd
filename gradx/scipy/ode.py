"""Initial value problems: SciPy's integrators, and the derivative through their steps.

SciPy's own integrator gives the values. Where a variable is among the initial state, the arguments
or what the right-hand side closes over, the steps that it accepted are done again on variables.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import scipy.integrate
from scipy.integrate import BDF, DOP853, LSODA, RK23, RK45, Radau

from gradx import numpy as gnp
from gradx.core.asking import of_numbers
from gradx.core.dispatch import apply
from gradx.core.plain import value
from gradx.core.spec import shape_of, spec_of
from gradx.errors import NotDifferentiableError, NotLiftedError
from gradx.numpy.arguments import is_lifted, operand, refuse_on_device
from gradx.ops import shaping
from gradx.scipy.lifting import depends
from gradx.scipy.runge_kutta import EXPLICIT, Step, explicit_steps, radau_steps

__all__ = ["odeint", "solve_ivp"]

Array = np.ndarray[Any, Any]
_METHODS = (RK23, RK45, DOP853, Radau, BDF, LSODA)
_solve_ivp: Any = scipy.integrate.solve_ivp
_OF_EVENTS = ("terminal", "direction")


class _Function:
    """A user's function of time and state, with its arguments; on plain values and on variables."""

    def __init__(self, function: Callable[..., Any], args: Sequence[Any], tfirst: bool) -> None:
        self._function, self.args = function, args
        self._plain_args = [value(x) for x in args]  # each by itself, of whatever type
        self._tfirst = tfirst
        self.meets_variables = depends(args)

    def plain(self, t: Any, y: Any) -> Any:
        """The result on plain values; notes whether there is a variable in it."""
        first = (t, y) if self._tfirst else (y, t)
        result = self._function(*first, *self._plain_args)
        if type(result) is not np.ndarray or result.dtype == object:
            self.meets_variables = self.meets_variables or depends(result)
            result = value(result)
        return result

    def in_order(self, *first: Any) -> Any:
        """The plain result for the time and the state in the user's order."""
        return self.plain(*(first if self._tfirst else first[::-1]))

    def slope(self, t: Any, y: Any) -> Array:
        """The plain result as an array of the shape of the state."""
        return np.broadcast_to(np.asarray(self.plain(t, y)), np.shape(y))

    def lifted(self, t: Any, y: Any) -> Any:
        """The result on variables, as an array of the shape of the state."""
        first = (t, y) if self._tfirst else (y, t)
        result = operand(self._function(*first, *self.args))
        shape = shape_of(y)
        return result if shape_of(result) == shape else gnp.broadcast_to(result, shape)

    def number(self, t: Any, y: Any) -> Any:
        """The result on variables as one number."""
        return gnp.reshape(operand(self._function(t, y, *self.args)), ())[()]

    @property
    def event(self) -> Callable[..., Any]:
        """The plain function with what the user's function says of an event."""

        def event(t: Any, y: Any) -> Any:
            return self.plain(t, y)

        vars(event).update(
            {
                name: getattr(self._function, name)
                for name in _OF_EVENTS
                if hasattr(self._function, name)
            }
        )
        return event


def _plain_time(name: str, *times: Any) -> None:
    """Refuse variables of time.

    Raises:
        NotDifferentiableError: there is one.
    """
    if any(map(depends, times)):
        raise NotDifferentiableError(
            f"{name} has no derivative with respect to its times; scale the time in the right-hand "
            "side instead, d y / d s = T f(s T, y) for s between 0 and 1, or pass gx.value(t)"
        )


def _start(y0: Any) -> Any:
    """The initial state in the precision in which SciPy computes."""
    y = operand(y0)
    dtype = complex if np.dtype(spec_of(y).dtype).kind == "c" else float
    y = gnp.reshape(y, (1,)) if shape_of(y) == () else y
    return y.astype(dtype) if np.dtype(spec_of(y).dtype) != dtype else y


def _replayed(function: _Function, method: Any, own: Any, y: Any) -> list[Step]:
    """The steps of SciPy's solution on variables.

    Args:
        function: the right-hand side.
        method: the class of the integrator.
        own: SciPy's solution by that method: dense, or with its states at the ends of the steps.
        y: the initial state.
    """
    mesh = own.t
    if own.sol is not None:
        parts = own.sol.interpolants
        mesh = np.array([parts[0].t_old, *[part.t for part in parts]])
    if method in EXPLICIT:
        return explicit_steps(method, function.lifted, mesh, y)
    return radau_steps(function.lifted, function.slope, own.sol, mesh, y)


_MOST_CALLS = 8000
"""An explicit method that calls more often meets a stiff equation."""
_FINEST, _COARSEST = 1e-12, 1e-7


def _stand_in(
    function: _Function, span: Any, y: Any, options: dict[str, Any], stiff: bool = False
) -> tuple[Any, Any]:
    """A method of one step in place of one of several, and its solution.

    DOP853 with tolerances a hundredth of those, and 1e-7 at most, since they are on the state and
    not on its derivative; Radau's method, with the same ones, where that would take too many steps.
    """
    finer = {name: np.clip(np.multiply(x, 0.01), _FINEST, _COARSEST) for name, x in options.items()}
    solver = DOP853(function.slope, span[0], y, span[1], **finer)
    while not stiff and solver.status == "running" and solver.nfev < _MOST_CALLS:
        solver.step()
    method, kept = (DOP853, finer) if solver.status == "finished" else (Radau, options)
    own = _solve_ivp(function.slope, span, y, method, dense_output=True, **kept)
    return method, own


def _states(steps: Sequence[Step], times: Array) -> Any:
    """The states at times in the order of the steps, shape (r, n)."""
    if not len(times):
        return np.zeros((0, *shape_of(steps[0].before)))
    direction = -1.0 if steps[-1].size < 0 else 1.0
    ends = np.array([step.end for step in steps])
    which = np.searchsorted(direction * ends, direction * times)
    which = np.minimum(which, len(steps) - 1)
    parts = [steps[k].at(times[which == k]) for k in np.unique(which)]
    return gnp.concatenate(parts) if len(parts) > 1 else parts[0]


def _valued(y: Any, own: Array) -> Any:
    """A result with the value that SciPy's own function has."""
    return apply(shaping.computed, (y, own))


# --- odeint ---------------------------------------------------------------------------------------


@of_numbers
def odeint(
    func: Callable[..., Any],
    y0: Any,
    t: Any,
    args: Any = (),
    Dfun: Callable[..., Any] | None = None,
    col_deriv: int = 0,
    full_output: int = 0,
    *rest: Any,
    **options: Any,
) -> Any:
    """As `scipy.integrate.odeint`.

    The derivative is by the initial state, by ``args`` of any types, and by what ``func`` closes
    over. It is that of another method at these tolerances: of DOP853, or of Radau's where the
    equation is stiff.

    Raises:
        NotDifferentiableError: ``t`` has a variable in it.
    """
    _plain_time("odeint", t)
    refuse_on_device("scipy.integrate.odeint", y0, *(args if isinstance(args, tuple) else (args,)))
    tfirst = bool(options.get("tfirst", False))
    args = args if isinstance(args, tuple) else (args,)
    function = _Function(func, args, tfirst)
    # odeint sorts the arguments out itself, so it gets a function of two.
    given = None if Dfun is None else _Function(Dfun, args, tfirst).in_order
    start = _start(y0)
    known = value(start)
    own = scipy.integrate.odeint(
        function.in_order, known, t, (), given, col_deriv, full_output, *rest, **options
    )
    if not (function.meets_variables or depends(start)):
        return own
    y = own[0] if full_output else own
    tolerances = {name: options.get(name) or 1.49012e-8 for name in ("rtol", "atol")}
    times = np.asarray(t, float)
    method, mesh = _stand_in(function, (times[0], times[-1]), known, tolerances)
    steps = _replayed(function, method, mesh, start)
    result = _valued(_states(steps, times), y)
    return (result, own[1]) if full_output else result


# --- solve_ivp ------------------------------------------------------------------------------------


@of_numbers
def solve_ivp(
    fun: Callable[..., Any],
    t_span: Any,
    y0: Any,
    method: Any = "RK45",
    t_eval: Any = None,
    dense_output: bool = False,
    events: Any = None,
    vectorized: bool = False,
    args: Any = None,
    **options: Any,
) -> Any:
    """As `scipy.integrate.solve_ivp`.

    The derivative is by the initial state, by ``args`` of any types, and by what ``fun`` and the
    events close over. For RK23, RK45, DOP853 and Radau it is that of the steps that SciPy accepted,
    whose sizes are constants. For BDF it is that of Radau's method with the same tolerances, for
    LSODA of DOP853 or, where the equation is stiff, of Radau's method. The times of events, and the
    states there, have the derivative of the event too.

    Raises:
        NotDifferentiableError: the times have a variable in them, or an event only touches zero.
        NotLiftedError: a method of another class, or BDF on complex states.
    """
    _plain_time("solve_ivp", t_span, t_eval)
    refuse_on_device("scipy.integrate.solve_ivp", y0, *(args or ()))
    function = _Function(fun, [*args] if args is not None else (), True)
    watched = _events(events, function.args)
    if callable(options.get("jac")):
        options["jac"] = _Function(options["jac"], function.args, True).plain
    start = _start(y0)
    known = value(start) if is_lifted(start) else y0
    given = {"vectorized": vectorized, "events": [each.event for each in watched] or None}
    solve = functools.partial(
        _solve_ivp, function.plain, t_span, known, method, t_eval, **given, **options
    )
    own = solve(dense_output=dense_output)
    every = [function, *watched]
    if not (depends(start) or any(each.meets_variables for each in every)):
        return own
    kind, mesh, at_ends = _kind_of(method), own, t_eval is None and own.status == 0
    if kind is BDF and np.dtype(spec_of(start).dtype).kind == "c":
        raise NotLiftedError(
            "solve_ivp by BDF of complex states has no derivative in gradx; use RK45 or DOP853"
        )
    if kind in (BDF, LSODA):
        tolerances = {"rtol": options.get("rtol", 1e-3), "atol": options.get("atol", 1e-6)}
        span, y = (t_span[0], _last_time(own, t_span)), np.asarray(value(start))
        kind, mesh = _stand_in(function, span, y, tolerances, stiff=kind is BDF)
    elif own.sol is None and not (kind in EXPLICIT and at_ends):
        mesh = solve(dense_output=True)
    steps = _replayed(function, kind, mesh, start)
    return _on_variables(own, steps, watched, at_ends and kind is _kind_of(method))


def _kind_of(method: Any) -> Any:
    """SciPy's class of a method.

    Raises:
        NotLiftedError: a class of somebody else.
    """
    for kind in _METHODS:
        if method in (kind, kind.__name__):
            return kind
    raise NotLiftedError(
        f"solve_ivp by {method!r} has no derivative in gradx; use one of "
        f"{', '.join(kind.__name__ for kind in _METHODS)}"
    )


def _events(events: Any, args: Sequence[Any]) -> list[_Function]:
    if events is None:
        return []
    return [_Function(e, args, True) for e in (events if np.iterable(events) else [events])]


def _last_time(own: Any, t_span: Any) -> float:
    """The time at which a solution ends: that of a terminal event, or that which was asked for."""
    if own.status != 1:
        return float(own.t[-1] if own.status < 0 else t_span[1])
    direction = 1.0 if t_span[1] > t_span[0] else -1.0
    return float(direction * max(direction * t for times in own.t_events for t in times))


def _on_variables(own: Any, steps: list[Step], watched: Sequence[_Function], at_ends: bool) -> Any:
    """SciPy's result with variables in it.

    Args:
        own: SciPy's result, which is changed.
        steps: its steps, on variables.
        watched: the events.
        at_ends: its states are those at the ends of the steps.
    """
    t, y = own.t, own.y
    if at_ends and len(t) == len(steps) + 1:
        rows = [steps[0].before, *[step.after for step in steps]]
    else:
        rows = _states(steps, t)
    found = [_occurrences(steps, *each) for each in zip(watched, own.t_events or (), strict=True)]
    for k, (times, states) in enumerate(found):
        if not len(times):
            continue
        own.t_events[k] = _valued(gnp.stack(times), own.t_events[k])
        own.y_events[k] = _valued(gnp.stack(states), own.y_events[k])
        last = float(value(times[-1]))
        if own.status == 1 and abs(last - t[-1]) <= 1e-12 * max(1.0, abs(last)):
            rows = [*[rows[i] for i in range(len(t) - 1)], states[-1]]
            own.t = _valued(gnp.concatenate([t[:-1], gnp.reshape(times[-1], (1,))]), t)
    whole = rows if is_lifted(rows) else gnp.stack(rows)
    own.y = _valued(gnp.transpose(whole), y)
    if own.sol is not None:
        own.sol = _Dense(own.sol, steps)
    return own


class _Dense:
    """The dense solution, on variables: a function of time."""

    def __init__(self, own: Any, steps: list[Step]) -> None:
        self._own, self._steps = own, steps

    def __getattr__(self, name: str) -> Any:
        return getattr(self._own, name)

    def __call__(self, t: Any) -> Any:
        _plain_time("the solution", t)
        own = self._own(t)
        times = np.asarray(t, float)
        order = np.argsort(times.ravel() * np.sign(self._steps[-1].size), kind="stable")
        rows = _states(self._steps, times.ravel()[order])[np.argsort(order)]
        return _valued(rows[0] if times.ndim == 0 else gnp.transpose(rows), own)


def _occurrences(steps: Sequence[Step], watched: _Function, times: Any) -> tuple[Any, Any]:
    """The times of an event and the states there, on variables.

    The time is where the event, as a function of time along the solution, is zero. Two of Newton's
    iterations from the time itself, with the plain slope, have its first two derivatives.

    Raises:
        NotDifferentiableError: the event touches zero and does not cross it.
    """
    ends, direction = np.array([step.end for step in steps]), np.sign(steps[-1].size)
    found, states = [], []
    for time in np.asarray(times).tolist():
        k = min(int(np.searchsorted(direction * ends, direction * time)), len(steps) - 1)
        step = steps[k]

        def along(t: Any, step: Step = step) -> Any:
            y = step.at(np.array([t]))[0]
            return watched.plain(t, value(y))

        slope, wide = (
            float((along(time + gap) - along(time - gap)) / (2 * gap))
            for gap in (1e-6 * step.size, 1e-3 * step.size)
        )
        if not abs(slope) > 0.01 * abs(wide):
            raise NotDifferentiableError(
                f"the event at t = {time} touches zero without crossing it, so its time has no "
                "derivative; pass gx.value of what the event depends on, or leave the event out"
            )
        t: Any = time
        for _ in range(3):
            y = step.at(t) if is_lifted(t) else step.at(np.array([t]))[0]
            t = time + (t - time) - watched.number(t, y) / slope
        found.append(t if is_lifted(t) else np.float64(t))
        states.append(step.at(t) if is_lifted(t) else step.at(np.array([t]))[0])
    return found, states
