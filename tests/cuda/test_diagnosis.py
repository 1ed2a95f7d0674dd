"""What is missing for CUDA is told in one line. No device is needed: CuPy is played here."""

import subprocess
import sys
from types import SimpleNamespace

import pytest

from gradx.backends import DeviceUnavailableError, Registry
from gradx_cuda import diagnosis
from gradx_cuda.diagnosis import driver_problem, explain, import_cupy, several_cupys
from tests.architecture.sources import ROOT


class CUDARuntimeError(RuntimeError):
    def __init__(self, status, text="cudaErrorSomething: words"):
        super().__init__(text)
        self.status = status


class OutOfMemoryError(MemoryError):
    pass


class CompileException(Exception):
    pass


class CUBLASError(RuntimeError):
    pass


class DynamicLibNotFoundError(RuntimeError):
    pass


class Never(Exception):
    """An error of CuPy's that these tests do not raise."""


def played(count=None, status=None, driver=0, made_for=12090):
    """A CuPy with so many devices, or whose driver answers with this status."""

    def get_device_count():
        if count is None:
            raise CUDARuntimeError(status)
        return count

    runtime = SimpleNamespace(
        CUDARuntimeError=CUDARuntimeError,
        getDeviceCount=get_device_count,
        driverGetVersion=lambda: driver,
        runtimeGetVersion=lambda: made_for,
    )
    cuda = SimpleNamespace(
        runtime=runtime,
        memory=SimpleNamespace(OutOfMemoryError=OutOfMemoryError),
        compiler=SimpleNamespace(CompileException=CompileException),
        driver=SimpleNamespace(CUDADriverError=Never),
    )
    return SimpleNamespace(cuda=cuda)


def test_no_cupy(monkeypatch):
    monkeypatch.setitem(sys.modules, "cupy", None)
    with pytest.raises(DeviceUnavailableError) as raised:
        import_cupy()
    assert raised.value.reason == "CuPy is not installed"
    assert raised.value.fix == "install it: pip install 'gradx[cuda12]' or 'gradx[cuda13]'"


def broken(tmp_path, text):
    """What is said where importing CuPy raises."""
    (tmp_path / "cupy.py").write_text(text)
    code = (
        f"import sys; sys.path[:0] = [{str(tmp_path)!r}, {str(ROOT)!r}]\n"
        "from gradx_cuda.backend import CupyBackend\n"
        "try:\n    CupyBackend()\n"
        "except Exception as error:\n    print(type(error).__name__, error)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True
    )
    return done.stdout.strip()


def test_a_cupy_that_misses_a_library(tmp_path):
    text = "raise ImportError('''\n====\nFailed to import CuPy.\n\nlibnvrtc.so.12: not found.\n''')"
    assert broken(tmp_path, text) == (
        "DeviceUnavailableError CuPy is installed but cannot be imported: libnvrtc.so.12: not "
        "found; reinstall it for the CUDA of your driver, which nvidia-smi shows: "
        "pip install 'gradx[cuda12]' or 'gradx[cuda13]'"
    )


def test_a_cupy_that_misses_a_python_package(tmp_path):
    said = broken(tmp_path, "import a_package_of_nowhere")
    assert "cannot be imported: No module named 'a_package_of_nowhere'; reinstall" in said


def test_a_cupy_that_fails_without_a_word(tmp_path):
    assert "cannot be imported: RuntimeError; reinstall" in broken(tmp_path, "raise RuntimeError")


def test_nothing_is_wrong():
    assert driver_problem(played(count=1)) is None


def test_no_driver():
    problem = driver_problem(played(status=35, driver=0))
    assert problem.reason == "no CUDA driver is installed"
    assert "--device cpu" in problem.fix


def test_a_cupy_for_a_newer_toolkit():
    problem = driver_problem(played(status=35, driver=12040, made_for=13000))
    assert problem.reason == "the driver supports CUDA 12.4 and this CuPy is made for CUDA 13.0"
    assert problem.fix == ("install a newer driver, or a CuPy for it: pip install 'gradx[cuda12]'")


