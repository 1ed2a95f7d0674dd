"""`autograd.scipy.special`."""

# ruff: noqa: F403 - what `gradx.scipy.special` gives away is all there is

from gradx.scipy import special as _own
from gradx.scipy.special import *

__all__ = _own.__all__
