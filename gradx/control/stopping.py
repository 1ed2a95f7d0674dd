"""Stopping: values through which no derivative goes."""

from __future__ import annotations

from typing import Any, TypeVar

from gradx.core.dispatch import Lifted, apply
from gradx.core.op import Op, register_ops
from gradx.core.spec import Form, spec_of
from gradx.devices.placement import copied
from gradx.reverse.opaque import join
from gradx.values.leaves import map_leaves
from gradx.values.operations import ValueType, registry, zero
from gradx.values.statics import static_copy

__all__ = ["stop_gradient"]

T = TypeVar("T")

_stopped = Op("stop_gradient", copied, lambda g: None)
_stopped_whole = Op(
    "stop_gradient_of_value", lambda x: (x, lambda g: zero(x)), pullback_form=True, arity=1
)
"""The same for a value of a type with an ``add`` of its own."""
register_ops((_stopped, _stopped_whole))


def stop_gradient(x: T) -> T:
    """A value like another, which is a constant to every derivative.

    In a differentiated function it stays a variable, with derivative zero in every run that is
    open, of every order and kind; `gradx.value` takes the plain value out instead. Its arrays are
    copies.

    Args:
        x: any value.

    Raises:
        UnregisteredTypeError: a part is of an unknown type.

    >>> from gradx import grad
    >>> grad(lambda x: x * stop_gradient(x))(3.0)
    3.0
    """
    x = join(x, "the argument of stop_gradient")
    if not isinstance(x, Lifted) and registry.find(type(x)) is None:
        return x
    return map_leaves(x, _stop, "the argument of stop_gradient", static=_stop)  # type: ignore[no-any-return]


def _stop(x: Any, spec: ValueType) -> Any:
    if isinstance(x, Lifted):
        return apply(_stopped_whole if spec_of(x).form is Form.OPAQUE else _stopped, (x,))
    return static_copy(x) if spec.static else copied(x) if spec.numeric else x
