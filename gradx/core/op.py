"""Ops: a named forward function and the rules of its derivative, in one immutable value.

The second noun; it stands below the variables and works, and is tested, without a tape. There
are two forms of one thing.

An op of the tables has a reverse rule for each operand, and what a rule keeps of the forward run
is said by the names of its parameters:

    ``g``           the cotangent of the result, always first
    ``y``           the result
    ``x``           the operand of a unary op; ``a, b`` and ``a, b, c`` those of others
    ``xs``, ``i``   all operands of an op with any number of them, and which one this is for
    ``a_shape``     the shape of ``a`` alone, which does not keep ``a``
    keywords        the static parameters of the op

so that ``Op("exp", np.exp, lambda g, y: g * y)`` keeps its result and not its operand. A rule is
the plain transpose of the derivative (for complex numbers without a conjugate), is linear in
``g``, branches on shapes and parameters but never on values, and modifies nothing it is given.
Broadcasting is undone outside. A rule of ``None`` says that the derivative is zero almost
everywhere; a rule may also return None for zero where that depends on the type alone.

An op of a user is a function that returns its result and its pullback, ``x -> (y, pullback)``:
`op1`, `op2`, `op3`, `op_n`.
"""

from __future__ import annotations

import functools
import operator
import pickle
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from gradx.core.check_cotangents import checked_pullback
from gradx.core.cotangent import KEEPS_STRUCTURE, dense, unbroadcast_and_cast
from gradx.core.linear import Kernel
from gradx.core.properties import Property
from gradx.core.rule import OPERANDS, Reverse, Rule, VariadicRule
from gradx.core.spec import Answering, shape_of, spec_of
from gradx.devices.placement import PLACES, copied
from gradx.errors import OpError
from gradx.native import native
from gradx.values.operations import (
    add,
    one,
    zero,
)

__all__ = [
    "OPS",
    "POINTWISE",
    "Op",
    "Rule",
    "compose",
    "cotangent_spec",
    "fitting",
    "op_named",
    "own_parameter",
    "register_ops",
]

POINTWISE: dict[Any, Op] = {}
"""From an operator or a ufunc to its op, for arithmetic on ops. Filled by the tables of ops."""


def _pointwise(function: Callable[..., Any]) -> tuple[Any, Any]:
    """An operator between the results of two ops, or of an op and a constant."""

    def forward(self: Op, other: Any) -> Any:
        return _combined(function, self, other)

    def reflected(self: Op, other: Any) -> Any:
        return _combined(function, other, self)

    return forward, reflected


def _pointwise_unary(function: Callable[..., Any]) -> Any:
    return lambda self: _combined(function, self)


