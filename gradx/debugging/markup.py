"""Markup: the elements of HTML and SVG, of which all text is escaped in one place."""

from __future__ import annotations

from html import escape

__all__ = ["Markup", "element"]


class Markup(str):
    """Text that is markup already."""

    __slots__ = ()


def element(name: str, *parts: str, **attributes: object) -> Markup:
    """An element; its parts and attributes are escaped, unless they are markup.

    >>> element("b", "x < y", title='"')
    '<b title="&quot;">x &lt; y</b>'
    """
    given = "".join(
        f' {key.strip("_").replace("_", "-")}="{escape(str(value))}"'
        for key, value in attributes.items()
    )
    inside = "".join(part if isinstance(part, Markup) else escape(part) for part in parts)
    return Markup(f"<{name}{given}>{inside}</{name}>")
