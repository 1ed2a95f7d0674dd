"""Models as functions: regression, logic gates, a time series and a recurrent network.

A model is a function from its parameters and an input to an output, nothing more. Models compose
like functions, and one way of training serves them all: these are the programs of Justin Le's
"A Purely Functional Typed Approach to Trainable Models". A model with a state takes it and
returns it; unrolled over a sequence it is a plain model again.
"""

import numpy as np

import gradx as gx


def less(p, rate, g):
    """``p - rate * g`` for parameters of any nesting of tuples and arrays."""
    if isinstance(p, tuple):
        return tuple(less(a, rate, b) for a, b in zip(p, g, strict=True))
    return p - rate * g


def train(model, p, samples, rate=0.1, epochs=1):
    """Stochastic gradient descent on the squared error, a sample a step."""

    def error(p, x, y):
        return np.sum((model(p, x) - y) ** 2)

    for _ in range(epochs):
        for x, y in samples:
            p = less(p, rate, gx.grad(error)(p, x, y))
    return p


# --- Models, and how they combine -----------------------------------------------------------------


def linear(p, x):
    weights, bias = p
    return weights @ x + bias


def logistic(x):
    return 1 / (1 + np.exp(-x))


def after(outer, inner):
    """The model that runs ``inner`` and then ``outer``; its parameters are the pair of theirs."""

    def model(p, x):
        p_outer, p_inner = p
        return outer(p_outer, inner(p_inner, x))

    return model


def mapped(function, model):
    return lambda p, x: function(model(p, x))


logistic_regression = mapped(logistic, linear)
two_layers = after(logistic_regression, logistic_regression)


def unrolled(model):
    """A model with a state, run over a sequence: the outputs, and the state at the end."""

    def run(p, xs, state):
        ys = []
        for x in xs:
            y, state = model(p, x, state)
            ys.append(y)
        return ys, state

    return run


def from_learned_start(model):
    """A model with a state as a plain one of whole sequences.

    The state at the beginning becomes a parameter, and that is all it takes to learn it.
    """

    def run(p, xs):
        parameters, start = p
        return np.stack(unrolled(model)(parameters, xs, start)[0])

    return run


# --- Linear regression ----------------------------------------------------------------------------

rng = np.random.default_rng(0)


def random(*shape):
    return rng.normal(size=shape) / 2


line = [(np.array([x]), np.array([2 * x - 1])) for x in rng.uniform(-1, 1, 100)]
slope, intercept = train(linear, (random(1, 1), random(1)), line, epochs=5)
print(f"regression  y = {slope[0, 0]:.4f} x + {intercept[0]:.4f}")
assert np.allclose([slope[0, 0], intercept[0]], [2, -1], atol=1e-3)


# --- Logic gates ----------------------------------------------------------------------------------

corners = [np.array(c) for c in [(0.0, 0.0), (0.0, 1.0), (1.0, 0.0), (1.0, 1.0)]]


def table(model, p):
    return [round(float(model(p, c)[0]), 2) for c in corners]


conjunction = [(c, np.array([float(c.all())])) for c in corners]
p = train(logistic_regression, (random(1, 2), random(1)), conjunction, rate=0.5, epochs=500)
print("and        ", table(logistic_regression, p))
assert [v > 0.5 for v in table(logistic_regression, p)] == [False, False, False, True]

exclusive = [(c, np.array([c.sum() % 2])) for c in corners]
p = train(logistic_regression, (random(1, 2), random(1)), exclusive, rate=0.5, epochs=200)
print("xor, a layer", table(logistic_regression, p), "which cannot do it")
assert max(abs(v - 0.5) for v in table(logistic_regression, p)) < 0.25

p = ((random(1, 4), random(1)), (2 * random(4, 2), random(4)))
p = train(two_layers, p, exclusive, rate=1.0, epochs=800)
print("xor, two    ", table(two_layers, p))
assert [v > 0.5 for v in table(two_layers, p)] == [False, True, True, False]


# --- A sine of period 25: an autoregression of order two, and a recurrent network -----------------

wave = np.sin(2 * np.pi * np.arange(100) / 25)


def autoregression(p, x, before):
    """The next value from this one and, in the state, the one before."""
    constant, this, last = p
    return constant + this * x + last * before, x


windows = [(wave[i : i + 8], wave[i + 8]) for i in range(80)]
model = mapped(lambda ys: ys[-1], from_learned_start(autoregression))
(constant, this, last), _ = train(model, ((0.0, 0.0, 0.0), 0.0), windows, epochs=30)
print(f"AR(2)       {constant:.4f} + {this:.4f} x1 + {last:.4f} x2")
# A sine is exactly its own autoregression, with these numbers.
assert np.allclose([constant, this, last], [0, 2 * np.cos(2 * np.pi / 25), -1], atol=0.02)


def recurrent(p, x, state):
    """Units that see the input and their own last outputs, and a linear model that reads them."""
    w_input, w_state, bias, (w_output, b_output) = p
    state = np.tanh(w_input * x + w_state @ state + bias)
    return w_output @ state + b_output, state


UNITS = 30
start = (
    (random(UNITS), random(UNITS, UNITS) / 4, random(UNITS), (random(UNITS) / 4, 0.0)),
    np.zeros(UNITS),
)
whole = [(wave[:50], wave[1:51])]
parameters, state = train(from_learned_start(recurrent), start, whole, rate=0.002, epochs=400)


def continued(model, p, state, known, steps):
    """A sequence goes on: each output is the next input."""
    ys, state = unrolled(model)(p, known, state)
    for _ in range(steps):
        y, state = model(p, ys[-1], state)
        ys.append(y)
    return np.array(ys[-steps:])


dreamt = continued(recurrent, parameters, state, wave[:50], 12)
real = np.sin(2 * np.pi * np.arange(51, 63) / 25)
for name, ys in [("real", real), ("RNN", dreamt)]:
    print(f"{name:11}", " ".join(f"{y:6.2f}" for y in ys))
assert np.max(abs(dreamt - real)) < 0.3
