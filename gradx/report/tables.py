"""Tables of a page: with a caption, and headings that belong to their rows and columns."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from gradx.debugging.markup import Markup, element

__all__ = ["Cell", "table"]


class Cell(NamedTuple):
    """A cell of a table.

    Attributes:
        content: its text, or markup.
        style: its class; none where it is empty.
    """

    content: str
    style: str = ""


def table(
    caption: str,
    head: Sequence[str],
    rows: Sequence[Sequence[Cell]],
    *,
    numbers: bool = False,
    style: str = "",
    row_styles: Sequence[str] = (),
) -> Markup:
    """A table that scrolls for itself where it is wider than the page, by keyboard too.

    Args:
        caption: what it shows.
        head: the names of the columns.
        rows: the cells; the first of a row is its heading.
        numbers: all cells but the headings of rows are numbers.
        style: a class.
        row_styles: classes of the first rows.
    """
    columns = [element("th", _alone(name), scope="col") for name in head]
    body = [_row(row, "".join(row_styles[i : i + 1])) for i, row in enumerate(rows)]
    made = element(
        "table",
        element("caption", caption),
        element("thead", element("tr", *columns)),
        element("tbody", *body),
        **_class(" ".join(filter(None, ["numbers" if numbers else "", style]))),
    )
    return element("div", made, class_="wide", role="region", aria_label=caption, tabindex=0)


def _row(cells: Sequence[Cell], style: str) -> Markup:
    first, *others = cells
    made = [element("th", _alone(first.content), scope="row", **_class(first.style))]
    made += [element("td", _alone(cell.content), **_class(cell.style)) for cell in others]
    return element("tr", *made, **_class(style))


def _alone(text: str) -> Markup:
    """A text from elsewhere, whose direction of writing changes nothing around it."""
    return text if isinstance(text, Markup) else element("bdi", text)


def _class(style: str) -> dict[str, object]:
    return {"class_": style} if style else {}
