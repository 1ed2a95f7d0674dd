"""Whether adopted code runs, and what a call of it has to remember until it is over."""

from __future__ import annotations

import sys
import types
from contextvars import ContextVar
from typing import Any

from gradx.reverse.constants import CONSTANTS

__all__ = ["INSIDE", "Call", "Globals", "Known", "current", "handed", "is_in_a_run"]


class Globals(dict[str, Any]):
    """The globals of adopted code."""

    __slots__ = ()


class Known:
    """What stands for what, for as long as an adoption or a call, by the identity of the latter.

    Attributes:
        stands: objects of the program, and what stands for them.
        origins: the other way round.
        codes: functions of the program, and their copies.
        cells: cells of closures of the program, and those of their copies.
        tables: dicts and sets by code.
    """

    __slots__ = ("cells", "codes", "origins", "stands", "tables")

    def __init__(self) -> None:
        self.stands: dict[int, tuple[Any, Any]] = {}  # with the originals, which keep their ids
        self.origins: dict[int, tuple[Any, Any]] = {}
        self.codes: dict[int, tuple[Any, Any]] = {}
        self.cells: dict[int, tuple[Any, Any]] = {}
        self.tables: list[Any] = []

    def note(self, x: Any, new: Any) -> Any:
        """Let an object stand for another."""
        self.stands[id(x)] = x, new
        self.origins.setdefault(id(new), (new, x))
        return new

    def origin(self, new: Any) -> Any:
        """What an object stands for; any other object itself."""
        return self.origins.get(id(new), (new, new))[1]


class Call:
    """A call of adopted code from outside.

    Attributes:
        known: what adopted code has met in it.
        roots: what it has met that may hold other things, each not by way of another.
        held: the places in which something is exchanged until the call is over.
        results: what cached functions have returned, by their arguments.
        own: instances that the caller has made of adopted classes, which stay such.
        adoptions: whose copies run in it.
        continues: whether adopted code has made it, after the call that it was of.
        is_over: whether it has returned; a task or a thread that it has begun may still run.
        reached: what functions and classes hold that it has met (`gradx.adoption.holdings`).
        begins: whether no copy has run yet, so that all that is met is the caller's.
    """

    __slots__ = (
        "adoptions",
        "begins",
        "continues",
        "held",
        "is_over",
        "known",
        "own",
        "reached",
        "results",
        "roots",
        "waiting",
    )

    def __init__(self, continues: bool = False) -> None:
        self.continues = continues
        self.known = Known()
        self.roots: list[Any] = []
        self.held: list[Any] = []
        self.own: dict[int, Any] = {}
        self.results: dict[Any, Any] = {}
        self.adoptions: list[Any] = []
        self.reached: dict[int, Any] = {}
        self.begins, self.is_over = True, False
        self.waiting: list[Any] | None = None  # while it is seen what something holds


INSIDE: ContextVar[Call | None] = ContextVar("gradx_inside", default=None)
"""The call of adopted code that runs in this thread.

What it calls is adopted too, with a variable or without.
"""


def current() -> Call | None:
    """The call of adopted code that runs in this thread, or None."""
    call = INSIDE.get()
    return None if call is None or call.is_over else call


_RUNNERS = ("gradx.reverse.run", "gradx.forward.", "gradx.batch.", "gradx.series.", "gradx.sparse.")
"""Modules that call a function in a run, or in the sweep of one, and on plain values never."""


def is_in_a_run(frame: types.FrameType | None) -> bool:
    """Whether a run is under way where a function is called, or adopted code is.

    Args:
        frame: that of the caller.
    """
    while frame is not None:
        names = frame.f_globals
        if isinstance(names, Globals) or str(names.get("__name__")).startswith(_RUNNERS):
            return True
        frame = frame.f_back
    return False


def handed(y: Any, xs: Any = ()) -> Any:
    """The result of a function of a library: in adopted code its arrays can be filled.

    Such a function may stand in an object for the length of a call, where other threads find it.

    Args:
        y: the result.
        xs: the arguments, of which the result may show items.
    """
    if current() is None and not isinstance(sys._getframe(2).f_globals, Globals):
        return y
    return CONSTANTS.given(y, xs)
