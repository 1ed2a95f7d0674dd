"""MPI: the adapter between a group of ranks and mpi4py, which is imported when it is asked for.

MPI looks at nothing: ranks that add vectors of different lengths get wrong numbers or crash, and
those that wait for one that has left wait for ever. So before they exchange anything they compare
what they are about to do, in a message of a few microseconds, and a rank whose program is over goes
on to compare until all are. What differs is then told on all ranks.
"""

from __future__ import annotations

import atexit
import faulthandler
import os
import sys
import time
import warnings
from contextlib import suppress
from importlib import import_module
from typing import Any, NoReturn, TypeVar

import numpy as np
from numpy.typing import NDArray

from gradx.parallel.errors import LauncherError, RanksDifferError
from gradx.parallel.group import Group

__all__ = ["MpiGroup", "load_mpi", "start"]

T = TypeVar("T")

_ADDED_BY_MPI = frozenset("fdFD")  # others, such as float16, have no type in all of MPI's versions
# Seconds in which the launcher carries the last words; it may lose what comes with the end.
_CARRIED = 0.5
# Seconds until all that the launcher started must have come.
_ALL_HERE = 120.0
_ADDS, _GATHERS, _GATHERS_OBJECTS, _HAS_ENDED = range(4)
_WORDS = ("adds", "gathers", "gathers objects", "has ended")
_NOTHING: NDArray[Any] = np.empty(0)
_DTYPES = 1 << 16  # more than NumPy numbers
_INSTALL = "write pip install 'gradx[mpi]', which needs no package of the system"


def load_mpi() -> Any:
    """The module `mpi4py.MPI`, without starting MPI.

    Raises:
        LauncherError: there is no mpi4py, or it finds no MPI library.
    """
    try:
        settings = import_module("mpi4py").rc
        automatic, settings.initialize = settings.initialize, False
        try:
            return import_module("mpi4py.MPI")
        finally:
            settings.initialize = automatic
    except ModuleNotFoundError as error:
        if error.name not in ("mpi4py", "mpi4py.MPI"):
            raise
        raise LauncherError(f"mpi4py is not installed; {_INSTALL}") from None
    except (ImportError, RuntimeError) as error:
        reason = " ".join(str(error).split())
        raise LauncherError(f"mpi4py finds no MPI library ({reason}); {_INSTALL}") from None


def start(mpi: Any) -> None:
    """Start MPI, unless it was started before, and have it ended with this process."""
    if not mpi.Is_initialized():
        with warnings.catch_warnings():  # of another MPI's launcher, of which `connect` tells
            warnings.simplefilter("ignore", RuntimeWarning)
            _wait_for_all_processes_that_the_launcher_started(mpi)
    atexit.unregister(_end)  # or it would be there as often as this is called
    atexit.register(_end, mpi)


def _wait_for_all_processes_that_the_launcher_started(mpi: Any) -> None:
    """Start MPI, where all processes meet; leave if one does not come.

    One may have ended before, such as for a wrong option, and MPI would wait for ever. Nothing of
    Python's runs while it waits, so what is left to tell of it is this function's name, in the
    stack that is written then.
    """
    faulthandler.dump_traceback_later(_ALL_HERE, exit=True, file=2)
    try:
        mpi.Init_thread()
    finally:
        faulthandler.cancel_dump_traceback_later()


def _end(mpi: Any) -> None:
    """End MPI; after an error that nobody caught, all ranks, since they may wait for this one."""
    if mpi.Is_finalized():
        return
    group = MpiGroup(mpi)
    if getattr(sys, "last_value", None) is not None and group.size > 1:
        group.abort(1)
    while not group.all_ended():
        pass  # the others have been told, and may be on their way out
    mpi.Finalize()


def _abort(comm: Any, code: int) -> NoReturn:
    """End all ranks; what this one has printed comes out first."""
    for stream in (sys.stdout, sys.stderr):
        with suppress(AttributeError, OSError, ValueError):  # there is none, or it is closed
            stream.flush()
    time.sleep(_CARRIED)
    comm.Abort(code)
    os._exit(code)  # if MPI comes back; it cannot be ended in an orderly way any more


class MpiGroup(Group):
    """The ranks of an MPI communicator.

    Args:
        mpi: the module, from `load_mpi`; it was started.
        comm: the communicator; by default all processes that were launched together.
    """

    def __init__(self, mpi: Any, comm: Any = None) -> None:
        self._mpi = mpi
        self._comm = mpi.COMM_WORLD if comm is None else comm
        self.rank = self._comm.Get_rank()
        self.size = self._comm.Get_size()

    def sum_into(self, vector: NDArray[Any]) -> None:
        """One `MPI_Allreduce`; a dtype that MPI cannot add is gathered and added here."""
        if vector.dtype.char in _ADDED_BY_MPI and vector.dtype.isnative:
            self._meet(_ADDS, vector)
            self._comm.Allreduce(self._mpi.IN_PLACE, vector, op=self._mpi.SUM)
        else:
            native = vector.dtype.newbyteorder("=")
            vector[...] = self.gather(vector).sum(axis=0, dtype=native)

    def gather(self, vector: NDArray[Any]) -> NDArray[Any]:
        """One `MPI_Allgather` of the bytes."""
        self._meet(_GATHERS, vector)
        rows = np.empty((self.size, *vector.shape), vector.dtype)
        self._comm.Allgather(vector.view(np.uint8), rows.view(np.uint8))
        return rows

    def gather_objects(self, x: T) -> list[T]:
        """One gathering of pickled values."""
        self._meet(_GATHERS_OBJECTS)
        found: list[T] = self._comm.allgather(x)
        return found

    def all_ended(self) -> bool:
        """Whether the program of every rank is over, as that of this one is."""
        try:
            self._meet(_HAS_ENDED)
        except RanksDifferError:
            return False
        return True

    def _meet(self, doing: int, vector: NDArray[Any] = _NOTHING) -> None:
        """Make sure that all ranks are about to do the same.

        Args:
            doing: which of the few things a rank does.
            vector: (n,), with what.

        Raises:
            RanksDifferError: on all ranks; says what two of them do.
        """
        if self.size == 1:
            return
        mark = (vector.size * _DTYPES + vector.dtype.num) * len(_WORDS) + doing
        most = np.array((mark, -mark))
        self._comm.Allreduce(self._mpi.IN_PLACE, most, op=self._mpi.MAX)
        if most[0] != -most[1]:
            what = "" if vector is _NOTHING else f" {vector.size:,} {vector.dtype.name}"
            raise _apart(self._comm.allgather(_WORDS[doing] + what))

    def abort(self, code: int) -> NoReturn:
        """`MPI_Abort`: the launcher ends the other processes and has the last word."""
        _abort(self._comm, code)


def _apart(doing: list[str]) -> RanksDifferError:
    rank = next(k for k, what in enumerate(doing) if what != doing[0])
    return RanksDifferError(
        f"the ranks do not do the same: rank 0 {doing[0]}, rank {rank} {doing[rank]}; all must "
        "call the same sums in the same order, on values of one structure, and end together"
    )
