"""What a call meets is entered: all that it leads to is adopted until the call is over."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

from gradx.adoption.classes import is_adopted_class, original_class
from gradx.adoption.functions import FUNCTIONS
from gradx.adoption.inside import Call
from gradx.adoption.instances import is_of_the_program
from gradx.adoption.places import CLASS, PLAIN, Change, Way, hold, is_held, may_hold, places_of
from gradx.adoption.scope import FOREIGN
from gradx.adoption.tables import UNCHANGED
from gradx.values.per_class import is_made_here

__all__ = ["enter", "hold_in"]

_LIBRARIES = FOREIGN | {"scipy"} | sys.stdlib_module_names


def enter(adoption: Any, x: Any, call: Call, of_code: bool) -> None:
    """Let all that a value leads to be adopted, in its place, until the call is over.

    Args:
        adoption: the adoption.
        x: the value.
        call: the call.
        of_code: whether it is held by code, which is not found from values.
    """
    call.known.stands[id(x)] = x, x
    if call.waiting is None or of_code:
        call.roots.append(x)
    if call.waiting is not None:
        call.waiting.append(x)
        return
    call.waiting = [x]
    try:
        while call.waiting:
            _see(adoption, call.waiting.pop(), call)
    finally:
        call.waiting = None


def _see(adoption: Any, x: Any, call: Call) -> None:
    if is_of_the_program(adoption, x):
        _exchange_class(adoption, x, call)
    for part in x if isinstance(x, set) else ():
        adoption.of(part)
    kinds = _exchanged_in(adoption, x)
    for place in places_of(x):
        changes = []
        for key, value in place.items:
            if type(value) in PLAIN:
                continue
            if may_hold(value) or kinds is None or isinstance(value, kinds):
                new = adoption.of(value)
                if new is not value:
                    changes.append(Change(key, value, new))
        hold_in(call, place.of, place.way, changes)


def _exchanged_in(adoption: Any, x: Any) -> tuple[type, ...] | None:
    """What is exchanged in a value: all, functions alone, or containers and instances alone."""
    cls = type(x)
    if not is_made_here(cls) or is_of_the_program(adoption, x):
        return None
    is_of_library = cls.__module__.partition(".")[0] in _LIBRARIES
    return UNCHANGED if is_of_library else (*UNCHANGED, *FUNCTIONS)


def hold_in(call: Call, of: Any, way: Way, changes: Sequence[Change]) -> None:
    """Exchange what a list, a dict or an object keeps, until a call is over.

    Args:
        call: the call.
        of: the list, the dict or the object.
        way: how it keeps it.
        changes: what to exchange.
    """
    held = hold(of, way, changes)
    if held is not None:
        call.held.append(held)


def _exchange_class(adoption: Any, x: Any, call: Call) -> None:
    """Make an instance of the program one of the adopted class, until the call is over."""
    cls = type(x)
    if is_adopted_class(cls):
        adoption.holdings.reach(original_class(cls))
        if is_held(x, CLASS):  # by another thread
            hold_in(call, x, CLASS, ())
        elif call.begins:
            call.own[id(x)] = x
        return
    new = adoption.of(cls)
    if new is not cls:
        hold_in(call, x, CLASS, [Change(None, cls, new)])
