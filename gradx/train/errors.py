"""Errors of training runs.

GradxError
└── TrainError
    ├── OptionError      an option whose value cannot work
    ├── DataError        data that cannot be trained on
    ├── ModelFileError   a file that is not a model, or not one that fits
    ├── ProgramError     a MODEL.py that lacks something, or whose functions fail
    └── DivergedError    a loss that is no longer a finite number

A file that cannot be written is an `OutputError` of `gradx.files`.
"""

from __future__ import annotations

from gradx.errors import GradxError


class TrainError(GradxError):
    """Something is wrong with a training run; base of the errors below."""


class OptionError(TrainError):
    """An option whose value cannot work."""


class ModelFileError(TrainError):
    """A file that is not a model of gradx, or not one that fits."""


class ProgramError(TrainError):
    """A program to train, such as MODEL.py, that lacks something or whose functions fail."""


class DivergedError(TrainError):
    """A loss that became nan or infinite."""


class DataError(TrainError):
    """Data that cannot be trained on: of no rows, of different lengths, or of no known form."""
