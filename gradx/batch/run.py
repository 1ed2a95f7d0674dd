"""The batch run: each operation is done for all examples at once, by the op's batching rule.

The rules work on the values of the next lower run, so a batch run stands above and below any other:
a reverse run above it records operations on batched values, and one below records those that the
rules are made of.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from threading import get_ident
from types import MappingProxyType
from typing import Any

import numpy as np

from gradx.batch.apart import call_for_each
from gradx.batch.choosing import branch, chosen
from gradx.batch.chosen import rule_of_chosen
from gradx.batch.counts import Chosen, Items
from gradx.batch.direct import direct
from gradx.batch.elementwise import UFUNC_OF
from gradx.batch.examples import example_of, of_all, together
from gradx.batch.indexing import index_for_all, shows_places
from gradx.batch.operands import Operand, Rule, has_operands
from gradx.batch.table import rule_beside, rule_of
from gradx.batch.user_ops import for_all
from gradx.batch.values import (
    BATCHED,
    BatchArray,
    BatchChosen,
    Batched,
    OuterArray,
    batched_class,
    view_of,
)
from gradx.core.assignment import path_to, root_of, writing_where
from gradx.core.dispatch import Lifted, Run, apply, variables_in
from gradx.core.naming import qualified
from gradx.core.op import OPS, Op
from gradx.core.properties import Property
from gradx.core.spec import Form, Spec, home, primal, spec_of
from gradx.core.views import is_view_of
from gradx.devices.placement import PLACES, on_common_device
from gradx.errors import AssignmentError, EscapedVarError
from gradx.ops.assignment import axes_by_memory, put
from gradx.ops.helpers import array_for
from gradx.ops.indexing import beside, scatter
from gradx.reverse.constants import held_by, is_constant
from gradx.values.leaves import map_leaves, renewed
from gradx.values.operations import ValueType

__all__ = ["BatchRun"]

_new: Any = object.__new__


class BatchRun(Run):
    """A run of a function on all examples at once.

    Args:
        size: the number of examples.

    Attributes:
        size: likewise.
        nodes: not None while it goes on; it has no tape.
        _chooses: whether there are values of which each example has another number of items.
    """

    __slots__ = ("_calls", "_chooses", "nodes", "size")

    def __init__(self, size: int) -> None:
        super().__init__()
        self.size = size
        self._calls: dict[Any, int] = {}
        self._chooses = False
        self.nodes: Any = ()

    def close(self) -> None:
        """End the run: a value of it that is used from now on raises."""
        self.nodes = None

    def escaped(self, value: Any) -> EscapedVarError:
        """The error for the use of a batched value after its run has ended."""
        return EscapedVarError(
            f"{value!r} was used after run {self.level}, which made it, had ended; return what "
            "you need from the mapped function"
        )

    def choose(self, p: Any, yes: Any, no: Any, xs: Sequence[Any]) -> Any:
        """Both branches, and for each example the result of its own, and what that has written."""
        with writing_where(p):
            mine = branch(yes, xs)
        with writing_where(np.logical_not(p)):
            return chosen(p, mine, branch(no, xs))

    def goes_on(self, p: Any) -> bool:
        """Whether a condition holds for an example."""
        some = np.any(p._examples)
        return some._run.goes_on(some) if isinstance(some, Lifted) else bool(some)

    def advanced(self, p: Any, body: Callable[[Any], Any], state: Any) -> Any:
        """The state after a step where the condition holds; the other examples keep theirs."""
        before = renewed(state)
        with writing_where(p):
            return chosen(p, body(state), before)

    def enter(self, function: Any, value: Any) -> Any:
        """Note a call of a function of NumPy on a batched value; what is given is for `leave`.

        Raises:
            ConversionError: the function is done by itself on the plain arguments, of which there
                are none: it asks for their numbers, and is done for one example after the other.
        """
        call = function, get_ident()
        depth = self._calls.get(call, 0)
        if depth == _DEEPEST:
            value._refuse_number(qualified(function))
        self._calls[call] = depth + 1
        return call

    def leave(self, call: Any) -> None:
        """Note the end of a call."""
        self._calls[call] -= 1

    def one_by_one(
        self, function: Callable[..., Any], args: Any, kwargs: Any, error: Exception
    ) -> Any:
        """A call that asks for numbers, done for one example after the other."""
        return call_for_each(self, function, args, kwargs, error)

    def wrap(self, value: Any, spec: Spec, mapped: bool = True) -> Any:
        """The batched value of the values of all examples.

        Args:
            value: those, with the batch along axis 0, as the next lower run has them.
            spec: that of one example.
            mapped: the value has the batch axis; else it is the one of all examples.
        """
        cls: Any = batched_class(spec.form)
        if type(spec) is Chosen:
            self._chooses, cls = True, BatchChosen
            spec.many.run = self
        v = _new(cls)
        v._run, v._examples, v._known, v._mapped = self, value, spec, mapped
        if cls is BatchArray:
            v._owned = False
        return v

    def batched(self, value: Any) -> Any:
        """The batched value of an array with the batch along axis 0: of a vector, of scalars."""
        shape, dtype, _ = spec_of(value)
        form = Form.ARRAY if len(shape) > 1 else Form.SCALAR
        return self.wrap(value, Spec(tuple(shape[1:]), dtype, form))

    def shared(self, value: Any) -> Any:
        """A value that is the same for all examples: of an array one of this run."""
        spec = spec_of(value)
        return self.wrap(value, spec, False) if spec.form is Form.ARRAY else value

    def _from_outside(self, x: Operand) -> Any:
        """A value that stands beside batched places, as one of this run."""
        v = self.wrap(x.value, x.spec, x.batched)
        if x.spec.form is Form.ARRAY and isinstance(x.value, Lifted):
            v = _new(OuterArray)
            v._run, v._examples, v._known, v._mapped, v._owned = self, x.value, x.spec, False, False
        return v

    def process(self, op: Op, operands: Sequence[Any], params: dict[str, Any] | None) -> Any:
        """Do an op by its batching rule."""
        if self.nodes is None:
            raise self.escaped(next(x for x in operands if self.owns(x)))
        if op.pullback_form:
            return self._of_user(op, operands)
        if not params:
            y = direct(self, op, operands)
            if y is not None:
                return y
        if not PLACES:
            return self._process(op, operands, params)
        with on_common_device(op.name, map(home, operands)):
            return self._process(op, operands, params)

    def _process(self, op: Op, operands: Sequence[Any], params: dict[str, Any] | None) -> Any:
        xs = list(map(self.operand, operands))
        if op is beside:
            if self.owns(operands[1]):
                return self._from_outside(xs[0])
            return self.wrap(apply(op, (xs[0].value, xs[1].value)), xs[0].spec, xs[0].batched)
        if op is example_of or op is together:
            return self._apart(op, operands, xs, params)
        own = {name: self._in_params(x) for name, x in params.items()} if params else {}
        for x in xs:
            if x.batched:
                break
        else:
            if not has_operands(own):
                return self._of_all(op, operands, xs, own, params)
        rule, linear = _facts_of(op) if OPS.get(op.name) is op else _looked_up(op)
        rule = rule_beside(rule, own)
        if self._chooses and (op is scatter or any(type(x.spec) is Chosen for x in xs)):
            rule = rule_of_chosen(self, op, rule, xs, own)
        y = rule(op, xs, own, self.size)
        if not hasattr(y, "dtype"):
            return self._each(y)
        if y.dtype.kind in "biu" and isinstance(y, Lifted):
            y = primal(y)  # a variable below has no gradient through whole numbers
        spec = self._spec_of(op, xs, own, y)
        if len(xs) == 1:
            x, v = xs[0].value, self.own(operands[0])
            if y is x and linear and spec == xs[0].spec:
                return v
            if spec.form is not Form.ARRAY:
                if type(y) is np.ndarray and is_view_of(y, x):
                    y = y.copy()  # numbers, which a later write in place must not change
            elif issubclass(type(v), BatchArray) and (is_view_of(y, x) or shows_places(op, own)):
                return view_of(v, op, params, y, spec, True)
        return self.wrap(y, spec)

    def own(self, x: Any) -> Any:
        """What an array of level 0 has become, if that is one of this run; else the value."""
        held = isinstance(x, Lifted) and x._run is self and not issubclass(type(x), Batched)
        return held_by(x) if held else x

    def operand(self, x: Any) -> Operand:
        """A value as an operand of a batching rule."""
        if type(x) in BATCHED and x._run is self:
            return Operand(x._examples, x._known, x._mapped)
        if isinstance(x, Lifted):
            if x._run is not self:
                return Operand(x, Spec(*x._spec()), False)  # of a batch around it no chosen items
            x = self.own(x)
            return Operand(x._examples, x._known, x._mapped)
        if type(x) in (list, tuple):
            x = array_for(x, None)
        return Operand(x, spec_of(x), False)

    def _in_params(self, x: Any) -> Any:
        """A parameter in which each batched value is an operand."""
        if isinstance(x, Lifted):
            if x._run is not self:
                return x
            own = self.operand(x)
            return own if own.batched else own.value
        if type(x) in (tuple, list):
            return type(x)(map(self._in_params, x))
        return {k: self._in_params(v) for k, v in x.items()} if type(x) is dict else x

    def _of_all(
        self, op: Op, operands: Sequence[Any], xs: Sequence[Operand], own: Any, params: Any
    ) -> Any:
        """An op on what is the same for all examples, which is done once."""
        y = apply(op, [x.value for x in xs], own or None)
        if len(xs) == 1 and (type(y) is np.ndarray or isinstance(y, Lifted)):
            if y is xs[0].value and Property.LINEAR in op.properties:
                return operands[0]
            if is_view_of(y, xs[0].value):
                return view_of(self.own(operands[0]), op, params, y, spec_of(y), False)
        if hasattr(y, "dtype"):
            return self.shared(y)

        def leaf(x: Any, spec: ValueType) -> Any:
            return self.shared(x) if hasattr(x, "dtype") else x

        return map_leaves(y, leaf, "the result", static=leaf)

    def _chosen(self, items: Items) -> Any:
        """The value of items of which each example has another number."""
        x = items.value
        return self.wrap(primal(x) if x.dtype.kind in "biu" else x, items.spec())

    def _each(self, y: Any) -> Any:
        """The batched values of the leaves of a result of several."""

        def leaf(x: Any, spec: ValueType) -> Any:
            if type(x) is Items:
                return self._chosen(x)
            if not hasattr(x, "dtype"):
                return x
            return self.batched(primal(x) if x.dtype.kind in "biu" else x)

        return map_leaves(y, leaf, "the result", static=leaf)

    def _spec_of(self, op: Op, xs: Sequence[Operand], params: dict[str, Any], y: Any) -> Spec:
        """The spec of an example of a result."""
        shape, dtype = y.shape[1:], y.dtype
        if shape:
            return Spec(shape, dtype, Form.ARRAY)
        form = _form_of_number(op, xs, params)
        return Spec((), _KINDS[dtype.kind] if form is Form.NUMBER else dtype, form)

    # --- Ops of users -----------------------------------------------------------------------------

    def _of_user(self, op: Op, operands: Sequence[Any]) -> Any:
        values = [self.operand(v).value for x in operands for v in variables_in(x)]
        if any(isinstance(x, Lifted) for x in values):
            return self._each(for_all(self, lambda: BatchRun(self.size), op, operands))
        return op.call(operands)[0]

    # --- One example after the other --------------------------------------------------------------

    def _apart(self, op: Op, operands: Sequence[Any], xs: Sequence[Operand], params: Any) -> Any:
        """An example of a value, or the value of examples."""
        y = of_all(self, op, xs, params)
        if op is example_of:
            if params["run"] is self:
                return y
            x = xs[0]
            return operands[0] if y is x.value else self.wrap(y, x.spec._replace(shape=y.shape[1:]))
        kind = xs[0].spec.dtype
        if all(x.spec.form is Form.NUMBER and x.spec.dtype is kind for x in xs):
            return self.wrap(y, Spec((), kind, Form.NUMBER))
        return self._each(y)

    def counted(self, x: Any) -> Items | None:
        """How many items each example has of a value, if each has another number; no items."""
        x = primal(x)
        if type(x) is not BatchChosen or x._run is not self:
            return None
        spec: Any = x._known
        return Items(None, spec.many, spec.axis)

    # --- Writing ----------------------------------------------------------------------------------

    def write(self, target: Any, index: Any, item: Any, fresh: bool = False) -> None:
        """Write items into a batched array: in place, where nobody else has what it holds.

        Raises:
            AssignmentError: the array is of a run around this one, which has no batch axis.
        """
        root = root_of(target)
        inside = is_constant(root) and root._node.made_at > self.level
        if type(root) is OuterArray or (root._run is not self and not inside):
            raise AssignmentError(
                f"{root!r} was made outside of the mapped function, or has no batch axis, and a "
                "batched value is written into it; make the array with np.zeros_like(v) of a "
                "batched v, or build it with np.stack, np.where or np.concatenate"
            )
        if root._run is self and self.own(root) is not root:
            target, root = self.own(target), self.own(root)
        owned = (
            root is target and issubclass(type(root), BatchArray) and root._owned and root._mapped
        )
        if owned and not any(True for _ in variables_in(index)):
            found = index_for_all(index, len(root._known.shape), self.size)
            root._examples[found.places] = found.written(self.operand(item))
            return
        params = {"path": path_to(target), "index": index, "axes": _axes_of(root)}
        self._become(root, apply(put, (root, item), params))

    def _become(self, root: Any, y: Any) -> None:
        """Let an array go on as another one."""
        root._become(y)
        if issubclass(type(root), BatchArray):
            root._owned = type(y._examples) is np.ndarray


def _looked_up(op: Op) -> tuple[Rule, bool]:
    """The batching rule of an op, and whether the op is linear."""
    return rule_of(op), Property.LINEAR in op.properties


_facts_of = functools.cache(_looked_up)
"""The same, for ops of gradx's tables, which stay."""

