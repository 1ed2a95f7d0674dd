"""`autograd.numpy.linalg`."""

# ruff: noqa: F403 - what `gradx.numpy.linalg` gives away is all there is

from gradx.numpy import linalg as _own
from gradx.numpy.linalg import *

__all__ = _own.__all__
