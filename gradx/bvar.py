"""BVars: the handle that a differentiated function works on.

The third noun. A `BVar` holds a value, the tape of its run and the node it comes from. It is only
a handle: the node knows nothing of it. The kind for numbers and arrays is in `gradx.arrays`, the
kinds for records and containers are in `gradx.structures`; what all have in common is here: how
an op is recorded, and what must not happen in silence.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, ClassVar, NoReturn

import numpy as np

from gradx.checks import checked_pullback, expected_of
from gradx.cotangent import JOINT, node_of
from gradx.device import Device
from gradx.errors import (
    AssignmentError,
    ConversionError,
    NotLiftedAttributeError,
    NotLiftedError,
    OpError,
)
from gradx.kernels import TABLES, check_lacking, rule_kernel
from gradx.lifted import Lifted, apply, check_operand
from gradx.op import Op, fitting, like_of
from gradx.ops.helpers import array_for, home_of
from gradx.places import PLACES, Place, PlacedNode, beside, device_at, meet
from gradx.tape import Tape
from gradx.value import Kind, Where, add, value_type

__all__ = ["BVar", "OpaqueVar", "add_values", "commit", "plain", "record", "wrap"]

_new: Any = object.__new__
_NOTHING: Mapping[Any, Any] = MappingProxyType({})
_FAMILIAR = frozenset({float, int, bool, complex, np.ndarray, np.float64, np.float32, np.bool_})
"""Operands that need no look-up."""
_ARRAY_LIKE = (float, complex, np.ndarray, np.generic, Lifted)
_kinds: dict[Kind | str, Any] = {}
"""The class of variable for each kind of value; the classes enter themselves.

