"""Steps in place: gradient descent on the arrays themselves, straight from the cotangents.

``net - rate * gradient`` makes three networks: the gradient, the product and the result. `descend`
makes none. Each array of the parameters is changed where it is, and the cotangent of a matrix that
multiplied a vector, a pair of vectors, is applied without the matrix that it stands for.

Nothing is written before everything is known: the function has run, every leaf is found to be an
array that can be written, no cotangent shares memory with a parameter, and every write is a call of
C code that only has to be done. So a step is whole or is not done at all (`gradx.optim.atomic`).
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, TypeVar

import numpy as np

from gradx.core.cotangent import Structured, dense, unbroadcast_and_cast
from gradx.core.dispatch import Lifted
from gradx.devices.placement import PLACES, on_device_of
from gradx.errors import InPlaceError
from gradx.native import native
from gradx.native.outer import outer_step, scaled_step
from gradx.ops.helpers import conj
from gradx.ops.products import Outer
from gradx.ops.scaling import Multiple
from gradx.optim.atomic import overlaps_itself, write, write_at_once
from gradx.optim.sharing import owner_of
from gradx.reverse.api import check_scalar
from gradx.reverse.backward import consuming
from gradx.reverse.run import executed
from gradx.reverse.variables import BVar
from gradx.values.operations import ValueType, Where, fold, leaves_of, parts_alone

__all__ = ["descend"]

P = TypeVar("P")
Call = Callable[[], Any]
Step = tuple[Any, Any]
_BLOCK = 1 << 16
"""The number of items of a product computed at a time, which stay in the processor's cache."""


def descend(f: Callable[[P], Any], params: P, rate: float) -> Any:
    """Change parameters in place by one step of gradient descent.

    It does what ``params - rate * gx.grad(f)(params)`` says, into the arrays of ``params``
    themselves. An array that stands at several places of ``params`` is moved by the gradient of
    each. What else holds the arrays, such as an older network made of the same ones, changes too.

    Args:
        f: a function of the parameters, with one real number as its result.
        params: a record, tuple, list or dict of arrays, nested as you like, or one array; static
            parts are left alone.
        rate: how far to go, a real number.

    Returns:
        The result of ``f`` before the step.

    Raises:
        InPlaceError: a part of ``params`` cannot be changed in place, such as a Python number, a
            read-only array or one whose items share memory; names it, and says what to write
            instead. Or ``f`` put other arrays into ``params``.
        NonScalarError: the result is not one real number.
        FloatingPointError: the step overflows, say, and ``np.errstate`` makes that an error.

    After each of these, after an error in ``f``, and after a warning that is an error, ``params``
    is as it was before. An exception of a signal's handler, such as KeyboardInterrupt, comes before
    the step or after it, never in the middle: of NumPy's arrays, not of those on a device.

    >>> import numpy as np
    >>> weights = {"a": np.array([1.0, 2.0]), "b": np.array(3.0)}
    >>> float(descend(lambda w: np.sum(w["a"] ** 2) * w["b"], weights, 0.1))
    15.0
    >>> weights
    {'a': array([0.4, 0.8]), 'b': array(2.5)}
    """
    rate = float(rate)
    before: list[Any] = []

    def call(p: P) -> Any:
        before.extend(leaves_of(params))
        return f(p)

    run = executed(call, (params,), ("params",))
    check_scalar(run.value, f)
    leaves = leaves_of(params)
    if len(leaves) != len(before) or not all(map(operator.is_, leaves, before)):
        raise InPlaceError(
            "the function changed params while it ran, so its gradient is that of other arrays; "
            "let it return what it has made"
        )
    cotangents = run.cotangents(consuming(run.nodes), run.ones())
    value, factors = _kept(run.value), _factors(cotangents)
    if native is not None and native.descend(leaves, None, factors):
        # The benchmark row "W3 step" pays for this way.
        write_at_once(leaves, partial(native.descend, leaves, rate, factors))
        return value
    steps = _steps(params, leaves, cotangents)
    there = [step for step in steps if not isinstance(step[0], np.ndarray)]
    here = [step for step in steps if isinstance(step[0], np.ndarray)]
    arrays, calls = _planned(params, here, rate)
    write(arrays, calls)
    for x, g in there:
        _apply_there(x, g, rate)
    return value


