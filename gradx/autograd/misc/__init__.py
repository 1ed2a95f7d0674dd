"""`autograd.misc`: values as vectors, optimisers and fixed points."""

from gradx.autograd.misc.fixed_points import fixed_point
from gradx.autograd.misc.flatten import flatten

__all__ = ["fixed_point", "flatten"]
