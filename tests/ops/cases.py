"""All cases of the specification, gathered from the case files."""

import importlib
from pathlib import Path

from tests.ops.specification import Case

__all__ = ["ALL_CASES"]


def _gathered() -> tuple[Case, ...]:
    found: list[Case] = []
    for path in sorted(Path(__file__).parent.glob("cases_*.py")):
        found.extend(importlib.import_module(f"tests.ops.{path.stem}").CASES)
    names = [case.name for case in found]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ValueError(f"cases of one name: {', '.join(twice)}; give each its own")
    return tuple(found)


ALL_CASES = _gathered()
