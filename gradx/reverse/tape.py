"""The tape: one reverse run, which records its operations.

The fourth noun, Wengert's list. A node is made after the nodes of its operands, so the list read
backwards is an order for the reverse sweep and nothing is ever sorted. Nodes refer to nodes, and
variables to nodes and to the tape, but nothing refers back to a variable: there are no cycles,
and what the user's function lets go of is freed at once.

Appending to a list is atomic, so threads inside one run may record on one tape.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from types import MappingProxyType
from typing import Any

import numpy as np

from gradx.core.check_cotangents import checked_leaves
from gradx.core.cotangent import KEEPS_STRUCTURE, SHARED_PULLBACK, edges_of, node_of, picked
from gradx.core.dispatch import (
    Form,
    Lifted,
    Run,
    Spec,
    apply,
    check_operand,
    next_level,
    spec_of,
)
from gradx.core.objects import OBJECT
from gradx.core.op import Op, cotangent_spec, fitting, register_ops
from gradx.core.properties import Property
from gradx.core.refusals import of_whole_numbers
from gradx.core.spec import primal
from gradx.core.views import is_view
from gradx.devices.device import Device
from gradx.devices.kernel_table import check_lacking, rule_kernel
from gradx.devices.placement import (
    PLACES,
    Place,
    PlacedNode,
    common_device,
    on_device_of,
)
from gradx.errors import EscapedVarError, NotDifferentiableError, NotLiftedError
from gradx.native import native
from gradx.ops.helpers import array_for, first_device_array
from gradx.reverse.constants import is_constant, stripped
from gradx.reverse.linkage import (
    done_below,
    is_linked,
    operands_below,
    own_copy,
    refuse_own,
    shared_arrays,
    table_of,
)
from gradx.reverse.opaque import join, opaque_class
from gradx.reverse.variables import ArrayVar, BVar, InputNode, NumberVar, ScalarVar, view_of
from gradx.reverse.writing import let_go, write
from gradx.surface.arrays import ArraySurface
from gradx.surface.numbers import NumberSurface
from gradx.values.operations import (
    ValueType,
    fold,
    leaves_of,
    parts_alone,
    registry,
    value_type,
)

__all__ = [
    "InputNode",
    "ObjectArrayMetError",
    "Tape",
    "commit",
    "is_linked",
    "record_done",
    "record_unary",
]

_NOTHING: Mapping[Any, Any] = MappingProxyType({})
_FAMILIAR = frozenset({float, int, bool, complex, np.ndarray, np.float64, np.float32, np.bool_})
"""Operands that need no look-up."""
_VARIABLES: Mapping[Form, Any] = MappingProxyType(
    {Form.NUMBER: NumberVar, Form.SCALAR: ScalarVar, Form.ARRAY: ArrayVar}
)

_OF_PLAIN: Mapping[type, Any] = MappingProxyType(
    {float: NumberVar, np.float64: ScalarVar, np.ndarray: ArrayVar}
)


class ObjectArrayMetError(NotDifferentiableError):
    """An input has an object array of outer runs' variables, which are to be joined first."""


