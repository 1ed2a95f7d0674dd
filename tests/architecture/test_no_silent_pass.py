"""No test passes by leaving early: what does not apply is parametrised, assumed or skipped."""

import ast
from collections.abc import Iterator, Mapping

import pytest

from tests.architecture.sources import (
    ROOT,
    FunctionNode,
    Module,
    assert_none,
    functions,
    python_files,
    synthetic,
)

# Those that hold more than their tests need: the software CUDA device is a program of its own.
OTHER_PROGRAMS = "tests/softcuda/"
NOTHING = (ast.Pass, ast.Continue, ast.Return)


def own_nodes(node: ast.AST) -> Iterator[ast.AST]:
    """All nodes of a function but those of functions and classes inside it."""
    for child in ast.iter_child_nodes(node):
        if not isinstance(child, FunctionNode | ast.Lambda | ast.ClassDef):
            yield child
            yield from own_nodes(child)


def is_empty(value: ast.expr | None) -> bool:
    return value is None or (isinstance(value, ast.Constant) and value.value is None)


def silent_passes(modules: Mapping[str, Module]) -> Iterator[str]:
    """Places in tests, and in the ``check_`` functions they call, at which one ends in silence.

    That is a ``return`` without a value, and an ``except`` that does nothing about what it caught.
    """
    for module in modules.values():
        for function in functions(module.tree):
            if not function.name.startswith(("test_", "check_")):
                continue
            for node in own_nodes(function):
                place = f"{module.name}, {function.name}, line {getattr(node, 'lineno', 0)}"
                if isinstance(node, ast.Return) and is_empty(node.value):
                    yield f"{place}: returns early; use assume, pytest.skip or parametrize"
                if isinstance(node, ast.ExceptHandler) and all(
                    isinstance(statement, NOTHING) for statement in node.body
                ):
                    yield f"{place}: passes over an exception; use pytest.raises"


def modules_of_tests() -> dict[str, Module]:
    texts = {str(path.relative_to(ROOT)): path for path in python_files("tests")}
    return {
        name: Module(name, path.read_text(encoding="utf-8"))
        for name, path in texts.items()
        if not name.startswith(OTHER_PROGRAMS)
    }


def test_no_test_passes_in_silence():
    modules = modules_of_tests()
    assert len(modules) > 100
    assert_none(silent_passes(modules))


@pytest.mark.parametrize(
    "text",
    [
        "def test_x():\n    if a:\n        return\n    assert b",
        "def test_x():\n    if a:\n        return None\n    assert b",
        "def check_x():\n    for a in b:\n        return",
        "class TestX:\n    def test_x(self):\n        return",
        "def test_x():\n    try:\n        f()\n    except E:\n        pass",
        "def test_x():\n    for a in b:\n        try: f()\n        except E: continue",
    ],
)
def test_a_silent_pass_is_found(text):
    assert len(list(silent_passes(synthetic({"m": text})))) == 1


@pytest.mark.parametrize(
    "text",
    [
        "def test_x():\n    def f():\n        return\n    assert f() is None",
        "def helper():\n    return",
        "def check_x():\n    return 1",
        "def test_x():\n    try:\n        f()\n    except E as e:\n        assert e",
    ],
)
def test_what_is_not_silent_passes(text):
    assert list(silent_passes(synthetic({"m": text}))) == []
