"""The C extension of the tree: it compiles without a warning, and is the one that is tested."""

import ast
import os
import subprocess
import sysconfig
import zlib
from pathlib import Path

import numpy as np
import pytest

from gradx.native import checksum, native
from tests.architecture.sources import ROOT
from tests.packaging.compiler import compiler

COMPILER = compiler()
SOURCES = sorted((ROOT / "gradx" / "native").glob("*.c"))

pytestmark = pytest.mark.skipif(COMPILER is None, reason="there is no C compiler, or no Python.h")


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.name)
def test_it_compiles_without_a_warning(source, tmp_path):
    headers = (sysconfig.get_path("include"), sysconfig.get_path("platinclude"), np.get_include())
    command = [
        *(*COMPILER, "-c", "-fPIC", "-O2", "-Wall", "-Wextra", "-Werror"),
        *(part for header in dict.fromkeys(headers) for part in ("-isystem", header)),
        str(source),
        *("-o", str(tmp_path / "compiled.o")),
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr


def test_the_checksum_of_the_build_is_that_of_the_package(monkeypatch):
    # Two texts, since a build cannot import what it builds.
    tree = ast.parse((ROOT / "setup.py").read_text())
    [function] = [x for x in tree.body if isinstance(x, ast.FunctionDef) and x.name == "checksum"]
    names = {"FOLDER": Path("gradx/native"), "zlib": zlib}
    exec(ast.unparse(function), names)
    monkeypatch.chdir(ROOT)
    assert names["checksum"]() == checksum(ROOT / "gradx" / "native") != 0


@pytest.mark.skipif(os.environ.get("GRADX_SPEEDUPS") == "0", reason="it is not wanted")
def test_it_is_in_use():
    """So that these tests do not run without it unnoticed."""
    assert native is not None, "the extension was not built: scripts/setup, or pip install -e ."
