"""Every kernel of gradx's own compiles for every architecture, with NVIDIA's own compiler.

CUDA 12.9 compiles for all of these; CUDA 13 no longer for sm_70, and CUDA before 12.8 not yet for
sm_100 and sm_120. scripts/test-cuda installs CUDA 12's newest, so without a GPU all are tested; on
the hardware, those that the CUDA at hand has.
"""

import json
import os
import subprocess
import sys

import pytest
from cupy_backends.cuda.libs import nvrtc

from gradx import scipy
from gradx_cuda.elementwise import Elementwise
from gradx_cuda.tables import kernel_table
from tests.cuda.places import SOFTWARE, cp

# One worker compiles for all; it takes minutes, and what was compiled is remembered.
pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("architectures")]

ALL = ("70", "75", "80", "86", "89", "90", "100", "120")


def known(architecture):
    """Whether the compiler at hand can have this architecture."""
    version, number = nvrtc.getVersion(), int(architecture)
    return (version < (13, 0) or number >= 75) and (version >= (12, 8) or number < 100)


ARCHITECTURES = [a for a in ALL if SOFTWARE or known(a)]
if os.environ.get("GRADX_CUDA_QUICK") == "1":  # the oldest and the newest
    ARCHITECTURES = [ARCHITECTURES[0], ARCHITECTURES[-1]]


@pytest.fixture(scope="module")
def told():
    command = [sys.executable, "-m", "tests.cuda.compile_all", *ARCHITECTURES]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-4000:]
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_every_kernel_compiles(told, architecture):
    assert told["compiled"][architecture] == max(told["compiled"].values()) > 60


def test_no_kernel_is_left_out(told):
    assert scipy.special.erf  # whose module has rules that are formulas too
    rules = {s.name for s in kernel_table(cp).values() if isinstance(s, Elementwise)}
    assert set(told["formulas"]) == rules
    assert told["softmax"] == 3 * 3 * (5 + 2 * 3)
