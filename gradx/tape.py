"""The tape: the nodes of one run, in the order they were made.

The fourth noun, Wengert's list. A node is made after the nodes of its operands, so the list read
backwards is an order for the reverse sweep and nothing is ever sorted. Nodes refer to nodes, and
variables to nodes and to the tape, but nothing refers back to a variable: there are no cycles,
and what the user's function lets go of is freed at once.

Appending to a list is atomic, so threads inside one run may record on one tape.
"""

from __future__ import annotations

from typing import Any

from gradx.errors import EscapedVarError
from gradx.lifted import next_level

__all__ = ["InputNode", "Tape"]


class InputNode:
    """The node of an input: it has no edges and is known by its identity."""

    __slots__ = ()


class Tape:
    """The record of one run of a function.

    Attributes:
        level: orders nested runs; the higher one is the inner one.
        nodes: the nodes, after a first None which ends the sweep; None once the tape is closed.
        placed: whether some of the nodes are of operations on a device.
    """

    __slots__ = ("level", "nodes", "placed")

    def __init__(self) -> None:
        self.level = next_level()
        self.nodes: list[Any] | None = [None]
        self.placed = False

    def close(self) -> list[Any]:
        """End the recording; the nodes are handed over."""
        nodes, self.nodes = self.nodes, None
        return nodes or [None]

    def escaped(self, value: Any) -> EscapedVarError:
        """The error for the use of a variable after its run has ended."""
        while hasattr(value, "_value"):
            value = value._value
        return EscapedVarError(
            f"a variable that holds a {type(value).__name__} was used after run {self.level}, "
            "which made it, had ended; return what you need from the differentiated function, or "
            "keep its plain value with gx.value(v)"
        )
