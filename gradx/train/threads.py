"""Threads while training: one for the matrix products of small steps, in this process only."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

import gradx as gx

try:
    import threadpoolctl
except ImportError:  # the extra `train` is not installed
    threadpoolctl = None

# From this many rows on, a step's products are large enough for several threads.
MANY_ROWS = 256


@contextmanager
def threads_for(batch_size: int) -> Iterator[str]:
    """Use one BLAS thread in the block if steps are small; see `gradx.blas_threads`.

    Args:
        batch_size: samples a step.

    Yields:
        What was done, in words.
    """
    if threadpoolctl is None:
        yield "the library's own number of threads (pip install 'gradx[train]' to use one, faster)"
        return
    with ExitStack() as stack:
        where = "as found"
        if batch_size < MANY_ROWS:
            try:
                stack.enter_context(gx.blas_threads(1))
                where = "in this process only"
            except gx.BlasThreadsError:  # then training is slower, and the words say so
                pass
        yield f"{_describe(threadpoolctl.threadpool_info())}, {where}"


def _describe(pools: Sequence[Mapping[str, Any]]) -> str:
    """The BLAS among the thread pools of this process, in words."""
    found = {str(pool["internal_api"]): pool for pool in pools if pool["user_api"] == "blas"}
    if not found:
        return "an unknown number of threads"
    threads = max(pool["num_threads"] for pool in found.values())
    names = {"openblas": "OpenBLAS", "mkl": "MKL", "blis": "BLIS"}
    libraries = ", ".join(sorted(names.get(name, name) for name in found))
    return f"{threads} thread{'s' if threads != 1 else ''} ({libraries})"
