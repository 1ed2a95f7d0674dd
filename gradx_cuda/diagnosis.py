"""Diagnosis: what is missing for CUDA, and what to install or change.

Every way in which a device cannot be used becomes a `DeviceUnavailableError` of one line, which
says what was found and what would help.
"""

from __future__ import annotations

import importlib
import os
import warnings
from importlib.metadata import PackageNotFoundError, distribution
from typing import Any

from gradx.backends import DeviceUnavailableError

INSTALL = "pip install 'gradx[cuda12]' or 'gradx[cuda13]'"

# CuPy's packages for CUDA: they share their files, so that only one can be installed at a time.
_PACKAGES = ("cupy", "cupy-cuda11x", "cupy-cuda12x", "cupy-cuda13x")

# Error codes of the CUDA runtime, from its documentation.
_OUT_OF_MEMORY = 2
_INSUFFICIENT_DRIVER = 35
_NO_DEVICE = 100
_LOST = frozenset({4, 46, 214, 226, 700, 702, 714, 715, 716, 717, 718, 719, 720})
_NO_KERNEL = frozenset({209, 218})
_UNSUPPORTED_PTX = 222

# What CUDA's libraries raise in CuPy. Their texts name the status, whose number differs by library.
_LIBRARY_ERRORS = frozenset({"CUBLASError", "CUSOLVERError", "CURANDError", "CuFFTError"})
_LIBRARY_LOST = ("EXECUTION_FAILED", "EXEC_FAILED", "LAUNCH_FAILURE", "INTERNAL_ERROR")


def import_cupy() -> Any:
    """CuPy, imported.

    Raises:
        DeviceUnavailableError: it is not installed, or a library it needs is missing.
    """
    try:
        with warnings.catch_warnings():
            # Twenty lines of CuPy's; `several_cupys` says it in one where devices are listed.
            warnings.filterwarnings("ignore", "(?s).*multiple CuPy packages")
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


def import_cupyx(name: str) -> Any:
    """A module of functions of CuPy's that `import cupy` leaves out.

    Args:
        name: of the module, such as ``scipy.special``.
    """
    with warnings.catch_warnings(action="ignore", category=FutureWarning):  # of what it is made of
        return importlib.import_module(f"cupyx.{name}")


def _broken(error: BaseException) -> DeviceUnavailableError:
    lines = [line.strip(" =*") for line in str(error).splitlines()]
    told = [line for line in lines if line and not line.startswith("Failed to import CuPy")]
    first = (told[0] if told else type(error).__name__).rstrip(".:")
    several = several_cupys()
    if several is not None:
        return DeviceUnavailableError(
            f"{several.reason}, and it cannot be imported: {first}", several.fix
        )
    return DeviceUnavailableError(
        f"CuPy is installed but cannot be imported: {first}",
        f"reinstall it for the CUDA of your driver, which nvidia-smi shows: {INSTALL}",
    )


def several_cupys() -> DeviceUnavailableError | None:
    """What is wrong where more than one package of CuPy is installed, which overwrite each other.

    Returns:
        The problem, or None where at most one is; a CuPy that is not a package is not counted.
    """
    found = []
    for name in _PACKAGES:
        try:
            distribution(name)
            found.append(name)
        except PackageNotFoundError:
            continue
    if len(found) < 2:
        return None
    return DeviceUnavailableError(
        f"{' and '.join(found)} are installed in each other's place",
        f"remove all of them: pip uninstall {' '.join(found)}; then install one: {INSTALL}",
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
        return _no_device(os.environ.get("CUDA_VISIBLE_DEVICES"))
    return _old_driver(runtime.driverGetVersion(), runtime.runtimeGetVersion())


def _no_device(shown: str | None) -> DeviceUnavailableError:
    """A driver that shows no device.

    Args:
        shown: the value of ``CUDA_VISIBLE_DEVICES``, None where it is not set.
    """
    if shown is None:
        return DeviceUnavailableError(
            "the CUDA driver is there but shows no device",
            "see whether nvidia-smi lists one, and whether this process may use it",
        )
    return DeviceUnavailableError(
        f"the CUDA driver is there, but CUDA_VISIBLE_DEVICES={shown!r} hides every device",
        "unset it, or set it to the numbers that nvidia-smi lists, such as 0",
    )


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
    library = type(error).__name__ in _LIBRARY_ERRORS
    text = first_line(error).rstrip(".")
    if (
        isinstance(error, cupy.cuda.memory.OutOfMemoryError)
        or (of_cuda and status == _OUT_OF_MEMORY)
        # A library that cannot be started has found no memory for its own work.
        or (library and ("ALLOC" in text or "NOT_INITIALIZED" in text))
    ):
        return DeviceUnavailableError(
            f"the CUDA device is out of memory: {text}",
            "use a smaller batch or float32, or free what other programs hold there",
        )
    if (of_cuda and status in _LOST) or (library and any(part in text for part in _LIBRARY_LOST)):
        return DeviceUnavailableError(
            f"the CUDA device was lost: {text}",
            "see whether nvidia-smi still lists it, and start again",
        )
    if of_cuda and status == _UNSUPPORTED_PTX:
        return DeviceUnavailableError(
            f"the driver is older than the compiler of this CuPy: {text}", "install a newer driver"
        )
    if of_cuda and status in _NO_KERNEL:
        return DeviceUnavailableError(
            f"this CuPy has no code for the device: {text}",
            f"install one for a newer CUDA: {INSTALL}",
        )
    return _compiler_problem(cupy, error)


def _compiler_problem(cupy: Any, error: BaseException) -> DeviceUnavailableError | None:
    """What is wrong with the parts of CUDA that compile kernels, if the exception tells of them."""
    text = str(error)
    if isinstance(error, cupy.cuda.compiler.CompileException):
        # Its text is the compiler's whole output, then the source.
        line = next((part for part in text.splitlines() if "error" in part), "no message")
        reason = f"CUDA's compiler refused a kernel: {line.strip()}"
    elif type(error).__name__ == "DynamicLibNotFoundError":
        # Of cuda-pathfinder, with which CuPy looks for them: Failure finding "libnvrtc.so.12": ...
        reason = f"the CUDA toolkit's {_quoted(text)} is not installed"
    elif isinstance(error, RuntimeError) and text.startswith("CuPy failed to load"):
        reason = f"a library of the CUDA toolkit is missing: {first_line(error)}"
    else:
        return None
    several = several_cupys()
    if several is not None:
        return DeviceUnavailableError(f"{several.reason}: {reason}", several.fix)
    made_for = cupy.cuda.runtime.runtimeGetVersion() // 1000
    own = f"pip install 'gradx[cuda{made_for}]'" if made_for in (12, 13) else INSTALL
    return DeviceUnavailableError(reason, f"install the toolkit that CuPy was made for: {own}")


def first_line(error: BaseException) -> str:
    """The first line of an exception's text that says anything."""
    return next((line.strip() for line in str(error).splitlines() if line.strip()), "no message")


def _quoted(text: str) -> str:
    """What stands between the first quotation marks."""
    parts = text.split('"')
    return parts[1] if len(parts) > 2 else "library"
