"""Variables: the handles that a differentiated function works on.

The third noun. A `BVar` holds a value, the run it belongs to and the node it comes from. It is only
a handle: the node knows nothing of it. A number, a NumPy scalar and an array have a class of
variables each, with the surface of such a value (`gradx.surface`); the value of a registered type
with an ``add`` of its own is one opaque variable.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NoReturn

from gradx.core.dispatch import Lifted
from gradx.core.spec import Spec, concrete, primal, spec_of
from gradx.devices.placement import PLACES, beside_all
from gradx.errors import ConversionError
from gradx.surface.arrays import ArraySurface, ScalarSurface
from gradx.surface.numbers import NumberSurface

__all__ = ["ArrayVar", "BVar", "NumberVar", "ScalarVar"]


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
        with beside_all(function.__name__, (a, b)):
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
