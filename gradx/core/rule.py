"""Rules: the reverse rule of one operand of an op, and what it keeps of the forward run.

What a rule keeps is said by the names of its parameters, which `gradx.core.op` lists.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from gradx.core.linear import Kernel
from gradx.core.spec import shape_of
from gradx.errors import NotLiftedError, OpError

__all__ = ["OPERANDS", "RefusedRule", "Reverse", "Rule", "VariadicRule", "WholeRule"]

Reverse = Callable[..., Any]
OPERANDS = MappingProxyType({1: ("x",)} | {n: tuple("abcde"[:n]) for n in (2, 3, 4, 5)})
"""How the rules of an op call its operands, by their number."""


def _parameters(pull: Reverse) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The names of a rule's parameters, and of those that are keywords only.

    Of a plain function its code says them; `inspect.signature` takes ten times as long, and there
    are hundreds of rules when gradx is imported.
    """
    code = getattr(pull, "__code__", None)
    if code is None or hasattr(pull, "__wrapped__") or code.co_flags & _TAKES_ANY:
        found = inspect.signature(pull).parameters.values()
        keywords = tuple(p.name for p in found if p.kind is p.KEYWORD_ONLY)
        return tuple(p.name for p in found if p.kind is not p.KEYWORD_ONLY), keywords
    last = code.co_argcount + code.co_kwonlyargcount
    return code.co_varnames[: code.co_argcount], code.co_varnames[code.co_argcount : last]


_TAKES_ANY = inspect.CO_VARARGS | inspect.CO_VARKEYWORDS


class Rule:
    """The reverse rule of one operand, and how to keep what it needs.

    Attributes:
        pull: the rule.
        source: what it was made of: ``pull``, or a kernel.
        save: ``save(y, xs)`` gives what the rule is called with after ``g``.
        params: the names of the static parameters it takes.
    """

    __slots__ = ("needs", "params", "pull", "save", "source")
    pull: Reverse
    source: Reverse | Kernel
    params: tuple[str, ...]
    needs: tuple[str, ...]

    def __init__(self, name: str, pull: Reverse | Kernel, operands: Sequence[str]) -> None:
        self.source = pull
        if isinstance(pull, Kernel):
            self.pull, self.params, self.needs = pull.function, (), pull.needs
        else:
            (first, *needs), self.params = _parameters(pull)
            if first != "g":
                raise OpError(f"a rule of {name} takes {first!r} first; name the cotangent 'g'")
            self.pull, self.needs = pull, tuple(needs)
        self.save = _saver(name, self.needs, operands)

    def __repr__(self) -> str:
        return f"Rule(keeps={', '.join(self.needs) or 'nothing'})"


Save = Callable[[Any, Sequence[Any]], tuple[Any, ...]]

_COMMON_SAVERS: Mapping[tuple[str, ...], Save] = MappingProxyType(
    {
        (): lambda y, xs: (),
        ("y",): lambda y, xs: (y,),
        ("x",): lambda y, xs: (xs[0],),
        ("a",): lambda y, xs: (xs[0],),
        ("b",): lambda y, xs: (xs[1],),
        ("a", "b"): lambda y, xs: (xs[0], xs[1]),
        ("b", "y"): lambda y, xs: (xs[1], y),
        ("x_shape",): lambda y, xs: (shape_of(xs[0]),),
        ("a_shape", "b"): lambda y, xs: (shape_of(xs[0]), xs[1]),
        ("a", "b_shape"): lambda y, xs: (xs[0], shape_of(xs[1])),
    }
)


def _saver(name: str, needs: tuple[str, ...], operands: Sequence[str]) -> Save:
    """The function that picks what a rule keeps."""
    common = _COMMON_SAVERS.get(needs)
    if common is not None:
        return common
    known = ("y", *operands)
    picks: list[tuple[int, bool]] = []
    for need in needs:
        source = need.removesuffix("_shape")
        if source not in known:
            raise OpError(
                f"a rule of {name} asks for {need!r}; it can keep 'y', its operands "
                f"{', '.join(operands)} and their shapes, and takes parameters by keyword"
            )
        picks.append((known.index(source), source != need))

    def save(y: Any, xs: Sequence[Any]) -> tuple[Any, ...]:
        every = (y, *xs)
        return tuple([shape_of(every[k]) if shape else every[k] for k, shape in picks])

    return save


class WholeRule(Rule):
    """A rule that keeps all operands and the result, for ops of many operands.

    Args:
        rule: the rule, ``rule(g, xs, y)``.
    """

    __slots__ = ()

    def __init__(self, rule: Callable[[Any, Sequence[Any], Any], Any]) -> None:
        self.source = rule
        self.pull = lambda g, y, *xs: rule(g, xs, y)
        self.save = lambda y, xs: (y, *xs)
        self.params = self.needs = ()


class RefusedRule(Rule):
    """The rule of an operand for which gradx has none: it raises when a variable is met there.

    Args:
        name: the function, as users write it.
        argument: what the function calls the operand.
    """

    __slots__ = ()

    def __init__(self, name: str, argument: str) -> None:
        def refuse(*args: Any) -> Any:
            raise NotLiftedError(
                f"{name} has no derivative with respect to its argument {argument} in gradx; pass "
                f"gx.value({argument}) if no gradient should flow through it, or make an op of the "
                "function with @gx.lift (result and pullback)"
            )

        self.pull = self.source = self.save = refuse
        self.params = self.needs = ()


class VariadicRule:
    """The reverse rule of any of many operands: it is told which one by ``i``."""

    __slots__ = ("needs", "params", "pull", "source")

    def __init__(self, name: str, pull: Reverse) -> None:
        (_, *needs), self.params = _parameters(pull)
        self.pull = self.source = pull
        self.needs = tuple(needs)
        unknown = set(self.needs) - {"y", "xs", "i"}
        if unknown:
            raise OpError(f"a rule of {name} asks for {sorted(unknown)}; it can keep y, xs and i")

    def save(self, y: Any, xs: Sequence[Any], i: int) -> tuple[Any, ...]:
        """What the rule of operand ``i`` is called with after ``g``."""
        known = {"y": y, "xs": xs, "i": i}
        return tuple([known[need] for need in self.needs])
