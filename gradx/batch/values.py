"""Batched values: the lifted values of a batch run, which stand for one example each.

A batched value holds an array of the next lower run with the batch along axis 0, and answers for
one example: its shape, dtype and form are those of an item of that array. It is no single number,
so whatever would read one raises.

An array that is the same for all examples is a value of the run too if it is an argument: so it
can be indexed with batched places and be written into. It holds the array, and gives its numbers.
"""

from __future__ import annotations

import functools
import operator
from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import Any, NoReturn

import numpy as np

from gradx.core.dispatch import Lifted, apply
from gradx.core.op import Op
from gradx.core.properties import Property
from gradx.core.refusals import READ_BEFORE, as_number, as_other_shapes, shown
from gradx.core.spec import Form, Spec, concrete, home, primal, spec_of
from gradx.core.views import View, is_view, step_from
from gradx.errors import AssignmentError, ConversionError
from gradx.ops.assignment import filled_like
from gradx.ops.helpers import first_device_array, zeros_for
from gradx.surface.arrays import ArraySurface, ScalarSurface
from gradx.surface.numbers import NumberSurface
from gradx.values.builtin import STATIC
from gradx.values.operations import Kind, ValueType, registry

__all__ = [
    "BATCHED",
    "BatchArray",
    "BatchChosen",
    "BatchNumber",
    "BatchScalar",
    "Batched",
    "OuterArray",
    "batched_class",
    "view_of",
]

_new: Any = object.__new__


OF_PLACES = (
    "write gx.numpy.take(table, v, axis=0), or make the table an argument of the mapped function "
    "with None in in_axes: a plain array, a list and a count take one number for all examples, and "
    "a batched value has one for each"
)
"""What to write where a batched value is an index of something plain."""


class Batched(Lifted):
    """A value that differs from example to example.

    Attributes:
        _examples: the values of all examples, with the batch along axis 0, as the next lower run
            has them; or the one value of all.
        _known: the spec of one example.
        _mapped: whether the value has the batch axis.
    """

    __slots__ = ("_examples", "_known", "_mapped")
    _examples: Any
    _known: Spec
    _mapped: bool

    def _spec(self) -> Spec:
        return self._known

    def _primal(self) -> Any:
        return self if self._mapped else primal(self._examples)

    def _home(self) -> Any:
        return home(self._examples)

    def _concrete(self, what: str) -> Any:
        if not self._mapped:
            return concrete(self._examples, what)
        raise _without_number(self, what)

    def _numbers(self) -> Any:
        return self._examples

    def _compared(self, function: Callable[[Any, Any], Any], other: Any) -> Any:
        return apply(_comparison(function), (self, other))

    def _refuse_number(self, call: str) -> NoReturn:
        raise _without_number(self, call)

    def _refuse_index(self) -> NoReturn:
        raise ConversionError(f"{OF_PLACES}: {shown(self)}")

    def _refuse_key(self) -> NoReturn:
        raise _without_number(self, "a key of a dict, a set or a cache")

    def __array_function__(self, func: Any, types: Any, args: Any, kwargs: Any) -> Any:
        call = self._run.enter(func, self)
        try:
            return super().__array_function__(func, types, args, kwargs)
        finally:
            self._run.leave(call)

    def __reduce_ex__(self, protocol: Any) -> NoReturn:
        raise ConversionError(
            f"{self!r} cannot be pickled, since it belongs to a run of this process; return it "
            "from the mapped function"
        )

    def __copy__(self) -> Any:
        return self._run.wrap(self._examples, self._known, self._mapped)

    def __deepcopy__(self, memo: Any) -> Any:
        return self.__copy__()

    def __repr__(self) -> str:
        shape, dtype, form = self._known
        name = getattr(dtype, "__name__", dtype)
        of = f"{shape}, {name}" if form is Form.ARRAY else f"{name}"
        count = f"{self._run.size} examples" if self._mapped else "the same for all examples"
        return f"{type(self).__name__}({of}; {count})"

    def __format__(self, spec: str) -> str:
        if spec:
            self._refuse_number(f"format(v, {spec!r})")
        return repr(self)


