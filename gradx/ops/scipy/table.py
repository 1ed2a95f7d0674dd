"""What the tables of SciPy's ufuncs share."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from gradx.core.op import POINTWISE, Op
from gradx.core.properties import Property
from gradx.core.rule import RefusedRule, Rule
from gradx.devices.kernel_table import check_lacking, dispatched
from gradx.ops.helpers import first_device_array

__all__ = ["called", "lifted_ufunc", "refused", "ufuncs_of"]

_NUMBERS = (float, int, complex)
_INEXACT, _SINGLE = frozenset("efdgFDG"), frozenset("efF")


def lifted_ufunc(ufunc: Any, *rules: Callable[..., Any] | Rule | str | None, jvp: Any = None) -> Op:
    """The op of a ufunc of `scipy.special`.

    Args:
        ufunc: the ufunc.
        rules: those of its operands; a text names an argument with respect to which there is none.
        jvp: a forward rule of its own, of a function that is not holomorphic.
    """
    name = f"scipy.special.{ufunc.__name__}"
    known = [RefusedRule(name, rule) if isinstance(rule, str) else rule for rule in rules]
    op = Op(
        name,
        dispatched(ufunc),
        *known,
        broadcasts=len(rules) > 1,
        properties=Property.ELEMENTWISE,
        jvp=jvp,
    )
    POINTWISE[ufunc] = op
    return op


def refused(function: str, argument: str) -> RefusedRule:
    """The rule of an argument with respect to which a function of SciPy has no derivative here."""
    return RefusedRule(f"scipy.{function}", argument)


def ufuncs_of(table: Mapping[str, Any]) -> dict[Any, Op]:
    """From each ufunc of SciPy that has an op among the values of a module to the op."""
    found = {}
    for op in table.values():
        ufunc = getattr(op.forward, "__wrapped__", None) if isinstance(op, Op) else None
        if isinstance(ufunc, np.ufunc):
            found[ufunc] = op
    return found


def called(function: Callable[..., Any]) -> Callable[..., Any]:
    """A function of SciPy as rules call it: where its operands are, and in their precision.

    SciPy makes doubles of Python numbers and, by some of its functions, of singles. On a device,
    the call raises `NotLiftedError` if the library of the arrays lacks the function.
    """
    run = dispatched(function)

    def call(*operands: Any) -> Any:
        try:
            y = run(*operands)
        except TypeError as error:
            home = first_device_array(operands)
            check_lacking(f"scipy.special.{function.__name__}", home, error)
            raise
        chars = {x.dtype.char for x in operands if hasattr(x, "dtype")} & _INEXACT
        if not chars:
            return y.item() if all(type(x) in _NUMBERS for x in operands) else y
        if chars <= _SINGLE and y.dtype.char in "dD":
            return y.astype(np.complex64 if y.dtype.kind == "c" else np.float32)
        return y

    return call
