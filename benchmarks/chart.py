"""Chart: ratios as dots on a logarithmic axis, a line a workload, written as SVG by hand.

A drawing this small needs no plotting library, and comes out the same everywhere.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from xml.sax.saxutils import escape

from benchmarks.statistics import Figure
from benchmarks.workload import BASELINE

# A family of ways, its colour and its mark: variants of one library share them, in outline.
FAMILIES = (
    ("gradx", "#c2185b", "●"),
    ("numpy", "#616161", "●"),
    ("optimised", "#212121", "▲"),
    ("numba", "#00838f", "▲"),
    ("torch.compile", "#ef6c00", "▲"),
    ("torch", "#ef6c00", "●"),
    ("jax.jit", "#1565c0", "▲"),
    ("jax", "#1565c0", "●"),
    ("autograd", "#2e7d32", "●"),
    ("mygrad", "#6a1b9a", "●"),
    ("advect", "#795548", "●"),
)
TICKS = (0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50)
LEFT, RIGHT, TOP, LINE, WIDTH = 150, 30, 92, 44, 860


def chart(ratios: Mapping[str, Mapping[str, Figure]], title: str) -> str:
    """The chart as an SVG document.

    Args:
        ratios: for each workload, the ratio of each way; workloads without any are left out.
        title: what the axis shows.
    """
    present = {name: ways for name, ways in ratios.items() if ways}
    everything = [f.median for ways in present.values() for f in ways.values()] or [1.0]
    axis = _Axis(min(0.2, *everything), max(2.0, *everything))
    height = TOP + LINE * len(present) + 24
    body = [*_grid(axis, height, title), *_legend(present)]
    for index, (name, ways) in enumerate(present.items()):
        body += _line(axis, TOP + LINE * (index + 0.5), name, ways)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" '
        f'font-family="sans-serif" font-size="13" role="img" aria-label="{escape(title)}">\n'
        f'<rect width="{WIDTH}" height="{height}" fill="#ffffff"/>\n'
        + "\n".join(body)
        + "\n</svg>\n"
    )


class _Axis:
    """From a ratio to a place on the logarithmic axis."""

    def __init__(self, low: float, high: float) -> None:
        self.low, self.high = math.log(low / 1.2), math.log(high * 1.2)

    def __call__(self, ratio: float) -> float:
        share = (math.log(ratio) - self.low) / (self.high - self.low)
        return LEFT + share * (WIDTH - LEFT - RIGHT)

    def ticks(self) -> Iterator[float]:
        return (tick for tick in TICKS if self.low <= math.log(tick) <= self.high)


def _grid(axis: _Axis, height: int, title: str) -> Iterator[str]:
    yield _text(LEFT, 18, f"{title} (left is faster)", "#212121", weight="bold")
    for tick in axis.ticks():
        x, colour = axis(tick), "#9e9e9e" if tick == 1 else "#e0e0e0"
        yield f'<path d="M{x:.1f} {TOP - 8}V{height - 16}" stroke="{colour}"/>'
        yield _text(x, TOP - 12, f"{tick:g}", "#616161", anchor="middle")


def _line(axis: _Axis, y: float, name: str, ways: Mapping[str, Figure]) -> Iterator[str]:
    yield _text(LEFT - 12, y + 4, name, "#212121", anchor="end")
    yield f'<path d="M{LEFT} {y:.1f}H{WIDTH - RIGHT}" stroke="#eeeeee"/>'
    # gradx is drawn last, on top of what is as fast.
    for way, ratio in sorted(ways.items(), key=lambda item: item[0].startswith("gradx")):
        family, colour, mark = _family(way)
        x = axis(ratio.median)
        yield (
            f'<path d="M{axis(ratio.low):.1f} {y:.1f}H{axis(ratio.high):.1f}" stroke="{colour}" '
            f'stroke-width="2" opacity="0.4"/>'
        )
        fill = colour if way == family else "#ffffff"
        size = 7 if family == "gradx" else 5
        label = f"{name}, {way}: {ratio.median:.2f} ({ratio.low:.2f}–{ratio.high:.2f})"
        yield f"<g><title>{escape(label)}</title>{_mark(mark, x, y, size, fill, colour)}</g>"


def _legend(present: Mapping[str, Mapping[str, Figure]]) -> Iterator[str]:
    ways = {way for each in present.values() for way in each}
    x, y = LEFT, 40
    for family, colour, mark in FAMILIES:
        if not any(_family(way)[0] == family for way in ways):
            continue
        label = "numpy by hand" if family == BASELINE else family
        yield _mark(mark, x + 5, y - 4, 5, colour, colour) + _text(x + 15, y, label, "#212121")
        x += 34 + 7 * len(label)
        if x > WIDTH - 130:
            x, y = LEFT, y + 18
    yield _mark("●", x + 5, y - 4, 5, "#ffffff", "#616161") + _text(
        x + 15, y, "outline: in place, or another variant", "#616161"
    )


def _family(way: str) -> tuple[str, str, str]:
    for family in FAMILIES:
        if way == family[0] or way.startswith(family[0] + " "):
            return family
    return way, "#616161", "●"


def _mark(mark: str, x: float, y: float, size: float, fill: str, stroke: str) -> str:
    paint = f'fill="{fill}" stroke="{stroke}" stroke-width="1.5"'
    if mark == "●":
        return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{size}" {paint}/>'
    return (
        f'<path d="M{x:.1f} {y - size:.1f}L{x + size:.1f} {y + size:.1f}H{x - size:.1f}Z" {paint}/>'
    )


def _text(
    x: float, y: float, text: str, colour: str, anchor: str = "start", weight: str = "normal"
) -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" fill="{colour}" text-anchor="{anchor}" '
        f'font-weight="{weight}">{escape(text)}</text>'
    )
