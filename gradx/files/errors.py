"""Errors about files.

GradxError
└── FileError
    ├── OutputError      a file that cannot be written, or not with these values
    ├── InputError       a file that is missing, cannot be read, or is damaged
    └── MismatchError    a sound file whose arrays are not those that are asked for
"""

from __future__ import annotations

from gradx.errors import GradxError

__all__ = ["FileError", "InputError", "MismatchError", "OutputError"]


class FileError(GradxError):
    """Something is wrong with a file; base of the errors below."""


class OutputError(FileError):
    """A file that cannot be written, or a value that cannot be written into it."""


class InputError(FileError):
    """A file that is missing, cannot be read, or is not what it should be.

    Attributes:
        reason: what is wrong in the file, without its name; None where it was not looked into.
    """

    def __init__(self, text: str, reason: str | None = None) -> None:
        super().__init__(text)
        self.reason = reason


class MismatchError(FileError):
    """A sound file whose arrays do not fit the value that is to be filled with them."""
