"""The C compiler that builds gradx's extension, where there is one."""

import os
import shlex
import shutil
import sys
import sysconfig
from pathlib import Path


def compiler() -> list[str] | None:
    """The command that compiles C for this Python, or None where the extension is left out."""
    if sys.implementation.name != "cpython" or sysconfig.get_config_var("Py_GIL_DISABLED"):
        return None
    command = shlex.split(os.environ.get("CC") or sysconfig.get_config_var("CC") or "cc")
    has_headers = Path(sysconfig.get_path("include"), "Python.h").exists()
    return command if has_headers and shutil.which(command[0]) else None
