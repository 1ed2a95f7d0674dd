"""MPI: the adapter between a group of ranks and mpi4py, which is imported when it is asked for."""

from __future__ import annotations

import atexit
import sys
import time
import warnings
from contextlib import suppress
from importlib import import_module
from typing import Any, NoReturn, TypeVar

import numpy as np
from numpy.typing import NDArray

from gradx.parallel.errors import LauncherError
from gradx.parallel.group import Group

__all__ = ["MpiGroup", "load_mpi", "start"]

T = TypeVar("T")

_ADDED_BY_MPI = frozenset("fdFD")  # others, such as float16, have no type in all of MPI's versions
# Seconds in which the launcher carries the last words; it may lose what comes with the end.
_CARRIED = 0.5
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
    """Start MPI, and have it ended with this process, unless it was started before."""
    if not mpi.Is_initialized():
        with warnings.catch_warnings():  # of another MPI's launcher, of which `connect` tells
            warnings.simplefilter("ignore", RuntimeWarning)
            mpi.Init_thread()
        atexit.register(_end, mpi)


def _end(mpi: Any) -> None:
    """End MPI; after an error that nobody caught, all ranks, since they may wait for this one."""
    if mpi.Is_finalized():
        return
    if getattr(sys, "last_value", None) is not None and mpi.COMM_WORLD.Get_size() > 1:
        _abort(mpi.COMM_WORLD, 1)
    mpi.Finalize()


def _abort(comm: Any, code: int) -> NoReturn:
    """End all ranks; what this one has printed comes out first."""
    for stream in (sys.stdout, sys.stderr):
        with suppress(AttributeError, OSError, ValueError):  # there is none, or it is closed
            stream.flush()
    time.sleep(_CARRIED)
    comm.Abort(code)
    raise SystemExit(code)  # MPI does not come back


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
        if vector.dtype.char in _ADDED_BY_MPI:
            self._comm.Allreduce(self._mpi.IN_PLACE, vector, op=self._mpi.SUM)
        else:
            vector[...] = self.gather(vector).sum(axis=0, dtype=vector.dtype)

    def gather(self, vector: NDArray[Any]) -> NDArray[Any]:
        """One `MPI_Allgather` of the bytes."""
        rows = np.empty((self.size, *vector.shape), vector.dtype)
        self._comm.Allgather(vector.view(np.uint8), rows.view(np.uint8))
        return rows

    def gather_objects(self, x: T) -> list[T]:
        """One gathering of pickled values."""
        found: list[T] = self._comm.allgather(x)
        return found

    def abort(self, code: int) -> NoReturn:
        """`MPI_Abort`: the launcher ends the other processes and has the last word."""
        _abort(self._comm, code)
