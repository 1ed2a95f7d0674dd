"""Abstract values, to prove that code reads no numbers; they are those of `gradx.abstract`."""

from gradx.abstract.run import AbstractArray, AbstractNumber, AbstractRun, AbstractScalar

__all__ = ["AbstractArray", "AbstractNumber", "AbstractRun", "AbstractScalar"]
