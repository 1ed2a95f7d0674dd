"""`autograd.scipy.integrate`."""

# ruff: noqa: F403 - what `gradx.scipy.integrate` gives away is all there is

from gradx.scipy import integrate as _own
from gradx.scipy.integrate import *

__all__ = _own.__all__
