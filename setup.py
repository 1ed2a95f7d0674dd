"""Build of the C extension `gradx.native._native`; pyproject.toml has all else.

Without a compiler, or Python's or NumPy's headers, the build succeeds all the same: gradx is then
pure Python, and its wheel fits every system. A warning says why. `GRADX_SPEEDUPS=0` leaves the
extension out.
"""

import compileall
import os
import sys
import sysconfig
import zlib
from pathlib import Path
from textwrap import shorten

from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext
from setuptools.errors import BaseError, CCompilerError, CompileError

FOLDER = Path("gradx/native")
SOURCES = sorted(map(str, FOLDER.glob("*.c")))
HEADERS = sorted(map(str, FOLDER.glob("*.h")))


def checksum() -> int:
    """The CRC-32 of the sources, as gradx/native/__init__.py takes it."""
    total = 0
    for path in sorted([*FOLDER.glob("*.c"), *FOLDER.glob("*.h")]):
        total = zlib.crc32(path.read_bytes(), total)
    return total


def reason_against() -> str | None:
    """Why the extension is not even tried, or None."""
    if os.environ.get("GRADX_SPEEDUPS") == "0":
        return "GRADX_SPEEDUPS=0 says so"
    if sys.implementation.name != "cpython":
        return f"it is for CPython, and this is {sys.implementation.name}"
    if sysconfig.get_config_var("Py_GIL_DISABLED"):
        return "it needs the global interpreter lock, which this Python has not"
    return None


class BuildSpeedups(build_ext):
    """Builds the extension; where that fails, the rest of the build goes on as pure Python."""

    def run(self) -> None:
        """Build it, and compile the modules of a tree that is installed as it is.

        pip does that with those that it copies. Without it each import takes four times as long
        where Python is told to write no bytecode.
        """
        super().run()
        if self.editable_mode:
            compileall.compile_dir("gradx", quiet=2)

    def build_extension(self, ext: Extension) -> None:
        """Build it, or take it out of the distribution and say why."""
        reason = reason_against()
        if reason is None:
            try:
                import numpy

                ext.include_dirs.append(numpy.get_include())
                self.force = True  # an older build may have the later date
                super().build_extension(ext)
                return
            except ImportError:
                reason = "NumPy, whose headers it needs, cannot be imported"
            except (BaseError, CCompilerError, CompileError, OSError) as error:
                reason = f"it did not compile: {shorten(str(error), 150)}"
        self.leave_out(ext)
        self.warn(f"gradx is built without its C extension, slower but complete: {reason}")

    def leave_out(self, ext: Extension) -> None:
        """Make the distribution pure, its wheel's name too, and remove what an older build left."""
        Path(self.get_ext_fullpath(ext.name)).unlink(missing_ok=True)
        if self.editable_mode:
            Path(self.get_ext_filename(ext.name)).unlink(missing_ok=True)
        self.distribution.ext_modules = []
        self.distribution.get_command_obj("bdist_wheel").root_is_pure = True


setup(
    ext_modules=[
        Extension(
            "gradx.native._native",
            SOURCES,
            depends=HEADERS,
            # By this gradx.native knows whether a build is of the sources beside it.
            define_macros=[("GRADX_SOURCE", f"{checksum()}UL")],
            # So a square root is one instruction, which sets no number that nobody reads.
            extra_compile_args=[] if sys.platform == "win32" else ["-fno-math-errno"],
            optional=True,
        )
    ],
    cmdclass={"build_ext": BuildSpeedups},
)
