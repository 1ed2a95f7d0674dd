"""Extension: what a package that brings a backend may import of gradx, beside `gradx.backend`.

These are what its kernels can stand in for (`gradx.backend.Backend.kernels`): the ops with their
forwards and rules, and the work on whole records; and what helps to write a stand-in. The rest of
gradx is its own affair and may change.
"""

from gradx.leafwise import leafwise
from gradx.lifted import UFUNCS
from gradx.op import Op
from gradx.ops import fused, numbers
from gradx.ops.helpers import summed_to
from gradx.places import placed

__all__ = ["UFUNCS", "Op", "fused", "leafwise", "numbers", "placed", "summed_to"]
