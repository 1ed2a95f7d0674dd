"""check_grads: its report, kinks, precisions, records, functions that write or are random."""

from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import pytest

import gradx as gx
from gradx.core.dispatch import apply
from gradx.core.op import Op
from gradx.testing import GradientMismatchError
from gradx.testing.gradients import examine

WRONG_SIN = Op("wrong sin", np.sin, lambda g, x: g * (1.001 * np.cos(x)))
HOT = np.zeros((4, 2))
HOT[3, 1] = 1.0
WRONG_IN_ONE_PLACE = Op("wrong square", np.square, lambda g, x: g * (2 * x + 0.1 * HOT))


@dataclass
class Layer:
    w: np.ndarray
    b: float


@dataclass
class Net:
    layers: list
    name: str = "net"
    counts: np.ndarray = field(default_factory=lambda: np.array([1, 2]))


class Pair(NamedTuple):
    first: float
    second: dict


def a_net(rng):
    return Net([Layer(rng.standard_normal((4, 2)), 0.5), Layer(rng.standard_normal((4, 2)), -0.2)])


def mistakes(f, *xs, modes=("rev",), **how):
    with pytest.raises(GradientMismatchError) as raised:
        gx.check_grads(f, *xs, modes=modes, **how)
    return raised.value


# --- The report -----------------------------------------------------------------------------------


def test_the_report_names_every_path_and_says_by_how_much(rng):
    def loss(net, scale):
        total = np.sum(apply(WRONG_IN_ONE_PLACE, (net.layers[0].w,))) * scale
        return total + apply(WRONG_SIN, (net.layers[1].b,))

    net = a_net(rng)
    error = mistakes(loss, net, 2.0)
    first, second = error.mistakes
    assert (first.path, second.path) == ("net.layers[0].w[3, 1]", "net.layers[1].b")
    w = net.layers[0].w[3, 1]
    np.testing.assert_allclose(first.got / first.expected, (2 * w + 0.1) / (2 * w), rtol=1e-6)
    np.testing.assert_allclose(second.got / second.expected, 1.001, rtol=1e-6)
    assert str(error).splitlines() == [
        "the derivatives of loss are not those of central differences",
        "order 1, reverse: 2 of 19 numbers",
        f"  {first}",
        f"  {second}",
        "A rule behind a wrong number is wrong: look at the pullbacks of your ops.",
    ]
    off = abs(second.got - second.expected)
    assert str(second) == (
        f"net.layers[1].b: {second.got:.10g}, expected {second.expected:.10g} "
        f"(off by {off:.2g}; step {second.step:.2g})"
    )


def test_inputs_are_called_what_the_function_calls_them():
    wrong = lambda x: apply(WRONG_SIN, (x,))  # noqa: E731
    paths = {
        "angle": lambda angle: wrong(angle),
        "angles[0]": lambda *angles: wrong(angles[0]),
        "pair.second['a'][1]": lambda pair: wrong(pair.second["a"][1]),
    }
    for path, f in paths.items():
        x = Pair(1.0, {"a": np.array([0.3, 0.7])}) if path.startswith("pair") else 0.4
        assert [m.path for m in mistakes(f, x).mistakes] == [path]

    class Model:
        __signature__ = "none"

        def __call__(self, x):
            return wrong(x)

    assert [m.path for m in mistakes(Model(), 0.4).mistakes] == ["argument 0"]


def test_a_long_report_is_cut(rng):
    error = mistakes(lambda x: apply(WRONG_SIN, (x,)), rng.uniform(0.1, 1.0, 70), order=1)
    assert len(error.mistakes) == 70
    assert "order 1, reverse: 70 of 70 numbers\n" in str(error)
    assert str(error).splitlines()[-2] == "  and 20 more"


def test_a_wrong_second_derivative_is_told_as_such():
    lost = Op("lost", np.square, lambda g, x: g * (2 * gx.value(x)))
    error = mistakes(lambda x: apply(lost, (x,)), np.array([0.5, 2.0]))
    assert "order 2, reverse over reverse: 2 of 2 numbers" in str(error)
    gx.check_grads(lambda x: apply(lost, (x,)), np.array([0.5, 2.0]), order=1)


def test_order_three():
    lost = Op("lost", np.square, lambda g, x: g * (2 * x))
    late = Op("late", lambda x: x**3, lambda g, x: g * 3 * x * gx.value(x))
    gx.check_grads(lambda x: apply(lost, (x,)) * x, 0.7, order=3)
    assert "order 2" in str(mistakes(lambda x: apply(late, (x,)), 0.7, order=3))


# --- Kinks ----------------------------------------------------------------------------------------


