"""Speedups: the C code that records operations and sweeps tapes, where it was built.

It is built when gradx is installed and there is a C compiler, and does what the Python code of
`gradx.reverse.recorders`, `gradx.reverse.backward` and others does, several times as fast. With
`GRADX_SPEEDUPS=0` in the environment it is left out, of what is built and of what runs.
"""

from __future__ import annotations

import os
import warnings
import zlib
from contextlib import suppress
from pathlib import Path
from typing import Any

__all__ = ["native"]


def checksum(folder: Path) -> int:
    """The CRC-32 of the C sources in a folder; 0 where there are none, as in an installed wheel."""
    total = 0
    for path in sorted([*folder.glob("*.c"), *folder.glob("*.h")]):
        total = zlib.crc32(path.read_bytes(), total)
    return total


def current(extension: Any, folder: Path) -> Any:
    """The extension, or None if the sources beside it have changed since it was built.

    That happens in a copy of the repository whose C code has changed since it was installed.
    """
    if checksum(folder) in (0, getattr(extension, "SOURCE", None)):
        return extension
    warnings.warn(
        f"{extension.__file__} was built from other sources than those beside it, so gradx runs "
        "without it, slower; build it again: pip install --editable .",
        RuntimeWarning,
        stacklevel=2,
    )
    return None


native: Any = None
"""The extension, or None."""

if os.environ.get("GRADX_SPEEDUPS") != "0":
    with suppress(ImportError):
        from gradx.native import _native

        native = current(_native, Path(__file__).parent)
