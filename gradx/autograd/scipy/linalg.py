"""`autograd.scipy.linalg`."""

# ruff: noqa: F403 - what `gradx.scipy.linalg` gives away is all there is

from gradx.scipy import linalg as _own
from gradx.scipy.linalg import *

__all__ = _own.__all__
