"""The forward run: it does each operation on values, and on their tangents."""

from __future__ import annotations

from collections.abc import Sequence
from types import MappingProxyType
from typing import Any

import numpy as np

from gradx.core.assignment import path_to, root_of
from gradx.core.check_cotangents import checked_pullback, fitted, guarded, matched
from gradx.core.dispatch import Lifted, Run, apply, check_operand
from gradx.core.op import OPS, Op
from gradx.core.properties import Property
from gradx.core.spec import Form, Spec, primal, spec_of
from gradx.core.views import is_view
from gradx.devices.kernel_table import check_lacking
from gradx.devices.placement import PLACES, common_device, copied
from gradx.errors import CotangentError, EscapedVarError, NotLiftedError, OpError
from gradx.forward.direct import direct_of
from gradx.forward.rules import fitted_tangent, tangent_of
from gradx.forward.transposition import transposed
from gradx.forward.variables import (
    DualArray,
    DualNumber,
    DualScalar,
    DualView,
    WrittenDual,
    buffers_of,
)
from gradx.ops.assignment import lifted_places, part, write_anew
from gradx.ops.helpers import array_for, first_device_array, is_complex
from gradx.reverse.constants import is_constant, stripped
from gradx.reverse.linkage import (
    done_below,
    is_linked,
    operand_below,
    refuse_own,
    shared_arrays,
)
from gradx.reverse.opaque import opaque_class
from gradx.reverse.variables import BVar, view_of
from gradx.reverse.writing import (
    check_unshared,
    check_variable,
    check_writable,
    let_go,
    made_in,
    same_layout,
)
from gradx.surface.numbers import NumberSurface
from gradx.values.leaves import map_leaves
from gradx.values.operations import leaves_of, registry, value_type, zero

__all__ = ["ForwardRun", "has_rule"]

_FAMILIAR = frozenset({float, int, bool, complex, np.ndarray, np.float64, np.float32, np.bool_})
_CLASSES = MappingProxyType(
    {Form.NUMBER: DualNumber, Form.SCALAR: DualScalar, Form.ARRAY: DualArray}
)
_new: Any = object.__new__
_ZERO: Any = 0.0