class Op:
    """A differentiable operation.

    Arithmetic on ops is pointwise: ``a * b`` and ``np.exp(a)`` are ops of the same operands, and
    a number among ops is a constant.

    Args:
        name: its name in messages and in the tape.
        forward: the function of raw values; for a ``pullback_form`` op it returns the result and
            the pullback.
        rules: a reverse rule per operand, one of another op's among them, or None for one whose
            derivative is zero.
        variadic: the op takes any number of operands and has one rule for all.
        broadcasts: operands of different shapes are repeated to a common one.
        structured: 1 if its rules take a cotangent that is kept in parts as it is in nested runs,
            2 if in all; what they return then fits its operand by itself. For gradx's own ops.
        pullback_form: see ``forward``.
        arity: the number of operands, where there are no rules to count.
        properties: what is known of the function, from which other rules than the reverse one
            follow.
        jvp: a forward rule of its own, for an op whose forward rule does not follow from the
            others, or costs more then: ``jvp(ts, xs, y, **params)`` gives the tangent of the
            result, where ``ts`` has the tangents of the operands, None for zero. Of a
            ``pullback_form`` op ``jvp(primals, tangents)`` gives the result and its tangent.

    >>> square = Op("square", lambda x: x * x, lambda g, x: g * (2 * x))
    >>> square.run(3.0)
    (9.0, 6.0)
    """

    __slots__ = (
        *("arity", "broadcasts", "forward", "jvp", "name", "properties", "pullback_form", "rules"),
        *("structured", "variadic"),
    )
    name: str
    forward: Callable[..., Any]
    rules: tuple[Any, ...]
    variadic: bool
    broadcasts: bool
    structured: int
    pullback_form: bool
    arity: int
    properties: Property
    jvp: Callable[..., Any] | None

    def __init__(
        self,
        name: str,
        forward: Callable[..., Any],
        *rules: Reverse | Kernel | Rule | None,
        variadic: bool = False,
        broadcasts: bool = False,
        structured: int = 0,
        pullback_form: bool = False,
        arity: int | None = None,
        properties: Property = Property.NONE,
        jvp: Callable[..., Any] | None = None,
    ) -> None:
        put = object.__setattr__
        put(self, "name", name)
        put(self, "forward", forward)
        put(self, "variadic", variadic)
        put(self, "broadcasts", broadcasts)
        put(self, "structured", structured)
        put(self, "pullback_form", pullback_form)
        put(self, "properties", properties)
        put(self, "jvp", jvp)
        put(self, "arity", len(rules) if arity is None else arity)
        if variadic:
            compiled: tuple[Any, ...] = tuple(VariadicRule(name, r) for r in rules if callable(r))
        else:
            names = OPERANDS.get(len(rules), ())
            compiled = tuple(
                r if r is None or isinstance(r, Rule) else Rule(name, r, names) for r in rules
            )
        put(self, "rules", compiled)

    def __setattr__(self, name: str, value: Any) -> None:
        raise AttributeError(f"{self!r} is immutable; make a new Op instead of setting {name!r}")

    def __repr__(self) -> str:
        return f"Op({self.name})"

    def __copy__(self) -> Op:
        return self

    def __deepcopy__(self, memo: Any) -> Op:
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickled by its name if it is of gradx's tables, else by its functions.

        Raises:
            OpError: the functions of an op of a user cannot be pickled.
        """
        if OPS.get(self.name) is self:
            return op_named, (self.name,)
        functions = (self.forward, *[rule and rule.source for rule in self.rules])
        try:
            pickle.dumps((functions, self.jvp))
        except (pickle.PicklingError, AttributeError, TypeError) as error:
            raise OpError(
                f"the op {self.name} cannot be pickled, since its functions cannot: {error}; "
                "define them with 'def' at the top of a module, not as lambdas or inside a function"
            ) from None
        flags = {name: getattr(self, name) for name in _FLAGS}
        return _remade, (self.name, functions, flags)

    def edge(
        self, i: int, y: Any, xs: Sequence[Any], params: dict[str, Any] | None
    ) -> tuple[Reverse, tuple[Any, ...]] | None:
        """The rule of operand ``i``, bound to its parameters, and its residuals; or None."""
        rule = self.rules[0] if self.variadic else self.rules[i]
        if rule is None:
            return None
        if self.variadic:
            residuals = rule.save(y, xs, i)
        else:
            residuals = rule.save(y, xs)
            if None in self.rules:
                residuals = self._with_own_places(residuals, xs)
        if not rule.params or params is None:
            return rule.pull, residuals
        named = {name: own_parameter(params[name]) for name in rule.params}
        return functools.partial(rule.pull, **named), residuals

    def _with_own_places(self, residuals: tuple[Any, ...], xs: Sequence[Any]) -> tuple[Any, ...]:
        """The residuals of a rule, with copies of operands that are indices or conditions."""
        places = [id(x) for x, rule in zip(xs, self.rules, strict=True) if rule is None]
        return tuple(
            [own_parameter(x) if id(x) in places and _is_whole(x) else x for x in residuals]
        )

    def run_with(self, *xs: Any, **params: Any) -> tuple[Any, Callable[[Any], Any]]:
        """Run on plain values.

        Args:
            xs: the operands.
            params: the static parameters.

        Returns:
            The result and the pullback, which takes a cotangent of the result and gives that of
            the operand, or a tuple of them for several.
        """
        if self.pullback_form:
            self.check_arity(xs)
            y, pullback = self.call(xs)
            return y, lambda g: _unwrap(
                tuple([dense(h) for h in checked_pullback(g, self, pullback, xs)])
            )
        y = self.forward(*xs, **params)
        edges = [self.edge(i, y, xs, params or None) for i in range(len(xs))]

        def pull_all(g: Any) -> Any:
            out = []
            for x, edge in zip(xs, edges, strict=True):
                h = None if edge is None else edge[0](g, *edge[1])
                spec = cotangent_spec(x, y, self.broadcasts)
                h = zero(x) if h is None else dense(h)
                out.append(h if spec is None else unbroadcast_and_cast(h, spec))
            return _unwrap(tuple(out))

        return y, pull_all

    def eval(self, *xs: Any, **params: Any) -> Any:
        """The result alone."""
        return self.call(xs)[0] if self.pullback_form else self.forward(*xs, **params)

    def call(self, xs: Sequence[Any]) -> tuple[Any, Callable[[Any], Any]]:
        """The result and the pullback of an op of a user.

        Raises:
            OpError: the op's function did not return a pair of them.
        """
        return check_pair(self, self.forward(*xs))

    def run(self, *xs: Any, **params: Any) -> tuple[Any, Any]:
        """The result and the gradient, of the sum of the components if there are several."""
        y, pullback = self.run_with(*xs, **params)
        return y, pullback(one(y))

    def grad(self, *xs: Any, **params: Any) -> Any:
        """The gradient alone."""
        return self.run(*xs, **params)[1]

    def grad_with(self, g: Any, *xs: Any, **params: Any) -> Any:
        """The cotangents of the operands for a given one of the result."""
        return self.run_with(*xs, **params)[1](g)

    def check_arity(self, xs: Sequence[Any]) -> None:
        """Refuse a wrong number of operands.

        Raises:
            OpError: the op takes another number.
        """
        if self.arity >= 0 and len(xs) != self.arity:
            raise OpError(f"{self.name} takes {self.arity} operands and was given {len(xs)}")

    def __rshift__(self, then: Op) -> Op:
        """This op, and then another on its result."""
        return compose(then, self)

    __add__, __radd__ = _pointwise(operator.add)
    __sub__, __rsub__ = _pointwise(operator.sub)
    __mul__, __rmul__ = _pointwise(operator.mul)
    __truediv__, __rtruediv__ = _pointwise(operator.truediv)
    __pow__, __rpow__ = _pointwise(operator.pow)
    __matmul__, __rmatmul__ = _pointwise(operator.matmul)
    __neg__, __pos__ = _pointwise_unary(operator.neg), _pointwise_unary(operator.pos)
    __abs__ = _pointwise_unary(operator.abs)

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **kwargs: Any) -> Any:
        if method != "__call__" or kwargs or ufunc not in POINTWISE:
            raise OpError(
                f"np.{ufunc.__name__} cannot be taken of the op {self.name} (through {method}, "
                f"with arguments {sorted(kwargs)}); of ops there are operators and ufuncs with a "
                "derivative, and gx.bp_op makes an op of any differentiable function"
            )
        return _combined(ufunc, *inputs)


def check_pair(op: Op, pair: Any) -> tuple[Any, Callable[[Any], Any]]:
    """What the function of a user's op returned, which must be a result and its pullback.

    Raises:
        OpError: it is not.
    """
    if not isinstance(pair, tuple) or len(pair) != 2 or not callable(pair[1]):
        raise OpError(
            f"the function of the op {op.name} returned {type(pair).__name__}, not a pair "
            "(result, pullback); write 'return y, lambda g: …' with the cotangents of the operands"
        )
    return pair


if native is not None:
    native.use(Op=Op, check_pair=check_pair)

_FLAGS = ("arity", "broadcasts", "jvp", "properties", "pullback_form", "structured", "variadic")

OPS: dict[str, Op] = {}
"""From its name to each op of gradx's tables, which are pickled by name."""


