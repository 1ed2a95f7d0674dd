"""Handles of level 0: arrays of an adopted program, which hold no variable yet and can.

A plain array cannot take a variable. A handle of level 0 is an array that can: what is done with it
is done at once on its plain array, and where a variable is written into it, it moves on to the
variable's run, as the handle of any lower run does. To operations of a run it is a constant.

The array that a handle has made, nobody else has. It is written into in place until it is given to
an operation of a run, which may keep it; the next write copies it first.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from types import MappingProxyType
from typing import Any

import numpy as np

from gradx.core.assignment import root_of
from gradx.core.dispatch import Lifted, Run, has_variables, next_level, variables_in
from gradx.core.objects import is_lifted
from gradx.core.op import Op
from gradx.core.spec import Spec
from gradx.core.views import is_view_of, step_from
from gradx.ops.assignment import layout_copy
from gradx.reverse.variables import ArrayVar, BVar, ViewVar
from gradx.surface.arrays import ArraySurface

__all__ = ["CONSTANTS", "ConstantVar", "held_by", "is_constant", "restore", "stripped"]

_new: Any = object.__new__
_set_class: Any = vars(object)["__class__"].__set__  # past the property of a lifted value


class ConstantNode:
    """What a handle of level 0 has for a node.

    Attributes:
        made_at: a level from the counter: runs of a higher one began later.
        owned: nobody else has the array.
    """

    __slots__ = ("made_at", "owned")

    def __init__(self, made_at: int, owned: bool) -> None:
        self.made_at, self.owned = made_at, owned


class ConstantRun(Run):
    """The run of the handles of level 0: it does everything at once and records nothing."""

    __slots__ = ()

    def __init__(self) -> None:
        self.level = 0

    def process(self, op: Op, operands: Sequence[Any], params: dict[str, Any] | None) -> Any:
        """Do an op on the plain arrays; of a result that is an array a handle is given out."""
        if op.pullback_form:
            return op.call([stripped(x) for x in operands])[0]
        xs = [x._value if is_constant(x) else x for x in operands]
        y = op.forward(*xs) if params is None else op.forward(*xs, **params)
        for x, v in zip(xs, operands, strict=True):
            if y is x and type(y) is np.ndarray:
                return v if is_constant(v) else self.borrow(y)
        if len(xs) == 1 and is_constant(operands[0]) and is_view_of(y, xs[0]):
            return self._view(operands[0], op, params, y)
        return self.given(y, xs)

    def given(self, y: Any, xs: Sequence[Any] = ()) -> Any:
        """A result with a handle for each new array of numbers in it; others stay as they are.

        Args:
            y: the result.
            xs: the arguments, of which the result may show items.
        """
        if type(y) is np.ndarray:
            return self.wrap(y) if y.dtype.kind in "fc" and _is_new(y, xs) else y
        if isinstance(y, (list, tuple)) and any(type(part) is np.ndarray for part in y):
            parts = [self.given(part, xs) for part in y]
            return type(y)(*parts) if hasattr(y, "_fields") else type(y)(parts)
        return y

    def wrap(self, value: Any, spec: Spec | None = None, node: Any = None) -> Any:
        """The handle of an array.

        Args:
            value: the array.
            spec: its spec, which it tells itself.
            node: that of another handle of the same array.
        """
        v: Any = _new(ConstantVar)
        v._run, v._value = self, value
        v._node = ConstantNode(next_level(), True) if node is None else node
        return v

    def borrow(self, value: Any) -> Any:
        """The handle of an array that somebody else has too."""
        return self.wrap(value, None, ConstantNode(next_level(), False))

    def write(self, target: Any, index: Any, item: Any, fresh: bool = False) -> None:
        """Write plain items into the array, as NumPy does."""
        root = root_of(target)
        if not root._node.owned:
            if not target._value.flags.writeable:
                raise ValueError("assignment destination is read-only")
            root._value = layout_copy(root._value)
            root._node = ConstantNode(root._node.made_at, True)
        target._value[index] = item

    def _view(self, base: Any, op: Op, params: dict[str, Any] | None, y: Any) -> Any:
        v: Any = _new(ConstantView)
        for name, value in (("_run", self), ("_node", base._node), ("_value", y)):
            _SLOTS[name].__set__(v, value)
        v._made_at = base._node
        v._base, v._step = step_from(base, op, params)
        return v


def _is_new(y: Any, xs: Sequence[Any]) -> bool:
    """Whether an array is none of the arguments, and shows no items of one."""
    arrays = [x for x in xs if type(x) is np.ndarray]
    if y.base is None:
        return not any(y is x for x in arrays)
    return not any(np.may_share_memory(x, y) for x in arrays)


CONSTANTS = ConstantRun()
_SLOTS = MappingProxyType(
    {"_run": vars(Lifted)["_run"]} | {name: vars(BVar)[name] for name in ("_node", "_value")}
)


def is_constant(x: Any) -> bool:
    """Whether a value is a handle of level 0."""
    return isinstance(x, Lifted) and x._run is CONSTANTS


def held_by(x: Any) -> Any:
    """What an array of level 0, or a view of one, holds since it is of a run without a tape."""
    return x._value


def stripped(x: Any) -> Any:
    """A value with a plain array for each handle of level 0 in it."""
    if isinstance(x, Lifted):
        return x._frozen() if x._run is CONSTANTS else x
    if type(x) in (list, tuple) and any(isinstance(part, (Lifted, list, tuple)) for part in x):
        return type(x)(map(stripped, x))
    return x


def restore(v: Any, value: Any) -> None:
    """Make a handle one of level 0 again, when the run that has written into it ends.

    Args:
        v: the handle.
        value: the array that the plain program has in it.
    """
    _set_class(v, ConstantVar)
    v._run, v._node, v._value = CONSTANTS, ConstantNode(next_level(), False), value


# --- Their surface --------------------------------------------------------------------------------

_NESTED = (list, tuple)
_WRITING = frozenset({np.copyto, np.put, np.place, np.putmask, np.put_along_axis, np.fill_diagonal})
_OF_NUMPY = frozenset({"tobytes", "tofile", "dump", "dumps", "choose", "device"})
"""Attributes of a plain array that do not show its memory."""


def _operator(name: str, function: Callable[[Any, Any], Any], reflected: bool) -> Any:
    """A binary operator: NumPy's own among constants, that of the variable beside one."""
    general = getattr(ArraySurface, f"__r{name}__" if reflected else f"__{name}__")
    of_other = f"__{name}__" if reflected else f"__r{name}__"

    def method(self: Any, other: Any) -> Any:
        if type(other) in _NESTED or self._run is not CONSTANTS:
            return general(self, other)
        if is_lifted(other):
            if other._run is not CONSTANTS:
                return getattr(other, of_other)(self._frozen())
            other = other._value
        x = self._value
        y = function(other, x) if reflected else function(x, other)
        return CONSTANTS.wrap(y) if type(y) is np.ndarray and y.dtype.kind in "fc" else y

    return method