def _factors(cotangents: list[Any]) -> list[Any]:
    """Cotangents as C takes them: a product of two vectors as the pair of these."""
    return [
        (g.columns[0], g.rows[0]) if type(g) is Outer and len(g.rows) == 1 else g
        for g in cotangents
    ]


def _kernel(x: Any, g: Any, rate: float) -> Call | None:
    """The call of C that does ``x -= rate * g`` in one pass, or None where there is none."""
    if type(g) is not Outer:
        return scaled_step(x, rate, g)
    return outer_step(x, rate, g.columns[0], g.rows[0]) if len(g.rows) == 1 else None


def _kept(value: Any) -> Any:
    """A result that the step does not change: copied if it is a parameter, or a view of one."""
    if isinstance(value, np.ndarray):
        return value.copy()
    if type(value) in PLACES and hasattr(value, "copy"):
        with on_device_of(value):
            return value.copy()
    return value


def _steps(params: Any, leaves: list[Any], cotangents: list[Any]) -> list[Step]:
    """The arrays of the parameters that move, each with its cotangent; all can be written."""
    steps: list[Step] = []
    for x, g in zip(leaves, cotangents, strict=True):
        if type(x) is not np.ndarray or not x.flags.writeable or _is_lifted(g):
            _check_writable(x, g, partial(_path_of, x, params))
        if g is not None:
            steps.append((x, g))
    return _all_apart(steps)


def _all_apart(steps: list[Step]) -> list[Step]:
    owners = [owner_of(x) for x, _ in steps]
    # Whose memory it is that another library lends cannot be told from the arrays.
    lent = any(not isinstance(o, np.ndarray) and type(o) not in PLACES for o in owners)
    known = None if lent else {id(o) for o in owners}
    return [(x, _apart(g, known)) for x, g in steps]


def _check_writable(x: Any, g: Any, where: Where) -> None:
    # A variable of an array says that it is one.
    array = not isinstance(x, Lifted) and (type(x) in PLACES or isinstance(x, np.ndarray))
    if not array:
        kind = type(x).__name__
        remedy = (
            "gx.descend works on plain values, outside of the function that is differentiated"
            if isinstance(x, BVar)
            else f"make it an array, np.array({x!r})"
            if isinstance(x, (int, float, complex, np.generic))
            else "keep what moves in arrays"
        )
        raise InPlaceError(
            f"{where()} is a {kind}, which cannot be changed in place; {remedy}, or write "
            "params = params - rate * gx.grad(f)(params)"
        )
    if isinstance(x, np.ndarray) and not x.flags.writeable:
        raise InPlaceError(
            f"{where()} is a read-only array, which cannot be changed in place; pass a copy of it, "
            "or write params = params - rate * gx.grad(f)(params)"
        )
    if _is_lifted(g):
        raise InPlaceError(
            f"the gradient of {where()} depends on variables of an outer function, whose own "
            "gradient a step in place would lose; write params - rate * gx.grad(f)(params) there"
        )


def _is_lifted(g: Any) -> bool:
    """Whether a cotangent is made of variables of an outer run."""
    if type(g) is Outer:
        return any([isinstance(v, Lifted) for v in (*g.columns, *g.rows)])
    return isinstance(g, (Lifted, Multiple))


def _apart(g: Any, owners: set[int] | None) -> Any:
    """A cotangent that shares no memory with the parameters: copied where that is not certain.

    A rule may hand out an array of the forward run, such as another parameter, which would change
    under it while the parameters are written one after another.
    """
    if type(g) is Outer:
        return Outer([_apart(v, owners) for v in g.columns], [_apart(v, owners) for v in g.rows])
    if isinstance(g, Structured):
        return g.dense()
    owner = owner_of(g)
    foreign = owners is None or type(owner) is not type(g)  # a buffer of another library
    return g.copy() if (foreign and hasattr(g, "copy")) or id(owner) in (owners or ()) else g


