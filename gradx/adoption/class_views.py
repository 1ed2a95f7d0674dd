"""Classes of a library as an adopted program sees them."""

from __future__ import annotations

from typing import Any

from gradx.adoption.inside import handed
from gradx.reverse.constants import stripped

__all__ = ["ClassView"]


class ClassView:
    """A class that is called with plain arrays, and makes arrays that can be filled.

    It answers `isinstance` as the class, equals it, and stands for it among the bases of a class.

    Args:
        cls: the class, such as `np.ndarray` or one of SciPy's.
    """

    __slots__ = ("_cls",)

    def __init__(self, cls: Any) -> None:
        self._cls = cls

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """An instance of the class."""
        named = {name: stripped(x) for name, x in kwargs.items()}
        return handed(self._cls(*map(stripped, args), **named))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._cls, name)

    def __instancecheck__(self, x: Any) -> bool:
        return isinstance(x, self._cls)

    def __subclasscheck__(self, cls: Any) -> bool:
        return issubclass(cls, self._cls)

    def __mro_entries__(self, bases: Any) -> tuple[type, ...]:
        return (self._cls,)

    def __getitem__(self, key: Any) -> Any:
        return self._cls[key]

    def __or__(self, other: Any) -> Any:
        return self._cls | other

    def __ror__(self, other: Any) -> Any:
        return other | self._cls

    def __eq__(self, other: object) -> bool:
        return other is self._cls or (isinstance(other, ClassView) and other._cls is self._cls)

    def __hash__(self) -> int:
        return hash(self._cls)

    def __repr__(self) -> str:
        return repr(self._cls)
