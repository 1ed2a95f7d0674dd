"""What the submodules share: passing on to SciPy what is not lifted."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

__all__ = ["passing_on"]

_OPS = "gradx.ops.scipy"
"""The package of the ops, which says what to install where SciPy is missing."""


def passing_on(name: str) -> Callable[[str], Any]:
    """A module's ``__getattr__`` that gives what the module of SciPy has.

    Args:
        name: the module of SciPy, such as ``scipy.linalg``.
    """

    def get(attribute: str) -> Any:
        if attribute.startswith("__"):
            raise AttributeError(f"module 'gradx.{name}' has no attribute {attribute!r}")
        importlib.import_module(_OPS)
        return getattr(importlib.import_module(name), attribute)

    return get
