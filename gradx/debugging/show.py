"""`gx.show`: the graph of a function at some inputs, to look at."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from gradx.debugging.drawing import drawn
from gradx.debugging.folding import folded
from gradx.debugging.graph import Row, pattern, rows_of, run_noted
from gradx.debugging.markup import Markup, element
from gradx.debugging.notes import NotingTape
from gradx.debugging.tables import bytes_as_text, table

__all__ = ["Graph", "show"]

_MOST = 200
"""Boxes, and rows of a table, that are shown."""
_HEAD = ("#", "op", "of", "shapes", "dtype", "device", "kept", "line", "")
_RIGHT = ("#", "kept")
_STYLE = "font-family: monospace; text-align: left; border-spacing: 1em 0"


class Shown(NamedTuple):
    """A row as it is shown: for itself, or for the repeats of a loop.

    Attributes:
        number: that of the first row that it stands for.
        row: that row.
        repeats: for how many it stands.
        kept: the bytes that they keep together.
    """

    number: int
    row: Row
    repeats: int
    kept: int


class Graph:
    """The graph of a run: text when printed, a drawing and a table in a notebook.

    Attributes:
        rows: the inputs that were used, and the operations in their order, as data.
        shown: the rows that are shown, each for the repeats of a loop; 200 at most.
        left_out: how many more there are.
    """

    def __init__(self, rows: list[Row]) -> None:
        self.rows = rows
        marks = [self._mark(i, row) for i, row in enumerate(rows)]
        shown: list[Shown] = []
        self._at: dict[int, int] = {}
        for start, length, count in folded(marks):
            for i in range(start, start + length):
                alike = range(i, start + length * count, length)
                self._at.update(dict.fromkeys(alike, len(shown)))
                row = rows[i] if count == 1 else rows[i]._replace(name=pattern(rows[i].name))
                shown.append(Shown(i, row, count, sum(rows[j].kept for j in alike)))
        self.shown, self.left_out = shown[:_MOST], max(0, len(shown) - _MOST)

    def _mark(self, number: int, row: Row) -> Row:
        """What two rows have alike in two rounds of a loop."""
        operands: list[Any] = [
            j if j is None else pattern(self.rows[j].name) or j - number for j in row.operands
        ]
        return row._replace(operands=tuple(operands), name=pattern(row.name))

    def _name(self, number: int | None) -> str:
        """An operand as it is shown: the path of an input, the number of an operation."""
        if number is None:
            return "constant"
        shown = self._at[number]
        row = self.shown[shown].row if shown < _MOST else self.rows[number]
        return row.name or f"#{self.shown[shown].number if shown < _MOST else number}"

    def _cells(self, shown: Shown) -> tuple[str, ...]:
        row, number = shown.row, shown.number
        line = "" if row.place is None else f"{row.place.file.rpartition('/')[2]}:{row.place.line}"
        return (
            *(str(number), _short(row.op), row.name or ", ".join(map(self._name, row.operands))),
            *(row.shapes, row.dtype, row.device, bytes_as_text(shown.kept) if shown.kept else ""),
            *(line, f"× {shown.repeats}" if shown.repeats > 1 else ""),
        )

    def _more(self) -> str:
        return f"… and {self.left_out} more rows: see .rows" if self.left_out else ""

    def __str__(self) -> str:
        text = table(_HEAD, [self._cells(each) for each in self.shown], _RIGHT)
        return f"{text}\n{self._more()}".rstrip()

    __repr__ = __str__

    def _drawn(self, **attributes: object) -> Markup:
        labels: list[tuple[str, ...]] = []
        links: list[list[int]] = []
        for shown in self.shown:
            row = shown.row
            times = f" × {shown.repeats}" if shown.repeats > 1 else ""
            labels.append((f"{row.name or _short(row.op)}{times}", row.shapes, row.dtype))
            before = {self._at[j] for j in row.operands if j is not None}
            links.append(sorted(j for j in before if j < len(self.shown)))
        return drawn(labels, links, **attributes)

    @property
    def svg(self) -> str:
        """The drawing as a file of its own."""
        return self._drawn(xmlns="http://www.w3.org/2000/svg")

    def _repr_html_(self) -> str:
        head = element("tr", *(element("th", name) for name in _HEAD))
        body = [
            element("tr", *(element("td", cell) for cell in self._cells(each)))
            for each in self.shown
        ]
        whole = element("table", head, *body, style=_STYLE)
        return element("div", self._drawn(), whole, element("p", self._more()))


def _short(op: str) -> str:
    """The name of an op as a table has it."""
    return op.removeprefix("operator.")


def show(f: Callable[..., Any], /, *xs: Any, **named: Any) -> Graph:
    """The graph that a function makes at some inputs: each operation, of what, and what it keeps.

    The function runs once, as for a gradient; nothing is swept. Repeats of a loop are folded into
    one row that says how many there are.

    Args:
        f: the function.
        xs: its inputs, of any types.
        named: inputs by keyword.

    Returns:
        The graph: text when it is printed, a drawing in a notebook, ``.svg`` the drawing as text,
        ``.rows`` the rows as data.

    Raises:
        TypeError: there are no inputs.

    >>> import numpy as np
    >>> def loss(net, x):
    ...     return np.sum(np.tanh(net["w"] @ x))
    >>> graph = show(loss, {"w": np.ones((2, 3))}, np.ones(3))
    >>> [(row.op, row.name or row.operands, row.shapes) for row in graph.rows]
    [('input', "net['w']", '2x3'), ('input', 'x', '3'), ('matmul', (0, 1), '2x3, 3 → 2'), \
('tanh', (2,), '2 → 2'), ('sum_of_all', (3,), '2 → 1')]
    """
    tape = NotingTape()
    run_noted(f, xs, named, tape)
    return Graph(rows_of(tape))
