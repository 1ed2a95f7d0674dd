"""``import gradx`` is light: it loads no device, no command line, no optional package."""

import subprocess
import sys

import pytest

ABSENT = ("cupy", "gradx_cuda", "click", "threadpoolctl", "scipy", "attrs", "attr", "pytest")

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


@pytest.mark.parametrize("statement", ["import click", "from click import command"])
def test_a_loaded_package_is_seen(statement):
    assert "click" in loaded_by(statement)
