"""The registry: finding, loading, failing and telling."""

from contextlib import nullcontext
from importlib.metadata import EntryPoint
from types import MappingProxyType

import numpy as np
import pytest

import gradx.backends as backend
from gradx.backends import (
    BackendError,
    Device,
    DeviceError,
    DeviceInfo,
    DeviceStatus,
    DeviceUnavailableError,
    Registry,
    UnknownDeviceError,
    parse_device,
)
from gradx.backends.numpy_backend import NumpyBackend
from gradx.errors import GradxError


class FakeCuda:
    kind = "cuda"
    name = "Fake 1.0"
    priority = 10
    count = 2
    arrays = ()
    kernels = MappingProxyType({})

    def devices(self):
        return [DeviceInfo(Device("cuda", i), f"fake {i}") for i in range(self.count)]

    def asarray(self, x, device, dtype=None):
        return np.asarray(x, dtype)

    def to_numpy(self, x):
        return np.asarray(x)

    def device_of(self, x):
        return Device("cuda")

    def on(self, device):
        return nullcontext()

    def from_dlpack(self, x):
        return np.from_dlpack(x)

    def explain(self, error):
        return None


def registry(**entries):
    found = Registry(find=lambda: [])
    for kind, make in entries.items():
        found.register(kind, make)
    return found


def raising(error):
    def make():
        raise error

    return make


def refused(act, kind, text):
    with pytest.raises(kind) as caught:
        act()
    assert str(caught.value) == text


@pytest.mark.parametrize(
    ("text", "device"),
    [
        ("cpu", Device("cpu")),
        ("cuda", Device("cuda")),
        ("cuda:0", Device("cuda")),
        ("cuda:12", Device("cuda", 12)),
    ],
)
def test_names_of_devices(text, device):
    assert parse_device(text) == device
    assert parse_device(str(device)) == device


@pytest.mark.parametrize(
    "text", ["", "CPU", "cuda:", "cuda:-1", "cuda 1", "cuda:1:2", "gpu!", ":1"]
)
def test_invalid_names(text):
    refused(
        lambda: parse_device(text),
        UnknownDeviceError,
        f"device {text!r} is invalid; write cpu, cuda, cuda:1 or auto",
    )


def test_numpy_is_there_without_metadata():
    found, device = registry().resolve("cpu")
    assert isinstance(found, NumpyBackend) and device == Device("cpu")
    np.testing.assert_array_equal(
        found.asarray([1, 2], device, "float32"), np.array([1, 2], "float32"), strict=True
    )
    array = np.ones(3)
    assert found.asarray(array, device) is array
    assert found.to_numpy(array) is array
    with found.on(device):
        pass


def test_entry_points_are_loaded_on_first_use_only():
    point = EntryPoint("cuda", "no_such_module_here:Backend", "gradx.backends")
    found = Registry(find=lambda: [point])
    assert found.kinds() == ["cpu", "cuda"]
    assert str(found.resolve("cpu")[1]) == "cpu"
    refused(
        lambda: found.resolve("cuda"),
        DeviceUnavailableError,
        "the backend for 'cuda' (no_such_module_here:Backend) failed to load: "
        "ModuleNotFoundError: No module named 'no_such_module_here'; mend or uninstall it",
    )


def test_the_entry_point_of_the_package_is_the_built_in_one():
    point = EntryPoint("cpu", "gradx.backends.numpy_backend:NumpyBackend", "gradx.backends")
    assert isinstance(Registry(find=lambda: [point]).get("cpu"), NumpyBackend)


def test_a_backend_is_made_once():
    made = []
    found = registry(cuda=lambda: made.append(1) or FakeCuda())
    assert found.get("cuda") is found.get("cuda")
    found.resolve("cuda:1")
    assert made == [1]


