"""`gradx train --parallel` as a user starts it: the same numbers, and what is told of faults."""

import json
import os
import signal
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from gradx.cli.app import run
from gradx.train import load, read_parameters
from tests.mnist.idx_files import small_arrays, write_dataset
from tests.parallel.launching import MPIEXEC, ended, launched, needs_mpi, on, started
from tests.parallel.test_document import without_numbers, words_of_the_launcher

pytestmark = needs_mpi
GRADX = ("-m", "gradx", "train", "--parallel")
MODEL = Path(__file__).with_name("line_model.py")
SMALL = ("--hidden", 9, "--rate", 0.5, "--report-every", 100, "--batch-size", 25)


@pytest.fixture(scope="module")
def images(tmp_path_factory):
    return write_dataset(tmp_path_factory.mktemp("images"), small_arrays(train=210, test=60))


def train(ranks, *options, **variables):
    """Exit code, output and errors of `gradx train --parallel` on so many ranks."""
    return launched(ranks, *GRADX, *options, **variables)


def alone(*options):
    code = run(["train", *map(str, options)])
    assert code == 0


def arrays_of(path):
    with np.load(path) as archive:
        return {name: archive[name].tobytes() for name in archive.files}


def only_line(text):
    """The one line of gradx's own, beside the launcher's words."""
    [line] = [line for line in text.splitlines() if line.startswith("gradx:")]
    return line


def test_files_are_the_same_for_1_2_and_4_ranks_also_where_they_go_on(images, tmp_path, capfd):
    """Epoch by epoch 4, 2 and 1 ranks go on from one another; one process does each epoch, too."""
    data = ("--data", images, *SMALL)
    shared, single = tmp_path / "shared.npz", tmp_path / "single.npz"
    logs = [tmp_path / "shared.json", tmp_path / "single.json"]
    begin = (*data, "--deterministic", "--save", shared, "--json", logs[0])
    code, out, err = train(4, *begin)
    assert (code, err) == (0, "")
    assert "\nranks     4 share each batch, in 8 blocks\n" in out
    assert out.count("Validation error") == 3
    alone(*data, "--deterministic", "--save", single, "--json", logs[1])
    assert arrays_of(shared) == arrays_of(single)
    go_on = ("--data", images, "--load", shared, "--save", shared, "--json", logs[0])
    code, out, err = train(2, *go_on, "--epochs", 2)
    assert (code, err) == (0, "")
    assert "\nranks     2 share each batch, in 8 blocks\n" in out
    alone(*go_on, "--epochs", 3)
    again = ("--data", images, "--load", single, "--save", single, "--json", logs[1])
    alone(*again, "--epochs", 2)
    alone(*again, "--epochs", 3)
    assert arrays_of(shared) == arrays_of(single)
    one, other = (reports_of(log) for log in logs)
    assert len(one) == 9
    assert one == other
    capfd.readouterr()


def reports_of(log):
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    return [
        {k: v for k, v in line.items() if k != "seconds"} for line in lines if "log" not in line
    ]


def test_ranks_without_blocks_agree_with_one_process_to_rounding(images, tmp_path, capfd):
    data = ("--data", images, *SMALL, "--quiet")
    code, out, err = train(2, *data, "--save", tmp_path / "two.npz")
    assert (code, out, err) == (0, "", "")
    alone(*data, "--save", tmp_path / "one.npz")
    two, one = (load(tmp_path / name).state.params for name in ("two.npz", "one.npz"))
    for a, b in zip(two.layers, one.layers, strict=True):
        np.testing.assert_allclose(a.weights, b.weights, rtol=1e-9, atol=1e-12)


@pytest.mark.soak  # one is in docs/parallel.md
def test_a_model_of_ones_own_is_shared(tmp_path):
    save = tmp_path / "line.safetensors"
    code, out, err = train(2, MODEL, "--epochs", 2, "--batch-size", 20, "--save", save)
    assert (code, err) == (0, "")
    assert "\nranks     2 share each batch\n" in out
    assert save.exists()
    assert load_options(save).blocks is None


def load_options(path):
    return read_parameters(path)[1].options


# --- Before the first step ------------------------------------------------------------------------


def of_each(*commands, folders=(".", ".")):
    """The same where each rank has options of its own, and perhaps a folder."""
    arguments = []
    for folder, command in zip(folders, commands, strict=True):
        arguments += [":", "-wdir", str(folder), *on(1, *GRADX, *command)]
    return ended(started(arguments[1:]))


