"""The Makefile and the scripts: what they say to somebody who has just cloned the project."""

import os
import re
import shutil
import stat
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from tests.architecture.sources import ROOT

TARGETS = ("help", "train", "test", "soak", "test-cuda", "check", "bench", "wheel", "clean")

PYTEST = "-m pytest -n auto --dist loadfile --no-loadscope-reorder"
FOLDERS = ("core", "values", "surface", "reverse", "native", "ops")
FOLDERS += ("lens", "records", "optim", "prelude", "adoption")
ENGINE = " ".join(["-m not thorough", *(f"tests/{folder}" for folder in FOLDERS)])
"""What is run without the C extension, and on each Python."""


# What a `make` that runs these tests hands down to a `make` inside them, and how they are run.
INHERITED = frozenset(
    {"MAKEFLAGS", "MAKELEVEL", "MFLAGS", "MAKEOVERRIDES", "ARGS", "PYTHON", "GRADX_SPEEDUPS"}
    | {"GRADX_VENV"}
)


def run(*command: object, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Runs a command as a user's shell would, apart from the variables given."""
    inherited = {key: text for key, text in os.environ.items() if key not in INHERITED}
    return subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env={**inherited, **environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def program(path: Path, text: str) -> Path:
    """An executable shell script."""
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


@pytest.fixture
def clone(tmp_path):
    """A copy of what ``make`` needs, without an environment."""
    root = tmp_path / "a clone"
    shutil.copytree(ROOT / "scripts", root / "scripts")
    (root / "gradx" / "native").mkdir(parents=True)
    for name in ("Makefile", "pyproject.toml", "setup.py", "gradx/native/module.c"):
        shutil.copy(ROOT / name, root / name)
    return root


def test_help_tells_every_target():
    done = run("make", cwd=ROOT)
    assert re.findall(r"^  make ([\w-]+) +\S", done.stdout, re.MULTILINE) == list(TARGETS)


@pytest.mark.parametrize("path", [*(ROOT / "scripts").iterdir(), ROOT / ".ci" / "run"], ids=str)
def test_scripts_stop_at_the_first_failure(path):
    assert path.stat().st_mode & stat.S_IXUSR
    lines = path.read_text().splitlines()
    assert lines[0] == "#!/usr/bin/env bash"
    assert "set -euo pipefail" in lines
    assert lines[1].startswith("# ")
    assert run("bash", "-n", path, cwd=ROOT).returncode == 0


@pytest.mark.parametrize("target", [name for name in TARGETS if name != "help"])
def test_every_target_is_a_script(target):
    done = run("make", "--dry-run", target, "ARGS=--some option", cwd=ROOT)
    assert re.fullmatch(rf"scripts/{target}( --some option)?\n", done.stdout)


def make_targets(document: str) -> set[str]:
    """The targets of `make` that a document tells its reader to run."""
    return set(re.findall(r"(?:`|^ *\$? *)make ([a-z][\w-]*)", document, re.MULTILINE))


def test_documents_name_real_targets():
    documents = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]
    named = set().union(*(make_targets(path.read_text(encoding="utf-8")) for path in documents))
    assert named - set(TARGETS) == set()
    assert make_targets("Run `make one` or\n\n    $ make two\nmake three\n") == {
        "one",
        "two",
        "three",
    }
    assert make_targets("This will make sense.") == set()


def test_an_old_python_is_told(clone, tmp_path):
    old = program(tmp_path / "old", 'test "$1" = --version && echo Python 3.9.18; exit 1')
    done = run("make", "test", cwd=clone, PYTHON=str(old))
    assert done.returncode == 2
    assert f"gradx needs Python 3.11 or newer, and PYTHON={old} is" in done.stderr
    assert "Python 3.9.18. Name a newer one" in done.stderr


def test_no_python_new_enough_is_told(clone, tmp_path):
    tools = tmp_path / "bin"
    tools.mkdir()
    for name in ("bash", "env", "dirname", "cat"):
        (tools / name).symlink_to(shutil.which(name))
    program(tools / "python3", 'test "$1" = --version && echo Python 3.9.18; exit 1')
    done = run("scripts/setup", "test", cwd=clone, PATH=str(tools))
    assert done.returncode == 1
    assert "gradx needs Python 3.11 or newer, and none was found" in done.stderr
    assert "python3 here is: Python 3.9.18" in done.stderr


def test_a_python_that_is_not_there_is_told(clone):
    done = run("scripts/setup", cwd=clone, PYTHON="python-of-nowhere")
    assert done.returncode == 1
    assert "PYTHON=python-of-nowhere: there is no such command." in done.stderr


def test_a_missing_venv_module_is_told(clone, tmp_path):
    bare = program(tmp_path / "bare", 'case "$2" in *venv*) exit 1;; esac; exit 0')
    done = run("scripts/setup", cwd=clone, PYTHON=str(bare))
    assert done.returncode == 1
    assert "comes without its venv module" in done.stderr
    assert "apt install python3-venv" in done.stderr


@pytest.fixture
def ready(clone):
    """A copy with an environment whose Python writes down how it was called."""
    (clone / ".venv" / "bin").mkdir(parents=True)
    program(clone / ".venv" / "bin" / "python", 'echo "$@" >>"$LOG"')
    program(clone / ".venv" / "bin" / "gradx", 'echo gradx "$@" >>"$LOG"')
    return clone


def called(ready, *command):
    """What a command runs by way of the environment, apart from looking at it."""
    log = ready / "log"
    log.unlink(missing_ok=True)
    done = run(*command, cwd=ready, LOG=str(log))
    assert done.returncode == 0, done.stderr
    lines = log.read_text().splitlines() if log.exists() else []
    return [line for line in lines if not line.startswith(("-m pip --version", "-c "))]


INSTALL = "-m pip install --quiet --quiet --disable-pip-version-check --editable "


def test_train_installs_once_and_passes_options_on(ready):
    train = ("make", "train", "ARGS=--epochs 3")
    assert called(ready, *train) == [INSTALL + ".[train]", "gradx train --epochs 3"]
    assert called(ready, *train) == ["gradx train --epochs 3"]


@pytest.mark.parametrize("name", ["pyproject.toml", "setup.py", "gradx/native/module.c"])
def test_a_changed_project_file_installs_again(ready, name):
    called(ready, "scripts/setup", "test")
    later = (ready / ".venv" / ".gradx" / "test").stat().st_mtime + 10
    os.utime(ready / name, (later, later))
    assert called(ready, "scripts/setup", "test") == [INSTALL + ".[test]"]


def test_an_extension_that_was_cleaned_away_is_built_again(ready):
    built = ready / "gradx" / "native" / "_native.any.so"
    python = ready / ".venv" / "bin" / "python"
    python.write_text(
        python.read_text()
        + f"""case "$*" in *EXT_SUFFIX*) echo .any.so;; *install*) touch "{built}";; esac\n"""
    )
    called(ready, "scripts/setup", "test")
    assert called(ready, "scripts/setup", "test") == []
    called(ready, "scripts/clean")
    assert not built.exists()
    assert called(ready, "scripts/setup", "test") == [INSTALL + ".[test]"]


def test_an_extension_that_was_not_built_is_told(ready):
    done = run("scripts/setup", "test", cwd=ready, LOG=str(ready / "log"))
    assert "The C extension was not built, without which gradx is slower." in done.stdout
    assert called(ready, "scripts/setup", "test") == []


def test_what_runs_without_the_extension_is_installed_with_it(ready):
    python = ready / ".venv" / "bin" / "python"
    python.write_text('#!/bin/sh\necho "${GRADX_SPEEDUPS:-1}" "$@" >>"$LOG"\n')
    done = run("scripts/test", cwd=ready, LOG=str(ready / "log"), GRADX_SPEEDUPS="0")
    assert done.returncode == 0, done.stderr
    lines = (ready / "log").read_text().splitlines()
    assert f"1 {INSTALL}.[test]" in lines
    assert lines[-1].startswith("0 -m pytest")


def test_only_missing_extras_are_installed(ready):
    called(ready, "scripts/setup", "test")
    assert called(ready, "scripts/setup", "check", "test") == [INSTALL + ".[check]"]
    assert called(ready, "scripts/setup") == [INSTALL + "."]
    assert called(ready, "scripts/setup", "test", "check") == []


def test_a_moved_copy_installs_again(ready):
    called(ready, "scripts/setup", "test")
    moved = ready.rename(ready.parent / "moved")
    assert called(moved, "scripts/setup", "test") == [INSTALL + ".[test]"]


def test_a_failed_install_is_told_and_tried_again(ready):
    python = ready / ".venv" / "bin" / "python"
    works = python.read_text()
    python.write_text(works + '\ncase "$*" in *install*) exit 1;; esac\n')
    done = run("scripts/setup", "test", cwd=ready, LOG=str(ready / "log"))
    assert done.returncode == 1
    assert "installing failed; what pip said about it stands above." in done.stderr
    python.write_text(works)
    assert called(ready, "scripts/setup", "test") == [INSTALL + ".[test]"]


# ---- The CUDA tests.


def tools(tmp_path, *names):
    """A directory with these commands and no other, to search commands in."""
    directory = tmp_path / "tools"
    directory.mkdir()
    for name in ("bash", "env", "dirname", "uname", "sed", "head", *names):
        (directory / name).symlink_to(shutil.which(name))
    return directory


def cuda_tests(clone, directory, **environment):
    done = run("scripts/test-cuda", cwd=clone, PATH=str(directory), **environment)
    return done.returncode, done.stderr


def test_a_machine_that_cannot_build_the_software_device(clone, tmp_path):
    directory = tools(tmp_path)
    (directory / "uname").unlink()
    kind = program(directory / "uname", 'test "$1" = -s && echo Linux || echo x86_64')
    assert cuda_tests(clone, directory) == (
        77,
        "test-cuda: the software device is built with g++, which is missing.\n"
        "test-cuda: On Debian and Ubuntu: apt install build-essential\n",
    )
    program(kind, 'test "$1" = -s && echo Darwin || echo arm64')
    code, said = cuda_tests(clone, directory)
    assert code == 77
    assert "needs Linux on x86-64, and this is Darwin on arm64." in said


def test_a_kind_of_device_that_means_nothing(clone, tmp_path):
    code, said = cuda_tests(clone, tools(tmp_path), GRADX_CUDA="fast")
    assert code == 1
    assert said == "test-cuda: GRADX_CUDA=fast means nothing; set it to real, or leave it out.\n"


def test_hardware_without_what_the_tests_need(clone, tmp_path):
    directory = tools(tmp_path)
    python = str(program(tmp_path / "bare", "exit 1"))
    code, said = cuda_tests(clone, directory, GRADX_CUDA="real", PYTHON=python)
    assert code == 1
    assert "nvidia-smi shows no GPU: install NVIDIA's driver." in said
    driver = directory / "nvidia-smi"
    program(driver, 'echo "| NVIDIA-SMI 470.1   Driver Version: 470.1   CUDA Version: 11.4  |"')
    code, said = cuda_tests(clone, directory, GRADX_CUDA="real", PYTHON=python)
    assert code == 1
    assert "the driver supports CUDA 11, and CuPy needs 12: install a newer driver." in said
    for shown, extra in (("12.4", "cuda12"), ("13.0", "cuda13"), ("14.1", "cuda13")):
        program(
            driver, f'echo "| NVIDIA-SMI 560.2   Driver Version: 560.2   CUDA Version: {shown}|"'
        )
        code, said = cuda_tests(clone, directory, GRADX_CUDA="real", PYTHON=python)
        assert code == 1
        wanted = (
            f"PYTHON={python} lacks what the tests need: {python} -m pip install '.[{extra},test]'"
        )
        assert said == f"test-cuda: {wanted}\n"


def test_hardware_gets_a_cupy_where_there_is_none(ready, tmp_path):
    directory = tools(tmp_path, "cat", "mkdir", "printf")
    program(directory / "nvidia-smi", 'echo "| Driver Version: 560.2   CUDA Version: 12.6 |"')
    program(directory / "python3", "exit 1")
    log = ready / "log"
    done = run(
        *("scripts/test-cuda", "-k", "counts"),
        cwd=ready,
        PATH=str(directory),
        GRADX_CUDA="real",
        LOG=str(log),
    )
    assert done.returncode == 0, done.stderr
    lines = log.read_text().splitlines()
    assert INSTALL + ".[cuda12,test]" in lines
    assert lines[-1] == "-m pytest tests/cuda -k counts"


# ---- Other Pythons, and continuous integration.


def pythons(tmp_path, **commands):
    """A directory of commands with these Pythons and no other, and a home without any."""
    directory = tools(tmp_path, "awk", "sort", "cat", "rm", "mkdir")
    for name, text in commands.items():
        program(directory / name.replace("_", "."), text)
    return {"PATH": str(directory), "HOME": str(tmp_path), "PYENV_ROOT": str(tmp_path / "pyenv")}


def test_all_pythons_are_found_once(clone, tmp_path):
    kept = tmp_path / "pyenv" / "versions" / "3.13.0" / "bin"
    kept.mkdir(parents=True)
    program(kept / "python3", "echo 3.13 /kept/python3.13")
    variables = pythons(
        tmp_path,
        python3="echo 3.12 /usr/bin/python3",
        python3_12="echo 3.12 /other/python3.12",
        python3_13="echo pyenv: python3.13: command not found >&2; exit 127",
        python3_13t="echo 3.13t /usr/bin/python3.13t",
        python="exit 0",
    )
    done = run("scripts/find-python", "--all", cwd=clone, XDG_DATA_HOME=str(tmp_path), **variables)
    assert done.returncode == 0
    assert done.stdout.splitlines() == [
        "3.12 /usr/bin/python3",
        "3.13 /kept/python3.13",
        "3.13t /usr/bin/python3.13t",
    ]


def test_what_python_says_of_itself(clone, tmp_path):
    """The question that the script asks, answered by the Python that runs this test."""
    variables = pythons(tmp_path, python3=f'exec "{sys.executable}" "$@"')
    done = run("scripts/find-python", "--all", cwd=clone, XDG_DATA_HOME=str(tmp_path), **variables)
    lock = "t" if sysconfig.get_config_var("Py_GIL_DISABLED") else ""
    version = f"{sys.version_info.major}.{sys.version_info.minor}{lock}"
    assert done.stdout.split(" ", 1) == [version, f"{sys.executable}\n"]


@pytest.fixture
def several(ready):
    """A copy whose .venv is Python 3.11, on a machine with 3.12 and 3.13 without the lock."""
    program(ready / "scripts" / "find-python", "echo 3.11 /a; echo 3.12 /b; echo 3.13t /c")
    body = 'case "$*" in *version_info.major*) echo 3.11;; *) echo "$0" "$@" >>"$LOG";; esac'
    program(ready / ".venv" / "bin" / "python", body)
    told = "*gradx.native*) echo with the C extension"
    body = f'case "$*" in {told};; *) echo "$0" "$@" >>"$LOG";; esac'
    for version in ("3.12", "3.13t"):
        (ready / f".venv-{version}" / "bin").mkdir(parents=True)
        program(ready / f".venv-{version}" / "bin" / "python", body)
    return ready


def test_other_pythons_have_environments_of_their_own(several):
    done = run("scripts/test-pythons", cwd=several, LOG=str(several / "log"))
    assert done.returncode == 0, done.stderr
    lines = (several / "log").read_text().splitlines()
    ran = [line.partition("a clone/")[2] for line in lines if " -m pytest" in line]
    line = f"{PYTEST} {ENGINE}"
    assert ran == [f".venv-3.12/bin/python {line}", f".venv-3.13t/bin/python {line}"]
    assert done.stdout.splitlines()[-3:] == [
        "Python 3.11: the one in .venv, on which everything else is run",
        f"Python 3.12: {ENGINE} passed, with the C extension",
        f"Python 3.13t: {ENGINE} passed, with the C extension",
    ]


def test_the_first_other_python_may_do_without_the_extension(several):
    body = 'echo "${GRADX_SPEEDUPS:-1}" "$0" "$@" >>"$LOG"'
    for version in ("3.12", "3.13t"):
        program(several / f".venv-{version}" / "bin" / "python", body)
    options = ("--once-without-extension", "-k", "x")
    done = run("scripts/test-pythons", *options, cwd=several, LOG=str(several / "log"))
    assert done.returncode == 0, done.stderr
    lines = (several / "log").read_text().splitlines()
    ran = [line.replace(str(several), "") for line in lines if " -m pytest" in line]
    line = f"{PYTEST} -k x"
    assert ran == [f"0 /.venv-3.12/bin/python {line}", f"1 /.venv-3.13t/bin/python {line}"]


@pytest.mark.parametrize(("version", "code"), [("3.12", 1), ("3.13t", 0)])
def test_a_python_without_wheels_is_left_out_only_if_it_has_no_lock(several, version, code):
    python = several / f".venv-{version}" / "bin" / "python"
    python.write_text(python.read_text() + '\ncase "$*" in *install*) exit 1;; esac\n')
    done = run("scripts/test-pythons", cwd=several, LOG=str(several / "log"))
    assert done.returncode == code
    told = f"Python {version}: left out, since what the tests need could not be installed"
    assert told in done.stdout.splitlines()
    assert done.stdout.count(" passed, ") == 1


def test_a_python_on_which_the_tests_fail_is_told(several):
    python = several / ".venv-3.12" / "bin" / "python"
    python.write_text(python.read_text() + '\ncase "$*" in *pytest*) exit 1;; esac\n')
    done = run("scripts/test-pythons", "-k", "x", cwd=several, LOG=str(several / "log"))
    assert done.returncode == 1
    assert "Python 3.12: -k x FAILED" in done.stdout.splitlines()
    assert "Python 3.13t: -k x passed, with the C extension" in done.stdout.splitlines()


@pytest.fixture
def alone(ready):
    """A copy with all that continuous integration runs, on a machine with one Python."""
    shutil.copytree(ROOT / ".ci", ready / ".ci")
    program(ready / "scripts" / "find-python", ":")
    return ready


@pytest.mark.parametrize(("code", "last"), [(0, "pytest"), (77, "pytest"), (1, None)])
def test_ci_goes_on_where_there_can_be_no_device(alone, code, last):
    ready = alone
    program(ready / "scripts" / "test-cuda", f"echo the CUDA tests; exit {code}")
    done = run(".ci/run", cwd=ready, LOG=str(ready / "log"))
    assert done.returncode == (0 if last else code)
    assert ("The CUDA tests were left out, for the reason above." in done.stdout) == (code == 77)
    ran = "-m pytest -n auto" in (ready / "log").read_text()
    assert ran == (last is not None)


@pytest.mark.parametrize("built", [True, False])
def test_ci_tests_the_engine_without_the_extension_too(alone, built):
    ready = alone
    program(ready / "scripts" / "test-cuda", "exit 0")
    python = ready / ".venv" / "bin" / "python"
    status = f'case "$*" in *gradx.native*) exit {int(not built)};; esac\n'
    python.write_text(f'#!/bin/sh\n{status}echo "${{GRADX_SPEEDUPS:-1}}" "$@" >>"$LOG"\n')
    done = run(".ci/run", cwd=ready, LOG=str(ready / "log"))
    assert done.returncode == 0, done.stderr
    ran = [line for line in (ready / "log").read_text().splitlines() if "-m pytest" in line]
    without = [f"0 {PYTEST} {ENGINE}"] if built else []
    soak = f"1 {PYTEST} -m soak --share 4 --first 0"  # a copy without a history
    assert ran == [*without, soak, f"1 {PYTEST}"]
