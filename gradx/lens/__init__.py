"""Lenses: paths into records and containers, for values and variables alike.

A lens is the path from a whole to a part: ``gx.lens(Net).layers[0].weights``. `view` reads the
part, `set` makes a whole with another part, `over` applies a function to it; on a variable the
results are variables, and the gradient takes the same path back.
"""

from gradx.lens.path import Lens, lens, over, set, view

__all__ = ["Lens", "lens", "over", "set", "view"]
