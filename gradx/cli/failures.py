"""Failures of a device in the middle of the work, reported in one line."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from gradx.backends import Backend, Device, DeviceFailedError


@contextmanager
def device_failures(backend: Backend, device: Device, when: Callable[[], str]) -> Iterator[None]:
    """In the block, what the backend can explain becomes one clear error.

    Args:
        backend: serves the device.
        device: where the block computes.
        when: says where the work stood, such as "while the data was loaded".

    Raises:
        DeviceFailedError: the device ran out of memory, was lost, or could not compile a kernel.
    """
    try:
        yield
    except Exception as error:
        told = backend.explain(error)
        if told is None:
            raise
        raise DeviceFailedError(f"{device} failed {when()}: {told.reason}", told.fix) from error


def out_of_memory(error: MemoryError) -> str:
    """What to say where this machine has no more memory, with NumPy's reason if it gave one."""
    reason = f" ({error})" if str(error) else ""
    return f"out of memory{reason}; use a smaller network or batch"
