"""The same gradients on an interpreter that counts no references, and without the C extension.

Which of these gradx has is decided when it is imported, so each runs in a process of its own.
"""

import json

import numpy as np
import pytest

from tests.processes import printed
from tests.reverse import interpreter_program

PROGRAM = f"import runpy; runpy.run_path({interpreter_program.__file__!r}, run_name='__main__')"
UNCOUNTED = "import sys; del sys.getrefcount\n"
WITHOUT_NATIVE = {"GRADX_SPEEDUPS": "0"}

INTERPRETERS = {
    "as it is": ("", {}),
    "without the C extension": ("", WITHOUT_NATIVE),
    "without reference counts": (UNCOUNTED, {}),
    "without either": (UNCOUNTED, WITHOUT_NATIVE),
}


def assert_alike(got, wanted, path):
    """Equal up to rounding: the order of a sum is not the same everywhere."""
    if isinstance(wanted, list) and {*map(type, wanted), *map(type, got)} == {float}:
        np.testing.assert_allclose(got, wanted, rtol=1e-9, atol=1e-12, err_msg=path)
    elif isinstance(wanted, (dict, list)):
        assert len(got) == len(wanted), path
        for key in wanted if isinstance(wanted, dict) else range(len(wanted)):
            assert_alike(got[key], wanted[key], f"{path}[{key!r}]")
    elif isinstance(wanted, float):
        np.testing.assert_allclose(got, wanted, rtol=1e-9, atol=1e-12, err_msg=path)
    else:
        assert got == wanted, path


@pytest.fixture(scope="module")
def wanted():
    return json.loads(json.dumps(interpreter_program.shown_results()))


@pytest.mark.parametrize("kind", INTERPRETERS)
def test_gradients_are_the_same_on_every_interpreter(kind, wanted):
    before, variables = INTERPRETERS[kind]
    assert_alike(json.loads(printed(before + PROGRAM, **variables)), wanted, "results")


def test_the_interpreters_are_what_they_say():
    shown = "import sys; from gradx.native import native; "
    shown += "print(hasattr(sys, 'getrefcount'), native is None)"
    assert printed(UNCOUNTED + shown, **WITHOUT_NATIVE) == "False True\n"
