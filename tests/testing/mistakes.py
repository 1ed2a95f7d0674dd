"""Wrong rules, seeded into the real ops of the tables by system.

A case of the specification that is one call of one op is found by an abstract run that listens.
The op is copied with one rule changed, and the case is called with the copy. A change that changes
nothing there (the sign of zero, the transpose of a symmetric matrix) is left out.
"""

import inspect
import itertools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

import gradx as gx
from gradx.core.cotangent import dense
from gradx.core.dispatch import Lifted, apply
from gradx.core.op import OPS, Op
from gradx.core.rule import Rule, VariadicRule
from gradx.core.spec import spec_of
from gradx.testing.abstract import AbstractRun
from gradx.testing.gradients import contraction, random_like
from gradx.values.operations import Kind, value_type
from tests.ops.cases import ALL_CASES

# --- Cases that are one call of one op ------------------------------------------------------------


class Listening(AbstractRun):
    """An abstract run that writes down the ops it does."""

    __slots__ = ("calls",)

    def __init__(self):
        super().__init__()
        self.calls = []

    def process(self, op, operands, params):
        self.calls.append((op, tuple(operands), params))
        return super().process(op, operands, params)


@dataclass
class Call:
    """A call of one op.

    Attributes:
        op: the op.
        xs: the inputs.
        operands: those of the op, where an int stands for one of the inputs.
        params: the static parameters.
    """

    op: Op
    xs: tuple[Any, ...]
    operands: list[Any]
    params: dict[str, Any] | None

    def by(self, op):
        """The function that calls an op instead of this one."""

        def call(*xs):
            return apply(
                op, tuple(xs[x] if isinstance(x, int) else x[0] for x in self.operands), self.params
            )

        call.__name__ = op.name
        return call


def call_of(case, rng, imaginary=False):
    """The one call that a case is; None if it is another thing."""
    xs = case.make(rng)
    if imaginary:
        xs = tuple(x + 1j * y if is_real(x) else x for x, y in zip(xs, case.make(rng), strict=True))
    if not case.abstract or any(value_type(x).kind is Kind.STATIC for x in xs):
        return None
    run = Listening()
    inputs = [run.wrap(x, spec_of(x)) for x in xs]
    with np.errstate(all="ignore"):
        case.call(*inputs)
    if len(run.calls) != 1:
        return None
    op, operands, params = run.calls[0]
    places = {id(x): k for k, x in enumerate(inputs)}
    if (
        OPS.get(op.name) is not op
        or op.pullback_form
        or any(isinstance(v, Lifted) for v in (params or {}).values())
    ):
        return None
    known = [places.get(id(x), (x,)) for x in operands]
    return (
        Call(op, xs, known, params)
        if set(places.values()) <= set(filter(is_place, known))
        else None
    )


def is_place(x):
    return isinstance(x, int)


def is_real(x):
    return isinstance(x, float) or getattr(x, "dtype", None) == np.float64


# --- Wrong rules ----------------------------------------------------------------------------------


def shaped(h, like):
    return np.reshape(h, np.shape(like))


def without_one(h):
    mask = np.ones(np.shape(h))
    mask[(0,) * mask.ndim] = 0.0
    return h * mask


def turned(x):
    square = np.ndim(x) == 2 and np.shape(x)[0] == np.shape(x)[1]
    return np.transpose(x) if square else x


def of_one_row(h, y, x):
    """The cotangent of the first of what broadcasting repeated, instead of the sum of all."""
    rows = np.ones(np.shape(h))
    missing = np.ndim(h) - np.ndim(x)
    for axis in range(np.ndim(h)):
        if axis < missing or (np.shape(x)[axis - missing] == 1 and np.shape(h)[axis] > 1):
            rows[(slice(None),) * axis + (slice(1, None),)] = 0.0
    return h * rows


RESULT = {
    "a factor": lambda h: 1.001 * h,
    "a factor of two": lambda h: 0.5 * h,
    "the sign": lambda h: -h,
    "transposed": lambda h: shaped(np.transpose(h), h),
    "a dropped term": without_one,
    "a wrong order": lambda h: np.flip(h),
    "a wrong axis": lambda h: np.roll(h, 1, axis=-1),
    "a conjugate": np.conjugate,
    "a power": lambda h: h * h,
    "one too many": lambda h: h + 1.0,
}
"""By name, what is done to the cotangent that a rule returns."""
RARE = ("no sum over rows", "another axis", "operands exchanged", "an operand transposed")
"""Those that few ops can have are made wherever they can be."""
LOST = "the second derivative lost"
KINDS = (*RESULT, LOST, "the result for the operand")


def signed_like(rule, function, needs=None):
    """A rule with the parameters of another."""
    names = ("g", *(rule.needs if needs is None else needs))
    kinds = inspect.Parameter
    function.__signature__ = inspect.Signature(
        [kinds(n, kinds.POSITIONAL_OR_KEYWORD) for n in names]
        + [kinds(n, kinds.KEYWORD_ONLY) for n in rule.params]
    )
    return function


