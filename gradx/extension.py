"""Extension: what a package that brings a backend may import of gradx, beside `gradx.backends`.

These are what its kernels can stand in for (`gradx.backends.Backend.kernels`): the ops with their
forwards and rules, and the work on whole records; and what helps to write a stand-in. The rest of
gradx is its own affair and may change.
"""

from gradx.core.dispatch import UFUNCS
from gradx.core.op import Op
from gradx.devices.kernel_table import lacking
from gradx.devices.placement import placed
from gradx.ops import elementwise, fused, numbers, scaling
from gradx.ops.helpers import summed_to
from gradx.ops.items import sparse_product
from gradx.ops.structures import whole_matrix
from gradx.records.tree_map import leafwise

__all__ = [
    "UFUNCS",
    "Op",
    "elementwise",
    "fused",
    "lacking",
    "leafwise",
    "numbers",
    "placed",
    "scaling",
    "sparse_product",
    "summed_to",
    "whole_matrix",
]
