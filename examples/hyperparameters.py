"""Hyperparameters learned by gradient: how strongly to penalise each part of a curve.

A curve is fitted to noisy training data by ridge regression: its weights minimise the squared error
and a penalty on the weights, one for the trend and one for the wiggles. The penalties themselves
minimise the error on validation data. Its gradient goes through the fit, which is a solver of its
own, by `gx.implicit`: the weights are where the gradient of the training loss is zero.

The curves are orthonormal on the points, so the best penalties are known in closed form.
"""

import numpy as np

import gradx as gx


@gx.record
class Curve:
    trend: np.ndarray  # weights of the first two curves
    wiggles: np.ndarray  # and of the other four


@gx.record
class Penalties:
    trend: float
    wiggles: float


points = np.linspace(-1, 1, 40)
basis, _ = np.linalg.qr(np.vander(points, 6, increasing=True))  # orthonormal polynomials
truth = basis[:, :2] @ np.array([3.0, -2.0]) + basis[:, 2:] @ np.array([0.5, -0.4, 0.3, 0.3])
rng = np.random.default_rng(0)
training, validation = (truth + 0.25 * rng.normal(size=40) for _ in range(2))


def values(curve):
    return basis[:, :2] @ curve.trend + basis[:, 2:] @ curve.wiggles


def training_loss(curve, penalties):
    penalty = penalties.trend * np.sum(curve.trend**2) + penalties.wiggles * np.sum(
        curve.wiggles**2
    )
    return np.sum((values(curve) - training) ** 2) + penalty


fits = []


def fit(penalties):
    """The weights, by any solver: here the normal equations, on plain numbers."""
    fits.append(penalties)
    strengths = np.repeat([penalties.trend, penalties.wiggles], [2, 4])
    weights = np.linalg.solve(basis.T @ basis + np.diag(strengths), basis.T @ training)
    return Curve(weights[:2], weights[2:])


fitted = gx.implicit(fit, gx.grad(training_loss), linear="cg")


def validation_loss(logs):
    curve = fitted(Penalties(np.exp(logs.trend), np.exp(logs.wiggles)))
    return np.sum((values(curve) - validation) ** 2)


start = Penalties(0.0, 0.0)
print("loss before", round(float(validation_loss(start)), 4))
# The method takes Hessian products: derivatives of the second order through the fit.
found = gx.minimize(validation_loss, start, method="trust-ncg")
penalties = Penalties(np.exp(found.x.trend), np.exp(found.x.wiggles))
print("loss after ", round(float(found.fun), 4), "in", len(fits), "fits")
print(f"penalties   {penalties.trend:.4f} of the trend, {penalties.wiggles:.4f} of the wiggles")

# Ridge regression shrinks the weights z of the training data to z / (1 + penalty). They are closest
# to the weights v of the validation data where 1 + penalty = z.z / z.v, for each part by itself.
z, v = basis.T @ training, basis.T @ validation
for part, penalty in ((slice(2), penalties.trend), (slice(2, 6), penalties.wiggles)):
    best = z[part] @ z[part] / (z[part] @ v[part]) - 1
    assert best > 0 and abs(penalty - best) < 1e-4 * (1 + best), (penalty, best)
assert np.linalg.norm(gx.ravel(gx.grad(validation_loss)(found.x))[0]) < 1e-4
