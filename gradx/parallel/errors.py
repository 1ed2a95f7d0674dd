"""Errors of runs of several processes.

GradxError
└── ParallelError        something is wrong with a parallel run
    ├── LauncherError    no MPI, or processes that do not find one another
    └── RanksDifferError ranks that were not asked for the same
"""

from __future__ import annotations

from gradx.errors import GradxError

__all__ = ["LauncherError", "ParallelError", "RanksDifferError"]


class ParallelError(GradxError):
    """Something is wrong with a run of several processes; base of the errors below."""


class LauncherError(ParallelError):
    """There is no MPI to work with, or the processes that were started do not find one another."""


class RanksDifferError(ParallelError):
    """The ranks of a run have different versions, options or data."""
