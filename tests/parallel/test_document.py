"""The commands of docs/parallel.md run, and say what it says."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.architecture.sources import ROOT
from tests.parallel.launching import environment, needs_mpi

pytestmark = needs_mpi
TEXT = (ROOT / "docs" / "parallel.md").read_text(encoding="utf-8")
EXIT_CODE = re.compile(r"  # exit code (\d+)$")


def blocks(language):
    """The fenced blocks of the document in a language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)


def commands():
    """Each command of the document, its exit code, and what it prints as far as that is shown."""
    for block in blocks("shell"):
        for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            line, _, shown = part.partition("\n")
            code = EXIT_CODE.search(line)
            yield EXIT_CODE.sub("", line), int(code[1]) if code else 0, shown


def test_the_commands_run_one_after_the_other(tmp_path):
    (tmp_path / "bin").mkdir()
    gradx = tmp_path / "bin" / "gradx"
    gradx.write_text(f'#!/bin/sh\nexec {sys.executable} -m gradx "$@"\n')
    gradx.chmod(0o755)
    path = f"{tmp_path / 'bin'}:{Path(sys.prefix) / 'bin'}:/usr/bin:/bin"
    found = list(commands())
    assert len(found) > 5
    for command, code, shown in found:
        if command.startswith("pip install"):
            assert "'gradx[mpi]'" in command
            continue
        done = subprocess.run(
            ["bash", "-c", command],
            cwd=tmp_path,
            env=environment(PATH=path),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == code, f"{command}\n{done.stderr}"
        assert done.stderr == shown, command


def words_of_the_launcher():
    """What the launcher says of a killed rank, in the document, without the process's number."""
    [text] = [text for text in blocks("text") if "BAD TERMINATION" in text]
    return without_numbers(text)


def without_numbers(text):
    lines = (re.sub(r"PID \d+ RUNNING AT \S+", "PID", line) for line in text.splitlines())
    return [line.rstrip() for line in lines if line.strip()]


@pytest.mark.parametrize("text", ["=   PID 21109 RUNNING AT vm\n\n", "=   PID 3 RUNNING AT host"])
def test_words_are_compared_without_numbers(text):
    assert without_numbers(text) == ["=   PID"]
