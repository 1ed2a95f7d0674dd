"""The names of `numpy.lib`."""

from gradx.numpy import emath as scimath
from gradx.numpy import stride_tricks

__all__ = ["scimath", "stride_tricks"]