def test_too_old_a_driver():
    problem = driver_problem(played(status=35, driver=11040))
    assert problem.reason == "the driver supports CUDA 11.4 and this CuPy is made for CUDA 12.9"
    assert problem.fix == "install a newer driver"


@pytest.mark.parametrize("answer", [{"count": 0}, {"status": 100}])
def test_no_device(answer, monkeypatch):
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    problem = driver_problem(played(**answer))
    assert problem.reason == "the CUDA driver is there but shows no device"
    assert problem.fix == "see whether nvidia-smi lists one, and whether this process may use it"


@pytest.mark.parametrize("shown", ["", "-1", "7"])
def test_devices_hidden_by_the_environment(shown, monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", shown)
    problem = driver_problem(played(status=100))
    assert problem.reason == (
        f"the CUDA driver is there, but CUDA_VISIBLE_DEVICES='{shown}' hides every device"
    )
    assert problem.fix == "unset it, or set it to the numbers that nvidia-smi lists, such as 0"


def test_a_driver_that_does_not_start():
    problem = driver_problem(played(status=3))
    assert problem.reason == "the CUDA driver does not start: cudaErrorSomething: words"


@pytest.mark.parametrize("status", [46, 214, 700, 719])
def test_a_lost_device(status):
    told = explain(played(count=1), CUDARuntimeError(status))
    assert told.reason == "the CUDA device was lost: cudaErrorSomething: words"


@pytest.mark.parametrize("text", ["CUBLAS_STATUS_EXECUTION_FAILED", "CUBLAS_STATUS_INTERNAL_ERROR"])
def test_a_library_that_loses_the_device(text):
    told = explain(played(count=1), CUBLASError(text))
    assert str(told) == (
        f"the CUDA device was lost: {text}; see whether nvidia-smi still lists it, and start again"
    )


def test_a_driver_older_than_the_compiler():
    told = explain(played(count=1), CUDARuntimeError(222, "cudaErrorUnsupportedPtxVersion: words"))
    assert str(told) == (
        "the driver is older than the compiler of this CuPy: cudaErrorUnsupportedPtxVersion: "
        "words; install a newer driver"
    )


def test_a_device_that_cupy_has_no_code_for():
    told = explain(played(count=1), CUDARuntimeError(209))
    assert told.reason.startswith("this CuPy has no code for the device: ")


def test_no_memory_without_a_pool():
    told = explain(played(count=1), CUDARuntimeError(2, "cudaErrorMemoryAllocation"))
    assert told.reason == "the CUDA device is out of memory: cudaErrorMemoryAllocation"


def test_no_memory_in_the_pool():
    error = OutOfMemoryError("Out of memory allocating 512 bytes (allocated so far: 0 bytes).")
    assert str(explain(played(count=1), error)) == (
        "the CUDA device is out of memory: Out of memory allocating 512 bytes (allocated so far: "
        "0 bytes); use a smaller batch or float32, or free what other programs hold there"
    )


@pytest.mark.parametrize("text", ["CUBLAS_STATUS_ALLOC_FAILED", "CUBLAS_STATUS_NOT_INITIALIZED"])
def test_no_memory_for_a_library(text):
    told = explain(played(count=1), CUBLASError(text))
    assert told.reason == f"the CUDA device is out of memory: {text}"


@pytest.mark.parametrize("error", [CUDARuntimeError(1), CUBLASError("CUBLAS_STATUS_INVALID_VALUE")])
def test_another_error_of_cuda_is_left_alone(error):
    assert explain(played(count=1), error) is None


def test_an_error_of_the_program_is_left_alone():
    assert explain(played(count=1), ValueError("CuPy failed to load a joke")) is None


def test_a_kernel_that_does_not_compile(monkeypatch):
    monkeypatch.setattr(diagnosis, "_PACKAGES", ())
    output = "a note\nkernel.cu(3): catastrophic error: cannot open source file 'vector_types.h'\n"
    assert str(explain(played(count=1, made_for=13000), CompileException(output))) == (
        "CUDA's compiler refused a kernel: kernel.cu(3): catastrophic error: cannot open source "
        "file 'vector_types.h'; install the toolkit that CuPy was made for: "
        "pip install 'gradx[cuda13]'"
    )


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (
            DynamicLibNotFoundError('Failure finding "libnvrtc.so.12": No such file'),
            "the CUDA toolkit's libnvrtc.so.12 is not installed",
        ),
        (
            DynamicLibNotFoundError("nothing in quotation marks"),
            "the CUDA toolkit's library is not installed",
        ),
        (
            RuntimeError("CuPy failed to load libnvrtc.so.12: OSError: no such file"),
            "a library of the CUDA toolkit is missing: CuPy failed to load libnvrtc.so.12: "
            "OSError: no such file",
        ),
    ],
)
def test_a_toolkit_that_is_missing(error, reason, monkeypatch):
    monkeypatch.setattr(diagnosis, "_PACKAGES", ())
    told = explain(played(count=1), error)
    assert told.reason == reason
    assert told.fix == ("install the toolkit that CuPy was made for: pip install 'gradx[cuda12]'")


