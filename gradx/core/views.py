"""Views: arrays that show the items of another array, and what may be written into.

What is a view, a copy or the same object is in no list: NumPy's own result says it. A lifted array
that is a view has the array that it shows as its `_base`, reads through it and writes through it.
"""

from __future__ import annotations

from typing import Any

from gradx.core.op import OPS
from gradx.core.spec import Answering

__all__ = ["View", "is_view", "is_view_of", "step_from"]

Step = tuple[Any, dict[str, Any] | None, tuple[int, ...], Any]


def is_view(x: Any) -> bool:
    """Whether a value is a lifted array that is a view; its `__class__` is that of its array."""
    return issubclass(type(x), View)


def is_view_of(y: Any, x: Any) -> bool:
    """Whether an array, plain or lifted, shows items of another one of which it was made."""
    if issubclass(type(y), Answering):
        if not is_view(y):
            return False
        return bool(y._base._stands_for(x)) or (is_view(x) and y._step[3] is x._step)
    base = getattr(y, "base", None)
    if base is None:
        return False
    # NumPy's own strides hold the array by an object that is none.
    return base is x or base is getattr(x, "base", None) or getattr(base, "base", None) is x


def step_from(base: Any, op: Any, params: dict[str, Any] | None) -> tuple[Any, Step]:
    """The array that a new view of a lifted array shows, and the step to it.

    Args:
        base: the array, which may be a view itself.
        op: the op that makes the view.
        params: the op's static parameters.
    """
    if is_view(base):
        return base._base, (op, params, base._spec().shape, base._step)
    return base, (op, params, base._spec().shape, None)


class View(Answering):
    """The base of lifted arrays that are views.

    Attributes:
        _base: the lifted array whose items it shows, which is no view.
        _step: the op that made it, the op's static parameters, the shape of the operand then, and
            the step of that if it was a view itself. So a view of a view of … is as near to the
            array as any.
    """

    __slots__ = ()
    _base: Any
    _step: Step

    def _steps(self) -> tuple[tuple[Any, dict[str, Any] | None], ...]:
        """The ops that make it of its base, after one that gives the base its shape of then."""
        steps: list[tuple[Any, dict[str, Any] | None]] = []
        step: Any = self._step
        shape: Any = None
        while step is not None:
            op, params, shape, step = step
            steps.append((op, params))
        if self._base._spec().shape != shape:
            steps.append((OPS["reshape"], {"shape": shape}))
        return tuple(reversed(steps))
