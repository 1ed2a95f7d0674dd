"""Chart: ratios as dots on a logarithmic axis, a line a workload, written as SVG by hand.

A drawing this small needs no plotting library, and comes out the same everywhere.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from xml.sax.saxutils import escape

from benchmarks.statistics import Figure
from benchmarks.workload import BASELINE


@dataclass(frozen=True)
class Family:
    """The ways of one library: their colour and mark; variants are drawn in outline."""

    name: str
    colour: str
    mark: str = "circle"


OTHER = Family("others", "#616161")
FAMILIES = (
    Family(BASELINE, "#616161"),
    Family("gradx", "#c2185b"),
    Family("optimised", "#212121", "triangle"),
    Family("numba", "#00838f", "triangle"),
    Family("torch", "#ef6c00"),
    Family("torch.compile", "#ef6c00", "triangle"),
    Family("jax", "#1565c0"),
    Family("jax.jit", "#1565c0", "triangle"),
    Family("jax.lax.scan", "#1565c0", "triangle"),
    Family("autograd", "#2e7d32"),
    Family("mygrad", "#6a1b9a"),
    Family("advect", "#795548"),
    OTHER,
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
    figures = [figure for ways in present.values() for figure in ways.values()]
    axis = _Axis(min([0.2, *(f.low for f in figures)]), max([2.0, *(f.high for f in figures)]))
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
        family = family_of(way)
        x = axis(ratio.median)
        paint = f'stroke="{family.colour}" stroke-width="2" opacity="0.4"'
        yield f'<path d="M{axis(ratio.low):.1f} {y:.1f}H{axis(ratio.high):.1f}" {paint}/>'
        size = 7 if family.name == "gradx" else 5
        label = f"{name}, {way}: {ratio.median:.2f} ({ratio.low:.2f}–{ratio.high:.2f})"
        mark = _mark(family, x, y, size, filled=way == family.name)
        yield f"<g><title>{escape(label)}</title>{mark}</g>"


def _legend(present: Mapping[str, Mapping[str, Figure]]) -> Iterator[str]:
    ways = {way for each in present.values() for way in each}
    x, y = LEFT, 40
    for family in FAMILIES:
        if not any(family_of(way) is family for way in ways):
            continue
        label = "numpy by hand" if family.name == BASELINE else family.name
        yield _mark(family, x + 5, y - 4, 5, filled=True) + _text(x + 15, y, label, "#212121")
        x += 34 + 7 * len(label)
        if x > WIDTH - 130:
            x, y = LEFT, y + 18
    yield _mark(OTHER, x + 5, y - 4, 5, filled=False)
    yield _text(x + 15, y, "outline: in place, or another variant", "#616161")


def family_of(way: str) -> Family:
    """The library that a way belongs to."""
    for family in FAMILIES:
        if way == family.name or way.startswith(family.name + " "):
            return family
    return OTHER


def _mark(family: Family, x: float, y: float, size: float, filled: bool) -> str:
    fill = family.colour if filled else "#ffffff"
    paint = f'fill="{fill}" stroke="{family.colour}" stroke-width="1.5"'
    if family.mark == "circle":
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