def installed(tmp_path, *names):
    """Packages of these names, as pip leaves them."""
    for name in names:
        metadata = tmp_path / f"{name.replace('-', '_')}-14.0.dist-info" / "METADATA"
        metadata.parent.mkdir()
        metadata.write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 14.0\n")


BOTH = "cupy-cuda12x and cupy-cuda13x are installed in each other's place"
REMOVE = (
    "remove all of them: pip uninstall cupy-cuda12x cupy-cuda13x; then install one: "
    "pip install 'gradx[cuda12]' or 'gradx[cuda13]'"
)


def test_two_cupys_at_once(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "path", [str(tmp_path)])
    assert several_cupys() is None
    installed(tmp_path, "cupy-cuda13x")
    assert several_cupys() is None
    installed(tmp_path, "cupy-cuda12x")
    assert str(several_cupys()) == f"{BOTH}; {REMOVE}"
    told = explain(played(count=1), DynamicLibNotFoundError('"libnvrtc.so.12"'))
    assert str(told) == f"{BOTH}: the CUDA toolkit's libnvrtc.so.12 is not installed; {REMOVE}"


def test_two_cupys_that_cannot_be_imported(tmp_path):
    installed(tmp_path, "cupy-cuda12x", "cupy-cuda13x")
    said = broken(tmp_path, "raise ImportError('libcublas.so.13: not found')")
    assert said == (
        f"DeviceUnavailableError {BOTH}, and it cannot be imported: libcublas.so.13: not found; "
        f"{REMOVE}"
    )


def test_cupys_own_twenty_lines_on_two_of_them_are_not_shown(tmp_path):
    warning = "\n----\n\n  multiple CuPy packages are installed\n"
    said = broken(tmp_path, f"import warnings; warnings.warn({warning!r}); raise ImportError('x')")
    assert "cannot be imported: x; reinstall" in said


def test_the_registry_keeps_and_tells_it(monkeypatch):
    from gradx_cuda.backend import CupyBackend

    monkeypatch.setitem(sys.modules, "cupy", None)
    registry = Registry(find=lambda: [])
    registry.register("cuda", CupyBackend)
    (status,) = [s for s in registry.devices() if s.device == "cuda"]
    assert not status.usable
    assert (status.detail, status.fix[:10]) == ("CuPy is not installed", "install it")
    with pytest.raises(DeviceUnavailableError, match="CuPy is not installed; install it"):
        registry.resolve("cuda:1")
    assert str(registry.resolve("auto")[1]) == "cpu"


def test_importing_the_package_imports_no_cupy():
    code = "import sys, gradx_cuda, gradx_cuda.backend; print('cupy' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True
    )
    assert done.stdout.strip() == "False"