class Tape(Run):
    """The record of one run of a function.

    Attributes:
        level: orders nested runs; the higher one is the inner one.
        nodes: the nodes, after a first None which ends the sweep; None once the tape is closed.
        placed: whether some of the nodes are of operations on a device.
        inputs: the plain inputs and their names, if the run has any.
        raised: the variables of lower runs that were written into, each with its run before.
        capture: called with operands, which may move here (`gradx.reverse.blocks`), or None.
        shared: arrays that ops of users returned, or parts of them, with what they returned.
        kept: for each outer variable among the inputs what the run has of it, and itself.
    """

    __slots__ = ("capture", "inputs", "kept", "nodes", "placed", "raised", "shared")

    def __init__(self) -> None:
        self.level = next_level()
        self.nodes: list[Any] | None = [None]
        self.placed = False
        self.capture: Any = None
        self.inputs: tuple[Any, Any] | None = None
        self.raised: list[tuple[Any, Any]] | None = None
        self.kept: list[tuple[Any, Any]] = []
        self.shared: list[Any] = []

    def append(self, node: Any, y: Any, operands: Sequence[Any] = (), params: Any = None) -> None:
        """Put a node on the tape; the result and the operands are as the next lower run has them.

        Raises:
            EscapedVarError: the run has ended.
        """
        if self.nodes is None:
            raise self.escaped(y)
        self.nodes.append(node)

    def sweep(self, engine: Callable[..., Any], nodes: Iterable[Any], known: dict[int, Any]) -> Any:
        """Pull the cotangents of the outputs back to the inputs, by one of the engines."""
        return engine(nodes, known)

    def process(self, op: Op, operands: Sequence[Any], params: dict[str, Any] | None) -> Any:
        """Do an op on the values of this run's variables, and record it.

        It is done on the device of its operands, whatever runs their values are variables of; so
        is the work of its node in the sweep.
        """
        if self.capture is not None:
            self.capture(operands)
        if op.pullback_form:
            return _record_joint(self, op, operands)
        there = common_device(op.name, map(primal, operands)) if PLACES else None
        if there is not None:
            place, device = there
            with place.on(device):
                return _record(self, op, operands, params, there)
        if len(operands) == 1 and isinstance(operands[0], NumberSurface):
            return record_unary(op, operands[0], params)
        return _record(self, op, operands, params)

    def write(self, target: Any, index: Any, item: Any, fresh: bool = False) -> None:
        """Write items into an array: in place, where the run has a copy of its own."""
        if self.capture is not None:
            self.capture((target, item))
        write(self, target, index, item, fresh)

    def wrap(self, value: Any, spec: Spec | None = None, node: Any = None) -> Any:
        """The variable of a value: the one way in which a variable is made.

        Args:
            value: the value, as the next lower run has it.
            spec: its spec, if that is known.
            node: the node that it comes from; by default a new one of no operation, an input's.
        """
        kind = type(value)
        cls: Any = _OF_PLAIN.get(kind)
        if cls is None and is_constant(value):
            return self.wrap(stripped(value), spec, node)
        if cls is None and issubclass(kind, ArraySurface):
            cls = ArrayVar
        if cls is None:
            if issubclass(kind, np.ndarray):
                value_type(value)  # refuses masked arrays and matrices, which an operation may give
            cls = _class_of(spec_of(value) if spec is None else spec)
        v = _new(cls)
        v._run, v._value = self, value
        v._node = InputNode() if node is None else node
        return v

    def lifter(self, nodes: list[InputNode]) -> Callable[[Any, Any], Any]:
        """`wrap` for the leaves of inputs, of which there may be a million, without its questions.

        Args:
            nodes: gets the new node of each leaf.
        """
        if native is None:
            return partial(_lifted, self, nodes)
        return partial(native.lifted, self, nodes, _lifted)

    def keep(self, x: Any) -> Any:
        """An outer variable as it is now, which stays so whatever is written into it later."""
        kept = x._frozen()
        if kept is not x:
            self.kept.append((kept, x))
        return kept

    def close(self) -> list[Any]:
        """End the recording; the nodes are handed over."""
        nodes, self.nodes = self.nodes, None
        self.shared = []
        for v, home in self.raised or ():
            let_go(v, self, home)
        return nodes or [None]

    def escaped(self, value: Any) -> EscapedVarError:
        """The error for the use of a variable after its run has ended."""
        return EscapedVarError(
            f"a variable that holds a {type(primal(value)).__name__} was used after run "
            f"{self.level}, which made it, had ended; return what you need from the differentiated "
            "function, or keep its plain value with gx.value(v)"
        )


_new: Any = object.__new__


def _class_of(spec: Spec) -> Any:
    """The class of the variables of a value."""
    return _VARIABLES.get(spec.form) or opaque_class(spec.dtype)


def _lifted(run: Tape, nodes: list[InputNode], x: Any, spec: Any) -> Any:
    """The variable of a leaf of an input."""
    kind = type(x)
    if kind is float:
        v: Any = _new(NumberVar)
    elif kind is np.ndarray:
        if x.dtype is OBJECT:
            raise ObjectArrayMetError(
                "an array of objects that holds variables cannot be lifted; join them with np.stack"
            )
        v = _new(ArrayVar)
    else:
        if isinstance(x, Lifted):
            x = run.keep(x)
        elif not spec.numeric:
            x = join(x, f"a {kind.__name__} in the input")  # perhaps of outer variables
        v = run.wrap(x)
        nodes.append(v._node)
        return v
    v._run, v._node, v._value = run, InputNode(), x
    nodes.append(v._node)
    return v


