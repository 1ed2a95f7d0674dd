"""`autograd.numpy.random`: NumPy's own."""

from numpy import random as _own
from numpy.random import *  # noqa: F403

__all__ = _own.__all__
