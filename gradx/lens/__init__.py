"""Optics: ways into records and containers, for values and variables alike.

A lens is the way from a whole to a part: ``gx.lens(Net).layers[0].weights``. A prism leads to a
part that may not be there, a traversal to any number of them, an iso to another form of the
whole. `view`, `preview`, `expect` and `to_list` read parts; `set` and `over` make a whole with
other parts. On a variable the results are variables, and the gradient takes the same way back.
"""

from gradx.lens.calls import expect, over, preview, review, set, to_list, view
from gradx.lens.field import Field
from gradx.lens.makers import (
    at_instances_of,
    each,
    filtered,
    iso,
    ix,
    just,
    lens,
    prism,
    traversal,
)
from gradx.lens.optic import Affine, Iso, Lens, Prism, Traversal

__all__ = [
    "Affine",
    "Field",
    "Iso",
    "Lens",
    "Prism",
    "Traversal",
    "at_instances_of",
    "each",
    "expect",
    "filtered",
    "iso",
    "ix",
    "just",
    "lens",
    "over",
    "preview",
    "prism",
    "review",
    "set",
    "to_list",
    "traversal",
    "view",
]
