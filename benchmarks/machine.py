"""Machine: what a run was measured on, and with which versions."""

from __future__ import annotations

import os
import platform
import re
import sys
from importlib import metadata
from pathlib import Path
from typing import Any

import gradx
from gradx.native import native

try:
    import threadpoolctl
except ImportError:  # then the BLAS can be neither named nor limited
    threadpoolctl = None

SHOWN = (
    *("numpy", "scipy", "numba", "torch", "jax", "jaxlib", "autograd", "mygrad", "advect"),
    "threadpoolctl",
)


def machine() -> dict[str, Any]:
    """The processor, its cores, the system and how busy it is."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    found: dict[str, Any] = {
        "processor": processor(),
        "cores": cores,
        "system": f"{platform.system()} {platform.machine()}",
        "blas": blas(),
    }
    if hasattr(os, "getloadavg"):
        found["load"] = round(os.getloadavg()[0], 2)
    return found


def processor() -> str:
    """The processor's name, with family and model where the name alone says little."""
    try:
        text = Path("/proc/cpuinfo").read_text()
    except OSError:
        return platform.processor() or platform.machine()

    def line(key: str) -> str | None:
        found = re.search(rf"^{key}\s*: (.+)$", text, re.MULTILINE)
        return found[1].strip() if found else None

    name = line("model name")
    if name is None:
        return platform.processor() or platform.machine()
    return (
        f"{name} (family {line('cpu family')}, model {line('model')}, {line('cache size')} cache)"
    )


def blas() -> list[str]:
    """The BLAS libraries of this process: version, kernel and threads of each."""
    if threadpoolctl is None:
        return ["unknown: threadpoolctl is not installed"]
    return [
        f"{pool['internal_api']} {pool['version']}, kernel {pool.get('architecture', 'unknown')}, "
        f"threads: {pool['num_threads']}"
        for pool in threadpoolctl.threadpool_info()
        if pool["user_api"] == "blas"
    ]


def versions() -> dict[str, str]:
    """The versions of Python, gradx and of whatever of NumPy and the peers is loaded."""
    kind = "with" if native else "without"
    found = {
        "python": platform.python_version(),
        "gradx": f"{gradx.__version__} {kind} speedups",
    }
    for name in SHOWN:
        if sys.modules.get(name) is not None:
            try:
                found[name] = metadata.version(name)
            except metadata.PackageNotFoundError:
                found[name] = str(getattr(sys.modules[name], "__version__", "unknown"))
    return found
