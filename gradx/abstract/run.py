"""Abstract values: a shape and a dtype and no numbers, to prove that code reads none.

Another kind of lifted value beside variables, with the same surfaces. An operation on abstract
values finds the spec of its result by running the op on made-up numbers; whatever would read a
number raises. A rule that passes may be traced, batched and run on a device without waiting for it.
"""

from __future__ import annotations

import functools
import math
import operator
from collections.abc import Callable, Sequence
from types import MappingProxyType
from typing import Any, NoReturn

import numpy as np

from gradx.core.dispatch import FUNCTIONS, Lifted, Run, apply
from gradx.core.op import Op
from gradx.core.spec import Form, Spec, primal, spec_of
from gradx.core.views import View, is_view_of, step_from
from gradx.devices.placement import PLACES
from gradx.errors import ConversionError
from gradx.numpy import queries
from gradx.ops import indexing
from gradx.ops.assignment import write_anew
from gradx.surface.arrays import ArraySurface, ScalarSurface
from gradx.surface.numbers import NumberSurface
from gradx.values.builtin import STATIC
from gradx.values.leaves import map_leaves
from gradx.values.operations import Kind, ValueType, registry

__all__ = ["AbstractArray", "AbstractNumber", "AbstractRun", "AbstractScalar"]


class AbstractRun(Run):
    """A run on abstract values; those of one computation share one.

    Attributes:
        at: an array of the device that the values are to be of; None for no device.
    """

    __slots__ = ("at",)

    def __init__(self) -> None:
        super().__init__()
        self.at: Any = None

    def process(self, op: Op, operands: Sequence[Any], params: dict[str, Any] | None) -> Any:
        """Do an op on made-up numbers; values of lower runs are constants, made up as well."""
        if op is indexing.getitem and params is not None:
            _check_index(params["index"])
        xs = _all_made_up(list(operands))
        with np.errstate(all="ignore"):
            y = op.eval(*xs, **_all_made_up(params or {}))
        if len(xs) == 1 and type(xs[0]) is np.ndarray and y is xs[0]:
            return operands[0]
        if len(xs) == 1 and type(y) is np.ndarray and is_view_of(y, xs[0]):
            return _view_of(operands[0], op, params, spec_of(y))
        return self._abstracted(y)

    def write(self, target: Any, index: Any, item: Any, fresh: bool = False) -> None:
        """Write items into an array of which only the spec is known: what does not fit raises."""
        write_anew(target, index, item)

    def wrap(self, value: Any, spec: Spec) -> Any:
        """The abstract value of a spec; of the value itself nothing is kept."""
        cls: Any = _CLASSES[spec.form]
        x = object.__new__(cls)
        x._run, x._known = self, spec
        return x

    def _abstracted(self, y: Any) -> Any:
        """The result of an op with abstract values for its arrays and numbers."""

        def leaf(x: Any, spec: ValueType) -> Any:
            known = spec_of(x)
            return x if known.form is Form.OPAQUE else self.wrap(x, known)

        return map_leaves(y, leaf, "the result", static=leaf)


class Abstract(Lifted):
    """A value of which only the spec is known: it refuses whatever reads a number."""

    __slots__ = ("_known",)
    _known: Spec

    def _spec(self) -> Spec:
        return self._known

    def _home(self) -> Any:
        return self if self._run.at is None else self._run.at

    def _concrete(self, what: str) -> NoReturn:
        _refuse(self, what)

    def _compared(self, function: Callable[[Any, Any], Any], other: Any) -> Any:
        return apply(_comparison(function), (self, other))

    def _refuse_number(self, call: str) -> NoReturn:
        _refuse(self, call)

    def _refuse_index(self) -> NoReturn:
        _refuse(self, "its use as an index or a count")

    def _refuse_key(self) -> NoReturn:
        _refuse(self, "its use as a key of a dict, a set or a cache")

    def __array_function__(self, func: Any, types: Any, args: Any, kwargs: Any) -> Any:
        if func in _OF_TYPE or func in _OF_VALUES:
            y = func(*_all_made_up(args), **_all_made_up(kwargs))
            return y if func in _OF_TYPE else self._run._abstracted(y)
        if func in _QUERIES:
            _refuse(self, f"np.{func.__name__}")
        return super().__array_function__(func, types, args, kwargs)

    def __repr__(self) -> str:
        dtype = getattr(self._known.dtype, "__name__", self._known.dtype)
        shape = f"{self._known.shape}, " if self._known.form is Form.ARRAY else ""
        return f"{type(self).__name__}({shape}{dtype})"


class AbstractNumber(Abstract, NumberSurface):
    """A Python number of which only the type is known."""

    __slots__ = ()

    def __index__(self) -> int:
        self._refuse_index()


class AbstractScalar(Abstract, ScalarSurface):
    """A NumPy scalar of which only the dtype is known."""

    __slots__ = ()

    def __index__(self) -> int:
        self._refuse_index()


