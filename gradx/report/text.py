"""Curves in text: lines of block characters, four dots to a character, with labelled axes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple, TextIO

import numpy as np
from numpy.typing import NDArray

from gradx.report.scales import Scale, as_text, scale_of
from gradx.report.series import Series

__all__ = ["can_show_blocks", "curves"]

_QUADRANTS = " ▘▝▀▖▌▞▛▗▚▐▜▄▙▟█"
"""The characters by their dots: 1 upper left, 2 upper right, 4 lower left, 8 lower right."""
_FRAME = ("┤", "│", "└", "─", "┬")
_PLAIN_FRAME = ("+", "|", "+", "-", "+")
_MARKS = "*o+x#@"
_DASHES = ((4, 0), (2, 2), (3, 1), (1, 3))
"""Characters of a line and of the gap after it, for the first curve, the second and so on."""
_NARROWEST = 20
_LOWEST = 5
_LONGEST_NAME = 32
_SPACE = 6
"""Blanks between two names of an axis."""


class _Grid(NamedTuple):
    """The area of the curves, in characters, and the dots that a character has each way."""

    columns: int
    rows: int
    fine: int


def can_show_blocks(stream: TextIO | None) -> bool:
    """Whether a stream's encoding has the block characters.

    >>> import io
    >>> can_show_blocks(io.TextIOWrapper(io.BytesIO(), "ascii"))
    False
    """
    try:
        "".join([_QUADRANTS, *_FRAME, "…"]).encode(getattr(stream, "encoding", None) or "ascii")
    except (UnicodeError, LookupError):
        return False
    return True


def curves(
    series: Mapping[str, Iterable[tuple[float, float]]],
    width: int = 72,
    height: int = 14,
    *,
    title: str = "",
    across: str = "samples",
    blocks: bool = True,
) -> str:
    """Curves as a picture of text.

    Values that are nan or infinite are gaps. Where all values are positive and far apart the scale
    is logarithmic, and the title says so.

    Args:
        series: for each curve its name and its points, where and what.
        width: the most characters of a line; fewer than 20 are taken as 20.
        height: the lines in all; fewer than 5 are taken as 5. Names that find no room in one line
            take more.
        title: what the values are.
        across: what is counted from left to right.
        blocks: False draws in ASCII, for a stream that has no other characters.

    Returns:
        The lines, without a newline after the last.

    >>> points = [(0, 0.9), (20_000, 0.4), (40_000, 0.22), (60_000, 0.2)]
    >>> print(curves({"training": points}, 60, 10, title="loss", blocks=False))
    loss:  **** training 0.2
        |****
        |   ******
        |        ******
    0.5 +             ********
        |                    *****************
        |                                    *******************
      0 +
        ++-----------------+-----------------+-----------------+
         0              20,000            40,000  60,000 samples
    """
    width, height = max(width, _NARROWEST), max(height, _LOWEST)
    drawn = [Series.of(_shown(name, blocks), points) for name, points in series.items()]
    across = _shown(across, blocks)
    heading = _shown(title, blocks)
    ys = scale_of(np.concatenate([np.zeros(0), *(each.ys for each in drawn)]))
    at = [each.xs[np.isfinite(each.ys)] for each in drawn]
    xs = scale_of(np.concatenate([np.zeros(0), *at]), logarithmic=False)
    if ys is None or xs is None:
        return f"{heading}: nothing to draw yet" if heading else "nothing to draw yet"
    heading += " (logarithmic)" if ys.logarithmic else ""
    legend = _legend(heading, drawn, width, blocks)
    rows = max(2, height - len(legend) - 2)
    names = _ticks_of_rows(ys, rows, 2 if blocks else 1)
    margin = max(map(len, names.values())) + 1
    grid = _Grid(width - margin - 1, rows, 2 if blocks else 1)
    lines = _drawn(grid, drawn, xs, ys) if blocks else _drawn_plainly(grid, drawn, xs, ys)
    tick, side, *_ = _FRAME if blocks else _PLAIN_FRAME
    body = [
        f"{names.get(i, ''):>{margin - 1}} {tick if i in names else side}{line}".rstrip()
        for i, line in enumerate(lines)
    ]
    return "\n".join([*legend, *body, *_axis(xs, grid.columns, margin, across, blocks)])


def _shown(name: str, blocks: bool) -> str:
    """A name from elsewhere, of any length, which must not steer a terminal."""
    clean = "".join(c if c.isprintable() else "?" for c in name)
    if not blocks:
        clean = clean.encode("ascii", "replace").decode("ascii")
    if len(clean) <= _LONGEST_NAME:
        return clean
    dots = "…" if blocks else "..."
    return clean[: _LONGEST_NAME - len(dots)] + dots


def _legend(title: str, drawn: Sequence[Series], width: int, blocks: bool) -> list[str]:
    """The title and, for each curve, how it is drawn, its name and its last value."""
    items = []
    for i, each in enumerate(drawn):
        line, gap = _DASHES[i % len(_DASHES)]
        sample = (("▀" * line + " " * gap) * 4)[:4] if blocks else _MARKS[i % len(_MARKS)] * 4
        finite = each.ys[np.isfinite(each.ys)]
        last = f" {finite[-1]:.4g}" if finite.size else ""
        items.append(f"{sample} {each.name}{last}")
    lines = [f"{title}:" if title else ""]
    for item in items:
        if not lines[-1]:
            lines[-1] = item
        elif len(lines[-1]) + 2 + len(item) <= width:
            lines[-1] += f"  {item}"
        else:
            lines.append(item)
    return [line[:width].rstrip() for line in lines if line]


def _ticks_of_rows(scale: Scale, rows: int, fine: int) -> dict[int, str]:
    """The rows that have a name at the axis, and it."""
    values = scale.ticks(max(2, 2 * rows // 3))
    down = (1 - np.clip(scale.at(np.array(values)), 0, 1)) * (rows * fine - 1)
    return dict(zip((np.rint(down).astype(int) // fine).tolist(), as_text(values), strict=True))


def _axis(scale: Scale, columns: int, margin: int, across: str, blocks: bool) -> list[str]:
    """The line under the curves and the names under it, as many as find room."""
    *_, corner, line, tick = _FRAME if blocks else _PLAIN_FRAME

    def finds_room(names: list[str]) -> bool:
        return sum(map(len, names)) + _SPACE * len(names) + len(across) <= columns

    ticks = scale.named_ticks(columns // 6, finds_room)
    places = np.rint(scale.at(np.array([value for value, _ in ticks])) * (columns - 1))
    names = [name for _, name in ticks]
    names[-1] += f" {across}" if across else ""
    room = list(" " * (margin + 1 + columns))
    ruler = list(line * columns)
    free = len(room)
    for place, name in reversed(list(zip(places.astype(int).tolist(), names, strict=True))):
        start = max(0, min(margin + 1 + place - len(name) // 2, len(room) - len(name)))
        if start + len(name) <= free:
            room[start : start + len(name)] = name
            ruler[place] = tick
            free = start - 1
    return [" " * margin + corner + "".join(ruler), "".join(room).rstrip()]


def _dots(grid: _Grid, series: Series, xs: Scale, ys: Scale) -> NDArray[np.bool_]:
    """A curve as dots: (rows, columns), each way as many as a character has."""
    height, width = grid.rows * grid.fine, grid.columns * grid.fine
    dots = np.zeros((height, width), np.bool_)
    for across, values in series.thinned(8 * width).runs():
        right = np.clip(xs.at(across), 0, 1) * (width - 1)
        down = (1 - np.clip(ys.at(values), 0, 1)) * (height - 1)
        points = list(zip(right.tolist(), down.tolist(), strict=True))
        for a, b in zip(points, points[1:] or points, strict=False):
            _draw_line(dots, *sorted([a, b]))
    return dots


def _draw_line(dots: NDArray[np.bool_], a: tuple[float, float], b: tuple[float, float]) -> None:
    """A line from one point to another to the right of it; in each column without a gap."""
    (x0, y0), (x1, y1) = a, b
    for column in range(round(x0), round(x1) + 1):
        left, right = max(x0, column - 0.5), min(x1, column + 0.5)
        slope = (y1 - y0) / (x1 - x0) if x1 > x0 else 0.0
        ends = (y0 + slope * (left - x0), y0 + slope * (right - x0)) if x1 > x0 else (y0, y1)
        dots[round(min(ends)) : round(max(ends)) + 1, column] = True


def _drawn(grid: _Grid, drawn: Sequence[Series], xs: Scale, ys: Scale) -> list[str]:
    """The curves in block characters; what tells them apart are their dashes."""
    cells = np.zeros((grid.rows, grid.columns), int)
    columns = np.arange(grid.columns)
    for i, each in enumerate(drawn):
        line, gap = _DASHES[i % len(_DASHES)]
        dots = _dots(grid, each, xs, ys).reshape(grid.rows, 2, grid.columns, 2)
        inked = sum(dots[:, j, :, k].astype(int) << (2 * j + k) for j in (0, 1) for k in (0, 1))
        cells |= np.where(columns % (line + gap) < line, inked, 0)
    return ["".join(_QUADRANTS[cell] for cell in row) for row in cells.tolist()]


def _drawn_plainly(grid: _Grid, drawn: Sequence[Series], xs: Scale, ys: Scale) -> list[str]:
    """The curves in marks of ASCII; the first lies on top."""
    cells = np.full((grid.rows, grid.columns), " ")
    for i, each in reversed(list(enumerate(drawn))):
        cells[_dots(grid, each, xs, ys)] = _MARKS[i % len(_MARKS)]
    return ["".join(row) for row in cells.tolist()]