def test_a_kink_is_no_wrong_number():
    error = mistakes(lambda x, y: abs(x) + np.maximum(y, 0.0) + x * y, 0.0, np.array([1.0, 0.0]))
    assert [(m.path, m.kind) for m in error.mistakes] == [("x", "kink"), ("y[1]", "kink")]
    first = error.mistakes[0]
    assert first.got == pytest.approx(np.mean(first.expected))
    assert "  x: a kink: the slope is " in str(error)
    assert str(error).endswith("at a kink or a jump: check at other inputs.")
    assert "is wrong" not in str(error)


def test_a_jump_is_no_wrong_number():
    error = mistakes(lambda x: np.floor(x) + x, 2.0)
    assert [(m.path, m.kind) for m in error.mistakes] == [("x", "jump")]


def test_a_slope_outside_those_of_a_kink_is_wrong():
    steep = Op("steep", np.abs, lambda g, x: g * 1.5)
    assert [m.kind for m in mistakes(lambda x: apply(steep, (x,)), 0.0).mistakes] == ["wrong"]


@pytest.mark.parametrize("near", [5e-6, 1e-6, -3e-6])
def test_a_kink_nearby_is_passed(near):
    """The first step reaches over it, a smaller one does not."""
    gx.check_grads(lambda x: np.abs(x) * 3 + x, near, order=1)


def test_a_curve_too_steep_for_one_step():
    gx.check_grads(lambda x: np.sin(3000 * x), 0.3, order=1)
    wrong = Op("wrong", lambda x: np.sin(3000 * x), lambda g, x: g * 3000.5 * np.cos(3000 * x))
    assert mistakes(lambda x: apply(wrong, (x,)), 0.3, order=1).mistakes[0].kind == "wrong"


# --- What the inputs may be -----------------------------------------------------------------------


def test_complex_numbers_are_checked_by_their_parts():
    conjugated = Op("conjugated", np.square, lambda g, x: g * (2 * np.conjugate(x)))
    z = np.array([1.0 + 0.5j, 0.3j])
    gx.check_grads(lambda z: np.exp(z) * z[0], z)
    error = mistakes(lambda z: apply(conjugated, (z,)), z)
    assert {m.path for m in error.mistakes} == {
        f"z[{k}].{p}" for k in (0, 1) for p in ("real", "imag")
    }


def test_single_precision_is_compared_as_closely_as_it_allows(rng):
    x = rng.uniform(0.5, 1.5, 3).astype(np.float32)
    gx.check_grads(lambda x: np.exp(x) * x[0], x)
    gx.check_grads(lambda pair: pair[0] * pair[1] ** 2, (np.float32(0.7), 1.3))
    gx.check_grads(lambda x: np.exp(x), x.astype(np.float16), order=1)
    wrong = Op("wrong", np.exp, lambda g, y: g * y * 1.1)
    assert len(mistakes(lambda x: apply(wrong, (x,)), x).mistakes) == 3


def test_functions_that_write_get_copies(rng):
    def f(x, net):
        x *= 2.0
        x[1:] += x[:-1]
        net.layers[0].w[0] = x[:2]
        return np.sum(x * x) * np.sum(net.layers[0].w ** 2)

    x, net = rng.standard_normal(3), a_net(rng)
    before = x.copy(), net.layers[0].w.copy()
    gx.check_grads(f, x, net)
    np.testing.assert_array_equal(x, before[0])
    np.testing.assert_array_equal(net.layers[0].w, before[1])


def test_copies_keep_the_order_of_axes():
    """A reshape of it is a view or a copy, and what is written there is seen or not."""

    def f(x):
        x.reshape(-1)[0] = 7.0
        return np.sum(x * x)

    gx.check_grads(f, np.asfortranarray([[1.0, 2.0], [3.0, 4.0]]))
    gx.check_grads(f, np.array([[1.0, 2.0], [3.0, 4.0]]))


def test_a_function_that_is_random_is_told():
    rng = np.random.default_rng(0)
    with pytest.raises(GradientMismatchError, match=r"for the same inputs .* generator anew"):
        gx.check_grads(lambda x: x * rng.standard_normal(3), np.ones(3))
    gx.check_grads(lambda x: x * np.random.default_rng(0).standard_normal(3), np.ones(3))


def test_of_many_numbers_a_wrong_one_is_found():
    """A thousand are nudged; random directions and halving find the one that is wrong."""
    hot = np.zeros(20_000)
    hot[[12_345, 19_999]] = 0.5
    wrong = Op("wrong", np.square, lambda g, x: g * (2 * x + hot))
    x = np.linspace(0.5, 1.5, 20_000)
    gx.check_grads(lambda x, scale: np.sum(x * x) * scale, x, 2.0)
    error = mistakes(lambda x, scale: np.sum(apply(wrong, (x,))) * scale, x, 2.0, order=1)
    assert [m.path for m in error.mistakes] == ["x[12345]", "x[19999]"]
    z = x[:3000] + 0.5j
    conjugate = Op("wrong", np.square, lambda g, x: g * (2 * x + 1j * (hot[9346:12346])))
    error = mistakes(lambda z: np.sum(apply(conjugate, (z,))), z, order=1)
    assert {m.path for m in error.mistakes} == {"z[2999].real", "z[2999].imag"}


