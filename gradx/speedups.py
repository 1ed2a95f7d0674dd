"""Speedups: the C extension where it was built, or None; Python does the same without it, slower.

It is built when gradx is installed and there is a C compiler. With `GRADX_SPEEDUPS=0` in the
environment it is left out, of what is built and of what runs.
"""

from __future__ import annotations

import os
import warnings
import zlib
from contextlib import suppress
from pathlib import Path
from types import ModuleType

__all__ = ["speedups"]


def current(extension: ModuleType, source: Path) -> ModuleType | None:
    """The extension, unless it was built from another source than the one that lies beside it.

    That happens in a copy of the repository whose C code has changed since it was installed. An
    installed wheel has no source beside it, and was made in one piece.
    """
    try:
        text = source.read_bytes()
    except OSError:
        return extension
    if getattr(extension, "SOURCE", None) == zlib.crc32(text):
        return extension
    warnings.warn(
        f"{extension.__file__} was built from another {source.name} than the one beside it, so "
        "gradx runs without it, slower; build it again: pip install --editable .",
        RuntimeWarning,
        stacklevel=2,
    )
    return None


speedups: ModuleType | None = None
"""The extension, or None."""

if os.environ.get("GRADX_SPEEDUPS") != "0":
    with suppress(ImportError):
        from gradx import _speedups

        speedups = current(_speedups, Path(__file__).with_name("_speedups.c"))
