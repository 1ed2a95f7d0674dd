"""Methods that train, schedules and wrappers; updates, descent and solvers of SciPy's."""

from gradx.optim.errors import MethodError
from gradx.optim.method import Method
from gradx.optim.methods import adam, sgd

__all__ = ["Method", "MethodError", "adam", "sgd"]