class AbstractArray(Abstract, ArraySurface):
    """An array of which only the shape and the dtype are known.

    Args:
        shape: its shape.
        dtype: its dtype.
        run: the run it belongs to; by default a new one.

    >>> np.exp(AbstractArray((2, 3), np.float32)).sum(axis=0)
    AbstractArray((3,), float32)
    """

    __slots__ = ()

    def __init__(
        self, shape: tuple[int, ...], dtype: Any = float, run: AbstractRun | None = None
    ) -> None:
        self._run = AbstractRun() if run is None else run
        self._known = Spec(tuple(shape), np.dtype(dtype), Form.ARRAY)

    def _set_shape(self, shape: Any) -> None:
        self._known = self.reshape(shape)._spec()

    def _become(self, other: Any) -> None:
        if not self._run.owns(other):
            super()._become(other)

    def __array__(self, *args: Any, **kwargs: Any) -> NoReturn:
        _refuse(self, "np.asarray(x)")


class AbstractView(View, AbstractArray):
    """A view of an array of which only the shape and the dtype are known."""

    __slots__ = ("_base", "_step")


def _view_of(base: Any, op: Op, params: Any, spec: Spec) -> AbstractView:
    x: AbstractView = object.__new__(AbstractView)
    x._run, x._known = base._run, spec
    x._base, x._step = step_from(base, op, params)
    return x


_CLASSES = MappingProxyType(
    {Form.NUMBER: AbstractNumber, Form.SCALAR: AbstractScalar, Form.ARRAY: AbstractArray}
)


@functools.cache
def _comparison(function: Callable[[Any, Any], Any]) -> Op:
    """The op of a comparison, whose result is abstract too."""
    return Op(f"operator.{function.__name__}", function, None, None)


# --- Refusals -------------------------------------------------------------------------------------


def _refuse(x: Abstract, what: str) -> NoReturn:
    raise ConversionError(
        f"{what} reads a number of {x!r}, which has only a shape and a dtype; a rule branches on "
        "shapes, dtypes and parameters, never on values: write np.where(condition, a, b)"
    )


def _check_index(index: Any) -> None:
    """Refuse a mask as an index: how many items there are, it does not say."""
    for part in index if type(index) is tuple else (index,):
        if isinstance(part, Abstract) and part._known.dtype in (bool, np.bool_):
            _refuse(part, "a mask as an index")


# Queries whose result depends on shapes and dtypes only, and those that give an array of a shape
# known beforehand. Any other needs values, and is refused.
_OF_TYPE = frozenset(
    {
        *(np.shape, np.ndim, np.size, np.result_type, np.can_cast, np.common_type),
        *(np.iscomplexobj, np.isrealobj),
    }
)
_OF_VALUES = frozenset(
    {
        *(np.argsort, np.argpartition, np.argmax, np.argmin, np.nanargmax, np.nanargmin),
        *(np.searchsorted, np.digitize, np.lexsort, np.isclose, np.isin, np.iscomplex, np.isreal),
        *(np.isneginf, np.isposinf, np.all, np.any, np.count_nonzero),
    }
)

_QUERIES = frozenset(
    f for f, lifted in FUNCTIONS.items() if lifted.__module__ == queries.__name__
) - {np.bincount}

# --- Made-up numbers ------------------------------------------------------------------------------


def _made_up(x: Any) -> Any:
    """A value of a lifted one's spec, or of an array's; a square matrix is positive definite."""
    shape, dtype, form = spec_of(x)
    if form is Form.OPAQUE:
        return primal(x)
    if form is Form.NUMBER:
        return dtype(0.5) if issubclass(dtype, (float, complex)) else dtype(1)
    if dtype.kind not in "fc":
        return np.zeros(shape, dtype)[() if form is Form.SCALAR else ...]
    if form is Form.SCALAR:
        return dtype.type(0.5)
    made = np.linspace(0.2, 0.8, math.prod(shape)).reshape(shape)
    if len(shape) >= 2 and shape[-1] == shape[-2]:
        made = made + np.swapaxes(made, -1, -2) + 2 * shape[-1] * np.eye(shape[-1])
    return made.astype(dtype)


def _all_made_up(args: Any) -> Any:
    """Arguments, in tuples, lists and dicts, with numbers made up for lifted values.

    For arrays of devices too: an abstract value is of no device, and what is made up of the host.
    """
    if isinstance(args, Lifted) or type(args) in PLACES:
        return _made_up(args)
    if type(args) is dict:
        return {key: _all_made_up(x) for key, x in args.items()}
    if type(args) in (tuple, list):
        return type(args)(_all_made_up(x) for x in args)
    return args


# --- Abstract values as inputs --------------------------------------------------------------------


def _like(x: Abstract) -> Any:
    return x._run.wrap(None, x._known)


_ABSTRACT = ValueType(Kind.NUMERIC, _like, operator.add, _like)


def _entry(x: Abstract) -> ValueType:
    dtype = x._known.dtype
    inexact = dtype in (int, float, complex) if type(dtype) is type else dtype.kind in "fc"
    return _ABSTRACT if inexact else STATIC


registry.register(Abstract, _entry)
