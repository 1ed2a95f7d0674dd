"""Fitting a line through noisy points, in two ways that must agree.

A model is a tuple, so its gradient is a tuple; with plain data as further arguments, `grad`
differentiates the first one only. Least squares has a closed solution to compare with.
"""

import numpy as np

import gradx as gx


def predict(line, x):
    slope, intercept = line  # unpacking works on a variable as on a tuple
    return slope * x + intercept


def mean_square_error(line, x, y):
    return np.mean((predict(line, x) - y) ** 2)


def fit(x, y, steps=500, rate=0.2):
    line = (0.0, 0.0)
    for step in range(steps):
        error, gradient = gx.value_and_grad(mean_square_error)(line, x, y)
        if step % 100 == 0:
            print(f"step {step:3}  error {error:.6f}  slope {line[0]:.4f}  intercept {line[1]:.4f}")
        # The gradient has the type of the line: two Python floats.
        line = tuple(p - rate * g for p, g in zip(line, gradient, strict=True))
    return line


rng = np.random.default_rng(0)
x = np.linspace(-1, 1, 200)
y = 3 * x - 1 + 0.1 * rng.normal(size=x.shape)

line = fit(x, y)
closed = np.polyfit(x, y, deg=1)
print(f"descent        slope {line[0]:.6f}  intercept {line[1]:.6f}")
print(f"least squares  slope {closed[0]:.6f}  intercept {closed[1]:.6f}")

assert np.allclose(line, closed)
assert all(type(p) is float for p in gx.grad(mean_square_error)(line, x, y))
