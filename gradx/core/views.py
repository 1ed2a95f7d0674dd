"""Views: arrays that show the items of another array, and what may be written into.

What is a view, a copy or the same object is in no list: NumPy's own result says it. A lifted array
that is a view has the array that it shows as its `_base`; it reads through it and writes through it.
"""

from __future__ import annotations

from typing import Any

from gradx.core.spec import Answering

__all__ = ["View", "is_view"]


def is_view(y: Any, x: Any) -> bool:
    """Whether an array, plain or lifted, shows items of another one of which it was made."""
    if isinstance(y, Answering):
        return isinstance(y, View) and y._base is x
    base = getattr(y, "base", None)
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