def wrong_rule(kind, rule, call, i):
    """A rule with one mistake; None where it cannot be made."""
    pull = rule.pull

    if kind in RESULT:
        change = RESULT[kind]
        return signed_like(rule, lambda *args, **params: change(dense(pull(*args, **params))))
    if kind == "operands exchanged":
        if len(rule.needs) < 2 or any(n.endswith("_shape") or n == "i" for n in rule.needs):
            return None
        return signed_like(rule, lambda g, *kept, **params: pull(g, *kept[::-1], **params))
    if kind == "an operand transposed":
        if not rule.needs:
            return None
        return signed_like(rule, lambda g, *kept, **params: pull(g, *map(turned, kept), **params))
    if kind == LOST:
        if not rule.needs:
            return None
        return signed_like(rule, lambda g, *kept, **params: pull(g, *map(gx.value, kept), **params))
    if kind == "no sum over rows":
        if not call.op.broadcasts:
            return None
        x = call.operands[i]
        x = call.xs[x] if isinstance(x, int) else x[0]
        return signed_like(
            rule, lambda g, *kept, **params: of_one_row(dense(pull(g, *kept, **params)), g, x)
        )
    if kind == "another axis":
        if "axis" not in rule.params:
            return None
        other = lambda axis: 0 if axis in (-1, None) else axis - 1  # noqa: E731
        return signed_like(
            rule, lambda *args, axis, **params: pull(*args, axis=other(axis), **params)
        )
    if rule.needs != ("x",):
        return None
    return signed_like(rule, lambda g, y, **params: pull(g, y, **params), ("y",))


def copied(op, i=None, rule=None):
    """A copy of an op, with another rule for one operand."""
    rules = [each if each is None or k != i else rule for k, each in enumerate(op.rules)]
    if op.variadic:
        rules = [each if not isinstance(each, VariadicRule) else each.pull for each in rules]
    return Op(
        f"{op.name}, copied",
        op.forward,
        *rules,
        variadic=op.variadic,
        broadcasts=op.broadcasts,
        structured=0 if rule is not None else op.structured,
        arity=op.arity,
    )


@dataclass
class Mistake:
    """A wrong rule, and the call that shows it."""

    kind: str
    call: Call
    case: str
    rule: int
    wrong: Callable[..., Any]

    @property
    def name(self):
        return f"{self.case}, operand {self.rule}: {self.kind}"


def derivatives(f, xs, order):
    """The first or second derivatives for fixed cotangents, flat."""
    rng = np.random.default_rng(0)
    c = random_like(f(*xs), rng)
    along = [random_like(x, rng) for x in xs]

    def gradients(*xs):
        found = gx.backprop_with(f, *xs)[1](c)
        return [found] if len(xs) == 1 else list(found)

    if order == 1:
        return np.concatenate([np.ravel(g) for g in gradients(*xs)])
    found = gx.grad_bp(lambda *xs: contraction(along, gradients(*xs)), *xs)
    return np.concatenate([np.ravel(g) for g in ([found] if len(xs) == 1 else found)])


def differs(wrong, right, xs, orders):
    """Whether a mistake shows in the derivatives, by more than a comparison allows."""
    for order in orders:
        try:
            a, b = (derivatives(f, xs, order) for f in (wrong, right))
        except Exception:  # what does not fit raises: no silent mistake
            return False
        if not (np.all(np.isfinite(a)) and np.all(np.isfinite(b))) or a.shape != b.shape:
            return False
        if np.max(np.abs(a - b), initial=0.0) > 1e-4 * np.max(np.abs(b), initial=1e-3):
            return True
    return False


def mistakes_of(case, call, first):
    """The mistakes that a call shows, beginning with another kind for each case."""
    rules = call.op.rules
    for kind in (*RARE, *itertools.islice(itertools.cycle(KINDS), first, first + len(KINDS))):
        for i, rule in enumerate(rules):
            if type(rule) not in (Rule, VariadicRule):
                continue
            changed = wrong_rule(kind, rule, call, i)
            wrong = changed and call.by(copied(call.op, i, changed))
            orders = (1, 2) if kind == LOST else (1,)
            if wrong and differs(wrong, call.by(call.op), call.xs, orders):
                yield Mistake(kind, call, case.name, i, wrong)


def seeded(of_each_op, cases=ALL_CASES, seed=0):
    """Mistakes in as many ops as some cases have, so many in each, of all kinds in turn.

    Yields:
        A call with nothing wrong, and the mistakes that can be seen in it.
    """
    rng, first, done = np.random.default_rng(seed), 0, set()
    for case in cases:
        for imaginary in (False, True) if case.complex and len(case.ops) == 1 else (False,):
            call = call_of(case, rng, imaginary) if len(case.ops) == 1 else None
            if call is None:
                continue
            key = call.op, imaginary, len({np.shape(x) for x in call.xs}) > 1
            if key in done:
                continue
            found = list(itertools.islice(mistakes_of(case, call, first), of_each_op))
            if found:
                first += 1
                done.add(key)
                yield call, found
