"""What the CUDA tests share: a device, software or real. Without either, none is collected.

On the software device: scripts/test-cuda. On the hardware: GRADX_CUDA=real scripts/test-cuda, and
there a skipped test is a failure, since a test that did not run has shown nothing.
"""

import os
import re
import sys
from pathlib import Path

import pytest

from gradx.backends import REGISTRY, DeviceUnavailableError, get_backend, register_backend

try:
    from tests.cuda import places
    from tests.cuda.places import REAL, SOFTWARE, count_devices

    DEVICES = count_devices() if REAL or SOFTWARE else 0
except DeviceUnavailableError as error:
    raise pytest.UsageError(f"the CUDA tests cannot run here: {error}") from None

MEMCHECK = os.environ.get("SOFTCUDA_MEMCHECK") == "1"
ASYNC = os.environ.get("SOFTCUDA_ASYNC") == "1"

if REAL and SOFTWARE:
    raise pytest.UsageError("GRADX_CUDA=real and the software device are both asked for; drop one")
if REAL and "xdist" in sys.modules and os.environ.get("PYTEST_XDIST_WORKER"):
    raise pytest.UsageError("one GPU serves one process in these tests; leave out -n")

FILES = sorted(Path(__file__).parent.glob("test_*.py"))
NEED_NO_DEVICE = ("test_diagnosis.py", "test_formulas.py", "test_here.py")


def _counts(file):
    """Whether a file of tests counts device work, which only the software device does."""
    text = file.read_text(encoding="utf-8")
    return re.search(r"^(import softcuda|from benchmarks.cuda_counts)\b", text, re.MULTILINE)


if not (REAL or SOFTWARE):  # test_here.py stays and tells that the others are left out
    collect_ignore = [file.name for file in FILES if file.name not in NEED_NO_DEVICE]
else:
    collect_ignore = []
    if REAL or MEMCHECK:  # what is counted depends on CuPy's pool
        collect_ignore += [file.name for file in FILES if _counts(file)]
    if not (REAL or os.environ.get("GRADX_LARGE") == "1"):  # it takes 4 GiB
        collect_ignore.append("test_large.py")
    if DEVICES < 2:
        collect_ignore += ["test_devices.py", "test_elsewhere.py", "test_meetings.py"]


def _as_failure(report):
    if REAL and report.skipped:
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
        report.outcome, report.longrepr = "failed", f"skipped on the hardware: {reason}"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    report = yield
    _as_failure(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(collector):
    report = yield
    _as_failure(report)
    return report


def pytest_report_header(config):
    if not (REAL or SOFTWARE):
        return None
    kind = "the hardware" if REAL else "the software device"
    left_out = ", ".join(collect_ignore) or "nothing"
    return f"CUDA: {kind}, {DEVICES} devices; left out: {left_out}"


@pytest.fixture(scope="session", autouse=True)
def backend():
    """The backend, loaded before any test, so that restored registries keep its array type."""
    if not (REAL or SOFTWARE):
        return None
    if MEMCHECK:  # each array is an allocation of its own, so that no kernel can leave it unseen
        places.cp.cuda.set_allocator(None)
    if "cuda" not in REGISTRY.kinds():  # gradx's entry points are not installed
        from gradx_cuda.backend import CupyBackend

        register_backend("cuda", CupyBackend)
    return get_backend("cuda")


@pytest.fixture(autouse=True)
def late_streams(backend):
    """On a device that works late, each test has its own streams, since the first never waits."""
    if not ASYNC:
        yield
        return
    streams = []
    for index in range(DEVICES):
        with places.cp.cuda.Device(index):
            streams.append(places.cp.cuda.Stream(non_blocking=True))
            streams[-1].use()
    yield
    for index in range(DEVICES):
        with places.cp.cuda.Device(index):
            places.cp.cuda.Stream.null.use()
