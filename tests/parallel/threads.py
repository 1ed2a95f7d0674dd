"""Ranks as threads of one process, for tests that need no MPI."""

import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from gradx.parallel import Group


class Aborted(Exception):
    """What takes the place of the end of a process."""


class Meeting:
    """Where the ranks leave what they have for one another."""

    def __init__(self, size):
        self.barrier = threading.Barrier(size, timeout=60)
        self.left = [None] * size


class ThreadGroup(Group):
    """One rank of a meeting."""

    def __init__(self, meeting, rank):
        self._meeting, self.rank, self.size = meeting, rank, len(meeting.left)
        self.messages = []

    def _exchange(self, x):
        self._meeting.left[self.rank] = x
        self._meeting.barrier.wait()
        found = list(self._meeting.left)
        self._meeting.barrier.wait()
        return found

    def sum_into(self, vector):
        self.messages.append(("sum", vector.size, vector.dtype))
        total = np.add.reduce(self._exchange(vector.copy()))
        vector[...] = total

    def gather(self, vector):
        self.messages.append(("gather", vector.size, vector.dtype))
        return np.stack(self._exchange(vector.copy()))

    def gather_objects(self, x):
        return self._exchange(x)

    def abort(self, code):
        self._meeting.barrier.abort()
        raise Aborted(code)


def on_ranks(size, work):
    """What ``work(group)`` gives on each of as many ranks; the first error that was no echo."""
    meeting = Meeting(size)

    def run(rank):
        try:
            return work(ThreadGroup(meeting, rank))
        except BaseException:
            meeting.barrier.abort()
            raise

    with ThreadPoolExecutor(size) as pool:
        futures = [pool.submit(run, rank) for rank in range(size)]
    errors = [e for e in (future.exception() for future in futures) if e is not None]
    own = [e for e in errors if not isinstance(e, threading.BrokenBarrierError)]
    for error in own or errors:
        raise error
    return [future.result() for future in futures]