def register_ops(values: Iterable[Any]) -> None:
    """Make the ops among values known by their names.

    Args:
        values: those of a module's variables, for example; others than ops are passed over.

    Raises:
        OpError: another op has the name.
    """
    for op in values:
        if isinstance(op, Op) and OPS.setdefault(op.name, op) is not op:
            raise OpError(f"there are two ops of the name {op.name!r}; give one another name")


def op_named(name: str) -> Op:
    """The op of gradx's tables of this name."""
    return OPS[name]


def _remade(name: str, functions: tuple[Any, ...], flags: dict[str, Any]) -> Op:
    return Op(name, *functions, **flags)


def _combined(function: Callable[..., Any], *terms: Any) -> Op:
    """An op of the results of other ops; numbers are constants."""
    return compose(POINTWISE[function], *(t if isinstance(t, Op) else _constant(t) for t in terms))


def _constant(value: Any) -> Op:
    """The op of any number of operands whose result is always the value."""
    return Op(
        f"{value!r}" if isinstance(value, (int, float, complex)) else "constant",
        lambda *xs: (value, lambda g: tuple(zero(x) for x in xs)),
        pullback_form=True,
        arity=-1,
    )


_CHANGING = (list, tuple, np.ndarray)


def own_parameter(x: Any) -> Any:
    """A static parameter as a rule keeps it: arrays and lists, which may change, are copied.

    Indices, masks and conditions are small beside what they choose from, and code that calls an
    operation in a loop writes new ones into one array or list.
    """
    kind = type(x)
    if kind is tuple:
        changing = any(type(part) in _CHANGING or _is_changing(part) for part in x)
        return tuple([own_parameter(part) for part in x]) if changing else x
    if kind is list:
        return [own_parameter(part) for part in x]
    if issubclass(kind, Answering):
        return x._frozen()
    return copied(x) if kind is np.ndarray or kind in PLACES else x


