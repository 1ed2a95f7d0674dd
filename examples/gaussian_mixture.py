"""The log-likelihood of a mixture of Gaussians, from ADBench, and its gradient.

The source of the problem stands in ``evaluation_model.py``. The answer is known: each point belongs
to each Gaussian with some probability, and the derivatives are means over those. Learning by the
gradient, the mixture finds the three clusters that were put in.
"""

from dataclasses import dataclass

import numpy as np
from evaluation_model import log_sum_exp, mixture_log_likelihood

import gradx as gx

K, D = 3, 2


@dataclass
class Mixture:
    alphas: np.ndarray  # (k,), logarithms of the weights
    means: np.ndarray  # (k, d)
    logs: np.ndarray  # (k, d), of the diagonals of the factors of the inverse covariances
    lower: np.ndarray  # (k, d, d), the factors below their diagonals


def likelihood(mixture, points):
    return mixture_log_likelihood(
        mixture.alphas, mixture.means, mixture.logs, mixture.lower, points
    )


rng = np.random.default_rng(0)
truth = np.array([[-4.0, 0.0], [4.0, 0.0], [0.0, 5.0]])
points = np.concatenate([center + rng.normal(size=(200, D)) for center in truth])
guess = Mixture(np.zeros(K), points[::200], np.zeros((K, D)), np.zeros((K, D, D)))

# With identity matrices for factors, the gradient by hand:
gradient = gx.grad(likelihood)(guess, points)
off = points[:, None, :] - guess.means
terms = guess.alphas - 0.5 * np.sum(off**2, axis=2)
shares = np.exp(terms - log_sum_exp(terms)[:, None])  # of each Gaussian in each point
by_hand = np.einsum("nk,nkd->kd", shares, off)
assert np.allclose(gradient.means, by_hand, rtol=1e-12)
assert np.allclose(gradient.alphas, shares.sum(axis=0) - len(points) / K, rtol=1e-12)
assert np.allclose(gradient.logs, np.einsum("nk,nkd->kd", shares, 1 - off**2), rtol=1e-12)
gx.check_grads(likelihood, guess, points[:5], modes=("rev",))

mixture, state = guess, gx.updates.adam_start(guess)
for step in range(1, 401):
    value, gradient = gx.value_and_grad(lambda m: -likelihood(m, points) / len(points))(mixture)
    mixture, state = gx.updates.adam(mixture, gradient, state, rate=0.05)
    if step % 100 == 0:
        print(f"step {step}  minus log-likelihood of a point {value:.4f}")
found = mixture.means[np.argsort(mixture.means[:, 0])]
print("centers found:", *np.round(found, 2).tolist())
assert np.allclose(found, truth[[0, 2, 1]], atol=0.3)
