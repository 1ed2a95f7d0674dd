"""Lifting: a value with a variable in the place of each of its leaves.

The differentiated function gets real instances of the user's classes, copies whose leaves are
variables: numbers, arrays, and values of types with an ``add`` of their own. Static parts are
shared. Lifting makes no node and no path. What is known of the copies is in `gradx.reverse.copies`.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Sequence
from typing import Any

from gradx.reverse.copies import BUILTIN, Copies, unshared
from gradx.values.builtin import check_differentiable
from gradx.values.leaves import mapped
from gradx.values.operations import ValueType
from gradx.values.rebind import is_function

__all__ = ["Lifting"]


class Lifting:
    """The lifting of the inputs of one run.

    Args:
        leaf: ``leaf(x, spec)`` gives the run's variable of a leaf; called for the leaves in order.
    """

    __slots__ = ("_copies", "_inputs", "_leaf", "_noted")

    def __init__(self, leaf: Callable[[Any, ValueType], Any]) -> None:
        self._leaf = leaf
        self._noted: list[Any] = []  # containers and their copies, which keep their identities
        # What is known of the copies, where objects stand at several paths or functions in inputs.
        self._copies: Copies | None = None

    def lift(self, inputs: Sequence[Any], names: Sequence[str]) -> list[Any]:
        """The inputs with a variable for each of their leaves; messages call them by these names.

        Raises:
            NotDifferentiableError: an input, or a part of it, cannot have a gradient, or is a
                function that closes over a part of the inputs; names its path.
            UnregisteredTypeError: a part is of an unregistered type.
        """
        self._inputs = inputs, names
        lifted = []
        for k, x in enumerate(inputs):
            lifted.append(self._lifted(x, names[k]))
        if self._copies is not None or not unshared(self._noted):
            self._known().check_functions()
        return lifted

    def _lifted(self, x: Any, name: str) -> Any:
        noted, before = self._noted, len(self._noted)
        paused = type(x) in BUILTIN and len(x) >= _MANY and gc.isenabled()
        if paused:
            gc.disable()  # there will be many objects and no garbage
        try:
            new = mapped(x, self._leaf, name, self._static, False, None, noted, False)
        finally:
            if paused:
                gc.enable()
        if len(noted) == before and (new is x or self._copies):  # static, or a function
            check_differentiable(x, name)
        return new

    def _static(self, x: Any, spec: ValueType) -> Any:
        return self._known().bound(x) if is_function(x) else x

    def _known(self) -> Copies:
        if self._copies is None:
            self._copies = Copies(list(zip(*self._inputs, strict=True)), self._noted)
        self._copies.enter()
        return self._copies

    def check_aliases(self) -> None:
        """Raise if the run changed an object that the inputs reach by several paths.

        Raises:
            AliasError: it did; names the paths.
        """
        if self._copies is not None:
            self._copies.check()


_MANY = 10_000
"""Parts from which on the collector is paused: see the benchmark row "a million numbers"."""
