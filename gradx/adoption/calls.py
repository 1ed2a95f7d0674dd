"""Calls of `float` and `int` in adopted code, by which a variable stays one or tells its number.

Python lets ``float(v)`` give nothing but a plain number, so it raises of a variable. In the copy of
a program such a call is one of a function here. The names themselves mean what they did: they are
types, annotations, dtypes and patterns too (``isinstance(x, float)``, ``dtype=float``). So it is
the calls that are exchanged: the instruction that loads a global name says whether the name is
called, and in the code of the copy a constant is loaded in its place, the function. So it is for
``map(float, xs)``, whose first argument is loaded next after `map`.

The constant takes the room of the instruction and of the cache behind it, which only a global name
needs. So no other instruction moves, however many names and constants the code has.
"""

from __future__ import annotations

import dis
import sys
import types
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from gradx.core.dispatch import Lifted, apply
from gradx.core.objects import is_object_array, joined
from gradx.core.spec import Form, concrete, primal, spec_of
from gradx.ops import numbers
from gradx.reverse.constants import is_constant

__all__ = ["with_calls"]


def _float(*args: Any) -> Any:
    """As `float`: of a variable that of a Python float, with its gradient."""
    x = _variable(args)
    if x is None:
        return float(*args)
    spec = spec_of(x)
    if spec.form is Form.NUMBER:
        kind = type(primal(x))
        return x if kind is float else apply(numbers.of_python, (x,), {"kind": float})
    if spec.shape or spec.dtype.kind not in "fc":
        return float(primal(x))  # raises as NumPy does
    if spec.dtype.kind == "c":
        float(concrete(x, "float(v)"))  # warns that the imaginary part is lost
    return x.real.item()


def _int(*args: Any) -> Any:
    """As `int`: of a variable the plain whole number, which is constant between jumps."""
    x = _variable(args)
    return int(*args) if x is None else int(concrete(x, "int(v)"))


def _variable(args: tuple[Any, ...]) -> Any:
    """The variable that is the only argument; None if there is none."""
    if len(args) != 1:
        return None
    x = joined(args[0]) if is_object_array(args[0]) else args[0]
    return x if isinstance(x, Lifted) and not is_constant(x) else None


_CALLED: Mapping[str, Any] = MappingProxyType({"float": _float, "int": _int})
"""What a call means in adopted code, by the name of the builtin."""

_LOADING, _EXTENDED, _CACHE = (
    dis.opmap["LOAD_GLOBAL"],
    dis.opmap["EXTENDED_ARG"],
    dis.opmap["CACHE"],
)
_CALL = 1  # this bit of the argument says that the name is called
_NULL_FIRST = sys.version_info < (3, 13)  # the place of the NULL that stands for no `self`


def with_calls(code: types.CodeType, own: Mapping[str, Any]) -> types.CodeType:
    """The code of a function in which calls of `float` and `int` are those of adopted programs.

    Args:
        code: the code of the function, and in it that of the functions that it defines.
        own: the globals of its module, which may have functions of these names.
    """
    consts = [
        with_calls(part, own) if isinstance(part, types.CodeType) else part
        for part in code.co_consts
    ]
    steps, changed = bytearray(code.co_code), False
    called = {name: f for name, f in _CALLED.items() if name in code.co_names and name not in own}
    for step, name in _calls(code, called) if called else ():
        new = _loading(len(consts), bool(step.argument & _CALL), (step.end - step.start) // 2)
        if new is not None:
            steps[step.start : step.end] = new
            consts.append(called[name])
            changed = True
    if changed:
        return code.replace(co_consts=tuple(consts), co_code=bytes(steps))
    same = all(new is old for new, old in zip(consts, code.co_consts, strict=True))
    return code if same else code.replace(co_consts=tuple(consts))


class _Step(NamedTuple):
    """An instruction, with what extends its argument before it and its cache after it."""

    start: int
    end: int
    operation: int
    argument: int


def _steps(codes: bytes) -> Iterator[_Step]:
    """The instructions of a function."""
    start = argument = i = 0
    while i < len(codes):
        operation, argument = codes[i], argument << 8 | codes[i + 1]
        i += 2
        if operation == _EXTENDED:
            continue
        while i < len(codes) and codes[i] == _CACHE:
            i += 2
        yield _Step(start, i, operation, argument)
        start, argument = i, 0


def _calls(code: types.CodeType, names: Mapping[str, Any]) -> Iterator[tuple[_Step, str]]:
    """Where one of these global names is loaded to be called, or to be called by `map`."""
    by_map = False
    for step in _steps(code.co_code):
        if step.operation != _LOADING:
            by_map = False
            continue
        name = code.co_names[step.argument >> 1]
        if name in names and (step.argument & _CALL or by_map):
            yield step, name
        by_map = name == "map" and bool(step.argument & _CALL)


def _loading(constant: int, is_called: bool, room: int) -> bytes | None:
    """Instructions that load a constant, and the NULL beside it if it is called.

    Args:
        constant: its index.
        is_called: whether it is called.
        room: how many instructions they have to be.

    Returns:
        Their code; None if there is less room.
    """
    size = max(1, (constant.bit_length() + 7) // 8)
    *higher, lowest = constant.to_bytes(size, "big")
    new = [(_EXTENDED, byte) for byte in higher] + [(dis.opmap["LOAD_CONST"], lowest)]
    if is_called:
        new.insert(0 if _NULL_FIRST else len(new), (dis.opmap["PUSH_NULL"], 0))
    if len(new) > room:
        return None
    rest = [(dis.opmap["NOP"], 0)] * (room - len(new))
    return bytes(byte for pair in new + rest for byte in pair)
