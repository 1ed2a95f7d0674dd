"""Checked runs: forward and batch runs that look at each result, in a block of `gx.debug`.

A run without a tape keeps nothing, so what is told of a result that is not finite is the line and
the operands, and not the inputs that these came from.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from gradx.batch.run import BatchRun
from gradx.core.dispatch import Lifted, variables_in
from gradx.core.op import Op
from gradx.debugging.finite import is_finite, kind_of, listed
from gradx.debugging.places import place_of_caller
from gradx.errors import NonFiniteError
from gradx.forward.run import ForwardRun

__all__ = ["CheckedBatchRun", "CheckedForwardRun"]

_WHAT_TO_DO = (
    "keep the operands where the function is finite (np.where on the operand, not on the result), "
    "or pass inf=False to gx.debug if infinities are meant"
)


class CheckedForwardRun(ForwardRun):
    """A forward run that looks at each result and its tangent.

    Attributes:
        report: that of the block.
    """

    __slots__ = ("report",)

    def __init__(self, report: Any) -> None:
        super().__init__()
        self.report = report
        self.direct = False

    def process(self, op: Op, operands: Sequence[Any], params: dict[str, Any] | None) -> Any:
        """Do an op, and look at what it gave.

        Raises:
            NonFiniteError: the result or its tangent is not finite, and what it came from is.
        """
        report = self.report
        report.runs_above += 1
        try:
            y = super().process(op, operands, params)
        finally:
            report.runs_above -= 1
        if report.looks():
            report.operations += 1
            own = [v for v in variables_in(y) if v._run is self]
            if not all(is_finite(v) and is_finite(v._node) for v in own):
                self._refuse(op, operands, own)
        return y

    def _refuse(self, op: Op, operands: Sequence[Any], own: Sequence[Any]) -> None:
        """Raise if the operands of what is not finite are."""
        bad = self.report.is_bad
        variables = [v for x in operands for v in variables_in(x) if v._run is self]
        if any(map(bad, operands)) or any(bad(v._node) for v in variables):
            return
        value = next((v for v in own if bad(v)), None)
        tangent = next((v for v in own if bad(v._node)), None)
        if value is not None:
            raise _found(f"{op.name} gave {kind_of(value)} where its operands are finite", operands)
        if tangent is not None:
            raise _found(
                f"the tangent of {op.name} is {kind_of(tangent._node)} where its operands and "
                "their tangents are finite",
                operands,
            )


class CheckedBatchRun(BatchRun):
    """A batch run that looks at each result.

    Attributes:
        report: that of the block.
    """

    __slots__ = ("report",)

    def __init__(self, size: int, report: Any) -> None:
        super().__init__(size)
        self.report = report

    def process(self, op: Op, operands: Sequence[Any], params: dict[str, Any] | None) -> Any:
        """Do an op, and look at what it gave.

        Raises:
            NonFiniteError: the result is not finite for an example whose operands all are.
        """
        y = super().process(op, operands, params)
        report = self.report
        if report.looks():
            report.operations += 1
            for v in variables_in(y):
                if v._run is self and not is_finite(v) and report.is_bad(v):
                    self._refuse(op, operands, v)
        return y

    def _refuse(self, op: Op, operands: Sequence[Any], y: Any) -> None:
        """Raise if there is an example of which the result is not finite, and the operands are."""
        found = self._bad(y)
        for x in operands:
            found &= ~self._bad(x)
        if found.any():
            raise _found(
                f"{op.name} gave {kind_of(y)} for example {int(found.argmax())} of {self.size}, "
                "whose operands are finite",
                operands,
            )

    def _bad(self, x: Any) -> Any:
        """For each example whether there is a number in a value that is not wanted."""
        own = self.owns(x) and self.operand(x).batched
        if not own or isinstance(x._examples, Lifted):
            return np.full(self.size, self.report.is_bad(x))
        numbers = np.asarray(x._examples)
        wrong = ~np.isfinite(numbers) if self.report.infinities else np.isnan(numbers)
        return wrong.reshape(self.size, -1).any(axis=1)


def _found(what: str, operands: Sequence[Any]) -> NonFiniteError:
    return NonFiniteError(f"{what}, at {place_of_caller()}; {listed(operands)}; {_WHAT_TO_DO}")
