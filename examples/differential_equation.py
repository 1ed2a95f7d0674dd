"""A differential equation fitted to data: foxes and rabbits.

The right-hand side is a method of a record of four rates. The classical Runge-Kutta method is a
loop, and the gradient goes back through all of its steps. What is learned is a record as well, so
Adam, the optimiser, is three lines of arithmetic on records.
"""

import numpy as np

import gradx as gx


@gx.record(frozen=True)
class Rates:
    """The equations of Lotka and Volterra; all rates per year."""

    birth: float
    hunt: float
    growth: float
    death: float

    def slope(self, animals):
        rabbits, foxes = animals
        return np.stack(
            [
                self.birth * rabbits - self.hunt * rabbits * foxes,
                self.growth * rabbits * foxes - self.death * foxes,
            ]
        )


@gx.record(frozen=True)
class Model:
    log_rates: Rates  # logarithms, so that no rate can become negative
    start: np.ndarray  # rabbits and foxes at the beginning, in hundreds

    @property
    def rates(self):
        p = self.log_rates
        return Rates(np.exp(p.birth), np.exp(p.hunt), np.exp(p.growth), np.exp(p.death))


def runge_kutta(slope, x, dt, steps):
    """The states at the times ``dt, 2 * dt, …``."""
    states = []
    for _ in range(steps):
        a = slope(x)
        b = slope(x + dt / 2 * a)
        c = slope(x + dt / 2 * b)
        d = slope(x + dt * c)
        x = x + dt / 6 * (a + 2 * b + 2 * c + d)
        states.append(x)
    return np.stack(states)


def run(model):
    return runge_kutta(model.rates.slope, model.start, dt=0.4, steps=25)


def misfit(model, seen):
    """Populations differ by factors: their logarithms are compared."""
    return np.mean((np.log(run(model)) - np.log(seen)) ** 2)


truth = Model(Rates(*np.log([1.1, 0.4, 0.1, 0.4])), np.array([10.0, 5.0]))
rng = np.random.default_rng(0)
seen = run(truth) * np.exp(0.05 * rng.normal(size=(25, 2)))  # counted with an error of 5 %

model = Model(Rates(*np.log([0.8, 0.3, 0.15, 0.6])), np.array([9.0, 6.0]))
mean = square = gx.zero(model)
for step in range(1, 251):
    error, gradient = gx.value_and_grad(misfit)(model, seen)
    mean = 0.9 * mean + 0.1 * gradient
    square = 0.99 * square + 0.01 * gradient**2
    model = model - 0.03 * (mean / (1 - 0.9**step)) / ((square / (1 - 0.99**step)) ** 0.5 + 1e-8)
    if step % 50 == 0:
        print(f"step {step}  error {error:.6f}")

print("found", {k: round(float(v), 3) for k, v in vars(model.rates).items()}, model.start.round(2))
print("truth", {k: round(float(v), 3) for k, v in vars(truth.rates).items()}, truth.start)
for found, true in zip(vars(model.rates).values(), vars(truth.rates).values(), strict=True):
    assert abs(found / true - 1) < 0.05
assert error < 0.005  # what is left is the noise
