"""Optimisation: methods of training for any value, and what finds minima, roots and fits.

`gx.optim.adam()` and its kin step along a gradient; schedules give their rates, and wrappers do
something before or after another method. `lbfgs` and `levenberg_marquardt` go to a minimum by
themselves. All are frozen records of options.
"""

from gradx.optim.damped import levenberg_marquardt
from gradx.optim.dividing import by_part, frozen
from gradx.optim.errors import MethodError
from gradx.optim.method import Method
from gradx.optim.methods import adagrad, rmsprop, sgd
from gradx.optim.minimum import Minimum
from gradx.optim.moments import adam, adamw, lamb, lion
from gradx.optim.quasi_newton import lbfgs
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
    clip_by_norm,
    clip_by_value,
)

__all__ = [
    "Method",
    "MethodError",
    "Minimum",
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
    "lbfgs",
    "levenberg_marquardt",
    "lion",
    "one_cycle",
    "piecewise",
    "rmsprop",
    "sgd",
    "step",
    "warmup",
]
