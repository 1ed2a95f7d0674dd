"""Diagnosis: what is missing for CUDA, and what to install or change.

Every way in which a device cannot be used becomes a `DeviceUnavailableError` of one line, which
says what was found and what would help.
"""

from __future__ import annotations

import importlib
from typing import Any

from gradx.backend import DeviceUnavailableError

INSTALL = "pip install 'gradx[cuda12]' or 'gradx[cuda13]'"

# Error codes of the CUDA runtime, from its documentation.
_OUT_OF_MEMORY = 2
_INSUFFICIENT_DRIVER = 35
_NO_DEVICE = 100
_LOST = frozenset({4, 46, 214, 226, 700, 702, 714, 715, 716, 717, 718, 719, 720})
_NO_KERNEL = frozenset({209, 218, 222})


def import_cupy() -> Any:
    """CuPy, imported.

    Raises:
        DeviceUnavailableError: it is not installed, or a library it needs is missing.
    """
    try:
        return importlib.import_module("cupy")
    except ModuleNotFoundError as error:
        if error.name == "cupy":
            raise DeviceUnavailableError(
                "CuPy is not installed", f"install it: {INSTALL}"
            ) from None
        raise _broken(error) from error
    except Exception as error:
        # CuPy's own start-up: a missing library, a driver it cannot talk to, two CuPys at once.
        raise _broken(error) from error


def _broken(error: BaseException) -> DeviceUnavailableError:
    lines = [line.strip(" =*") for line in str(error).splitlines()]
    told = [line for line in lines if line and not line.startswith("Failed to import CuPy")]
    first = told[0] if told else type(error).__name__
    return DeviceUnavailableError(
        f"CuPy is installed but cannot be imported: {first.rstrip('.:')}",
        f"reinstall it for the CUDA of your driver, which nvidia-smi shows: {INSTALL}",
    )


def driver_problem(cupy: Any) -> DeviceUnavailableError | None:
    """What is wrong with the driver, if anything is.

    Args:
        cupy: the module.
    """
    runtime = cupy.cuda.runtime
    try:
        if runtime.getDeviceCount() > 0:
            return None
        status = _NO_DEVICE
    except runtime.CUDARuntimeError as error:
        status = error.status
        if status not in (_INSUFFICIENT_DRIVER, _NO_DEVICE):
            return DeviceUnavailableError(
                f"the CUDA driver does not start: {error}",
                "see whether nvidia-smi works, and mend the driver until it does",
            )
    if status == _NO_DEVICE:
        return DeviceUnavailableError(
            "the CUDA driver is there but shows no device",
            "see whether nvidia-smi lists one, and whether CUDA_VISIBLE_DEVICES hides it",
        )
    return _old_driver(runtime.driverGetVersion(), runtime.runtimeGetVersion())


def _old_driver(driver: int, made_for: int) -> DeviceUnavailableError:
    """A driver that is missing, or older than the CUDA that CuPy was made for.

    Args:
        driver: the newest CUDA it supports, as 12040 for 12.4; 0 if there is none.
        made_for: the CUDA that CuPy was made for, written likewise.
    """
    if driver == 0:
        return DeviceUnavailableError(
            "no CUDA driver is installed",
            "install NVIDIA's driver for your GPU; without a GPU, use --device cpu",
        )
    older = driver // 1000
    other = f", or a CuPy for it: pip install 'gradx[cuda{older}]'" if older in (12, 13) else ""
    return DeviceUnavailableError(
        f"the driver supports CUDA {_version(driver)} and this CuPy is made for CUDA "
        f"{_version(made_for)}",
        f"install a newer driver{other if older < made_for // 1000 else ''}",
    )


def _version(number: int) -> str:
    return f"{number // 1000}.{number % 1000 // 10}"


def explain(cupy: Any, error: BaseException) -> DeviceUnavailableError | None:
    """What an exception of CuPy's means for a user, or None if it is none of a device's.

    Args:
        cupy: the module.
        error: what a computation raised.
    """
    status = getattr(error, "status", None)
    known = (cupy.cuda.runtime.CUDARuntimeError, cupy.cuda.driver.CUDADriverError)
    of_cuda = isinstance(error, known)
    if isinstance(error, cupy.cuda.memory.OutOfMemoryError) or (
        of_cuda and status == _OUT_OF_MEMORY
    ):
        return DeviceUnavailableError(
            f"the CUDA device is out of memory: {str(error).rstrip('.')}",
            "use a smaller batch or float32, or free what other programs hold there",
        )
    if isinstance(error, cupy.cuda.compiler.CompileException):
        # Its text is the compiler's whole output, then the source.
        line = next((part for part in str(error).splitlines() if "error" in part), "no message")
        return DeviceUnavailableError(
            f"CUDA's compiler refused a kernel: {line.strip()}",
            f"reinstall CuPy with a toolkit of its own version: {INSTALL}",
        )
    if not of_cuda:
        return None
    if status in _NO_KERNEL:
        return DeviceUnavailableError(
            f"this CuPy has no code for the device: {error}",
            f"install one for a newer CUDA: {INSTALL}",
        )
    if status in _LOST:
        return DeviceUnavailableError(
            f"the CUDA device was lost: {error}",
            "see whether nvidia-smi still lists it, and start again",
        )
    return None
