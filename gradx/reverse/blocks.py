"""Blocks: a function recorded as one node of its run, and done again when the sweep comes to it.

A block is recorded on a tape of its own, which is dropped: what stays are its results and what it
was computed of. The sweep of the run does it once more, on a new tape, and sweeps that.

The variables that the function reaches move onto the tape of the block for as long as it runs, and
back when it ends: the arguments, what its closure holds, and whatever else of an open run it meets.
So each of them counts as an input, and views, identity and writes are those of any run. Its results
move out in the same way. Variables of nested runs move out of all of them, down to the highest run
of another kind: the block is a node on each of those tapes.

Source of the scheme: Griewank, Walther, "Revolve: an implementation of checkpointing", 2000.
"""

from __future__ import annotations

import copy
import types
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np

from gradx.core.assignment import root_of
from gradx.core.cotangent import KEEPS_STRUCTURE, SHARED_PULLBACK, Structured, dense, merge
from gradx.core.dispatch import Lifted, variables_in
from gradx.core.op import Op
from gradx.errors import AliasError, EscapedVarError, OpError, RecomputeError
from gradx.reverse.backward import consuming, sweep_host
from gradx.reverse.gradients import sweep_placed
from gradx.reverse.marks import mark_of, same_marks
from gradx.reverse.moving import Input, Inside, Items, Standing, move, standing_of, unwritten
from gradx.reverse.opaque import join
from gradx.reverse.tape import Tape
from gradx.reverse.variables import BVar, ItemVar
from gradx.values.leaves import map_leaves, renewed
from gradx.values.operations import ValueType, registry

__all__ = ["run_block"]

# --- Recording ------------------------------------------------------------------------------------


class Recording:
    """The recording of a block, whose inputs move onto its tape as it meets them.

    Args:
        name: how the block is called in messages.
        found: variables that it may meet.

    Attributes:
        tape: the tape.
        floor: the level of the highest run of another kind; lower tapes are left alone.
        inputs: the inputs, by the identity of their node.
        moved: the handles that have moved, where they were, and their input.
        items: the lazy items of arrays that have moved.
        own: the identities of handles among the arguments, which may be written into.
        saved: for each handle among the arguments the one that stays what it was.
    """

    def __init__(self, name: str, found: Iterable[Any]) -> None:
        self.name = name
        self.floor = max(map(_level_of_others, found), default=0)
        self.tape = Tape()
        self.tape.capture = self._capture
        self.inputs: dict[int, Input] = {}
        self.moved: list[tuple[Any, Standing, Input]] = []
        self.items = Items()
        self.own: set[int] = set()
        self.saved: dict[int, tuple[Any, Any]] = {}

    def _is_taken(self, v: Any) -> bool:
        """Whether a variable is one that moves here."""
        run = v._run
        if type(run) is not Tape:
            if self.moved and run.level > min(tape.level for tape in self.tapes()):
                raise OpError(
                    f"{self.name} met a {type(v).__name__} of another kind of run after variables "
                    "of runs below that; pass it as an argument"
                )
            return False
        return run is not self.tape and run.nodes is not None and run.level > self.floor

    def tapes(self) -> list[Tape]:
        """The tapes that the inputs are on, lowest first."""
        found = {tape.level: tape for one in self.inputs.values() for tape, _, _ in one.layers}
        return [found[level] for level in sorted(found)]

    def save(self, v: Any) -> Any:
        """A handle that stays what an argument is now; anything else as it is."""
        if not isinstance(v, BVar) or not self._is_taken(v):
            return v
        if id(v) not in self.saved:
            self.saved[id(v)] = v, self._input_of(copy.copy(v)).handles[-1]
        return self.saved[id(v)][1]

    def _input_of(self, copied: Any) -> Input:
        """The input that a handle made here shows; the handle is its last one."""
        known = self.inputs.get(id(copied._node))
        if known is None:
            known = self.inputs[id(copied._node)] = Input(copied, self.floor)
        else:
            known.handles.append(copied)
        return known

    def take(self, v: Any, own: bool = False) -> None:
        """Move a variable of an open run here, with the array that it shows if it is a view."""
        if type(v) is ItemVar:
            self._take_item(v)
            return
        root = root_of(v)
        if not isinstance(root, BVar) or not self._is_taken(root):
            return
        known = self.inputs.get(id(root._node)) or self._input_of(copy.copy(root))
        known.handles.append(root)
        self.moved.append((root, standing_of(root), known))
        if own:
            self.own.add(id(root))
        value = known.below(self.floor + 1)
        move(root, Standing(unwritten(root), self.tape, known.inside, value))

    def _take_item(self, v: Any) -> None:
        """Move a lazy item here, with its array.

        Raises:
            AssignmentError: the array was written into, and the item was taken before.
        """
        if self._is_taken(v) and (self.items.is_current(v) or v._current()):
            self.take(v._base)
            self.items.add(v)

    def _capture(self, operands: Iterable[Any]) -> None:
        for x in operands:
            if isinstance(x, Lifted):
                if x._run is not self.tape:
                    self.take(x)
            elif type(x) is not np.ndarray and registry.find(type(x)) is not None:
                for v in list(variables_in(x)):
                    self.take(v)

    def know_inputs(self) -> None:
        """Take over from the tapes what their inputs are, so that shared memory is noticed."""
        pairs = [tape.inputs for tape in self.tapes() if tape.inputs is not None]
        self.tape.inputs = [x for xs, _ in pairs for x in xs], [n for _, ns in pairs for n in ns]

    def written(self) -> list[Any]:
        """The arguments that the block has written into.

        Raises:
            AliasError: it has written into other variables from outside, or an argument is a view.
        """
        found = [v for v, _, one in self.moved if v._node is not one.inside]
        if self.tape.raised or any(id(v) not in self.own for v in found):
            raise AliasError(
                f"{self.name} writes into an array from outside that is not among its arguments; "
                "it would be written into once more when the function is done again: make it an "
                "argument, or return the new value"
            )
        if found and any(root_of(v) is not v for v, _ in self.saved.values()):
            raise AliasError(
                f"{self.name} writes into an argument, and an argument is a view of an array; pass "
                "a copy, np.copy(v), or return the new value"
            )
        return found

    def has_written(self) -> bool:
        """Whether a variable from outside is no longer what it was."""
        return bool(self.tape.raised) or any(v._node is not x.inside for v, _, x in self.moved)

    def put_back(self, but: Iterable[Any] = ()) -> None:
        """Move the handles back to where they were."""
        self.items.put_back()
        written = set(map(id, but))
        for v, before, _ in self.moved:
            if id(v) not in written:
                move(v, before)


