"""Laws: the check that a type of values adds as gradients must.

The laws stand in `gradx.values.operations`. They are checked on examples, each alone, in pairs
and in threes, with the zeros and ones of the examples among them. Numbers may differ by rounding.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable
from decimal import Decimal
from fractions import Fraction
from typing import Any, TypeVar

import numpy as np

from gradx.errors import GradxError, StructureError
from gradx.reverse.api import grad_bp
from gradx.values.operations import ValueType, add, children_of, one, value_type, zero

__all__ = ["LawError", "check_value_laws"]

T = TypeVar("T")
Equal = Callable[[Any, Any], bool]


class LawError(GradxError, AssertionError):
    """A type of values breaks a law; the message has the law, the example and both sides."""


def check_value_laws(cls: type[T], examples: Iterable[T], *, equal: Equal | None = None) -> None:
    """Check on examples that a type's ``zero``, ``add`` and ``one`` obey the laws of values.

    Args:
        cls: the type, which all examples are of.
        examples: some values of the type, at least one; three that differ find most mistakes.
            Those that cannot be added to one another (arrays of two shapes) are checked alone.
        equal: ``equal(x, y)`` compares two values of the type. By default numbers and arrays are
            compared up to rounding, parts one by one, and other values with ``==``.

    Raises:
        LawError: (an AssertionError) a law is broken.
        TypeError: an example is not of the type.
        ValueError: there is no example.

    >>> check_value_laws(tuple, [(1.0, [2.0, 3.0]), (0.5, [4.0])])
    """
    xs = list(examples)
    if not xs:
        raise ValueError(f"there are no examples of {cls.__name__} to check; give at least one")
    for x in xs:
        if not isinstance(x, cls):
            raise TypeError(
                f"the example {_shown(x)} is a {type(x).__name__}; give values of {cls.__name__}"
            )
    largest = max(map(_largest, xs))
    check = _Check((lambda x, y: _same(x, y, largest)) if equal is None else equal)
    for x in xs:
        _check_alone(check, x)
    for x, y in itertools.product(xs, repeat=2):
        _check_pair(check, x, y)
    for x, y, z in itertools.product(xs[:_MOST], repeat=3):
        _check_three(check, x, y, z)


_MOST = 6
"""How many examples are checked in threes, whose number grows with the third power."""


class _Check:
    """Compares the two sides of a law."""

    def __init__(self, equal: Equal) -> None:
        self.equal = equal

    def __call__(self, law: str, left: Any, right: Any, **named: Any) -> None:
        if self.equal(left, right):
            return
        where = ", ".join(f"{name} = {_shown(value)}" for name, value in named.items())
        raise LawError(
            f"the law {law} does not hold for {where}: the left side is {_shown(left)} and the "
            f"right side {_shown(right)}"
        )


def _check_alone(check: _Check, x: Any) -> None:
    check("zero(zero(x)) == zero(x)", zero(zero(x)), zero(x), x=x)
    check("one(one(x)) == one(x)", one(one(x)), one(x), x=x)
    check("add(x, zero(x)) == x", add(x, zero(x)), x, x=x)
    check("add(zero(x), x) == x", add(zero(x), x), x, x=x)
    mine, kept = add(zero(x), x), add(zero(x), x)
    add(mine, one(x))
    check("add(x, y) leaves x as it is", mine, kept, x=x, y=one(x))
    add(one(x), mine)
    check("add(x, y) leaves y as it is", mine, kept, x=one(x), y=x)
    _check_pair(check, x, one(x))
    _check_three(check, x, one(x), zero(x))
    if not value_type(x).static:
        check("grad_bp(identity, x) == one(x)", grad_bp(lambda v: v, x), one(x), x=x)
    gradient = grad_bp(lambda v: 0.0, x)
    check("grad_bp(constant, x) == zero(x)", gradient, zero(x), x=x)


def _check_pair(check: _Check, x: Any, y: Any) -> None:
    if _addable(check, x, y):
        check("add(x, y) == add(y, x)", add(x, y), add(y, x), x=x, y=y)


def _check_three(check: _Check, x: Any, y: Any, z: Any) -> None:
    if _addable(check, x, y) and _addable(check, y, z) and _addable(check, x, z):
        law = "add(add(x, y), z) == add(x, add(y, z))"
        check(law, add(add(x, y), z), add(x, add(y, z)), x=x, y=y, z=z)


def _addable(check: _Check, x: Any, y: Any) -> bool:
    """Whether two values can be added; that must not depend on which comes first."""
    raised = [_refusal(x, y), _refusal(y, x)]
    if (raised[0] is None) is not (raised[1] is None):
        error = raised[0] or raised[1]
        raise LawError(
            f"the law add(x, y) == add(y, x) does not hold for x = {_shown(x)}, y = {_shown(y)}: "
            f"one side has a value and the other raises {type(error).__name__}: {error}"
        )
    return raised[0] is None


def _refusal(x: Any, y: Any) -> StructureError | None:
    try:
        add(x, y)
    except StructureError as error:
        return error
    return None


# --- Equality up to rounding ----------------------------------------------------------------------


def _largest(x: Any) -> float:
    """The largest finite number in a value, and at least 1: what rounding is relative to."""
    spec = value_type(x)
    if not spec.numeric:
        return max((_largest(part) for _, part in children_of(x, spec)), default=1.0)
    sizes = np.abs(np.asarray(x, complex if np.iscomplexobj(x) else float))
    return float(np.max(sizes, initial=1.0, where=np.isfinite(sizes)))


def _same(x: Any, y: Any, largest: float) -> bool:
    """Whether two values are equal, numbers up to rounding, containers part by part."""
    spec, other = value_type(x), value_type(y)
    if spec.numeric and other.numeric:
        return _same_numbers(x, y, largest)
    if type(x) is not type(y):
        return False
    if spec.children is None:
        return _same_leaves(x, y)
    return _same_parts(x, y, spec, largest)


def _same_parts(x: Any, y: Any, spec: ValueType, largest: float) -> bool:
    mine, theirs = children_of(x, spec), children_of(y, value_type(y))
    if len(mine) != len(theirs):
        return False
    found = dict(theirs)
    return all(key in found and _same(part, found[key], largest) for key, part in mine)


def _same_numbers(x: Any, y: Any, largest: float) -> bool:
    if np.shape(x) != np.shape(y):
        return False
    exact = (Fraction, Decimal)
    if type(x) in exact or type(y) in exact:
        return type(x) is type(y) and bool(abs(float(x - y)) <= 1e-15 * largest)
    bound = 16 * max(_precision(x), _precision(y)) * largest
    with np.errstate(invalid="ignore"):  # infinite numbers differ by NaN
        close = (np.abs(np.subtract(x, y)) <= bound) | np.equal(x, y)
    return bool(np.all(close | (np.isnan(x) & np.isnan(y))))


def _precision(x: Any) -> float:
    dtype = getattr(x, "dtype", None)
    return float(np.finfo(float if dtype is None or dtype.kind not in "fc" else dtype).eps)


def _same_leaves(x: Any, y: Any) -> bool:
    if x is y:
        return True
    own: Any = type(x).__eq__
    if own is object.__eq__:
        raise TypeError(
            f"two values of {type(x).__name__} cannot be compared; give the class an __eq__, or "
            "pass equal= to check_value_laws"
        )
    return bool(np.all(x == y))


def _shown(x: Any) -> str:
    text = repr(x)
    return text if len(text) <= 200 else f"{text[:197]}..."