def test_devices_by_number():
    found = registry(cuda=FakeCuda)
    assert found.resolve("cuda:1")[1] == Device("cuda", 1)
    refused(
        lambda: found.resolve("cuda:7"),
        DeviceUnavailableError,
        "there is no device 'cuda:7' here; use cuda or cuda:1",
    )
    refused(
        lambda: found.resolve("cpu:1"),
        DeviceUnavailableError,
        "there is no device 'cpu:1' here; use cpu",
    )


def test_auto_takes_the_best_that_works():
    assert str(registry(cuda=FakeCuda).resolve("auto")[1]) == "cuda"
    broken = registry(cuda=raising(DeviceUnavailableError("no driver", "install one")))
    assert str(broken.resolve("auto")[1]) == "cpu"
    assert str(registry().resolve("auto")[1]) == "cpu"


def test_auto_with_nothing_at_all():
    refused(
        lambda: registry(cpu=raising(ValueError("broken"))).resolve("auto"),
        DeviceUnavailableError,
        "no device can be used here; see `gradx devices`",
    )


def test_unknown_devices():
    refused(
        lambda: registry().resolve("tpu"),
        UnknownDeviceError,
        "device 'tpu' is not known; use one of: cpu, auto",
    )
    refused(
        lambda: registry().resolve("cuda"),
        UnknownDeviceError,
        "device 'cuda': no backend for it is installed; install it: pip install 'gradx[cuda12]' or "
        "'gradx[cuda13]'; usable without it: cpu, auto",
    )


def test_what_went_wrong_is_kept_and_told_each_time():
    tries = []

    def make():
        tries.append(1)
        raise DeviceUnavailableError("the driver is too old", "install 535 or newer")

    found = registry(cuda=make)
    for _ in range(2):
        refused(
            lambda: found.get("cuda"),
            DeviceUnavailableError,
            "the driver is too old; install 535 or newer",
        )
    assert tries == [1]


def test_a_thing_that_is_no_backend():
    for made in (object(), NumpyBackend()):
        refused(
            lambda made=made: registry(cuda=lambda: made).get("cuda"),
            DeviceUnavailableError,
            f"the backend for 'cuda' (registered by hand) is {made!r}, which is no backend for it; "
            "give it the attributes of gradx.backends.Backend, with kind = 'cuda'",
        )


def test_devices_that_cannot_be_listed():
    class Broken(FakeCuda):
        def devices(self):
            raise OSError("device lost")

    class NoDevice(FakeCuda):
        count = 0

    refused(
        lambda: registry(cuda=Broken).resolve("cuda"),
        DeviceUnavailableError,
        "Fake 1.0 could not list its devices: OSError: device lost; see `gradx devices` once this "
        "is mended",
    )
    refused(
        lambda: registry(cuda=NoDevice).resolve("cuda"),
        DeviceUnavailableError,
        "Fake 1.0 finds no device; check the driver",
    )
    assert {s.device: s.usable for s in registry(cuda=Broken).devices()} == {
        "cuda": False,
        "cpu": True,
    }


def test_the_list_of_devices_gives_reasons():
    cpu = DeviceStatus("cpu", NumpyBackend.name, True, NumpyBackend().devices()[0].description)
    assert registry(cuda=FakeCuda).devices() == [
        DeviceStatus("cuda", "Fake 1.0", True, "fake 0"),
        DeviceStatus("cuda:1", "Fake 1.0", True, "fake 1"),
        cpu,
    ]
    assert registry().devices() == [
        cpu,
        DeviceStatus(
            "cuda",
            "",
            False,
            "no backend for it is installed",
            "install it: pip install 'gradx[cuda12]' or 'gradx[cuda13]'",
        ),
    ]
    assert registry(cuda=raising(DeviceUnavailableError("no driver", "install one"))).devices()[
        1
    ] == DeviceStatus("cuda", "", False, "no driver", "install one")


