"""The tape: one reverse run, which records its operations.

The fourth noun, Wengert's list. A node is made after the nodes of its operands, so the list read
backwards is an order for the reverse sweep and nothing is ever sorted. Nodes refer to nodes, and
variables to nodes and to the tape, but nothing refers back to a variable: there are no cycles,
and what the user's function lets go of is freed at once.

Appending to a list is atomic, so threads inside one run may record on one tape.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import numpy as np

from gradx.core.check_cotangents import checked_leaves, expected_of
from gradx.core.cotangent import JOINT, STRUCTURAL, node_of, picked
from gradx.core.dispatch import (
    Form,
    Lifted,
    Run,
    Spec,
    apply,
    check_operand,
    has_variables,
    spec_of,
    variables_in,
)
from gradx.core.op import Op, fitting, like_of
from gradx.devices.device import Device
from gradx.devices.kernel_table import TABLES, check_lacking, rule_kernel
from gradx.devices.placement import PLACES, Place, PlacedNode, beside, device_at, meet
from gradx.errors import EscapedVarError, NotLiftedError, OpError
from gradx.ops.helpers import array_for, home_of
from gradx.reverse.opaque import opaque_class
from gradx.reverse.variables import ArrayVar, BVar, NumberVar, ScalarVar, plain
from gradx.surface.numbers import NumberSurface
from gradx.values.operations import Kind, ValueType, add, fold, parts_alone, registry, value_type

__all__ = ["InputNode", "Tape", "add_values", "commit", "record_unary"]

_NOTHING: Mapping[Any, Any] = MappingProxyType({})
_FAMILIAR = frozenset({float, int, bool, complex, np.ndarray, np.float64, np.float32, np.bool_})
"""Operands that need no look-up."""
_VARIABLES: Mapping[Form, Any] = MappingProxyType(
    {Form.NUMBER: NumberVar, Form.SCALAR: ScalarVar, Form.ARRAY: ArrayVar}
)


class InputNode:
    """The node of an input's leaf: it has no edges and is known by its identity."""

    __slots__ = ()


class Tape(Run):
    """The record of one run of a function.

    Attributes:
        level: orders nested runs; the higher one is the inner one.
        nodes: the nodes, after a first None which ends the sweep; None once the tape is closed.
        placed: whether some of the nodes are of operations on a device.
    """

    __slots__ = ("nodes", "placed")

    def __init__(self) -> None:
        super().__init__()
        self.nodes: list[Any] | None = [None]
        self.placed = False

    def process(self, op: Op, operands: Sequence[Any], params: dict[str, Any] | None) -> Any:
        """Do an op on the values of this run's variables, and record it."""
        if op.pullback_form:
            return _record_joint(self, op, operands)
        if len(operands) == 1 and isinstance(operands[0], NumberSurface) and not PLACES:
            return record_unary(op, operands[0], params)
        return _record(self, op, operands, params)

    def wrap(self, value: Any, spec: Spec) -> Any:
        """The variable of a value, which comes from no operation."""
        return _class_of(value, spec)._of(self, InputNode(), value)

    def lifter(self, nodes: list[InputNode]) -> Callable[[Any, Any], Any]:
        """The function that makes the variable of a leaf of an input.

        Args:
            nodes: gets the new node of each leaf.
        """
        new, append = object.__new__, nodes.append

        def lift(x: Any, spec: Any) -> Any:
            kind = type(x)
            if kind is float:
                v: Any = new(NumberVar)
            elif kind is np.ndarray:
                v = new(ArrayVar)
            else:
                v = new(_class_of(x, spec_of(x)))
            node = InputNode()
            append(node)
            v._run, v._node, v._value = self, node, x
            return v

        return lift

    def close(self) -> list[Any]:
        """End the recording; the nodes are handed over."""
        nodes, self.nodes = self.nodes, None
        return nodes or [None]

    def escaped(self, value: Any) -> EscapedVarError:
        """The error for the use of a variable after its run has ended."""
        return EscapedVarError(
            f"a variable that holds a {type(plain(value)).__name__} was used after run "
            f"{self.level}, which made it, had ended; return what you need from the differentiated "
            "function, or keep its plain value with gx.value(v)"
        )


def _class_of(x: Any, spec: Spec) -> Any:
    """The class of the variables of a value."""
    return _VARIABLES.get(spec.form) or opaque_class(spec.dtype)


def _record(run: Tape, op: Op, operands: Sequence[Any], params: dict[str, Any] | None) -> Any:
    """Do an op of the tables in a run: the general way."""
    xs: list[Any] = []
    targets: list[Any] = []
    outer = False
    for x in operands:
        target = None
        if isinstance(x, BVar):
            if not isinstance(x, NumberSurface):
                raise NotLiftedError(
                    f"{op.name} takes numbers and arrays, and was given a variable of a "
                    f"{type(plain(x)).__name__}; take one of its parts, or make an op of what you "
                    "need with @gx.lift"
                )
            if x._run is run:
                target, x = x._node, x._value
        elif type(x) in (list, tuple):
            x = array_for(x, home_of(operands))
        elif type(x) not in _FAMILIAR:
            check_operand(op.name, x)
        outer = outer or isinstance(x, Lifted)
        xs.append(x)
        targets.append(target)
    if outer:
        y = apply(op, xs, params)
    elif PLACES and (there := meet(op.name, xs)) is not None:
        return _record_placed(run, op, xs, targets, params, *there)
    else:
        y = op.forward(*xs) if params is None else op.forward(*xs, **params)
    edges: list[Any] = []
    for i, target in enumerate(targets):
        edge = None if target is None else op.edge(i, y, xs, params)
        if edge is not None:
            edges.append((target, *edge, fitting(op, xs[i], y)))
    if not edges:
        return y
    there = _place_under(xs) if outer and PLACES else None
    if there is None:
        return commit(run, node_of(edges), y)
    run.placed = True
    return commit(run, PlacedNode(edges, *there), y)


def _place_under(xs: Sequence[Any]) -> tuple[Place, Device] | None:
    """The device of the arrays in outer variables, with whose plain values rules compute too."""
    for x in map(plain, xs):
        place = PLACES.get(type(x))
        if place is not None:
            return place, place.device_of(x)
    return None


def _record_placed(
    run: Tape,
    op: Op,
    xs: list[Any],
    targets: list[Any],
    params: dict[str, Any] | None,
    place: Place,
    device: Device,
) -> Any:
    """An op on arrays of a device: done there, with the backend's stand-ins for its rules."""
    edges: list[Any] = []
    with place.on(device):
        try:
            y = op.forward(*xs) if params is None else op.forward(*xs, **params)
        except TypeError as error:
            check_lacking(op.name, home_of(xs), error, xs)
            raise
        table = next((TABLES[type(x)] for x in xs if type(x) in TABLES), _NOTHING)
        for i, target in enumerate(targets):
            edge = None if target is None else op.edge(i, y, xs, params)
            if edge is not None:
                pull, kept = edge
                like = fitting(op, xs[i], y)
                edges.append((target, rule_kernel(table, pull), kept, like))
    if not edges:
        return y
    run.placed = True
    return commit(run, PlacedNode(edges, place, device), y)


def record_unary(op: Op, v: Any, params: dict[str, Any] | None = None) -> Any:
    """`_record` specialised to one operand that is a variable of a number or array."""
    x: Any = v._value
    rule = op.rules[0]
    if isinstance(v._value, Lifted):
        y = apply(op, (x,), params)
    else:
        y = op.forward(x) if params is None else op.forward(x, **params)
    if params is not None or op.variadic or rule is None:
        edge = op.edge(0, y, (x,), params)
        if edge is None:
            return y
        pull, kept = edge
    else:
        pull, kept = rule.pull, rule.save(y, (x,))
    kind = type(y)
    if op.structured:
        like = fitting(op, x, y)
    elif kind is float or (kind is np.float64 and type(x) is float):
        like = None  # one operand is never repeated
    else:
        like = like_of(x, y, False)
    return commit(v._run, (v._node, pull, kept, like), y)


def commit(run: Tape, node: Any, y: Any) -> Any:
    """Append a node to a tape and hand out its variable, or a value of variables for a record."""
    nodes = run.nodes
    if nodes is None:
        raise run.escaped(y)
    nodes.append(node)
    kind = type(y)
    if kind is np.ndarray:
        return ArrayVar._of(run, node, y)
    if kind is np.float64:
        return ScalarVar._of(run, node, y)
    if kind is float:
        return NumberVar._of(run, node, y)
    if hasattr(y, "dtype") or isinstance(y, Lifted):
        return _class_of(y, spec_of(y))._of(run, node, y)
    spec = value_type(y, lambda: "the result of an op")
    if spec.children is not None and spec.fieldwise:
        return _commit_leaves(run, node, y)
    # A result is never dropped from the tape, even a static one.
    return _class_of(y, spec_of(y))._of(run, node, y)


def _commit_leaves(run: Tape, node: Any, y: Any) -> Any:
    """Hand out an op's result of several leaves: a value like it, each leaf a variable."""
    numbers = itertools.count()

    def leaf(x: Any, spec: ValueType, *_: Any) -> Any:
        if spec.kind is Kind.STATIC:
            return x
        edge = (node, picked, (y, next(numbers)), STRUCTURAL)
        return commit(run, edge, x)

    return fold(y, None, parts_alone, leaf, "the result")


def _record_joint(run: Tape, op: Op, operands: Sequence[Any]) -> Any:
    """A user's op: one pullback for all operands, whose cotangents are checked."""
    op.check_arity(operands)
    targets: list[Any] = []
    xs = [_without(run, x, targets) for x in operands]
    first = next((x for x in xs if type(x) in PLACES), None)
    with beside(first):
        y, pullback = op.call(xs)
    if any(v._run is run for v in variables_in(y)):
        raise OpError(
            f"the op {op.name} uses a variable of the run that it is done in, whose gradient would "
            "be lost; make it an operand, or pass gx.value(v)"
        )
    if any(map(has_variables, xs)):
        y = apply(op, xs)  # the outer run has its own record of the op
    kept = (op, pullback, [expected_of(x) for x in xs])
    likes = [None] * len(targets)  # the check has fitted them
    edge = (JOINT, checked_leaves, kept, (targets, likes))
    # The pullback works where its cotangent is, and that is where the result is.
    home = plain(y) if type(plain(y)) in PLACES else first
    device = device_at(home)
    if device is None:
        return commit(run, edge, y)
    run.placed = True
    return commit(run, PlacedNode([edge], PLACES[type(home)], device), y)


def _without(run: Tape, x: Any, targets: list[Any]) -> Any:
    """An operand without this run's variables; the nodes of its leaves are added to the targets."""
    if isinstance(x, BVar):
        mine = x._run is run
        targets.append(x._node if mine else None)
        return x._value if mine else x
    if registry.find(type(x)) is None:
        return x  # a constant of an unregistered type

    def leaf(v: Any, spec: ValueType, *_: Any) -> Any:
        if isinstance(v, BVar):
            return _without(run, v, targets)
        if spec.kind is not Kind.STATIC:
            targets.append(None)
        return v

    return fold(x, None, parts_alone, leaf, "an operand")


add_values = Op(
    "add_values", lambda x, y: (add(x, y), lambda g: (g, g)), pullback_form=True, arity=2
)
"""The sum of any two values of one type, as an op."""