class ForwardRun(Run):
    """The execution of a function on values that carry their tangents.

    Attributes:
        inputs: the plain inputs and their names, for messages.
        raised: the variables of lower runs that were written into, each with the run that it was
            of before; None if there are none.
        kept: for each outer variable among the inputs what the run has of it, and itself.
        nodes: not None while it goes on; it has no tape.
        direct: whether operators may go past `process` (`gradx.forward.direct`).
        plain: no tangent has been met that is a value of another run.
        shared: arrays that ops of users returned, or parts of them, with what they returned.
    """

    __slots__ = ("direct", "inputs", "kept", "nodes", "plain", "raised", "shared")

    def __init__(self) -> None:
        super().__init__()
        self.inputs: tuple[Any, Any] | None = None
        self.raised: list[tuple[Any, Any]] | None = None
        self.kept: list[tuple[Any, Any]] = []
        self.nodes: Any = ()
        self.direct = self.plain = True
        self.shared: list[Any] = []

    def process(self, op: Op, operands: Sequence[Any], params: dict[str, Any] | None) -> Any:
        """Do an op on the values of this run's variables and on their tangents."""
        if self.nodes is None:
            raise self.escaped(next(x for x in operands if self.owns(x)))
        if op.pullback_form:
            return self._process_joint(op, operands)
        if len(operands) == 1 and Property.LINEAR in op.properties and op.jvp is None:
            v = operands[0]
            if type(v._value) is np.ndarray is type(v._node):
                return self._process_linear(op, v, params)
        elif self.plain and not params and OPS.get(op.name) is op:
            direct = direct_of(op)
            v = None if direct is None else direct(*operands)
            if v is not None and v is not NotImplemented:
                return v
            self.plain = not any(isinstance(x._node, Lifted) for x in operands if self.owns(x))
        there = common_device(op.name, map(primal, operands)) if PLACES else None
        if there is None:
            return self._process(op, operands, params)
        place, device = there
        with place.on(device):
            return self._process(op, operands, params)

    def _process_linear(self, op: Op, v: Any, params: dict[str, Any] | None) -> Any:
        """`_process` of a linear op of one plain array, whose tangent is the op of the tangent."""
        x, forward = v._value, op.forward
        y = forward(x) if params is None else forward(x, **params)
        near = (y is x or y.base is not None) if type(y) is np.ndarray else is_view(y)
        if near and is_linked(op, x, y):
            if y is x:
                return v
            t = forward(v._node) if params is None else forward(v._node, **params)
            return view_of(v, op, params, t, y, DualView)
        if op.rules and op.rules[0] is None:
            return y
        t = forward(v._node) if params is None else forward(v._node, **params)
        return self.wrap(y, None, fitted_tangent(t, y)) if _is_one(y) else self._wrapped(y, t)

    def _process(self, op: Op, operands: Sequence[Any], params: dict[str, Any] | None) -> Any:
        xs: list[Any] = []
        ts: list[Any] = []
        written = False
        for x in operands:
            t = None
            if isinstance(x, BVar):
                if x._run is self:
                    written = written or x._live
                    t, x = x._node, x._value
                else:
                    x = x._frozen()
                if not isinstance(x, NumberSurface) and issubclass(type(x), Lifted):
                    raise _not_numeric(op, x)
            elif type(x) in (list, tuple):
                x = array_for(x, first_device_array(operands))
            elif type(x) not in _FAMILIAR:
                check_operand(op.name, x)
            xs.append(x)
            ts.append(t)
        if written and any(isinstance(x, Lifted) for x in (*xs, *ts)):
            xs = [copied(x) if type(x) is np.ndarray else x for x in xs]  # lower runs keep them
            ts = [copied(t) if type(t) is np.ndarray else t for t in ts]
        try:
            y = apply(op, xs, params)
        except TypeError as error:
            check_lacking(op.name, first_device_array(xs), error, xs)
            raise
        view = len(xs) == 1 and is_linked(op, xs[0], y)
        if view and y is xs[0]:
            return operands[0]
        t = tangent_of(op, ts, xs, y, params)
        if t is None:
            if not has_rule(op, ts, y):
                return y
            t = zero(y)
        if view:
            return view_of(operands[0], op, params, t, y, DualView)
        if written:
            t = _apart(t, ts)
        return self.wrap(y, None, t) if _is_one(y) else self._wrapped(y, t)

    def _wrapped(self, y: Any, t: Any) -> Any:
        """A result of several leaves, each with its tangent."""
        rest = iter(leaves_of(t))
        return map_leaves(y, lambda x, spec: self.wrap(x, None, next(rest)), "the result of an op")

    def _process_joint(self, op: Op, operands: Sequence[Any]) -> Any:
        """A user's op, by its forward rule or the transpose of its pullback."""
        op.check_arity(operands)
        xs, ts = [], []
        for i, x in enumerate(operands):
            found: list[Any] = []
            xs.append(operand_below(self, x, found, op, i))
            own = any(v is not None for v in found)
            ts.append([None if v is None else _tangent_now(v) for v in found] if own else None)
        if op.jvp is not None:
            y, t = self._by_own_rule(op, xs, ts)
        else:
            y, pullback = done_below(self, op, xs)
            wanted = [t is not None for t in ts]
            t = transposed(lambda g: checked_pullback(g, op, pullback, xs, wanted), y, ts)
        refuse_own(self, op, (y, t))
        v = self._wrapped(y, zero(y) if t is None else t)
        self.shared += shared_arrays(y, v, xs, operands)
        return v

    def _by_own_rule(self, op: Op, xs: list[Any], ts: list[Any]) -> tuple[Any, Any]:
        """The result of a user's op and its tangent, by the op's forward rule."""
        assert op.jvp is not None
        tangents = [guarded(_tangent_like(x, t)) for x, t in zip(xs, ts, strict=True)]
        pair = op.jvp(tuple(xs), tuple(tangents))
        if not isinstance(pair, tuple) or len(pair) != 2:
            raise OpError(
                f"the forward rule of {op.name} returned {type(pair).__name__}, not a pair "
                "(result, tangent)"
            )
        y, t = pair
        return y, matched(y, t, f"the tangent of {op.name}", "result", _fitted_real)

    def wrap(self, value: Any, spec: Spec | None = None, node: Any = None) -> Any:
        """The variable of a value and its tangent."""
        kind = type(value)
        if kind is np.ndarray:
            cls: Any = DualArray
        elif kind is float:
            cls = DualNumber
        elif kind is np.float64:
            cls = DualScalar
        elif is_constant(value):
            return self.wrap(stripped(value), spec, node)
        else:
            if issubclass(kind, np.ndarray):
                value_type(value)  # refuses masked arrays and matrices
            known = spec_of(value)
            cls = _CLASSES.get(known.form) or opaque_class(known.dtype)
        v = _new(cls)
        v._run, v._value, v._node = self, value, node
        return v

    def write(self, target: Any, index: Any, item: Any, fresh: bool = False) -> None:
        """Write items into an array and their tangents into its tangent.

        They are written in place, where the run has plain copies of its own.
        """
        root = root_of(target)
        if self.nodes is None:
            raise self.escaped(root)
        check_variable(root)
        check_unshared(self, root)
        mine = isinstance(item, BVar) and item._run is self
        b, t = (item._value, item._node) if mine else (item, _ZERO)
        if not root._live:
            check_writable(root, root._value, self.owns(root))
        plain = type(root._value) is np.ndarray and not isinstance(b, Lifted)
        plain = plain and type(root._node) is np.ndarray and not isinstance(t, Lifted)
        path = path_to(target)
        if root._run is not self or not plain or lifted_places(path, index):
            if root._run is not self and not made_in(root, self):
                self.raised = [*(self.raised or ()), (root, root._run)]
            write_anew(target, index, item)
        elif fresh and root is target and type(item) is DualArray and same_layout(b, root._value):
            root._become(self.wrap(b, None, item._node[...]))  # a new node: views are made anew
        else:
            value, tangent = (root._value, root._node) if root._live else buffers_of(root)
            part(value, path)[index] = b
            part(tangent, path)[index] = t
            root._hold(WrittenDual, self, tangent[...], value)

    def escaped(self, v: Any) -> EscapedVarError:
        """The error for the use of a variable after its run has ended."""
        return EscapedVarError(
            f"a variable that holds a {type(primal(v)).__name__} was used after run {self.level}, "
            "which made it, had ended; return what you need from the differentiated function, or "
            "keep its plain value with gx.value(v)"
        )

    def close(self) -> None:
        """End the run; arrays of lower runs that were written into go back to these."""
        self.nodes = None
        self.direct = False
        self.shared = []
        for v, home in self.raised or ():
            let_go(v, self, home)


