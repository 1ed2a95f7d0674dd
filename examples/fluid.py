"""A fluid steered by its gradient: how must it be stirred so that smoke flows where it is wanted?

The fluid stands in ``fluid_model.py``, imports nothing of gradx, and fills its arrays in place;
`gx.adopt` makes a copy of it whose buffers take variables. What is learned is the flow at the
beginning, a vector for each cell.
"""

import fluid_model
import numpy as np

import gradx as gx

N, STEPS = 24, 16
stir = gx.adopt(fluid_model.stir)

x, y = np.meshgrid(np.linspace(-1, 1, N), np.linspace(-1, 1, N), indexing="ij")
smoke = np.exp(-12 * ((x - 0.35) ** 2 + (y + 0.25) ** 2))
wanted = np.exp(-12 * ((x + 0.25) ** 2 + (y - 0.3) ** 2))


def off(flow):
    """How far the smoke at the end is from what is wanted; a strong flow costs a little too."""
    end = stir(flow["x"], flow["y"], smoke, STEPS)
    return np.sum((end - wanted) ** 2) + 1e-4 * np.sum(flow["x"] ** 2 + flow["y"] ** 2)


def picture(*fields):
    """Fields side by side, a sign a cell and every other row."""
    signs = " .:-=+*#%@"
    for rows in zip(*(field[::2] for field in fields), strict=True):
        print("   ".join("".join(signs[min(int(11 * s), 9)] for s in row) for row in rows))


flow = {"x": np.zeros((N, N)), "y": np.zeros((N, N))}
first = off(flow)
state = gx.updates.adam_start(flow)
for step in range(1, 91):
    value, gradient = gx.value_and_grad(off)(flow)
    flow, state = gx.updates.adam(flow, gradient, state, rate=0.1)
    if step % 30 == 0:
        print(f"step {step:3d}  off by {value:.3f}")

print(f"\n{'before':{N}}   {'after':{N}}   wanted")
picture(smoke, fluid_model.stir(flow["x"], flow["y"], smoke, STEPS), wanted)
assert off(flow) < 0.4 * first
