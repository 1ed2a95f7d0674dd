"""Adoption: a copy of a program whose NumPy, SciPy and math are gradx's; the original stays."""
