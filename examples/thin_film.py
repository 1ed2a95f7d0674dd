"""An optical thin film designed: an anti-reflection coating for the whole visible light.

The physics, waves in a stack of layers with complex amplitudes, stands in ``thin_film_model.py``
and imports nothing of gradx. The gradient of what is reflected, by the thickness of each layer,
says how to polish a stack.
"""

import numpy as np
from thin_film_model import SILICA, TITANIA, Coating, chart, quarter_waves, reflectance

import gradx as gx

INDICES = (SILICA, TITANIA, SILICA, TITANIA, SILICA, TITANIA)


def reflected(thicknesses):
    return np.mean(reflectance(Coating(INDICES, thicknesses)))


bare = reflectance(Coating((), np.zeros(0)))
mirror = quarter_waves(INDICES).thicknesses
design = mirror


def polished(thicknesses, steps=300):
    state = gx.updates.adam_start(thicknesses)
    for _ in range(steps):
        gradient = gx.grad(reflected)(thicknesses)
        thicknesses, state = gx.updates.adam(thicknesses, gradient, state, rate=1.0)
    return thicknesses


# There are many local minima: the best of a few random stacks is taken.
rng = np.random.default_rng(3)
for start in range(8):
    found = polished(rng.uniform(20.0, 140.0, len(INDICES)))
    if np.all(found > 0) and reflected(found) < reflected(design):
        design = found
        print(f"start {start}: reflected {reflected(design):.3%}")

print(f"bare glass reflects {np.mean(bare):.2%}, the textbook's stack is a mirror of ", end="")
print(f"{reflected(mirror):.0%}, the design reflects {reflected(design):.2%}")
print("layers, nm:", *np.round(design, 1))
print(chart({"g": bare, "d": reflectance(Coating(INDICES, design))}, most=0.05))
assert reflected(design) < 0.005 < np.mean(bare)
assert np.all(design > 0)
