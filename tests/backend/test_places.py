"""Places: where arrays meet, and the error where they cannot."""

import dataclasses
from contextlib import contextmanager

import numpy as np
import pytest

from gradx.device import Device
from gradx.errors import DeviceMismatchError
from gradx.kernels import rule_kernel
from gradx.places import PLACES, PlacedNode, at_their_devices, device_at, meet


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
    assert meet("f", [2.0, Marked(1), Marked(1)]) == (place, Device("toy", 1))
    assert meet("f", [np.ones(2), 1.0]) is None


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
        meet("multiply", xs)


def test_each_placed_node_is_handed_out_on_its_device(place):
    one, two = (PlacedNode([], place, Device("toy", i)) for i in (1, 2))
    seen = [(node, place.current[-1:]) for node in at_their_devices([one, "plain", one, two])]
    assert [node for node, _ in seen] == [one, "plain", one, two]
    assert place.current == [Device("toy", 1), None, Device("toy", 2), None]


def test_the_device_is_given_back_where_a_sweep_fails(place):
    def sweep():
        for _ in at_their_devices([PlacedNode([], place, Device("toy", 1))]):
            raise ArithmeticError

    with pytest.raises(ArithmeticError):
        sweep()
    assert place.current == [Device("toy", 1), None]


def test_a_rule_without_a_hash_has_no_stand_in():
    @dataclasses.dataclass
    class Times:
        factor: float

        def __call__(self, g):
            return g * self.factor

    rule, other = Times(3.0), len
    assert rule_kernel({other: repr}, rule) is rule
    assert rule_kernel({other: repr}, other) is repr
