"""A differential equation fitted to data: the hares and lynxes of Hudson Bay, 1900 to 1920.

    gradx train hares.py --rate 0.02 --epochs 200 --batch-size 21

Hares multiply, and are eaten by lynxes, which multiply the more of them they eat: the equations of
Lotka and Volterra. The classical Runge-Kutta method solves them in a loop, and the gradient of
what is wrong with the solution goes back through all of its steps, to four rates and to where it
began. The parameters are plain numbers. The rates come out as 0.54, 0.027, 0.024 and 0.80, which
others find too (B. Carpenter, Predator-Prey Population Dynamics, 2018: 0.55, 0.028, 0.024, 0.80).
"""

from dataclasses import dataclass

import numpy as np

# Thousands of pelts taken by the Hudson's Bay Company: C. Elton and M. Nicholson, The ten-year
# cycle in numbers of the lynx in Canada (1942), and D. A. MacLulich (1937), as usually quoted.
YEARS = np.arange(21)
HARES = (30, 47.2, 70.2, 77.4, 36.3, 20.6, 18.1, 21.4, 22, 25.4, 27.1,
         40.3, 57, 76.6, 52.3, 19.5, 11.2, 7.6, 14.6, 16.2, 24.7)  # fmt: skip
LYNXES = (4, 6.1, 9.8, 35.2, 59.4, 41.7, 19, 13, 8.3, 9.1, 7.4,
          8, 12.3, 19.5, 45.7, 51.1, 29.7, 15.8, 9.7, 10.1, 8.6)  # fmt: skip
STEPS = 5  # of the solution, in a year


@dataclass(frozen=True)
class Populations:
    """All as logarithms, so that none can become negative."""

    birth: float  # of hares, a year
    hunt: float  # of a hare by a thousand lynxes, a year
    growth: float  # of lynxes for each thousand hares, a year
    death: float  # of lynxes, a year
    hares: float  # thousands in the first year
    lynxes: float


def init(rng):
    """Guesses of the right size."""
    return Populations(*(np.log([0.5, 0.02, 0.02, 0.8, 30, 5]) + rng.normal(0, 0.05, 6)).tolist())


def solve(model):
    """Hares and lynxes in each year, (21, 2)."""
    birth, hunt = np.exp(model.birth), np.exp(model.hunt)
    growth, death = np.exp(model.growth), np.exp(model.death)

    def slope(x):
        hares, lynxes = x
        return np.stack([(birth - hunt * lynxes) * hares, (growth * hares - death) * lynxes])

    x, dt, seen = np.exp(np.stack([model.hares, model.lynxes])), 1 / STEPS, []
    for step in range(STEPS * len(YEARS)):
        if step % STEPS == 0:
            seen.append(x)
        a = slope(x)
        b = slope(x + dt / 2 * a)
        c = slope(x + dt / 2 * b)
        d = slope(x + dt * c)
        x = x + dt / 6 * (a + 2 * b + 2 * c + d)
    return np.stack(seen)


def loss(model, batch):
    """Populations differ by factors: their logarithms are compared, in the years of the batch."""
    years, seen = batch
    return np.mean((np.log(solve(model)[years]) - np.log(seen)) ** 2)


def predict(model, years):
    """Thousands of hares and lynxes in some years after 1900."""
    return solve(model)[years]


def data():
    return YEARS, np.stack([HARES, LYNXES], axis=1)