def _record(
    run: Tape,
    op: Op,
    operands: Sequence[Any],
    params: dict[str, Any] | None,
    there: tuple[Place, Device] | None = None,
) -> Any:
    """Do an op of the tables in a run: the general way.

    Args:
        run: the run.
        op: the op.
        operands: its operands.
        params: its static parameters.
        there: the device that they are on, which is the current one; None for the host.
    """
    xs: list[Any] = []
    targets: list[Any] = []
    outer = False
    written: list[Any] = []  # arrays into which the run writes
    for x in operands:
        target = None
        if isinstance(x, BVar):
            if not isinstance(x, NumberSurface):
                raise NotLiftedError(
                    f"{op.name} takes numbers and arrays, and was given a variable of a "
                    f"{type(primal(x)).__name__}; take one of its parts, or make an op of what you "
                    "need with @gx.lift"
                )
            if x._run is run:
                live, target, x = x._live, x._node, x._value
                if live:
                    written.append(x)
            else:
                x = x._frozen()
        elif type(x) in (list, tuple):
            x = array_for(x, first_device_array(operands))
        elif type(x) not in _FAMILIAR:
            check_operand(op.name, x)
        outer = outer or isinstance(x, Lifted)
        xs.append(x)
        targets.append(target)
    if outer:  # a run below may keep what this one writes into
        y = apply(op, [own_copy(x, op, written) for x in xs] if written else xs, params)
    else:
        try:
            y = op.forward(*xs) if params is None else op.forward(*xs, **params)
        except TypeError as error:
            if there is not None:
                check_lacking(op.name, first_device_array(xs), error, xs)
            raise
    view = len(xs) == 1 and is_linked(op, xs[0], y)
    if view and y is xs[0]:
        return operands[0]
    table = _NOTHING if outer or there is None else table_of(xs)
    edges: list[Any] = []
    for i, target in enumerate(targets):
        edge = None if target is None else op.edge(i, y, xs, params)
        if edge is not None:
            pull, residuals = edge
            pull = rule_kernel(table, pull) if table else pull
            if written:
                residuals = tuple([own_copy(x, op, written) for x in residuals])
            edges.append((target, pull, residuals, fitting(op, xs[i], y), op))
    if not edges:
        return y
    viewed = partial(view_of, operands[0], op, params) if view else None
    return _commit_at(run, edges, there, y, xs, params, viewed)


def _commit_at(
    run: Tape,
    edges: list[Any],
    there: tuple[Place, Device] | None,
    y: Any,
    xs: Sequence[Any],
    params: dict[str, Any] | None = None,
    viewed: Callable[[Any, Any], Any] | None = None,
) -> Any:
    """As `commit`, of the node whose work is done on a device, or on the host.

    Args:
        run: the run.
        edges: those of the node.
        there: the device; None for the host.
        y: the result.
        xs: the operands.
        params: the op's static parameters.
        viewed: makes the variable of a view from its node and its value.
    """
    node: Any = node_of(edges)
    if there is not None:
        run.placed = True
        node = PlacedNode(edges, *there)
    if viewed is None:
        return commit(run, node, y, *xs, params=params)
    run.append(node, y, xs, params)
    return viewed(node, y)


def record_unary(op: Op, v: Any, params: dict[str, Any] | None = None) -> Any:
    """`_record` specialised to one operand that is a variable of a number or array."""
    run, x = v._run, v._value
    if isinstance(x, Lifted):
        y = apply(op, (x,), params)
        view = is_linked(op, x, y)
    else:
        y = op.forward(x) if params is None else op.forward(x, **params)
        near = (y is x or y.base is not None) if type(y) is np.ndarray else is_view(y)
        view = near and is_linked(op, x, y)
    if view and y is x:
        return v
    rule = op.rules[0]
    if params is not None or op.variadic or rule is None:
        edge = op.edge(0, y, (x,), params)
        if edge is None:
            return y
        pull, residuals = edge
    else:
        pull, residuals = rule.pull, rule.save(y, (x,))
    if v._live:
        residuals = tuple([own_copy(kept, op, [x]) for kept in residuals])
    kind = type(y)
    of_one = kind is float or (kind is np.float64 and type(x) is float)
    if of_one and op.structured != 2:
        spec = None  # one operand is never repeated
    elif op.structured:
        spec = fitting(op, x, y)
    else:
        spec = cotangent_spec(x, y, False)
    node = (v._node, pull, residuals, spec, op)
    if not view:
        return commit(run, node, y, x, params=params)
    run.append(node, y, (x,), params)
    return view_of(v, op, params, node, y)


