"""Writing into the variables of a reverse run.

A variable of an array is a handle. A write makes a node of the op `gradx.ops.assignment.put`, and
the handle moves on to it; views of the array follow (`gradx.reverse.variables.ViewVar`). The first
write copies the array, so that the caller's arrays, and what rules keep, stay as they are. From
then on the array is the run's own and is written into in place; a rule that keeps such an array
keeps a copy.

A variable of a lower run that gets an item of this one goes up to this run. When the run ends it
goes back, to what the plain program has in it.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from gradx.core.assignment import path_to, root_of
from gradx.core.cotangent import KEEPS_STRUCTURE
from gradx.core.dispatch import Lifted, static_fields
from gradx.core.linear import passed
from gradx.core.op import cotangent_spec, own_parameter
from gradx.core.spec import shape_of
from gradx.core.watch import tell
from gradx.errors import AliasError, AssignmentError
from gradx.ops.assignment import (
    axes_by_memory,
    cleared,
    layout_copy,
    lifted_places,
    overlaps_itself,
    part,
    put,
    region,
    write_anew,
)
from gradx.reverse.constants import is_constant, restore
from gradx.reverse.variables import ArrayVar, BVar, InputNode, WrittenVar
from gradx.values.operations import ValueType, Where, fold, parts_alone

__all__ = [
    "check_unshared",
    "check_variable",
    "check_writable",
    "let_go",
    "made_in",
    "same_layout",
    "write",
]


def write(run: Any, target: Any, index: Any, item: Any, fresh: bool) -> None:
    """Write items into a variable of an array; see `gradx.core.dispatch.Run.write`.

    Raises:
        AssignmentError: the array is of a run of another kind.
        AliasError: the inputs reach the array by two paths, or an op of a user's returned it.
        ValueError: NumPy's own.
    """
    root = root_of(target)
    if run.nodes is None:
        raise run.escaped(root)
    check_variable(root)
    check_unshared(run, root)
    x = root._value
    mine = isinstance(item, BVar) and item._run is run
    b = item._value if mine else item
    if not root._live:
        check_writable(root, x, isinstance(root._node, InputNode))
    path = path_to(target)
    anew = root._run is not run or type(x) is not np.ndarray or isinstance(b, Lifted)
    if anew or lifted_places(path, index):
        if root._run is not run and not made_in(root, run):
            run.raised = [*(run.raised or ()), (root, root._run)]
        write_anew(target, index, item)
    elif fresh and root is target and type(item) is ArrayVar and same_layout(b, x):
        root._become(item)
    else:
        _put_in_place(run, root, path, index, item if mine else None, b)


def check_variable(root: Any) -> None:
    """Refuse an array that is no variable, of which there is one in a mapped function, say.

    Raises:
        AssignmentError: it is none.
    """
    if not isinstance(root, BVar):
        raise AssignmentError(
            f"{root!r} is no variable of a differentiated function, and one is written into it; "
            "make the array with np.zeros_like(v) of such a variable, or build it with np.stack, "
            "np.where or np.concatenate"
        )


def same_layout(y: Any, x: Any) -> bool:
    """Whether an array may take the place of another in memory."""
    return (
        type(y) is np.ndarray
        and y.dtype == x.dtype
        and y.shape == x.shape
        and y.strides == x.strides
        and bool(x.flags.writeable)
    )


def made_in(root: Any, run: Any) -> bool:
    """Whether an array of level 0 was made in a run, so that it ends with that."""
    return is_constant(root) and root._node.made_at > run.level


def _put_in_place(run: Any, root: Any, path: Any, index: Any, item: Any, b: Any) -> None:
    """Write into the array that the run owns, of which it makes a copy at first."""
    x = buffer = root._value
    if not root._live:
        tell("copy", f"the first write into an array of shape {x.shape} copies all of it")
        buffer = layout_copy(x)
    shown = part(buffer, path)
    shown[index] = b
    index = own_parameter(index)
    axes = axes_by_memory(x)
    node: Any
    if index is Ellipsis and not path:  # nothing of what was there is left
        spec = cotangent_spec(b, buffer, True)
        node = InputNode() if item is None else (item._node, passed, (), spec, put)
    else:
        node = (root._node, cleared, (x.shape, path, index, axes), KEEPS_STRUCTURE, put)
        if item is not None:
            spec = (shape_of(b), getattr(b, "dtype", complex if type(b) is complex else float))
            node = (item._node, region, (path, index, axes, spec), KEEPS_STRUCTURE, put, *node)
    if type(node) is not InputNode:
        run.append(node, buffer, (x, b))
    root._hold(WrittenVar, run, node, buffer)


def check_unshared(run: Any, root: Any) -> None:
    """Refuse a write into an array that an op of a user's returned, or a part of it.

    Raises:
        AliasError: it is one, or shares memory with it.
    """
    own = run.shared if root._run is run else [*run.shared, *getattr(root._run, "shared", ())]
    if own and any(root is array for array in own):
        raise AliasError(
            "an op of @gx.lift returned its operand, or a part of it, and the function writes into "
            "one of the two; the plain function would show the change in the other: let the op "
            "return a copy, np.copy(x), or write into a copy"
        )


def check_writable(root: Any, x: Any, perhaps_input: bool) -> None:
    """Refuse the first write into an array if the plain program would, or would show it elsewhere.

    Args:
        root: the handle of the array.
        x: what it holds.
        perhaps_input: it may be an input, or a part of one.

    Raises:
        ValueError: NumPy's own.
        AliasError: another input shares the memory, or another item of the input does.
    """
    flags = getattr(x, "flags", None)
    if flags is not None and not getattr(flags, "writeable", True):
        raise ValueError("assignment destination is read-only")
    run = root._run
    outer = next((own for kept, own in getattr(run, "kept", ()) if kept is x), None)
    plain = type(x) is np.ndarray and (perhaps_input or x.base is not None)
    if (outer is None and not plain) or run.inputs is None:
        return
    inputs, names = run.inputs
    paths: list[str] = []

    def leaf(y: Any, spec: ValueType, _: Any, where: Where) -> Any:
        if type(y) is np.ndarray:
            shared = outer is None and np.may_share_memory(y, x)
        else:
            shared = isinstance(y, Lifted) and root_of(y) is root_of(outer)
        if shared:
            paths.append(where())
        return y

    def parts(value: Any, spec: ValueType, context: Any) -> Any:
        for name, field in static_fields(value, spec):
            leaf(field, spec, None, partial("the static field {!r}".format, name))
        return parts_alone(value, spec, context)

    for value, name in zip(inputs, names, strict=True):
        fold(value, None, parts, leaf, name, rebuild=lambda *_: None)
    if len(paths) > 1:
        raise AliasError(
            f"{' and '.join(paths)} share memory, and the function writes into one of them; the "
            "plain function would show the change in the other, while gradients go by path: pass "
            "a copy at each path, or write into a copy, np.copy(v)"
        )
    if paths and outer is None and overlaps_itself(x):
        raise AliasError(
            f"items of {paths[0]} share memory, as np.lib.stride_tricks.as_strided makes them, and "
            "the function writes into it; the plain function would change several items at once, "
            "while each has a gradient: pass a copy, or write into a copy, np.copy(v)"
        )


def let_go(v: Any, run: Any, home: Any) -> None:
    """Take a variable of a lower run back to what it holds there, when this run has ended.

    Args:
        v: the variable.
        run: this run.
        home: the run that it was of. What was written may be of a run between the two, which
            lets go of it in its turn.
    """
    while v._run is run:
        below = v._value
        if isinstance(below, BVar):
            v._become(below)
        else:
            restore(v, below)
    between = v._run
    if between.level > home.level:
        between.raised = [*(between.raised or ()), (v, home)]
