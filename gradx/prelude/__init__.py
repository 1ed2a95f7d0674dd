"""Prelude: sums, maps, folds and scans over containers, plain or with variables in them.

Use the qualified names (``gx.prelude.sum``), since many of the names are those of builtins. The
items of a container are

* the items of a list, tuple, deque or other sequence, and the values of a dict;
* the parts of a record or a registered type that can have a gradient;
* the entries of an array along its first axis, as in iteration;
* the items that an iterator, a range or a view of a dict yields; results are then lists;
* no items for ``None``, and a number itself: so ``float | None`` is a container too.

Every function takes any of them. A container that is returned has the type of the one that was
given. The cost is linear in the number of items.
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
