"""Every exception class of gradx has a test that matches its text."""

import ast
import importlib
from collections.abc import Iterable

from tests.architecture.sources import assert_none, package_modules, python_files


def exception_classes() -> set[str]:
    """Names of all exception classes that gradx's modules define."""
    found = set()
    for name in package_modules("gradx"):
        if name.endswith("__main__"):
            continue
        for value in vars(importlib.import_module(name)).values():
            is_error = isinstance(value, type) and issubclass(value, BaseException)
            if is_error and value.__module__.partition(".")[0] == "gradx":
                found.add(value.__name__)
    return found


def matched(source: str) -> set[str]:
    """Names of the exceptions that the text expects with ``raises(..., match=...)``."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Call) or not node.args:
            continue
        called = getattr(node.func, "attr", getattr(node.func, "id", ""))
        if called == "raises" and any(keyword.arg == "match" for keyword in node.keywords):
            for part in ast.walk(node.args[0]):
                found.add(getattr(part, "attr", getattr(part, "id", "")))
    return found - {""}


def untested(names: Iterable[str], sources: Iterable[str]) -> list[str]:
    tested = set().union(*map(matched, sources))
    return sorted(set(names) - tested)


def test_every_error_has_a_test_that_matches_its_text():
    sources = [path.read_text(encoding="utf-8") for path in python_files("tests")]
    assert_none(untested(exception_classes(), sources))


def test_the_classes_are_found():
    assert "EscapedVarError" in exception_classes()


def test_matched_reads_all_spellings():
    source = """
with pytest.raises(AError, match="text"): ...
with raises(gx.BError, match=pattern): ...
with pytest.raises((errors.CError, DError), match="text"): ...
with pytest.raises(EError): ...
"""
    assert matched(source) >= {"AError", "BError", "CError", "DError"}
    assert untested(["AError", "EError", "FError"], [source]) == ["EError", "FError"]
