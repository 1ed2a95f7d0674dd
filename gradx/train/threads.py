"""BLAS threads: how many the matrix products of this process use, for as long as they train.

A step on one sample is too small to share: two threads spend longer meeting each other than
multiplying, and far longer when something else runs on the machine.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

try:
    import threadpoolctl
except ImportError:  # the extra `train` is not installed
    threadpoolctl = None

# From this many rows on, a step's products are large enough for several threads.
MANY_ROWS = 256


@contextmanager
def blas_threads(batch_size: int) -> Iterator[str]:
    """Use one BLAS thread in the block if steps are small; restore the number afterwards.

    Args:
        batch_size: samples a step.

    Yields:
        What was done, in words.
    """
    if threadpoolctl is None:
        yield "the library's own number of threads (pip install 'gradx[train]' to use one, faster)"
        return
    if batch_size >= MANY_ROWS:
        yield f"{_describe(threadpoolctl.threadpool_info())}, as found"
        return
    with threadpoolctl.threadpool_limits(limits=1, user_api="blas"):
        yield f"{_describe(threadpoolctl.threadpool_info())}, in this process only"


def _describe(pools: Sequence[Mapping[str, Any]]) -> str:
    """The BLAS among the thread pools of this process, in words."""
    found = {str(pool["internal_api"]): pool for pool in pools if pool["user_api"] == "blas"}
    if not found:
        return "an unknown number of threads"
    threads = max(pool["num_threads"] for pool in found.values())
    names = {"openblas": "OpenBLAS", "mkl": "MKL", "blis": "BLIS"}
    libraries = ", ".join(sorted(names.get(name, name) for name in found))
    return f"{threads} thread{'s' if threads != 1 else ''} ({libraries})"
