"""The benchmarks run and their implementations agree; their figures are not tested."""

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_the_suite_runs(tmp_path):
    file = tmp_path / "figures.json"
    run = subprocess.run(
        [sys.executable, "-m", "benchmarks", "--smoke", "--json", str(file)],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert run.returncode == 0, run.stderr
    figures = json.loads(file.read_text())
    assert {"W1 eval", "W2 gradient", "W3 step", "W4 batch 32", "W7 wide chain"} <= figures.keys()
    assert all({"numpy", "gradx"} <= figures[name].keys() for name in figures if name[0] == "W")
