"""Optimisation: steps of gradient descent, on any value."""
