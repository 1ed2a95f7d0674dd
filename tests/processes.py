"""Code run in a new Python process, for what is decided when gradx is imported."""

import os
import subprocess
import sys

from tests.architecture.sources import ROOT


def printed(code: str, **variables: str) -> str:
    """What code prints in a new process with these environment variables; it must succeed."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        env={**os.environ, "PYTHONPATH": str(ROOT), **variables},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout
