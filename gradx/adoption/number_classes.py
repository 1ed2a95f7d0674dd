"""NumPy's classes of numbers, such as `np.float64`, which programs call to cast as well.

``np.float64(v)`` would have to make a plain number, so it raises. In adopted code the name is a
class that casts variables too, and answers every question as NumPy's class does: it equals that, is
a dtype, and has the same instances. Only ``type(x) is np.float64`` is false of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import numpy as np

from gradx import numpy as gnp
from gradx.adoption.inside import handed
from gradx.core.spec import shape_of
from gradx.numpy.arguments import has_lifted, primals
from gradx.reverse.constants import is_constant, stripped

__all__ = ["NUMBER_CLASSES"]

_NAMES = ("float32", "float64", "longdouble", "complex64", "complex128", "clongdouble")


class _LikeNumpys(type):
    """What casts variables; all else is the answer of NumPy's class."""

    own: Any

    def __call__(cls, *args: Any, **kwargs: Any) -> Any:
        if len(args) == 1 and not is_constant(args[0]) and has_lifted(args[0]):
            return _cast(args[0], cls.own)
        return handed(cls.own(*map(stripped, args), **kwargs), args)

    def __instancecheck__(cls, x: Any) -> bool:
        return isinstance(x, cls.own)

    def __subclasscheck__(cls, other: Any) -> bool:
        return issubclass(other, cls.own)

    def __eq__(cls, other: Any) -> bool:
        return True if other is cls or other is cls.own else NotImplemented  # a dtype answers

    def __hash__(cls) -> int:
        return hash(cls.own)


def _cast(x: Any, own: Any) -> Any:
    """A variable, or a list with some, as an array or a number of a class of NumPy."""
    if np.iscomplexobj(primals(x)) and not issubclass(own, np.complexfloating):
        own(primals(x))  # raises or warns as NumPy does
    y = gnp.asarray(x, dtype=own)
    return y if shape_of(y) else y[()]


def _class_of(own: Any) -> Any:
    members = {"own": own, "__module__": "numpy", "__doc__": own.__doc__, "__slots__": ()}
    return _LikeNumpys(own.__name__, (own,), members)


_CLASSES = tuple(_class_of(getattr(np, name)) for name in _NAMES)
NUMBER_CLASSES: Mapping[str, Any] = MappingProxyType(
    {name: new for name, own in vars(np).items() for new in _CLASSES if new.own is own}
)
"""By each name that NumPy has for one, such as ``double``."""
