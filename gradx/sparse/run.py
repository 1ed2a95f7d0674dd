"""The pattern run: it does each operation on values, and finds which numbers the result needs."""

from __future__ import annotations

import math
from collections.abc import Sequence
from types import MappingProxyType
from typing import Any

import numpy as np

from gradx.core.assignment import root_of
from gradx.core.dispatch import Lifted, apply, check_operand
from gradx.core.op import Op
from gradx.core.spec import Form, Spec, shape_of, spec_of
from gradx.errors import ConversionError, NotDifferentiableError
from gradx.forward.run import ForwardRun, has_rule
from gradx.ops.assignment import write_anew
from gradx.ops.helpers import array_for, first_device_array
from gradx.reverse.constants import is_constant, stripped
from gradx.reverse.linkage import is_linked, operand_below
from gradx.reverse.variables import BVar, view_of
from gradx.reverse.writing import check_writable, made_in
from gradx.sparse.relations import Csr, every, relation, united
from gradx.sparse.variables import PatternArray, PatternNumber, PatternScalar, PatternView
from gradx.values.leaves import map_leaves
from gradx.values.operations import value_type

__all__ = ["OUTER", "PatternRun"]

OUTER = (
    "a sparse matrix holds plain numbers, and here are variables of an outer run; pass gx.value(v) "
    "if no gradient should flow through it, or take gx.jacobian"
)

_CLASSES = MappingProxyType(
    {Form.NUMBER: PatternNumber, Form.SCALAR: PatternScalar, Form.ARRAY: PatternArray}
)
_new: Any = object.__new__


class PatternRun(ForwardRun):
    """The execution of a function on values that carry their patterns."""

    __slots__ = ()

    def process(self, op: Op, operands: Sequence[Any], params: dict[str, Any] | None) -> Any:
        """Do an op on the values of this run's variables, and on their patterns."""
        if self.nodes is None:
            raise self.escaped(next(x for x in operands if self.owns(x)))
        if op.pullback_form:
            return self._process_joint(op, operands)
        pairs = [self._taken(op, x, operands) for x in operands]
        xs, ps = [x for x, _ in pairs], [p for _, p in pairs]
        if any(isinstance(x, Lifted) for x in xs):
            raise ConversionError(OUTER)
        y = apply(op, xs, params)
        view = len(xs) == 1 and is_linked(op, xs[0], y)
        if view and y is xs[0]:
            return operands[0]
        if not has_rule(op, ps, y):
            return y
        if issubclass(type(y), (tuple, list)):
            return self._joined(op, y, [p for p in ps if p is not None])
        p = _pattern(op, xs, ps, y, params or {})
        if view:
            return view_of(operands[0], op, params, p, y, PatternView)
        return self.wrap(y, None, p)

    def _taken(self, op: Op, x: Any, operands: Sequence[Any]) -> tuple[Any, Csr | None]:
        """The value of an operand, and its pattern; None for a constant."""
        if isinstance(x, BVar):
            return (x._value, x._node) if x._run is self else (x._frozen(), None)
        if type(x) in (list, tuple):
            return array_for(x, first_device_array(operands)), None
        check_operand(op.name, x)
        return x, None

    def _process_joint(self, op: Op, operands: Sequence[Any]) -> Any:
        """A user's op, of which it is not known what depends on what."""
        op.check_arity(operands)
        found: list[Any] = []
        xs = [operand_below(self, x, found, op, i) for i, x in enumerate(operands)]
        return self._joined(op, apply(op, xs), [v._node for v in found if v is not None])

    def _joined(self, op: Op, y: Any, ps: Sequence[Csr]) -> Any:
        """A result each of whose numbers may depend on all that the operands depend on."""

        def leaf(x: Any, spec: Any) -> Any:
            p: Any = None
            for own in ps:
                p = united(p, every(op, math.prod(shape_of(x)), own))
            return x if p is None else self.wrap(x, None, p)

        return map_leaves(y, leaf, "the result of an op")

    def wrap(self, value: Any, spec: Spec | None = None, node: Any = None) -> Any:
        """The variable of a value and its pattern.

        Raises:
            NotDifferentiableError: the value is of a type that has an ``add`` of its own.
        """
        if is_constant(value):
            return self.wrap(stripped(value), spec, node)
        cls = _CLASSES.get(spec_of(value).form) if value_type(value).numeric else None
        if cls is None:
            raise NotDifferentiableError(
                f"a sparse Jacobian has a row for each number, and a {type(value).__name__} is one "
                "value of its own; write the function of its numbers"
            )
        v = _new(cls)
        v._run, v._value, v._node = self, value, node
        return v

    def write(self, target: Any, index: Any, item: Any, fresh: bool = False) -> None:
        """Write items into an array, which is made anew."""
        root = root_of(target)
        if self.nodes is None:
            raise self.escaped(root)
        check_writable(root, root._value, self.owns(root))
        if root._run is not self and not made_in(root, self):
            self.raised = [*(self.raised or ()), (root, root._run)]
        write_anew(target, index, item)


def _pattern(op: Op, xs: Sequence[Any], ps: Sequence[Any], y: Any, params: dict[str, Any]) -> Csr:
    """The pattern of the result of an op."""
    rules = op.rules * len(xs) if op.variadic else op.rules
    own = [i for i, p in enumerate(ps) if p is not None and rules[i] is not None]
    rows, whole = math.prod(shape_of(y)), None
    for i in own:
        r = relation(op, i, own, xs, y, params)
        if r is None:
            p = every(op, rows, ps[i])
        elif rows == r.shape[1] == r.nnz and np.array_equal(r.indices, np.arange(rows)):
            p = ps[i]
        else:
            p = r @ ps[i]
        whole = united(whole, p)
    return whole
