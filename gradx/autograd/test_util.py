"""`autograd.test_util`: derivatives compared with central differences."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from gradx.testing import check_grads as _check_grads

__all__ = ["check_grads"]


def check_grads(
    f: Callable[..., Any], modes: Sequence[str] = ("fwd", "rev"), order: int = 2
) -> Callable[..., None]:
    """A function that compares the derivatives of another with central differences.

    Args:
        f: the function.
        modes: ``"rev"``, ``"fwd"`` or both.
        order: how often to differentiate.

    Returns:
        A function of the arguments at which to compare.

    Raises:
        GradientMismatchError: (the function) a derivative is wrong.
    """

    def check(*args: Any, **kwargs: Any) -> None:
        _check_grads(lambda *xs: f(*xs, **kwargs), *args, order=order, modes=modes)

    return check
