"""Parameters: those of a run as a tree, each with the distribution of its numbers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradx.debugging.markup import Markup, element, joined
from gradx.report.words import number

__all__ = ["tree"]

_BINS = 32
_HEIGHT = 40
_DEEPEST = 12
"""Parts of a path that open; what is deeper stands in one line."""
_MOST = 200
"""Parameters that are shown."""
_OPEN = 16
"""A part of no more parameters is open from the start."""


@dataclass
class _Node:
    """A part of the tree: an array, or parts by name, or both where paths are odd."""

    array: NDArray[Any] | None = None
    parts: dict[str, _Node] = field(default_factory=dict)

    def arrays(self) -> Iterator[NDArray[Any]]:
        """All arrays in it."""
        if self.array is not None:
            yield self.array
        for part in self.parts.values():
            yield from part.arrays()


def tree(key: str, tensors: Mapping[str, NDArray[Any]]) -> Markup:
    """Parameters as a tree that opens and closes.

    Args:
        key: names the tree among those of the page.
        tensors: the parameters by path.
    """
    root = _Node()
    for path, array in list(tensors.items())[:_MOST]:
        node = root
        for name in path.split(".", _DEEPEST - 1):
            node = node.parts.setdefault(name, _Node())
        node.array = array
    more = len(tensors) - _MOST
    told = [element("p", f"And {more:,} more.", class_="note")] if more > 0 else []
    return joined(_parts(key, "", root), *told)


def _parts(key: str, path: str, node: _Node) -> Markup:
    items = (_item(f"{key}-{i}", path, *part) for i, part in enumerate(node.parts.items()))
    return element("ul", *items, class_="tree")


def _item(key: str, above: str, name: str, node: _Node) -> Markup:
    path = f"{above}.{name}" if above else name
    own = [] if node.array is None else [_leaf(key, path, name, node.array)]
    if not node.parts:
        return element("li", *own)
    arrays = list(node.arrays())
    size = element("span", f" {_count(sum(x.size for x in arrays))}", class_="note")
    summary = element("summary", element("bdi", name), size)
    opened = {"open": ""} if len(arrays) <= _OPEN else {}
    return element("li", *own, element("details", summary, _parts(key, path, node), **opened))


def _count(count: int) -> str:
    return f"{count:,} parameter{'' if count == 1 else 's'}"


def _leaf(key: str, path: str, name: str, array: NDArray[Any]) -> Markup:
    """An array: its name, its shape, how its numbers are spread, in words and as a picture."""
    shape = " × ".join(map(str, array.shape)) or "a number"
    head = element(
        "p", element("bdi", name), element("span", f" {shape}, {array.dtype}", class_="note")
    )
    size = " of the absolute values" if array.dtype.kind == "c" else ""
    with np.errstate(all="ignore"):
        values = np.abs(array) if array.dtype.kind == "c" else array
        values = np.asarray(values, np.float64).reshape(-1)
        finite = values[np.isfinite(values)]
        if not finite.size:
            told = "no finite numbers" if array.size else "empty"
            return element("div", head, element("p", told, class_="note"), class_="leaf")
        mean, deviation = float(finite.mean()), float(finite.std())
    low, high = float(finite.min()), float(finite.max())
    told = f"{number(low)} to {number(high)}, mean {number(mean)}, deviation {number(deviation)}"
    missing = array.size - finite.size
    bad = [element("p", f"{missing:,} are not finite", class_="bad")] if missing else []
    picture = _histogram(key, f"Histogram{size} of {path}", finite, (low, high), told)
    ends = element("span", element("span", number(low)), element("span", number(high)))
    drawn = element("div", picture, ends, class_="spread")
    text = element("div", head, element("p", f"{told}{size}", class_="note"), *bad)
    return element("div", text, drawn, class_="leaf")


def _histogram(
    key: str, title: str, finite: NDArray[np.float64], ends: tuple[float, float], told: str
) -> Markup:
    """The counts of values in ranges of equal width, as bars."""
    low, high = ends
    unit = max(abs(low), abs(high)) or 1.0  # the difference of two floats may overflow
    span = (low / unit, high / unit) if high > low else (low / unit - 0.5, low / unit + 0.5)
    if span[1] - span[0] < 1e-9:
        span = (span[0] - 0.5, span[1] + 0.5)
    counts = np.histogram(finite / unit, _BINS, span)[0]
    heights = counts / counts.max() * _HEIGHT
    bars = [
        element("rect", x=i, y=f"{_HEIGHT - h:.1f}", width="0.9", height=f"{max(h, 0.6):.1f}")
        for i, h in enumerate(heights.tolist())
        if h
    ]
    return element(
        "svg",
        element("title", title, id=f"{key}-title"),
        element("desc", f"{finite.size:,} numbers, {told}.", id=f"{key}-desc"),
        *bars,
        viewBox=f"0 0 {_BINS} {_HEIGHT}",
        preserveAspectRatio="none",
        role="img",
        aria_labelledby=f"{key}-title",
        aria_describedby=f"{key}-desc",
        class_="histogram",
    )