class BatchNumber(Batched, NumberSurface):
    """A batched Python number."""

    __slots__ = ()

    def __index__(self) -> int:
        self._refuse_index()

    def __round__(self, digits: int | None = None) -> NoReturn:
        raise _without_number(self, "round(v)")


class BatchScalar(Batched, ScalarSurface):
    """A batched NumPy scalar: what an example of a vector is."""

    __slots__ = ()

    def __index__(self) -> int:
        self._refuse_index()


class BatchItem(BatchScalar):
    """An item of an array that NumPy has read as one of objects.

    Attributes:
        _base: the array.
        _made_of: what that held.
    """

    __slots__ = ("_base", "_made_of")
    _base: Any
    _made_of: Any

    @property
    def _examples(self) -> Any:
        if self._base._examples is not self._made_of:
            raise AssignmentError(f"{self._base!r} {READ_BEFORE}")
        return _value_of.__get__(self)

    @_examples.setter
    def _examples(self, value: Any) -> None:
        _value_of.__set__(self, value)

    def _frozen(self) -> Any:
        return self.__copy__()


class BatchArray(Batched, ArraySurface):
    """A batched array.

    Attributes:
        _owned: the run has made the array that it holds, and nobody else has it.
    """

    __slots__ = ("_owned",)
    _owned: bool
    shape: Any = property(
        lambda self: self._known.shape, lambda self, shape: self._set_shape(shape)
    )
    dtype = property(lambda self: self._known.dtype)

    def _stands_for(self, x: Any) -> bool:
        return self is x or (not self._mapped and self._examples is x)

    def _frozen(self) -> Any:
        self._owned = False
        return self.__copy__()

    def _become(self, other: Any) -> None:
        if not isinstance(other, BatchArray) or other._run is not self._run:
            super()._become(other)
        self._examples, self._mapped, self._owned = other._examples, other._mapped, other._owned

    def _refuse_number(self, call: str) -> NoReturn:
        raise _without_number(self, call) if self._mapped else as_number(self, call)

    def __index__(self) -> int:
        if not self._mapped:
            return operator.index(self._examples)
        self._refuse_index()

    def __float__(self) -> float:
        return float(self._of_all("float(v)"))

    def __int__(self) -> int:
        return int(self._of_all("int(v)"))

    def __complex__(self) -> complex:
        return complex(self._of_all("complex(v)"))

    def _of_all(self, call: str) -> Any:
        """The array, if it is the same for all examples."""
        if self._mapped:
            raise _without_number(self, call)
        return self._examples

    def _set_shape(self, shape: Any) -> None:
        y = self.reshape(shape)
        if not is_view(y):
            raise AttributeError(
                "incompatible shape for in-place modification; write v = v.reshape(shape), a copy"
            )
        self._examples, self._known = y._examples, y._known

    def _laid_out(self) -> Any:
        """An example, to ask how it lies in memory."""
        x: Any = self._examples
        x = x._laid_out() if issubclass(type(x), Lifted) else x
        return x[0] if self._mapped else x

    def _items(self) -> Iterable[Any]:
        self._frozen()  # so that a write makes another array, which tells the items of it
        for item in super()._items():
            v: BatchItem = _new(BatchItem)
            v._run, v._known, v._mapped = self._run, item._known, True
            v._base, v._made_of, v._examples = self, self._examples, item._examples
            yield v

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Any:
        """The array of all examples, read-only; of one that is mapped an array of objects."""
        if self._mapped or isinstance(self._examples, Lifted):
            return super().__array__(dtype, copy)
        y = np.array(self._examples, dtype, copy=copy)
        if np.may_share_memory(y, self._examples):
            y = y.view()
            y.flags.writeable = False
        return y


class OuterArray(BatchArray):
    """An array from outside that is indexed with batched places, and is not written into."""

    __slots__ = ()


