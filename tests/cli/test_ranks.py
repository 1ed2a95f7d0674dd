"""What a rank says and does not say, with ranks that are played."""

import pytest

from gradx.cli import app, ranks
from gradx.cli.ranks import group_of, run_on
from gradx.parallel import ALONE, Group, LauncherError
from gradx.train import DivergedError, OptionError


class Aborted(BaseException):
    """The end of all processes."""


class Played(Group):
    """A rank whose mates say what the test says."""

    size = 2

    def __init__(self, rank, *others):
        self.rank, self._others = rank, list(others)

    def sum_into(self, vector):
        raise NotImplementedError

    def gather(self, vector):
        raise NotImplementedError

    def gather_objects(self, x):
        other = self._others.pop(0)
        return [x, x if other is Same else other][:: -1 if self.rank else 1]

    def abort(self, code):
        raise Aborted(code)


class Same:
    """What a mate says that is as this rank."""


class Goes:
    def __init__(self, code=0, error=None, together=True):
        self.together, self._code, self._error = together, code, error

    def go(self):
        print("a report")
        if self._error is not None:
            raise self._error
        return self._code


def failing(error):
    def work(*_):
        raise error

    return work


@pytest.fixture(autouse=True)
def waited(monkeypatch):
    """The waits, which are not waited."""
    found = []
    monkeypatch.setattr(ranks.time, "sleep", found.append)
    return found


def go(group, going=None, prepare=lambda: "job", facts=lambda job: {"x": "1"}):
    return run_on(group, prepare, facts, lambda job: going or Goes())


def test_alone_nothing_is_between(capsys):
    assert go(ALONE, Goes(3)) == 3
    with pytest.raises(OptionError):
        go(ALONE, prepare=failing(OptionError("rate nan")))
    assert capsys.readouterr().out == "a report\n"


@pytest.mark.parametrize(("rank", "out"), [(0, "a report\n"), (1, "")])
def test_only_the_first_rank_prints(rank, out, capsys):
    assert go(Played(rank, None, Same)) == 0
    assert capsys.readouterr() == (out, "")


def test_what_another_rank_cannot_do_is_left_to_it(capsys):
    assert go(Played(0, 3)) == 3
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("rank", "other", "err"),
    [
        (0, None, "gradx: error: rate nan\n"),
        (0, 2, "gradx: error: rate nan\n"),
        (1, None, "gradx: rank 1: error: rate nan\n"),
        (1, 2, ""),
    ],
)
def test_the_lowest_rank_that_fails_speaks(rank, other, err, capsys):
    assert go(Played(rank, other), prepare=failing(OptionError("rate nan"))) == 2
    assert capsys.readouterr() == ("", err)


def test_a_fault_of_gradx_itself_has_its_traceback(capsys):
    assert go(Played(0, None), prepare=failing(RuntimeError("a fault"))) == 1
    assert "RuntimeError: a fault" in capsys.readouterr().err


@pytest.mark.parametrize("rank", [0, 1])
def test_ranks_that_differ_leave_together(rank, capsys):
    assert go(Played(rank, None, {"x": "2"})) == 2
    said = capsys.readouterr().err
    assert said.startswith("gradx: error: the ranks differ in x: ") == (rank == 0)


@pytest.mark.parametrize("rank", [0, 1])
def test_all_diverge_together(rank, capsys):
    diverged = DivergedError("the loss became nan")
    assert go(Played(rank, None, Same), Goes(error=diverged)) == 2
    assert capsys.readouterr().err == ("gradx: error: the loss became nan\n" if rank == 0 else "")


@pytest.mark.parametrize(
    ("error", "code", "line"),
    [
        (OptionError("out of memory"), 2, "gradx: rank 1: error: out of memory\n"),
        (KeyboardInterrupt(), 130, "gradx: rank 1: interrupted\n"),
        (BrokenPipeError(), 141, ""),
    ],
)
def test_an_error_on_the_way_ends_all(error, code, line, capsys, waited, monkeypatch):
    monkeypatch.setattr(ranks, "close_pipe", lambda: 141)
    with pytest.raises(Aborted) as ended:
        go(Played(1, None, Same), Goes(error=error))
    assert ended.value.args == (code,)
    assert capsys.readouterr().err == line
    assert waited == [1.0]  # for lower ranks


def test_a_rank_that_leaves_alone_ends_all():
    with pytest.raises(Aborted) as ended:
        go(Played(0, None, Same), Goes(130, together=False))
    assert ended.value.args == (130,)


@pytest.mark.parametrize("rank", ["0", "1"])
def test_without_mpi_the_first_process_speaks(rank, monkeypatch):
    monkeypatch.setattr(ranks, "connect", failing(LauncherError("no MPI")))
    monkeypatch.setenv("PMI_SIZE", "2")
    monkeypatch.setenv("PMI_RANK", rank)
    assert group_of(False) is ALONE
    if rank == "1":
        assert group_of(True) is None
    else:
        with pytest.raises(LauncherError, match=r"^no MPI$"):
            group_of(True)


def test_wrong_options_of_a_process_alone_are_told_as_ever(capsys):
    assert app.run(["train", "--parallel", "--ephocs", "3"]) == 2
    assert capsys.readouterr().err.startswith("gradx: error: No such option '--ephocs'")
