"""Runners of forward mode: products with Jacobians, and linear approximations."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from gradx.core.check_cotangents import fitted, matched
from gradx.core.dispatch import Lifted
from gradx.core.notes import NOTED, below
from gradx.core.watch import WATCH
from gradx.devices.placement import PLACES
from gradx.forward.direct import install
from gradx.forward.run import ForwardRun
from gradx.forward.transposition import transposable
from gradx.ops.helpers import conj
from gradx.reverse.gradients import read_together, settle
from gradx.reverse.lift import Lifting
from gradx.reverse.results import join, own_leaves
from gradx.reverse.run import EXTRA, executed, explained, names_of, pair
from gradx.values.operations import leaves_of

__all__ = ["ForwardExecution", "jvp", "linearize", "tangent_like"]

install()


_NOTHING: Mapping[str, Any] = MappingProxyType({})


class ForwardExecution:
    """One finished forward run.

    Args:
        call: the function.
        inputs: its inputs.
        tangents: the tangents of their leaves, in order.
        names: how the inputs are called in messages.
        has_aux: the function returns a pair, and only its first part is differentiated.
        beside: arrays that the function gets beside its inputs, by their names in messages.
        run: the run, if it carries something else than tangents: that stands for them here.

    Attributes:
        value: the result with plain leaves, or variables of outer runs.
        aux: the second part of the result, with ``has_aux``.
        tangents: the tangents of the leaves of the result; None for zero.
    """

    __slots__ = ("aux", "tangents", "value")

    def __init__(
        self,
        call: Callable[..., Any],
        inputs: Sequence[Any],
        tangents: Sequence[Any],
        names: Sequence[str],
        has_aux: bool = False,
        beside: Mapping[str, Any] = _NOTHING,
        run: ForwardRun | None = None,
    ) -> None:
        run = _run_that_is_watched() if run is None else run
        run.inputs = [*inputs, *beside.values()], [*names, *beside]
        rest = iter(tangents)

        def leaf(x: Any, spec: Any) -> Any:
            if isinstance(x, Lifted):
                kept = x._frozen()
                if kept is not x:
                    run.kept.append((kept, x))
                x = kept
            elif not spec.numeric:
                x = join(x, f"a {type(x).__name__} in the input")
            return run.wrap(x, None, next(rest))

        lifting = Lifting(leaf)
        try:
            lifted = lifting.lift(inputs, names)
            try:
                result = call(*lifted)
                if has_aux:
                    result, extra = pair(result)
                    self.aux = own_leaves(join(extra, EXTRA, run), run, [], EXTRA)
                result = join(result, "the result", run)
                found: list[Any] = []
                self.value = own_leaves(result, run, found)
                self.tangents = [None if v is None else v._node for v in found]
            except Exception:
                lifting.check_aliases()
                raise
            lifting.check_aliases()
        except NOTED as error:
            other = explained(error, below(error))
            if other is None:
                raise
            raise other from error
        finally:
            run.close()


def _run_that_is_watched() -> ForwardRun:
    """A forward run: that of a block of `gx.debug`, or a plain one."""
    watch = WATCH.get()
    return (None if watch is None else watch.forward()) or ForwardRun()


def tangent_like(y: Any, parts: list[Any]) -> Any:
    """The tangent of a value from those of its leaves: of its type, in memory of its own."""
    t = settle(y, [None if t is None else conj(t) for t in parts][::-1], "the tangent")
    return read_together([t])[0] if PLACES else t


def _leaves_of_tangents(xs: Sequence[Any], ts: Sequence[Any], names: Sequence[str]) -> list[Any]:
    """The leaves of tangents, each checked against its input.

    Raises:
        CotangentError: a tangent is not of its input's structure.
        TypeError: there are more or fewer tangents than inputs.
    """
    if len(xs) != len(ts):
        raise TypeError(f"{len(ts)} tangents were given for {len(xs)} inputs; give one for each")
    found: list[Any] = []
    for x, t, name in zip(xs, ts, names, strict=True):
        found += leaves_of(matched(x, t, f"the tangent of {name}", "input", fitted))
    return found


def jvp(
    f: Callable[..., Any],
    primals: Sequence[Any],
    tangents: Sequence[Any],
    *,
    has_aux: bool = False,
) -> Any:
    """The result of a function and its derivative along tangents, in one forward run.

    The cost is that of two to three calls of the function, however many outputs it has. Source of
    the maths: A. Griewank and A. Walther, "Evaluating Derivatives" (2008), section 3.1.

    Args:
        f: the function; its inputs arrive as variables, and any value may come out.
        primals: a tuple of the inputs, of any types.
        tangents: a tuple of as many directions, each of its input's type.
        has_aux: ``f`` returns a pair, and only its first part is differentiated.

    Returns:
        The result and its tangent, of the result's type: the product of the Jacobian with the
        tangents. Of complex numbers it is the derivative along the direction, real-linear. With
        ``has_aux`` the second part of the pair comes third.

    Raises:
        CotangentError: a tangent is not of its input's structure; the message has the paths.
        NotDifferentiableError: an input is an integer array; or the pullback of a user's op is not
            linear, and the op has no forward rule.

    >>> jvp(lambda x, y: x * y, (3.0, 4.0), (1.0, 0.0))
    (12.0, 4.0)
    """
    for given, name in ((primals, "inputs"), (tangents, "tangents")):
        if type(given) not in (tuple, list):
            raise TypeError(
                f"jvp takes the {name} as a tuple, and was given a {type(given).__name__}; write "
                "gx.jvp(f, (x,), (t,))"
            )
    names = names_of(len(primals))
    leaves = _leaves_of_tangents(primals, tangents, names)
    run = ForwardExecution(f, primals, leaves, names, has_aux)
    pair = run.value, tangent_like(run.value, run.tangents)
    return (*pair, run.aux) if has_aux else pair


def linearize(f: Callable[..., Any], *xs: Any, has_aux: bool = False) -> Any:
    """The result of a function and its derivative, a linear function of tangents.

    The function is called once. Its pullback is recorded as a linear function, of which the
    derivative is the transpose.

    Args:
        f: the function.
        xs: the inputs, of any types.
        has_aux: ``f`` returns a pair, and only its first part is differentiated.

    Returns:
        The result, and a function from a tangent for each input to the tangent of the result,
        which may be called any number of times. With ``has_aux`` the second part of the pair comes
        third.

    Raises:
        CotangentError: (the derivative) a tangent is not of its input's structure.
        NotDifferentiableError: the pullback of a user's op is not linear.

    >>> y, derivative = linearize(lambda x: x * x, 3.0)
    >>> y, derivative(1.0), derivative(0.5)
    (9.0, 6.0, 3.0)
    """
    names = names_of(len(xs))
    run = executed(f, xs, names, has_aux)
    y = run.handed_out()
    linear = transposable(run)

    def derivative(*tangents: Any) -> Any:
        leaves = _leaves_of_tangents(xs, tangents, names)
        return tangent_like(y, linear.transpose(leaves, reversed(linear.nodes)))

    return (y, derivative, run.aux) if has_aux else (y, derivative)
