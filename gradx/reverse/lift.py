"""Lifting: a value with a variable in the place of each of its leaves.

The differentiated function gets real instances of the user's classes, copies whose leaves are
variables: numbers, arrays, and values of types with an ``add`` of their own. Static parts are
shared. Lifting makes no node and no path. What is known of the copies is in `gradx.reverse.copies`.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from gradx.reverse.copies import BUILTIN, Copies, unshared
from gradx.values.builtin import check_differentiable
from gradx.values.leaves import map_leaves
from gradx.values.operations import ValueType
from gradx.values.rebind import is_function

__all__ = ["Lifting"]


class Lifting:
    """The lifting of the inputs of one run.

    Args:
        leaf: ``leaf(x, spec)`` gives the run's variable of a leaf; called for the leaves in order.

    When all inputs are lifted, `finish` is due.
    """

    _copies: Copies | None = None
    """What is known of the copies, where objects stand at several paths or functions in inputs."""

    def __init__(self, leaf: Callable[[Any, ValueType], Any]) -> None:
        self._leaf = leaf
        self._inputs: list[tuple[Any, str]] = []
        self._noted: list[Any] = []  # containers and their copies, which keep their identities

    def lift(self, x: Any, name: str) -> Any:
        """An input with a variable for each of its leaves; messages call it by this name.

        Raises:
            NotDifferentiableError: the input, or a part of it, cannot have a gradient.
            UnregisteredTypeError: a part is of an unregistered type.
        """
        self._inputs.append((x, name))
        before = len(self._noted)
        if type(x) in BUILTIN and len(x) >= _MANY:
            with _collector_paused():
                new = self._copy(x, name)
        else:
            new = self._copy(x, name)
        if len(self._noted) == before and (new is x or self._copies):  # static, or a function
            check_differentiable(x, name)
        return new

    def _copy(self, x: Any, name: str) -> Any:
        static, noted = self._static, self._noted
        return map_leaves(x, self._leaf, name, static=static, noted=noted, atoms=False)

    def _static(self, x: Any, spec: ValueType) -> Any:
        return self._known().bound(x) if is_function(x) else x

    def _known(self) -> Copies:
        if self._copies is None:
            self._copies = Copies(self._inputs, self._noted)
        self._copies.enter()
        return self._copies

    def finish(self) -> None:
        """Take note of objects at several paths, and check the functions in the inputs.

        Raises:
            NotDifferentiableError: a function closes over a part of the inputs; names its path.
        """
        if self._copies is not None or not unshared(self._noted):
            self._known().check_functions()

    def check_aliases(self) -> None:
        """Raise if the run changed an object that the inputs reach by several paths.

        Raises:
            AliasError: it did; names the paths.
        """
        if self._copies is not None:
            self._copies.check()


_MANY = 10_000
"""Parts from which on the collector is paused: see the benchmark row "a million numbers"."""


@contextmanager
def _collector_paused() -> Iterator[None]:
    """A block that makes many objects and no garbage, so that looking for some is in vain."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()
