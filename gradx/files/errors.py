"""Errors about files.

GradxError
└── FileError
    └── OutputError    a file that cannot be written
"""

from __future__ import annotations

from gradx.errors import GradxError

__all__ = ["FileError", "OutputError"]


class FileError(GradxError):
    """Something is wrong with a file; base of the errors below."""


class OutputError(FileError):
    """A file that cannot be written."""