def _level_of_others(x: Any) -> int:
    """The level of the run of another kind that a variable is of, below its tapes; 0 if none."""
    while isinstance(x, BVar) and type(x._run) is Tape:
        x = x._value
    return x._run.level if isinstance(x, Lifted) else 0


def _leaves(result: Any, name: str) -> list[Any]:
    """The leaves of a result in order; the root of what is a view."""
    found: list[Any] = []

    def note(x: Any, _: ValueType) -> Any:
        found.append(root_of(x))
        return x

    map_leaves(result, note, f"the result of {name}")
    return found


def run_block(
    f: Callable[..., Any],
    args: Sequence[Any],
    kwargs: Mapping[str, Any],
    behind: Sequence[Any],
    op: Op,
) -> Any:
    """The result of a function, whose operations are done again in the sweep.

    Args:
        f: the function.
        args: its arguments.
        kwargs: those by keyword.
        behind: variables that it may reach beside them.
        op: what stands for it on the tapes; its name is that of the block in messages.

    Raises:
        AliasError: the function writes into an array from outside that is not an argument, or
            raises after a write into an argument, or puts a variable into a list or dict.
        RecomputeError: (in the sweep) its result was another one when it was done again.
    """
    name = op.name
    args = [join(x, f"argument {i} of {name}") for i, x in enumerate(args)]
    kwargs = {key: join(x, f"argument {key!r} of {name}") for key, x in kwargs.items()}
    given = [v for x in (*args, *kwargs.values()) for v in variables_in(x)]
    recording = Recording(name, [*given, *behind])
    again = Redo(
        _snapshot(f, recording),
        [_saved(x, recording, f"argument {i} of {name}") for i, x in enumerate(args)],
        {key: _saved(x, recording, f"argument {key!r}") for key, x in kwargs.items()},
        name,
    )
    moved_out: list[Any] = []
    try:
        for v in (*given, *behind):
            if type(v) is ItemVar:  # before its array moves
                recording.take(v)
        for v in given:
            recording.take(v, own=True)
        for v in behind:
            recording.take(v)
        if not recording.inputs:
            return f(*args, **kwargs)
        recording.know_inputs()
        result = join(f(*args, **kwargs), f"the result of {name}", recording.tape)
        moved_out = _move_out(result, recording, again, op)
    except Exception as error:
        if recording.has_written() and not isinstance(error, AliasError):
            raise AliasError(
                f"{name} raised {type(error).__name__} after it had written into an array from "
                "outside, which cannot be kept; catch the error inside it, or write into a copy"
            ) from error
        raise
    finally:
        recording.put_back(but=moved_out)
        recording.tape.close()
        recording.tape.capture = None  # which refers back to it
    _check_containers([*enumerate(args), *kwargs.items()], recording.tape, name)
    return result


