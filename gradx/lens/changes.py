"""Changes: the check that a set leaves the type of a part as it was."""

from __future__ import annotations

from typing import Any

from gradx.errors import OpticError
from gradx.lens.hints import accepts, hints_of
from gradx.lens.sites import Edit, kind_of, plain_at
from gradx.value import Kind

__all__ = ["check_change"]


def check_change(step: Any, whole: Any, old: Any, new: Any) -> None:
    """Refuse a new part of another type than the old one.

    Numbers and arrays stand for one another, and so do None and anything else. An annotation of
    the field that allows the new part, such as a union, decides; without one a record may follow
    any other, since a sum type is made of them.

    Args:
        step: the step to the part, for the message.
        whole: the plain whole.
        old: the part that was there, plain or a variable.
        new: the part that is set.

    Raises:
        OpticError: the types differ.
    """
    if type(new) is Edit:
        return  # its own parts have been checked
    old, new = plain_at(old), plain_at(new)
    if type(old) is type(new):
        return
    name = getattr(step, "name", None)
    cls: Any = type(whole)
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
