"""Speedups: the C code that records operations and sweeps tapes, where it is there.

It is built when gradx is installed, if there is a C compiler, and does what the Python code of
`gradx.recorders` and `gradx.cotangent` does, several times as fast. The environment variable
``GRADX_SPEEDUPS=0`` leaves it out.
"""

from __future__ import annotations

import os
from contextlib import suppress
from typing import Any

__all__ = ["native"]

native: Any = None
"""The module of the C code, or None."""

if os.environ.get("GRADX_SPEEDUPS") != "0":
    with suppress(ImportError):  # it was not built
        from gradx.speedups import _native as native
