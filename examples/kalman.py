"""A Kalman filter whose noise is learned: a balloon is followed, and how the wind blows found out.

The filter, a class that changes its own attributes, stands in ``kalman_model.py`` and imports
nothing of gradx. What is learned are two standard deviations: those under which what was measured
is least surprising. The gradient goes through all steps of the filter.
"""

import numpy as np
from kalman_model import Noise, fly, follow

import gradx as gx

truth = Noise(push=0.8, blur=3.0)
true, seen = fly(truth, 150, np.random.default_rng(1))


def surprise(logs):
    """Of the logarithms of the deviations, which are any numbers."""
    return follow(Noise(np.exp(logs.push), np.exp(logs.blur)), seen)[1]


def distance(noise):
    places, _ = follow(noise, seen)
    return np.sqrt(np.mean(np.sum((places - true[1:]) ** 2, axis=1)))


guess = Noise(push=0.05, blur=1.0)
logs = gx.prelude.fmap(np.log, guess)
state = gx.updates.adam_start(logs)
for step in range(1, 121):
    value, gradient = gx.value_and_grad(surprise)(logs)
    logs, state = gx.updates.adam(logs, gradient, state, rate=0.1)
    if step % 30 == 0:
        print(f"step {step:3d}  surprise {value:.4f}")
found = gx.prelude.fmap(np.exp, logs)

print(f"push  guessed {guess.push:.2f}  found {found.push:.2f}  true {truth.push:.2f} m/s^2")
print(f"blur  guessed {guess.blur:.2f}  found {found.blur:.2f}  true {truth.blur:.2f} m")
measured = np.sqrt(np.mean(np.sum((seen - true) ** 2, axis=1)))
print(f"off by {measured:.2f} m measured, {distance(guess):.2f} m with the guess,", end=" ")
print(f"{distance(found):.2f} m with what was found")
assert abs(found.push / truth.push - 1) < 0.35 and abs(found.blur / truth.blur - 1) < 0.15
assert distance(found) < 0.7 * measured and distance(found) < distance(guess)
