"""Checkpointing: what a function computes is computed again in the sweep, and not kept."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import ParamSpec, TypeVar

from gradx.control.finding import variables_behind
from gradx.core.op import Op
from gradx.reverse.blocks import run_block

__all__ = ["checkpoint", "name_of"]

P = ParamSpec("P")
Y = TypeVar("Y")


def name_of(f: object) -> str:
    """What a function is called in messages."""
    return str(getattr(f, "__name__", type(f).__name__))


def checkpoint(f: Callable[P, Y]) -> Callable[P, Y]:
    """A function that keeps its arguments and results alone, and is done again in the sweep.

    It gives the values and the gradients of ``f``, to the bit, at the price of a second forward
    pass through it. Of memory it takes what ``f`` takes for as long as that runs, once in each
    pass. Variables that ``f`` reads from outside (through its closure, defaults, bound object or
    globals) are found and count as inputs. Checkpointed functions may call one another, and have
    derivatives of any order. In forward mode nothing is kept anyway, and ``f`` is just called.

    Args:
        f: the function; any values go in and come out. It may write into arrays that are its
            arguments, or its own.

    Returns:
        A function of the same arguments.

    Raises:
        AliasError: (the function) ``f`` writes into an array from outside that is no argument.
        RecomputeError: (in the sweep) the result was not the same to the bit when ``f`` was done
            again, as with random numbers drawn in it, or state that it changes.

    >>> import numpy as np
    >>> from gradx import grad
    >>> def loss(w, x):
    ...     for _ in range(3):
    ...         x = checkpoint(lambda x: np.tanh(w * x))(x)
    ...     return np.sum(x)
    >>> round(grad(loss)(2.0, np.array([0.5, 1.0])), 6)
    0.226127

    Source: Griewank, Walther, "Evaluating Derivatives", 2nd edition, chapter 12.
    """
    op = Op(f"checkpoint({name_of(f)})", f, pullback_form=True, arity=-1)

    @functools.wraps(f)
    def checkpointed(*args: P.args, **kwargs: P.kwargs) -> Y:
        return run_block(f, args, kwargs, variables_behind(f), op)  # type: ignore[no-any-return]

    return checkpointed
