"""What is missing for CUDA is told in one line. No device is needed: CuPy is played here."""

import subprocess
import sys
from types import SimpleNamespace

import pytest

from gradx.backend import DeviceUnavailableError, Registry
from gradx_cuda.diagnosis import driver_problem, explain, import_cupy
from tests.architecture.sources import ROOT


class CUDARuntimeError(RuntimeError):
    def __init__(self, status, text="cudaErrorSomething: words"):
        super().__init__(text)
        self.status = status


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
        memory=SimpleNamespace(OutOfMemoryError=Never),
        compiler=SimpleNamespace(CompileException=Never),
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
def test_no_device(answer):
    problem = driver_problem(played(**answer))
    assert problem.reason == "the CUDA driver is there but shows no device"
    assert "CUDA_VISIBLE_DEVICES" in problem.fix


def test_a_driver_that_does_not_start():
    problem = driver_problem(played(status=3))
    assert problem.reason == "the CUDA driver does not start: cudaErrorSomething: words"


@pytest.mark.parametrize("status", [46, 214, 700, 719])
def test_a_lost_device(status):
    told = explain(played(count=1), CUDARuntimeError(status))
    assert told.reason == "the CUDA device was lost: cudaErrorSomething: words"


def test_a_device_that_cupy_has_no_code_for():
    told = explain(played(count=1), CUDARuntimeError(209))
    assert told.reason.startswith("this CuPy has no code for the device: ")


def test_no_memory_without_a_pool():
    told = explain(played(count=1), CUDARuntimeError(2, "cudaErrorMemoryAllocation"))
    assert told.reason == "the CUDA device is out of memory: cudaErrorMemoryAllocation"


def test_another_error_of_cuda_is_left_alone():
    assert explain(played(count=1), CUDARuntimeError(1)) is None


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