def _planned(params: Any, steps: list[Step], rate: float) -> tuple[list[Any], list[Call]]:
    """Arrays of the host, and calls that do ``x -= rate * conj(g)`` for each.

    The gradient is the conjugate of the cotangent. What can fail is done here, before anything is
    written: casts, products, and memory for all of it.
    """
    arrays, calls = [], []
    rooms: dict[Any, Any] = {}
    for x, g in steps:
        whole = _kernel(x, g, rate)
        if whole is not None:
            arrays.append(x)
            calls.append(whole)
            continue
        if overlaps_itself(x):
            raise InPlaceError(
                f"{_path_of(x, params)} is an array whose items share memory, as np.broadcast_to "
                "and as_strided make them, so that one step would move a number several times; "
                "pass a copy of it, or write params = params - rate * gx.grad(f)(params)"
            )
        if type(x) is not np.ndarray and type(x).__array_ufunc__ is np.ndarray.__array_ufunc__:
            x = x.view(np.ndarray)  # without a subclass's code of Python's
        arrays.append(x)
        calls += _calls(x, g, rate, rooms)
    return arrays, calls


def _path_of(x: Any, params: Any) -> str:
    found: list[str] = []

    def leaf(part: Any, spec: ValueType, _: Any, where: Where) -> Any:
        if part is x:
            found.append(where())
        return part

    fold(params, None, parts_alone, leaf, "params", rebuild=lambda template, *_: template)
    return found[0] if found else "a part of params"


def _calls(x: Any, g: Any, rate: float, rooms: dict[Any, Any]) -> list[Call]:
    """The calls for one array, with what was made for them; ``rooms`` are shared by all."""
    if type(g) is Outer and type(x) is np.ndarray and g.alike(x):
        return _calls_of_products(x, g, rate, rooms)
    g = _fitted(x, g)
    if whole := scaled_step(x, rate, g):
        return [whole]
    if type(x) is np.ndarray is type(g) and x.ndim and x.size > _BLOCK:
        calls: list[Call] = []
        for rows, room in _blocks(x, rooms):
            calls.append(partial(np.multiply, g[rows], rate, room))
            calls.append(partial(np.subtract, x[rows], room, x[rows]))
        return calls
    if type(x) is not np.ndarray:
        return [partial(np.subtract, x, rate * g, x)]
    step = np.empty(x.shape, x.dtype)
    return [partial(np.multiply, g, rate, step), partial(np.subtract, x, step, x)]


def _fitted(x: Any, g: Any) -> Any:
    """The gradient of an array as an array of its shape and dtype."""
    if type(g) is not np.ndarray or g.dtype is not x.dtype or g.shape != x.shape:
        g = unbroadcast_and_cast(dense(g), (x.shape, x.dtype))
    return conj(g)


def _calls_of_products(x: Any, g: Outer, rate: float, rooms: dict[Any, Any]) -> list[Call]:
    """For rows of the product, each block of them made and subtracted while it is in the cache."""
    columns, others = conj(g.stacked_columns()), conj(g.stacked_rows())
    if x.size <= _BLOCK:
        step = np.empty(x.shape, x.dtype)
        return [
            partial(columns.dot, others, step),
            partial(np.multiply, step, rate, step),
            partial(np.subtract, x, step, x),
        ]
    calls: list[Call] = []
    for rows, room in _blocks(x, rooms):
        calls.append(partial(columns[rows].dot, others, room))
        calls.append(partial(np.multiply, room, rate, room))
        calls.append(partial(np.subtract, x[rows], room, x[rows]))
    return calls


def _blocks(x: Any, rooms: dict[Any, Any]) -> Iterator[tuple[slice, Any]]:
    """Blocks of an array along its first axis, and room for one of that shape."""
    height = max(1, _BLOCK * len(x) // max(1, x.size))
    items = min(height, len(x)) * (x.size // len(x))
    room = rooms.get(x.dtype)
    if room is None or room.size < items:
        rooms[x.dtype] = room = np.empty(items, x.dtype)
    room = room[:items].reshape(-1, *x.shape[1:])
    for start in range(0, len(x), height):
        yield slice(start, start + height), room[: len(x) - start]


def _apply_there(x: Any, g: Any, rate: float) -> None:
    """The step of an array on a device."""
    with on_device_of(x):
        x -= rate * _fitted(x, g)
