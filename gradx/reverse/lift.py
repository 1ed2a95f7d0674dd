"""Lifting: a value with a variable in the place of each of its leaves.

The differentiated function gets real instances of the user's classes, copies whose leaves are
variables: numbers, arrays, and values of types with an ``add`` of their own. Static parts are
shared. Lifting makes no node and no path. What is known of the copies is in `gradx.reverse.copies`.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Sequence
from typing import Any

from gradx.native import native
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
        lifted = lifted_inputs(inputs, names, self._leaf, self._static, self._noted)
        self._check_functions()
        return lifted

    def _check_functions(self) -> None:
        if self._copies is not None or not unshared(self._noted):
            self._known().check_functions()

    def lifted(self, inputs: Sequence[Any], names: Sequence[str], noted: list[Any]) -> None:
        """Know of inputs that are lifted already, and of the containers noted, not all apart."""
        self._inputs, self._noted = (inputs, names), noted
        self._known().check_functions()

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


def inputs_lifted(
    inputs: Sequence[Any], names: Sequence[str], leaf: Any, static: Any, noted: list[Any]
) -> list[Any]:
    """Inputs with other leaves. The C code does the same.

    Args:
        inputs: the inputs.
        names: what messages call them.
        leaf: what gives the new leaf; see `gradx.values.leaves.map_leaves`.
        static: the same for static values that can be changed, or bound to something.
        noted: gets each container and its copy.
    """
    lifted = []
    for x, name in zip(inputs, names, strict=False):
        before = len(noted)
        paused = type(x) in BUILTIN and len(x) >= _MANY and gc.isenabled()
        if paused:
            gc.disable()  # there will be many objects and no garbage
        try:
            lifted.append(mapped(x, leaf, name, static, False, None, noted, False))
        finally:
            if paused:
                gc.enable()
        if len(noted) == before:  # a leaf, static, or a function
            check_differentiable(x, name)
    return lifted


class FunctionMetError(Exception):
    """A function is among the inputs, which may be bound to a part of them."""


def no_function(x: Any, spec: ValueType) -> Any:
    """A static part of an input of which no copy has to be known.

    Raises:
        FunctionMetError: it is a function.
    """
    if is_function(x):
        raise FunctionMetError("a function is among the inputs")
    return x


def lifting_of(
    leaf: Callable[[Any, ValueType], Any],
    inputs: Sequence[Any],
    names: Sequence[str],
    noted: list[Any],
) -> Lifting:
    """The lifting of inputs that C has lifted, with the containers and the copies that it noted."""
    lifting = Lifting(leaf)
    lifting.lifted(inputs, names, noted)
    return lifting


lifted_inputs: Callable[..., list[Any]] = inputs_lifted
"""`inputs_lifted`, in C where that is built."""
if native is not None:
    native.use(check_differentiable=check_differentiable, no_function=no_function)
    native.use(FunctionMetError=FunctionMetError, lifting_of=lifting_of)
    lifted_inputs = native.lifted_inputs
