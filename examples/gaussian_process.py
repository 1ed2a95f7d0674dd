"""A Gaussian process whose kernel is learned: a trend, a season and noise told apart.

The process, nested dataclasses of plain NumPy, stands in ``gaussian_process_model.py`` and imports
nothing of gradx. The gradient by all six parameters goes through the Cholesky factor; each is
learned as its logarithm, so that it stays positive. Then it forecasts two seasons that it has not
seen.
"""

import numpy as np
from gaussian_process_model import Process, Seasonal, Smooth

import gradx as gx

rng = np.random.default_rng(2)
time = np.arange(0.0, 8.0, 0.1)  # years
truth = 0.02 * (time - 2) ** 3 + 1.5 * np.sin(2 * np.pi * time) + 0.5 * np.cos(4 * np.pi * time)
data = truth + 0.2 * rng.normal(size=len(time))
x, y = time[:60], data[:60]  # six years are seen


numbers = gx.at_instances_of(float)  # all parameters, however deep


def surprise(logs):
    return gx.over(numbers, np.exp, logs).surprise(x, y)


start = Process(Smooth(1.0, 1.0), Seasonal(1.0, 1.0, 1.1), noise=0.5)
logs = gx.over(numbers, np.log, start)
state = gx.updates.adam_start(logs)
for step in range(1, 301):
    value, gradient = gx.value_and_grad(surprise)(logs)
    logs, state = gx.updates.adam(logs, gradient, state, rate=0.03)
    if step % 75 == 0:
        print(f"step {step:3d}  surprise {value:.4f}")
found = gx.over(numbers, lambda log: round(float(np.exp(log)), 3), logs)


def off(process):
    """How far the forecast of the last two years is off."""
    mean, _ = process.predict(x, y, time[60:])
    return np.sqrt(np.mean((mean - data[60:]) ** 2))


before, after = off(start), off(found)
print(found)
print(f"forecast of two years off by {before:.2f} at the start, {after:.2f} now")
assert abs(found.season.period - 1) < 0.02 and abs(found.noise - 0.2) < 0.08
assert after < 0.5 * before
