"""Custom rules: functions with derivatives of the user's own."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from gradx.control.checkpoint import name_of
from gradx.control.comparing import Rules, compare_rules
from gradx.control.transposing import pair_of, transposed_rule
from gradx.core.dispatch import apply
from gradx.core.hidden import look_through
from gradx.core.op import Op
from gradx.errors import CotangentError, OpError
from gradx.reverse.opaque import join
from gradx.values.operations import zero

__all__ = ["Custom", "custom_jvp", "custom_vjp"]


_RESULTS = "(result, tangent)"


class Custom:
    """A function with a reverse rule, a forward rule, or both, in the place of its derivative.

    Reverse mode takes the reverse rule, or transposes the forward one; forward mode takes the
    forward rule, or transposes the reverse one.
    """

    def __init__(self, f: Callable[..., Any], nondiff_argnums: Sequence[int] = ()) -> None:
        functools.update_wrapper(self, f)
        self._f, self._static = f, tuple(nondiff_argnums)
        self._reverse: tuple[Callable[..., Any], Callable[..., Any]] | None = None
        self._forward: Callable[..., Any] | None = None
        self._name = name_of(f)

    def __repr__(self) -> str:
        return f"Custom({self._name})"

    def defvjp(self, fwd: Callable[..., Any], bwd: Callable[..., Any]) -> Custom:
        """Give the function a reverse rule.

        Args:
            fwd: ``fwd(*args) -> (y, residuals)``, the result as the function computes it, and
                whatever the other one needs.
            bwd: ``bwd(*static, residuals, g)``, where ``static`` are the arguments of
                ``nondiff_argnums`` and ``g`` the cotangent of the result, gives a tuple with the
                cotangent of each other argument, plain transposes; None stands for zero. Written
                with functions that are differentiated, it has derivatives in its turn.

        Returns:
            The function.
        """
        self._reverse = fwd, bwd
        return self

    def defjvp(self, rule: Callable[..., Any]) -> Custom:
        """Give the function a forward rule; it may stand as a decorator over it.

        Args:
            rule: ``rule(*static, primals, tangents) -> (y, tangent)``, the result as the function
                computes it, and its tangent, which is linear in ``tangents``; both are tuples. The
                arrays in ``tangents`` are read-only.

        Returns:
            The function.
        """
        self._forward = rule
        return self

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """The function; its derivative is that of its rules."""
        if self._reverse is None and self._forward is None:
            raise OpError(
                f"{self._name} was made for a derivative of its own and has none yet; give it one "
                "with defvjp(fwd, bwd) or defjvp(rule)"
            )
        args = self._positional(args, kwargs)
        found: list[Any] = []
        root = f"an argument of {self._name}"
        xs = [join(x, root, found=found) for x in args]
        if not found:
            return self._f(*args)
        op, operands = self._op(xs)
        return apply(op, operands, among=found)

    def check(self, *args: Any, tolerance: float = 1e-6, seed: int = 0) -> None:
        """Check the rules against each other and against central differences, at some inputs.

        Args:
            args: the arguments.
            tolerance: the largest difference, relative to the largest number beside it.
            seed: of the random directions.

        Raises:
            RuleMismatchError: a rule is wrong; the message says which, and has the path.
        """
        args = self._positional(args, {})
        op, xs = self._op(args)
        rules = Rules(self._name, lambda *xs: self._f(*self._whole(args, xs)), xs)
        if self._reverse is not None:
            y, pullback = op.run_with(*xs)
            rules.results["the forward part"] = y
            rules.reverse = lambda g: _tuple(pullback(g), xs)
        if op.jvp is not None:
            rule = op.jvp
            rules.results["the forward rule"] = rule(tuple(xs), tuple(map(zero, xs)))[0]
            rules.forward = lambda ts: pair_of(rule(tuple(xs), ts), self._rule, _RESULTS)
            rules.transposed = lambda y, g: transposed_rule(rule, xs, y, g, self._rule)
        compare_rules(rules, tolerance, np.random.default_rng(seed))

    @property
    def _rule(self) -> str:
        return f"the rule of {self._name}"

    def _positional(self, args: Sequence[Any], kwargs: dict[str, Any]) -> tuple[Any, ...]:
        """All arguments by position, those with default values too."""
        if not kwargs and self._static == ():
            return tuple(args)
        bound = inspect.signature(self._f).bind(*args, **kwargs)
        bound.apply_defaults()
        if bound.kwargs:
            raise TypeError(
                f"{self._name} takes {', '.join(bound.kwargs)} by keyword only, and its rules take "
                "arguments by position; make it an ordinary parameter"
            )
        return bound.args

    def _whole(self, args: Sequence[Any], operands: Sequence[Any]) -> list[Any]:
        """The arguments with others for those that are differentiated."""
        rest = iter(operands)
        static = {k % len(args) for k in self._static}
        return [x if i in static else next(rest) for i, x in enumerate(args)]

    def _op(self, args: Sequence[Any]) -> tuple[Op, list[Any]]:
        """The op for some static arguments, and its operands.

        Raises:
            OpError: a static argument holds a variable.
        """
        static = [k % len(args) for k in self._static]
        for k in static:
            if look_through(args[k], f"argument {k} of {self._name}")[0] is not None:
                raise OpError(
                    f"argument {k} of {self._name} is in nondiff_argnums and was given a variable, "
                    f"whose gradient would be lost; take {k} out of nondiff_argnums, or pass "
                    "gx.value(v)"
                )
        fixed = [args[k] for k in static]
        operands = [x for i, x in enumerate(args) if i not in static]
        rule = None if self._forward is None else functools.partial(self._forward, *fixed)

        def by_reverse_rule(*xs: Any) -> tuple[Any, Callable[[Any], Any]]:
            assert self._reverse is not None  # else the other one is taken
            fwd, bwd = self._reverse
            name = f"the forward part of {self._name}"
            y, residuals = pair_of(fwd(*self._whole(args, xs)), name, "(result, residuals)")
            return y, lambda g: self._filled(bwd(*fixed, residuals, g), xs)

        def by_forward_rule(*xs: Any) -> tuple[Any, Callable[[Any], Any]]:
            known = rule
            assert known is not None
            y = self._f(*self._whole(args, xs))
            return y, lambda g: _unwrapped(transposed_rule(known, xs, y, g, self._rule))

        forward = by_forward_rule if self._reverse is None else by_reverse_rule
        op = Op(self._name, forward, pullback_form=True, arity=len(operands), jvp=rule)
        return op, operands

    def _filled(self, given: Any, xs: Sequence[Any]) -> Any:
        """The cotangents that a reverse rule gave, with zeros for None."""
        if type(given) not in (tuple, list) or len(given) != len(xs):
            shown = f"{len(given)} cotangents" if type(given) in (tuple, list) else "no tuple"
            raise CotangentError(
                f"the backward part of {self._name} returned {shown} ({type(given).__name__}), and "
                f"{len(xs)} arguments are differentiated; return a tuple with one for each, (g,) "
                "for a single one, and None where there is no derivative"
            )
        return _unwrapped([zero(x) if h is None else h for x, h in zip(xs, given, strict=True)])


def _unwrapped(parts: Sequence[Any]) -> Any:
    return parts[0] if len(parts) == 1 else tuple(parts)


def _tuple(parts: Any, xs: Sequence[Any]) -> tuple[Any, ...]:
    return (parts,) if len(xs) == 1 else parts


def custom_vjp(f: Callable[..., Any], nondiff_argnums: Sequence[int] = ()) -> Custom:
    """A function that gets a reverse rule of its own with ``defvjp``.

    Args:
        f: the function, of any values.
        nondiff_argnums: positions of arguments that are not differentiated; they are handed to the
            rules first.

    >>> import numpy as np
    >>> from gradx import grad
    >>> def bwd(x, g):
    ...     return (np.clip(g, -1, 1),)
    >>> clipped = custom_vjp(lambda x: x).defvjp(lambda x: (x, x), bwd)
    >>> grad(lambda x: 100 * clipped(x))(3.0)
    1.0
    """
    return Custom(f, nondiff_argnums)


def custom_jvp(f: Callable[..., Any], nondiff_argnums: Sequence[int] = ()) -> Custom:
    """A function that gets a forward rule of its own with ``defjvp``.

    In reverse mode the rule is transposed: what it does with the tangents is recorded and swept
    backwards. So that must be linear, and an operation that is not raises.

    Args:
        f: the function, of any values.
        nondiff_argnums: positions of arguments that are not differentiated; they are handed to the
            rule first.

    >>> import numpy as np
    >>> from gradx import grad
    >>> @custom_jvp
    ... def log1pexp(x):
    ...     return np.log1p(np.exp(x))
    >>> @log1pexp.defjvp
    ... def rule(primals, tangents):
    ...     (x,), (t,) = primals, tangents
    ...     return log1pexp(x), t / (1 + np.exp(-x))
    >>> grad(log1pexp)(0.0)
    0.5
    """
    return Custom(f, nondiff_argnums)