def _item(self: Any, index: Any) -> Any:
    """The item at an index; one number is a plain one."""
    if type(index) is int and self._run is CONSTANTS and self._value.ndim == 1:
        return self._value[index]
    return ArraySurface.__getitem__(self, index)


def _array_ufunc(self: Any, ufunc: Any, method: str, *inputs: Any, **kwargs: Any) -> Any:
    """A ufunc: NumPy's own among constants, that of the variable beside one."""
    if self._run is not CONSTANTS:
        return Lifted.__array_ufunc__(self, ufunc, method, *inputs, **kwargs)
    constant = all(not isinstance(x, Lifted) or x._run is CONSTANTS for x in inputs)
    nested = any(type(x) in _NESTED and has_variables(x) for x in inputs)
    if nested or kwargs.get("out") is not None or method == "at":
        return Lifted.__array_ufunc__(self, ufunc, method, *inputs, **kwargs)
    if not constant:
        if method == "__call__" and not kwargs:
            return ufunc(*map(stripped, inputs))
        return Lifted.__array_ufunc__(self, ufunc, method, *inputs, **kwargs)
    xs = [x._value if is_lifted(x) else x for x in inputs]
    named = {name: stripped(x) for name, x in kwargs.items()}
    return CONSTANTS.given(getattr(ufunc, method)(*xs, **named), xs)


