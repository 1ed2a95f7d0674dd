"""Programs started on several ranks, by the launcher that pip installs beside Python."""

import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.architecture.sources import ROOT

MPIEXEC = Path(sys.prefix) / "bin" / "mpiexec"

needs_mpi = pytest.mark.skipif(
    find_spec("mpi4py") is None or not MPIEXEC.exists(),
    reason="mpi4py and mpich are not installed: pip install 'gradx[mpi]'",
)


def environment(**variables):
    """That of the tests, with gradx from here, one BLAS thread, and no launcher's words."""
    known = {
        k: v for k, v in os.environ.items() if not k.startswith(("PMI", "OMPI_", "MV2_", "SLURM_"))
    }
    return {**known, "PYTHONPATH": str(ROOT), "OPENBLAS_NUM_THREADS": "1", **variables}


def on(ranks, *arguments):
    """What `mpiexec` is given for Python with these arguments on so many ranks."""
    return ["-n", str(ranks), sys.executable, *map(str, arguments)]


def started(arguments, **variables):
    """`mpiexec` with these arguments, running."""
    return subprocess.Popen(
        [str(MPIEXEC), *arguments],
        env=environment(**variables),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def ended(process, timeout=60):
    """The exit code, output and errors of a program that was started."""
    try:
        out, err = process.communicate(timeout=timeout)
    except subprocess.TimeoutExpired:
        process.kill()
        raise
    return process.returncode, out, err


def launched(ranks, *arguments, **variables):
    """The exit code, output and errors of Python with these arguments on so many ranks."""
    return ended(started(on(ranks, *arguments), **variables))
