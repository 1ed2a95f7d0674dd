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

from gradx.core.dispatch import Lifted, apply
from gradx.core.refusals import READ_BEFORE
from gradx.core.spec import Spec, concrete, primal, spec_of
from gradx.core.views import View, is_view, step_from
from gradx.devices.placement import PLACES, on_common_device
from gradx.errors import AssignmentError, ConversionError
from gradx.native import native
from gradx.ops.assignment import layout_copy
from gradx.surface.arrays import ArraySurface, ScalarSurface
from gradx.surface.numbers import NumberSurface

__all__ = [
    "ArrayHandle",
    "ArrayVar",
    "BVar",
    "HeldView",
    "InputNode",
    "ItemVar",
    "NumberVar",
    "ScalarVar",
    "ViewHandle",
    "ViewVar",
    "WrittenVar",
    "view_of",
]

_new: Any = object.__new__


class InputNode:
    """The node of an input's leaf: it has no edges and is known by its identity."""

    __slots__ = ()


class BVar(Lifted):
    """A value inside a differentiated function; what is done with it is recorded.

    Comparisons look at the value and record nothing. What would lose the gradient in silence
    (``float(v)``, ``np.asarray(v, float)``, ``v[i] = x``) raises and says what to write.
    """

    __slots__ = ("_node", "_value")
    _node: Any
    _value: Any
    _anew: Any
    """The class of a new handle of its kind of run, which nothing was written into."""
    _live = False
    """Whether its run writes into the array that it holds: what keeps the array keeps a copy."""

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
        value = layout_copy(self._value) if self._live else self._value
        return self._run.wrap(value, self._spec(), self._node)

    def __deepcopy__(self, memo: Any) -> Any:
        return self.__copy__()

    def __repr__(self) -> str:
        text = repr(self._value)
        return f"BVar({text if len(text) <= 200 else text[:197] + '...'})"

    def __format__(self, spec: str) -> str:
        return format(primal(self), spec) if spec else repr(self)

    __hash__: Any = None


class NumberVar(NumberSurface, BVar):
    """The variable of a Python number, or of another type of numbers."""

    __slots__ = ()


class ScalarVar(ScalarSurface, BVar):
    """The variable of a NumPy scalar."""

    __slots__ = ()


class ArrayHandle(ArraySurface, BVar):
    """The handle of an array in any kind of run: it moves on when the array is written into."""

    __slots__ = ()
    # As of any array, but sooner: rules of nested runs ask for little else.
    shape: Any = property(
        lambda self: self._value.shape, lambda self, shape: self._set_shape(shape)
    )
    dtype = property(lambda self: self._value.dtype)

    def _items(self) -> Iterator[Any]:
        return (ItemVar._in(self, index) for index in range(self.size))

    def _frozen(self) -> Any:
        return self.__copy__()

    def _become(self, other: Any) -> None:
        if not isinstance(other, BVar):
            super()._become(other)
        _set_class(self, other._anew)
        self._run, self._node, self._value = other._run, other._node, other._value

    def _set_shape(self, shape: Any) -> None:
        y = self.reshape(shape)
        if not is_view(y):
            raise AttributeError(
                "incompatible shape for in-place modification; write v = v.reshape(shape), a copy"
            )
        self._take_over(y)

    def _take_over(self, y: Any) -> None:
        """Go on as a view of itself."""
        self._run, self._node, self._value = y._run, y._node, y._value

    def _hold(self, cls: Any, run: Any, node: Any, value: Any) -> None:
        """Go on with an array into which the run writes, as a handle of a class for those."""
        _set_class(self, cls)
        self._run, self._node, self._value = run, node, value


class ViewHandle(View, ArrayHandle):
    """The handle of a view of an array: it shows what is written into that, and writes there.

    It holds a node and a value like any variable, and makes them anew once its array has moved on
    to another node.
    """

    __slots__ = ("_base", "_made_at", "_step")
    _base: Any
    _made_at: Any

    def _renew(self) -> None:
        """Take the view again, of what its array is now."""
        base, x, node = self._base, self._base, self._base._node
        for op, params in self._steps():
            x = apply(op, (x,), params)
        if not is_view(x):
            raise AssignmentError(
                f"a view of {base!r} cannot be made again after the array was written into; take "
                "the view after the write"
            )
        self._made_at = node
        if not isinstance(x, BVar):  # of a run of another kind
            _run_of.__set__(self, x._run)
            _value_of.__set__(self, x)
            _set_class(self, HeldView)
            return
        _run_of.__set__(self, _run_of.__get__(x))
        _node_of.__set__(self, _node_of.__get__(x))
        _value_of.__set__(self, _value_of.__get__(x))
        _set_class(self, type(x))

    def _take_over(self, y: Any) -> None:
        for slot in (_run_of, _node_of, _value_of):
            slot.__set__(self, slot.__get__(y))
        self._made_at, self._step = y._made_at, y._step

    @property
    def _live(self) -> bool:  # type: ignore[override]
        live: bool = self._base._live
        return live

    @property
    def _run(self) -> Any:
        if self._base._node is not self._made_at:
            self._renew()
        return _run_of.__get__(self)

    @property
    def _node(self) -> Any:
        if self._base._node is not self._made_at:
            self._renew()
        return _node_of.__get__(self)

    @property
    def _value(self) -> Any:
        if self._base._node is not self._made_at:
            self._renew()
        return _value_of.__get__(self)


class ArrayVar(ArrayHandle):
    """The variable of an array."""

    __slots__ = ()


class WrittenVar(ArrayVar):
    """The variable of an array that was written into, of which its run has a copy of its own."""

    __slots__ = ()
    _live = True


class ViewVar(ViewHandle, ArrayVar):
    """The variable of a view of an array."""

    __slots__ = ()


ArrayVar._anew = ArrayVar


class HeldView(ViewVar):
    """A view of an array that has become one of a run without a tape: it holds that run's view."""

    __slots__ = ()

    @property
    def _live(self) -> bool:  # type: ignore[override]
        return True  # the fast paths of recording are not for it

    def _frozen(self) -> Any:
        return self._value._frozen()


_run_of: Any = vars(Lifted)["_run"]
_node_of: Any = vars(BVar)["_node"]
_value_of: Any = vars(BVar)["_value"]
_set_class: Any = vars(object)["__class__"].__set__  # past the property, which asks for a value's


def _view_of(base: Any, op: Any, params: Any, node: Any, value: Any, cls: Any = ViewVar) -> Any:
    """The handle of a view.

    Args:
        base: the variable of the array that it shows; its slots say what it is now.
        op: the op that made it.
        params: the op's static parameters.
        node: the node of the op.
        value: the view, as the next lower run has it.
        cls: its class.
    """
    v = _new(cls)
    _run_of.__set__(v, base._run)
    _node_of.__set__(v, node)
    _value_of.__set__(v, value)
    v._made_at = base._made_at if is_view(base) else base._node
    v._base, v._step = step_from(base, op, params)
    return v


view_of: Callable[..., Any] = _view_of if native is None else native.view_of


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
            raise AssignmentError(f"{self._base!r} {READ_BEFORE}")
        return self

    def _item(self) -> Any:
        """The variable of the item, by one node."""
        if self._taken is None:
            base = self._current()._base
            index = [int(i) for i in np.unravel_index(self._index, base.shape)]
            self._taken = base[tuple(index)]
        return self._taken

    def _frozen(self) -> Any:
        return self._item()

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