The one under ``"placed"`` is that of arrays on a device, and the one under ``"number"`` that of
numbers and arrays that are neither Python's nor NumPy's."""


class BVar(Lifted):
    """A value inside a differentiated function; what is done with it is recorded.

    Comparisons look at the value and record nothing. What would lose the gradient in silence
    (``float(v)``, ``np.asarray(v)``, ``v[i] = x``) raises and says what to write.
    """

    __slots__ = ("_node", "_value")
    _node: Any
    _value: Any
    _numeric: ClassVar[bool] = False

    def _as_array(self, name: str) -> Any:
        """This variable as an operand of an op on arrays."""
        held = type(plain(self)).__name__
        raise NotLiftedError(
            f"{name} takes numbers and arrays, and was given a variable of a {held}; take one of "
            f"its parts, or make an op of what you need with @gx.lift"
        )

    def __init_subclass__(cls, kind: Kind | str | None = None) -> None:
        if kind is not None:
            _kinds[kind] = cls

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        raise TypeError(
            "a BVar is made by a run; write gx.backprop(f, x) and f is called with variables, or "
            "use the plain value, which every lifted function takes as a constant (the class of "
            "a variable's record is type(gx.split(v)), not type(v))"
        )

    @classmethod
    def _of(cls, run: Tape, node: Any, held: Any) -> Any:
        """The one way a variable is made."""
        v = _new(cls)
        v._run, v._node, v._value = run, node, held
        return v

    @classmethod
    def _process(
        cls, run: Tape, op: Op, operands: Sequence[Any], params: dict[str, Any] | None
    ) -> Any:
        if len(operands) == 1 and operands[0]._numeric and not op.pullback_form:
            return record_unary(op, operands[0], params)
        return record(run, op, operands, params)

    # What must not happen in silence.

    def _refuse_number(self, call: str) -> NoReturn:
        plain_call = call.replace("v", "gx.value(v)", 1)
        raise ConversionError(
            f"{call} would drop the gradient of {self!r}; use the lifted function (np.sin, not "
            f"math.sin), build arrays with np.stack or np.where (not buf[i] = v), or write "
            f"{plain_call} if the gradient is not wanted"
        )

    def __float__(self) -> float:
        self._refuse_number("float(v)")

    def __int__(self) -> int:
        self._refuse_number("int(v)")

    def __complex__(self) -> complex:
        self._refuse_number("complex(v)")

    def __index__(self) -> int:
        raise ConversionError(
            f"{self!r} cannot be used as an index or a count, which has no gradient; write "
            "gx.value(v), or make it static with gx.static() in its record"
        )

    def __reduce_ex__(self, protocol: Any) -> NoReturn:
        raise ConversionError(
            f"{self!r} cannot be pickled, since it belongs to a run of this process; pickle "
            "gx.value(v)"
        )

    def __setitem__(self, key: Any, item: Any) -> None:
        raise AssignmentError(
            f"an item of {self!r} cannot be assigned to, since a variable does not change; write "
            "np.where(mask, new, v) or np.concatenate for arrays, gx.set(lens, new, v) for records"
        )

    def __delitem__(self, key: Any) -> None:
        raise AssignmentError(
            f"an item of {self!r} cannot be deleted, since a variable does not change; write "
            "np.delete(v, i) for arrays, or build a new container without it"
        )

    def __copy__(self) -> Any:
        return wrap(self._run, self._node, self._value)

    def __deepcopy__(self, memo: Any) -> Any:
        return self.__copy__()

    def __repr__(self) -> str:
        text = repr(self._value)
        return f"BVar({text if len(text) <= 200 else text[:197] + '...'})"

    def __format__(self, spec: str) -> str:
        return format(plain(self), spec) if spec else repr(self)

    def __bool__(self) -> bool:
        return bool(self._value)

    def __len__(self) -> int:
        return len(self._value)

    __hash__ = None  # type: ignore[assignment]


def record(run: Tape, op: Op, operands: Sequence[Any], params: dict[str, Any] | None) -> Any:
    """Do an op in a run, on any operands: the general way."""
    xs: list[Any] = []
    targets: list[Any] = []
    arrays, outer = not op.pullback_form, False
    for x in operands:
        target = None
        if isinstance(x, BVar):
            if arrays and not x._numeric:
                x = x._as_array(op.name)
            if x._run is run:
                target, x = x._node, x._value
        elif arrays and type(x) in (list, tuple):
            x = array_for(x, home_of(operands))
        elif arrays and type(x) not in _FAMILIAR:
            check_operand(op.name, x)
        outer = outer or isinstance(x, Lifted)
        xs.append(x)
        targets.append(target)
    if op.pullback_form:
        return _record_joint(run, op, xs, targets)
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
    """Where the arrays are that outer variables hold: rules compute with their plain values too."""
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
    """Do an op on one variable of a number or array: the general way, without its loops."""
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
    elif kind is float or (kind is np.ndarray is type(x) and y.dtype is x.dtype):
        like = None  # one operand is never repeated
    else:
        like = like_of(x, y, False)
    return commit(v._run, (v._node, pull, kept, like), y)


def commit(run: Tape, node: Any, y: Any) -> Any:
    """Append a node to a tape and hand out its variable."""
    nodes = run.nodes
    if nodes is None:
        raise run.escaped(y)
    nodes.append(node)
    kind = type(y)
    if kind is np.ndarray or kind is float or kind is np.float64:
        v = _new(_kinds[Kind.NUMERIC])
        v._run, v._node, v._value = run, node, y
        return v
    v = wrap(run, node, y)
    # A result is never dropped from the tape, even one of integers.
    return v if v is not y else _kinds[_kind_of_array(y)]._of(run, node, y)


def _kind_of_array(y: Any) -> Kind | str:
    y = plain(y)
    if type(y) in PLACES:
        return "placed"
    return Kind.NUMERIC if isinstance(y, _ARRAY_LIKE) else "number"


def _record_joint(run: Tape, op: Op, xs: list[Any], targets: list[Any]) -> Any:
    """A user's op: one pullback for all operands, whose cotangents are checked."""
    op.check_arity(xs)
    first = next((x for x in xs if type(x) in PLACES), None)
    with beside(first):
        y, pullback = op.call(xs)
    if isinstance(y, BVar) and y._run is run:
        raise OpError(
            f"the op {op.name} uses a variable of the run that it is done in, whose gradient would "
            "be lost; make it an operand, or pass gx.value(v)"
        )
    if any(isinstance(x, Lifted) for x in xs):
        y = apply(op, xs)  # the outer run has its own record of the op
    kept = (op, pullback, [expected_of(plain(x)) for x in xs])
    likes = [None] * len(xs)  # the check has fitted them
    edge = (JOINT, checked_pullback, kept, (targets, likes))
    # The pullback works where its cotangent is, and that is where the result is.
    home = plain(y) if type(plain(y)) in PLACES else first
    device = device_at(home)
    if device is None:
        return commit(run, edge, y)
    run.placed = True
    return commit(run, PlacedNode([edge], PLACES[type(home)], device), y)


def plain(x: Any) -> Any:
    """What a variable holds, through all levels; anything else as it is."""
    while isinstance(x, BVar):
        x = x._value
    return x


def wrap(run: Tape, node: Any, y: Any, where: Where | None = None) -> Any:
    """The variable of a node, of the kind for its value; a static value stays as it is."""
    if type(y) is int:  # a number like any other: its gradient is a float, and so is it
        y = float(y)
    kind = value_type(y, where).kind
    if kind is Kind.STATIC:
        return y
    return _kinds[_kind_of_array(y) if kind is Kind.NUMERIC else kind]._of(run, node, y)


class OpaqueVar(BVar, kind=Kind.OPAQUE):
    """The variable of a value whose inside gradx does not know: ops made for it take it."""

    __slots__ = ()

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        kind = type(plain(self)).__name__
        raise NotLiftedAttributeError(
            f".{name} of a variable of the registered type {kind} cannot be followed; register "
            f"its parts with gx.register({kind}, children=…), or make an op of what you need"
        )


add_values = Op("add", add, lambda g: g, lambda g: g)
"""The sum of any two values of one type, as an op."""