def _array_function(self: Any, func: Any, types: Any, args: Any, kwargs: Any) -> Any:
    """A function; among constants NumPy's own where gradx has none or other arguments."""
    try:
        return Lifted.__array_function__(self, func, types, args, kwargs)
    except (TypeError, ValueError, IndexError):
        variables = variables_in([*args, kwargs])
        if func in _WRITING or "out" in kwargs or any(v._run is not CONSTANTS for v in variables):
            raise
    xs = [stripped(x) for x in args]
    y = func(*xs, **{name: stripped(x) for name, x in kwargs.items()})
    return CONSTANTS.given(y, xs)


class ConstantVar(ArrayVar):
    """The handle of an array of level 0. It gives its numbers away, since no gradient is lost."""

    __slots__ = ()
    _live = True  # the fast paths of recording are not for it

    def _become(self, other: Any) -> None:
        if isinstance(other, BVar):
            ArrayVar._become(self, other)
        else:  # of a run that is no tape: it stays what it is, and holds the other one
            self._run, self._node, self._value = other._run, object(), other

    def _frozen(self) -> Any:
        if self._run is not CONSTANTS:
            return self._value
        root_of(self)._node.owned = False
        return self._value

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Any:
        """The plain array, which is read-only unless it is a copy."""
        y = np.array(self._value, dtype, copy=copy)
        if np.may_share_memory(y, self._value):
            y = self._frozen().view()
            y.flags.writeable = False
        return y

    def _attribute(self, name: str) -> Any:
        return (
            getattr(self._value, name) if name in _OF_NUMPY else ArraySurface._attribute(self, name)
        )

    def __reduce_ex__(self, protocol: Any) -> Any:
        return self._value.__reduce_ex__(protocol)

    def __float__(self) -> float:
        return float(self._value)

    def __int__(self) -> int:
        return int(self._value)

    def __complex__(self) -> complex:
        return complex(self._value)

    def __index__(self) -> int:
        index: int = self._value.__index__()
        return index

    def item(self, *args: Any) -> Any:
        """As `ndarray.item`."""
        return self._value.item(*args)

    def tolist(self) -> Any:
        """As `ndarray.tolist`."""
        return self._value.tolist()

    def __copy__(self) -> Any:
        return CONSTANTS.wrap(layout_copy(self._value))

    def __repr__(self) -> str:
        return repr(self._value)

    def __str__(self) -> str:
        return str(self._value)

    def __format__(self, spec: str) -> str:
        return format(self._value, spec)

    __getitem__, __array_ufunc__, __array_function__ = _item, _array_ufunc, _array_function
    __hash__ = None  # type: ignore[assignment]


class ConstantView(ViewVar):
    """The handle of a view of an array of level 0."""

    __slots__ = ()


_OPERATORS = MappingProxyType(
    {"add": operator.add, "sub": operator.sub, "mul": operator.mul, "truediv": operator.truediv}
    | {"mod": operator.mod, "matmul": operator.matmul, "floordiv": operator.floordiv}
)
for _name, _function in _OPERATORS.items():
    setattr(ConstantVar, f"__{_name}__", _operator(_name, _function, False))
    setattr(ConstantVar, f"__r{_name}__", _operator(_name, _function, True))
for _name in ("_power", "__pow__", "__rpow__", "__neg__", "__pos__", "__abs__", "T"):
    setattr(ConstantVar, _name, getattr(ArraySurface, _name))


def _of_view(name: str, member: Any) -> Any:
    """The method of a view, which may be of an array that has moved on to a run meanwhile."""

    def method(self: Any, *args: Any, **kwargs: Any) -> Any:
        if self._run is CONSTANTS:
            return member(self, *args, **kwargs)
        return getattr(self, name)(*args, **kwargs)  # whose class is another one now

    return method


for _name, _member in list(vars(ConstantVar).items()):
    if _name in {"T", "_power"}:
        setattr(ConstantView, _name, _member)
    elif callable(_member):
        setattr(ConstantView, _name, _of_view(_name, _member))
