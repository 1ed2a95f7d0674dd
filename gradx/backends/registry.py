"""The registry of backends: which kinds of device there are, and why one cannot be used.

Backends are found by the entry-point group `gradx.backends` and loaded when a device of their kind
is first asked for, so that `cpu` never waits for a CUDA library. What goes wrong while one loads is
kept and told, by `devices()` and by the error on use, and never swallowed.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

from gradx.backends.errors import BackendError, DeviceUnavailableError
from gradx.backends.numpy_backend import NumpyBackend
from gradx.backends.protocol import Backend, DeviceInfo
from gradx.core.dispatch import Lifted
from gradx.devices.device import CPU, Device, parse_device
from gradx.errors import UnknownDeviceError
from gradx.values.builtin import register_array
from gradx.values.operations import Entry
from gradx.values.operations import registry as types

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

GROUP = "gradx.backends"
AUTO = "auto"

# What to install for a kind of device that gradx knows of but finds no backend for.
_FIXES = MappingProxyType({"cuda": "install it: pip install 'gradx[cuda12]' or 'gradx[cuda13]'"})


@dataclass(frozen=True)
class DeviceStatus:
    """What is known of one device, usable or not.

    Attributes:
        device: its name, such as `cuda:1`.
        backend: the library that serves it, or "" where none could be loaded.
        usable: whether it can be used.
        detail: what it is, or, where it cannot be used, why not.
        fix: what would help; "" where it can be used.
    """

    device: str
    backend: str
    usable: bool
    detail: str
    fix: str = ""


@dataclass(frozen=True)
class _Entry:
    """How to make a backend, and the package that offers it."""

    make: Callable[[], object]
    origin: str


def _installed() -> Iterable[EntryPoint]:
    # Importing it takes longer than all of gradx's own modules of this room.
    from importlib.metadata import entry_points

    return entry_points(group=GROUP)


class Registry:
    """Backends by the kind of device they serve, loaded on first use.

    Args:
        find: lists the entry points; tests give their own.
    """

    def __init__(self, find: Callable[[], Iterable[EntryPoint]] = _installed) -> None:
        self._find = find
        self._lock = threading.RLock()
        self._entries: dict[str, _Entry] | None = None
        self._loaded: dict[str, Backend | DeviceUnavailableError] = {}

    def register(self, kind: str, make: Callable[[], object]) -> None:
        """Register a backend by hand, in place of an entry point of the same kind.

        Args:
            kind: the kind of device it serves.
            make: called without arguments on first use; gives the backend.

        Raises:
            BackendError: `kind` cannot be the name of a kind of device.
        """
        name = str(kind)  # of what is no text, nothing that could name a kind
        if not name.isidentifier() or kind != name.lower() or kind == AUTO:
            raise BackendError(
                f"{kind!r} cannot name a kind of device; use a lower-case word other than 'auto', "
                "such as 'cuda'"
            )
        with self._lock:
            self._known()[kind] = _Entry(make, "registered by hand")
            self._loaded.pop(kind, None)

    @contextmanager
    def restored(self) -> Iterator[None]:
        """Context manager for tests: undo what was registered and loaded in the block."""
        entries, loaded = dict(self._known()), dict(self._loaded)
        try:
            yield
        finally:
            self._entries, self._loaded = entries, loaded

    def kinds(self) -> list[str]:
        """The kinds of device that some backend serves, loaded or not."""
        with self._lock:
            return sorted(self._known())

    def get(self, kind: str) -> Backend:
        """The backend for a kind of device, loaded if it was not.

        Raises:
            UnknownDeviceError: nothing serves this kind.
            DeviceUnavailableError: its backend could not be loaded; says why and what would help.
        """
        with self._lock:
            if kind not in self._loaded:
                entry = self._known().get(kind)
                if entry is None:
                    raise self._unknown(kind)
                self._loaded[kind] = _load(kind, entry)
            found = self._loaded[kind]
        if isinstance(found, DeviceUnavailableError):
            # A fresh one each time: a kept exception would gather tracebacks.
            raise DeviceUnavailableError(found.reason, found.fix)
        return found

    def load_all(self) -> None:
        """Load every backend that can be loaded; what goes wrong is kept, for `devices()`."""
        for kind in self.kinds():
            with suppress(DeviceUnavailableError):
                self.get(kind)

    def resolve(self, device: str) -> tuple[Backend, Device]:
        """Find the device that a name means, and its backend.

        Args:
            device: `cpu`, `cuda`, `cuda:1`, or `auto` for the best that can be used.

        Returns:
            The backend and the device, which can be used.

        Raises:
            UnknownDeviceError: no such device is known.
            DeviceUnavailableError: it is known, but cannot be used here; says why.
        """
        if device == AUTO:
            return self._best()
        wanted = parse_device(device)
        backend = self.get(wanted.kind)
        found = _devices(backend)
        for info in found:
            if info.device == wanted:
                return backend, _usable(info).device
        present = [str(info.device) for info in found if info.problem is None]
        raise DeviceUnavailableError(
            f"there is no device {device!r} here", f"use {' or '.join(present) or 'cpu'}"
        )

    def devices(self) -> list[DeviceStatus]:
        """Every device of every kind, usable or not, with the reason; loads all backends."""
        return [status for kind in self._by_preference() for status in self._status(kind)]

    def _best(self) -> tuple[Backend, Device]:
        for kind in self._by_preference():
            try:
                backend = self.get(kind)
                return backend, _first_usable(_devices(backend))
            except (UnknownDeviceError, DeviceUnavailableError):
                continue  # `devices()` tells why
        raise DeviceUnavailableError("no device can be used here", "see `gradx devices`")

    def _by_preference(self) -> list[str]:
        """All kinds, the preferred first; those that cannot be used come last."""

        def rank(kind: str) -> tuple[float, str]:
            try:
                return -self.get(kind).priority, kind
            except (UnknownDeviceError, DeviceUnavailableError):
                return math.inf, kind

        return sorted({*self.kinds(), *_FIXES}, key=rank)

    def _status(self, kind: str) -> list[DeviceStatus]:
        name = ""
        try:
            backend = self.get(kind)
            name = backend.name
            return [_status_of(info, name) for info in _devices(backend)]
        except UnknownDeviceError:
            return [DeviceStatus(kind, "", False, "no backend for it is installed", _FIXES[kind])]
        except DeviceUnavailableError as error:
            return [DeviceStatus(kind, name, False, error.reason, error.fix)]

    def _known(self) -> dict[str, _Entry]:
        if self._entries is None:
            # The built-in entry stands for gradx's own metadata, which a source tree has not got.
            self._entries = {"cpu": _Entry(NumpyBackend, "gradx")}
            for point in self._find():
                self._entries[point.name] = _Entry(_loader(point), point.value)
        return self._entries

    def _unknown(self, kind: str) -> UnknownDeviceError:
        known = ", ".join([*self.kinds(), AUTO])
        if kind in _FIXES:
            return UnknownDeviceError(
                f"device {kind!r}: no backend for it is installed; {_FIXES[kind]}; usable without "
                f"it: {known}"
            )
        return UnknownDeviceError(f"device {kind!r} is not known; use one of: {known}")


def _loader(point: EntryPoint) -> Callable[[], object]:
    return lambda: point.load()()


def _load(kind: str, entry: _Entry) -> Backend | DeviceUnavailableError:
    """Make the backend, or keep what went wrong."""
    try:
        made = entry.make()
    except DeviceUnavailableError as error:
        return DeviceUnavailableError(error.reason, error.fix)
    except Exception as error:
        # Third-party code may raise anything, and every error must be reported.
        return DeviceUnavailableError(
            f"the backend for {kind!r} ({entry.origin}) failed to load: "
            f"{type(error).__name__}: {error}",
            "mend or uninstall it",
        )
    try:
        if isinstance(made, Backend) and made.kind == kind and math.isfinite(made.priority):
            for cls in made.arrays:
                register_array(cls, made.kernels or None, None if made.kind == CPU.kind else made)
            return made
        told = f"{made!r}, which is no backend for it"
    except Exception as error:  # of its attributes
        told = f"{made!r}: {type(error).__name__}: {error}"
    return DeviceUnavailableError(
        f"the backend for {kind!r} ({entry.origin}) is {told}",
        f"give it the attributes of gradx.backends.Backend, with kind = {kind!r}",
    )


def _devices(backend: Backend) -> list[DeviceInfo]:
    """A backend's devices, at least one, or the reason why there is none."""
    try:
        found = list(backend.devices())
    except DeviceUnavailableError:
        raise
    except Exception as error:
        raise DeviceUnavailableError(
            f"{backend.name} could not list its devices: {type(error).__name__}: {error}",
            "see `gradx devices` once this is mended",
        ) from error
    if not found:
        raise DeviceUnavailableError(f"{backend.name} finds no device", "check the driver")
    if not all(isinstance(info, DeviceInfo) for info in found):
        raise DeviceUnavailableError(
            f"{backend.name} lists its devices as {found!r}", "list each as a DeviceInfo"
        )
    return found


def _usable(info: DeviceInfo) -> DeviceInfo:
    """A device, or the reason why it cannot be used."""
    if info.problem is not None:
        # A fresh one each time: a kept exception would gather tracebacks.
        raise DeviceUnavailableError(info.problem.reason, info.problem.fix)
    return info


def _first_usable(found: list[DeviceInfo]) -> Device:
    usable = [info for info in found if info.problem is None]
    return usable[0].device if usable else _usable(found[0]).device


def _status_of(info: DeviceInfo, backend: str) -> DeviceStatus:
    problem = info.problem
    if problem is None:
        return DeviceStatus(str(info.device), backend, True, info.description)
    about = f"{info.description}: " if info.description else ""
    return DeviceStatus(str(info.device), backend, False, f"{about}{problem.reason}", problem.fix)


REGISTRY = Registry()


@types.detect
def _of_a_backend(cls: type) -> Entry | None:
    """An array type that is unknown so far may be that of a backend that nobody asked for yet."""
    is_array = hasattr(cls, "__array_function__") and hasattr(cls, "dtype")
    if is_array and not issubclass(cls, Lifted):
        REGISTRY.load_all()
    return types.own(cls)
