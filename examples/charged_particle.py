"""A charged particle steered, from Siskind and Pearlmutter: a gradient of Euler's method, whose
force is a gradient.

The source of the problem stands in ``evaluation_model.py``. A particle flies past two charges;
where must one of them stand so that it crosses the axis at the origin? The answer is known.
"""

import numpy as np
from evaluation_model import argmin, miss

import gradx as gx


def squared(w):
    return miss(gx.grad, w)


w = argmin(gx.grad, squared, np.array([0.0]))
print(f"the charge stands at (10, 10 - {w[0]:.10f}); missed by {np.sqrt(squared(w)):.1e}")
KNOWN = 0.20719187464861197  # as the authors' own programs print it
assert np.allclose(w, KNOWN, rtol=1e-9)
gx.check_grads(squared, w, modes=("rev",), order=1)