def _check_containers(args: Iterable[tuple[Any, Any]], tape: Tape, name: str) -> None:
    """Refuse containers among the arguments into which the function has put what it computed.

    Raises:
        AliasError: there is one; names the argument.
    """
    for key, x in args:
        if any(v._run is tape for v in variables_in(x)):
            raise AliasError(
                f"{name} put a variable that it computed into argument {key!r}, a "
                f"{type(x).__name__}, and keeps nothing but what it returns; return it as well"
            )


def _saved(x: Any, recording: Recording, name: str) -> Any:
    """An argument as the function gets it when it is done again."""
    if isinstance(x, Lifted):
        return recording.save(x)
    if registry.find(type(x)) is None:
        return x
    return map_leaves(x, lambda v, _: recording.save(v), name)


def _snapshot(f: Any, recording: Recording) -> Any:
    """The function with cells of its own, which a loop around it does not fill anew."""
    if type(f) is not types.FunctionType or not f.__closure__:
        return f
    cells = []
    for cell in f.__closure__:
        try:
            content = cell.cell_contents
        except ValueError:  # nothing was assigned to it yet
            cells.append(types.CellType())
        else:
            cells.append(types.CellType(recording.save(content)))
    new = types.FunctionType(f.__code__, f.__globals__, f.__name__, f.__defaults__, tuple(cells))
    new.__kwdefaults__ = f.__kwdefaults__
    return new


def _move_out(result: Any, recording: Recording, again: Redo, op: Op) -> list[Any]:
    """Move the results of a block to the tapes of its inputs; gives the handles that were moved."""
    tape, inputs = recording.tape, list(recording.inputs.values())
    inside = {id(one.inside): one for one in inputs}
    known = {id(v) for v, _, _ in recording.moved}
    outputs: dict[int, Any] = {}
    for i, v in enumerate(_leaves(result, op.name)):
        if not isinstance(v, BVar) or v._run is not tape or id(v) in outputs:
            continue
        if id(v._node) in inside:
            if id(v) not in known:  # a copy of an input
                move(v, standing_of(copy.copy(inside[id(v._node)].handles[0])))
            continue
        outputs[id(v)] = v
        again.places.append(i)
    homes = {id(v): before.run for v, before, _ in recording.moved}
    for v in recording.written():
        if id(v) not in outputs:
            outputs[id(v)] = v
            again.places.append(recording.saved[id(v)][1])
    found = list(outputs.values())
    if not found:
        return []
    values = [v._value for v in found]
    again.inputs, again.items = inputs, recording.items.found
    again.marks = list(map(mark_of, values))
    for below in recording.tapes():
        below.placed = below.placed or tape.placed
        values = _committed(below, values, again, op)
    for v, new in zip(found, values, strict=True):
        move(v, Standing(unwritten(v), new._run, new._node, new._value))
        if homes.get(id(v), new._run) is not new._run:
            new._run.raised = [*(new._run.raised or ()), (v, homes[id(v)])]
    return found


def _committed(tape: Tape, values: list[Any], again: Redo, op: Op) -> list[Any]:
    """The node of a block on a tape, and the variables of its results."""
    nodes = tape.nodes
    if nodes is None:
        raise tape.escaped(values[0])
    targets = [one.node_on(tape) for one in again.inputs]
    specs = [None] * len(targets)  # the sweep of the block has fitted them
    node = (SHARED_PULLBACK, _pulled, (again, tape.level), (targets, specs), op)
    nodes.append(node)
    if len(values) == 1:
        return [tape.wrap(values[0], node=node)]
    out = []
    for i, x in enumerate(values):
        edge = (node, _part, (i, len(values)), KEEPS_STRUCTURE, op)
        nodes.append(edge)
        out.append(tape.wrap(x, node=edge))
    return out


# --- Doing it again -------------------------------------------------------------------------------


