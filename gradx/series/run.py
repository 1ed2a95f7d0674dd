"""The series run: it does each operation on values, and on their Taylor coefficients.

No derivative is written here. A linear op works on each coefficient; a bilinear one is a Cauchy
product; a quotient is the product undone. Any other obeys ``dy/dt = f'(u) du/dt``, of which the
right-hand side is its forward rule: the rule is done once, in series arithmetic, and y is
integrated (A. Griewank and A. Walther, "Evaluating Derivatives" (2008), chapter 13). A series in a
rule is found coefficient by coefficient, so that the rule of ``exp`` may be made of y itself.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from types import MappingProxyType
from typing import Any

import numpy as np

from gradx.core.assignment import path_to, root_of
from gradx.core.dispatch import Lifted, apply, check_operand
from gradx.core.op import Op
from gradx.core.properties import Property
from gradx.core.rule import RefusedRule
from gradx.core.spec import Form, Spec, spec_of
from gradx.errors import NotLiftedError
from gradx.forward.rules import fitted_tangent, tangent_of
from gradx.forward.run import ForwardRun, has_rule
from gradx.ops.assignment import part, write_anew
from gradx.ops.helpers import array_for, first_device_array
from gradx.ops.scaling import divided
from gradx.reverse.constants import is_constant, stripped
from gradx.reverse.linkage import is_linked
from gradx.reverse.variables import BVar, view_of
from gradx.reverse.writing import check_writable, made_in, same_layout
from gradx.series.coefficients import Series, compositions, integrated, slope
from gradx.series.variables import (
    SeriesArray,
    SeriesNumber,
    SeriesScalar,
    SeriesView,
    WrittenSeries,
    own_series,
)
from gradx.values.leaves import map_leaves
from gradx.values.operations import ValueType, leaves_of, value_type, zero

__all__ = ["SeriesRun"]

Params = dict[str, Any] | None
_CLASSES = MappingProxyType(
    {Form.NUMBER: SeriesNumber, Form.SCALAR: SeriesScalar, Form.ARRAY: SeriesArray}
)
_new: Any = object.__new__


class SeriesRun(ForwardRun):
    """The execution of a function on values that carry their Taylor coefficients.

    Args:
        order: that of the last coefficient.

    Attributes:
        order: likewise.
        inside: how many rules are being done, one in another.
        made: in a rule, for an op and the series of its operand that series and the result. So the
            sine in the rule of the cosine in the rule of a sine is the same one.
    """

    __slots__ = ("inside", "made", "order")

    def __init__(self, order: int) -> None:
        super().__init__()
        self.order = order
        self.inside = 0
        self.made: dict[Any, Any] = {}

    def process(self, op: Op, operands: Sequence[Any], params: Params) -> Any:
        """Do an op on the values of this run's variables, and on their series.

        Raises:
            NotLiftedError: the op is one of a user.
        """
        if self.nodes is None:
            raise self.escaped(next(x for x in operands if self.owns(x)))
        if op.pullback_form:
            raise _refused(op)
        pairs = [self._taken(op, x, operands) for x in operands]
        xs, us = [x for x, _ in pairs], [u for _, u in pairs]
        if any(isinstance(x, Lifted) for x in xs):  # lower runs keep them
            xs = [x if u is None else u[0] for x, u in pairs]
        key = (op, id(us[0])) if len(us) == 1 and params is None else None
        if key in self.made:
            return self.made[key][1]
        y = apply(op, xs, params)
        view = len(xs) == 1 and is_linked(op, xs[0], y)
        if view and y is xs[0]:
            return operands[0]
        if not has_rule(op, us, y):
            return y
        rule = _checked_rule(op, us, xs, y)
        if issubclass(type(y), (tuple, list)):
            made, v = self._of_several(op, us, xs, y, params)
            return self._kept(key, us, v, made)
        series = Series([y])
        if view:
            v = view_of(operands[0], op, params, series, y, SeriesView)
        else:
            v = self.wrap(y, None, series)
            if len(xs) == 1 and operands[0]._live:
                us = [own_series(operands[0], self.order)]
        series.following = rule(self, op, us, xs, series, params)
        return self._kept(key, us, v, [series])

    def _kept(self, key: Any, us: Sequence[Any], v: Any, made: Sequence[Series]) -> Any:
        """The result of an op; outside of rules the coefficients are found now."""
        if key is not None:
            self.made[key] = us[0], v
        if not self.inside:
            try:
                for series in made:
                    series.cut(self.order)
            finally:
                self.made.clear()
        return v

    def _of_several(
        self, op: Op, us: Sequence[Any], xs: Sequence[Any], y: Any, params: Params
    ) -> tuple[list[Series], Any]:
        """The results of an op of several, each integrated from its part of the forward rule."""
        made: list[Series] = []
        slopes: list[Any] = []

        def leaf(x: Any, spec: ValueType) -> Any:
            made.append(Series([x]))
            return self.wrap(x, None, made[-1])

        v = map_leaves(y, leaf, "the result of an op")

        def slope_of(i: int) -> Series | None:
            if not slopes:  # the rule is done once for all
                h = self._by_rule(op, us, xs, v, params)
                parts = [None] * len(made) if h is None else leaves_of(h)
                slopes.extend(map(self._series_of, parts))
            found: Series | None = slopes[i]
            return found

        for i, series in enumerate(made):
            series.following = integrated(functools.partial(slope_of, i))
        return made, v

    def _taken(self, op: Op, x: Any, operands: Sequence[Any]) -> tuple[Any, Series | None]:
        """The value of an operand, and its series; None for a constant."""
        if isinstance(x, BVar):
            if x._run is self:
                series = own_series(x, self.order) if x._live and len(operands) > 1 else x._node
                return x._value, series
            return x._frozen(), None
        if type(x) in (list, tuple):
            return array_for(x, first_device_array(operands)), None
        check_operand(op.name, x)
        return x, None

    def slope_by_rule(
        self, op: Op, us: Sequence[Any], xs: Sequence[Any], series: Series, params: Params
    ) -> Series | None:
        """The derivative by t of an op's result."""
        y = self.wrap(series[0], None, series)
        return self._series_of(self._by_rule(op, us, xs, y, params))

    def _series_of(self, h: Any) -> Series | None:
        if h is None:
            return None
        return h._node if self.owns(h) else Series([h])

    def _by_rule(self, op: Op, us: Sequence[Any], xs: Sequence[Any], y: Any, params: Params) -> Any:
        """The forward rule of an op, in series arithmetic: the derivative of its result by t."""
        self.inside += 1
        try:
            args = [
                x if u is None else self.wrap(u[0], None, u) for x, u in zip(xs, us, strict=True)
            ]
            ts = [None if u is None else self._slope(x, u) for x, u in zip(xs, us, strict=True)]
            return tangent_of(op, ts, args, y, params)
        finally:
            self.inside -= 1

    def _slope(self, x: Any, u: Series) -> Any:
        h = slope(u, lambda: zero(x))
        return self.wrap(h[0], None, h)

    def wrap(self, value: Any, spec: Spec | None = None, node: Any = None) -> Any:
        """The variable of a value and its series."""
        if is_constant(value):
            return self.wrap(stripped(value), spec, node)
        value_type(value)  # refuses masked arrays and matrices
        v = _new(_CLASSES[spec_of(value).form])
        v._run, v._value, v._node = self, value, node
        return v

    def write(self, target: Any, index: Any, item: Any, fresh: bool = False) -> None:
        """Write items into an array and their coefficients into its own.

        They are written in place, where the run has plain copies of its own.
        """
        root = root_of(target)
        if self.nodes is None:
            raise self.escaped(root)
        mine = isinstance(item, BVar) and item._run is self
        items = item._node if mine else Series([item])
        if not root._live:
            check_writable(root, root._value, self.owns(root))
        parts = [items[k] for k in range(self.order + 1)]
        whole = root._node.known if root._run is self else [root._value]
        plain = type(whole[0]) is np.ndarray and not any(isinstance(x, Lifted) for x in parts)
        plain = plain and not any(isinstance(x, Lifted) for x in whole)
        if root._run is not self or not plain:
            if root._run is not self and not made_in(root, self):
                self.raised = [*(self.raised or ()), (root, root._run)]
            write_anew(target, index, item)
        elif (
            fresh
            and root is target
            and type(item) is SeriesArray
            and same_layout(parts[0], root._value)
        ):
            root._become(self.wrap(parts[0], None, Series(parts)))  # anew: so are its views
        else:
            path = path_to(target)
            own = root._node if root._live else own_series(root, self.order)
            for buffer, b in zip(own.known, parts, strict=True):
                part(buffer, path)[index] = 0.0 if b is None else b
            root._hold(WrittenSeries, self, Series(own.known), own[0])


