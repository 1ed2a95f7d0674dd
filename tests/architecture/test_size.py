"""No file over 500 lines, no function over 60."""

import ast

import pytest

from tests.architecture.sources import (
    FOLDERS,
    ROOT,
    FunctionNode,
    assert_none,
    functions,
    python_files,
)

# The software device is a program of its own, mostly C++; the limits are for gradx.
EXEMPT = "tests/softcuda/"

FILE_LIMIT = 500
FUNCTION_LIMIT = 60


def function_length(node: FunctionNode) -> int:
    """Lines from ``def`` to the end, its own docstring not counted: documenting costs nothing."""
    length = node.end_lineno - node.lineno + 1
    if ast.get_docstring(node, clean=False) is not None:
        docstring = node.body[0]
        length -= docstring.end_lineno - docstring.lineno + 1
    return length


def too_long(source: str, file_limit: int, function_limit: int) -> list[str]:
    """What is over a limit in this text."""
    lines = source.count("\n")
    found = [f"{lines} lines"] if lines > file_limit else []
    for node in functions(ast.parse(source)):
        length = function_length(node)
        if length > function_limit:
            found.append(f"line {node.lineno}: {node.name} has {length} lines")
    return found


@pytest.mark.parametrize("folder", [name for name in FOLDERS if (ROOT / name).is_dir()])
def test_files_and_functions_are_short(folder):
    found = [
        f"{path.relative_to(ROOT)}: {what}"
        for path in python_files(folder)
        if not path.relative_to(ROOT).as_posix().startswith(EXEMPT)
        for what in too_long(path.read_text(encoding="utf-8"), FILE_LIMIT, FUNCTION_LIMIT)
    ]
    assert_none(found)


def test_files_of_c_are_short():
    sources = [path for path in (ROOT / "gradx").rglob("*.[ch]") if path.is_file()]
    counts = {path.name: path.read_text(encoding="utf-8").count("\n") for path in sources}
    assert counts, "where has the C code gone?"
    assert_none(f"{name}: {n} lines" for name, n in counts.items() if n > FILE_LIMIT)


FIVE_LINES = """def f(x):
    '''Doc.

    More.'''
    return x
"""


def test_a_long_file_is_found():
    assert too_long(FIVE_LINES, 5, 60) == []
    assert too_long(FIVE_LINES, 4, 60) == ["5 lines"]


def test_a_long_function_is_found_and_its_docstring_is_free():
    assert too_long(FIVE_LINES, 500, 2) == []
    assert too_long(FIVE_LINES, 500, 1) == ["line 1: f has 2 lines"]


def test_methods_nested_and_async_functions_are_measured():
    source = (
        "class C:\n    async def m(self):\n        def inner():\n            pass\n        pass\n"
    )
    assert too_long(source, 500, 1) == [
        "line 2: m has 4 lines",
        "line 3: inner has 2 lines",
    ]
