"""Finds the tables of a document that leads from another library, and their examples.

Such a table has three columns: the other library's names, gradx's, and an example (```code` gives
`result```) or the reason why there is none. A row that starts with "not yet" is about something
that gradx does not have.
"""

import re
import sys
import types
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.architecture.sources import ROOT
from tests.docs.blocks import python_blocks

HEADER = re.compile(r"\| [\w.' ]+ \| [\w.]+ \| example, or why there is none \|")


def text_of(name: str) -> str:
    """The text of a document of ``docs/``."""
    return (ROOT / "docs" / name).read_text(encoding="utf-8")


def documents() -> list[str]:
    """The names of the documents that have such tables."""
    return [
        path.name
        for path in sorted(Path(ROOT / "docs").glob("*.md"))
        if any(HEADER.fullmatch(line) for line in text_of(path.name).splitlines())
    ]


def rows_of(document: str) -> Iterator[tuple[str, list[str]]]:
    """The rows of the tables: the heading above, and the three cells."""
    heading, inside = "", False
    for line in document.splitlines():
        if line.startswith("## "):
            heading = line.removeprefix("## ")
        is_header = HEADER.fullmatch(line) is not None
        inside = is_header or (inside and line.startswith("|"))
        if inside and not is_header and not line.startswith("|---"):
            yield heading, [cell.strip() for cell in line.strip("|").split(" | ")]


def code_of(cell: str) -> list[str]:
    """What a cell has as code."""
    return re.findall(r"`([^`]+)`", cell)


def examples_of(cells: list[str]) -> list[tuple[str, str]]:
    """The examples of a row: code and the result it gives."""
    return re.findall(r"`([^`]+)` gives `([^`]+)`", cells[2])


@contextmanager
def namespace_of(document: str) -> Iterator[dict[str, object]]:
    """What the first block of a document defines."""
    module = types.ModuleType("__document__")
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, module.__name__, module)  # dataclasses look it up
        exec(next(python_blocks(document)).text, vars(module))
        yield vars(module)
