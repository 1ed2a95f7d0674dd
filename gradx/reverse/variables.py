"""Variables: the handles that a differentiated function works on.

The third noun. A `BVar` holds a value, the run it belongs to and the node it comes from. It is only
a handle: the node knows nothing of it. A number, a NumPy scalar and an array have a class of
variables each, with the surface of such a value (`gradx.surface`); the value of a registered type
with an ``add`` of its own is one opaque variable.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NoReturn

import numpy as np

from gradx.core.dispatch import Lifted
from gradx.core.spec import Spec, concrete, primal, spec_of
from gradx.devices.placement import PLACES, on_common_device
from gradx.errors import AssignmentError, ConversionError
from gradx.surface.arrays import ArraySurface, ScalarSurface
from gradx.surface.numbers import NumberSurface

__all__ = ["ArrayVar", "BVar", "ItemVar", "NumberVar", "ScalarVar"]

_new: Any = object.__new__


class BVar(Lifted):
    """A value inside a differentiated function; what is done with it is recorded.

    Comparisons look at the value and record nothing. What would lose the gradient in silence
    (``float(v)``, ``np.asarray(v, float)``, ``v[i] = x``) raises and says what to write.
    """

    __slots__ = ("_node", "_value")
    _node: Any
    _value: Any

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        raise TypeError(
            "a BVar is made by a run; write gx.backprop(f, x) and f is called with variables, or "
            "use the plain value, which every lifted function takes as a constant"
        )

    def _spec(self) -> Spec:
        return spec_of(self._value)

    def _primal(self) -> Any:
        return primal(self._value)

    def _concrete(self, what: str) -> Any:
        return concrete(primal(self._value), what)

    def _compared(self, function: Callable[[Any, Any], Any], other: Any) -> Any:
        a, b = primal(self._value), primal(other)
        if not PLACES:
            return function(a, b)
        with on_common_device(function.__name__, (a, b)):
            return function(a, b)

    def __reduce_ex__(self, protocol: Any) -> NoReturn:
        raise ConversionError(
            f"{self!r} cannot be pickled, since it belongs to a run of this process; pickle "
            "gx.value(v)"
        )

    def __copy__(self) -> Any:
        return self._run.wrap(self._value, self._spec(), self._node)

    def __deepcopy__(self, memo: Any) -> Any:
        return self.__copy__()

    def __repr__(self) -> str:
        text = repr(self._value)
        return f"BVar({text if len(text) <= 200 else text[:197] + '...'})"

    def __format__(self, spec: str) -> str:
        return format(primal(self), spec) if spec else repr(self)

    __hash__ = None  # type: ignore[assignment]


class NumberVar(NumberSurface, BVar):
    """The variable of a Python number, or of another type of numbers."""

    __slots__ = ()


class ScalarVar(ScalarSurface, BVar):
    """The variable of a NumPy scalar."""

    __slots__ = ()


class ArrayVar(ArraySurface, BVar):
    """The variable of an array."""

    __slots__ = ()

    def _items(self) -> Iterator[Any]:
        return (ItemVar._in(self, index) for index in range(self.size))


class ItemVar(ScalarSurface, BVar):
    """A lazy item of an array's variable, as `np.asarray` gives them: no node until it is used."""

    __slots__ = ("_base", "_index", "_made_at", "_taken")
    _base: Any
    _index: int
    _made_at: Any
    _taken: Any

    @classmethod
    def _in(cls, base: Any, index: int) -> Any:
        """The item at a flat index."""
        v = _new(cls)
        v._run, v._base, v._index, v._made_at, v._taken = base._run, base, index, base._node, None
        return v

    def _current(self) -> ItemVar:
        """Itself, if its array is still what it was.

        Raises:
            AssignmentError: the array was written into, and it is not known who should see that.
        """
        if self._base._node is not self._made_at:
            raise AssignmentError(
                f"{self._base!r} was written into after np.asarray(v) or np.array([v, …]) had read "
                "it, of which the first shows the change and the second does not; write "
                "np.copy(v), np.stack([v, …]) or gx.numpy.array, which are variables"
            )
        return self

    def _item(self) -> Any:
        """The variable of the item, by one node."""
        if self._taken is None:
            base = self._current()._base
            index = [int(i) for i in np.unravel_index(self._index, base.shape)]
            self._taken = base[tuple(index)]
        return self._taken

    @property
    def _origin(self) -> tuple[Any, int]:
        return self._base, self._index

    @property
    def _node(self) -> Any:
        return self._item()._node

    @property
    def _value(self) -> Any:
        array = self._base._value
        if self._taken is None and type(array) is np.ndarray:
            return self._current()._base._value.flat[self._index]
        return self._item()._value

    def __copy__(self) -> Any:
        return self._item()
