"""Whether the C extension is used: where it is there, is wanted, and was built from its source."""

import os
import subprocess
import sys
import zlib
from types import SimpleNamespace

import pytest

from gradx.native import current
from tests.architecture.sources import ROOT

FOUND = "from gradx.native import native; print(native)"


def found(code: str, **variables: str) -> str:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        env={**os.environ, "PYTHONPATH": str(ROOT), **variables},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    return done.stdout.strip()


def test_it_can_be_left_out():
    assert found(FOUND, GRADX_SPEEDUPS="0") == "None"


def test_where_it_was_not_built_nothing_is_said():
    code = "import sys; sys.modules['gradx.native._native'] = None; " + FOUND
    assert found(code, GRADX_SPEEDUPS="") == "None"


def extension(source: bytes) -> SimpleNamespace:
    return SimpleNamespace(__file__="gradx/native/_native.so", SOURCE=zlib.crc32(source))


def test_what_was_built_from_the_source_beside_it_is_used(tmp_path):
    source = tmp_path / "module.c"
    source.write_bytes(b"int x;")
    built = extension(b"int x;")
    assert current(built, tmp_path) is built


def test_what_was_built_from_another_source_is_not_used(tmp_path):
    source = tmp_path / "module.c"
    source.write_bytes(b"int y;")
    text = r"gradx/native/_native\.so was built from other sources .* pip install --editable"
    for built in (extension(b"int x;"), SimpleNamespace(__file__="gradx/native/_native.so")):
        with pytest.warns(RuntimeWarning, match=text):
            assert current(built, tmp_path) is None


def test_a_wheel_has_no_source_to_compare_with(tmp_path):
    built = extension(b"int x;")
    assert current(built, tmp_path) is built
