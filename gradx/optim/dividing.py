"""Dividing: a method for each part of the parameters."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from gradx.errors import StructureError
from gradx.optim.errors import MethodError
from gradx.optim.method import Method, check_method, check_state
from gradx.optim.parts import joined_parts, marked, only
from gradx.optim.stepping import put
from gradx.records.tree_map import expand
from gradx.values.operations import ValueType, Where, fold

__all__ = ["ByPartState", "FrozenState", "by_part", "frozen"]

P = TypeVar("P")


@dataclass(frozen=True)
class FrozenState:
    """What `frozen` remembers.

    Attributes:
        step: how many steps have been done.
    """

    step: int


@dataclass(frozen=True)
class frozen(Method):
    """A method that leaves parameters as they are, for a part of `by_part`.

    >>> method = frozen()
    >>> method.update(5.0, method.init(1.0), 1.0)
    (1.0, FrozenState(step=1))
    """

    def init(self, params: Any) -> FrozenState:
        """The state before the first step: see `Method.init`."""
        return FrozenState(0)

    def update(
        self, gradient: P, state: FrozenState, params: P, *, in_place: bool = False
    ) -> tuple[P, FrozenState]:
        """One step: see `Method.update`."""
        check_state(state, FrozenState, self)
        return params, FrozenState(state.step + 1)


@dataclass(frozen=True)
class ByPartState:
    """What `by_part` remembers.

    Attributes:
        step: how many steps have been done.
        parts: the states of the methods in order, that of ``otherwise`` last; what each remembers
            has the structure of the parameters, with None in the place of what is not its part.
    """

    step: int
    parts: tuple[Any, ...]


@dataclass(frozen=True)
class by_part(Method):
    """A method for each part of the parameters.

    Args:
        methods: from an optic, which chooses some arrays and numbers or records of them, to the
            method for these.
        otherwise: the method for all other leaves; without it there must be none.

    Raises:
        MethodError: a method is none. From ``init`` and ``update``: an optic chooses nothing, or
            what is no whole leaf; two choose the same leaf; a leaf has no method.

    >>> import gradx as gx
    >>> method = by_part({gx.ix("w"): gx.optim.sgd(1.0)}, otherwise=frozen())
    >>> params = {"w": 1.0, "b": 1.0}
    >>> method.update({"w": 3.0, "b": 3.0}, method.init(params), params)[0]
    {'w': -2.0, 'b': 1.0}
    """

    methods: Mapping[Any, Method] = field(hash=False)
    otherwise: Method | None = None

    def __post_init__(self) -> None:
        for method in self.methods.values():
            check_method(method, "by_part")
        if self.otherwise is not None:
            check_method(self.otherwise, "by_part")
        object.__setattr__(self, "methods", dict(self.methods))

    def _all(self) -> list[Method]:
        last = [] if self.otherwise is None else [self.otherwise]
        return [*self.methods.values(), *last]

    def _marks(self, params: Any) -> Any:
        """The mark of its method in the place of each leaf."""
        marks = marked(params, tuple(self.methods), "by_part")
        rest = str(len(self.methods))

        def leaf(x: Any, spec: ValueType, mates: tuple[Any, ...], where: Where) -> Any:
            if spec.static or mates[0] is not None:
                return mates[0]
            if self.otherwise is None:
                raise MethodError(
                    f"by_part has no method for {where()}; give otherwise=gx.optim.frozen(), or "
                    "another method for the rest"
                )
            return rest

        return fold(params, (marks,), expand, leaf, "params")

    def init(self, params: Any) -> ByPartState:
        """The state before the first step: see `Method.init`."""
        marks = self._marks(params)
        states = [method.init(only(params, marks, str(k))) for k, method in enumerate(self._all())]
        return ByPartState(0, tuple(states))

    def update(
        self, gradient: P, state: ByPartState, params: P, *, in_place: bool = False
    ) -> tuple[P, ByPartState]:
        """One step: see `Method.update`."""
        check_state(state, ByPartState, self)
        if len(state.parts) != len(self._all()):
            raise StructureError(
                f"by_part: state is of {len(state.parts)} methods, and there are "
                f"{len(self._all())}; give what its init gave, or its last update"
            )
        new = self._step(gradient, state, params, [each.update for each in self._all()])
        return put(params, state, *new) if in_place else new

    def advance(self, gradient: P, state: ByPartState, params: P) -> tuple[P, ByPartState]:
        """One step: see `Method.advance`."""
        return self._step(gradient, state, params, [each.advance for each in self._all()])

    def _step(
        self, gradient: P, state: ByPartState, params: P, steps: list[Any]
    ) -> tuple[P, ByPartState]:
        marks = self._marks(params)
        news: dict[str | None, Any] = {}
        states = []
        for k, (step, own) in enumerate(zip(steps, state.parts, strict=True)):
            part, g = only(params, marks, str(k)), only(gradient, marks, str(k))
            news[str(k)], after = step(g, own, part)
            states.append(after)
        return joined_parts(params, marks, news), ByPartState(state.step + 1, tuple(states))
