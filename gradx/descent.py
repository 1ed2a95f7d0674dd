"""Descent: a step of gradient descent in place, from the cotangents as the sweep leaves them.

``net - rate * gradient`` makes three networks: the gradient, the product and the result. `descend`
makes none. Each array of the parameters is changed where it is, and the cotangent of a matrix that
multiplied a vector, a pair of vectors, is applied without the matrix that it stands for.

Nothing is written before everything is known: the function has run, every leaf is found to be an
array that can be written, and no cotangent shares memory with a parameter.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, TypeVar

import numpy as np

from gradx.bvar import BVar
from gradx.cotangent import Fields, Structured, dense, fit, materialise
from gradx.errors import InPlaceError, NotDifferentiableError, UnregisteredTypeError
from gradx.gradient import check_scalar
from gradx.lifted import Lifted
from gradx.ops.helpers import conj
from gradx.ops.products import Outer
from gradx.ops.scaling import Multiple
from gradx.places import PLACES, beside
from gradx.rank_one import subtract_outer, subtract_scaled
from gradx.running import run_on
from gradx.sweeping import consuming
from gradx.value import Kind, ValueType, Where, children_of, one, value_type

__all__ = ["descend"]

P = TypeVar("P")
_BLOCK = 1 << 16
"""How many numbers of a matrix are made at a time: they stay in the processor's cache."""
_DEEP = 16
"""Records nested deeper than this are left to `materialise`, which does not recurse."""


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
        InPlaceError: a part of ``params`` cannot be changed in place, such as a Python number or a
            read-only array; names it, and says what to write instead.
        NonScalarError: the result is not one real number.

    After each of these, and after an error in ``f``, ``params`` is as it was before.

    >>> import numpy as np
    >>> weights = {"a": np.array([1.0, 2.0]), "b": np.array(3.0)}
    >>> float(descend(lambda w: np.sum(w["a"] ** 2) * w["b"], weights, 0.1))
    15.0
    >>> weights
    {'a': array([0.4, 0.8]), 'b': array(2.5)}
    """
    rate = float(rate)
    run = run_on(f, (params,), {})
    check_scalar(run.value, f)
    steps = _steps(params, run.cotangents(consuming(run.nodes), one(run.value))[0])
    value = _kept(run.value)
    for x, g in steps:
        if type(x) is np.ndarray:
            _apply(x, g, rate)
        else:
            with beside(x):
                _apply(x, g, rate)
    return value


def _kept(value: Any) -> Any:
    """A result that the step cannot change: it may be a parameter, or a view of one."""
    if isinstance(value, np.ndarray):
        return value.copy()
    if type(value) in PLACES and hasattr(value, "copy"):
        with beside(value):
            return value.copy()
    return value


Step = tuple[Any, Any]


def _steps(params: Any, g: Any) -> list[Step]:
    """The arrays of the parameters that move, each with its cotangent; all can be written."""
    steps: list[Step] = []
    try:
        gathered = type(g) is Fields and _gathered(params, g.parts, steps, 0)
    except (NotDifferentiableError, UnregisteredTypeError):  # `materialise` says where
        gathered = False
    if not gathered:
        steps.clear()
    if steps:
        return _all_apart(steps)

    def leaf(x: Any, spec: ValueType, g: Any, where: Where) -> Any:
        if spec.kind is not Kind.STATIC:
            _check_writable(x, g, where)
            if g is not None:
                steps.append((x, g))
        return x

    materialise(params, g, leaf, "params", rebuild=lambda template, *_: template)
    return _all_apart(steps)


def _gathered(x: Any, parts: dict[Any, Any], steps: list[Step], depth: int) -> bool:
    """The fast path: NumPy's arrays in shallow records. Whether there is nothing else."""
    spec = value_type(x)
    if depth > _DEEP or not spec.fieldwise:
        return False
    for key, child in children_of(x, spec):
        g = parts.get(key)
        if type(child) is np.ndarray and child.dtype.kind in "fc":
            if not child.flags.writeable or isinstance(g, (Lifted, Multiple, Fields)):
                return False
            if g is not None:
                steps.append((child, g))
        elif type(g) is Fields:
            if not _gathered(child, g.parts, steps, depth + 1):
                return False
        elif g is not None or value_type(child).kind is not Kind.STATIC:
            return False
    return True


