"""Asking: functions that ask for a number, where a batch has one for each example."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from gradx.core.dispatch import one_by_one
from gradx.errors import ConversionError

__all__ = ["of_numbers"]


def of_numbers(function: Callable[..., Any]) -> Callable[..., Any]:
    """Decorator: a function that asks for a number is done for each example of a batch."""

    @functools.wraps(function)
    def call(*xs: Any, **options: Any) -> Any:
        try:
            return function(*xs, **options)
        except ConversionError as error:
            return one_by_one(call, xs, options, error)

    return call