def _fitted_real(y: Any, t: Any) -> Any:
    """A tangent that a user's rule gave, cast to its result's dtype.

    Raises:
        CotangentError: it is complex and the result real, so that a part of it would be lost.
    """
    if is_complex(t) and not is_complex(y):
        raise CotangentError(
            "the forward rule gives a complex tangent of a real result; give its real part, "
            "np.real(t)"
        )
    return fitted(y, t)


def _not_numeric(op: Op, x: Any) -> NotLiftedError:
    return NotLiftedError(
        f"{op.name} takes numbers and arrays, and was given a variable of a "
        f"{type(primal(x)).__name__}; take one of its parts, or make an op of what you need with "
        "@gx.lift"
    )


def has_rule(op: Op, ts: Sequence[Any], y: Any) -> bool:
    """Whether the result depends on an operand that has a tangent, be the derivative zero."""
    rules = op.rules * len(ts) if op.variadic else op.rules
    if not any(t is not None and rule is not None for t, rule in zip(ts, rules, strict=True)):
        return False
    return not (_is_one(y) and value_type(y).static)


def _apart(t: Any, ts: Sequence[Any]) -> Any:
    """The tangent of a result; a copy where its memory is an operand's, into which a run writes."""

    def leaf(h: Any, spec: Any) -> Any:
        shares = type(h) is np.ndarray and any(
            type(own) is np.ndarray and np.may_share_memory(h, own) for own in ts
        )
        return copied(h) if shares else h

    return map_leaves(t, leaf, "the tangent")


def _is_one(y: Any) -> bool:
    return type(y) in _FAMILIAR or hasattr(y, "dtype") or isinstance(y, Lifted)


def _tangent_now(v: Any) -> Any:
    """The tangent of a variable, which stays what it is if the variable is written into."""
    return copied(v._node) if v._live else v._node


def _tangent_like(x: Any, leaves: Any) -> Any:
    """The tangent of an operand from those of its leaves, with zeros where there are none."""
    if leaves is None or registry.find(type(x)) is None:
        return x if registry.find(type(x)) is None else zero(x)
    rest = iter(leaves)

    def leaf(v: Any, spec: Any) -> Any:
        t = next(rest)
        return spec.zero(v) if t is None else t

    return map_leaves(x, leaf, "an operand")
