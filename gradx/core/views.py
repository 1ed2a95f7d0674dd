"""Views: arrays that show the items of another array, and what may be written into.

What is a view, a copy or the same object is in no list: NumPy's own result says it. A lifted array
that is a view has the array that it shows as its `_base`, reads through it and writes through it.
"""

from __future__ import annotations

from typing import Any

from gradx.core.op import OPS
from gradx.core.spec import Answering

__all__ = ["View", "is_view", "is_view_of"]


def is_view(x: Any) -> bool:
    """Whether a value is a lifted array that is a view; its `__class__` is that of its array."""
    return issubclass(type(x), View)


def is_view_of(y: Any, x: Any) -> bool:
    """Whether an array, plain or lifted, shows items of another one of which it was made."""
    if issubclass(type(y), Answering):
        return is_view(y) and bool(y._base is x)
    base = getattr(y, "base", None)
    if base is not None and not hasattr(base, "dtype"):  # what NumPy puts between for new strides
        base = getattr(base, "base", None)
    return base is not None and (base is x or base is getattr(x, "base", None))


class View(Answering):
    """The base of lifted arrays that are views.

    Attributes:
        _base: the lifted array whose items it shows.
        _step: the op that made it, the op's static parameters, and the shape of the base then.
    """

    __slots__ = ()
    _base: Any
    _step: tuple[Any, dict[str, Any] | None, tuple[int, ...]]

    def _steps(self) -> tuple[tuple[Any, dict[str, Any] | None], ...]:
        """The op that makes it of its base, after one that gives the base its shape of then."""
        op, params, shape = self._step
        if self._base._spec().shape == shape:
            return ((op, params),)
        return ((OPS["reshape"], {"shape": shape}), (op, params))
