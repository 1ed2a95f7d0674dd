"""A number type of your own: quaternions, and the rotation that takes some points to others.

The class knows nothing of gradx. `gx.register` says which of its attributes are its parts; its
operators and methods then run on variables as they stand, and the gradient of a quaternion is a
quaternion.
"""

import numpy as np

import gradx as gx
from gradx.testing import check_value_laws


class Quaternion:
    """``w + x i + y j + z k``."""

    def __init__(self, w, x, y, z):
        self.w, self.x, self.y, self.z = w, x, y, z

    def __repr__(self):
        return f"({self.w:.4f} {self.x:+.4f}i {self.y:+.4f}j {self.z:+.4f}k)"

    def __add__(self, other):
        return Quaternion(self.w + other.w, self.x + other.x, self.y + other.y, self.z + other.z)

    def __mul__(self, other):
        if not isinstance(other, Quaternion):
            return Quaternion(self.w * other, self.x * other, self.y * other, self.z * other)
        a, b = self, other
        return Quaternion(
            a.w * b.w - a.x * b.x - a.y * b.y - a.z * b.z,
            a.w * b.x + a.x * b.w + a.y * b.z - a.z * b.y,
            a.w * b.y - a.x * b.z + a.y * b.w + a.z * b.x,
            a.w * b.z + a.x * b.y - a.y * b.x + a.z * b.w,
        )

    def conjugate(self):
        return Quaternion(self.w, -self.x, -self.y, -self.z)

    def square(self):
        return self.w**2 + self.x**2 + self.y**2 + self.z**2

    def rotated(self, point):
        """A point in space, turned; for a quaternion of any length but zero."""
        turned = self * Quaternion(0.0, *point) * self.conjugate()
        return np.stack([turned.x, turned.y, turned.z]) / self.square()


gx.register(Quaternion, children=("w", "x", "y", "z"))
check_value_laws(Quaternion, [Quaternion(1.0, 2.0, 3.0, 4.0), Quaternion(0.0, -1.0, 0.5, 2.0)])

# The derivative of |q|² is 2q.
q = Quaternion(1.0, 2.0, 3.0, 4.0)
gradient = gx.grad(Quaternion.square)(q)
print("gradient of |q|²:", gradient)
assert vars(gradient) == vars(q * 2.0)


# --- Which rotation was it? -----------------------------------------------------------------------


def misfit(q, points, seen):
    return sum(np.sum((q.rotated(p) - s) ** 2) for p, s in zip(points, seen, strict=True))


half = 0.6  # half the angle, in rad
truth = Quaternion(np.cos(half), 0.0, np.sin(half) * 0.6, np.sin(half) * 0.8)
points = np.random.default_rng(0).normal(size=(6, 3))
seen = [truth.rotated(p) for p in points]

q = Quaternion(1.0, 0.0, 0.0, 0.0)  # no rotation
for step in range(60):
    error, gradient = gx.value_and_grad(misfit)(q, points, seen)
    q = q + gradient * -0.01
    if step % 10 == 0:
        print(f"step {step:2}  error {error:.6f}  {q}")

found = q * (1 / np.sqrt(q.square()))  # only its direction matters
print("found", found)
print("truth", truth)
assert np.allclose(list(vars(found).values()), list(vars(truth).values()), atol=1e-3)