def _all_apart(steps: list[Step]) -> list[Step]:
    plain = {id(x) for x, _ in steps if type(x) is np.ndarray and x.base is None}
    if len(plain) == len(steps):
        return [(x, g if _is_apart(g, plain) else _apart(g, plain)) for x, g in steps]
    owners = [_owner(x) for x, _ in steps]
    # Whose memory it is that another library lends cannot be told from the arrays.
    lent = any(not isinstance(o, np.ndarray) and type(o) not in PLACES for o in owners)
    known = None if lent else {id(o) for o in owners}
    return [(x, _apart(g, known)) for x, g in steps]


def _check_writable(x: Any, g: Any, where: Where) -> None:
    array = type(x) in PLACES or isinstance(x, np.ndarray)
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
    if isinstance(g, (Lifted, Multiple)):
        raise InPlaceError(
            f"the gradient of {where()} depends on variables of an outer function, whose own "
            "gradient a step in place would lose; write params - rate * gx.grad(f)(params) there"
        )


def _owner(x: Any) -> Any:
    """The object whose memory an array looks at."""
    while getattr(x, "base", None) is not None:
        x = x.base
    return x


def _is_apart(g: Any, owners: set[int]) -> bool:
    """Whether a cotangent is made of NumPy's arrays whose memory is not that of the owners."""
    if type(g) is Outer:
        return all([_is_apart(v, owners) for v in (*g.columns, *g.rows)])
    owner = _owner(g)
    return type(g) is type(owner) is np.ndarray and id(owner) not in owners


def _apart(g: Any, owners: set[int] | None) -> Any:
    """A cotangent that shares no memory with the parameters, whose owners are given if known.

    A rule may hand out an array of the forward run, such as another parameter, which would change
    under it while the parameters are written one after another.
    """
    if type(g) is Outer:
        return Outer([_apart(v, owners) for v in g.columns], [_apart(v, owners) for v in g.rows])
    if isinstance(g, Structured):
        return g.dense()
    owner = _owner(g)
    foreign = owners is None or type(owner) is not type(g)  # a buffer of another library
    return g.copy() if (foreign and hasattr(g, "copy")) or id(owner) in (owners or ()) else g


def _apply(x: Any, g: Any, rate: float) -> None:
    """``x -= rate * conj(g)``: the gradient is the conjugate of the cotangent."""
    if type(g) is Outer:
        if len(g.rows) == 1 and subtract_outer(x, rate, g.columns[0], g.rows[0]):
            return
        if type(x) is np.ndarray and g.alike(x):
            _apply_outer(x, g, rate)
            return
    if subtract_scaled(x, rate, g):
        return
    if type(g) is not np.ndarray or g.dtype is not x.dtype or g.shape != x.shape:
        g = fit(dense(g), (x.shape, x.dtype))
    g = conj(g)
    if type(x) is np.ndarray is type(g) and x.ndim and x.size > _BLOCK:
        for rows, block in _blocks(x):
            np.subtract(x[rows], np.multiply(g[rows], rate, out=block), out=x[rows])
    else:
        x -= rate * g


def _apply_outer(x: Any, g: Outer, rate: float) -> None:
    """Rows of the product, each block made and subtracted while it is in the cache."""
    columns, others = conj(g.stacked_columns()), conj(g.stacked_rows())
    if x.size <= _BLOCK:
        x -= rate * np.dot(columns, others)
        return
    for rows, block in _blocks(x):
        np.dot(columns[rows], others, out=block)
        np.subtract(x[rows], np.multiply(block, rate, out=block), out=x[rows])


def _blocks(x: Any) -> Iterator[tuple[slice, Any]]:
    """Blocks of an array along its first axis, and room for one of that shape."""
    height = max(1, _BLOCK * len(x) // max(1, x.size))
    room = np.empty((min(height, len(x)), *x.shape[1:]), x.dtype)
    for start in range(0, len(x), height):
        yield slice(start, start + height), room[: len(x) - start]
