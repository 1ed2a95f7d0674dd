"""What launchers say, what the library says, and what is told where they differ."""

import sys
from types import SimpleNamespace

import pytest

import gradx as gx
from gradx.parallel import ALONE, LauncherError, connect, launch_of, world
from gradx.parallel.launch import _VARIABLES
from gradx.parallel.mpi import load_mpi
from tests.parallel.launching import launched, needs_mpi
from tests.parallel.test_document import TEXT
from tests.processes import printed


class Comm:
    """A communicator as a library sees it that found nobody else."""

    def __init__(self, size=1):
        self.size = size

    def Get_rank(self):
        return 0

    def Get_size(self):
        return self.size


def mpi(size, name="MPICH"):
    """What of mpi4py.MPI is asked for a group; started already."""
    return SimpleNamespace(
        COMM_WORLD=Comm(size),
        get_vendor=lambda: (name, (5, 0, 2)),
        Is_initialized=lambda: True,
        Is_finalized=lambda: True,  # nothing is left to do at the end of this process
    )


@pytest.mark.parametrize(
    ("environ", "wanted"),
    [
        ({}, None),
        ({"PMI_SIZE": "4", "PMI_RANK": "3"}, ("MPICH", "PMI_SIZE", 4, 3)),
        ({"PMI_SIZE": "4"}, ("MPICH", "PMI_SIZE", 4, 0)),
        ({"PMI_SIZE": "many"}, None),
        (
            {"OMPI_COMM_WORLD_SIZE": "2", "OMPI_COMM_WORLD_RANK": "1", "PMI_SIZE": "9"},
            ("Open MPI", "OMPI_COMM_WORLD_SIZE", 2, 1),
        ),
        (
            {"SLURM_STEP_NUM_TASKS": "1", "SLURM_PROCID": "0", "PMI_SIZE": "4", "PMI_RANK": "3"},
            ("MPICH", "PMI_SIZE", 4, 3),
        ),
        (
            {"SLURM_STEP_NUM_TASKS": "4", "SLURM_PROCID": "3"},
            ("Slurm", "SLURM_STEP_NUM_TASKS", 4, 3),
        ),
        (
            {"MV2_COMM_WORLD_SIZE": "2", "MV2_COMM_WORLD_RANK": "1"},
            ("MVAPICH2", "MV2_COMM_WORLD_SIZE", 2, 1),
        ),
    ],
)
def test_what_a_launcher_said_is_read(environ, wanted):
    assert launch_of(environ) == wanted


def test_a_group_of_the_size_that_the_launcher_said_is_fine():
    group = connect({"PMI_SIZE": "4"}, mpi(4))
    assert (group.rank, group.size) == (0, 4)
    assert connect({}, mpi(1)).size == 1


_OTHER = "they are of two different MPIs; use the mpiexec of that library, .*: .*/mpiexec$"


def test_the_launcher_of_another_mpi_is_one_clear_line():
    text = (
        r"^the launcher started 4 processes \(PMI_SIZE=4, MPICH\), but the MPI library of mpi4py "
        rf"\(Open MPI 5\.0\.2\) sees 1: {_OTHER}"
    )
    with pytest.raises(LauncherError, match=text):
        connect({"PMI_SIZE": "4"}, mpi(1, "Open MPI"))


def test_the_launcher_of_open_mpi_is_found_before_another_mpi_is_started():
    text = (
        r"^the launcher started 4 processes \(OMPI_COMM_WORLD_SIZE=4, Open MPI\), but the MPI "
        rf"library of mpi4py is MPICH 5\.0\.2: {_OTHER}"
    )
    not_started = mpi(1)
    not_started.Is_initialized = None
    with pytest.raises(LauncherError, match=text):
        connect({"OMPI_COMM_WORLD_SIZE": "4"}, not_started)


def test_no_mpi4py_is_one_clear_line(monkeypatch):
    monkeypatch.setitem(sys.modules, "mpi4py", None)
    text = (
        r"^mpi4py is not installed; write pip install 'gradx\[mpi\]', which needs no package of "
        "the system$"
    )
    with pytest.raises(LauncherError, match=text):
        load_mpi()


def test_no_mpi_library_is_one_clear_line(monkeypatch):
    def missing(name):
        raise RuntimeError("cannot load MPI library\nlibmpi.so.12: cannot open")

    monkeypatch.setattr("gradx.parallel.mpi.import_module", missing)
    with pytest.raises(
        LauncherError,
        match=r"^mpi4py finds no MPI library \(cannot load MPI library libmpi\.so\.12: cannot ",
    ):
        load_mpi()


def test_a_fault_inside_mpi4py_is_no_missing_mpi4py(monkeypatch):
    def missing(name):
        raise ModuleNotFoundError("No module named 'ctypes'", name="ctypes")

    monkeypatch.setattr("gradx.parallel.mpi.import_module", missing)
    with pytest.raises(ModuleNotFoundError, match="ctypes"):
        load_mpi()


def test_the_world_of_a_program_that_nothing_launched_is_itself(monkeypatch):
    for _, name, _ in _VARIABLES:
        monkeypatch.delenv(name, raising=False)
    assert world() is ALONE
    monkeypatch.setenv("PMI_SIZE", "1")
    assert world() is ALONE


def test_mpi4py_is_imported_only_when_it_is_asked_for():
    code = (
        "import sys, gradx as gx, numpy as np\n"
        "before = 'gradx.parallel' in sys.modules\n"
        "gx.parallel.all_reduce(np.ones(2))\n"
        "print(before, 'mpi4py' in sys.modules)"
    )
    assert printed(code).split() == ["False", "False"]


