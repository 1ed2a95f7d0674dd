"""`autograd.numpy.fft`."""

# ruff: noqa: F403 - what `gradx.numpy.fft` gives away is all there is

from gradx.numpy import fft as _own
from gradx.numpy.fft import *

__all__ = _own.__all__
