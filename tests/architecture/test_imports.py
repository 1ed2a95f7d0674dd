"""``import gradx`` is light: it loads no device, no command line, no optional package."""

import ast
import subprocess
import sys

import pytest

from tests.architecture.sources import assert_none, package_modules

ABSENT = (
    "cupy",
    "gradx_cuda",
    "click",
    "threadpoolctl",
    "scipy",
    "attrs",
    "attr",
    "pytest",
    "mpi4py",
)

SCRIPT = """
import sys
{statement}
print(*sorted({{name.partition(".")[0] for name in sys.modules}}))
"""


def loaded_by(statement: str) -> set[str]:
    """The top-level packages that are loaded after the statement, in a fresh interpreter."""
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT.format(statement=statement)],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    return set(done.stdout.split())


def test_import_gradx_is_light():
    loaded = loaded_by("import gradx")
    assert {"gradx", "numpy"} <= loaded
    assert loaded & set(ABSENT) == set()


# What is imported costs time: so much comes with Python and NumPy beyond what these need anyway.
MAY_LOAD = {
    *("copy", "dataclasses", "decimal", "fractions", "gc", "signal", "string", "threading", "zlib"),
    *("atexit", "numpy.fft", "numpy.typing"),
}

WITHOUT = """
import sys
import numpy
before = set(sys.modules)
import gradx
print(*sorted(set(sys.modules) - before))
"""


def test_import_gradx_loads_little_beside_itself():
    command = [sys.executable, "-c", WITHOUT]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    loaded = set(done.stdout.split())
    late = {
        "gradx.train",
        "gradx.prelude",
        "gradx.parallel",
        "gradx.records.record",
        "gradx.optim.updates",
        "gradx.nn.functions",
    }
    assert loaded & late == set()
    others = {name for name in loaded if not name.startswith(("gradx", "_"))}
    extra = {
        name
        for name in others - MAY_LOAD
        if not name.startswith(("numpy.fft.", "numpy._")) and name not in sys.builtin_module_names
    }
    assert extra == set()


def test_training_is_imported_when_it_is_named():
    code = "import gradx as gx; assert 'train' in dir(gx); print(gx.train.fit.__module__)"
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout == "gradx.train.fit\n"


GRADIENTS = """
import sys
import numpy as np
import gradx as gx
before = set(sys.modules)
v = np.ones(3)
gx.grad(lambda x: x * np.sin(x))(2.0)
gx.grad(lambda v: np.sum(np.where(v > 0, np.tanh(np.ones((3, 3)) @ v), v[0]) ** 2))(v)
gx.grad(lambda p: p["a"][0] * p["b"])({"a": (1.0, 2.0), "b": 3.0})
gx.backprop(lambda x: gx.grad(np.exp)(x), 1.0)
print(*sorted(set(sys.modules) - before))
"""


def test_the_first_gradient_imports_nothing_more():
    command = [sys.executable, "-c", GRADIENTS]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.split() == []


def test_what_handles_ctrl_c_comes_first_and_takes_no_time():
    modules = package_modules("gradx")
    bodies = [modules[name].tree.body for name in ("gradx", "gradx._interrupts")]
    first, *_ = [node for node in bodies[0] if isinstance(node, ast.Import | ast.ImportFrom)]
    assert ast.unparse(first) == "from gradx import _interrupts as _interrupts"
    used = [
        ast.unparse(node) for node in bodies[1] if isinstance(node, ast.Import | ast.ImportFrom)
    ]
    assert used == [
        "from __future__ import annotations",
        *("import os", "import signal", "import sys"),
    ]


@pytest.mark.parametrize("statement", ["import click", "from click import command"])
def test_a_loaded_package_is_seen(statement):
    assert "click" in loaded_by(statement)


# ---- the plug-in ------------------------------------------------------------------------------

DOORS = {"gradx.backends", "gradx.extension"}
"""What a package that brings a backend may import of gradx."""


def imported_by(package: str) -> dict[str, set[str]]:
    """The modules that each module of a package imports, wherever the import stands."""
    found: dict[str, set[str]] = {}
    for name, module in package_modules(package).items():
        names = found.setdefault(name, set())
        for node in ast.walk(module.tree):
            if isinstance(node, ast.Import):
                names.update(alias.name for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and node.level == 0:
                names.add(node.module or "")
            elif isinstance(node, ast.Call) and "import_module" in ast.unparse(node.func):
                names.update(arg.value for arg in node.args if isinstance(arg, ast.Constant))
    return found


def test_the_plug_in_comes_by_the_doors():
    assert_none(
        f"{importer} imports {imported}"
        for importer, names in imported_by("gradx_cuda").items()
        for imported in names
        if imported.partition(".")[0] == "gradx" and imported not in DOORS
    )


def test_only_the_plug_in_imports_cupy():
    importers = {
        importer
        for package in ("gradx", "gradx_cuda")
        for importer, names in imported_by(package).items()
        if any(name.partition(".")[0].startswith("cupy") for name in names)
    }
    assert importers == {"gradx_cuda.diagnosis"}
