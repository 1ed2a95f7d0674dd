"""Optimisation: steps of gradient descent, and the optimisers of SciPy, on any value."""
