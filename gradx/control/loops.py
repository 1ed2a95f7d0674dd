"""Loops and branches: ordinary Python where values are at hand.

The predicate of a batch has a value for each example; what `cond` and `while_loop` make of it, its
run says (`gradx.core.dispatch.Run.choose`, ``goes_on``, ``advanced``).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from gradx.control.checkpoint import name_of
from gradx.core.dispatch import Lifted
from gradx.errors import LoopError

__all__ = ["cond", "fori_loop", "while_loop"]

S = TypeVar("S")
Y = TypeVar("Y")


def cond(p: Any, yes: Callable[..., Y], no: Callable[..., Y], *xs: Any) -> Y:
    """One of two functions of the same arguments, chosen by a predicate.

    It is ``yes(*xs) if p else no(*xs)``. Under `gradx.vmap` a predicate may differ between the
    examples: then both are called, and each example gets the result of its own.

    Args:
        p: true or false; a variable's value decides.
        yes: called where it is true.
        no: called where it is false.
        xs: the arguments, any values.

    >>> from gradx import grad
    >>> grad(lambda x: cond(x > 0, lambda x: x**2, lambda x: -x, x))(3.0)
    6.0
    """
    if isinstance(p, Lifted):
        return p._run.choose(p, yes, no, xs)  # type: ignore[no-any-return]
    return yes(*xs) if p else no(*xs)


def fori_loop(lo: int, hi: int, body: Callable[[int, S], S], s: S) -> S:
    """A state after a step for each whole number from ``lo`` up to ``hi``, which is left out.

    Args:
        lo: the first number.
        hi: the number after the last one.
        body: ``body(i, s)`` gives the next state.
        s: the first state, any value.

    Raises:
        TypeError: a bound is no whole number.

    >>> fori_loop(1, 4, lambda i, s: s * i, 1.0)
    6.0
    """
    for i in range(lo, hi):
        s = body(i, s)
    return s


def while_loop(
    cond: Callable[[S], Any], body: Callable[[S], S], s: S, max_steps: int | None = None
) -> S:
    """A state after as many steps as a condition holds; differentiable without a bound on them.

    Under `gradx.vmap` the steps go on until the condition holds for no example; an example for
    which it does not keeps its state.

    Args:
        cond: ``cond(s)``, whether to do a step.
        body: ``body(s)`` gives the next state.
        s: the first state, any value.
        max_steps: the most steps that may be done.

    Raises:
        LoopError: the condition holds after ``max_steps`` steps.

    >>> from gradx import grad
    >>> grad(lambda x: while_loop(lambda y: y < 100, lambda y: y * y, x))(3.0)
    17496.0
    """
    steps = 0
    while True:
        p = cond(s)
        lifted = isinstance(p, Lifted)
        if not (p._run.goes_on(p) if lifted else p):
            return s
        if steps == max_steps:
            raise LoopError(
                f"the condition {name_of(cond)} of while_loop still holds after "
                f"max_steps={max_steps} steps; give it more steps, or look why the state does not "
                "come to an end"
            )
        s = p._run.advanced(p, body, s) if lifted else body(s)
        steps += 1
