"""The project speaks of itself alone: no file names a place on somebody's machine."""

import re
import subprocess
from pathlib import Path

import pytest

from tests.architecture.sources import ROOT, assert_none

# A rooted path into a home or working directory, and relative ones that leave the project.
MACHINE_PATH = re.compile(
    r"(?<![\w.~-])/(?:work|root|home|Users|workspace|farm)/"
    r"|\b[A-Z]:\\Users\b"
    r"|(?<![\w./])(?:\.\./)+shared/"
)


def project_files() -> list[Path]:
    """All files that are, or would be, in version control."""
    done = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode == 0:
        return [ROOT / name for name in done.stdout.split("\0") if name]
    ignored = {".venv", ".git", "build", "dist", "__pycache__"}
    return [path for path in ROOT.rglob("*") if not ignored & set(path.relative_to(ROOT).parts)]


def machine_paths(text: str) -> list[str]:
    """The lines that name such a place."""
    return [line.strip() for line in text.splitlines() if MACHINE_PATH.search(line)]


def text_of(path: Path) -> str:
    """A file's text; nothing of a binary one, or of one that git knows and that was deleted."""
    return path.read_bytes().decode("utf-8", errors="ignore") if path.is_file() else ""


def test_no_file_names_a_machine():
    assert_none(
        f"{path.relative_to(ROOT)}: {line}"
        for path in project_files()
        for line in machine_paths(text_of(path))
    )


def test_the_files_are_found():
    names = {str(path.relative_to(ROOT)) for path in project_files()}
    assert {"pyproject.toml", "Makefile", "gradx/__init__.py"} <= names
    assert not any(name.startswith(".venv") for name in names)


@pytest.mark.parametrize("place", ["work", "root", "home", "Users", "farm"])
@pytest.mark.parametrize("form", ["cd /{}/x", "'/{}/x'", "(/{}/a)", "p=/{}/a", "file:///{}/a"])
def test_a_machine_path_is_found(place, form):
    assert machine_paths(form.format(place)) != []


def test_a_path_out_of_the_project_is_found():
    assert machine_paths("see ../" + "shared/notes.md") != []


@pytest.mark.parametrize(
    "text",
    ["example.org/" + "home/page", "src/" + "work/x", "home/work", "./" + "work/x", "a / work / b"],
)
def test_other_text_passes(text):
    assert machine_paths(text) == []