@pytest.mark.parametrize("kind", ["auto", "", "CUDA", "two words", "cuda:1", None])
def test_kinds_that_cannot_be_registered(kind):
    refused(
        lambda: registry().register(kind, FakeCuda),
        BackendError,
        f"{kind!r} cannot name a kind of device; use a lower-case word other than 'auto', such as "
        "'cuda'",
    )


def test_registering_again_replaces():
    found = registry(cuda=raising(ValueError("broken")))
    with pytest.raises(DeviceUnavailableError):
        found.get("cuda")
    found.register("cuda", FakeCuda)
    assert isinstance(found.get("cuda"), FakeCuda)


def test_the_functions_use_the_one_registry(monkeypatch):
    monkeypatch.setattr(backend, "REGISTRY", registry())
    backend.register_backend("cuda", FakeCuda)
    assert backend.get_backend("cuda").name == "Fake 1.0"
    assert str(backend.resolve("auto")[1]) == "cuda"
    assert len(backend.devices()) == 3


def test_errors_have_one_base():
    assert issubclass(DeviceError, GradxError)
    with pytest.raises((DeviceError, UnknownDeviceError), match="'tpu' is not known"):
        registry().resolve("tpu")
    with pytest.raises((DeviceError, DeviceUnavailableError), match="no device 'cpu:1' here"):
        registry().resolve("cpu:1")
    with pytest.raises((DeviceError, BackendError), match="'auto' cannot name a kind"):
        registry().register("auto", FakeCuda)


class HalfBroken(FakeCuda):
    """Its first device does not work."""

    def devices(self):
        problem = DeviceUnavailableError("it was lost", "start again")
        first, *others = super().devices()
        return [DeviceInfo(first.device, first.description, problem), *others]


def test_a_device_that_does_not_work_beside_one_that_does():
    found = registry(cuda=HalfBroken)
    assert found.devices()[:2] == [
        DeviceStatus("cuda", "Fake 1.0", False, "fake 0: it was lost", "start again"),
        DeviceStatus("cuda:1", "Fake 1.0", True, "fake 1"),
    ]
    assert str(found.resolve("cuda:1")[1]) == "cuda:1"
    assert str(found.resolve("auto")[1]) == "cuda:1"
    refused(lambda: found.resolve("cuda"), DeviceUnavailableError, "it was lost; start again")
    refused(
        lambda: found.resolve("cuda:2"),
        DeviceUnavailableError,
        "there is no device 'cuda:2' here; use cuda:1",
    )


def test_devices_none_of_which_works():
    class Broken(HalfBroken):
        count = 1

    found = registry(cuda=Broken)
    assert str(found.resolve("auto")[1]) == "cpu"
    refused(
        lambda: found.resolve("cuda:2"),
        DeviceUnavailableError,
        "there is no device 'cuda:2' here; use cpu",
    )


class NoType(FakeCuda):
    arrays = ("text",)


class NoNumber(FakeCuda):
    priority = "high"


class Lazy(FakeCuda):
    @property
    def name(self):
        raise RuntimeError("not yet")


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (NoType, "TypeError: register takes a class, not 'text'"),
        (NoNumber, "TypeError: must be real number, not str"),
        (Lazy, "RuntimeError: not yet"),
    ],
)
def test_a_backend_with_an_attribute_that_is_wrong_harms_no_other(make, text):
    found = registry(cuda=make)
    with pytest.raises(
        DeviceUnavailableError, match=f"registered by hand.*{text}.*give it the att"
    ):
        found.get("cuda")
    assert str(found.resolve("auto")[1]) == "cpu"
    assert [s.device for s in found.devices() if s.usable] == ["cpu"]


def test_devices_must_be_described():
    class Names(FakeCuda):
        def devices(self):
            return ["cuda"]

    found = registry(cuda=Names)
    refused(
        lambda: found.resolve("cuda"),
        DeviceUnavailableError,
        "Fake 1.0 lists its devices as ['cuda']; list each as a DeviceInfo",
    )
    assert [s.device for s in found.devices() if s.usable] == ["cpu"]
