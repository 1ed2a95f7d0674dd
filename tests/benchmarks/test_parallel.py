"""The benchmark of ranks runs; its figures are not tested."""

import subprocess
import sys

import pytest

from tests.architecture.sources import ROOT
from tests.parallel.launching import environment, needs_mpi


@needs_mpi
@pytest.mark.soak
def test_messages_and_steps_are_measured():
    options = ["--ranks", "2", "--seconds", "0.02", "--rounds", "1", "--batch", "64"]
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.parallel", *options],
        cwd=ROOT,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "a sum: " in done.stdout
    assert "two ranks are " in done.stdout