class BatchView(View, BatchArray):
    """A view of a batched array: it shows what is written into that, and writes there."""

    __slots__ = ("_base", "_made_of", "_step")
    _made_of: Any

    @property
    def _examples(self) -> Any:
        if self._base._examples is not self._made_of:
            self._renew()
        return _value_of.__get__(self)

    @_examples.setter
    def _examples(self, value: Any) -> None:
        _value_of.__set__(self, value)

    def _renew(self) -> None:
        """Take the view again, of what its array is now."""
        x: Any = self._base
        for op, params in self._steps():
            x = apply(op, (x,), params)
        if not is_view(x):
            raise AssignmentError(
                f"a view of {self._base!r} cannot be made again after the array was written into; "
                "take the view after the write"
            )
        self._made_of = self._base._examples
        _value_of.__set__(self, x._examples)
        _is_mapped.__set__(self, x._mapped)

    @property
    def _mapped(self) -> bool:
        if self._base._examples is not self._made_of:
            self._renew()
        return bool(_is_mapped.__get__(self))

    @_mapped.setter
    def _mapped(self, value: bool) -> None:
        _is_mapped.__set__(self, value)

    def _frozen(self) -> Any:
        self._base._owned = False
        return self.__copy__()


_value_of: Any = vars(Batched)["_examples"]
_is_mapped: Any = vars(Batched)["_mapped"]


def view_of(
    base: Any, op: Op, params: dict[str, Any] | None, value: Any, spec: Spec, mapped: bool
) -> BatchView:
    """The batched view that an op makes of a batched array.

    Args:
        base: the array, which may be a view itself.
        op: the op.
        params: the op's static parameters.
        value: the view, as the next lower run has it.
        spec: that of an example.
        mapped: whether it has the batch axis.
    """
    v: BatchView = _new(BatchView)
    v._run, v._known, v._owned = base._run, spec, False
    v._base, v._step = step_from(base, op, params)
    v._made_of = v._base._examples
    v._examples, v._mapped = value, mapped
    return v


class BatchChosen(Batched, ArraySurface):
    """Items that a mask has chosen, of which each example has another number."""

    __slots__ = ()

    def _become(self, other: Any) -> None:
        if type(other) is not BatchChosen or other._run is not self._run:
            super()._become(other)
        self._examples = other._examples

    def _frozen(self) -> Any:
        return self.__copy__()

    def _set_shape(self, shape: Any) -> NoReturn:
        raise as_other_shapes("v.shape = … of items at a mask", self)

    def __index__(self) -> int:
        self._refuse_index()


_CLASSES: Mapping[Form, Any] = MappingProxyType(
    {Form.NUMBER: BatchNumber, Form.SCALAR: BatchScalar, Form.ARRAY: BatchArray}
)


BATCHED = frozenset(
    {BatchNumber, BatchScalar, BatchItem, BatchArray, OuterArray, BatchView, BatchChosen}
)
"""The classes of batched values."""


def batched_class(form: Form) -> Any:
    """The class of the batched values of a form."""
    return _CLASSES[form]


@functools.cache
def _comparison(function: Callable[[Any, Any], Any]) -> Op:
    """The op of a comparison, whose result is batched too."""
    name = f"operator.{function.__name__}"
    return Op(name, function, None, None, properties=Property.ELEMENTWISE)


def _without_number(v: Any, what: str) -> ConversionError:
    return ConversionError(
        "write np.where(condition, a, b), which chooses for each example: "
        f"{what} asks for one number, and {shown(v)} has one for each example"
    )


# --- Batched values as inputs of other runs -------------------------------------------------------


def _alike(function: Callable[..., Any], number: int) -> Callable[[Any], Any]:
    """The function that makes a value of one number like a batched one."""

    def make(x: Any) -> Any:
        if spec_of(x).form is Form.ARRAY:
            return apply(filled_like, (x,), {"function": function, "options": {}})
        dtype = x._known.dtype
        if first_device_array((x,)) is not None:
            return zeros_for(x, (), dtype) + number
        return dtype(number) if isinstance(dtype, type) else dtype.type(number)

    return make


_NUMERIC = ValueType(Kind.NUMERIC, _alike(np.zeros_like, 0), operator.add, _alike(np.ones_like, 1))


def _entry(x: Batched) -> ValueType:
    dtype = x._known.dtype
    inexact = dtype in (float, complex) if isinstance(dtype, type) else dtype.kind in "fc"
    return _NUMERIC if inexact else STATIC


registry.register(Batched, _entry)
