"""Formulas: the CUDA code of a function that was written with plain NumPy calls.

A function of single items is called once with values that stand for them, `Traced`, which write
down what is done to them. So a rule of gradx's becomes one kernel instead of one for each of its
operations, and the rule stays the only place where the derivative is written. A function that
does more than arithmetic on items is `Untraceable`, and runs as it is.

Each operation is done in the dtype that NumPy gives it. Half precision is the exception: it is
kept as single until the result is stored.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, NoReturn

import numpy as np

__all__ = ["STORED", "Formula", "Untraceable", "computed", "formula_of"]


class Untraceable(Exception):
    """A function that is no formula of items."""


STORED: Mapping[str, str] = MappingProxyType(
    {
        **{"?": "bool", "e": "float16", "f": "float", "d": "double"},
        **{"F": "complex<float>", "D": "complex<double>"},
        **{"b": "signed char", "h": "short", "i": "int", "l": "long long", "q": "long long"},
        **{"B": "unsigned char", "H": "unsigned short", "I": "unsigned int"},
        **{"L": "unsigned long long", "Q": "unsigned long long"},
    }
)
"""From a dtype's character to the C++ type of its items in memory."""


def computed(dtype: Any) -> str:
    """The C++ type that items of a dtype are computed in."""
    return "float" if dtype.char == "e" else STORED[dtype.char]


_INFIX: Mapping[Any, str] = MappingProxyType(
    {
        **{np.add: "+", np.subtract: "-", np.multiply: "*", np.divide: "/"},
        **{np.equal: "==", np.not_equal: "!=", np.less: "<", np.less_equal: "<="},
        **{np.greater: ">", np.greater_equal: ">=", np.logical_and: "&&", np.logical_or: "||"},
        **{np.bitwise_and: "&", np.bitwise_or: "|"},
    }
)
_CALLS: Mapping[Any, str] = MappingProxyType(
    {
        **{np.exp: "exp", np.log: "log", np.sqrt: "sqrt", np.sin: "sin", np.cos: "cos"},
        **{np.tan: "tan", np.sinh: "sinh", np.cosh: "cosh", np.tanh: "tanh"},
        **{np.arcsin: "asin", np.arccos: "acos", np.arctan: "atan"},
        **{np.arcsinh: "asinh", np.arccosh: "acosh", np.arctanh: "atanh"},
    }
)
_REAL_CALLS: Mapping[Any, str] = MappingProxyType(
    {
        **{np.exp2: "exp2", np.expm1: "expm1", np.log2: "log2", np.log10: "log10"},
        **{np.log1p: "log1p", np.cbrt: "cbrt", np.floor: "floor", np.rint: "rint"},
        **{np.arctan2: "atan2", np.hypot: "hypot", np.absolute: "fabs", np.fabs: "fabs"},
        **{np.power: "pow"},
    }
)
_TEMPLATES: Mapping[Any, str] = MappingProxyType(
    {
        np.negative: "-{0}",
        np.positive: "{0}",
        np.square: "{0} * {0}",
        np.logical_not: "!{0}",
        np.maximum: "({0} > {1} || {0} != {0}) ? {0} : {1}",
        np.minimum: "({0} < {1} || {0} != {0}) ? {0} : {1}",
        np.isfinite: "isfinite({0})",
    }
)
_REAL_TEMPLATES: Mapping[Any, str] = MappingProxyType(
    {
        np.sign: "({0} != {0}) ? {0} : ({t})(({0} > 0) - ({0} < 0))",
        np.reciprocal: "1 / {0}",
        np.conjugate: "{0}",
    }
)


