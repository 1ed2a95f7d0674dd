"""Prelude: sums, maps, folds and scans over containers, on values and variables alike.

Import it by name (``gx.prelude.sum``), since many names are those of builtins. The items of a
container are

* of a list, tuple, deque or other sequence, its items; of a dict, its values;
* of a record or a registered type with parts, those parts that can have a gradient;
* of an array, its entries along the first axis, as when it is iterated over;
* of an iterator, a range or a view of a dict, what it gives, and a list comes out;
* of ``None``, nothing, and of a number, itself: so ``float | None`` is a container too.

Every function takes any of them, plain, as a variable, or with variables in it. A container that
comes out has the type of the one that went in; it holds variables, and is joined by itself where
it is returned or passed to an op. The cost is linear in the number of items.
"""

from gradx.prelude.containers import length, to_list
from gradx.prelude.conversions import from_integral, real_to_frac, round
from gradx.prelude.maps import (
    fill_like,
    fmap,
    foldl,
    foldr,
    map_accum_l,
    map_accum_r,
    pure,
    traverse,
    zip_with,
)
from gradx.prelude.reductions import maximum, minimum, prod, sum

__all__ = [
    "fill_like",
    "fmap",
    "foldl",
    "foldr",
    "from_integral",
    "length",
    "map_accum_l",
    "map_accum_r",
    "maximum",
    "minimum",
    "prod",
    "pure",
    "real_to_frac",
    "round",
    "sum",
    "to_list",
    "traverse",
    "zip_with",
]