_DEEPEST = 3
"""So often a function of NumPy may be in a call of itself: of lists it calls itself on arrays."""
_KINDS: Mapping[str, type] = MappingProxyType(
    {"b": bool, "i": int, "u": int, "f": float, "c": complex}
)


def _axes_of(root: Any) -> tuple[int, ...]:
    """The axes of an example in the order of memory."""
    value = None if type(root) is BatchChosen else getattr(root, "_examples", None)
    if type(value) is np.ndarray:
        return axes_by_memory(value[0] if root._mapped else value)
    return tuple(range(len(root.shape)))


def _form_of_number(op: Op, xs: Sequence[Operand], params: dict[str, Any]) -> Form:
    """The form of a result without axes, as the plain program gives it."""
    if op.name in ("number", "in_form"):
        return Form.NUMBER if op.name == "number" else params["form"]
    if op.name in ("getitem", "take"):
        index = params["index"]
        dotted = index is Ellipsis or (type(index) is tuple and any(p is Ellipsis for p in index))
        return Form.ARRAY if dotted else Form.SCALAR
    if Property.STRUCTURAL in op.properties or op.name == "filled_like":
        method = op.name == "copy" and params["method"]
        return xs[0].spec.form if method else Form.ARRAY
    if all(_is_number(x.spec) for x in xs) and Property.ELEMENTWISE in op.properties:
        return _form_of_numbers(op, tuple(x.spec.dtype for x in xs), tuple(sorted(params.items())))
    return Form.SCALAR


def _is_number(spec: Spec) -> bool:
    return spec.form is Form.NUMBER


@functools.cache
def _form_of_numbers(op: Op, kinds: tuple[type, ...], params: tuple[Any, ...]) -> Form:
    """The form of a function of Python numbers: some give a Python number, others NumPy's."""
    if op in UFUNC_OF or op.name.startswith("operator."):
        return Form.NUMBER
    with np.errstate(all="ignore"):
        return spec_of(op.forward(*[kind(0.5) or 1 for kind in kinds], **dict(params))).form
