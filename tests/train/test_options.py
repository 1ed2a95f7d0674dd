"""Options: what cannot work is refused with the value, the reason and the fix."""

import math
import re

import pytest

from gradx.errors import GradxError
from gradx.train import OptionError, Options, options
from gradx.train.errors import TrainError


def refused(act, text):
    with pytest.raises(OptionError, match=f"^{re.escape(text)}$"):
        act()


def test_the_defaults_are_the_announcements():
    assert Options() == Options(
        hidden=(250,), rate=0.02, epochs=1, batch_size=1, dtype="float64", report_every=5000
    )
    Options().check()
    Options().check_against(60_000, 784, 10)


@pytest.mark.parametrize("rate", [math.nan, math.inf, -math.inf, 0.0, -0.02])
def test_rates(rate):
    refused(
        Options(rate=rate).check,
        f"rate {rate}: the learning rate must be a finite number above 0, such as 0.02",
    )


@pytest.mark.parametrize("value", [0, -1])
@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("epochs", "epochs {}: must be 1 or more passes over the data, such as 1"),
        ("batch_size", "batch size {}: must be 1 or more samples a step, such as 1"),
        ("report_every", "report every {}: must be 1 or more samples, such as 5000"),
    ],
)
def test_counts(name, text, value):
    refused(Options(**{name: value}).check, text.format(value))


@pytest.mark.parametrize("name", ["epochs", "batch_size", "report_every", "patience", "seed"])
def test_numbers_that_no_file_could_hold(name):
    Options(**{name: 2**62}).check()
    with pytest.raises(OptionError, match=rf"^{name.replace('_', ' ')} 461\d+905: must be at most"):
        Options(**{name: 2**62 + 1}).check()


def test_hidden_layers():
    refused(
        Options(hidden=(300, 0)).check, "hidden 0: must be 1 or more units in a layer, such as 250"
    )
    refused(
        Options(hidden=(10**4000,)).check,
        f"hidden {10**4000}: a layer has at most 10,000,000 units; use fewer",
    )


def test_too_many_layers():
    Options(hidden=(1,) * 1000).check()
    refused(
        Options(hidden=(1,) * 1001).check, "hidden: 1,001 layers are too many; use at most 1,000"
    )


def test_memory_is_no_more_than_this_process_may_have(monkeypatch):
    present = options.memory()
    monkeypatch.setattr(options.resource, "getrlimit", lambda which: (12_345_678, -1))
    assert options.memory() == 12_345_678
    monkeypatch.setattr(options.resource, "getrlimit", lambda which: (-1, -1))
    assert options.memory() >= present


def test_seed_and_dtype():
    refused(Options(seed=-1).check, "seed -1: must be 0 or above, such as 0")
    refused(Options(dtype="float16").check, "dtype 'float16': use float32 or float64")


def test_a_batch_larger_than_the_data():
    Options(batch_size=200).check_against(200, 36, 10)
    refused(
        lambda: Options(batch_size=201).check_against(200, 36, 10),
        "batch size 201: the training data has only 200 samples; use 1 to 200",
    )


def test_a_network_larger_than_the_memory(monkeypatch):
    monkeypatch.setattr(options, "memory", lambda: 8_000_000_000)
    Options(hidden=(250, 250)).check_against(200, 36, 10)
    refused(
        lambda: Options(hidden=(100_000, 3000)).check_against(60_000, 784, 10),
        "hidden 100000 3000: training 378,533,010 parameters takes about 12.1 GB of memory, this "
        "machine has 8.0 GB; use fewer or smaller layers",
    )


def test_memory_is_known_or_unknown_but_never_wrong(monkeypatch):
    assert options.memory() > 0
    monkeypatch.setattr(options.os, "sysconf", lambda name: -1)
    monkeypatch.setattr(options.Path, "read_text", lambda self: "max\n")
    assert options.memory() is None
    Options(hidden=(10_000_000,)).check_against(60_000, 784, 10)


def test_errors_have_one_base():
    assert issubclass(TrainError, GradxError)
    with pytest.raises(TrainError, match="seed -1"):
        Options(seed=-1).check()
