"""Calls of `float` and `int` in adopted code, by which a variable stays one or tells its number.

Python lets ``float(v)`` give nothing but a plain number, so it raises of a variable. In the copy of
a program such a call is one of a function here. The names themselves mean what they did: they are
types, annotations, dtypes and patterns too (``isinstance(x, float)``, ``dtype=float``). So it is
the calls that are exchanged: the interpreter loads a global name that is called by an instruction
of its own, and in the code of the copy this loads another name. So does ``map(float, xs)``, whose
first argument is loaded next after `map`.
"""

from __future__ import annotations

import dis
import types
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any

from gradx.core.dispatch import Lifted, apply
from gradx.core.objects import is_object_array, joined
from gradx.core.spec import Form, concrete, primal, spec_of
from gradx.ops import numbers
from gradx.reverse.constants import is_constant

__all__ = ["CALLED", "with_calls"]


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


CALLED: Mapping[str, Any] = MappingProxyType({"float()": _float, "int()": _int})
"""What a call means in adopted code, by a name that no program has."""

_LOADING = dis.opmap["LOAD_GLOBAL"]
_CALL = 1  # this bit of the argument says that the name is called
_MOST = 255  # of an argument that stands in one instruction


def with_calls(code: types.CodeType, own: Mapping[str, Any]) -> types.CodeType:
    """The code of a function in which calls of `float` and `int` are those of adopted programs.

    Args:
        code: the code of the function, and in it that of the functions that it defines.
        own: the globals of its module, which may have functions of these names.
    """
    consts = tuple(
        with_calls(part, own) if isinstance(part, types.CodeType) else part
        for part in code.co_consts
    )
    names, steps = list(code.co_names), bytearray(code.co_code)
    for name in CALLED:
        if name[:-2] in code.co_names and name[:-2] not in own:
            old, new = code.co_names.index(name[:-2]), len(names)
            places = list(_places(steps, code.co_names, old)) if 2 * new < _MOST else []
            for i in places:
                steps[i + 1] = (new << 1) | (steps[i + 1] & _CALL)
            if places:
                names.append(name)
    if len(names) > len(code.co_names):
        return code.replace(co_consts=consts, co_names=tuple(names), co_code=bytes(steps))
    changed = any(new is not old for new, old in zip(consts, code.co_consts, strict=True))
    return code.replace(co_consts=consts) if changed else code


def _places(steps: bytearray, names: tuple[str, ...], index: int) -> Iterator[int]:
    """Where a global name is loaded to be called, or to be called by `map`.

    An instruction that needs more than one byte for its argument has another one before it, and
    is left as it is; so is the name then, and the call raises.
    """
    mapped = (names.index("map") << 1) | _CALL if "map" in names else None
    before = 0
    for i in range(0, len(steps), 2):
        if steps[i] == _LOADING and steps[i + 1] >> 1 == index:
            by_map = steps[before] == _LOADING and steps[before + 1] == mapped
            if steps[before] != dis.EXTENDED_ARG and (steps[i + 1] & _CALL or by_map):
                yield i
        if steps[i] != dis.opmap["CACHE"]:
            before = i
