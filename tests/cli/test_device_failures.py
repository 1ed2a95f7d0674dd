"""A device that fails in the middle of a command, played by NumPy; `tests/cuda` has real ones."""

import re

import pytest

from gradx.backends import Device, DeviceFailedError, DeviceUnavailableError
from gradx.backends.numpy_backend import NumpyBackend
from gradx.cli import evaluate, job, predict
from gradx.cli.app import run
from gradx.cli.failures import device_failures
from gradx.train import load


class Lost(Exception):
    """What the library of this backend raises."""


class Failing(NumpyBackend):
    """A backend that is lost after a number of values were read from it."""

    kind = "cuda"

    def __init__(self, reads=0, sends=100):
        self.reads, self.sends = reads, sends

    def asarray(self, x, device, dtype=None):
        self.sends -= 1
        if self.sends < 0:
            raise Lost
        return super().asarray(x, device, dtype)

    def to_numpy(self, x):
        self.reads -= 1
        if self.reads < 0:
            raise Lost
        return super().to_numpy(x)

    def explain(self, error):
        return DeviceUnavailableError("it was lost", "find it") if isinstance(error, Lost) else None


@pytest.fixture
def failed(monkeypatch, capsys):
    """Runs a command on such a backend, and gives what it says."""

    def failed(backend, *arguments):
        for command in (job, evaluate, predict):
            monkeypatch.setattr(command, "resolve", lambda name: (backend, Device("cuda", 1)))
        assert run([str(argument) for argument in arguments]) == 3
        errors = capsys.readouterr().err
        assert re.fullmatch(r"gradx: error: cuda:1 failed .*\n", errors)
        return errors[len("gradx: error: cuda:1 failed ") : -1]

    return failed


OPTIONS = ("--batch-size", 20, "--hidden", 6, "--report-every", 100)


def test_while_loading(failed, small):
    said = failed(Failing(sends=2), "train", "--data", small)
    assert said == "while the data was brought there: it was lost; find it"


def test_in_the_middle(failed, small, tmp_path):
    path = tmp_path / "model.npz"
    # A report is one read, and the network of four arrays is read for the file.
    said = failed(Failing(reads=5), "train", "--data", small, "--save", path, *OPTIONS)
    assert said == (
        "in epoch 1 after 200 of 200 samples: it was lost; find it; what it had learned after 100 "
        f"samples in all is saved; go on with: gradx train --load {path} --save {path}"
    )
    assert load(path).state.position == 100


def test_with_nothing_to_save(failed, small, tmp_path):
    said = failed(Failing(reads=1), "train", "--data", small, *OPTIONS)
    assert said.endswith("find it; nothing was saved, as no --save was given")
    said = failed(Failing(), "train", "--data", small, "--save", tmp_path / "model", *OPTIONS)
    assert said.endswith("find it; nothing had been learned yet")
    assert not (tmp_path / "model").exists()


def test_measuring_and_looking(failed, model):
    assert failed(Failing(sends=1), "eval", model) == (
        "while it measured the network: it was lost; find it"
    )
    assert failed(Failing(), "predict", model) == (
        "while it looked at the pictures: it was lost; find it"
    )


def test_the_error():
    with (
        pytest.raises(DeviceFailedError, match="cuda failed at noon: it was lost; find it") as told,
        device_failures(Failing(), Device("cuda"), lambda: "at noon"),
    ):
        raise Lost
    assert isinstance(told.value.__cause__, Lost)
    with pytest.raises(KeyError), device_failures(Failing(), Device("cuda"), str):
        raise KeyError


def test_auto_is_told_of_by_every_command(model, capsys):
    for arguments in (["eval", model], ["predict", model, "--count", 1]):
        assert run([str(argument) for argument in [*arguments, "--device", "auto"]]) == 0
        assert re.search(r"\b[oO]n \w+, chosen by auto", capsys.readouterr().out)
