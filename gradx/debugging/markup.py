"""Markup: the elements of HTML and SVG, of which all text is escaped in one place."""

from __future__ import annotations

import re
from html import escape

__all__ = ["Markup", "element", "joined"]

_EMPTY = frozenset({"img", "link", "meta"})
"""Elements of HTML that have no end."""
_NO_TEXT = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
"""What no file of HTML or SVG may hold, such as a byte of a path that is no UTF-8."""


class Markup(str):
    """Text that is markup already."""

    __slots__ = ()


def element(name: str, /, *parts: str, **attributes: object) -> Markup:
    """An element; its parts and attributes are escaped, unless they are markup.

    Args:
        name: of the element.
        parts: what is in it.
        attributes: by name; a `_` at the end does not count, the others stand for `-`.

    >>> element("b", "x < y", title='"')
    '<b title="&quot;">x &lt; y</b>'
    >>> element("meta", charset="utf-8")
    '<meta charset="utf-8">'
    """
    given = "".join(
        f' {key.strip("_").replace("_", "-")}="{_escaped(str(value))}"'
        for key, value in attributes.items()
    )
    if name in _EMPTY:
        return Markup(f"<{name}{given}>")
    return Markup(f"<{name}{given}>{joined(*parts)}</{name}>")


def joined(*parts: str) -> Markup:
    """Parts one after the other; what is no markup is escaped.

    >>> joined("a < ", element("b", "c"))
    'a &lt; <b>c</b>'
    """
    return Markup("".join(p if isinstance(p, Markup) else _escaped(p) for p in parts))


def _escaped(text: str) -> str:
    return _NO_TEXT.sub("\ufffd", escape(text))
