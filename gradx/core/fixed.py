"""Fixed fields: what a record holds that is no part of it, and so is the same for all examples.

These are static fields, and those annotated with integers. `gradx.vmap` and `gradx.scan` take no
array in such a field apart, and put none together: what would go wrong in silence raises.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from gradx.core.dispatch import has_variables
from gradx.errors import StructureError
from gradx.values.fields import marks_of
from gradx.values.operations import Kind, ValueType, children_of, same_static

__all__ = ["check_alike", "check_unmapped", "check_without_examples"]


def _fixed(x: Any, spec: ValueType) -> Iterator[tuple[str, Any]]:
    """The fixed fields of a container, if it is a record."""
    if spec.kind in (Kind.RECORD, Kind.NAMED_TUPLE) and marks_of(type(x)):
        parts = {key for key, _ in children_of(x, spec)}
        names = [name for name in marks_of(type(x)) if name not in parts and hasattr(x, name)]
        yield from ((name, getattr(x, name)) for name in names)


def check_unmapped(x: Any, spec: ValueType, axes: Any) -> None:
    """Refuse an array in a fixed field of an input that is to be mapped.

    An array in a field that is declared static is meant to be the same for all examples.

    Args:
        x: the container.
        spec: its type.
        axes: its axis, or a record with one for each field.

    Raises:
        StructureError: there is one.
    """
    for name, value in _fixed(x, spec):
        of_all = None if marks_of(type(x))[name] == "static" else axes
        axis = of_all if axes is None or type(axes) is int else getattr(axes, name, None)
        if axis is not None and getattr(value, "shape", None):
            raise StructureError(
                f"the field {name!r} of a {type(x).__name__} is static or one of integers, and "
                f"holds an array of shape {value.shape}, which would not be mapped; annotate it "
                "with np.ndarray, or give the array apart from the record"
            )


def check_without_examples(x: Any, spec: ValueType) -> None:
    """Refuse a batched value in a fixed field of a result.

    Raises:
        StructureError: there is one.
    """
    for name, value in _fixed(x, spec):
        if has_variables(value):
            raise StructureError(
                f"the field {name!r} of a {type(x).__name__} is static or one of integers, and "
                f"the result of a mapped function has {value!r} in it; annotate it with np.ndarray"
            )


def check_alike(x: Any, y: Any, spec: ValueType) -> None:
    """Refuse two containers of one type that differ in a fixed field.

    Raises:
        StructureError: they do.
    """
    theirs = dict(_fixed(y, spec))
    for name, value in _fixed(x, spec):
        if not same_static(value, theirs.get(name)):
            raise StructureError(
                f"the field {name!r} of a {type(x).__name__} is static or one of integers, and is "
                f"{value!r} in one result and {theirs.get(name)!r} in another; annotate it with "
                "np.ndarray or float"
            )
