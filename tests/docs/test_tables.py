"""The tables from other libraries' names to gradx's: their names exist, and their examples run."""

import doctest
import importlib
import re
import types

import pytest

import gradx as gx
import gradx.hmatrix
from tests.docs.blocks import FLAGS
from tests.docs.tables import code_of, documents, examples_of, namespace_of, rows_of, text_of

DOCUMENTS = documents()
ROWS = {name: list(rows_of(text_of(name))) for name in DOCUMENTS}
EXAMPLES = [
    pytest.param(name, source, wanted, id=f"{name}-{(code_of(cells[0]) or cells)[0]}-{i}")
    for name in DOCUMENTS
    for _, cells in ROWS[name]
    for i, (source, wanted) in enumerate(examples_of(cells))
]


@pytest.fixture(scope="module")
def namespaces():
    """Makes the namespace of a document once."""
    found = {}

    def of(name):
        if name not in found:
            with namespace_of(text_of(name)) as names:
                found[name] = names
        return found[name]

    return of


def test_the_documents_are_found():
    wanted = {f"from-{name}.md" for name in ("haskell", "autograd", "jax", "pytorch")}
    assert wanted <= set(DOCUMENTS)
    assert len(EXAMPLES) > 150


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_row_has_an_example_or_a_reason(name):
    short = [cells for _, cells in ROWS[name] if len(cells) != 3 or not all(cells)]
    assert short == []
    neither = [cells for _, cells in ROWS[name] if not examples_of(cells) and len(cells[2]) < 8]
    assert neither == []


def part_of_gradx(path):
    """What a dotted path after ``gx`` names; None if there is no such thing."""
    part = gx
    for name in path.split("."):
        if isinstance(part, types.ModuleType) and not hasattr(part, name):
            try:
                importlib.import_module(f"{part.__name__}.{name}")
            except ModuleNotFoundError:
                return None
        part = getattr(part, name, None)
        if part is None or isinstance(part, gx.Lens):  # what follows is a path into a value
            break
    return part


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_name_of_gradx_exists(name):
    for _, cells in ROWS[name]:
        there = not cells[2].startswith("not yet")
        text = " ".join(cells) if there else cells[1]
        for path in re.findall(r"\bgx\.([\w.]*\w)", text):
            assert (part_of_gradx(path) is not None) is there, f"gx.{path}: " + (
                "no such name" if there else "is there now; write its row"
            )


@pytest.mark.parametrize(("name", "source", "wanted"), EXAMPLES)
def test_the_example_gives_what_it_says(name, source, wanted, namespaces):
    given = repr(eval(source, dict(namespaces(name))))
    assert doctest.OutputChecker().check_output(f"{wanted}\n", f"{given}\n", FLAGS), given


# ---- the tester, tested ------------------------------------------------------------------------


def test_rows_are_read():
    header = "| Haskell | gradx | example, or why there is none |"
    row = "| `a`, `b` | `gx.one` | `1` gives `1` |"
    text = f"## One\n\n{header}\n|---|---|---|\n{row}\n\n| `c` | x | y |\n"
    assert list(rows_of(text)) == [("One", ["`a`, `b`", "`gx.one`", "`1` gives `1`"])]
    assert examples_of(["", "", "`1` gives `1`; `2` gives `3`"]) == [("1", "1"), ("2", "3")]


def test_a_name_that_does_not_exist():
    assert part_of_gradx("grad") is gx.grad
    assert part_of_gradx("hmatrix.no") is part_of_gradx("no_such_name") is None


def test_every_function_of_hmatrix_is_in_its_table():
    named = {code for _, cells in ROWS["hmatrix.md"] for code in code_of(cells[1])}
    assert named == {f"hm.{name}" for name in gx.hmatrix.__all__}
