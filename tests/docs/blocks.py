"""Finds the blocks of Python and of commands in Markdown documents, and runs them."""

import contextlib
import doctest
import io
import os
import re
import shlex
import sys
import textwrap
import types
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from unittest import mock

from gradx.cli.app import run

FENCE = re.compile(r"^ *(?P<ticks>`{3,}|~{3,}) *(?P<language>[\w+-]*)")
PYTHON = frozenset({"python", "py", "pycon", "python3"})
CONSOLE = "console"
FILE = re.compile(r"# (?P<name>\w+\.py)\b")
FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


@dataclass(frozen=True)
class Block:
    """A fenced block: its text, the line that it starts at, from 1, and its language."""

    text: str
    line: int
    language: str = "python"

    @property
    def file(self) -> str | None:
        """The file that it shows, whose name stands in its first line."""
        found = FILE.match(self.text)
        return None if found is None else found["name"]

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
    return (block for block in blocks(document) if block.language == "python")


def blocks(document: str) -> Iterator[Block]:
    """The blocks of Python and of commands, in order.

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
        language = opening["language"].lower()
        if language in PYTHON or language == CONSOLE:
            text = textwrap.dedent("\n".join(body)) + "\n"
            yield Block(text, number + 1, "python" if language in PYTHON else CONSOLE)


def run_document(document: str, name: str) -> None:
    """Runs all blocks of the document in order, the Python ones in one namespace.

    Sessions are compared as doctests. A block whose first line names a file is written to it in the
    current folder, too, where the commands of gradx find it.

    Raises:
        AssertionError: a session, or a command, shows something else than what the code gives.
        Exception: whatever a block raises.
    """
    module = types.ModuleType("__document__")
    sys.modules[module.__name__] = module  # dataclasses look their module up
    try:
        for block in blocks(document):
            if block.file is not None:
                Path(block.file).write_text(block.text, encoding="utf-8")
            if block.language == CONSOLE:
                _run_commands(block, name)
            elif block.is_session:
                _run_session(block, name, vars(module))
            else:
                padded = "\n" * (block.line - 1) + block.text
                exec(compile(padded, name, "exec"), vars(module))
    finally:
        del sys.modules[module.__name__]


def _run_session(block: Block, name: str, namespace: dict[str, object]) -> None:
    parser = doctest.DocTestParser()
    run_doctest(parser.get_doctest(block.text, namespace, name, name, block.line - 1), namespace)


def _run_commands(block: Block, name: str) -> None:
    """Runs the commands ``$ gradx …`` of a block, and compares what they print.

    A block that has other commands, too, is left alone.
    """
    if set(re.findall(r"^\$ (\S+)", block.text, re.MULTILINE)) != {"gradx"}:
        return
    shown = re.split(r"^\$ (?=gradx )", block.text, flags=re.MULTILINE)[1:]
    for each in shown:
        command, _, expected = each.partition("\n")
        printed = _printed(shlex.split(command, comments=True)[1:])
        same = re.fullmatch(_pattern(expected), printed)
        assert same, f"{name}, line {block.line}: $ {command}\nprints\n{printed}\nnot\n{expected}"


def _printed(arguments: list[str]) -> str:
    """What a command prints, on both streams; it is run in the current folder."""
    both, before = io.StringIO(), set(sys.modules)
    with (
        mock.patch.dict(os.environ, COLUMNS="80"),
        contextlib.redirect_stdout(both),
        contextlib.redirect_stderr(both),
    ):
        run(arguments)
    here = str(Path.cwd())
    for module in set(sys.modules) - before:  # those of the document
        if (getattr(sys.modules[module], "__file__", None) or "").startswith(here):
            del sys.modules[module]
    return both.getvalue()


def _pattern(expected: str) -> str:
    """What a text matches in which ``…`` stands for anything, or in a line of its own for lines."""
    return "".join(
        r"(?:[^\n]*\n)*?"
        if line.strip() == "…"
        else r"[^\n]*".join(map(re.escape, line.split("…"))) + "\n"
        for line in expected.splitlines()
    )


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
