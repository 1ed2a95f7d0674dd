"""What functions and classes of the program hold: a call sees that of those that it reaches.

A list in a default, in a cell or in a class adopted code does not ask for when it reads it, so the
objects in it are adopted before. There may be many of them: a call does so when it meets the
function or the class, and all that others hold is left alone.
"""

from __future__ import annotations

import types
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from gradx.adoption.inside import Call, current
from gradx.adoption.places import LOCK
from gradx.adoption.tables import Table

__all__ = ["Holdings"]


class _Holding:
    """What a function, a class, a table or a tuple holds.

    Attributes:
        owner: the function, the class, the table or the tuple.
        objects: the objects, by their identities.
        tables: dicts and sets that have a copy.
        leads: what else is met with it: a class that it holds, a base, the class of a method.
    """

    __slots__ = ("leads", "objects", "owner", "tables")

    def __init__(self, owner: Any) -> None:
        self.owner = owner
        self.objects: dict[int, Any] = {}
        self.tables: list[Table] = []
        self.leads: dict[int, _Holding] = {}

    def all(self) -> Iterator[_Holding]:
        """Itself and all that it leads to."""
        waiting, seen = [self], {id(self)}
        while waiting:
            each = waiting.pop()
            yield each
            new = [lead for lead in each.leads.values() if id(lead) not in seen]
            seen.update(map(id, new))
            waiting += new


class Holdings(dict[int, _Holding]):
    """By the identities of functions and classes of one adoption, what they hold.

    Args:
        adoption: the adoption.
    """

    def __init__(self, adoption: Any) -> None:
        super().__init__()
        self._adoption, self._always = adoption, _Holding(None)
        self._open: list[_Holding] = []

    @property
    def now(self) -> _Holding | None:
        """Of what is being made: it is known by then, and other threads have to wait for it."""
        return self._open[-1] if self._open else None

    @contextmanager
    def for_all(self) -> Iterator[None]:
        """A block in which it is found what all calls see, as in the attributes of functions."""
        self._open.append(self._always)
        try:
            yield
        finally:
            self._open.pop()

    @contextmanager
    def making(self, owner: Any) -> Iterator[None]:
        """A block in which a function, a class, a table or a tuple gets its copy.

        Args:
            owner: the original.
        """
        outer, holding = self.now, self.setdefault(id(owner), _Holding(owner))
        if outer is not None:
            outer.leads[id(owner)] = holding
            if isinstance(outer.owner, type) and isinstance(owner, types.FunctionType):
                holding.leads[id(outer.owner)] = outer  # from a method to its class
        self._open.append(holding)
        try:
            yield
        finally:
            self._open.pop()
            for each in (*holding.leads.values(), holding):
                if not self._matters(each):
                    for known in (self, holding.leads, {} if outer is None else outer.leads):
                        known.pop(id(each.owner), None)

    def _matters(self, holding: _Holding) -> bool:
        is_open = {*map(id, self._open)}.__contains__
        return any(each.objects or each.tables or is_open(id(each)) for each in holding.all())

    def keep(self, x: Any) -> None:
        """Let what is being made hold an object; if nothing is, all calls see it."""
        (self.now or self._always).objects[id(x)] = x

    def keep_table(self, table: Table) -> None:
        """Let what is being made hold a dict or a set that has a copy."""
        (self.now or self._always).tables.append(table)
        call = current()
        if call is not None:
            call.known.tables.append(table)

    def begin(self, call: Call, tables: Sequence[Table]) -> None:
        """Let a call see what all calls see.

        Args:
            call: the call.
            tables: tables that all calls see, such as the attributes of functions.
        """
        always = self._always
        self._refresh(list(tables), always)
        if always.objects or always.leads:
            for each in list(always.all()):
                self._enter(each, call)

    def reach(self, owner: Any) -> None:
        """Let the call that runs see what a function or a class holds, and what that leads to."""
        holding, call = self.get(id(owner)), current()
        if holding is None:
            return
        if self.now is None and (call is None or id(holding) in call.reached):
            return
        with LOCK:
            if self.now is not None:
                self.now.leads[id(owner)] = holding
            elif call is not None:
                for each in list(holding.all()):
                    self._enter(each, call)

    def _enter(self, holding: _Holding, call: Call) -> None:
        if id(holding) in call.reached:
            return
        call.reached[id(holding)] = holding
        if holding.tables:
            self._refresh(holding.tables, holding)
            call.known.tables += holding.tables
        if holding.objects:
            self._adoption.enter(list(holding.objects.values()), call)

    def _refresh(self, tables: Sequence[Table], holding: _Holding) -> None:
        """Let tables have what the program has put into them; what that is, a holding keeps."""
        self._open.append(holding)
        try:
            for table in tables:
                table.refresh()
        finally:
            self._open.pop()
