"""docs/scipy.md lists what there is, module by module."""

import re
import textwrap

import pytest

import gradx.scipy.linalg
import gradx.scipy.special
import gradx.scipy.stats
from tests.architecture.sources import ROOT


def listed(heading):
    """The names in the blocks of text under a heading, block by block."""
    text = (ROOT / "docs" / "scipy.md").read_text(encoding="utf-8")
    section = text.split(f"## {heading}\n")[1].split("\n## ")[0]
    return [block.split() for block in re.findall(r"```text\n(.*?)```", section, re.DOTALL)]


def expected(name):
    module = getattr(gradx.scipy, name)
    functions = sorted(name for name in module.__all__ if name[0].islower())
    ufuncs = sorted(u.__name__ for u in getattr(module, "LIFTED_UFUNCS", ()))
    return [block for block in (ufuncs, functions) if block]


@pytest.mark.parametrize("name", ["special", "stats", "linalg"])
def test_the_document_lists_what_is_lifted(name):
    blocks = expected(name)
    text = "\n\n".join(textwrap.fill(" ".join(block), 118) for block in blocks)
    assert listed(f"scipy.{name}") == blocks, f"the lists are now:\n{text}"
