"""Tree map: one function of the corresponding numbers and arrays of whole values.

A result keeps the shape and the precision of its leaf: float32 stays float32 whatever it is
combined with, an array without axes stays an array, and a Python number stays one. Leaves of
different shapes are an error, although NumPy would repeat one of them.

An array library may do all of its arrays at once: `leafwise` itself is the key to its stand-in
in the table of the array type (see `gradx.devices.kernel_table`), called as
``stand_in(function, operands, numbers)`` with a tuple of arrays for each leaf; it returns the
list of ``function(*arrays, *numbers)``. The functions are plain code on numbers and arrays. With
``out=``, which says for each result which operand it is written into, it returns nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

import numpy as np
from numpy import ndarray

from gradx.core.dispatch import Lifted
from gradx.core.spec import primal
from gradx.devices.kernel_table import TABLES
from gradx.devices.placement import PLACES, on_common_device
from gradx.errors import NotDifferentiableError, StructureError, UnregisteredTypeError
from gradx.values.operations import (
    Item,
    ValueType,
    Where,
    children_of,
    every_mismatch,
    fold,
    rebuilt,
    value_type,
)

__all__ = [
    "as_python",
    "check_mate",
    "expand",
    "leafwise",
    "like",
    "no_complex_in",
    "refilled",
]

_WAITING: Final = object()
_NONE: Final = object()
_DEEP = 16
"""Values nested deeper than this are left to `fold`, which does not recurse."""
_PYTHON_NUMBERS: Final = (int, float, complex)


def leafwise(
    function: Callable[..., Any],
    x: Any,
    others: Sequence[Any] = (),
    numbers: Sequence[Any] = (),
    *,
    results: Sequence[int] | None = None,
) -> Any:
    """A function of the corresponding leaves of values of one structure.

    Dicts match by key, in whatever order. NumPy numbers among ``numbers`` count as Python's, which
    promote no array.

    Args:
        function: ``function(leaf, *leaves_of_others, *numbers)``.
        x: the value whose structure the result has; its static parts are left alone.
        others: values of the same structure.
        numbers: what goes to the function as it is at each leaf.
        results: by default the function returns one result, which has the precision of the leaf of
            ``x`` and may be complex where that is real, or real where that is complex. Otherwise it
            returns a tuple, and each result has exactly the dtype of one of the leaves: 0 stands
            for that of ``x``, 1 for that of the first of the others, and so on.

    Returns:
        A value like ``x``, or a tuple of as many as there are results.

    Raises:
        StructureError: the structures or the shapes of leaves differ, or a result would be complex
            and is to be real; all that does not match is told, with its path.
    """
    known: list[Any] = []
    waiting: list[tuple[Any, ...]] = []
    numbers = tuple([as_python(number) for number in numbers])
    y, number = (others or (_NONE,))[0], (numbers or (_NONE,))[0]
    if results is None and len(others) + len(numbers) == 1 and type(number) not in TABLES:
        made = _shallow(function, x, y, number, 0)
        if made is not NotImplemented:
            return made
    at_once = bool(TABLES) and not any(isinstance(number, Lifted) for number in numbers)

    def done(y: Any, leaves: tuple[Any, ...]) -> Any:
        if results is None:
            return like(y, leaves[0], False)
        return tuple([like(each, leaves[k], True) for each, k in zip(y, results, strict=True)])

    def compute(*leaves: Any) -> Any:
        return done(function(*leaves, *numbers), leaves)

    def leaf(a: Any, spec: ValueType, rest: tuple[Any, ...], where: Where) -> Any:
        for b in rest:
            if type(b) is not ndarray or type(a) is not ndarray or a.shape != b.shape:
                check_mate(a, spec, b)
        if spec.static:
            return a
        if at_once and type(a) in TABLES and all(type(b) is type(a) for b in rest):
            waiting.append((a, *rest))
            y = _WAITING
        else:
            y = call(a, *rest)
        known.append(y)
        return y

    call = _on_one_device(compute, function, numbers) if PLACES else compute
    name = type(x).__name__
    try:
        whole = fold(x, tuple(others), expand, leaf, name)
        late = iter(_all_at_once(function, waiting, numbers, done) if waiting else ())
    except ValueError as error:  # of the structures and shapes, or one of NumPy's
        if type(error) not in (ValueError, StructureError):
            raise
        at_once = False  # so that each function is called where its leaves are
        text = every_mismatch(error, x, tuple(others), expand, leaf, name, (ValueError,))
        raise StructureError(text) from None
    if results is None and not waiting:
        return whole
    if waiting:
        known = [next(late) if y is _WAITING else y for y in known]
    if results is None:
        return refilled(x, known)
    return tuple(refilled(x, [y[k] for y in known]) for k in range(len(results)))


def _shallow(function: Callable[..., Any], x: Any, y: Any, number: Any, depth: int) -> Any:
    """The fast path: NumPy's arrays and Python's floats in shallow values.

    Args:
        function: ``function(leaf, leaf_of_y)``, or ``function(leaf, number)``.
        x: the value.
        y: another one, or `_NONE`.
        number: what goes to the function if there is no other value.
        depth: how deep ``x`` is in the whole.

    Returns:
        The result; NotImplemented where `fold` has to do it, or to say what does not match.
    """
    try:
        spec = value_type(x)
        parts = children_of(x, spec)
        mates = parts if y is _NONE else children_of(y, value_type(y))
        if len(mates) != len(parts) or spec.children is None or not spec.fieldwise:
            return NotImplemented
        keys, out = [], []
        for (key, a), (other, b) in zip(parts, mates, strict=True):
            if key is not other and key != other:
                return NotImplemented
            kind = type(a)
            if type(b) is not kind:
                return NotImplemented
            if kind is float or (kind is ndarray and a.dtype.kind in "fc" and a.shape == b.shape):
                result = like(function(a, number if y is _NONE else b), a, False)
            else:
                inner = value_type(a)
                if inner.static:
                    result = a
                elif inner.children is None or depth > _DEEP:
                    return NotImplemented
                else:
                    mate = y if y is _NONE else b
                    result = _shallow(function, a, mate, number, depth + 1)
                    if result is NotImplemented:
                        return NotImplemented
            keys.append(key)
            out.append(result)
        return rebuilt(x, spec, keys, out)
    except (ValueError, NotDifferentiableError, UnregisteredTypeError):
        return NotImplemented  # `fold` tells the path, and all that is wrong


# --- Structures ---------------------------------------------------------------------------------


def expand(x: Any, spec: ValueType, others: tuple[Any, ...]) -> tuple[Any, list[Item]]:
    """The ``expand`` of a `fold` that takes the corresponding parts of other values along.

    Raises:
        StructureError: another value has other parts.
    """
    parts = children_of(x, spec)
    if not others:
        return x, [(key, child, ()) for key, child in parts]
    keys = [key for key, _ in parts]
    rows = zip(*[_mates(x, spec, keys, y) for y in others], strict=True)
    return x, [(key, child, row) for (key, child), row in zip(parts, rows, strict=True)]


def _mates(x: Any, spec: ValueType, keys: list[Any], y: Any) -> list[Any]:
    """The parts of another value that correspond to those of ``x``, by key."""
    other = value_type(y)
    parts = children_of(y, other)
    if other.kind is spec.kind and len(parts) == len(keys):
        own = [key for key, _ in parts]
        if own == keys:
            return [part for _, part in parts]
        found = dict(parts)
        if all(key in found for key in keys):
            return [found[key] for key in keys]
    raise StructureError(
        f"a {type(x).__name__} with parts {keys} and a {type(y).__name__} with parts "
        f"{[key for key, _ in parts]} cannot be combined; give two values of one structure, "
        "or a number"
    )


def check_mate(a: Any, spec: ValueType, b: Any) -> None:
    """Refuse leaves of which only one is a number, and arrays of different shapes.

    Raises:
        StructureError: they are such.
    """
    if not isinstance(b, Lifted) and value_type(b).kind is not spec.kind:
        left, right = (
            f"the static value {each!r}" if static else f"a {type(each).__name__}"
            for each, static in ((a, spec.static), (b, _is_static(b)))
        )
        raise StructureError(
            f"{left} and {right} cannot be combined; give two values of one structure, or a number"
        )
    if not spec.numeric:
        return
    shape, other = getattr(a, "shape", ()), getattr(b, "shape", ())
    if shape != other:
        raise StructureError(
            f"arrays of shapes {shape} and {other} cannot be combined leaf by leaf; give arrays of "
            "one shape"
        )


def _is_static(x: Any) -> bool:
    return value_type(x).static


def refilled(x: Any, leaves: Sequence[Any]) -> Any:
    """A value like ``x`` with other leaves, in order."""
    rest = iter(leaves)

    def leaf(a: Any, spec: ValueType, _: Any, where: Where) -> Any:
        return a if spec.static else next(rest)

    return fold(x, (), expand, leaf, type(x).__name__)


# --- Shapes and precision -----------------------------------------------------------------------


def _of_numpy(x: Any) -> bool:
    """Whether a value is a plain NumPy number or array, and not a variable of one."""
    return issubclass(type(x), (np.generic, ndarray))


def as_python(number: Any) -> Any:
    """A NumPy number as a Python number; anything else as it is."""
    plain = _of_numpy(number) and number.shape == () and number.dtype.kind in "fciu"
    return number.item() if plain else number


def like(y: Any, a: Any, exactly: bool) -> Any:
    """A result with the shape and precision of a leaf.

    Args:
        y: the result.
        a: the leaf.
        exactly: with its dtype, too; otherwise the result may be complex where the leaf is real,
            and real where it is complex.
    """
    kind = type(a)
    if kind is ndarray:
        if type(y) is ndarray and y.dtype is a.dtype and y.shape == a.shape:
            return y
    elif kind in _PYTHON_NUMBERS:
        return _python_number(y, kind, exactly)
    shape, own_shape = getattr(a, "shape", ()), getattr(y, "shape", ())
    if shape != own_shape:
        raise StructureError(
            f"the result for an array of shape {shape} would have the shape {own_shape}; give "
            "numbers, or values of the same structure"
        )
    dtype, own = getattr(a, "dtype", None), getattr(y, "dtype", None)
    if dtype is None or own is None:
        return y
    if exactly and own.kind == "c":
        _check_complex(dtype.kind == "c", dtype)
    if own != dtype and own.kind in "fc":
        wanted = dtype if exactly else _of_precision(own, dtype)
        if own != wanted:
            y = y.astype(wanted)
    if shape == () and isinstance(a, ndarray) and not isinstance(y, ndarray):
        return y[...]  # the array of a scalar, which NumPy makes of arrays without axes
    return y


def _python_number(y: Any, kind: type, exactly: bool) -> Any:
    """A result for a leaf that is a Python number: a Python number, unless it is on a device."""
    if _of_numpy(y):
        if y.shape != ():
            raise StructureError(
                f"the result for a {kind.__name__} would have the shape {y.shape}; give numbers, "
                "or values of the same structure"
            )
        y = y.item()
        if _of_numpy(y):  # of more than double precision
            y = complex(y) if y.dtype.kind == "c" else float(y)
    if exactly and type(y) is complex:
        _check_complex(kind is complex, kind.__name__)
    return y


def _check_complex(fits: bool, dtype: Any) -> None:
    if not fits:
        raise no_complex_in(dtype)


def no_complex_in(dtype: Any, path: str = "") -> StructureError:
    """The error that a result would be complex and is to be real, for the caller to raise."""
    return StructureError(
        f"the result for a leaf of type {dtype} would be complex; take the real part of what "
        "it is combined with, or make the leaf complex" + (f" (at {path})" if path else "")
    )


def _of_precision(own: Any, dtype: Any) -> Any:
    """The dtype of a real or complex result, in the precision of a leaf."""
    if own.kind == dtype.kind:
        return dtype
    real = np.finfo(dtype).dtype
    return real if own.kind == "f" else np.result_type(real, np.complex64)


# --- Devices ------------------------------------------------------------------------------------


def _on_one_device(
    compute: Callable[..., Any], function: Callable[..., Any], numbers: Sequence[Any]
) -> Callable[..., Any]:
    """A computation on the device of its leaves and numbers, which may be variables."""
    name = function.__name__.strip("_")

    def call(*leaves: Any) -> Any:
        with on_common_device(name, map(primal, (*leaves, *numbers))):
            return compute(*leaves)

    return call


def _all_at_once(
    function: Callable[..., Any],
    operands: Sequence[tuple[Any, ...]],
    numbers: Sequence[Any],
    done: Callable[[Any, tuple[Any, ...]], Any],
) -> Sequence[Any]:
    """The function of each leaf's arrays, by the stand-in of their array type if it has one."""
    kinds = {type(arrays[0]) for arrays in operands}
    name = function.__name__.strip("_")
    stand_in = TABLES[kinds.pop()].get(leafwise) if len(kinds) == 1 else None
    results: Sequence[Any] = [_WAITING] * len(operands)
    if stand_in is not None:
        results = stand_in(function, operands, numbers)
    finished = []
    for arrays, y in zip(operands, results, strict=True):
        with on_common_device(name, (*arrays, *numbers)):
            result = function(*arrays, *numbers) if y is _WAITING else y
            finished.append(done(result, arrays))
    return finished