def test_alone_a_group_does_what_a_group_does():
    assert gx.parallel.ALONE.gather_objects("x") == ["x"]
    ALONE.barrier()
    with pytest.raises(SystemExit) as left:
        ALONE.abort(3)
    assert left.value.code == 3


# --- With MPI -------------------------------------------------------------------------------------

PROGRAM = """
import numpy as np
import gradx as gx
from gradx.parallel import sum_of_blocks, world
from gradx.parallel.mpi import MpiGroup, load_mpi, start

group = world()
x = np.arange(6.0).reshape(2, 3) * (group.rank + 1)
total = {"x": x, "half": np.ones(2, "float16"), "z": 1j, "n": group.rank}
total = gx.parallel.all_reduce(total)
grad = gx.grad(lambda w: np.sum(gx.parallel.all_reduce(np.sin(w)) ** 2))(x)
blocks = sum_of_blocks(group, [1] * 8, lambda k: [np.full(3, 0.1) * 10.0**k], [np.zeros(3)])
told = group.broadcast("rank 0's" if group.rank == 0 else "another's")
group.barrier()
mpi = load_mpi()
start(mpi)
assert MpiGroup(mpi, mpi.COMM_SELF).size == 1
if group.rank == 0:
    s = sum(np.arange(6.0).reshape(2, 3) * (k + 1) for k in range(group.size))
    y = sum(np.sin(np.arange(6.0).reshape(2, 3) * (k + 1)) for k in range(group.size))
    np.testing.assert_allclose(total["x"], s)
    np.testing.assert_allclose(grad, 2 * group.size * y * np.cos(x))
    print(group, total["half"].tolist(), total["z"], total["n"], blocks[0][0].hex(), told)
"""


@needs_mpi
def test_four_processes_sum_what_they_have():
    code, out, err = launched(4, "-c", PROGRAM)
    assert (code, err) == (0, "")
    alone, tree = launched(1, "-c", PROGRAM)[1], out
    assert tree.startswith("<MpiGroup rank 0 of 4> [4.0, 4.0] 4j 6 0x")
    assert tree.split()[-3:] == alone.split()[-3:]  # the sum of the blocks, to the bit


@needs_mpi
def test_a_launcher_of_another_mpi_is_found_in_a_real_process():
    program = "import gradx; gradx.parallel.world()"
    code, _, err = launched(1, "-c", program, OMPI_COMM_WORLD_SIZE="4")
    assert code == 1
    assert "(OMPI_COMM_WORLD_SIZE=4, Open MPI), but the MPI library of mpi4py is MPICH" in err


@needs_mpi
@pytest.mark.parametrize(
    "started",
    ["", pytest.param("from mpi4py import MPI\n", marks=pytest.mark.soak)],
    ids=["by-gradx", "by-the-program"],
)
def test_an_error_that_nobody_catches_ends_the_ranks_that_wait(started):
    program = (
        f"{started}from gradx.parallel import world\n"
        "group = world()\n"
        "1 / 0 if group.rank == 1 else group.barrier()"
    )
    code, _, err = launched(2, "-c", program)
    assert code == 1
    assert "ZeroDivisionError" in err


@needs_mpi
@pytest.mark.soak
def test_an_abort_ends_the_ranks_that_wait():
    program = (
        "from gradx.parallel import world\n"
        "group = world()\n"
        "group.abort(2) if group.rank == 1 else group.barrier()"
    )
    code, _, _ = launched(2, "-c", program)
    assert code == 2


# --- Ranks that do not do the same: MPI gives wrong numbers then, crashes or waits ----------------

APART = """
import sys
import numpy as np
from gradx.parallel import RanksDifferError, all_reduce, world

group = world()

def said(work):
    try:
        return work()
    except RanksDifferError as error:
        return error

for pair in (
    (np.ones(3), np.ones(4)),
    (np.ones(3), np.ones(3, "float32")),
    (1, 1.0),
):
    words = said(lambda: all_reduce(pair[group.rank]))
    if group.rank == 0:
        print(words)
swapped = all_reduce(np.array([1.0, 2.0], ">f8"))
assert swapped.tolist() == [2.0, 4.0], swapped
if group.rank == 1:
    sys.exit("nothing to do here")
print(said(lambda: all_reduce(1.0)))
print(said(group.barrier))
"""


@needs_mpi
def test_ranks_that_do_not_do_the_same_are_told_on_all():
    """Also where one has left, with an exit code of its own; no rank waits for ever."""
    code, out, err = launched(2, "-c", APART)
    known = (
        "rank 0 adds 3 float64, rank 1 adds 4 float64",
        "rank 0 adds 3 float64, rank 1 adds 3 float32",
        "rank 0 gathers objects, rank 1 adds 1 float64",
        "rank 0 adds 1 float64, rank 1 has ended",
        "rank 0 gathers objects, rank 1 has ended",
    )
    lines = [
        f"the ranks do not do the same: {words}; all must call the same sums in the same order, on "
        "values of one structure, and end together"
        for words in known
    ]
    assert out.splitlines() == lines
    assert lines[3] in TEXT
    assert (code, err) == (1, "nothing to do here\n")


@needs_mpi
def test_a_process_that_never_comes_is_not_waited_for():
    program = (
        "import os, gradx.parallel.mpi as mpi\n"
        "mpi._ALL_HERE = 0.5\n"
        "os._exit(0) if os.environ['PMI_RANK'] == '1' else mpi.start(mpi.load_mpi())"
    )
    code, _, err = launched(2, "-c", program)
    assert code == 1
    assert "in _wait_for_all_processes_that_the_launcher_started\n" in err
