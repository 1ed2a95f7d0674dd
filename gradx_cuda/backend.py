"""The CuPy backend: arrays on CUDA devices.

It owns arrays and devices, never derivatives: gradx's rules are plain NumPy code, which NumPy's
protocols hand to CuPy. Memory comes from CuPy's pool, work goes to its current stream.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Any

from numpy import asarray as numpy_array
from numpy.typing import DTypeLike, NDArray

from gradx.backends import Device, DeviceInfo, DeviceUnavailableError
from gradx_cuda.diagnosis import (
    INSTALL,
    driver_problem,
    explain,
    first_line,
    import_cupy,
    several_cupys,
)
from gradx_cuda.tables import kernel_table


class CupyBackend:
    """Arrays of CuPy on the devices `cuda`, `cuda:1` and so on.

    Making one imports CuPy.

    Raises:
        DeviceUnavailableError: CuPy is missing or cannot be imported; says why and what would help.
    """

    kind = "cuda"
    priority = 10

    def __init__(self) -> None:
        cupy: Any = import_cupy()
        self._cupy = cupy
        self._found: list[DeviceInfo] | None = None
        self.name = f"CuPy {cupy.__version__}"
        self.arrays = (cupy.ndarray,)
        self.kernels = kernel_table(cupy)

    def devices(self) -> Sequence[DeviceInfo]:
        """The CUDA devices; one on which a first computation failed has its problem.

        Raises:
            DeviceUnavailableError: there is none; says why and what would help.
        """
        if self._found is None:
            self._found = self._look()
        return self._found

    def asarray(self, x: Any, device: Device, dtype: DTypeLike | None = None) -> Any:
        """Bring an array-like value to a device; no copy where it is there already.

        Args:
            x: an array of NumPy, or of CuPy on any device, or what NumPy makes an array of.
            device: where to.
            dtype: of the result; by default that of ``x``.
        """
        cupy = self._cupy
        if isinstance(x, cupy.ndarray) and x.device.id != device.index:
            x = self._moved(x, device)
        with self.on(device):
            return cupy.asarray(x, dtype=dtype)

    def to_numpy(self, x: Any) -> NDArray[Any]:
        """Copy an array to the host, once its pending work is done."""
        with x.device:  # whose current stream the work is on
            return numpy_array(self._cupy.asnumpy(x))

    def _moved(self, x: Any, device: Device) -> Any:
        """A copy of an array on another device.

        CuPy copies on the stream of the target alone. So that stream first waits for what the
        source's has still to do; and that of the source waits for the copy, before the memory of
        ``x`` may be given to other work there.
        """
        cuda = self._cupy.cuda
        with x.device:
            source = cuda.get_current_stream()
            if not (x.flags.c_contiguous or x.flags.f_contiguous):
                x = self._cupy.ascontiguousarray(x)  # which copying would do after `ready`
            ready = source.record(cuda.Event(disable_timing=True))
        with self.on(device):
            target = cuda.get_current_stream()
            target.wait_event(ready)
            copied = x.copy()
            done = target.record(cuda.Event(disable_timing=True))
        with x.device:
            source.wait_event(done)
        return copied

    def on(self, device: Device) -> AbstractContextManager[Any]:
        """Make a device CuPy's current one for the block, in this thread."""
        current: AbstractContextManager[Any] = self._cupy.cuda.Device(device.index)
        return current

    def device_of(self, x: Any) -> Device:
        """The device that an array of CuPy is on."""
        return Device(self.kind, x.device.id)

    def from_dlpack(self, x: Any) -> Any:
        """`cupy.from_dlpack`: an array on the memory of a foreign one."""
        return self._cupy.from_dlpack(x)

    def explain(self, error: BaseException) -> DeviceUnavailableError | None:
        """What an exception of CuPy's means for a user, or None if it is none of a device's.

        Args:
            error: what a computation raised, such as CuPy's ``OutOfMemoryError``.
        """
        return explain(self._cupy, error)

    def _look(self) -> list[DeviceInfo]:
        """Each device, tried.

        Raises:
            DeviceUnavailableError: the driver shows none; says why.
        """
        problem = driver_problem(self._cupy)
        if problem is not None:
            raise problem
        return [self._try(index) for index in range(self._cupy.cuda.runtime.getDeviceCount())]

    def _try(self, index: int) -> DeviceInfo:
        """Compute something on a device, which needs all that gradx will need, and describe it."""
        device, description = Device(self.kind, index), ""
        try:
            description = self._describe(index)
            with self.on(device):
                (self._cupy.zeros(1, "f") + 1).get()
        except Exception as error:
            # The driver, the compiler or the toolkit's headers: all of it must be told.
            problem = explain(self._cupy, error) or DeviceUnavailableError(
                f"a first computation failed: {type(error).__name__}: {first_line(error)}",
                f"reinstall CuPy with its toolkit: {INSTALL}",
            )
            return DeviceInfo(device, description, problem)
        several = several_cupys()
        beware = "" if several is None else f"; beware: {several}"
        return DeviceInfo(device, description + beware)

    def _describe(self, index: int) -> str:
        """A device's model, memory and compute capability."""
        cupy = self._cupy
        with cupy.cuda.Device(index) as device:
            properties = cupy.cuda.runtime.getDeviceProperties(index)
            memory = device.mem_info[1] / 2**30
        name = properties["name"].decode(errors="replace")
        capability = f"{properties['major']}.{properties['minor']}"
        return f"{name}, {memory:.0f} GiB, compute capability {capability}"
