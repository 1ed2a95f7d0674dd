"""A small model of one's own, for the tests of the command line."""

import json

MODEL = """\
from dataclasses import dataclass
import numpy as np

@dataclass
class Line:
    slope: np.ndarray
    offset: float

def init(rng):
    return Line(rng.normal(size=3), 0.0)

def value(line, x):
    return x @ line.slope + line.offset

def loss(line, batch):
    x, y = batch
    return np.mean((value(line, x) - y) ** 2)

def data():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(100, 3))
    y = x @ np.array([1.0, 2.0, 3.0]) + 0.5
    return (x[:80], y[:80]), (x[80:], y[80:])

def metrics(line, batch):
    x, y = batch
    return {"error": np.mean(np.abs(value(line, x) - y))}

def predict(line, x):
    return value(line, x)
"""

RUN = ["train", "line.py", "--batch-size", "8", "--epochs", "2"]


def log_of(path):
    """The header of a log, and its reports without the time."""
    header, *reports = [json.loads(line) for line in path.read_text().splitlines()]
    assert header.pop("time") and all(report.pop("seconds") > 0 for report in reports)
    return header, reports
