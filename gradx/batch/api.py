"""`vmap`: a function of one example made into one of many, which does all of them at once."""

from __future__ import annotations

import functools
import operator
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from gradx.batch.mapping import (
    Leaf,
    Rows,
    batch_size,
    lifted_inputs,
    mapped_leaves,
    placed_results,
    rows_of,
)
from gradx.batch.randomness import Watch
from gradx.batch.run import BatchRun
from gradx.batch.values import OF_PLACES
from gradx.core.notes import NOTED, below, note_what_to_write
from gradx.core.watch import WATCH
from gradx.errors import StructureError

__all__ = ["vmap"]


def vmap(
    f: Callable[..., Any], in_axes: Any = 0, out_axes: Any = 0, *, chunk: int | None = None
) -> Callable[..., Any]:
    """A function of many examples, from a function of one.

    The function is called once, on values that stand for all examples, and each NumPy call in it is
    done for all of them at once. In it an array has the shape of one example: of the rows of a
    matrix a vector, of the items of a vector a NumPy scalar. Arrays of every dtype are mapped,
    labels and masks too. Records, tuples and dicts go in and come out as what they are.

    The value is that of a loop over the examples; sums and products may round otherwise, since
    NumPy adds up whole stacks in another order.

    Args:
        f: the function of one example; it may call `gx.grad` and other transforms, and `vmap`.
        in_axes: which axis of the inputs is that of the examples: an integer for all, None for what
            is the same for all examples, a tuple with one for each argument, each of which may be
            a value of the argument's structure (a dataclass, a dict…) with integers and None.
            Arguments by keyword have the examples along axis 0.
        out_axes: the same of the result. What does not depend on the examples is repeated, and
            stays as it is where it is None.
        chunk: so many examples are done at once at most, which bounds the memory.

    Returns:
        A function of inputs whose arrays have one more axis. Its result has the examples along an
        axis of each array.

    Raises:
        StructureError: (the function) leaves differ in their numbers of examples, or there are
            none, or an axis does not exist.
        NotDifferentiableError: (the function) a mapped leaf is of a type without axes, such as a
            `Fraction`.
        ConversionError: (the function) the program asks for one number, as in ``if v > 0``; write
            `np.where`.
        NotLiftedError: (the function) it draws random numbers.

    >>> import gradx as gx
    >>> vmap(lambda w, x: np.sum(w * x), in_axes=(None, 0))(np.array([1.0, 2.0]), np.eye(2))
    array([1., 2.])
    >>> loss = lambda w, x, y: (w @ x - y) ** 2
    >>> per_example = vmap(gx.grad(loss), in_axes=(None, 0, 0))
    >>> per_example(np.array([1.0, 2.0]), np.array([[1.0, 0.0], [0.0, 1.0]]), np.array([0.0, 1.0]))
    array([[2., 0.],
           [0., 2.]])
    """
    if chunk is not None and operator.index(chunk) < 1:
        raise StructureError(f"chunk is {chunk}; give the number of examples at once, at least 1")

    @functools.wraps(f)
    def mapped(*args: Any, **kwargs: Any) -> Any:
        axes = (*_per_argument(in_axes, len(args)), *[0] * len(kwargs))
        inputs = (*args, *kwargs.values())
        names = [*(f"argument {i}" for i in range(len(args))), *kwargs]

        def taken_apart(paths: list[str] | None = None) -> list[Leaf]:
            triples = zip(inputs, axes, names, strict=True)
            return [leaf for each in triples for leaf in mapped_leaves(*each, paths)]

        def paths() -> list[str]:
            found: list[str] = []
            taken_apart(found)
            return found

        leaves = taken_apart()
        size = batch_size(leaves, paths)
        watch = Watch(f, inputs)
        step = size if chunk is None else chunk
        rows: list[list[Rows]] = []
        result: Any = None

        def done(start: int) -> tuple[Any, list[Rows]]:
            some = leaves if step >= size else [_some(x, start, start + step) for x in leaves]
            return _run(f, inputs, names, some, min(step, size - start), [*kwargs])

        for start in range(0, size, step):
            result, found = done(start)
            rows.append(found)
        watch.check()
        watch.check_again([x.value for x in rows[0]], lambda: [x.value for x in done(0)[1]])
        own = [leaf.value for leaf in leaves if type(leaf.value) is np.ndarray]
        return placed_results(result, rows, out_axes, own)

    return mapped


def _per_argument(in_axes: Any, count: int) -> Sequence[Any]:
    """The axes of each positional argument.

    Raises:
        StructureError: there are more or fewer than arguments.
    """
    if in_axes is None or type(in_axes) is int:
        return [in_axes] * count
    if type(in_axes) not in (tuple, list) or len(in_axes) != count:
        raise StructureError(
            f"in_axes is {in_axes!r}, and the function was called with {count} positional "
            "arguments; give an integer, None, or a tuple with one for each"
        )
    return in_axes  # type: ignore[no-any-return]


def _some(leaf: Leaf, start: int, stop: int) -> Leaf:
    return Leaf(leaf.value[start:stop], True) if leaf.mapped else leaf


def _run(
    f: Callable[..., Any],
    inputs: Sequence[Any],
    names: Sequence[str],
    leaves: Sequence[Leaf],
    size: int,
    keys: Sequence[str],
) -> tuple[Any, list[Rows]]:
    """The result of a function on some examples, and its leaves."""
    watch = WATCH.get()
    run = (None if watch is None else watch.batch(size)) or BatchRun(size)
    try:
        lifting, lifted = lifted_inputs(run, inputs, names, leaves)
        n = len(lifted) - len(keys)
        try:
            result = f(*lifted[:n], **dict(zip(keys, lifted[n:], strict=True)))
            rows = rows_of(run, result)
        except Exception:
            lifting.check_aliases()  # the reason, if there is such a change
            raise
        lifting.check_aliases()
        return rows
    except NOTED as error:
        if isinstance(error, IndexError) and "only integers" in str(error):
            # NumPy's, of what a batched value says in vain.
            error.add_note(f"gradx: {OF_PLACES}")
        note_what_to_write(error, below(error))
        raise
    finally:
        run.close()
