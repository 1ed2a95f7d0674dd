"""Threads while training: one for the matrix products of small steps, in this process only."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

import gradx as gx
from gradx.train.errors import OptionError

try:
    import threadpoolctl
except ImportError:  # the extra `train` is not installed
    threadpoolctl = None

# From this many rows on, a step's products are large enough for several threads.
MANY_ROWS = 256


@contextmanager
def threads_for(batch_size: int, *, ranks: int = 1, same_bits: bool = False) -> Iterator[str]:
    """Use one BLAS thread in the block if steps are small or shared; see `gradx.blas_threads`.

    Args:
        batch_size: samples a step.
        ranks: how many processes share a step, which share the cores as well.
        same_bits: whether one thread is a must, since more may add in another order.

    Yields:
        What was done, in words.

    Raises:
        OptionError: one thread is a must, and there may be more.
    """
    with ExitStack() as stack:
        where = "as found"
        if same_bits or ranks > 1 or batch_size < MANY_ROWS:
            try:
                stack.enter_context(gx.blas_threads(1))
                where = "in this process only"
            except gx.BlasThreadsError as error:  # then training is slower, and the words say so
                if same_bits and not _is_one(os.environ):
                    raise OptionError(
                        f"--deterministic: the BLAS must use one thread: {error}"
                    ) from None
        if threadpoolctl is None:
            words = "the library's own number of threads"
            yield f"{words} (pip install 'gradx[train]' to use one, faster)"
        else:
            yield f"{_describe(threadpoolctl.threadpool_info())}, {where}"


def _is_one(environ: Mapping[str, str]) -> bool:
    """Whether the environment tells the BLAS to use one thread."""
    names = ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS", "OMP_NUM_THREADS")
    return any(environ.get(name) == "1" for name in names)


def _describe(pools: Sequence[Mapping[str, Any]]) -> str:
    """The BLAS among the thread pools of this process, in words."""
    found = {str(pool["internal_api"]): pool for pool in pools if pool["user_api"] == "blas"}
    if not found:
        return "an unknown number of threads"
    threads = max(pool["num_threads"] for pool in found.values())
    names = {"openblas": "OpenBLAS", "mkl": "MKL", "blis": "BLIS"}
    libraries = ", ".join(sorted(names.get(name, name) for name in found))
    return f"{threads} thread{'s' if threads != 1 else ''} ({libraries})"
