"""Peers: the same workloads in other libraries, each as its own users write them.

An adapter is a module with a function for each task that its library can do: it takes the problem
and gives ways by name. `setup(threads)` prepares the library. A peer that is not installed, or not
for this Python, is left out, and the run says so.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from importlib import import_module
from types import ModuleType

from benchmarks.workload import first_line

ADAPTERS = {
    "optimised": "optimised",
    "numba": "numba_peer",
    "torch": "torch_peer",
    "torch.compile": "torch_compile_peer",
    "jax": "jax_peer",
    "autograd": "autograd_peer",
    "mygrad": "mygrad_peer",
    "advect": "advect_peer",
}


def load(names: Iterable[str], threads: int) -> tuple[dict[str, ModuleType], list[str]]:
    """The adapters of the peers that are here, and notes about the others.

    Args:
        names: of `ADAPTERS`.
        threads: that each library may use, 0 for as many as it likes.
    """
    if threads:  # JAX reads these when it starts, and has no call to change them
        flag = "true" if threads > 1 else "false"
        os.environ.setdefault("XLA_FLAGS", f"--xla_cpu_multi_thread_eigen={flag}")
        os.environ.setdefault("NPROC", str(threads))
    found, notes = {}, []
    for name in names:
        try:
            adapter = import_module(f"benchmarks.peers.{ADAPTERS[name]}")
            adapter.setup(threads)
            found[name] = adapter
        except ImportError as error:
            notes.append(f"{name} left out: {first_line(error)}")
    return found, notes
