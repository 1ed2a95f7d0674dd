"""Charts: curves as SVG that fits any width, each with its numbers as a table.

The curves are drawn in a square that is stretched to the width that there is; lines and letters are
not stretched with it. So one picture is readable on a phone and on a desk.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from gradx.debugging.markup import Markup, element, joined
from gradx.report.scales import Scale, as_text, scale_of
from gradx.report.series import Series
from gradx.report.tables import Cell, table
from gradx.report.words import number, shortened, with_minus

__all__ = ["COLOURS", "Curve", "chart"]

COLOURS = 8
"""Colours that the style has."""
_SIDE = 1000
"""Units of the square."""
_MOST_POINTS = 1500
"""Of a curve; of more only those that are seen are drawn."""
_FEW_DOTS = 16
"""Where no curve of a picture has more points, each point is shown."""
_MOST_DOTS = 120
"""A curve of no more points shows each under the pointer, with its numbers."""
_MOST_ROWS = 100
_LABEL = 24
"""Letters of what stands at an axis, which cannot go on in another line."""
_PHONE = 236
"""Pixels of an axis on a narrow phone; of a letter of its numbers, and between two of them."""
_LETTER = 7.2
_SPACE = 12
_MOST_SENTENCES = 8


class Curve(NamedTuple):
    """A curve and how it looks.

    Attributes:
        series: what is drawn.
        colour: its number.
        dashed: the line has gaps, so that it is told from another without seeing colours.
    """

    series: Series
    colour: int = 0
    dashed: bool = False

    @property
    def style(self) -> str:
        """Its classes."""
        return f"c{self.colour % COLOURS}{' dashed' if self.dashed else ''}"


def chart(
    key: str,
    title: str,
    curves: Sequence[Curve],
    across: str,
    unit: str = "",
    *,
    zero: bool = False,
) -> Markup:
    """A picture of curves, with its legend and its numbers.

    Args:
        key: names the picture among those of the page.
        title: its heading.
        curves: what it shows; gaps where values are not finite.
        across: what is counted from left to right.
        unit: of the values; the title stands at the axis where there is none.
        zero: the axis of the values has 0 on it.
    """
    xs = scale_of(_all(c.series.xs for c in curves), logarithmic=False)
    ys = scale_of(_all(c.series.ys for c in curves), logarithmic=False if zero else None, zero=zero)
    heading = element("h3", title)
    if xs is None or ys is None:
        nothing = element("p", "There are no finite values to draw yet.", class_="note")
        return element("figure", heading, nothing, class_="chart")
    label = f"{shortened(unit or title, _LABEL)}{', logarithmic' if ys.logarithmic else ''}"
    return element(
        "figure",
        heading,
        _legend(curves),
        element("div", _picture(key, title, curves, (xs, ys), (across, label)), class_="plot"),
        *_gaps(curves),
        _numbers(title, curves, across),
        class_="chart",
    )


def _all(parts: Iterable[NDArray[np.float64]]) -> NDArray[np.float64]:
    return np.concatenate([np.zeros(0), *parts])


def _legend(curves: Sequence[Curve]) -> Markup:
    """How each curve is drawn, its name, and its last value."""
    items = []
    for curve in curves:
        line = element("line", x1=1, x2=27, y1=6, y2=6, class_="curve")
        sample = element("svg", line, width=28, height=12, aria_hidden="true", class_=curve.style)
        finite = curve.series.ys[np.isfinite(curve.series.ys)]
        last = element("b", number(float(finite[-1]))) if finite.size else Markup("")
        items.append(element("li", sample, element("bdi", curve.series.name), " ", last))
    return element("ul", *items, class_="legend")


def _picture(
    key: str, title: str, curves: Sequence[Curve], scales: tuple[Scale, Scale], axes: Sequence[str]
) -> Markup:
    """The frame with its axes, and the curves in it."""
    described = " ".join([_sentence(c.series, axes[0]) for c in curves[:_MOST_SENTENCES]])
    if len(curves) > _MOST_SENTENCES:
        described += f" And {len(curves) - _MOST_SENTENCES} more; the table below has all."
    few = all(len(curve.series.ys) <= _FEW_DOTS for curve in curves)
    square = element(
        "svg",
        *(_curve(curve, scales, axes[0], few) for curve in curves),
        viewBox=f"0 0 {_SIDE} {_SIDE}",
        preserveAspectRatio="none",
        width="100%",
        height="100%",
        class_="curves",
    )
    return element(
        "svg",
        element("title", title, id=f"{key}-title"),
        element("desc", described, id=f"{key}-desc"),
        *_upward(scales[1], axes[1]),
        *_across(scales[0], axes[0]),
        square,
        role="img",
        aria_labelledby=f"{key}-title",
        aria_describedby=f"{key}-desc",
        class_="frame",
    )


def _sentence(series: Series, across: str) -> str:
    """A curve in words."""
    good = np.isfinite(series.ys)
    xs, ys = series.xs[good], series.ys[good]
    if not ys.size:
        return f"{series.name}: no finite values."
    ends = [f"{number(float(ys[i]))} at {number(float(xs[i]))} {across}" for i in (0, -1)]
    least, most = int(np.argmin(ys)), int(np.argmax(ys))
    return (
        f"{series.name}: {len(ys):,} values from {ends[0]} to {ends[1]}; the smallest is "
        f"{number(float(ys[least]))} at {number(float(xs[least]))}, the largest "
        f"{number(float(ys[most]))} at {number(float(xs[most]))}."
    )


def _upward(scale: Scale, label: str) -> list[Markup]:
    """The axis of the values: lines across the picture, their names, and what they measure."""
    values = scale.ticks(5)
    drawn = [element("text", label, x=0, y=0, dy="-0.9em", class_="axis")]
    shares = scale.at(np.array(values)).tolist()
    for share, name in zip(shares, map(with_minus, as_text(values)), strict=True):
        y = f"{100 * (1 - share):.2f}%"
        drawn.append(element("line", x1="0", x2="100%", y1=y, y2=y, class_="grid"))
        drawn.append(element("text", name, x=0, y=y, dx=-8, dy="0.32em", text_anchor="end"))
    return drawn


def _across(scale: Scale, label: str) -> list[Markup]:
    """The axis under the picture; as few names as find room on a phone."""

    def finds_room(names: list[str]) -> bool:
        return sum(map(len, names)) * _LETTER + len(names) * _SPACE <= _PHONE

    ticks = scale.named_ticks(6, finds_room)
    drawn = [
        element("text", label, x="100%", y="100%", dy="2.9em", text_anchor="end", class_="axis")
    ]
    shares = scale.at(np.array([value for value, _ in ticks])).tolist()
    for share, (_, name) in zip(shares, ticks, strict=True):
        x = f"{100 * share:.2f}%"
        anchor = "end" if share > 0.93 else "start" if share < 0.03 else "middle"
        drawn.append(element("line", x1=x, x2=x, y1="100%", y2="100%", class_="tick"))
        drawn.append(
            element("text", with_minus(name), x=x, y="100%", dy="1.5em", text_anchor=anchor)
        )
    return drawn


def _curve(curve: Curve, scales: tuple[Scale, Scale], across: str, few: bool) -> Markup:
    """One curve: its lines, its points if they are few, and those that stand between gaps."""
    series = curve.series
    lines = []
    for xs, ys in series.thinned(_MOST_POINTS).runs():
        right, down = _units(xs, ys, scales)
        points = [f"{x:.1f} {y:.1f}" for x, y in zip(right, down, strict=True)]
        lines.append(f"M{points[0]}" + ("L" + " ".join(points[1:]) if points[1:] else "h0"))
    parts = [element("path", d="".join(lines), class_="curve")]
    for xs, ys in series.thinned(_MOST_POINTS).runs():
        if len(series.ys) > _MOST_DOTS and len(xs) > 1:
            continue
        shy = "" if few or len(xs) == 1 else " shy"
        right, down = _units(xs, ys, scales)
        for x, y, at, value in zip(right, down, xs.tolist(), ys.tolist(), strict=True):
            told = element("title", f"{series.name}: {number(value)} at {number(at)} {across}")
            parts.append(element("path", told, d=f"M{x:.1f} {y:.1f}h0", class_=f"dot{shy}"))
    return element("g", *parts, class_=curve.style)


def _units(
    xs: NDArray[np.float64], ys: NDArray[np.float64], scales: tuple[Scale, Scale]
) -> tuple[list[float], list[float]]:
    right = np.clip(scales[0].at(xs), 0, 1) * _SIDE
    down = (1 - np.clip(scales[1].at(ys), 0, 1)) * _SIDE
    return right.tolist(), down.tolist()


def _gaps(curves: Sequence[Curve]) -> list[Markup]:
    """What a picture does not show, in words."""
    told = []
    for curve in curves:
        missing, count = int(np.sum(~np.isfinite(curve.series.ys))), len(curve.series.ys)
        if missing:
            name = element("bdi", curve.series.name)
            said = f": {missing:,} of {count:,} values are missing or not finite, a gap each."
            told.append(element("p", name, said, class_="note"))
        if count > _MOST_POINTS:
            said = (
                f"Of {count:,} points those are drawn that are seen: of every stretch the first, "
                "the last, the smallest and the largest."
            )
            told.append(element("p", said, class_="note"))
    return list(dict.fromkeys(told))


def _numbers(title: str, curves: Sequence[Curve], across: str) -> Markup:
    """The values as a table, for who does not see the picture or wants the numbers."""
    places = np.unique(_all(c.series.xs for c in curves))
    every = -(-len(places) // _MOST_ROWS)
    shown = places[::-1][::every][::-1].tolist()  # the last one too
    columns = [dict(zip(c.series.xs.tolist(), c.series.ys.tolist(), strict=True)) for c in curves]
    rows = [
        (Cell(number(x)), *(Cell(number(column.get(x, np.nan))) for column in columns))
        for x in shown
    ]
    head = [across, *(c.series.name for c in curves)]
    said = f", one in {every:,} of {len(places):,} rows" if every > 1 else ""
    made = table(f"{title}{said}", head, rows, numbers=True)
    summary = element("summary", "Numbers", element("span", f" of {title}", class_="unseen"))
    return element("details", summary, joined(made))
