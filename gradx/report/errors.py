"""Errors of reports.

GradxError
└── ReportError
    ├── LogError    a log that cannot be read, or is none
    ├── PageError   a file that a page must not replace
    └── PortError   a port on which no page can be served
"""

from __future__ import annotations

from gradx.errors import GradxError

__all__ = ["LogError", "PageError", "PortError", "ReportError"]


class ReportError(GradxError):
    """Something is wrong with a report; base of the errors below."""


class LogError(ReportError):
    """A log that cannot be read, or that is no log of gradx."""


class PageError(ReportError):
    """A file that a page must not replace."""


class PortError(ReportError):
    """A port on which no page can be served."""
