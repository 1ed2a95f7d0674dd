"""Randomness: generators of random numbers that a mapped function reaches, and their states.

A mapped function is called once for all examples. A number that it draws would be the same for all
of them, while in the plain program each has its own; so a generator that moves is an error. One
that the function makes itself is not seen afterwards. A function that can make one is called a
second time: with a seed it gives the same again, as it does for each example of the plain program.
"""

from __future__ import annotations

import ctypes
import functools
import random
import sys
import types
from collections.abc import Callable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import numpy as np

from gradx.core.spec import home
from gradx.errors import NotLiftedError
from gradx.values.leaves import taken_apart
from gradx.values.operations import ValueType, registry

__all__ = ["Watch"]

_GENERATORS = (np.random.Generator, np.random.RandomState, np.random.BitGenerator, random.Random)
_MOST = 1000
"""So many objects are looked into at most."""


class Watch:
    """The states of the generators in reach of a call, to be compared after it.

    Looked into are the arguments, and of the function, and of functions that it names, the closure,
    the defaults and the globals that they name, also in modules of the user's. The states of
    `np.random` and `random` are compared in any case.

    Args:
        f: the function.
        args: what it is called with.
    """

    def __init__(self, f: Callable[..., Any], args: Any) -> None:
        self._found: list[tuple[str, Any, Any]] = []
        self._makers: list[str] = []
        for name, x in _in_reach(f, args):
            if _is_maker(x):
                self._makers.append(name)
            elif isinstance(x, _GENERATORS):
                self._found.append((name, x, _state(x)))
            elif type(x) is types.FunctionType and _makes_generators(x.__code__):
                self._makers.append(x.__name__)
        shared = ("random", _PYTHONS), ("np.random", np.random.mtrand._rand)
        self._shared = [(name, x, _shared_state(x)) for name, x in shared]

    def check(self) -> None:
        """Refuse a generator that has moved.

        Raises:
            NotLiftedError: one has; names it.
        """
        moved = [name for name, x, before in self._found if not _same(before, _state(x))]
        moved += [name for name, x, before in self._shared if not _same(before, _shared_state(x))]
        if moved:
            raise NotLiftedError(
                f"{moved[0]} drew random numbers inside a mapped function, which is called once "
                "for all examples, so that all would get the same; draw them outside, an array "
                "with a row for each example, and pass it as an argument"
            )

    def check_again(self, before: Sequence[Any], again: Callable[[], Sequence[Any]]) -> None:
        """Refuse a function that makes generators of its own and gives something else each time.

        Args:
            before: the arrays that it gave.
            again: calls it once more, for what it gives then.

        Raises:
            NotLiftedError: it does; names it.
        """
        if self._makers and not all(map(_same_bits, before, again())):
            raise NotLiftedError(
                f"{self._makers[0]} makes a generator of random numbers without a seed inside a "
                "mapped function, which is called once for all examples, so that all would get the "
                "same; draw them outside, an array with a row for each example, and pass it as an "
                "argument"
            )


def _same_bits(x: Any, y: Any) -> bool:
    """Whether two results are the same to the bit, as far as they have bits."""
    x, y = home(x), home(y)
    if type(x) is not np.ndarray or type(y) is not np.ndarray:
        return True
    return x.shape == y.shape and x.tobytes() == y.tobytes()


# --- States ---------------------------------------------------------------------------------------


def _shared_state(x: Any) -> Any:
    """The state of one of the two generators that all programs share, taken on every call.

    The benchmark row "per-example gradients" pays for reading their memory: to ask them takes
    longer than an operation on all examples.
    """
    bits = getattr(x, "_bit_generator", None)
    if not _memory_tells() or (bits is not None and type(bits) is not np.random.MT19937):
        return _state(x)
    if bits is None:
        return _memory(x, _TWISTER), x.gauss_next
    twister = ctypes.string_at(bits.ctypes.state_address, _WORDS * 4 + 4)  # and the position
    return twister, _memory(x, np.random.RandomState)  # where it keeps a normal number


def _memory(x: Any, cls: type) -> bytes:
    """What an object has in memory as one of a class of C, behind what every object has."""
    start = object.__basicsize__
    return ctypes.string_at(id(x) + start, cls.__basicsize__ - start)


@functools.cache
def _memory_tells() -> bool:
    """Whether a generator of each kind that draws a number shows it in its memory.

    Only CPython says where that is: elsewhere an `id` is no address, and nothing is read there.
    """
    if sys.implementation.name != "cpython":
        return False
    python, legacy = random.Random(0), np.random.RandomState(0)
    before = _memory(python, _TWISTER), _memory(legacy, np.random.RandomState)
    python.random()
    legacy.standard_normal()  # of the two that it made it keeps the other
    after = _memory(python, _TWISTER), _memory(legacy, np.random.RandomState)
    return all(x != y for x, y in zip(before, after, strict=True))


_PYTHONS: Any = random.random.__self__  # type: ignore[attr-defined]
_TWISTER: type = random.Random.__base__  # type: ignore[assignment]
_WORDS = 624


def _state(x: Any) -> Any:
    if isinstance(x, np.random.Generator):
        return x.bit_generator.state
    if isinstance(x, np.random.BitGenerator):
        return x.state
    return x.get_state() if isinstance(x, np.random.RandomState) else x.getstate()


def _same(a: Any, b: Any) -> bool:
    if isinstance(a, dict):
        return all(_same(a[key], b[key]) for key in a)
    if type(a) is np.ndarray:
        return bool(np.array_equal(a, b))
    if isinstance(a, tuple) and any(type(x) is np.ndarray for x in a):
        return all(map(_same, a, b))
    return bool(a == b)


