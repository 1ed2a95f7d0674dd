"""Adoption: a copy of a program whose NumPy, SciPy and math are gradx's; the original stays."""

from gradx.adoption.entry import adopt

__all__ = ["adopt"]