@pytest.mark.parametrize(
    ("first", "second", "words"),
    [
        (["--rate", "0.1"], ["--rate", "0.2"], "--rate: rank 0 has 0.1, rank 1 has 0.2"),
        ([], ["--deterministic"], "--blocks: rank 0 has nothing, rank 1 has 8"),
    ],
)
@pytest.mark.soak  # one is in docs/parallel.md
def test_ranks_with_different_options_refuse_and_name_them(images, first, second, words):
    data = ["--data", str(images)]
    code, out, err = of_each([*data, *first], [*data, *second])
    assert (code, out) == (2, "")
    assert err == (
        f"gradx: error: the ranks differ in {words}; start the same gradx on all machines, with "
        "the same command and the same data\n"
    )


@pytest.mark.soak
def test_ranks_with_different_data_refuse(images, tmp_path):
    other = write_dataset(tmp_path, small_arrays(train=210, test=60, seed=1))
    code, out, err = of_each(["--data", str(images)], ["--data", str(other)])
    assert (code, out) == (2, "")
    assert "the ranks differ in the data: rank 0 has 210 samples (" in err
    assert err.count("\n") == 1


def test_ranks_with_different_models_refuse(tmp_path):
    """Of one name, as on two machines; the class of each is taken from the folder it runs in."""
    folders = [tmp_path / "0", tmp_path / "1"]
    for folder, change in zip(folders, ("", "# another\n"), strict=True):
        folder.mkdir()
        (folder / "line_model.py").write_text(MODEL.read_text() + change)
    code, out, err = of_each(["line_model.py"], ["line_model.py"], folders=folders)
    assert (code, out) == (2, "")
    assert "the ranks differ in what they train: rank 0 has line_model.py (" in err


def test_what_one_rank_cannot_do_is_told_by_it(images, tmp_path):
    here, nowhere = ["--data", str(images)], ["--data", str(tmp_path / "nowhere")]
    code, out, err = of_each(here, nowhere)
    assert (code, out) == (2, "")
    assert err.startswith("gradx: rank 1: error: ")
    assert err.count("\n") == 1


def test_an_option_that_only_one_rank_misspells_is_told_by_it():
    """Click refuses it before there are ranks, which waited for this one for ever."""
    code, out, err = of_each([MODEL], [MODEL, "--ephocs", 3])
    assert (code, out) == (2, "")
    assert err.startswith("gradx: rank 1: error: No such option '--ephocs'")
    assert err.endswith("see 'gradx train --help'\n")
    assert err.count("\n") == 1


@pytest.mark.soak
def test_an_option_that_all_misspell_is_told_once():
    code, out, err = train(3, MODEL, "--ephocs", 3)
    assert (code, out) == (2, "")
    assert err.startswith("gradx: error: No such option '--ephocs'")
    assert err.count("\n") == 1


@pytest.mark.soak
def test_a_test_set_of_one_rank_alone_is_told(tmp_path):
    model = tmp_path / "line_model.py"
    cut = MODEL.read_text().replace("x[128:], y[128:]", "x[FROM:], y[FROM:]")
    model.write_text(cut + "\n\nFROM = 128 + 16 * int(os.environ['PMI_RANK'])\n")
    code, out, err = train(2, model)
    assert (code, out) == (2, "")
    assert "the ranks differ in the test data: rank 0 has 32 samples (" in err


@pytest.mark.soak
def test_what_no_rank_can_do_is_told_once(tmp_path):
    code, out, err = train(2, "--data", tmp_path / "nowhere")
    assert (code, out) == (2, "")
    assert err.startswith("gradx: error: ")
    assert err.count("\n") == 1


@pytest.mark.soak
def test_more_ranks_than_blocks_are_refused(images):
    code, out, err = train(9, "--data", images, "--deterministic")
    assert (code, out) == (2, "")
    assert err == (
        "gradx: error: --deterministic: 9 ranks cannot share the 8 blocks of a batch; start 8 "
        "ranks or fewer, or leave --deterministic out\n"
    )


def test_the_launcher_of_another_mpi_is_one_line_and_no_file_is_opened(images, tmp_path):
    target = tmp_path / "model.npz"
    target.write_bytes(b"kept")
    others = {"OMPI_COMM_WORLD_SIZE": "2"}
    code, out, err = train(2, "--data", images, "--save", target, **others)
    assert (code, out) == (2, "")
    assert "(OMPI_COMM_WORLD_SIZE=2, Open MPI), but the MPI library of mpi4py is MPICH" in err
    assert target.read_bytes() == b"kept"


