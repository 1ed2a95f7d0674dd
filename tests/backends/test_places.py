"""Places: where arrays meet, and the error where they cannot."""

import dataclasses
from contextlib import contextmanager

import numpy as np
import pytest

import gradx as gx
from gradx.devices.device import Device
from gradx.devices.kernel_table import TABLES, rule_kernel
from gradx.devices.placement import (
    PLACES,
    AtTheirDevices,
    PlacedNode,
    common_device,
    device_at,
    moved_like,
)
from gradx.errors import DeviceMismatchError
from gradx.records import tree_map
from gradx.reverse.tape import Tape


class Marked:
    """An array that says which device it is on."""

    shape, dtype = (2,), np.dtype("f4")

    def __init__(self, device):
        self.device = device


class Place:
    """Keeps the devices that were made current."""

    def __init__(self):
        self.current = []

    def device_of(self, x):
        return Device("toy", x.device)

    @contextmanager
    def on(self, device):
        self.current.append(device)
        yield
        self.current.append(None)


@pytest.fixture
def place():
    PLACES[Marked] = Place()
    yield PLACES[Marked]
    del PLACES[Marked]


def test_numbers_are_nowhere(place):
    assert device_at(1.0) is device_at(np.float32(1)) is device_at("text") is None
    assert device_at(np.ones(2)) == Device("cpu")
    assert device_at(Marked(3)) == Device("toy", 3)


def test_operands_meet_on_one_device(place):
    assert common_device("f", [2.0, Marked(1), Marked(1)]) == (place, Device("toy", 1))
    assert common_device("f", [np.ones(2), 1.0]) is None


@pytest.mark.parametrize(
    ("xs", "text"),
    [
        (
            (Marked(0), np.ones(3)),
            r"multiply takes arrays of one device, and was given a tests\.Marked of shape \(2,\) "
            r"and dtype float32 on toy and a numpy\.ndarray of shape \(3,\) and dtype float64 on "
            r"cpu; nothing is copied in silence: move one of them, for example the other with "
            r"gx\.to_device\(x, 'toy'\)$",
        ),
        ((np.ones(3), 2.0, Marked(1)), r"the first with gx\.to_device\(x, 'toy:1'\)$"),
        ((Marked(1), Marked(2)), r"the first with gx\.to_device\(x, 'toy:2'\)$"),
    ],
)
def test_operands_of_two_devices_are_refused(place, xs, text):
    with pytest.raises(DeviceMismatchError, match=text):
        common_device("multiply", xs)


def test_each_placed_node_is_handed_out_on_its_device(place):
    one, two = (PlacedNode([], place, Device("toy", i)) for i in (1, 2))
    seen = [(node, place.current[-1:]) for node in AtTheirDevices([one, "plain", one, two], {})]
    assert [node for node, _ in seen] == [one, "plain", one, two]
    assert place.current == [Device("toy", 1), None, Device("toy", 2), None]


def test_the_device_is_given_back_where_a_sweep_fails(place):
    def sweep():
        for _ in AtTheirDevices([PlacedNode([], place, Device("toy", 1))], {}):
            raise ArithmeticError

    with pytest.raises(ArithmeticError):
        sweep()
    assert place.current == [Device("toy", 1), None]


def test_a_number_goes_back_to_its_own_device(place):
    own = Marked(1)
    assert moved_like(own, Marked(1)) is own
    assert moved_like(2.0, Marked(1)) == 2.0
    assert moved_like(own, 2.0) is own


def test_errors_of_a_program_with_a_backend_of_its_own_stay_as_they_are(place, monkeypatch):
    """A function of the program is no function of another library that was given a variable."""
    monkeypatch.setattr(Marked, "__module__", "__main__")
    program = {"__name__": "__main__"}
    exec("def f(v): return v + 'text'", program)
    with pytest.raises(TypeError, match="unsupported operand"):
        gx.grad_bp(program["f"], 1.0)


@pytest.mark.parametrize("name", ["library", "__main__"])
def test_errors_of_gradx_are_not_told_as_another_librarys(place, monkeypatch, name):
    monkeypatch.setattr(Marked, "__module__", name)
    program = {"__name__": name, "np": np}
    exec("def f(v): return np.packbits(v)", program)
    with pytest.raises(gx.NotLiftedError, match=r"^np\.packbits has no derivative"):
        gx.grad_bp(program["f"], 1.0)


# --- Programs on NumPy's arrays, beside a backend -------------------------------------------------


def host_program(p):
    y = p["x"] * p["x"] + np.exp(p["x"]) / 2.0 - np.sum(p["x"][1:])
    return np.sum(y @ p["w"]) * p["a"]


def test_the_host_keeps_its_fast_path(place, monkeypatch):
    value = {"x": np.arange(3.0), "w": np.eye(3), "a": 2.0}
    wanted = gx.grad(host_program)(value)

    def refuse(run, op, *rest):
        raise AssertionError(f"{op.name} went the general way")

    monkeypatch.setattr(Tape, "process", refuse)
    got = gx.grad(host_program)(value)
    np.testing.assert_array_equal(got["x"], wanted["x"])
    np.testing.assert_array_equal(got["w"], wanted["w"])
    assert got["a"] == wanted["a"]


def test_a_run_on_the_host_is_not_swept_as_one_on_a_device(place, monkeypatch):
    monkeypatch.setattr("gradx.reverse.run.sweep_placed", None)
    slope = gx.grad(lambda v: np.sum(np.clip(v, 0.5, 2.5) * np.sort(v)))
    np.testing.assert_array_equal(
        gx.grad(lambda v: np.sum(slope(v) * v))(np.arange(3.0)), [0.5, 4.0, 8.0]
    )


def test_records_of_the_host_keep_their_fast_path(monkeypatch):
    monkeypatch.setitem(TABLES, Marked, {})

    def refuse(*args, **options):
        raise AssertionError("the record went the general way")

    monkeypatch.setattr(tree_map, "fold", refuse)
    pair = gx.T2(np.arange(3.0), (2.0, np.ones(2)))
    np.testing.assert_array_equal((pair - 0.5 * pair)[0], [0.0, 0.5, 1.0])


def test_a_rule_without_a_hash_has_no_stand_in():
    @dataclasses.dataclass
    class Times:
        factor: float

        def __call__(self, g):
            return g * self.factor

    rule, other = Times(3.0), len
    assert rule_kernel({other: repr}, rule) is rule
    assert rule_kernel({other: repr}, other) is repr