class Parts(Structured):
    """The cotangents of the results of a block, of those that got one."""

    __slots__ = ("count", "parts")

    def __init__(self, count: int, parts: dict[int, Any]) -> None:
        self.count, self.parts = count, parts

    def dense(self) -> list[Any]:
        """The cotangent of each result; None for zero."""
        return [self.parts.get(i) for i in range(self.count)]

    def merged(self, other: Any) -> Structured:
        """The sum with another cotangent of this class; no other kind occurs."""
        for i, g in other.parts.items():
            known = self.parts.get(i)
            self.parts[i] = g if known is None else merge(known, g)
        return self


def _part(g: Any, i: int, count: int) -> Parts:
    return Parts(count, {i: dense(g)})


class Redo:
    """A block that is to be done again.

    Attributes:
        f: the function.
        args: its arguments, with handles of their own.
        kwargs: those by keyword.
        name: how it is called in messages.
        inputs: its inputs.
        items: the lazy items that it reads from outside.
        places: where its outputs are: numbers of leaves of the result, and arguments written into.
        marks: what the outputs were.
    """

    def __init__(self, f: Any, args: list[Any], kwargs: dict[str, Any], name: str) -> None:
        self.f, self.args, self.kwargs, self.name = f, args, kwargs, name
        self.inputs: list[Input] = []
        self.items: list[Any] = []
        self.places: list[Any] = []
        self.marks: list[Any] = []

    def cotangents(self, level: int, parts: Sequence[Any]) -> list[Any]:
        """The cotangents of the inputs from those of the results.

        Args:
            level: that of the run whose sweep it is; values are those of the next lower run.
            parts: the cotangents of the results; None for zero.

        Raises:
            RecomputeError: a result is another one now.
        """
        tape = Tape()
        nodes = [Inside(one.node) for one in self.inputs]
        before = [(v, standing_of(v)) for one in self.inputs for v in one.handles]
        items = Items()
        try:
            for one, node in zip(self.inputs, nodes, strict=True):
                if one.layers[0][0].level < level:
                    continue
                for v in one.shown():
                    move(v, Standing(unwritten(v), tape, node, one.below(level)))
            for v in self.items:
                if v._base._run is tape:
                    items.add(v)
            try:
                known = self._seeds(tape, parts)
            finally:
                recorded = tape.close()
            known = (sweep_placed if tape.placed else sweep_host)(consuming(recorded), known)
        except EscapedVarError as error:
            raise RecomputeError(
                f"{self.name} was done again in the sweep and met a variable that it reads from "
                "outside, which was written into meanwhile, or stands where gradx does not find "
                "it; make it an argument of the function"
            ) from error
        finally:
            items.put_back()
            for v, standing in before:
                move(v, standing)
        return [dense(known.pop(id(node), None)) for node in nodes]

    def _seeds(self, tape: Tape, parts: Sequence[Any]) -> dict[int, Any]:
        """The cotangents of the results by their nodes, from those by their places."""
        args = [renewed(x) for x in self.args]
        result = self.f(*args, **{key: renewed(x) for key, x in self.kwargs.items()})
        leaves = _leaves(join(result, f"the result of {self.name}", tape), self.name)
        seeds: dict[int, Any] = {}
        for place, mark, g in zip(self.places, self.marks, parts, strict=True):
            v = (
                place
                if isinstance(place, Lifted)
                else leaves[place]
                if place < len(leaves)
                else None
            )
            if not same_marks(mark, mark_of(v)):
                raise RecomputeError(
                    f"{self.name} gave another result when it was done again in the sweep, and its "
                    "gradient would be that of another function; let nothing in it change between "
                    "two calls: pass random numbers and state as arguments, and write into no "
                    "array that it reads"
                )
            if g is not None and isinstance(v, BVar) and v._run is tape:
                key = id(v._node)
                seeds[key] = merge(seeds[key], g) if key in seeds else g
        return seeds

    def variables(self, level: int, parts: Sequence[Any]) -> Iterator[Any]:
        """The variables of open runs below a level that doing it again depends on."""
        for one in self.inputs:
            below = one.below(level)
            if isinstance(below, Lifted):
                yield below
            if one.layers[0][0].level < level:
                yield from one.handles
        for g in parts:
            yield from variables_in(g)


def _pulled(g: Any, again: Redo, level: int) -> list[Any]:
    """The rule of a block: under an outer run, doing it again is a block of that run."""
    parts = g if len(again.places) > 1 else [g]
    variables = list(again.variables(level, parts))
    if not variables:
        return again.cotangents(level, parts)
    redone = Op(f"the pullback of {again.name}", again.cotangents, pullback_form=True, arity=-1)
    return run_block(partial(again.cotangents, level), (parts,), {}, variables, redone)  # type: ignore[no-any-return]