def _is_changing(x: Any) -> bool:
    return type(x) in PLACES or issubclass(type(x), Answering)


def _is_whole(x: Any) -> bool:
    """Whether an operand is an array of indices or of conditions."""
    return getattr(getattr(x, "dtype", None), "kind", "") in ("b", "i", "u")


def _unwrap(parts: tuple[Any, ...]) -> Any:
    return parts[0] if len(parts) == 1 else parts


def fitting(op: Op, x: Any, y: Any) -> Any:
    """The last field of the edge of an operand ``x`` of an op whose result is ``y``."""
    if op.structured == 2 or (op.structured and hasattr(y, "_run")):
        return KEEPS_STRUCTURE
    return cotangent_spec(x, y, op.broadcasts)


def cotangent_spec(x: Any, y: Any, broadcasts: bool) -> Any:
    """The shape and dtype to cast a cotangent of ``x`` to; None if one like ``y`` fits as it is."""
    kind = type(x)
    if kind is np.ndarray:
        if type(y) is np.ndarray and x.dtype is y.dtype:
            return None if not broadcasts or x.shape == y.shape else (x.shape, x.dtype)
    elif kind is float or kind is int:
        return None if type(y) is float or type(y) is int else ((), float)
    elif kind is np.float64 is type(y):
        return None
    dtype = getattr(x, "dtype", None)
    if dtype is None:
        kind, other = spec_of(x).dtype, spec_of(y).dtype
        if kind is float or kind is int:
            return None if other is float or other is int else ((), float)
        if kind is complex:
            return ((), _COMPLEX) if other is not complex else None
        return ((), float) if broadcasts and shape_of(y) else None
    own = getattr(y, "dtype", None)  # a dtype equals None if it is the default one
    if own is None or dtype != own or (broadcasts and x.shape != shape_of(y)):
        return (x.shape, dtype)
    return None


_COMPLEX = np.dtype(complex)


def compose(outer: Op, *inner: Op) -> Op:
    """An op of the results of inner ops, which all take the same operands.

    Args:
        outer: the op of the results.
        inner: the ops, one for each operand of ``outer``.

    Returns:
        An op whose gradient is the sum over the inner ones.

    >>> square = Op("square", lambda x: x * x, lambda g, x: g * (2 * x))
    >>> times = Op("times", lambda x, y: x * y, lambda g, b: g * b, lambda g, a: g * a)
    >>> compose(times, square, square).run(2.0)  # x ** 4
    (16.0, 32.0)
    """
    outer.check_arity(inner)

    def fn(*xs: Any) -> tuple[Any, Callable[[Any], Any]]:
        results, pullbacks = zip(*(op.run_with(*xs) for op in inner), strict=True)
        y, outer_pullback = outer.run_with(*results)

        def pullback(g: Any) -> Any:
            middle = outer_pullback(g)
            if len(inner) == 1:
                middle = (middle,)
            totals: tuple[Any, ...] | None = None
            for pull, h in zip(pullbacks, middle, strict=True):
                parts = pull(h)
                parts = (parts,) if len(xs) == 1 else parts
                if totals is None:
                    totals = parts
                else:
                    totals = tuple(add(a, b) for a, b in zip(totals, parts, strict=True))
            assert totals is not None  # there is at least one inner op
            return totals[0] if arity == 1 else totals

        return y, pullback

    arities = {op.arity for op in inner if op.arity >= 0}
    if not inner or len(arities) > 1:
        raise OpError(
            f"{outer.name} composed with ops of {sorted(arities)} operands; give at least one op, "
            "and ops that take the same operands"
        )
    arity = arities.pop() if arities else -1
    name = f"{outer.name}({', '.join(op.name for op in inner)})"
    return Op(name, fn, pullback_form=True, arity=arity)
