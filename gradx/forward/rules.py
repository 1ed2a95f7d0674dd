"""Forward rules: the tangent of an op's result, from what the tables say of the op.

No derivative is written here. A linear op's tangent is the op of the tangents, a bilinear one's the
sum of two such, an elementwise one's its reverse rules with tangents in the place of cotangents,
since a diagonal matrix is its own transpose. Of any other op the pullback is transposed
(`gradx.forward.transposition`), unless the op has a forward rule of its own.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from gradx.core.check_cotangents import fitted
from gradx.core.cotangent import dense, unbroadcast_and_cast
from gradx.core.dispatch import Lifted, apply
from gradx.core.linear import negated, passed
from gradx.core.op import OPS, Op, cotangent_spec
from gradx.core.properties import Property
from gradx.core.refusals import of_whole_numbers
from gradx.core.rule import RefusedRule
from gradx.core.spec import Form, shape_of, spec_of
from gradx.forward.transposition import transposed
from gradx.ops.helpers import first_device_array, in_floats, is_complex, zeros_for
from gradx.values.operations import zero

__all__ = ["fitted_tangent", "tangent_of"]

Params = dict[str, Any] | None
ForwardRule = Callable[[Op, Sequence[Any], Sequence[Any], Any, Params], Any]


def tangent_of(op: Op, ts: Sequence[Any], xs: Sequence[Any], y: Any, params: Params) -> Any:
    """The tangent of the result of an op of the tables.

    Args:
        op: the op.
        ts: the tangents of its operands; None stands for zero.
        xs: the operands.
        y: the result.
        params: the static parameters.

    Returns:
        A value of the shape and dtype of ``y``; None for zero.
    """
    refused, rule = _facts_of(op) if OPS.get(op.name) is op else _looked_up(op)
    for i in refused:
        if ts[i] is not None:
            op.rules[i].save(y, xs)  # which raises
    several = issubclass(type(y), (tuple, list))
    t = (_of_pullback if several and op.jvp is None else rule)(op, ts, xs, y, params)
    return t if t is None or several else fitted_tangent(t, y)


def _looked_up(op: Op) -> tuple[tuple[int, ...], ForwardRule]:
    """The operands with respect to which there is no derivative, and the forward rule of an op."""
    return tuple(i for i, rule in enumerate(op.rules) if type(rule) is RefusedRule), _rule_of(op)


_facts_of = functools.cache(_looked_up)
"""The same, for ops of gradx's tables, which stay."""


def fitted_tangent(t: Any, y: Any) -> Any:
    """A tangent cast to its value's shape, dtype and realness."""
    if type(t) is type(y) is np.ndarray:
        if t.dtype is y.dtype and t.shape == y.shape:
            return t
    elif type(t) is type(y) is float:
        return t
    t, shape = dense(t), shape_of(y)
    at = first_device_array((y,))
    if at is not None and spec_of(t).form is not Form.ARRAY:
        t = t + zeros_for(at, ())  # that of a number goes where the result is
    fit: Any = fitted(y, t if shape_of(t) == shape else np.broadcast_to(t, shape))
    widened = issubclass(type(fit), Lifted) and is_complex(y) and not is_complex(fit)
    return fit + 0j if widened else fit


def _rule_of(op: Op) -> ForwardRule:
    """The forward rule of an op, chosen by what is known of it."""
    known = op.properties
    if op.jvp is not None:
        return _own
    if Property.ELEMENTWISE in known and len(op.rules) == 2 and Property.LINEAR in known:
        return _linear_elementwise
    if Property.LINEAR in known:
        return _linear
    if Property.ELEMENTWISE in known:
        return _elementwise
    if Property.BILINEAR in known:
        return _bilinear
    return _of_pullback


def _own(op: Op, ts: Sequence[Any], xs: Sequence[Any], y: Any, params: Params) -> Any:
    assert op.jvp is not None
    return op.jvp(ts, xs, y, **(params or {}))


def _linear(op: Op, ts: Sequence[Any], xs: Sequence[Any], y: Any, params: Params) -> Any:
    """The op of the tangents; operands without a rule are parameters and stay."""
    if len(ts) > 1:
        rules = op.rules * len(ts) if op.variadic else op.rules
        ts = [
            x if rule is None else _zeros_of(x) if t is None else t
            for t, x, rule in zip(ts, xs, rules, strict=True)
        ]
    return apply(op, ts, params)


def _zeros_of(x: Any) -> Any:
    """The tangent of a constant beside those of others."""
    shape, dtype, form = spec_of(x)
    if form is Form.NUMBER:
        return 0.0
    if not shape and first_device_array((x,)) is None:
        return dtype.type(0) if dtype.kind in "fc" else 0.0
    if not all(type(n) is int for n in shape):  # a length that has no number: `gx.vmap`'s masks
        return zero(x)
    return zeros_for(x, shape, dtype if dtype.kind in "fc" else float)


def _linear_elementwise(
    op: Op, ts: Sequence[Any], xs: Sequence[Any], y: Any, params: Params
) -> Any:
    """A sum or difference; of one tangent there is nothing to add."""
    a, b = [None if rule is None else t for t, rule in zip(ts, op.rules, strict=True)]
    if a is not None and b is not None:
        return apply(op, ts, params)
    rule, t = (op.rules[1], b) if a is None else (op.rules[0], a)
    if rule is None or t is None:
        return None
    if rule.pull is passed:
        return t
    if rule.pull is negated:
        return -t
    return _elementwise(op, ts, xs, y, params)


def _bilinear(op: Op, ts: Sequence[Any], xs: Sequence[Any], y: Any, params: Params) -> Any:
    """The sum over the tangents of the op with a tangent in the place of its operand."""
    total = None
    for i, t in enumerate(ts):
        if t is not None and (op.variadic or op.rules[i] is not None):
            h = apply(op, [*xs[:i], t, *xs[i + 1 :]], params)
            total = h if total is None else total + h
    return total


def _elementwise(op: Op, ts: Sequence[Any], xs: Sequence[Any], y: Any, params: Params) -> Any:
    """The sum over the tangents of the reverse rules of them."""
    total, numpys = None, spec_of(y).form is not Form.NUMBER
    for i, t in enumerate(ts):
        edge = None if t is None else op.edge(i, y, xs, params)
        if t is not None and edge is not None:
            pull, residuals = edge
            if numpys and spec_of(t).form is Form.NUMBER:
                t = np.positive(t)  # as the cotangent is NumPy's, which may be divided by zero
            h = dense(pull(t, *residuals))
            if h is not None:
                total = h if total is None else total + h
    return total


def _of_pullback(op: Op, ts: Sequence[Any], xs: Sequence[Any], y: Any, params: Params) -> Any:
    """The transpose of the pullback, which is linear in the cotangent."""
    edges = [None if t is None else op.edge(i, y, xs, params) for i, t in enumerate(ts)]
    if not any(edges):
        return None

    def pullback(g: Any) -> list[Any]:
        out = []
        for x, edge in zip(xs, edges, strict=True):
            h = None if edge is None else dense(edge[0](g, *edge[1]))
            spec = None if h is None or op.structured == 2 else cotangent_spec(x, y, op.broadcasts)
            out.append(h if spec is None else unbroadcast_and_cast(h, spec))
        return out

    if type(y) is tuple and all(getattr(x, "dtype", np.dtype("V")).kind in "biu" for x in y):
        raise of_whole_numbers(op)
    return transposed(pullback, in_floats(y), ts)
