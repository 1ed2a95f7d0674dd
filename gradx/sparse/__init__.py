"""Sparse Jacobians: a run that finds which number depends on which, and colours of columns."""
