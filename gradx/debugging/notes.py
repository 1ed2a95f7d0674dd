"""Notes: what a tape remembers of each operation beside what the sweep needs."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from types import CodeType
from typing import Any, NamedTuple

from gradx.core.cotangent import SHARED_PULLBACK, edges_of, op_of
from gradx.debugging.places import LIBRARIES, Place, place_of, users_frame
from gradx.errors import EscapedVarError
from gradx.reverse.tape import InputNode, Tape
from gradx.reverse.variables import BVar
from gradx.values.operations import ValueType, Where, fold, parts_alone

__all__ = ["Note", "NotingTape", "targets_of"]


class Note(NamedTuple):
    """What is known of an operation.

    Attributes:
        code: that of the user's function that called for it.
        instruction: which of its instructions did.
        node: the node.
        y: the result, as the next lower run has it.
        operands: those of the op, likewise.
        params: the op's static parameters.
    """

    code: CodeType
    instruction: int
    node: Any
    y: Any
    operands: Sequence[Any]
    params: dict[str, Any] | None

    @property
    def op(self) -> Any:
        """The op."""
        return op_of(self.node)

    @property
    def place(self) -> Place:
        """The user's line."""
        return place_of(self.code, self.instruction)


_INFINITY = float("inf")
_frame_at = sys._getframe
_NOWHERE = compile("", "?", "exec")


class NotingTape(Tape):
    """A tape that remembers of each node where it came from, and of what.

    The values stay in memory as long as the tape.

    Attributes:
        looks_at_numbers: whether `examine` is called for finite Python numbers too.
        leaves: the nodes of the leaves of the inputs, in order.
        noted: the fields of a `Note` for each node, in the order of the tape.
    """

    __slots__ = ("_by_node", "_code", "leaves", "noted")
    looks_at_numbers = True

    def __init__(self) -> None:
        super().__init__()
        self.leaves: list[InputNode] = []
        self.noted: list[tuple[Any, ...]] = []
        self._by_node: dict[int, Note] = {}
        self._code: Any = None  # the user's function that was seen last, which need not be asked

    def append(
        self, node: Any, y: Any, operands: Sequence[Any] = (), params: dict[str, Any] | None = None
    ) -> None:
        """Put a node on the tape, with its note."""
        if self.nodes is None:
            raise self._escaped_from(node, y)
        frame: Any = _frame_at(2)
        code = frame.f_code
        if code is not self._code:
            if code.co_filename.startswith(LIBRARIES):
                frame = users_frame(frame)
                code = _NOWHERE if frame is None else frame.f_code
            self._code = code
        fields = (code, 0 if frame is None else frame.f_lasti, node, y, operands, params)
        if type(y) is not float or self.looks_at_numbers or not -_INFINITY < y < _INFINITY:
            self.examine(y, operands, node, fields)
        self.noted.append(fields)
        self.nodes.append(node)

    def examine(self, y: Any, operands: Sequence[Any], node: Any, fields: tuple[Any, ...]) -> None:
        """Look at an operation before its node is put on the tape."""

    @property
    def notes(self) -> dict[int, Note]:
        """The notes, by the identity of the node, in the order of the tape."""
        known = self._by_node
        for fields in self.noted[len(known) :]:
            known[id(fields[2])] = Note(*fields)
        return known

    def lifter(self, nodes: list[InputNode]) -> Callable[[Any, Any], Any]:
        """As `Tape.lifter`; the nodes of the leaves are remembered."""
        self.leaves = nodes
        return super().lifter(nodes)

    # --- Where things come from -------------------------------------------------------------------

    def input_leaves(self) -> dict[int, tuple[str, Any]]:
        """The path and the value of each leaf of the inputs, by the identity of its node."""
        found: list[tuple[str, Any]] = []

        def leaf(x: Any, spec: ValueType, _: Any, where: Where) -> Any:
            if not spec.static:
                found.append((where(), x))
            return x

        for value, name in zip(*(self.inputs or ((), ())), strict=True):
            fold(value, None, parts_alone, leaf, name, rebuild=lambda *_: None)
        return {id(node): each for node, each in zip(self.leaves, found, strict=False)}

    def nearest_inputs(self, node: Any, most: int = 3) -> list[str]:
        """The paths of the inputs from which a node is the fewest operations away."""
        leaves = self.input_leaves()
        found: list[str] = []
        level, seen = [node], {id(node)}
        while level and len(found) < most:
            after: list[Any] = []
            for each in level:
                if id(each) in leaves:
                    found.append(leaves[id(each)][0])
                for target in targets_of(each):
                    if id(target) not in seen:
                        seen.add(id(target))
                        after.append(target)
            level = after
        return found[:most]

    def escaped(self, value: Any) -> EscapedVarError:
        """As `Tape.escaped`; it says where a variable was made."""
        node = value._node if isinstance(value, BVar) and value._run is self else None
        return self._escaped(node, value)

    def _escaped_from(self, node: Any, y: Any) -> EscapedVarError:
        """The error for an operation on variables of this run after its end."""
        return self._escaped(next(targets_of(node), None), y)

    def _escaped(self, node: Any, value: Any) -> EscapedVarError:
        error = super().escaped(value)
        leaf, note = self.input_leaves().get(id(node)), self.notes.get(id(node))
        if leaf is not None:
            return EscapedVarError(f"{error}; the variable is that of {leaf[0]}, an input")
        if note is not None:
            return EscapedVarError(
                f"{error}; the variable was made by {note.op.name}, at {note.place}"
            )
        return error


def targets_of(node: Any) -> Iterator[Any]:
    """The nodes of the operands of a node."""
    for target, _, _, spec, _ in edges_of(node):
        if target is SHARED_PULLBACK:
            yield from (each for each in spec[0] if each is not None)
        else:
            yield target
