"""Launch: how this process was started, and the group of those that were started with it.

A launcher of one MPI and the library of another do not find each other: then each process believes
to be alone, and all would do the same work and write the same files. So what the launcher has put
into the environment is compared with what the library says, before anything else is done.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any, NamedTuple

from gradx.parallel.errors import LauncherError
from gradx.parallel.group import ALONE, Group
from gradx.parallel.mpi import MpiGroup, load_mpi, start

__all__ = ["Launch", "connect", "launch_of", "world"]

_OPEN_MPI = "Open MPI"
# What launchers put into the environment: whose, the variable of the size, that of the rank. The
# more special ones come first, since some launchers set those of PMI as well.
_VARIABLES = (
    (_OPEN_MPI, "OMPI_COMM_WORLD_SIZE", "OMPI_COMM_WORLD_RANK"),
    ("MVAPICH2", "MV2_COMM_WORLD_SIZE", "MV2_COMM_WORLD_RANK"),
    ("MPICH", "PMI_SIZE", "PMI_RANK"),
    ("Slurm", "SLURM_STEP_NUM_TASKS", "SLURM_PROCID"),
)


class Launch(NamedTuple):
    """What a launcher has said to this process.

    Attributes:
        by: whose launcher; MPICH stands for all that speak its protocol, PMI.
        variable: where it says how many there are.
        size: how many processes it started.
        rank: the number of this one.
    """

    by: str
    variable: str
    size: int
    rank: int


def launch_of(environ: Mapping[str, str]) -> Launch | None:
    """What a launcher has said to a process; None if there was none.

    >>> launch_of({"PMI_SIZE": "4", "PMI_RANK": "1"})
    Launch(by='MPICH', variable='PMI_SIZE', size=4, rank=1)
    >>> launch_of({"HOME": "/root"})
    """
    for by, size, rank in _VARIABLES:
        if environ.get(size, "").isdecimal():
            number = environ.get(rank, "")
            return Launch(by, size, int(environ[size]), int(number) if number.isdecimal() else 0)
    return None


def connect(environ: Mapping[str, str] = os.environ, mpi: Any = None) -> Group:
    """The group of all processes that were launched together, by MPI.

    Args:
        environ: the environment of this process.
        mpi: the module `mpi4py.MPI`, if it is imported already.

    Raises:
        LauncherError: there is no MPI, or it is another one than the launcher's.
    """
    mpi = load_mpi() if mpi is None else mpi
    launch = launch_of(environ)
    name, version = mpi.get_vendor()
    library = f"{name} {'.'.join(map(str, version))}"
    if launch is not None and launch.by == _OPEN_MPI != name and launch.size > 1:
        # Before MPI is started: other libraries would abort, or take this process to be alone.
        raise _other_mpi(launch, f"is {library}")
    start(mpi)
    group = MpiGroup(mpi)
    if launch is not None and launch.size != group.size:
        raise _other_mpi(launch, f"({library}) sees {group.size}")
    return group


def _other_mpi(launch: Launch, what: str) -> LauncherError:
    return LauncherError(
        f"the launcher started {launch.size} processes ({launch.variable}={launch.size}, "
        f"{launch.by}), but the MPI library of mpi4py {what}: they are of two different MPIs; "
        "use the mpiexec of that library, which pip puts beside python: "
        "$(dirname $(which python))/mpiexec"
    )


def world() -> Group:
    """The group of all processes that were launched together; a group of one without a launcher.

    Raises:
        LauncherError: as for `connect`, if there was a launcher of several processes.

    >>> world()
    <Alone rank 0 of 1>
    """
    launch = launch_of(os.environ)
    return ALONE if launch is None or launch.size == 1 else connect()
