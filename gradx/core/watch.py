"""Watch: who is told, in a block of `gx.debug`, of what a run does that nothing else shows.

A context variable, so that a block sees the runs of its own thread or task only. It is asked once a
run, and where something rare happens; an operation asks nothing.
"""

from __future__ import annotations

from contextvars import ContextVar
from typing import Any

__all__ = ["WATCH", "Watch", "tell"]


class Watch:
    """What watches the runs of a block; each kind is a subclass."""

    __slots__ = ()

    def tape(self) -> Any:
        """The tape of a reverse run that begins; None for a plain one."""
        return None

    def forward(self) -> Any:
        """The forward run that begins; None for a plain one."""
        return None

    def batch(self, size: int) -> Any:
        """The batch run of so many examples that begins; None for a plain one."""
        return None

    def tell(self, kind: str, what: str) -> None:
        """Take note of something.

        Args:
            kind: what kind of thing it is, such as "object array".
            what: what happened, in a few words.
        """


WATCH: ContextVar[Watch | None] = ContextVar("gradx_watch", default=None)


def tell(kind: str, what: str) -> None:
    """Tell whoever watches, if anybody does, of something that costs time or loses a gradient."""
    watch = WATCH.get()
    if watch is not None:
        watch.tell(kind, what)
