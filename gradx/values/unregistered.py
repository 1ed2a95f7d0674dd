"""Unregistered types: those that are not in the registry.

Some are registered for the length of a ``with`` block (`gradx.instance`); for all others there is
an error that says what to do.
"""

from __future__ import annotations

from collections.abc import Callable, ItemsView, Iterator, KeysView, Mapping, ValuesView
from contextlib import contextmanager
from contextvars import ContextVar
from types import MappingProxyType
from typing import Any, NoReturn

from gradx.errors import NotDifferentiableError, UnregisteredTypeError
from gradx.values.per_class import mro_of

__all__ = ["entry_of", "instance_of", "known_as", "raise_unregistered", "unknown"]

_INSTANCES: ContextVar[Mapping[type, Any]] = ContextVar("instances", default=MappingProxyType({}))
"""The entries that hold within a ``with`` block, by thread (and by task)."""


def instance_of(cls: type) -> Any:
    """The entry of a class from a surrounding ``with`` block, or None."""
    known = _INSTANCES.get()
    return next((known[base] for base in mro_of(cls) if base in known), None) if known else None


@contextmanager
def known_as(cls: type, entry: Any) -> Iterator[None]:
    """Context manager: set the entry of an unregistered class, in this thread."""
    token = _INSTANCES.set({**_INSTANCES.get(), cls: entry})
    try:
        yield
    finally:
        _INSTANCES.reset(token)


def raise_unregistered(value: Any) -> NoReturn:
    """Placeholder entry for unregistered types; calling it raises."""
    raise unknown(value, "")


def entry_of(value: Any, entry: Any, where: Callable[[], str]) -> Any:
    """Resolve an entry that depends on the value, adding the path to any error."""
    if entry is raise_unregistered:
        raise unknown(value, where())
    try:
        return entry(value)
    except NotDifferentiableError as error:
        raise NotDifferentiableError(f"{where()}: {error}") from None


_REMEDIES = MappingProxyType(
    {
        "pandas": "pass its numbers as x.to_numpy(), or the columns of a frame as a dict, "
        "{name: frame[name].to_numpy() for name in frame}, and put the index back on the result",
        "polars": "pass its numbers as x.to_numpy(), or the columns of a frame as a dict, "
        "{name: frame[name].to_numpy() for name in frame.columns}",
        "xarray": "pass its numbers as x.to_numpy(), and put the coordinates back on the result",
        "scipy": "pass x.tocsr() of a sparse array, or x.toarray()",
    }
)
"""What to pass instead of a value of another library, by the library."""


_PASSING = (Iterator, KeysView, ValuesView, ItemsView)
"""Iterators and views, which hold no values: generators, ``map``, ``zip``, ``d.values()``."""
_HEAP = 1 << 9


def unknown(value: Any, path: str) -> UnregisteredTypeError:
    """The error for a value of an unregistered type, with the remedy."""
    cls = type(value)
    name = cls.__name__
    what = path if path == "the result" else "the value"
    if path not in ("", "value", "the result"):
        what += f" at {path}"
    if issubclass(cls, _PASSING) and not cls.__flags__ & _HEAP:
        return UnregisteredTypeError(
            f"gradx does not know the type {cls.__module__}.{name} of {what}, which iterates "
            "over values that are elsewhere; write list(…) around it, or tuple(…)"
        )
    remedy = _REMEDIES.get(cls.__module__.partition(".")[0])
    if remedy is not None:
        return UnregisteredTypeError(
            f"gradx does not know the type {cls.__module__}.{name} of {what}; "
            f"{remedy}, or write gx.register_static({name}) if it is not to be differentiated"
        )
    if hasattr(value, "__dlpack__"):
        return UnregisteredTypeError(
            f"gradx does not know the type {cls.__module__}.{name} of {what}, an "
            "array of another library; convert it with gx.from_dlpack(x), which copies nothing"
        )
    return UnregisteredTypeError(
        f"gradx does not know the type {cls.__module__}.{name} of {what}; "
        f"if it holds numbers to differentiate, write gx.register({name}, children=('attribute', "
        f"…)) or give it zero=, add= and one=; if not, write gx.register_static({name}), or mark "
        "the field of the record with gx.static()"
    )
