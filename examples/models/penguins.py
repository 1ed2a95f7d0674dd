"""Logistic regression on a CSV file: which of three penguins is it?

    gradx train penguins.py --rate 0.05 --epochs 50 --batch-size 32

Each species has a score that is linear in four measurements, and the scores' exponentials are in
proportion to the probabilities. For two species this is the logistic function of the difference of
their scores, whence the name.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

FILE = Path(__file__).with_name("penguins.csv")  # says where its numbers come from
SPECIES = ("Adelie", "Chinstrap", "Gentoo")
PENALTY = 1e-3  # the less evidence there is for a weight, the nearer to zero it stays


@dataclass(frozen=True)
class Regression:
    weights: np.ndarray  # (3, 4), of each species and measurement
    bias: np.ndarray  # (3,)


def init(rng):
    """All species are equally likely at first; nothing is random here, for the loss is convex."""
    return Regression(np.zeros((3, 4)), np.zeros(3))


def scores(model, birds):
    """Measurements, (n, 4), to a score for each species, (n, 3)."""
    typical, spread = np.array([44.0, 17.2, 201.0, 4200.0]), np.array([5.5, 2.0, 14.0, 800.0])
    return (birds - typical) / spread @ model.weights.T + model.bias


def loss(model, batch):
    """The surprise at the right species, in the mean, and a price for large weights."""
    birds, species = batch
    z = scores(model, birds)
    surprise = np.logaddexp.reduce(z, axis=1) - z[np.arange(len(z)), species]
    return np.mean(surprise) + PENALTY * np.sum(model.weights**2)


def metrics(model, batch):
    birds, species = batch
    return {"error": np.mean(predict(model, birds) != species)}


def predict(model, birds):
    """The number of the likeliest species, for measurements in millimetres and grams."""
    return scores(model, birds).argmax(axis=1)


def data():
    """Four birds of five to learn from, and the fifth to be tested with."""
    columns = np.loadtxt(FILE, delimiter=",", skiprows=3, dtype=str)
    species = np.array([SPECIES.index(name) for name in columns[:, 0]])
    birds = columns[:, 1:].astype(float)
    test = np.arange(len(birds)) % 5 == 4
    return (birds[~test], species[~test]), (birds[test], species[test])
