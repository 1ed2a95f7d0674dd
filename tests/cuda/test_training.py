"""`gradx train --device cuda`: the same path as on the processor, within rounding."""

import json
import os

import numpy as np
import pytest

from gradx.backends import Device
from gradx.cli.app import run
from gradx.train import Options, State, init_net, map_net, place, plan_of, train
from tests.cuda.places import ARRAY, SOFTWARE
from tests.mnist.idx_files import small_arrays, write_dataset
from tests.train.small import dataset

pytestmark = pytest.mark.modes
TOLERANCE = {"float64": 1e-10, "float32": 2e-4}


@pytest.fixture(scope="module")
def images(tmp_path_factory):
    return write_dataset(tmp_path_factory.mktemp("images"), small_arrays(train=2400, test=200))


@pytest.fixture
def trained(images, tmp_path, capsys):
    """Trains on a device; gives the arrays of the model and what was printed."""

    def trained(device, *options):
        path = tmp_path / f"{device.replace(':', '')}.npz"
        arguments = ["train", "--device", device, "--data", images, "--save", path, *options]
        code = run([str(argument) for argument in arguments])
        said = capsys.readouterr()
        assert code == 0, said.err
        with np.load(path) as archive:
            return {name: archive[name] for name in archive.files if name != "model"}, said.out

    return trained


def assert_close(one, other, dtype):
    assert one.keys() == other.keys()
    for name in one:
        assert one[name].dtype == other[name].dtype
        if one[name].dtype.kind != "f":
            continue
        assert one[name].dtype == dtype
        scale = np.abs(other[name]).max()
        np.testing.assert_allclose(one[name], other[name], atol=TOLERANCE[dtype] * scale)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize(
    "options",
    [
        ("--batch-size", 16, "--epochs", 2, "--rate", 0.1, "--hidden", 12),  # 300 steps
        ("--batch-size", 100, "--epochs", 4, "--rate", 0.3, "--hidden", 9, "--hidden", 7),
    ],
)
def test_the_same_weights_come_out(trained, options, dtype):
    options = (*options, "--dtype", dtype, "--report-every", 1000, "--seed", 5)
    cuda, said = trained("cuda", *options)
    cpu, _ = trained("cpu", *options)
    assert_close(cuda, cpu, dtype)
    assert "device    cuda (CuPy " in said


def test_sample_by_sample(trained, tmp_path_factory):
    few = write_dataset(tmp_path_factory.mktemp("few"), small_arrays(train=300))
    options = ("--data", few, "--hidden", 8, "--rate", 0.05)
    assert_close(trained("cuda", *options)[0], trained("cpu", *options)[0], "float64")


def test_in_blocks(trained):
    options = ("--batch-size", 60, "--hidden", 8, "--rate", 0.2, "--deterministic")
    assert_close(trained("cuda", *options)[0], trained("cpu", *options)[0], "float64")


def test_the_reports_are_those_of_the_processor(trained):
    options = ("--batch-size", 50, "--hidden", 8, "--rate", 0.2, "--report-every", 800)

    def errors(device):
        lines = trained(device, *options)[1].splitlines()
        return [line for line in lines if line.startswith(("[", "(", "Trained on 8", "Val"))]

    assert len(errors("cuda")) > 6
    assert errors("cuda") == errors("cpu")


def test_a_model_of_the_processor_goes_on_on_the_device(trained, tmp_path):
    options = ("--batch-size", 40, "--hidden", 8, "--rate", 0.1)
    trained("cpu", *options, "--epochs", 1)
    begun = ("--load", tmp_path / "cpu.npz", "--epochs", 2)
    cuda, _ = trained("cuda", *begun)
    assert_close(cuda, trained("cpu", *begun)[0], "float64")