# --- Rules ----------------------------------------------------------------------------------------


def _linear(run: Any, op: Op, us: Any, xs: Any, series: Series, params: Params) -> Any:
    """The op of the coefficients of an order."""

    def following(k: int) -> Any:
        parts = [None if u is None else u[k] for u in us]
        return None if _all_none(parts) else tangent_of(op, parts, xs, series[0], params)

    return following


def _bilinear(run: Any, op: Op, us: Any, xs: Any, series: Series, params: Params) -> Any:
    """A Cauchy product: the sum over all ways to share an order among the operands."""
    own = [i for i, u in enumerate(us) if u is not None]

    def following(k: int) -> Any:
        total = None
        for orders in compositions(k, len(own)):
            args = list(xs)
            for i, j in zip(own, orders, strict=True):
                args[i] = us[i][j]
            if any(args[i] is None for i in own):
                continue
            h = apply(op, args, params)
            total = h if total is None else total + h
        return None if total is None else fitted_tangent(total, series[0])

    return following


def _quotient(run: Any, op: Op, us: Any, xs: Any, series: Series, params: Params) -> Any:
    """What makes the product with the divisor the dividend."""
    (a, b), divisor = us, xs[1]

    def following(k: int) -> Any:
        rest = None if a is None else a[k]
        for j in range(1, k + 1):
            c, q = (None, None) if b is None else (b[j], series[k - j])
            if c is not None and q is not None:
                rest = -(c * q) if rest is None else rest - c * q
        return None if rest is None else fitted_tangent(divided(rest, divisor), series[0])

    return following