def commit(run: Tape, node: Any, y: Any, *operands: Any, params: Any = None) -> Any:
    """Append a node to a tape and hand out its variable, or a value of variables for a record."""
    run.append(node, y, operands, params)
    cls = _OF_PLAIN.get(type(y))
    if cls is not None:  # as `Tape.wrap`: the benchmark rows "debug W6" pay for it
        v = _new(cls)
        v._run, v._value, v._node = run, y, node
        return v
    if type(y) in _FAMILIAR or hasattr(y, "dtype") or isinstance(y, Lifted):
        return run.wrap(y, None, node)
    spec = value_type(y, lambda: "the result of an op")
    if spec.children is not None and spec.fieldwise:
        return _commit_leaves(run, node, y)
    # A result is never dropped from the tape, even a static one.
    return run.wrap(y, node=node)


def _commit_leaves(run: Tape, node: Any, y: Any) -> Any:
    """Hand out an op's result of several leaves: a value like it, each leaf a variable."""
    numbers = itertools.count()

    def leaf(x: Any, spec: ValueType, *_: Any) -> Any:
        if spec.static:
            return x
        edge = (node, picked, (y, next(numbers)), KEEPS_STRUCTURE, leaf_of)
        return commit(run, edge, x, y, params={"number": edge[2][1]})

    result = fold(y, None, parts_alone, leaf, "the result")
    op = edges_of(node)[0][4]
    if not op.pullback_form and next(numbers) == 0:
        raise of_whole_numbers(op)
    return result


def _record_joint(run: Tape, op: Op, operands: Sequence[Any]) -> Any:
    """A user's op: one pullback for all operands, whose cotangents are checked."""
    op.check_arity(operands)
    found: list[Any] = []
    xs, expected = operands_below(run, operands, found, op)
    targets = [None if v is None else v._node for v in found]
    home = _home_among(xs) if PLACES else None
    with on_device_of(home):
        y, pullback = done_below(run, op, xs)
    return _commit_joint(run, op, operands, (xs, targets, expected), (y, pullback), home)


def _commit_joint(
    run: Tape, op: Op, operands: Sequence[Any], given: tuple[Any, ...], pair: Any, home: Any = None
) -> Any:
    """Record a user's op that was done.

    Args:
        run: the run.
        op: the op.
        operands: its operands, with variables of the run in them.
        given: the operands as they are below the run, the node of each leaf of them or None, and
            what the checks of their cotangents need.
        pair: what the op gave: the result, as the next lower run has it, and the pullback.
        home: the first array on a device among the operands.
    """
    (xs, targets, expected), (y, pullback) = given, pair
    specs = [None] * len(targets)  # the check has fitted them
    residuals = (op, pullback, expected, targets)
    edge = (SHARED_PULLBACK, checked_leaves, residuals, (targets, specs), op)
    # The pullback works where its cotangent is, and that is where the result is.
    there = common_device(op.name, [_home_among([y], home)]) if PLACES else None
    v = _commit_at(run, [edge], there, y, xs)
    run.shared += shared_arrays(y, v, xs, operands)
    return v


def record_done(
    run: Tape, op: Op, operands: Sequence[Any], given: tuple[Any, ...], pair: Any
) -> Any:
    """Record a user's op that was done on plain values below a run; see `_commit_joint`."""
    refuse_own(run, op, pair[0])
    return _commit_joint(run, op, operands, given, pair)


if native is not None:
    native.use(record_done=record_done, lifted_in_general=_lifted, close=Tape.close)
    native.use(ObjectArrayMetError=ObjectArrayMetError, next_level=next_level)


def _home_among(xs: Sequence[Any], otherwise: Any = None) -> Any:
    """The first array on a device among the leaves of values."""
    for x in xs:
        leaves = (x,) if registry.find(type(x)) is None else leaves_of(x)
        for leaf in map(primal, leaves):
            if type(leaf) in PLACES:
                return leaf
    return otherwise


leaf_of = Op(
    "leaf",
    lambda x, *, number: leaves_of(x)[number],
    lambda g, x, *, number: picked(g, x, number),
    structured=2,
    properties=Property.LINEAR | Property.STRUCTURAL,
)
"""A leaf of a value of several, which an op returned."""

register_ops((leaf_of,))
