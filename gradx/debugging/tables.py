"""Tables of text, and numbers as people read them."""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["bytes_as_text", "table"]


def table(head: Sequence[str], rows: Sequence[Sequence[str]], right: Sequence[str] = ()) -> str:
    """Columns side by side, two blanks between them.

    Args:
        head: the names of the columns.
        rows: the cells.
        right: the columns that stand to the right, as numbers do.
    """
    widths = [max(map(len, column)) for column in zip(head, *rows, strict=True)]
    lines = []
    for row in (head, *rows):
        cells = [
            cell.rjust(width) if name in right else cell.ljust(width)
            for cell, width, name in zip(row, widths, head, strict=True)
        ]
        lines.append("  ".join(cells).rstrip())
    return "\n".join(lines)


def bytes_as_text(count: int) -> str:
    """A number of bytes in the unit that fits it.

    >>> bytes_as_text(0), bytes_as_text(800), bytes_as_text(1_568_000)
    ('0 B', '800 B', '1.6 MB')
    """
    size, units = float(count), ["B", "kB", "MB", "GB", "TB"]
    while size >= 1000 and len(units) > 1:
        size /= 1000
        units.pop(0)
    return f"{size:.0f} {units[0]}" if units[0] == "B" else f"{size:.1f} {units[0]}"
