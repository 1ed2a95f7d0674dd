"""Errors of methods and schedules.

GradxError
└── MethodError (ValueError)  an option of a method or schedule that cannot work
"""

from __future__ import annotations

from gradx.errors import GradxError

__all__ = ["MethodError"]


class MethodError(GradxError, ValueError):
    """An option of a method, schedule or wrapper that cannot work."""
