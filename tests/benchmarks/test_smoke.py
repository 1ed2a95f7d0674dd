"""The benchmarks run and their implementations agree; their figures are not tested."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def run(*arguments):
    return subprocess.run(
        [sys.executable, "-m", "benchmarks", *map(str, arguments)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


@pytest.fixture(scope="module")
def names():
    listed = run("--list", "--long")
    assert listed.returncode == 0, listed.stderr
    return [line.removesuffix(" (--long)") for line in listed.stdout.splitlines()]


@pytest.mark.parametrize(("dtype", "chosen"), [("float64", "--long"), ("float32", "W")])
def test_the_suite_runs(tmp_path, names, dtype, chosen):
    file = tmp_path / "figures.json"
    done = run("--smoke", chosen, "--peers", "autograd", "--dtype", dtype, "--json", file)
    assert done.returncode == 0, done.stderr
    figures = json.loads(file.read_text())
    wanted = names if chosen == "--long" else [name for name in names if name.startswith("W")]
    assert list(figures["workloads"]) == wanted
    for name, measured in figures["workloads"].items():
        ways = measured["ways"]
        assert "numpy" in ways, name
        assert any(way.startswith("gradx") for way in ways), name
        assert all(min(row["seconds"]) > 0 for row in ways.values()), name
    assert "autograd" in figures["workloads"]["W2 gradient"]["ways"]
    assert figures["how"]["dtype"] == dtype
    assert figures["machine"]["processor"]


def test_the_goals_are_told():
    done = run("--smoke", "--goals")
    assert done.returncode == 0, done.stderr
    rows = done.stdout[done.stdout.index("goal ") :].splitlines()
    assert len(rows) > 20
    assert all("reached" in row or "MISSED" in row or "–" in row for row in rows[1:])


def test_a_missing_peer_is_left_out_and_told():
    done = run("--smoke", "--peers", "autograd", "--without", "autograd", "W2")
    assert done.returncode == 0, done.stderr
    assert "autograd left out: " in done.stdout


def test_an_unknown_workload_is_told():
    done = run("W9")
    assert done.returncode == 1
    assert "no workload is named W9; --list prints the names" in done.stderr


def test_an_unknown_peer_is_told():
    done = run("--peers", "torch,matlab")
    assert done.returncode == 2
    assert "--peers matlab: not known; choose of " in done.stderr


def test_a_profile_is_printed():
    done = run("--smoke", "--peers", "none", "--profile", "W2")
    assert done.returncode == 0, done.stderr
    assert "W2 gradient, gradx, " in done.stdout
    assert re.search("gradients|sweep", done.stdout)  # in C or in Python, among the longest
