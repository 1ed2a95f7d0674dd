"""A long short-term memory, as a record and a fold.

One cell is a record of four gates; running it over a sequence is a fold with the pair of memory and
output as its state. It learns what plain recurrent networks find hard: to keep the first number of
a sequence in mind through noise, and to give it back at the end.
"""

import functools

import numpy as np

import gradx as gx

INPUTS, UNITS, STEPS = 1, 8, 20


@gx.record
class Gate:
    inputs: np.ndarray  # (units, inputs)
    recurrent: np.ndarray  # (units, units)
    bias: np.ndarray  # (units,)

    def __call__(self, x, output):
        return x @ self.inputs.T + output @ self.recurrent.T + self.bias


@gx.record
class LSTM:
    forget: Gate
    write: Gate
    read: Gate
    content: Gate

    def step(self, state, x):
        """One step: (batch, units) twice and (batch, inputs) give (batch, units) twice."""
        memory, output = state
        memory = logistic(self.forget(x, output)) * memory + logistic(
            self.write(x, output)
        ) * np.tanh(self.content(x, output))
        return memory, logistic(self.read(x, output)) * np.tanh(memory)


@gx.record
class Model:
    cell: LSTM
    answer: np.ndarray  # (units,)

    def __call__(self, xs):
        """Sequences, (steps, batch, inputs), to one number each: the fold over the steps."""
        start = np.zeros((xs.shape[1], UNITS)), np.zeros((xs.shape[1], UNITS))
        _, output = functools.reduce(self.cell.step, xs, start)
        return output @ self.answer


def logistic(x):
    return 1 / (1 + np.exp(-x))


def random_gate(rng, bias=0.0):
    return Gate(
        rng.normal(size=(UNITS, INPUTS)) / 2,
        rng.normal(size=(UNITS, UNITS)) / UNITS**0.5 / 2,
        np.full(UNITS, bias),
    )


def sequences(rng, n):
    """Noise, but for the first number, which is 1 or -1 and is the target."""
    xs = 0.5 * rng.normal(size=(STEPS, n, INPUTS))
    target = rng.choice([-1.0, 1.0], n)
    xs[0, :, 0] = target
    return xs, target


def loss(model, xs, target):
    return np.mean((model(xs) - target) ** 2)


rng = np.random.default_rng(0)
cell = LSTM(random_gate(rng, 1.0), random_gate(rng), random_gate(rng), random_gate(rng))
model = Model(cell, rng.normal(size=UNITS) / UNITS**0.5)  # a forget gate opens at 1: it remembers

mean = square = gx.zero(model)
for step in range(1, 151):
    xs, target = sequences(rng, 32)
    error, gradient = gx.value_and_grad(loss)(model, xs, target)
    mean = 0.9 * mean + 0.1 * gradient  # Adam, in arithmetic on whole models
    square = 0.99 * square + 0.01 * gradient**2
    model = model - 0.03 * (mean / (1 - 0.9**step)) / ((square / (1 - 0.99**step)) ** 0.5 + 1e-8)
    if step % 30 == 0:
        print(f"step {step:3}  error {error:.4f}")

xs, target = sequences(rng, 500)
right = np.mean(np.sign(model(xs)) == target)
print(f"of 500 new sequences, {100 * right:.1f}% are recalled; error {loss(model, xs, target):.4f}")
assert right > 0.99 and loss(model, xs, target) < 0.05
