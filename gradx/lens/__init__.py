"""Optics: paths into records and containers, as functions of values.

A lens leads from a whole to a part: ``gx.lens(Net).layers[0].weights``. A prism leads to a part
that may be missing, a traversal to any number of parts, an iso to another form of the whole.
`view`, `preview`, `expect` and `to_list` read parts; `set` and `over` create a whole with other
parts. In a differentiated function the leaves of the whole are variables, and so are the parts.
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
