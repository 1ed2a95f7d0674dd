"""Abstract arrays: a shape and a dtype and no numbers, to prove that code reads none.

Another kind of lifted value beside variables. An operation on abstract arrays finds the shape and
dtype of its result by running the op on made-up numbers; whatever would read a number raises. A
rule that passes may be traced, batched and run on a device without waiting for it.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Iterator, Sequence
from typing import Any, ClassVar, NoReturn

import numpy as np

from gradx import numpy as gnp
from gradx.core.dispatch import FUNCTIONS, Lifted, apply, next_level
from gradx.core.op import Op
from gradx.errors import ConversionError
from gradx.numpy import queries
from gradx.ops import indexing, numbers, products, shaping
from gradx.values.builtin import STATIC
from gradx.values.operations import Kind, ValueType, registry

__all__ = ["AbstractArray", "AbstractRun"]


class AbstractRun:
    """A run on abstract arrays; those of one computation share one."""

    __slots__ = ("level",)

    def __init__(self) -> None:
        self.level = next_level()


class AbstractArray(Lifted):
    """An array of which only the shape and the dtype are known.

    Args:
        shape: its shape.
        dtype: its dtype.
        run: the run it belongs to; by default a new one.

    >>> np.exp(AbstractArray((2, 3), np.float32)).sum(axis=0)
    AbstractArray((3,), float32)
    """

    __slots__ = ("dtype", "shape")
    _numeric: ClassVar[bool] = True
    __array_priority__ = 500.0

    def __init__(
        self, shape: tuple[int, ...], dtype: Any = float, run: AbstractRun | None = None
    ) -> None:
        self._run = AbstractRun() if run is None else run
        self.shape, self.dtype = shape, np.dtype(dtype)

    @classmethod
    def _process(
        cls, run: Any, op: Op, operands: Sequence[Any], params: dict[str, Any] | None
    ) -> Any:
        with np.errstate(all="ignore"):
            y = op.eval(*_all_made_up(operands), **_all_made_up(params or {}))
        return _abstracted(y, run)

    def __array_function__(self, func: Any, types: Any, args: Any, kwargs: Any) -> Any:
        if func not in _OF_TYPE and func not in _OF_VALUES:
            if getattr(FUNCTIONS.get(func), "__module__", "") == queries.__name__:
                _refuse(self, f"np.{func.__name__}")
            return super().__array_function__(func, types, args, kwargs)
        y = func(*_all_made_up(args), **_all_made_up(kwargs))
        return y if func in _OF_TYPE else _abstracted(y, self._run)

    @property
    def ndim(self) -> int:
        """The number of axes."""
        return len(self.shape)

    @property
    def size(self) -> int:
        """The number of items."""
        return math.prod(self.shape)

    @property
    def T(self) -> Any:
        """The transpose."""
        return gnp.transpose(self)

    def astype(self, dtype: Any) -> Any:
        """A cast of this array."""
        return apply(shaping.astype, (self,), {"dtype": np.dtype(dtype)})

    def __getattr__(self, name: str) -> Any:
        function = None if name.startswith("_") else getattr(gnp, name, None)
        if function is None:
            raise AttributeError(f"an abstract array has no attribute {name!r}")
        return lambda *args, **kwargs: function(self, *args, **kwargs)

    def __getitem__(self, index: Any) -> Any:
        for part in index if isinstance(index, tuple) else (index,):
            if isinstance(part, AbstractArray) and part.dtype.kind == "b":
                _refuse(part, "a mask as an index")  # how many items there are, it does not say
        return apply(indexing.getitem, (self,), {"index": index})

    def __len__(self) -> int:
        if not self.shape:
            raise TypeError(f"{self!r} has no axis and no length")
        return self.shape[0]

    def __iter__(self) -> Iterator[Any]:
        return iter([self[i] for i in range(len(self))])

    def __repr__(self) -> str:
        return f"AbstractArray({self.shape}, {self.dtype})"

    def __array__(self, *args: Any, **kwargs: Any) -> Any:
        _refuse(self, "np.asarray(x)")

    def __bool__(self) -> bool:
        _refuse(self, "bool(x), as in 'if x' or 'x and y',")

    def __float__(self) -> float:
        _refuse(self, "float(x)")

    def __int__(self) -> int:
        _refuse(self, "int(x)")

    def __complex__(self) -> complex:
        _refuse(self, "complex(x)")

    def __index__(self) -> int:
        _refuse(self, "its use as an index or a count")

    def __contains__(self, item: Any) -> bool:
        _refuse(self, "'item in x'")

    __hash__ = None  # type: ignore[assignment]


def _refuse(x: AbstractArray, what: str) -> NoReturn:
    raise ConversionError(
        f"{what} reads a number of {x!r}, which has only a shape and a dtype; a rule branches on "
        "shapes, dtypes and parameters, never on values: write np.where(condition, a, b)"
    )


def _made_up(x: AbstractArray) -> Any:
    """An array of an abstract one's shape and dtype; a square matrix is positive definite."""
    if x.dtype.kind not in "fc":
        return np.zeros(x.shape, x.dtype)
    made = np.linspace(0.2, 0.8, x.size).reshape(x.shape)
    if x.ndim >= 2 and x.shape[-1] == x.shape[-2]:
        made = made + np.swapaxes(made, -1, -2) + 2 * x.shape[-1] * np.eye(x.shape[-1])
    return made.astype(x.dtype)