# A CuPy of one file, whose devices compute or do not: FAILS maps their numbers to what is raised.
PLAYED_CUPY = """
import contextlib, types
class CUDARuntimeError(RuntimeError): pass
class OutOfMemoryError(MemoryError): pass
class CompileException(Exception): pass
class CUDADriverError(RuntimeError): pass
__version__ = "14.0"
now = [0]
def failing():
    if now[-1] in FAILS: raise FAILS[now[-1]]
class ndarray:
    def __add__(self, other): failing(); return self
    def get(self): return 1
def zeros(*shape): return ndarray()
class Device:
    mem_info = (1, 8 << 30)
    def __init__(self, index): self.index = index
    def __enter__(self): now.append(self.index); return self
    def __exit__(self, *what): now.pop()
def __getattr__(name): return lambda *given: None
properties = {"name": b"Played", "major": 8, "minor": 0}
runtime = types.SimpleNamespace(
    CUDARuntimeError=CUDARuntimeError, getDeviceCount=lambda: COUNT,
    runtimeGetVersion=lambda: 12090, getDeviceProperties=lambda index: properties)
cuda = types.SimpleNamespace(
    runtime=runtime, Device=Device, driver=types.SimpleNamespace(CUDADriverError=CUDADriverError),
    memory=types.SimpleNamespace(OutOfMemoryError=OutOfMemoryError),
    compiler=types.SimpleNamespace(CompileException=CompileException))
linalg = types.SimpleNamespace(__getattr__=lambda name: None)
"""


def listed(tmp_path, text, *arguments):
    """What a command prints with a played CuPy: its lines, those of errors, and the exit code."""
    (tmp_path / "cupy.py").write_text(PLAYED_CUPY + text)
    code = (
        f"import sys; sys.path[:0] = [{str(tmp_path)!r}, {str(ROOT)!r}]\n"
        "from gradx.backends import register_backend\n"
        "from gradx_cuda.backend import CupyBackend\n"
        "from gradx.cli.app import run\n"
        "register_backend('cuda', CupyBackend)\n"
        f"sys.exit(run({list(arguments)!r}))"
    )
    done = subprocess.run(
        [sys.executable, "-S", "-c", NUMPY_TOO + code], capture_output=True, text=True, timeout=60
    )
    return done.stdout.splitlines(), done.stderr.splitlines(), done.returncode


# Without the site's packages, where there may be a CuPy, but with those that gradx needs.
NUMPY_TOO = f"import sys; sys.path[:] = [p for p in {sys.path!r} if p]\n"


def test_a_device_that_works_beside_one_that_does_not(tmp_path):
    text = "COUNT = 2\nFAILS = {0: OutOfMemoryError('Out of memory allocating 512 bytes.')}\n"
    lines, errors, code = listed(tmp_path, text, "devices")
    assert (errors, code) == ([], 0)
    assert lines[:2] == [
        "cuda    missing  CuPy 14.0: Played, 8 GiB, compute capability 8.0: the CUDA device is out "
        "of memory: Out of memory allocating 512 bytes; use a smaller batch or float32, or free "
        "what other programs hold there",
        "cuda:1  usable   CuPy 14.0: Played, 8 GiB, compute capability 8.0",
    ]
    assert lines[-1] == "--device auto takes cuda:1"


def test_a_device_that_does_not_work_is_refused(tmp_path):
    text = "COUNT = 1\nFAILS = {0: RuntimeError('strange things')}\n"
    lines, errors, code = listed(tmp_path, text, "train", "--device", "cuda")
    assert (lines, code) == ([], 2)
    assert errors == [
        "gradx: error: a first computation failed: RuntimeError: strange things; reinstall CuPy "
        "with its toolkit: pip install 'gradx[cuda12]' or 'gradx[cuda13]'"
    ]
    lines, errors, code = listed(tmp_path, text, "devices")
    assert (errors, code) == ([], 0)
    assert lines[-1] == "--device auto takes cpu"


def test_two_cupys_that_work_are_told_of(tmp_path):
    installed(tmp_path, "cupy-cuda12x", "cupy-cuda13x")
    lines, errors, code = listed(tmp_path, "COUNT = 1\nFAILS = {}\n", "devices")
    assert (errors, code) == ([], 0)
    assert lines[0] == (
        f"cuda  usable   CuPy 14.0: Played, 8 GiB, compute capability 8.0; beware: {BOTH}; {REMOVE}"
    )
