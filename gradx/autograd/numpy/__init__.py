"""`autograd.numpy`: NumPy's functions, as `gradx.numpy` has them."""

# ruff: noqa: F403 - what `gradx.numpy` gives away is all there is

from typing import TYPE_CHECKING, Any

from gradx import numpy as _numpy
from gradx.autograd.numpy import random
from gradx.numpy import *

__all__ = [*_numpy.__all__, "random"]

if not TYPE_CHECKING:

    def __getattr__(name: str) -> Any:
        return getattr(_numpy, name)
