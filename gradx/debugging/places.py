"""Places: the line of the user's program from which an operation came."""

from __future__ import annotations

import linecache
import os
import sys
from pathlib import Path
from types import CodeType, FrameType
from typing import Any, NamedTuple

import numpy as np

__all__ = ["LIBRARIES", "Place", "place_of", "place_of_caller"]

LIBRARIES = tuple(
    str(Path(file).parent) + os.sep for file in (os.path.dirname(__file__), str(np.__file__))
)
"""The folders whose frames are not the user's: those of gradx and of NumPy."""


class Place(NamedTuple):
    """A line of a program.

    Attributes:
        file: the file's name, as Python has it.
        line: the number of the line; 0 if it is not known.
        function: the function that the line is in.
    """

    file: str
    line: int
    function: str

    @property
    def text(self) -> str:
        """What stands in the line; "" where there is no source."""
        return linecache.getline(self.file, self.line).strip()

    def __str__(self) -> str:
        text = self.text
        return f"{self.file}:{self.line} in {self.function}" + (f", {text!r}" if text else "")


def place_of(code: CodeType, instruction: int) -> Place:
    """The line of an instruction of a function.

    Args:
        code: that of the function.
        instruction: its offset in bytes, as a frame's ``f_lasti``.
    """
    line = 0
    for start, stop, number in code.co_lines():
        if start <= instruction < stop:
            line = number or 0
    return Place(code.co_filename, line, code.co_qualname)


def users_frame(frame: FrameType | None) -> FrameType | None:
    """The nearest frame at or above one that is not of gradx or NumPy."""
    while frame is not None and frame.f_code.co_filename.startswith(LIBRARIES):
        frame = frame.f_back
    return frame


def place_of_caller() -> Place:
    """The user's line that runs now."""
    frame: Any = users_frame(sys._getframe(1))
    return Place("?", 0, "?") if frame is None else place_of(frame.f_code, frame.f_lasti)
