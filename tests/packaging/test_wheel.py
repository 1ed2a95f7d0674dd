"""A wheel built from the tree works by itself, in a fresh environment.

The fresh environment takes numpy and click the way any user's does: through pip.
"""

import json
import os
import shutil
import struct
import subprocess
import sys
import sysconfig
import tomllib
import venv
import zipfile
from dataclasses import dataclass
from pathlib import Path

import pytest

import gradx
from tests.architecture.sources import ROOT
from tests.packaging.compiler import compiler

pytestmark = pytest.mark.slow

MNIST_FILES = (
    "train-images-idx3-ubyte.gz",
    "train-labels-idx1-ubyte.gz",
    "t10k-images-idx3-ubyte.gz",
    "t10k-labels-idx1-ubyte.gz",
)


EXTENSION = f"gradx/native/_native{sysconfig.get_config_var('EXT_SUFFIX')}"


def run(*command: object, cwd: Path, **environment: str) -> str:
    """Runs a command that must succeed, away from the source tree; gives what it printed."""
    return completed(*command, cwd=cwd, **environment).stdout


def completed(*command: object, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    clean = {key: os.environ[key] for key in os.environ.keys() - {"PYTHONPATH", "GRADX_SPEEDUPS"}}
    done = subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env={**clean, **environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done


@dataclass(frozen=True)
class Installed:
    """A fresh environment with only the wheel and what it asks for."""

    bin: Path
    empty: Path

    def python(self, code: str, **environment: str) -> str:
        return run(self.bin / "python", "-c", code, cwd=self.empty, **environment)

    def gradx(self, *arguments: object, **environment: str) -> str:
        return run(self.bin / "gradx", *arguments, cwd=self.empty, **environment)


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    """A copy of what wheels are made of, so that the tree stays as it is."""
    source = tmp_path_factory.mktemp("source")
    for name in ("pyproject.toml", "setup.py", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    for package in ("gradx", "gradx_cuda"):
        ignored = shutil.ignore_patterns("__pycache__", "*.so")
        shutil.copytree(ROOT / package, source / package, ignore=ignored)
    return source


@pytest.fixture(scope="module")
def wheel(source, tmp_path_factory):
    dist = tmp_path_factory.mktemp("wheel")
    build = ("pip", "wheel", "--quiet", "--no-deps", "--wheel-dir")
    run(sys.executable, "-m", *build, dist, source, cwd=dist)
    (built,) = dist.glob("gradx-*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory):
    base = tmp_path_factory.mktemp("fresh")
    venv.create(base / "venv", with_pip=True)
    folder = base / "venv" / ("Scripts" if os.name == "nt" else "bin")
    (base / "empty").mkdir()
    run(folder / "python", "-m", "pip", "install", "--quiet", wheel, cwd=base)
    return Installed(folder, base / "empty")


@pytest.fixture(scope="module")
def builder(installed):
    """The Python of an environment in which wheels are built at once."""
    requires = tomllib.loads((ROOT / "pyproject.toml").read_text())["build-system"]["requires"]
    python = installed.bin / "python"
    run(python, "-m", "pip", "install", "--quiet", *requires, cwd=installed.empty)
    return python


def test_the_wheel_holds_what_it_should(wheel):
    names = set(zipfile.ZipFile(wheel).namelist())
    assert {"gradx/__init__.py", "gradx/py.typed"} <= names
    assert {f"gradx/mnist/data/{name}" for name in MNIST_FILES} <= names
    tops = {name.partition("/")[0] for name in names}
    assert tops == {"gradx", "gradx_cuda", f"gradx-{gradx.__version__}.dist-info"}
    assert not any(name.endswith((".pyc", ".c")) for name in names)


def test_the_wheel_holds_the_extension_where_there_is_a_compiler(wheel, installed):
    built = compiler() is not None
    kind = "with" if built else "without"
    assert (EXTENSION in zipfile.ZipFile(wheel).namelist()) == built
    assert wheel.name.endswith("-py3-none-any.whl") == (not built)
    assert f", {kind} speedups)" in installed.gradx("--version")
    assert ", without speedups)" in installed.gradx("--version", GRADX_SPEEDUPS="0")


@pytest.mark.parametrize(
    ("environment", "reason"),
    [
        ({"CC": "false"}, "it did not compile: "),
        ({"CC": "no-such-compiler"}, "it did not compile: "),
        ({"GRADX_SPEEDUPS": "0"}, "GRADX_SPEEDUPS=0 says so"),
    ],
    ids=["a compiler that fails", "no compiler", "left out"],
)
def test_a_build_without_the_extension_is_pure(source, builder, environment, reason, tmp_path):
    """From where the extension has been built before: nothing of that gets into the wheel."""
    build = ("pip", "wheel", "--verbose", "--no-build-isolation", "--no-deps", "--wheel-dir")
    done = completed(builder, "-m", *build, tmp_path, source, cwd=tmp_path, **environment)
    said = f"gradx is built without its C extension, slower but complete: {reason}"
    assert compiler() is None or said in done.stderr
    (built,) = tmp_path.glob("gradx-*.whl")
    assert built.name == f"gradx-{gradx.__version__}-py3-none-any.whl"
    with zipfile.ZipFile(built) as archive:
        assert not any(name.endswith((".so", ".pyd", ".c")) for name in archive.namelist())
        archive.extractall(tmp_path / "unpacked")
    told = run(builder, "-m", "gradx", "--version", cwd=tmp_path / "unpacked")
    assert ", without speedups)" in told


def test_the_version_is_the_same_everywhere(wheel, installed):
    assert wheel.name.split("-")[1] == gradx.__version__
    assert installed.python("import gradx; print(gradx.__version__)").strip() == gradx.__version__
    assert gradx.__version__ in installed.gradx("--version")


def test_only_what_it_declares_is_installed(installed):
    listed = run(
        installed.bin / "python", "-m", "pip", "list", "--format=json", cwd=installed.empty
    )
    names = {entry["name"].lower() for entry in json.loads(listed)}
    assert names - {"pip", "setuptools", "wheel", "colorama"} == {"gradx", "numpy", "click"}


def test_it_differentiates(installed):
    code = "import gradx, numpy as np; print(float(gradx.grad(lambda x: np.exp(x) * x)(0.0)))"
    assert installed.python(code).strip() == "1.0"


def test_the_licence_is_told(installed):
    code = "import importlib.metadata as m; print(m.metadata('gradx')['License-Expression'])"
    assert installed.python(code).strip() == "BSD-3-Clause AND CC-BY-SA-3.0"


def test_the_backends_are_found_by_entry_point(installed):
    code = (
        "import importlib.metadata as m\n"
        "for point in m.entry_points(group='gradx.backends'): print(point.name, point.load())"
    )
    lines = installed.python(code).splitlines()
    assert any(line.startswith("cpu <class 'gradx.backends.") for line in lines)
    assert any(line.startswith("cuda <class 'gradx_cuda.") for line in lines)


def test_the_data_set_is_there(installed):
    code = (
        "import gzip, importlib.resources as r\n"
        "images = r.files('gradx.mnist').joinpath('data', 'train-images-idx3-ubyte.gz')\n"
        "print(gzip.decompress(images.read_bytes())[:16].hex())"
    )
    header = struct.pack(">IIII", 0x803, 60_000, 28, 28)
    assert installed.python(code).strip() == header.hex()


def test_it_trains(installed, tmp_path):
    """On a hundred small pictures: one epoch, written to a file and evaluated again."""
    for part, count in (("train", 100), ("t10k", 20)):
        pixels = bytes(index * 7 % 256 for index in range(count * 28 * 28))
        labels = bytes(index % 10 for index in range(count))
        images = struct.pack(">IIII", 0x803, count, 28, 28) + pixels
        (tmp_path / f"{part}-images-idx3-ubyte").write_bytes(images)
        (tmp_path / f"{part}-labels-idx1-ubyte").write_bytes(
            struct.pack(">II", 0x801, count) + labels
        )
    model = tmp_path / "model.npz"
    installed.gradx("train", "--data", tmp_path, "--epochs", 1, "--save", model)
    assert model.stat().st_size > 0
    assert "error" in installed.gradx("eval", model, "--data", tmp_path).lower()