def test_what_was_compared():
    found = examine(lambda x: np.sin(x), (np.array([0.3, 0.7]),), order=2, modes=("rev",))
    assert [(each.name, each.numbers, each.mistakes) for each in found] == [
        ("order 1, reverse", 2, ()),
        ("order 2, reverse over reverse", 2, ()),
    ]
    assert all(0.0 < each.error < 1e-8 for each in found)


# --- Forward mode ---------------------------------------------------------------------------------


def test_both_modes_are_compared_with_differences_and_each_other(rng):
    net, x = a_net(rng), rng.standard_normal(2)

    def loss(net, x):
        return [np.tanh(layer.w @ x) * layer.b for layer in net.layers]

    found = examine(loss, (net, x), order=2, modes=("rev", "fwd"))
    assert [each.name for each in found] == [
        "order 1, reverse",
        "order 1, forward",
        "order 1, forward beside reverse",
        "order 2, reverse over reverse",
        "order 2, forward over reverse",
        "order 2, reverse over forward",
        "order 2, forward over forward",
        "order 2, forward beside reverse",
    ]
    assert [each.mistakes for each in found] == [()] * 8
    assert all(each.error < 1e-12 for each in found if "beside" in each.name)
    gx.check_grads(lambda z: np.exp(z) * np.abs(z), np.array([1.0 + 0.5j, 0.3j]))
    gx.check_grads(np.sin, 0.3, order=3)


@pytest.mark.parametrize("mode", ["rev", "fwd"])
def test_a_mode_alone(mode):
    found = examine(np.sin, (0.3,), order=2, modes=(mode,))
    word = {"rev": "reverse", "fwd": "forward"}[mode]
    assert [each.name for each in found] == [f"order 1, {word}", f"order 2, {word} over {word}"]


def cubed(jvp):
    """An op with a right reverse rule and a forward rule of its own."""
    op = Op("cubed", lambda x: x**3, lambda g, x: g * (3 * x**2), jvp=jvp)
    return lambda x: apply(op, (x,))


def test_a_wrong_forward_rule_is_found_by_its_path():
    wrong = cubed(lambda ts, xs, y: ts[0] * (3.01 * xs[0] ** 2))
    gx.check_grads(wrong, np.array([0.5, 0.7]), modes=("rev",))
    error = mistakes(
        lambda pair: wrong(pair[1]) * pair[0], (2.0, np.array([0.5, 0.7])), modes=("rev", "fwd")
    )
    assert [m.path for m in error.mistakes] == ["pair[1][0]", "pair[1][1]"]
    np.testing.assert_allclose([m.got / m.expected for m in error.mistakes], 3.01 / 3, rtol=1e-7)
    assert "order 1, forward: 2 of 3 numbers\n" in str(error)
    assert "reverse" not in str(error)


def test_a_lost_second_derivative_is_found_in_the_mode_that_loses_it():
    lost = cubed(lambda ts, xs, y: ts[0] * (3 * gx.value(xs[0]) ** 2))
    text = str(mistakes(lost, 0.7, modes=("rev", "fwd")))
    for chain in ("reverse over forward", "forward over forward"):
        assert f"order 2, {chain}: 1 of 1 numbers\n" in text
    assert "over reverse" not in text


def test_modes_that_differ_by_less_than_differences_show():
    near = cubed(lambda ts, xs, y: ts[0] * ((3 + 2e-6) * xs[0] ** 2))
    error = mistakes(near, 0.7, modes=("rev", "fwd"), order=1)
    assert [m.kind for m in error.mistakes] == ["unequal"]
    assert "  x, in a random direction: forward mode gives " in str(error)


def test_a_kink_in_forward_mode():
    error = mistakes(np.abs, 0.0, modes=("fwd",))
    assert [m.kind for m in error.mistakes] == ["kink"]


# --- Bad input ------------------------------------------------------------------------------------


@pytest.mark.parametrize("modes", ["rev", ("reverse",), ("rev", "vmap"), ()])
def test_unknown_modes(modes):
    with pytest.raises(
        ValueError, match=r"modes=.* is not a choice of modes; give .* 'rev', 'fwd', such as"
    ):
        gx.check_grads(np.sin, 1.0, modes=modes)


def test_an_order_that_checks_nothing():
    with pytest.raises(ValueError, match=r"order=0 checks nothing; give 1, or 2"):
        gx.check_grads(np.sin, 1.0, order=0)
