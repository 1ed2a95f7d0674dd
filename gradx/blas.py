"""BLAS threads: a block in which the BLAS of this process uses a limited number of threads.

A product of small matrices is too small to share: two threads spend longer waiting for each other
than multiplying, and far longer when something else runs on the machine. NumPy has no setting per
call, and gradx changes nothing by itself; users limit the threads with this function.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from gradx.errors import BlasThreadsError

__all__ = ["blas_threads"]


@contextmanager
def blas_threads(count: int) -> Iterator[None]:
    """Limit the number of BLAS threads in a block; the previous number is restored at its end.

    It holds for the whole process, or, for MKL and for an OpenBLAS made with OpenMP, for the
    calling thread alone. So enter the block once, around the whole loop, in the thread that starts
    all others. Blocks nest: the inner one's number holds inside it. It limits the BLAS libraries
    that are loaded when it is entered; import what brings another, such as SciPy, before.

    The call decorates functions too: ``@gx.blas_threads(1)``.

    Args:
        count: 1 or more; 1 for steps on single samples and small batches.

    Raises:
        BlasThreadsError: the number cannot be changed; says why and what would do.
        ValueError: `count` is not a number of threads.

    >>> import numpy as np
    >>> with blas_threads(1):
    ...     y = np.ones((2, 3)) @ np.ones(3)
    """
    if type(count) is not int or count < 1:
        raise ValueError(f"blas_threads({count!r}): give a number of threads, 1 or more")
    try:
        import threadpoolctl  # here, so that `import gradx` needs no more than NumPy
    except ImportError:
        raise BlasThreadsError(
            "gx.blas_threads needs threadpoolctl, which is not installed; write pip install "
            "'gradx[train]', or set OPENBLAS_NUM_THREADS=1 before Python starts"
        ) from None
    pools = threadpoolctl.ThreadpoolController().select(user_api="blas")
    if not pools.lib_controllers:
        raise BlasThreadsError(
            "threadpoolctl knows no BLAS in this process, so that gx.blas_threads can limit none; "
            "it knows OpenBLAS, MKL and BLIS; for Apple's Accelerate set VECLIB_MAXIMUM_THREADS=1 "
            "before Python starts"
        )
    with pools.limit(limits=count):
        for pool in pools.lib_controllers:
            if pool.num_threads > count:
                raise BlasThreadsError(
                    f"{pool.internal_api} still uses {pool.num_threads} threads and not {count}, "
                    "because another thread of this process set their number first; enter "
                    "gx.blas_threads in that thread, around everything"
                )
        yield