OWN = """from dataclasses import dataclass
import numpy as np

@dataclass
class Net:
    layers: list[tuple[np.ndarray, np.ndarray]]
    scale: float

def init(rng):
    sizes = [(5, 8), (8, 1)]
    return Net([(rng.normal(size=s), np.zeros(s[1])) for s in sizes], 1.0)

def predict(net, x):
    (w, b), (v, c) = net.layers
    return net.scale * (np.tanh(x @ w + b) @ v + c)[:, 0]

def loss(net, batch):
    x, y = batch
    return np.mean((predict(net, x) - y) ** 2)

def data():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(600, 5)).astype("float32")
    y = np.sin(x[:, 0]) * x[:, 1]
    return (x[:500], y[:500]), (x[500:], y[500:])

def metrics(net, batch):
    x, y = batch
    return {"error": np.mean(np.abs(predict(net, x) - y))}
"""


@pytest.fixture
def own(tmp_path, monkeypatch, capsys):
    """Trains a model of one's own on a device; gives its arrays, its reports, and what was said."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "own.py").write_text(OWN)

    def own(device, *options):
        path, log = tmp_path / f"{device}.npz", tmp_path / f"{device}.json"
        arguments = ["train", "own.py", "--device", device, "--save", path, "--json", log]
        code = run([str(argument) for argument in [*arguments, *options]])
        said = capsys.readouterr()
        assert code == 0, said.err
        with np.load(path) as archive:
            arrays = {name: archive[name] for name in archive.files if name != "__metadata__"}
        return arrays, [json.loads(line) for line in log.read_text().splitlines()][1:], said.out

    return own


@pytest.mark.parametrize("method", ["adam", "sgd", "lion"])
def test_a_model_of_ones_own(own, method):
    options = ("--method", method, "--rate", 0.01, "--clip", 5, "--epochs", 3, "--dtype", "float64")
    cuda, reports, said = own("cuda", *options)
    cpu, expected, _ = own("cpu", *options)
    assert "device    cuda (CuPy " in said
    assert cuda.keys() == cpu.keys() and len(cuda) > 5
    for name, x in cuda.items():
        np.testing.assert_allclose(x, cpu[name], rtol=1e-9, atol=1e-10)
    for one, other in zip(reports, expected, strict=True):
        assert one.keys() == other.keys()
        for name in one.keys() - {"seconds"}:
            np.testing.assert_allclose(one[name], other[name], rtol=1e-9)


def test_a_model_of_ones_own_goes_on_elsewhere(own):
    whole, _, _ = own("cpu", "--epochs", 3, "--dtype", "float64")
    own("cuda", "--epochs", 2, "--dtype", "float64")
    os.replace("cuda.npz", "there.npz")
    rest, _, _ = own("cpu", "--load", "there.npz", "--epochs", 3)
    for name, x in rest.items():
        np.testing.assert_allclose(x, whole[name], rtol=1e-9, atol=1e-10)


def test_auto_takes_the_device_and_says_so(trained):
    _, said = trained("auto", "--batch-size", 400, "--hidden", 4)
    assert "device    cuda (CuPy " in said
    assert "chosen by auto" in said


def test_a_device_that_is_not_there_is_told(images, capsys):
    assert run(["train", "--device", "cuda:31", "--data", str(images)]) == 2
    assert "there is no device 'cuda:31' here; use cuda" in capsys.readouterr().err


def test_the_devices_are_listed(capsys):
    assert run(["devices"]) == 0
    said = capsys.readouterr().out
    assert "usable" in said.splitlines()[0]
    assert said.startswith("cuda")
    assert "--device auto takes cuda" in said
    assert not SOFTWARE or "softcuda" in said


def test_the_network_stays_on_the_device(backend):
    device = Device("cuda")
    options = Options(hidden=(8,), batch_size=20, epochs=1)
    net = map_net(lambda x: backend.asarray(x, device), init_net((36, 8, 10), "float64", 0))
    data = place(dataset(), "float64", backend, device)
    events = list(train(plan_of(options, data), State(net)))
    last = events[-1].state.params
    assert {type(x) for layer in last.layers for x in (layer.weights, layer.bias)} == {ARRAY}