def _all_made_up(args: Any) -> Any:
    """Arguments, in tuples, lists and dicts, with numbers made up for abstract arrays."""
    if isinstance(args, dict):
        return {key: _all_made_up(x) for key, x in args.items()}
    if isinstance(args, (tuple, list)):
        return type(args)(_all_made_up(x) for x in args)
    return _made_up(args) if isinstance(args, AbstractArray) else args


# Queries whose result depends on shapes and dtypes only, and those that give an array of a shape
# known beforehand. Any other needs values, and is refused.
_OF_TYPE = frozenset(
    {
        *(np.shape, np.ndim, np.size, np.result_type, np.can_cast, np.common_type),
        *(np.iscomplexobj, np.isrealobj, np.zeros_like, np.ones_like, np.empty_like),
    }
)
_OF_VALUES = frozenset(
    {
        *(np.argsort, np.argpartition, np.argmax, np.argmin, np.nanargmax, np.nanargmin),
        *(np.searchsorted, np.digitize, np.lexsort, np.isclose, np.isin, np.iscomplex, np.isreal),
        *(np.isneginf, np.isposinf, np.all, np.any, np.count_nonzero),
    }
)


def _abstracted(y: Any, run: Any) -> Any:
    """The result of an op with abstract arrays for its arrays and numbers."""
    if isinstance(y, tuple) and hasattr(y, "_fields"):
        return type(y)(*[_abstracted(part, run) for part in y])
    if isinstance(y, (tuple, list)):
        return type(y)([_abstracted(part, run) for part in y])
    y = np.asarray(y)
    return AbstractArray(y.shape, y.dtype, run)


# --- Operators ----------------------------------------------------------------------------------


def _operators(op: Op) -> tuple[Callable[[Any, Any], Any], Callable[[Any, Any], Any]]:
    """An operator's method and its reflection."""
    return (
        lambda self, other: apply(op, (self, other)),
        lambda self, other: apply(op, (other, self)),
    )


_BINARY = (
    ("add", numbers.add),
    ("sub", numbers.subtract),
    ("mul", numbers.multiply),
    ("truediv", numbers.divide),
    ("floordiv", numbers.floor_divide),
    ("mod", numbers.remainder),
    ("pow", numbers.power),
    ("matmul", products.matmul),
    ("and", Op("and", operator.and_, None, None)),
    ("or", Op("or", operator.or_, None, None)),
    ("xor", Op("xor", operator.xor, None, None)),
)
_COMPARISONS = ("lt", "le", "gt", "ge", "eq", "ne")
_UNARY = (
    ("neg", numbers.negative),
    ("pos", numbers.positive),
    ("abs", numbers.absolute),
    ("invert", Op("invert", operator.invert, None)),
)


def _install() -> None:
    for name, op in _BINARY:
        forward, reflected = _operators(op)
        setattr(AbstractArray, f"__{name}__", forward)
        setattr(AbstractArray, f"__r{name}__", reflected)
    for name in _COMPARISONS:
        op = Op(name, getattr(operator, name), None, None)
        setattr(AbstractArray, f"__{name}__", _operators(op)[0])
    for name, op in _UNARY:
        setattr(AbstractArray, f"__{name}__", lambda self, op=op: apply(op, (self,)))


_install()


def _like(x: AbstractArray) -> AbstractArray:
    return AbstractArray(x.shape, x.dtype, x._run)


_ABSTRACT = ValueType(Kind.NUMERIC, _like, operator.add, _like)


def _entry(x: AbstractArray) -> ValueType:
    return _ABSTRACT if x.dtype.kind in "fc" else STATIC


registry.register(AbstractArray, _entry)