def _in_reach(f: Callable[..., Any], args: Any) -> Iterator[tuple[str, Any]]:
    """The generators and functions in reach, with their names."""
    waiting: list[tuple[str, Any]] = [("an argument", args), ("the function", f)]
    seen: dict[int, Any] = {}
    while waiting and len(seen) < _MOST:
        name, x = waiting.pop()
        if type(x) in _WITHOUT_PARTS or id(x) in seen:
            continue
        seen[id(x)] = x
        if isinstance(x, _GENERATORS) or _is_maker(x):
            yield name, x
        elif isinstance(x, types.FunctionType):
            yield name, x
            waiting.extend(_reached(x))
        elif isinstance(x, types.MethodType):
            waiting.extend([(name, x.__func__), (name, x.__self__)])
        elif isinstance(x, types.BuiltinMethodType):
            waiting.append((name, x.__self__))
        else:
            waiting.extend((name, part) for part in _parts(x))


def _reached(f: types.FunctionType) -> Iterator[tuple[str, Any]]:
    """What a function has besides its arguments, by name: its closure, defaults and globals."""
    for name, cell in zip(f.__code__.co_freevars, f.__closure__ or (), strict=True):
        try:
            yield name, cell.cell_contents
        except ValueError:
            continue  # it is not bound yet
    if _is_of_library(f.__globals__.get("__name__", "")):
        return  # its own globals and defaults hold no generator of the user's
    yield from ((f"a default of {f.__name__}", x) for x in f.__defaults__ or ())
    yield from (f.__kwdefaults__ or {}).items()
    names = _names(f.__code__)
    for name in names & f.__globals__.keys():
        x = f.__globals__[name]
        yield name, x
        if isinstance(x, types.ModuleType) and not _is_of_library(x.__name__):
            yield from ((f"{name}.{n}", vars(x)[n]) for n in names & vars(x).keys())
    wrapped = getattr(f, "__wrapped__", None)
    if wrapped is not None:
        yield f.__name__, wrapped


def _is_of_library(module: str) -> bool:
    return module.partition(".")[0] in _LIBRARIES


_LIBRARIES = frozenset({"builtins", "gradx", "numpy", "scipy", *sys.stdlib_module_names})


@functools.lru_cache(maxsize=1000)
def _names(code: types.CodeType) -> frozenset[str]:
    """The names of globals in the code of a function and of those defined in it."""
    inner = (x for x in code.co_consts if isinstance(x, types.CodeType))
    return frozenset(code.co_names).union(*map(_names, inner))


def _makes_generators(code: types.CodeType) -> bool:
    """Whether a function names what makes a generator of random numbers, or random bytes."""
    return not _MAKERS.isdisjoint(_names(code))


def _is_maker(x: Any) -> bool:
    """Whether an object makes generators of random numbers, or draws what nothing has drawn before.

    A program may have it by another name than those below, or in a `functools.partial`.
    """
    return id(x) in _MAKING or isinstance(x, random.SystemRandom)


_MAKERS = frozenset({"default_rng", "RandomState", "SeedSequence", "Random", "SystemRandom"}) | {
    *("MT19937", "PCG64", "PCG64DXSM", "Philox", "SFC64", "urandom", "token_bytes", "randbits"),
    *("randbelow", "token_hex", "token_urlsafe", "uuid1", "uuid4"),
}
_MAKING: Mapping[int, Any] = MappingProxyType(
    {
        id(vars(module)[name]): vars(module)[name]
        for module in (np.random, random)
        for name in _MAKERS & vars(module).keys()
    }
)

_WITHOUT_PARTS = frozenset({np.ndarray, str, bytes, float, int, bool, complex, type(None)})


def _parts(x: Any) -> list[Any]:
    """What is inside a container, a record, a class of the user's, or an instance of one."""
    if type(x) in _WITHOUT_PARTS or isinstance(x, (types.ModuleType, np.ufunc)):
        return []
    if isinstance(x, type):
        return [] if _is_of_library(x.__module__) else [*x.__bases__, *vars(x).values()]
    if isinstance(x, functools.partial):
        return [x.func, *x.args, *x.keywords.values()]
    if isinstance(x, types.GeneratorType):
        return [] if x.gi_frame is None else list(x.gi_frame.f_locals.values())
    entry = registry.find(type(x))
    if isinstance(entry, ValueType) and entry.children is not None:
        return [*taken_apart(x, entry)[1], *getattr(x, "__dict__", {}).values()]
    module = type(x).__module__
    if isinstance(x, (set, frozenset)):
        return list(x)
    if _is_of_library(module) and type(x) is not types.SimpleNamespace:
        # A distribution may have been given a generator, and a cached function may return one.
        named = _NAMED.get(module.rpartition("._")[0] or module)
        return [getattr(x, named, None)] if named else []
    attributes = getattr(x, "__dict__", None)
    own = attributes.values() if isinstance(attributes, dict) else ()
    return [type(x), *own, *_in_slots(x)]


_NAMED: Mapping[str, str] = MappingProxyType(
    {"scipy.stats": "random_state", "functools": "__wrapped__"}
)


def _in_slots(x: Any) -> Iterator[Any]:
    """What an instance of a class with ``__slots__`` has in them."""
    for base in type(x).__mro__[:-1]:
        for member in vars(base).values():
            if isinstance(member, types.MemberDescriptorType):
                try:
                    yield member.__get__(x, type(x))
                except AttributeError:  # nothing was assigned to it yet
                    continue
