"""Changes: the check that setting a part does not change its type."""

from __future__ import annotations

from typing import Any

from gradx.core.spec import primal
from gradx.errors import NotDifferentiableError, OpticError, UnregisteredTypeError
from gradx.lens.hints import accepts, hints_of
from gradx.values.operations import Kind, value_type

__all__ = ["check_change", "kind_of"]


def kind_of(x: Any) -> Kind | None:
    """What a value is to gradx; None if it cannot be differentiated at all."""
    try:
        return value_type(x).kind
    except (UnregisteredTypeError, NotDifferentiableError):
        return None


def check_change(step: Any, whole: Any, old: Any, new: Any) -> None:
    """Refuse a new part whose type differs from that of the old part.

    Numbers and arrays may replace one another, and so may None and anything else. If the field
    has an annotation that allows the new part, such as a union, the annotation decides; without
    one a record may replace any other record, since these are the members of sum types.

    Args:
        step: the step to the part, for the message.
        whole: the whole.
        old: the part that was there, plain or a variable.
        new: the part that is set, plain or a variable.

    Raises:
        OpticError: the types differ.
    """
    old, new = primal(old), primal(new)
    if type(old) is type(new):
        return
    name = getattr(step, "name", None)
    cls: Any = type(primal(whole))
    allowed = accepts(hints_of(cls).get(name), new) if name else None
    if allowed or (allowed is None and (old is None or new is None)):
        return
    if kind_of(old) is kind_of(new) is Kind.NUMERIC:
        return
    alike = isinstance(new, type(old)) or isinstance(old, type(new))
    if allowed is None and (alike or kind_of(old) is kind_of(new) in (Kind.RECORD, Kind.OPAQUE)):
        return
    raise OpticError(
        f"setting {step} of a {cls.__name__} to a {type(new).__name__} would change its type, "
        f"which is {type(old).__name__}; give a {type(old).__name__}, or annotate the field with "
        f"a union such as {type(old).__name__} | {'None' if new is None else type(new).__name__}"
    )