class _Lines:
    """The formula as far as it is written."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def add(self, code: str, dtype: Any, python: type | None = None) -> Traced:
        """A new line, and the value that stands for its result."""
        name = f"t{len(self.lines)}"
        kind = computed(dtype)
        self.lines.append(f"const {kind} {name} = {code};")
        return Traced(self, name, dtype, python)


class Traced:
    """What stands for an item, and writes down what is done to it.

    Attributes:
        dtype: its dtype; None if it stands for a Python number, which adapts to the others.
    """

    __slots__ = ("_lines", "_own", "_python", "code", "dtype")
    __array_priority__ = 2000.0
    __hash__ = None  # type: ignore[assignment]

    def __init__(self, lines: _Lines, code: str, dtype: Any, python: type | None = None) -> None:
        self._lines, self.code, self._own, self._python = lines, code, dtype, python
        self.dtype = None if python else dtype

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **kwargs: Any) -> Any:
        if method != "__call__" or kwargs:
            raise Untraceable(f"{ufunc.__name__}.{method}")
        return _called(ufunc, inputs)

    def __array_function__(self, func: Any, types: Any, args: Any, kwargs: Any) -> Any:
        if kwargs or func not in _FUNCTIONS:
            raise Untraceable(func.__name__)
        return _FUNCTIONS[func](*args)

    def astype(self, dtype: Any) -> Any:
        """A cast."""
        dtype = np.dtype(dtype)
        return self._lines.add(_cast(self, dtype), dtype)

    def __pow__(self, other: Any) -> Any:
        if type(other) in (int, float) and other == 2:
            return _called(np.multiply, (self, self))
        if type(other) is float and other == 0.5:
            return _called(np.sqrt, (self,))
        return _called(np.power, (self, other))

    def _refuse(self, *args: Any) -> NoReturn:
        raise Untraceable("the value of an item is asked for")

    __bool__ = __float__ = __int__ = __index__ = __complex__ = __len__ = __iter__ = _refuse
    __getitem__ = _refuse


_BINARY: Mapping[str, Any] = MappingProxyType(
    {
        **{"add": np.add, "sub": np.subtract, "mul": np.multiply, "truediv": np.divide},
        **{"and": np.bitwise_and, "or": np.bitwise_or},
    }
)
_COMPARISONS: Mapping[str, Any] = MappingProxyType(
    {
        **{"eq": np.equal, "ne": np.not_equal, "lt": np.less, "le": np.less_equal},
        **{"gt": np.greater, "ge": np.greater_equal},
    }
)
_UNARY: Mapping[str, Any] = MappingProxyType(
    {"neg": np.negative, "pos": np.positive, "abs": np.absolute}
)


def _install() -> None:
    for name, ufunc in {**_BINARY, **_COMPARISONS}.items():
        setattr(Traced, f"__{name}__", lambda a, b, f=ufunc: _called(f, (a, b)))
    for name, ufunc in {**_BINARY, "pow": np.power}.items():
        setattr(Traced, f"__r{name}__", lambda a, b, f=ufunc: _called(f, (b, a)))
    for name, ufunc in _UNARY.items():
        setattr(Traced, f"__{name}__", lambda a, f=ufunc: _called(f, (a,)))


_install()


def _lines_of(xs: Sequence[Any]) -> _Lines:
    return next(x._lines for x in xs if isinstance(x, Traced))


def _weak(x: Any) -> type | None:
    """The type of a Python number, or of what stands for one; None for a dtype of its own."""
    if isinstance(x, Traced):
        return x._python
    if type(x) not in (int, float, complex, bool):
        raise Untraceable(f"a constant {type(x).__name__}")
    return None if type(x) is bool else type(x)


def _literal(x: Any, dtype: Any) -> str:
    kind = computed(dtype)
    if isinstance(x, complex):
        part = kind.removeprefix("complex<").removesuffix(">")
        return f"{kind}(({part}){_number(x.real)}, ({part}){_number(x.imag)})"
    return f"({kind})({_number(x)})"


def _number(x: float) -> str:
    if x != x:
        return 'nan("")'
    if x in (math.inf, -math.inf):
        return f"({'-' if x < 0 else ''}1.0 / 0.0)"
    return repr(int(x) if isinstance(x, bool) else x)


def _cast(x: Any, dtype: Any) -> str:
    """The code of a value as one of a dtype."""
    if not isinstance(x, Traced):
        return _literal(x, dtype)
    kind = computed(dtype)
    if computed(x._own) == kind:
        return x.code
    if dtype.kind == "c" and x._own.kind == "c":
        part = kind.removeprefix("complex<").removesuffix(">")
        return f"{kind}(({part}){x.code}.real(), ({part}){x.code}.imag())"
    if dtype.kind == "c":
        part = kind.removeprefix("complex<").removesuffix(">")
        return f"{kind}(({part}){x.code})"
    if x._own.kind == "c":
        raise Untraceable("a complex number as a real one")
    return f"({kind}){x.code}"


_DOUBLE, _LONG = np.dtype(float), np.dtype(np.int64)
_ARITHMETIC = frozenset({np.add, np.subtract, np.multiply, np.negative, np.positive})


def _called(ufunc: Any, xs: Sequence[Any]) -> Any:
    """The result of a ufunc of items and numbers."""
    lines = _lines_of(xs)
    weak = [_weak(x) for x in xs]
    if all(kind is not None for kind in weak):
        return _of_numbers(ufunc, xs, weak, lines)
    given = [
        kind or (x._own if isinstance(x, Traced) else np.dtype(bool))
        for x, kind in zip(xs, weak, strict=True)
    ]
    try:
        *dtypes, result = ufunc.resolve_dtypes((*given, None))
    except TypeError:
        raise Untraceable(ufunc.__name__) from None
    if any(dtype.char not in STORED for dtype in (*dtypes, result)):
        raise Untraceable(ufunc.__name__)
    if ufunc is np.power and result.kind == "c" and any(kind is not None for kind in weak):
        raise Untraceable("a whole power of a complex number, which is right at zero")
    codes = [_cast(x, dtype) for x, dtype in zip(xs, dtypes, strict=True)]
    return lines.add(_code(ufunc, codes, dtypes), result)


def _of_numbers(ufunc: Any, xs: Sequence[Any], weak: Sequence[Any], lines: _Lines) -> Any:
    """A ufunc of what stands for Python numbers: the result is such a number too, or a boolean."""
    compares = ufunc in _COMPARISONS.values()
    if not compares and ufunc not in _ARITHMETIC and ufunc is not np.divide:
        raise Untraceable(f"{ufunc.__name__} of numbers")
    if complex in weak:
        raise Untraceable("a complex number")
    whole = ufunc is not np.divide and all(kind is int for kind in weak)
    dtype = _LONG if whole else _DOUBLE
    codes = [_cast(x, dtype) for x in xs]
    if compares:
        return lines.add(_code(ufunc, codes, [dtype] * len(xs)), np.dtype(bool))
    return lines.add(_code(ufunc, codes, [dtype] * len(xs)), dtype, int if whole else float)


def _code(ufunc: Any, codes: Sequence[str], dtypes: Sequence[Any]) -> str:
    real = dtypes[0].kind != "c"
    if ufunc in _INFIX:
        return f"{codes[0]} {_INFIX[ufunc]} {codes[1]}"
    template = _TEMPLATES.get(ufunc) or (_REAL_TEMPLATES.get(ufunc) if real else None)
    if template is not None and (real or ufunc in (np.negative, np.positive, np.square)):
        return template.format(*codes, t=computed(dtypes[0]))
    call = _CALLS.get(ufunc) or (_REAL_CALLS.get(ufunc) if real else None)
    if call is None and not real:
        call = {np.absolute: "abs", np.conjugate: "conj", np.power: "pow"}.get(ufunc)
    if call is None:
        raise Untraceable(ufunc.__name__)
    return f"{call}({', '.join(codes)})"


def _where(condition: Any, x: Any, y: Any) -> Any:
    if not isinstance(condition, Traced) or condition._own.kind != "b":
        raise Untraceable("where")
    given = [_weak(z) or (z._own if isinstance(z, Traced) else np.dtype(bool)) for z in (x, y)]
    if all(isinstance(kind, type) for kind in given):
        raise Untraceable("where of numbers")
    _, _, dtype = np.add.resolve_dtypes((*given, None))  # promotes as np.where does
    return condition._lines.add(f"{condition.code} ? {_cast(x, dtype)} : {_cast(y, dtype)}", dtype)


def _part(name: str) -> Callable[[Any], Any]:
    def part(x: Any) -> Any:
        if x._own.kind != "c":
            if name == "imag":
                raise Untraceable("imag")
            return x
        return x._lines.add(f"{x.code}.{name}()", np.dtype(x._own.char.lower()))

    return part


_FUNCTIONS: Mapping[Any, Callable[..., Any]] = MappingProxyType(
    {np.where: _where, np.real: _part("real"), np.imag: _part("imag")}
)


# --- Formulas -----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Formula:
    """The CUDA code of a function of single items.

    Attributes:
        inputs: the dtype of each operand, or `float` or `int` for a Python number.
        lines: what is computed, from the operands ``a0``, ``a1`` and so on.
        results: the code of each result.
        outputs: the dtype of each result.
        single: the function returned its result on its own, and no tuple.
    """

    inputs: tuple[Any, ...]
    lines: tuple[str, ...]
    results: tuple[str, ...]
    outputs: tuple[Any, ...]
    single: bool

    def source(self, name: str) -> str:
        """A device function ``name(a0, a1, …, &y0, …)``."""
        operands = [f"const {input_type(kind)} a{i}" for i, kind in enumerate(self.inputs)]
        results = [f"{computed(dtype)} &y{i}" for i, dtype in enumerate(self.outputs)]
        body = "\n    ".join(
            [*self.lines, *[f"y{i} = {code};" for i, code in enumerate(self.results)]]
        )
        arguments = ", ".join(operands + results)
        return f"__device__ inline void {name}({arguments}) {{\n    {body}\n}}\n"


def input_type(kind: Any) -> str:
    """The C++ type of an operand of a formula."""
    if kind is float:
        return "double"
    return "long long" if kind is int else computed(kind)


def formula_of(function: Callable[..., Any], inputs: Sequence[Any]) -> Formula:
    """The formula of a function.

    Args:
        function: plain NumPy code of single items, with one result or a tuple of them.
        inputs: the dtype of each operand, or `float` or `int` for a Python number.

    Raises:
        Untraceable: it does more than arithmetic on items.
    """
    lines = _Lines()
    operands = []
    for i, kind in enumerate(inputs):
        if kind is float or kind is int:
            operands.append(Traced(lines, f"a{i}", _DOUBLE if kind is float else _LONG, kind))
        elif kind.char not in STORED:
            raise Untraceable(f"dtype {kind}")
        else:
            operands.append(Traced(lines, f"a{i}", kind))
    try:
        found = function(*operands)
    except (TypeError, ValueError, AttributeError, IndexError) as error:
        raise Untraceable(str(error)) from error
    results = found if isinstance(found, tuple) else (found,)
    for y in results:
        if not isinstance(y, Traced) or y.dtype is None:
            raise Untraceable("the result is no item")
    return Formula(
        tuple(inputs),
        tuple(lines.lines),
        tuple(y.code for y in results),
        tuple(y.dtype for y in results),
        not isinstance(found, tuple),
    )
