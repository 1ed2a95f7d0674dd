"""Errors about image files.

GradxError
└── MnistError
    ├── IdxError       one file is not a sound IDX file
    ├── DatasetError   the four files are missing or do not fit together
    └── ImageError     a picture to predict is not one
"""

from __future__ import annotations

from gradx.errors import GradxError


class MnistError(GradxError):
    """Something is wrong with image data; base of the errors below."""


class IdxError(MnistError):
    """A file is missing, unreadable, or not a sound IDX file."""


class DatasetError(MnistError):
    """A data set's files are missing or do not fit together."""


class ImageError(MnistError):
    """A file to predict holds no picture that a network can read."""
