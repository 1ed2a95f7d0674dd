"""A long short-term memory that reads verse, letter by letter, and goes on with it.

    gradx train verse.py --rate 0.01 --schedule cosine --epochs 20 --batch-size 32

After each letter it says how likely each letter is to be the next. What it keeps in mind from one
to the next are two vectors: a memory, which three gates guard, and what it says of it. The gradient
goes back through the whole loop. Each piece of verse is read from its first letter, with an empty
mind.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

TEXT = np.fromfile(Path(__file__).with_name("carroll.txt"), np.uint8)  # Lewis Carroll, 1865 to 1871
ALPHABET, LETTERS = np.unique(TEXT, return_inverse=True)
UNITS, LENGTH = 64, 40


@dataclass(frozen=True)
class Reader:
    embedding: np.ndarray  # (letters, 4 * units), what each letter says to the gates
    recurrent: np.ndarray  # (units, 4 * units), what the last output says to them
    bias: np.ndarray  # (4 * units,)
    answer: np.ndarray  # (units, letters)


def init(rng):
    bias = np.zeros(4 * UNITS)
    bias[:UNITS] = 1.0  # a gate that is open at first: it forgets nothing before it learns to
    return Reader(
        rng.normal(0, 0.3, (len(ALPHABET), 4 * UNITS)),
        rng.normal(0, UNITS**-0.5, (UNITS, 4 * UNITS)),
        bias,
        rng.normal(0, UNITS**-0.5, (UNITS, len(ALPHABET))),
    )


def logistic(x):
    return 1 / (1 + np.exp(-x))


def nothing_yet(n):
    """The mind before the first letter: memory and output for n texts."""
    return np.zeros((n, UNITS)), np.zeros((n, UNITS))


def read(reader, state, letters):
    """One letter of each text, (n,): the next memory and output, (n, units) each."""
    memory, output = state
    gates = reader.embedding[letters] + output @ reader.recurrent + reader.bias
    forget, write, tell, content = np.split(gates, 4, axis=1)
    memory = logistic(forget) * memory + logistic(write) * np.tanh(content)
    return memory, logistic(tell) * np.tanh(memory)


def loss(reader, batch):
    """The surprise at the next letter, in the mean; 0.69 is that of tossing a coin."""
    (texts,) = batch  # (n, LENGTH + 1)
    state, surprise = nothing_yet(len(texts)), 0.0
    for letters, following in zip(texts.T[:-1], texts.T[1:], strict=True):
        state = read(reader, state, letters)
        z = state[1] @ reader.answer
        right = z[np.arange(len(texts)), following]
        surprise = surprise + np.mean(np.logaddexp.reduce(z, axis=1) - right)
    return surprise / LENGTH


def predict(reader, beginnings):
    """How each beginning, a row of bytes, goes on: 80 times the likeliest letter."""
    state, letters = nothing_yet(len(beginnings)), []
    for known in np.searchsorted(ALPHABET, beginnings).T:
        state = read(reader, state, known)
    for _ in range(80):
        letters.append((state[1] @ reader.answer).argmax(axis=1))
        state = read(reader, state, letters[-1])
    return ALPHABET[np.stack(letters, axis=1)]


def data():
    """All pieces of the text that are so long, one beginning at every other letter."""
    return (np.lib.stride_tricks.sliding_window_view(LETTERS, LENGTH + 1)[::2],)
