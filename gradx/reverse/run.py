"""One run: the execution of a function on variables of its inputs, and the sweep of its tape.

It lifts the inputs onto a fresh tape, calls the function, closes the tape, sweeps it from the
output back, and settles the cotangents of the inputs into gradients. The runners are what users
call (`gradx.reverse.api`).
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Mapping, Sequence
from copy import deepcopy
from itertools import repeat
from types import MappingProxyType, TracebackType
from typing import Any, NoReturn

import numpy as np

from gradx.core.cotangent import merge
from gradx.core.dispatch import Lifted, call_of_another_library
from gradx.core.notes import NOTED, below, note_what_to_write
from gradx.core.spec import primal
from gradx.core.watch import WATCH
from gradx.devices.placement import PLACES, copied
from gradx.errors import AliasError
from gradx.native import native
from gradx.reverse.backward import sweep_host
from gradx.reverse.gradients import read_together, settle, sweep_placed
from gradx.reverse.lift import Lifting
from gradx.reverse.results import join, own_leaves
from gradx.reverse.tape import InputNode, ObjectArrayMetError, Tape
from gradx.reverse.variables import ArrayVar, NumberVar, ScalarVar
from gradx.values.operations import ValueType, leaves_of, map_leaves, one

__all__ = ["EXTRA", "Execution", "executed", "explained", "names_of", "pair", "run_on"]


_NOTHING: Mapping[str, Any] = MappingProxyType({})


class Execution:
    """One finished run: what was lifted, what came out, and the tape between them.

    Of what the function gets it knows the arrays beside its inputs too, by their names in messages,
    since a write into an input must not show there.

    Of the results it keeps the values and the identities of their nodes, but not the nodes: those
    hold on to all before them, and the sweep frees what it has used.

    Attributes:
        inputs: the plain inputs.
        names: how they are called in messages.
        leaves: a node for each leaf of the inputs, in order.
        nodes: those of the tape.
        value: the result with plain leaves, or variables of outer runs.
        aux: the second part of the result, with ``has_aux``, without this run's variables.
        outputs: for each leaf of the result the identity of its node; None if not of this run.
        primals: what the leaves of the result hold that are of this run, in order.
    """

    __slots__ = (
        *("aux", "inputs", "leaves", "names", "nodes", "outputs", "primals", "tape", "value"),
    )
    outputs: Sequence[int | None]

    def __init__(
        self,
        call: Callable[..., Any],
        inputs: Sequence[Any],
        names: Sequence[str],
        has_aux: bool = False,
        beside: Mapping[str, Any] = _NOTHING,
    ) -> None:
        self.inputs, self.names, self.aux = inputs, names, None
        watch = WATCH.get()
        self.tape = tape = (None if watch is None else watch.tape()) or Tape()
        tape.inputs = inputs, names
        if beside:
            tape.inputs = [*inputs, *beside.values()], [*names, *beside]
        self.leaves: list[InputNode] = []
        lifting = Lifting(tape.lifter(self.leaves))
        try:
            try:
                lifted = lifting.lift(inputs, names)
            except ObjectArrayMetError:  # of outer variables, which are joined first
                self.inputs = inputs = list(map(join, inputs, names))
                self.leaves.clear()
                lifting = Lifting(tape.lifter(self.leaves))
                lifted = lifting.lift(inputs, names)
            try:
                result = call(*lifted)
                if has_aux:
                    result, extra = pair(result)
                    extra = join(extra, EXTRA, tape)
                    self.aux = own_leaves(extra, tape, [], EXTRA)
                if (
                    type(result) in _OF_ONE
                    and result._run is tape
                    and type(result._value) in _PLAIN
                ):
                    self.value = y = result._value
                    self.outputs, self.primals = [id(result._node)], [y]
                else:
                    self._take_apart(result)
            except Exception:
                lifting.check_aliases()  # the reason, if there is such a change
                raise
            lifting.check_aliases()
        except NOTED as error:
            other = explained(error, below(error))
            if other is None:
                raise
            raise other from error
        finally:
            self.nodes = tape.close()

    def _take_apart(self, result: Any) -> None:
        tape = self.tape
        found: list[Any] = []
        self.value = own_leaves(join(result, "the result", tape), tape, found)
        self.outputs = [None if v is None else id(v._node) for v in found]
        self.primals = [v._value for v in found if v is not None]

    def handed_out(self) -> Any:
        """The result for a caller who may write into it while the tape is kept: a copy.

        What the run did not compute, such as an input that is returned, is the caller's own.
        """
        if type(self.value) in _NUMBERS:
            return self.value
        own = iter(self.outputs)
        inputs = {id(node) for node in self.leaves}
        done: dict[int, tuple[Any, Any]] = {}

        def leaf(x: Any, spec: ValueType) -> Any:
            output = next(own)
            return x if output is None or output in inputs else _copy_of(x, spec, done)

        return map_leaves(self.value, leaf, "the result", met=functools.partial(_first, done))

    def ones(self) -> list[Any]:
        """The seeds of the gradient: the one of each leaf of the result that is of this run."""
        return list(map(_one, self.primals))

    def seeds(self, g: Any) -> list[Any]:
        """The seeds from a cotangent of the whole result: those of the leaves of this run."""
        leaves = zip(leaves_of(g), self.outputs, strict=True)
        return [h for h, output in leaves if output is not None]

    def cotangents(self, nodes: Iterable[Any], seeds: list[Any]) -> list[Any]:
        """The cotangents of the inputs' leaves from those of the result's; None for zero."""
        done = None if native is None else native.cotangents(self, nodes, seeds)
        if done is not None:
            return done  # type: ignore[no-any-return]
        known: dict[int, Any] = {}
        seeds.reverse()  # so that each is let go of
        for output in filter(None, self.outputs):
            seed = seeds.pop()
            known[output] = merge(known[output], seed) if output in known else seed
            del seed
        if known:
            engine = sweep_placed if self.tape.placed else sweep_host
            known = self.tape.sweep(engine, nodes, known)
        return list(map(known.pop, map(id, self.leaves), repeat(None)))

    def gradients(self, nodes: Iterable[Any], seeds: list[Any]) -> list[Any]:
        """The gradients of the inputs from cotangents of the leaves of the result.

        Raises:
            AliasError: an input has other parts than when the function was called.
        """
        cotangents = self.cotangents(nodes, seeds)
        cotangents.reverse()  # so that each is let go of before it is settled
        try:
            out = list(map(settle, self.inputs, repeat(cotangents), self.names))
        except IndexError:
            _raise_changed()  # they had fewer leaves
        if cotangents:
            _raise_changed()
        return read_together(out) if self.tape.placed else out


def executed(
    call: Callable[..., Any],
    inputs: Sequence[Any],
    names: Sequence[str],
    has_aux: bool = False,
    beside: Mapping[str, Any] = _NOTHING,
) -> Execution:
    """The run of a function on variables of its inputs.

    Args:
        call: the function; it takes the inputs by position.
        inputs: the inputs.
        names: what messages call them.
        has_aux: the function returns a pair, the second part of which is not differentiated.
        beside: other arguments of the user's function, by their names: arrays and variables.
    """
    run = None if native is None or has_aux or beside else native.executed(call, inputs, names)
    return Execution(call, inputs, names, has_aux, beside) if run is None else run


def _raise_changed() -> NoReturn:
    raise AliasError(
        "an input has not the parts that it had when the function was called, and gradients go by "
        "part: the function, or somebody after it, changed the input itself, which it reached by "
        "another name; let it change the argument that it is given, or a copy"
    ) from None


def explained(error: Exception, trace: TracebackType | None) -> Exception | None:
    """Add a note to an error that a function on variables raised, or give the one to raise.

    Args:
        error: the error.
        trace: its traceback, from that function on.
    """
    if PLACES and isinstance(error, TypeError):
        foreign = call_of_another_library(error)
        if foreign is not None:
            return foreign
    note_what_to_write(error, trace)
    return None


def _first(done: dict[int, tuple[Any, Any]], original: Any, copy: Any) -> Any:
    """The first copy of an object, so that one at several places stays one."""
    return done.setdefault(id(original), (original, copy))[1]


def _copy_of(x: Any, spec: ValueType, done: dict[int, tuple[Any, Any]]) -> Any:
    """A copy of a leaf of a result, the same one for each place where it stands."""
    if id(x) in done:
        return done[id(x)][1]
    if isinstance(x, Lifted):
        return _first(done, x, x._frozen())
    if spec.children is not None:
        met = functools.partial(_first, done)
        return map_leaves(x, lambda y, spec: _copy_of(y, spec, done), own=True, met=met)
    return _first(done, x, copied(x) if spec.numeric else deepcopy(x))


_NUMBERS = frozenset({float, np.float64})
"""The types of most results, of which nobody can change one."""
_OF_ONE = frozenset({NumberVar, ScalarVar, ArrayVar})
_PLAIN = frozenset({float, np.float64, np.ndarray})
"""A variable of one of these classes that holds one of these types is a result of one leaf."""


def _one(y: Any) -> Any:
    """The seed of a leaf of a result; whole numbers have one of floats."""
    if type(y) in _NUMBERS:
        return type(y)(1)
    kind = getattr(getattr(y, "dtype", None), "kind", "f")
    return np.ones(y.shape)[()] if kind in "iub" else one(y)


def pair(result: Any) -> tuple[Any, Any]:
    """The result of a function with ``has_aux``, checked to be a pair."""
    if not isinstance(result, tuple) or len(result) != 2:
        raise TypeError(
            f"with has_aux=True the function must return a pair (result, aux), not a "
            f"{type(primal(result)).__name__}"
        )
    return result


EXTRA = "the second part of the result"
_NAMES = tuple(f"argument {i}" for i in range(16))


def names_of(count: int) -> Sequence[str]:
    """The names of so many positional arguments in messages."""
    return _NAMES[:count] if count <= 16 else [f"argument {i}" for i in range(count)]


def run_on(f: Callable[..., Any], args: Sequence[Any], named: Mapping[str, Any]) -> Execution:
    """The run of a function on variables of its arguments."""
    if not named:
        if not args:
            raise TypeError("there is nothing to differentiate; pass the inputs after the function")
        return executed(f, args, names_of(len(args)))
    n, keys = len(args), list(named)

    def call(*vs: Any) -> Any:
        return f(*vs[:n], **dict(zip(keys, vs[n:], strict=True)))

    return executed(call, [*args, *named.values()], [*names_of(n), *keys])


if native is not None:
    native.use(Execution=Execution, take_apart=Execution._take_apart)
    native.use(WATCH=WATCH, explained=explained, NOTED=NOTED)
