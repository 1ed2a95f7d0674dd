"""The cost of k-means, from ADBench, its gradient and its Hessian: Newton's step is Lloyd's.

The source of the problem stands in ``evaluation_model.py``. Where no point changes its center the
cost is a paraboloid: the gradient is twice the sum of the distances, the Hessian is diagonal, twice
the number of points of each center, and one step of Newton's leads to the means.
"""

import numpy as np
from evaluation_model import k_means_cost

import gradx as gx

rng = np.random.default_rng(0)
K, D = 4, 2
points = np.concatenate([rng.normal(size=(100, D)) + 6 * rng.normal(size=D) for _ in range(K)])
centers = points[rng.choice(len(points), K, replace=False)]


def nearest(centers):
    return np.argmin(np.sum((points[:, None, :] - centers) ** 2, axis=2), axis=1)


def cost(centers):
    return k_means_cost(centers, points)


steps = 0
while True:
    owner = nearest(centers)
    counts = np.bincount(owner, minlength=K)
    means = np.array([points[owner == k].mean(axis=0) for k in range(K)])
    gradient = gx.grad(cost)(centers)
    # The Hessian times ones is its diagonal, since there is nothing beside that.
    diagonal = gx.hvp(cost)(centers, np.ones((K, D)))
    assert np.allclose(gradient, 2 * counts[:, None] * (centers - means), rtol=1e-10, atol=1e-8)
    assert np.allclose(diagonal, 2 * counts[:, None] * np.ones(D), rtol=1e-12)
    moved = centers - gradient / diagonal
    assert np.allclose(moved, means, rtol=1e-12)  # Lloyd's step
    if np.allclose(moved, centers, rtol=1e-12):
        break
    centers, steps = moved, steps + 1
hessian = gx.hessian(cost)(centers).reshape(K * D, K * D)
assert np.allclose(hessian, np.diag(diagonal.ravel()), atol=1e-9)
print(
    f"after {steps} steps of Newton's: cost {cost(centers):.3f}, points of each {counts.tolist()}"
)
assert np.abs(gx.grad(cost)(centers)).max() < 1e-8
