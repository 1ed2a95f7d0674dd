"""Task: what is trained, a loss and what is measured beside it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from numbers import Real
from typing import Any

from gradx.train.errors import OptionError
from gradx.train.evaluation import Totals
from gradx.train.gradients import Loss

__all__ = ["KEPT_NAMES", "Task", "described", "is_number"]

KEPT_NAMES = frozenset({"loss", "count"})
"""Names that no metric can have, since scores have them."""


@dataclass(frozen=True)
class Task:
    """What is trained.

    Attributes:
        loss: ``loss(params, batch)`` gives one number.
        metrics: ``metrics(params, batch)`` gives numbers by name, each a mean over the batch.
        reduction: whether the loss is the ``"mean"`` or the ``"sum"`` over its batch.
        measure: what an evaluation sums up, with the name ``loss`` among it; by default the loss
            and the metrics.
        after: whether a report's training loss is that of the parameters after the samples since
            the last report. Otherwise it is the mean of the losses of the steps, which is free.
        block: samples an evaluation looks at together, a number or a function of the parameters.
        first_fix: the end of the message about a loss that is not finite before the first step.

    Raises:
        OptionError: another reduction.
    """

    loss: Loss
    metrics: Callable[[Any, Any], Mapping[str, Any]] | None = None
    reduction: str = "mean"
    measure: Totals | None = None
    after: bool = False
    block: int | Callable[[Any], int] = 256
    first_fix: str = "; look at the data and the first parameters, or use gx.debug()"

    def __post_init__(self) -> None:
        if self.reduction not in ("mean", "sum"):
            raise OptionError(f"reduction {self.reduction!r}: use 'mean' or 'sum'")

    def rows(self, params: Any) -> int:
        """How many samples an evaluation looks at together."""
        return self.block(params) if callable(self.block) else self.block

    def totals(self, params: Any, batch: Any, rows: int) -> Mapping[str, Any]:
        """Sums over the samples of a batch, of the loss and each metric."""
        if self.measure is not None:
            return self.measure(params, batch, rows)
        loss = self.loss(params, batch)
        if not is_number(loss):
            raise OptionError(f"loss gave {described(loss)}; return one real number for any batch")
        return {
            "loss": loss if self.reduction == "sum" else loss * rows,
            **self.metric_totals(params, batch, rows),
        }

    def metric_totals(self, params: Any, batch: Any, rows: int) -> Mapping[str, Any]:
        """The same of the metrics alone."""
        if self.metrics is None:
            return {}
        found: Any = self.metrics(params, batch)
        if not isinstance(found, Mapping) or not KEPT_NAMES.isdisjoint(found):
            raise OptionError(
                f"metrics gave {found!r:.100}; give a dict of numbers by name, other than loss and "
                "count, such as {'accuracy': np.mean(right)}"
            )
        for name, number in found.items():
            if not isinstance(name, str):
                raise OptionError(
                    f"metrics gave {name!r:.40}: {number!r:.60}; give one real number by each name"
                )
            if not is_number(number):
                raise OptionError(
                    f"the metric {name} is {described(number)}; give one real number for any batch"
                )
        return {name: number * rows for name, number in found.items()}


def is_number(x: Any, *, floating: bool = False) -> bool:
    """Whether something is one real number, or an array of one on any device.

    Args:
        x: anything.
        floating: whole numbers do not count.

    >>> is_number(0.5), is_number(3), is_number(3, floating=True), is_number([0.5])
    (True, True, False, False)
    """
    if isinstance(x, float) or (not floating and isinstance(x, (Real, Decimal))):
        return True
    kind = getattr(getattr(x, "dtype", None), "kind", "O")
    return getattr(x, "size", 0) == 1 and kind in ("f" if floating else "fiub")


def described(x: Any) -> str:
    """Something that is no number, in words.

    >>> described("high")
    "'high', of type str"
    """
    if hasattr(x, "dtype") and hasattr(x, "shape"):
        return f"an array of {x.dtype}, of shape {tuple(x.shape)}"
    return "None" if x is None else f"{x!r:.40}, of type {type(x).__name__}"
