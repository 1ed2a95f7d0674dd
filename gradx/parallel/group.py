"""Group: processes that work together, and the little that an engine must do for them.

An engine (MPI in `gradx.parallel.mpi`) is one subclass that knows how bytes travel. It knows
nothing of records, gradients or blocks: those are made of its few functions by the rest of the
room. Every function here is *collective*: all ranks call it, in the same order.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, NoReturn, TypeVar

import numpy as np
from numpy.typing import NDArray

from gradx.parallel.errors import ParallelError

__all__ = ["ALONE", "Alone", "Group", "check_on_host"]

T = TypeVar("T")


class Group(ABC):
    """Processes that work together, each with a number of its own.

    Attributes:
        rank: the number of this process, from 0.
        size: how many there are.
    """

    rank: int
    size: int

    @abstractmethod
    def sum_into(self, vector: NDArray[Any]) -> None:
        """Replace a vector by its sum over the ranks, which is the same on all of them.

        The engine chooses the order of the additions. See `gradx.parallel.blocks` for a fixed one.

        Args:
            vector: (n,), contiguous, of one length and dtype on all ranks.
        """

    @abstractmethod
    def gather(self, vector: NDArray[Any]) -> NDArray[Any]:
        """The vectors of all ranks, on all of them.

        Args:
            vector: (n,), contiguous, of one length and dtype on all ranks.

        Returns:
            (size, n), a rank a row.
        """

    @abstractmethod
    def gather_objects(self, x: T) -> list[T]:
        """A small value of each rank, on all of them; it must be possible to pickle it."""

    @abstractmethod
    def abort(self, code: int) -> NoReturn:
        """End the processes of all ranks at once; this one is the only one that knows why.

        Args:
            code: the exit code of the whole run.
        """
        raise NotImplementedError

    def sum(self, x: Any) -> Any:
        """The sum of a number or an array over the ranks.

        Args:
            x: a number, or an array of numbers, of the same shape on all ranks.

        Returns:
            The same kind of value, the same on all ranks; a new array.

        >>> Alone().sum(2.5)
        2.5
        """
        if type(x) is np.memmap:
            x = np.asarray(x)
        kind = type(x)
        if kind is not np.ndarray:
            if kind not in (int, float, complex) and not issubclass(kind, np.number):
                check_on_host(x)
            total = self.sum(np.array([x]))
            return total[0] if issubclass(kind, np.number) else total.item()
        buffer = x.flatten()
        self.sum_into(buffer)
        return buffer.reshape(x.shape)

    def broadcast(self, x: T, root: int = 0) -> T:
        """A small value of one rank, on all of them.

        Args:
            x: the value; what the other ranks give is not looked at.
            root: whose it is.

        >>> Alone().broadcast("rate 0.02")
        'rate 0.02'
        """
        return self.gather_objects(x if self.rank == root else None)[root]  # type: ignore[return-value]

    def barrier(self) -> None:
        """Wait until all ranks are here."""
        self.gather_objects(None)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} rank {self.rank} of {self.size}>"


def check_on_host(x: Any) -> None:
    """Refuse what is no array of NumPy's, whose memory an engine would not find.

    Raises:
        ParallelError: names its type.
    """
    kind = type(x)
    if kind is not np.ndarray:
        raise ParallelError(
            f"the sum over the ranks of a {kind.__module__}.{kind.__name__}: give numbers or NumPy "
            "arrays; bring arrays of a device to the host first with gx.to_device(x, 'cpu')"
        )


class Alone(Group):
    """A group of one process: every sum is what it is given.

    >>> Alone()
    <Alone rank 0 of 1>
    """

    rank = 0
    size = 1

    def sum_into(self, vector: NDArray[Any]) -> None:
        """Leave the vector as it is."""

    def gather(self, vector: NDArray[Any]) -> NDArray[Any]:
        """The vector as the only row."""
        return vector[None, :].copy()

    def gather_objects(self, x: T) -> list[T]:
        """The value alone."""
        return [x]

    def abort(self, code: int) -> NoReturn:
        """End this process."""
        raise SystemExit(code)


ALONE = Alone()
"""The group of a program that nothing launched together with others."""
