"""Testing: checks that users run on their own types and functions, with any test framework.

`check_value_laws` checks that a type adds as gradients must; `check_grads` compares a function's
gradient with central differences; `backend_contract` puts a backend to what gradx relies on. All
raise an `AssertionError` that says what is wrong.
"""

from gradx.testing import backend_contract
from gradx.testing.gradients import GradientMismatchError, check_grads
from gradx.testing.laws import LawError, check_value_laws

__all__ = [
    "GradientMismatchError",
    "LawError",
    "backend_contract",
    "check_grads",
    "check_value_laws",
]
