"""SciPy is imported late, passed on to, and missed with words that say what to install."""

import subprocess
import sys

import pytest

import gradx as gx


def run(program):
    return subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60
    )


def test_a_ufunc_of_scipy_brings_its_ops():
    done = run(
        "import sys, gradx as gx\n"
        "assert 'scipy' not in sys.modules\n"
        "from scipy.special import erf\n"
        "assert 'gradx.scipy.special' not in sys.modules\n"
        "print(round(gx.grad(erf)(0.5), 6))"
    )
    assert (done.stdout, done.stderr) == ("0.878783\n", "")


@pytest.mark.parametrize("statement", ["import gradx.scipy.special", "gradx.scipy.constants"])
def test_without_scipy_the_error_says_what_to_install(statement):
    done = run(f"import sys\nsys.modules['scipy'] = None\nimport gradx\n{statement}")
    assert done.stderr.splitlines()[-1] == (
        "ImportError: gradx.scipy calls SciPy, which is not here; install it with: "
        "pip install 'gradx[scipy]'"
    )


def test_what_is_not_lifted_is_scipys_own():
    import scipy.constants
    import scipy.special

    assert gx.scipy.constants is scipy.constants
    assert gx.scipy.special.jn_zeros is scipy.special.jn_zeros
    with pytest.raises(AttributeError, match="has no attribute 'nonsense'"):
        _ = gx.scipy.special.nonsense