# --- Faults ---------------------------------------------------------------------------------------


def until(condition, seconds=60):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.05)


@pytest.mark.soak
def test_a_rank_killed_in_a_step_ends_all(tmp_path):
    save = tmp_path / "model.safetensors"
    options = (MODEL, "--epochs", 1000, "--save", save, "--quiet")
    code, out, err = train(2, *options, FAULT="killed 1")
    assert (code, err) == (9, "")
    assert not save.exists()  # it came before the first epoch's end
    assert "BAD TERMINATION OF ONE OF YOUR APPLICATION PROCESSES" in out


def test_a_killed_rank_ends_all_within_ten_seconds_and_leaves_the_last_file(tmp_path):
    save = tmp_path / "model.safetensors"
    running = started(on(2, *GRADX, MODEL, "--epochs", 100_000, "--save", save))
    until(lambda: save.exists())
    [rank, *_] = ranks_of(running.pid)
    began = time.monotonic()
    os.kill(rank, signal.SIGKILL)
    code, out, _ = ended(running, timeout=10)
    assert time.monotonic() - began < 10
    assert code == 9
    assert without_numbers(out)[-len(words_of_the_launcher()) :] == words_of_the_launcher()
    assert load_options(save).epochs == 100_000
    assert [path.name for path in tmp_path.iterdir() if not path.name.startswith(".")] == [
        save.name
    ]


def ranks_of(launcher):
    """The processes of ranks below a launcher."""
    found = []
    for path in Path("/proc").glob("[0-9]*"):
        try:
            fields = (path / "stat").read_text().rpartition(")")[2].split()
            command = (path / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        found.append((int(path.name), int(fields[1]), command))
    below, grown = {launcher}, True
    while grown:
        more = {pid for pid, parent, _ in found if parent in below} - below
        grown = bool(more)
        below |= more
    return [
        pid
        for pid, _, command in found
        if pid in below and b"gradx" in command and b"-m" in command[:2]
    ]


def test_sigterm_stops_all_ranks_and_saves(tmp_path):
    save = tmp_path / "model.safetensors"
    running = started(on(2, *GRADX, MODEL, "--epochs", 100_000, "--save", save, "--quiet"))
    until(lambda: save.exists())
    running.send_signal(signal.SIGTERM)
    code, out, err = ended(running)
    assert (code, out) == (130, "")
    line = only_line(err)
    assert line.startswith("gradx: stopped in epoch ")
    assert line.endswith(
        f"saved to {save}; go on with: mpiexec -n 2 gradx train {MODEL} --load {save} --save "
        f"{save} --parallel"
    )


def test_an_error_of_one_rank_ends_all_with_its_line(tmp_path):
    code, out, err = train(2, MODEL, "--quiet", FAULT="raised 1")
    assert (code, out) == (2, "")
    line = only_line(err)
    assert line.startswith("gradx: rank 1: error: ")
    assert "in fault: ValueError: a fault of the model's own; mend it there" in line
    # The launcher's own line about MPI_Abort is at times lost, as it ends the processes.


def test_the_same_error_of_all_ranks_is_told_once():
    code, out, err = train(2, MODEL, "--quiet", FAULT="raised 0 1")
    assert (code, out) == (2, "")
    assert only_line(err).startswith("gradx: error: ")


@pytest.mark.soak  # with ranks that are played: tests.cli.test_ranks
def test_a_loss_that_diverges_is_told_once(images):
    code, out, err = train(2, "--data", images, "--rate", 1e6, "--batch-size", 20, "--quiet")
    assert (code, out) == (2, "")
    assert err.startswith("gradx: error: epoch 1, sample ")
    assert err.count("\n") == 1


def test_without_a_launcher_it_is_alone(images, capfd):
    alone("--parallel", "--data", images, *SMALL)
    assert "ranks" not in capfd.readouterr().out


def test_no_mpi_is_one_line(images, monkeypatch, capfd):
    monkeypatch.setitem(sys.modules, "mpi4py", None)
    assert run(["train", "--parallel", "--data", str(images)]) == 2
    assert capfd.readouterr().err == (
        "gradx: error: mpi4py is not installed; write pip install 'gradx[mpi]', which needs no "
        "package of the system\n"
    )
    assert MPIEXEC.exists()
