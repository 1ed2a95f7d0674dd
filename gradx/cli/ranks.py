"""Ranks: `gradx train --parallel`. One rank speaks and writes, and an error of one ends all.

Until the first step the ranks tell one another how they fare, and leave together. From then on
they meet in every step, so a rank that cannot go on has to end the others, which wait for it.
"""

from __future__ import annotations

import os
import sys
import time
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from typing import Any, Protocol, TextIO, TypeVar

from gradx.cli.exits import BAD_INPUT, PIPE_CLOSED, WRONG, close_pipe
from gradx.cli.telling import outcome_of, tell
from gradx.parallel import (
    ALONE,
    Group,
    LauncherError,
    RanksDifferError,
    connect,
    launch_of,
    require_same,
)
from gradx.train import DivergedError

T = TypeVar("T")

_COMMAND = "gradx train"
# Seconds after which a rank that fails believes that no lower one fails too.
_PATIENCE = 1.0


class Going(Protocol):
    """A run that goes."""

    together: bool
    """Whether it ended on all ranks behind the same step."""

    def go(self) -> int:
        """Go to the end; the exit code."""
        ...


def group_of(parallel: bool) -> Group | None:
    """The ranks that share a run; None for a process that leaves the word to another.

    Args:
        parallel: whether ``--parallel`` was given.

    Raises:
        LauncherError: there is no MPI, or not the launcher's. Only the first process raises it.
    """
    if not parallel:
        return ALONE
    try:
        return connect()
    except LauncherError:
        launch = launch_of(os.environ)
        if launch is None or launch.rank == 0:
            raise
        return None


def run_on(
    group: Group,
    prepare: Callable[[], T],
    facts: Callable[[T], Mapping[str, str]],
    run: Callable[[T], Going],
) -> int:
    """Prepare a run and go, on all ranks together.

    Args:
        group: the ranks.
        prepare: what comes before the first step; it may fail on any rank.
        facts: what of it must be the same on all ranks.
        run: makes the run of what was prepared.

    Returns:
        The exit code, the same on all ranks.
    """
    if group.size == 1:
        return run(prepare()).go()
    with _silent(group.rank) as errors:
        prepared, failure = _attempt(prepare)
        code = _leave_together(group, failure, errors)
        if code is not None:
            return code
        assert prepared is not None  # or there was a failure
        try:
            require_same(group, facts(prepared))
            going = run(prepared)
            code = going.go()
        except (DivergedError, RanksDifferError) as error:  # which every rank raises
            if group.rank == 0:
                _say(error, 0, errors)
            return BAD_INPUT
        except BaseException as error:
            time.sleep(min(group.rank, 4) * _PATIENCE)
            code = _say(error, group.rank, errors)
            group.abort(code)
        if not going.together:
            group.abort(code)
        return code


def leave(error: BaseException) -> int:
    """Leave for what no run can be made of, such as an option that there is not.

    The other ranks may wait for this one to begin, so it is told as what is wrong before the first
    step: by one rank, and all leave.

    Args:
        error: raised again by a process that is alone.

    Returns:
        The exit code of all ranks.
    """
    group = group_of(True)
    if group is None:
        return BAD_INPUT
    if group.size == 1:
        raise error
    return _leave_together(group, error, sys.stderr) or BAD_INPUT


def _attempt(work: Callable[[], T]) -> tuple[T | None, BaseException | None]:
    try:
        return work(), None
    except BaseException as error:
        return None, error


def _leave_together(
    group: Group, failure: BaseException | None, errors: TextIO | None
) -> int | None:
    """The exit code if any rank failed, of which the lowest has told; None if none did."""
    outcome = None if failure is None else outcome_of(failure, _COMMAND)
    mine = None if failure is None else WRONG if outcome is None else outcome.code
    codes = group.gather_objects(mine)
    for rank, code in enumerate(codes):
        if code is not None:
            if rank == group.rank and failure is not None:
                _say(failure, 0 if all(c is not None for c in codes) else rank, errors)
            return code
    return None


def _say(error: BaseException, rank: int, errors: TextIO | None) -> int:
    """Tell of an error, with the rank that it is about if it is not the first; its exit code."""
    outcome = outcome_of(error, _COMMAND)
    if outcome is None:
        traceback.print_exception(error, file=errors)
        return WRONG
    if outcome.code == PIPE_CLOSED:
        return close_pipe()
    where = f"gradx: rank {rank}: " if rank else "gradx: "
    tell(where + outcome.line.removeprefix("gradx: "), errors)
    return outcome.code


def ranks_words(ranks: int, blocks: int | None) -> str | None:
    """Who shares a batch, in words; None for one process that takes it at once.

    >>> ranks_words(4, 8)
    '4 share each batch, in 8 blocks'
    >>> ranks_words(1, None)
    """
    if ranks == 1:
        return None if blocks is None else f"1, each batch in {blocks} blocks"
    return f"{ranks} share each batch" + ("" if blocks is None else f", in {blocks} blocks")


@contextmanager
def _silent(rank: int) -> Iterator[Any]:
    """In the block only rank 0 prints; gives the error stream, for a rank with a last word."""
    errors = sys.stderr
    if rank == 0:
        yield errors
        return
    with open(os.devnull, "w") as nowhere, redirect_stdout(nowhere), redirect_stderr(nowhere):
        yield errors
