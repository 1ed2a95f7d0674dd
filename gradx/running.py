"""Running: one execution of a function on variables of its inputs, and what is done with its tape.

It lifts the inputs onto a fresh tape, calls the function, closes the tape, sweeps it from the
output back, and settles the cotangents of the inputs into gradients. The runners (`gradx.gradient`)
are what users call.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from gradx.bvar import BVar, wrap
from gradx.containers import check_differentiable
from gradx.joining import join
from gradx.lifted import call_of_another_library
from gradx.places import PLACES
from gradx.settling import read_together, settle, sweep_placed
from gradx.sweeping import sweep_host
from gradx.tape import InputNode, Tape

__all__ = ["Execution", "run_on"]


class Execution:
    """One finished run: what was lifted, what came out, and the tape between them.

    Of the result it keeps the value and the identity of its node, but not the node: that one
    holds on to all before it, and the sweep frees what it has used.

    Attributes:
        inputs: the plain inputs.
        names: how they are called in messages.
        lifted: a variable for each of them; a static input as it is.
        nodes: those of the tape.
        value: the result, plain, or a variable of an outer run.
        output: the identity of its node; None if it does not depend on the inputs.
    """

    __slots__ = ("inputs", "lifted", "names", "nodes", "output", "tape", "value")
    value: Any
    output: int | None

    def __init__(
        self, call: Callable[..., Any], inputs: Sequence[Any], names: Sequence[str]
    ) -> None:
        self.inputs, self.names = inputs, names
        self.tape = tape = Tape()
        self.lifted: list[Any] = []
        lifted = self.lifted
        try:
            for x, name in zip(inputs, names, strict=True):
                lifted.append(_lift(tape, x, name))
            result = join(call(*lifted))
        except TypeError as error:
            foreign = call_of_another_library(error) if PLACES else None
            if foreign is None:
                raise
            raise foreign from error
        finally:
            self.nodes = tape.close()
        if isinstance(result, BVar) and result._run is tape:
            self.value, self.output = result._value, id(result._node)
        else:
            self.value, self.output = result, None

    def own(self, x: Any) -> Any:
        """The value of a variable of this run; one of an outer run stays a variable."""
        return x._value if isinstance(x, BVar) and x._run is self.tape else x

    def cotangents(self, nodes: Iterable[Any], seed: Any) -> list[Any]:
        """The cotangents of the inputs from one of the result; None for zero."""
        swept = sweep_placed if self.tape.placed else sweep_host
        known = {} if self.output is None else swept(nodes, self.output, seed)
        tape, out = self.tape, []
        for v in self.lifted:
            mine = isinstance(v, BVar) and v._run is tape
            out.append(known.pop(id(v._node), None) if mine else None)
        return out

    def gradients(self, nodes: Iterable[Any], seed: Any) -> list[Any]:
        """The gradients of the inputs from a cotangent of the result."""
        cotangents = self.cotangents(nodes, seed)
        del seed
        cotangents.reverse()  # so that each is let go of before it is settled
        out = []
        for x, name in zip(self.inputs, self.names, strict=True):
            out.append(settle(x, cotangents.pop(), name))
        return read_together(out) if self.tape.placed else out


def _lift(tape: Tape, x: Any, name: str) -> Any:
    """A variable of an input; a static input goes in as it is."""
    check_differentiable(x, name)
    return wrap(tape, InputNode(), x, lambda: name)


_NAMES = tuple(f"argument {i}" for i in range(16))


def names_of(count: int) -> Sequence[str]:
    """How so many positional arguments are called in messages."""
    return _NAMES[:count] if count <= 16 else [f"argument {i}" for i in range(count)]


def run_on(f: Callable[..., Any], args: Sequence[Any], named: Mapping[str, Any]) -> Execution:
    """The run of a function on variables of its arguments."""
    if not named:
        if not args:
            raise TypeError("there is nothing to differentiate; pass the inputs after the function")
        return Execution(f, args, names_of(len(args)))
    n, keys = len(args), list(named)

    def call(*vs: Any) -> Any:
        return f(*vs[:n], **dict(zip(keys, vs[n:], strict=True)))

    return Execution(call, [*args, *named.values()], [*names_of(n), *keys])
