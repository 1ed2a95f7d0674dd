"""A minimum of a maximum, from Siskind and Pearlmutter: gradients through a descent by gradients.

The source of the problem stands in ``evaluation_model.py``. The outer descent differentiates the
inner one with all its steps, and the inner one is a descent by gradients itself. The saddle is at
the origin, and descents that stop where the slope is below 1e-5 come as near as this.
"""

import numpy as np
from evaluation_model import saddle_point

import gradx as gx

low, high = saddle_point(gx.grad, np.array([1.0, 1.0]))
print("least over the first pair:", low, "  greatest over the second:", high)
KNOWN = 8.246324826140356e-06  # as the authors' own programs print it
assert np.allclose([low, high], KNOWN, rtol=1e-9)
