"""Finds the Python blocks of Markdown documents, and runs them."""

import doctest
import io
import re
import sys
import textwrap
import types
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

FENCE = re.compile(r"^ *(?P<ticks>`{3,}|~{3,}) *(?P<language>[\w+-]*)")
PYTHON = frozenset({"python", "py", "pycon", "python3"})
FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


@dataclass(frozen=True)
class Block:
    """A fenced Python block: its text and the line of the document that it starts at, from 1."""

    text: str
    line: int

    @property
    def is_session(self) -> bool:
        """Whether it shows an interpreter session, with results to compare."""
        return re.search(r"^>>> ", self.text, re.MULTILINE) is not None


class UnclosedFenceError(Exception):
    """A document ends inside a fenced block."""


def python_blocks(document: str) -> Iterator[Block]:
    """The Python blocks of a document, in order.

    Raises:
        UnclosedFenceError: a block has no end.
    """
    lines = iter(enumerate(document.splitlines(), start=1))
    for number, line in lines:
        opening = FENCE.match(line)
        if opening is None:
            continue
        body = []
        for _, inner in lines:
            if re.fullmatch(rf" *{opening['ticks']}{opening['ticks'][0]}* *", inner):
                break
            body.append(inner)
        else:
            raise UnclosedFenceError(f"the block that starts in line {number} has no end")
        if opening["language"].lower() in PYTHON:
            yield Block(textwrap.dedent("\n".join(body)) + "\n", number + 1)


def run_document(document: str, name: str) -> None:
    """Runs all Python blocks of the document in one namespace; sessions are compared as doctests.

    Raises:
        AssertionError: a session shows something else than what the code gives.
        Exception: whatever a block raises.
    """
    module = types.ModuleType("__document__")
    sys.modules[module.__name__] = module  # dataclasses look their module up
    try:
        for block in python_blocks(document):
            if block.is_session:
                _run_session(block, name, vars(module))
            else:
                padded = "\n" * (block.line - 1) + block.text
                exec(compile(padded, name, "exec"), vars(module))
    finally:
        del sys.modules[module.__name__]


def _run_session(block: Block, name: str, namespace: dict[str, object]) -> None:
    parser = doctest.DocTestParser()
    run_doctest(parser.get_doctest(block.text, namespace, name, name, block.line - 1), namespace)


def run_doctest(test: doctest.DocTest, namespace: dict[str, object] | None = None) -> None:
    """Runs one doctest; the names that it defines go into the namespace, if one is given.

    Raises:
        AssertionError: with doctest's own report, when a result differs.
    """
    report = io.StringIO()
    runner = doctest.DocTestRunner(optionflags=FLAGS, verbose=False)
    runner.run(test, out=report.write, clear_globs=False)
    if namespace is not None:
        namespace.update(test.globs)
    assert not runner.summarize(verbose=False).failed, report.getvalue()


def relative(path: Path, root: Path) -> str:
    return path.relative_to(root).as_posix()
