"""Whether the C extension is used: where it is there, is wanted, and was built from its source."""

import zlib
from types import SimpleNamespace

import pytest

from gradx.native import current
from tests.processes import printed

FOUND = "from gradx.native import native; print(native)"


def test_it_can_be_left_out():
    assert printed(FOUND, GRADX_SPEEDUPS="0") == "None\n"


def test_where_it_was_not_built_nothing_is_said():
    code = "import sys; sys.modules['gradx.native._native'] = None; " + FOUND
    assert printed(code, GRADX_SPEEDUPS="") == "None\n"


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
