"""A probabilistic model with constrained parameters: two kinds of penguins, told by weight.

The weights are a mixture of two normal distributions. Its parameters are constrained: a share lies
between 0 and 1, a deviation is positive, and the second mean is above the first. An iso gives each
another form, which is any real number. The mixture is learned in that form, so that no step can
leave the constraints, and read in its own.
"""

import numpy as np

import gradx as gx


@gx.record(frozen=True)
class Mixture:
    share: float  # of the first kind
    means: tuple[float, float]  # kg
    deviations: tuple[float, float]  # kg

    def __post_init__(self):
        """Checked whenever a mixture is made; gradients are made without."""
        if not 0 < self.share < 1 or min(self.deviations) <= 0:
            raise ValueError(f"not a mixture: {self}")


positive = gx.iso(np.log, np.exp)
between_0_and_1 = gx.iso(lambda p: np.log(p / (1 - p)), lambda x: 1 / (1 + np.exp(-x)))
increasing = gx.iso(
    lambda pair: (pair[0], np.log(pair[1] - pair[0])),
    lambda free: (free[0], free[0] + np.exp(free[1])),
)
both_positive = gx.iso(
    lambda pair: (gx.view(positive, pair[0]), gx.view(positive, pair[1])),
    lambda free: (gx.review(positive, free[0]), gx.review(positive, free[1])),
)

# The iso of the whole: a mixture, and its parameters without constraints.
free = gx.iso(
    lambda m: (
        gx.view(between_0_and_1, m.share),
        gx.view(increasing, m.means),
        gx.view(both_positive, m.deviations),
    ),
    lambda p: Mixture(
        gx.review(between_0_and_1, p[0]),
        gx.review(increasing, p[1]),
        gx.review(both_positive, p[2]),
    ),
)


def log_normal(x, mean, deviation):
    return -0.5 * ((x - mean) / deviation) ** 2 - np.log(deviation) - 0.5 * np.log(2 * np.pi)


def surprise(m, x):
    """Minus the mean log-likelihood of the weights under a mixture."""
    first = np.log(m.share) + log_normal(x, m.means[0], m.deviations[0])
    second = np.log(1 - m.share) + log_normal(x, m.means[1], m.deviations[1])
    return -np.mean(np.logaddexp(first, second))


truth = Mixture(share=0.6, means=(3.7, 5.1), deviations=(0.35, 0.5))
rng = np.random.default_rng(0)
kind = (rng.uniform(size=1000) > truth.share).astype(int)
weights = rng.normal(np.array(truth.means)[kind], np.array(truth.deviations)[kind])

guess = Mixture(share=0.5, means=(4.0, 5.0), deviations=(1.0, 1.0))
parameters = gx.view(free, guess)
assert np.allclose(gx.review(free, parameters).means, guess.means)


def less(p, rate, g):
    return tuple(map(lambda a, b: less(a, rate, b), p, g)) if isinstance(p, tuple) else p - rate * g


for step in range(1, 601):
    loss, gradient = gx.value_and_grad(lambda p: surprise(gx.review(free, p), weights))(parameters)
    parameters = less(parameters, 0.3, gradient)
    if step % 150 == 0:
        print(f"step {step}  surprise {loss:.5f}")


def rounded(m):
    return gx.over(gx.at_instances_of(float), lambda x: round(float(x), 3), m)


found = gx.review(free, parameters)
print("found", rounded(found))
print("truth", truth)
assert abs(found.share - truth.share) < 0.05
assert np.allclose(found.means, truth.means, atol=0.08)
assert np.allclose(found.deviations, truth.deviations, atol=0.08)
assert loss < surprise(truth, weights)  # on these weights it does better than the truth
