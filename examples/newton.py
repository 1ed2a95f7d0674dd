"""Newton's method: the gradient of a gradient, used to find a minimum in a few steps.

`gx.grad` of a function that calls `gx.grad` is a second derivative. The Hessian is built a row at a
time: its row i is the gradient of the i-th component of the gradient.
"""

import numpy as np

import gradx as gx


def rosenbrock(p):
    """A curved valley whose floor is nearly flat: slow for gradient descent; least at (1, 1)."""
    x, y = p
    return (1 - x) ** 2 + 100 * (y - x * x) ** 2


def hessian(f):
    def at(p):
        return np.stack([gx.grad(lambda q, i=i: gx.grad(f)(q)[i])(p) for i in range(len(p))])

    return at


def minimise(f, p, steps=20):
    for step in range(steps):
        g = gx.grad(f)(p)
        slope = abs(g).max()
        print(f"step {step}  f {f(p):.3e}  at ({p[0]:.6f}, {p[1]:.6f})  steepest slope {slope:.1e}")
        if slope < 1e-10:
            return p, step
        p = p - np.linalg.solve(hessian(f)(p), g)
    raise RuntimeError("no minimum found")


start = np.array([-1.2, 1.0])
found, steps = minimise(rosenbrock, start)

# The Hessian written out by hand.
x, y = start
by_hand = np.array([[2 - 400 * (y - 3 * x * x), -400 * x], [-400 * x, 200]])
assert np.allclose(hessian(rosenbrock)(start), by_hand)
assert np.allclose(found, [1, 1]) and steps < 10

# Runs nest to any depth: the fourth derivative of sin is sin.
fourth = gx.grad(gx.grad(gx.grad(gx.grad(np.sin))))
print(f"sin(0.5) is {np.sin(0.5):.12f}, and its fourth derivative there {fourth(0.5):.12f}")
assert np.isclose(fourth(0.5), np.sin(0.5))
