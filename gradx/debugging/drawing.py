"""Drawing: boxes with labels in layers, and lines between them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from gradx.debugging.markup import Markup, element

__all__ = ["Box", "drawn", "laid_out"]

CHARACTER = 7.3
"""The width of a character of the font in pixels, rounded up: see the test in a browser's font."""
LINE = 15
PADDING = 8
GAP = 18
STEP = 34
"""Pixels between two layers."""


class Box(NamedTuple):
    """A box of a drawing.

    Attributes:
        x: of its left edge.
        y: of its upper edge.
        width: in pixels.
        height: in pixels.
        labels: its lines of text.
    """

    x: float
    y: float
    width: float
    height: float
    labels: tuple[str, ...]


def laid_out(
    labels: Sequence[tuple[str, ...]], links: Sequence[Sequence[int]], widest: float = 1200
) -> list[Box]:
    """Boxes in layers: each below those that it depends on; no two of them overlap.

    Args:
        labels: the lines of text of each box.
        links: for each box those that it depends on; only earlier ones count for its layer.
        widest: pixels at which a layer goes on in another row.
    """
    boxes: dict[int, Box] = {}
    y = float(GAP)
    for layer in _layers(links):
        x, height = float(GAP), 0.0
        wanted = {i: _wanted(labels[i], [boxes[j] for j in links[i] if j in boxes]) for i in layer}
        for i in sorted(layer, key=lambda i: (wanted[i], i)):
            wide = _width(labels[i])
            left = max(x, wanted[i])
            if left + wide > widest:
                left = x
            if x > GAP and left + wide > widest:
                left, y, height = float(GAP), y + height + GAP, 0.0
            high = len(labels[i]) * LINE + 2 * PADDING
            boxes[i] = Box(left, y, wide, high, labels[i])
            x, height = left + wide + GAP, max(height, high)
        y += height + STEP
    return [boxes[i] for i in range(len(labels))]


def _layers(links: Sequence[Sequence[int]]) -> list[list[int]]:
    """The boxes by layers; what depends on nothing stands right above its first use."""
    depth: list[int] = []
    first_use: dict[int, int] = {}
    for i, before in enumerate(links):
        earlier = [j for j in before if j < i]
        depth.append(1 + max((depth[j] for j in earlier), default=-1))
        for j in earlier:
            first_use[j] = min(depth[i], first_use.get(j, depth[i]))
    layers: list[list[int]] = [[] for _ in range(max(depth, default=-1) + 1)]
    for i, before in enumerate(links):
        layers[depth[i] if before else first_use.get(i, 1) - 1].append(i)
    return layers


def _width(labels: tuple[str, ...]) -> float:
    return max(map(len, labels)) * CHARACTER + 2 * PADDING


def _wanted(labels: tuple[str, ...], above: Sequence[Box]) -> float:
    """The left edge of a box that stands in the middle below those that it depends on."""
    if not above:
        return GAP
    middle = sum(box.x + box.width / 2 for box in above) / len(above)
    return max(float(GAP), middle - _width(labels) / 2)


def drawn(
    labels: Sequence[tuple[str, ...]], links: Sequence[Sequence[int]], **attributes: object
) -> Markup:
    """The drawing, as an element of SVG.

    Args:
        labels: the lines of text of each box.
        links: for each box those that it depends on; a later one is of the loop's last round.
        attributes: those of the whole element.
    """
    boxes = laid_out(labels, links)
    width = max((box.x + box.width for box in boxes), default=0) + GAP
    height = max((box.y + box.height for box in boxes), default=0) + GAP
    lines = [_line(boxes[j], boxes[i]) for i, before in enumerate(links) for j in before if j < i]
    style = {"font_family": "monospace", "font_size": 12}
    size = {"width": f"{width:.0f}", "height": f"{height:.0f}"}
    return element("svg", *lines, *map(_box, boxes), **size, **style, **attributes)


def _line(a: Box, b: Box) -> Markup:
    ends = {"x1": a.x + a.width / 2, "y1": a.y + a.height, "x2": b.x + b.width / 2, "y2": b.y}
    return element("line", **{k: f"{v:.1f}" for k, v in ends.items()}, stroke="#999")


def _box(box: Box) -> Markup:
    size = {"x": f"{box.x:.1f}", "y": f"{box.y:.1f}", "height": f"{box.height:.1f}"}
    frame = element("rect", **size, width=f"{box.width:.1f}", rx=4, fill="#fff", stroke="#555")
    texts = [
        element(
            *("text", label),
            x=f"{box.x + PADDING:.1f}",
            y=f"{box.y + PADDING + LINE * (i + 0.75):.1f}",
            fill="#111",
        )
        for i, label in enumerate(box.labels)
    ]
    return element("g", frame, *texts)
