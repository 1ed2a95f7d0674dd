"""The C extension of the tree: it compiles without a warning, and is the one that is tested."""

import os
import subprocess
import sysconfig

import numpy as np
import pytest

from gradx.speedups import speedups
from tests.architecture.sources import ROOT
from tests.packaging.compiler import compiler

COMPILER = compiler()
MACROS = ("NPY_NO_DEPRECATED_API=NPY_2_0_API_VERSION", "NPY_TARGET_VERSION=NPY_2_1_API_VERSION")

pytestmark = pytest.mark.skipif(COMPILER is None, reason="there is no C compiler, or no Python.h")


def test_it_compiles_without_a_warning(tmp_path):
    headers = (sysconfig.get_path("include"), sysconfig.get_path("platinclude"), np.get_include())
    command = [
        *(*COMPILER, "-c", "-fPIC", "-O2", "-Wall", "-Wextra", "-Werror"),
        *(f"-D{macro}" for macro in MACROS),
        *(part for header in dict.fromkeys(headers) for part in ("-isystem", header)),
        *(str(ROOT / "gradx" / "_speedups.c"), "-o", str(tmp_path / "speedups.o")),
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr


def test_the_macros_are_those_of_the_build():
    text = (ROOT / "setup.py").read_text()
    for macro in MACROS:
        name, value = macro.split("=")
        assert f'("{name}", "{value}")' in text


@pytest.mark.skipif(os.environ.get("GRADX_SPEEDUPS") == "0", reason="it is not wanted")
def test_it_is_in_use():
    """So that these tests do not run without it unnoticed."""
    assert speedups is not None, "the extension was not built: scripts/setup, or pip install -e ."
