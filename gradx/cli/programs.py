"""Programs of the user: found by name, from the current folder too."""

from __future__ import annotations

import sys
from typing import Any

from gradx.adoption.entry import named

__all__ = ["program_named"]


def program_named(name: str, command: str) -> Any:
    """What ``module:name`` says.

    Args:
        name: as the user gave it.
        command: who asks, for messages.

    Raises:
        AdoptionError: there is no such module, or nothing of the name in it.
    """
    if "" not in sys.path:
        sys.path.insert(0, "")  # as for 'python -m'
    return named(name, command)
