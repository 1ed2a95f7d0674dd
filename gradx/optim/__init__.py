"""Optimisation: methods of training for any value, and what finds minima, roots and fits.

`gx.optim.adam()` and its kin step along a gradient; schedules give their rates, and wrappers do
something before or after another method. All are frozen records of options.
"""

from gradx.optim.errors import MethodError
from gradx.optim.method import Method
from gradx.optim.methods import adagrad, adam, adamw, lamb, lion, rmsprop, sgd
from gradx.optim.schedules import (
    Schedule,
    constant,
    cosine,
    one_cycle,
    piecewise,
    step,
    warmup,
)
from gradx.optim.wrappers import (
    accumulate,
    average,
    averaged,
    by_part,
    clip_by_norm,
    clip_by_value,
    frozen,
)

__all__ = [
    "Method",
    "MethodError",
    "Schedule",
    "accumulate",
    "adagrad",
    "adam",
    "adamw",
    "average",
    "averaged",
    "by_part",
    "clip_by_norm",
    "clip_by_value",
    "constant",
    "cosine",
    "frozen",
    "lamb",
    "lion",
    "one_cycle",
    "piecewise",
    "rmsprop",
    "sgd",
    "step",
    "warmup",
]
