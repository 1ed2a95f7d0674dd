"""Type checkers as judges: what each says of a program, as the lines on which it finds an error."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from tests.architecture.sources import ROOT

Lines = dict[int, str]
Verdicts = dict[str, Lines]

_EXPECTED = re.compile(r"  # error(?:: (?P<judge>mypy|pyright))?$")


def expected(text: str, judge: str) -> set[int]:
    """The lines, from 1, that are marked ``# error``, or ``# error: mypy`` for one judge alone."""
    return {
        number
        for number, line in enumerate(text.splitlines(), start=1)
        if (found := _EXPECTED.search(line)) and found["judge"] in (None, judge)
    }


def mismatches(program: Path, verdict: Lines, judge: str) -> list[str]:
    """Where a judge disagrees with the marks of a program, a line each."""
    marked = expected(program.read_text(encoding="utf-8"), judge)
    refused = [f"{program.name}:{n} is right and refused: {verdict[n]}" for n in verdict]
    missed = [f"{program.name}:{n} is wrong and accepted" for n in marked - verdict.keys()]
    return sorted(
        [line for n, line in zip(verdict, refused, strict=True) if n not in marked] + missed
    )


def by_mypy(programs: Iterable[Path]) -> Verdicts:
    """What mypy says, in its strict mode."""
    options = ["--strict", "--warn-unreachable", "--config-file=", "--output=json"]
    options.append(f"--cache-dir={ROOT / '.mypy_cache' / 'programs'}")
    done = _run("mypy", [*options, *map(str, programs)])
    found = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    _check_ran(done, found)
    return _collected(
        (each["file"], each["line"], f"{each['message']} [{each['code']}]")
        for each in found
        if each["severity"] == "error"
    )


def by_pyright(programs: Iterable[Path]) -> Verdicts:
    """What pyright says, in the mode that each program asks for in its first line."""
    options = ["--outputjson", f"--pythonpath={sys.executable}"]
    done = _run("pyright", [*options, *map(str, programs)])
    report = json.loads(done.stdout) if done.stdout.startswith("{") else {}
    found = report.get("generalDiagnostics", [])
    _check_ran(done, found)
    return _collected(
        (each["file"], each["range"]["start"]["line"] + 1, each["message"])
        for each in found
        if each["severity"] == "error"
    )


JUDGES: Mapping[str, Callable[[Iterable[Path]], Verdicts]] = {
    "mypy": by_mypy,
    "pyright": by_pyright,
}


def _run(judge: str, arguments: list[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", judge, *arguments],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )


def _check_ran(done: subprocess.CompletedProcess[str], found: list[object]) -> None:
    if done.returncode not in (0, 1) or (done.returncode == 1 and not found):
        raise RuntimeError(f"{done.args[2]} did not run:\n{done.stdout}{done.stderr}")


def _collected(errors: Iterable[tuple[str, int, str]]) -> Verdicts:
    verdicts: Verdicts = {}
    for file, line, message in errors:
        verdicts.setdefault(Path(file).name, {}).setdefault(line, message)
    return verdicts