def _integral(run: Any, op: Op, us: Any, xs: Any, series: Series, params: Params) -> Any:
    """What has the derivative that the op's forward rule says."""
    return integrated(lambda: run.slope_by_rule(op, us, xs, series, params))


@functools.cache
def _rule_of(op: Op) -> Callable[..., Any]:
    """How the coefficients of an op's result are found, by what is known of it."""
    known = op.properties
    if Property.LINEAR in known:
        return _linear
    if Property.BILINEAR in known:
        return _bilinear
    return _quotient if _divides(op) else _integral


def _divides(op: Op) -> bool:
    """Whether an op is a quotient: its derivative by the first operand is one over the second."""
    first = op.rules[0] if len(op.rules) == 2 else None
    return first is not None and first.pull is divided and first.needs == ("b",)


def _all_none(parts: Any) -> bool:
    return all(x is None for x in parts)


def _checked_rule(op: Op, us: Sequence[Any], xs: Sequence[Any], y: Any) -> Callable[..., Any]:
    """The rule of an op.

    Raises:
        NotLiftedError: it has no rule by an operand that has a series.
    """
    for own, u in zip(op.rules, us, strict=False):
        if type(own) is RefusedRule and u is not None:
            own.save(y, xs)  # which raises
    return _rule_of(op)


def _refused(op: Op) -> NotLiftedError:
    return NotLiftedError(
        f"{op.name} has no rule in series arithmetic: gx.taylor takes gradx's own operations; "
        "write it with these, or nest gx.jvp"
    )
