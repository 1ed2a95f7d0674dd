"""Handles of level 0: arrays that hold no variable yet, and can."""

import copy
import pickle

import numpy as np
import pytest

import gradx as gx
from gradx.core.dispatch import Lifted
from gradx.reverse.constants import CONSTANTS, ConstantVar, is_constant
from gradx.surface.arrays import ArraySurface
from gradx.testing.abstract import AbstractArray


def handle(x):
    return CONSTANTS.wrap(np.array(x, float))


# --- Random programs ------------------------------------------------------------------------------


class Library:
    """What a random program calls: arrays of NumPy, or handles."""

    def __init__(self, lifted):
        self.lifted = lifted

    def zeros(self, shape):
        return handle(np.zeros(shape)) if self.lifted else np.zeros(shape)

    def array(self, x):
        return handle(x) if self.lifted else np.array(x, float)


def random_program(seed, numpy, x):
    """Names, views, writes, operators and copies, on a pool of arrays of 4 or 2x3 numbers."""
    rng = np.random.default_rng(seed)
    pool = [numpy.zeros(4), numpy.array([[1.0, 2, 3], [4, 5, 6]]), numpy.array([0.5, -1.0, 2.0])]
    steps = {
        "view": lambda a: a[1:],
        "step": lambda a: a[::-1],
        "turned": lambda a: a.T,
        "flat": lambda a: a.reshape(-1),
        "row": lambda a: a[0] if a.ndim > 1 else a[:2],
        "copy": lambda a: a.copy(),
        "product": lambda a: a * 1.5,
        "sine": lambda a: np.sin(a),
        "turn": lambda a: 1.0 - a,
        "masked": lambda a: a[a > 0],
        "sum": lambda a: np.add.accumulate(a, axis=0),
        "diff": lambda a: a[..., 1:] - a[..., :-1],
    }
    for _ in range(rng.integers(4, 12)):
        a = pool[rng.integers(len(pool))]
        kind = rng.integers(7)
        number = x[rng.integers(3)] if rng.random() < 0.4 else float(rng.standard_normal())
        if kind < 3 or a.size == 0:
            pool.append(steps[list(steps)[rng.integers(len(steps))]](a))
        elif kind == 3:
            a[-1] = number
        elif kind == 4:
            a += number
        elif kind == 5:
            a[..., 0] *= number
        else:
            b = pool[rng.integers(len(pool))]
            a[...] = b.ravel()[0] * 2.0 if b.size else number
    return pool


@pytest.mark.parametrize("seed", range(300))
def test_a_random_program_has_the_value_of_numpys(seed):
    x = np.array([0.3, -0.7, 1.9])
    wanted = random_program(seed, Library(False), x)
    got, pull = gx.backprop_with(lambda x: random_program(seed, Library(True), x), x.copy())
    for a, b in zip(got, wanted, strict=True):
        assert type(a) is type(b)
        assert a.tobytes() == b.tobytes() and a.shape == b.shape

    def total(x):
        return sum(float(np.sum(a)) for a in random_program(seed, Library(False), x))

    gradient = pull([np.ones_like(a) for a in got])
    slopes = [(total(x + d) - total(x - d)) / 2e-6 for d in 1e-6 * np.eye(3)]
    if np.all(np.abs(slopes) < 1e4):  # not at a kink of a mask
        np.testing.assert_allclose(gradient, slopes, rtol=1e-4, atol=1e-5)


# --- What they are --------------------------------------------------------------------------------


def test_a_handle_is_an_array_and_gives_its_numbers_away():
    h = handle([1.0, 2.0])
    assert isinstance(h, np.ndarray) and isinstance(h, Lifted) and is_constant(h)
    assert repr(h) == "array([1., 2.])" and str(h) == "[1. 2.]" and f"{h}" == "[1. 2.]"
    assert h.tolist() == [1.0, 2.0] and h[0] == 1.0 and type(h[0]) is np.float64
    assert float(handle(3.0)) == 3.0 and int(handle(3.0)) == 3 and complex(handle(1)) == 1
    assert h.item(1) == 2.0
    assert np.array_equal(pickle.loads(pickle.dumps(h)), [1.0, 2.0])
    assert type(np.asarray(h)) is np.ndarray and np.asarray(h, np.float32).dtype == np.float32
    with pytest.raises(ValueError, match="read-only"):
        np.asarray(h)[0] = 1.0
    np.array(h)[0] = 5.0
    assert h[0] == 1.0


def test_results_are_handles_where_they_can_be_filled():
    h = handle([[1.0, 2.0], [3.0, 4.0]])
    assert all(map(is_constant, (h + 1, 2 * h, h @ h, h.T, h[0], np.exp(h), np.linalg.inv(h))))
    assert all(map(is_constant, (np.concatenate([h, h]), np.linalg.eigh(h)[1], np.stack([h]))))
    assert type(h.sum()) is np.float64 and type(h > 1) is np.ndarray
    assert np.linalg.matrix_rank(h) == 2 and h.argmax() == 3
    assert np.lexsort(h).tolist() == np.lexsort(np.asarray(h)).tolist()  # which has no derivative
    assert type(h * np.float64(2)) is ConstantVar


def test_numpys_own_arguments_attributes_and_errors():
    h = handle([[1.0, 2.0], [3.0, 4.0]])
    assert np.median(h, axis=[0, 1]) == 2.5  # which gradx's own function does not take
    assert h.tobytes() == np.asarray(h).tobytes() and h.strides == (16, 8)
    assert np.lib.stride_tricks.sliding_window_view(h, (1, 2)).shape == (2, 1, 1, 2)
    with pytest.raises(np.exceptions.AxisError):
        np.sum(h, axis=5)
    with pytest.raises(ValueError, match=r"could not broadcast|cannot reshape|must match"):
        np.reshape(h, 5)
    with pytest.raises(AttributeError, match="no derivative"):
        _ = h.view


def test_a_copy_and_a_view():
    h = handle([1.0, 2.0, 3.0])
    other, view = copy.copy(h), h[1:]
    h[1] = 9.0
    assert other.tolist() == [1.0, 2.0, 3.0] and view.tolist() == [9.0, 3.0]
    view.shape = (2, 1)
    view[0, 0] = 4.0
    assert h.tolist() == [1.0, 4.0, 3.0] and view.base is h
    with pytest.raises(ValueError, match="read-only"):
        handle(np.eye(2)).diagonal()[0] = 1.0


def test_what_was_given_to_a_run_is_copied_before_the_next_write():
    def program(x):
        h = handle([1.0, 2.0])
        y = x * h  # keeps the array
        h[0] = 100.0
        return np.sum(y) + np.sum(np.exp(h * 0.01) * x)

    gradient = gx.grad(program)(np.array([1.0, 1.0]))
    np.testing.assert_allclose(gradient, [1 + np.exp(1.0), 2 + np.exp(0.02)])


def test_a_view_of_an_array_that_has_joined_a_run_gives_no_number_away():
    def program(x):
        h = handle([1.0, 2.0])
        view = h[:1]
        h[0] = x
        return float(view[0])

    with pytest.raises(gx.ConversionError, match="would drop the gradient"):
        gx.grad(program)(1.0)

    def read(x):
        h = handle([1.0, 2.0])
        view = h[:1]
        h[0] = x
        return view.tolist()

    with pytest.raises(gx.ConversionError, match="would drop the gradient"):
        gx.grad(read)(1.0)


def test_runs_around_and_inside():
    def outer(x):
        h = handle([1.0, 2.0])

        def inner(y):
            h[0] = y * x
            return np.sum(h) * y

        slope = gx.grad(inner)(x)  # 2 y x + 2
        assert gx.value(h[0]) == gx.value(x) ** 2
        return slope + h[0]

    # The slope is 2 x x + 2, and in h is x x, what the plain program has there.
    assert gx.value_and_grad(outer)(3.0) == (29.0, pytest.approx(12.0 + 6.0))


def test_a_handle_is_what_the_plain_program_has_when_a_run_has_ended():
    h = handle([1.0, 2.0])

    def program(x):
        h[1] = x * 2
        return np.sum(h * h)

    assert gx.grad(program)(3.0) == 24.0
    assert is_constant(h) and h.tolist() == [1.0, 6.0]
    assert gx.grad(program)(1.0) == 8.0


def test_results_and_inputs_of_runners_are_plain():
    y, gradient = gx.backprop(lambda x: {"a": handle([1.0]), "b": x}, 2.0)
    assert type(y["a"]) is np.ndarray and gradient == 1.0
    assert type(gx.backprop(lambda x: handle([1.0]), 2.0)[0]) is np.ndarray
    gradient = gx.grad(lambda x: np.sum(x * x))(handle([1.0, 2.0]))
    assert type(gradient) is np.ndarray and gradient.tolist() == [2.0, 4.0]


def test_ops_of_users_get_plain_arrays():
    seen = []

    @gx.lift
    def scaled(x, y):
        seen.append(type(y))
        return x * y, lambda g: (np.sum(g * y), g * x)

    assert gx.grad(lambda x: np.sum(scaled(x, handle([1.0, 2.0]))))(2.0) == 3.0
    assert type(scaled(2.0, handle([1.0]))) is np.ndarray
    assert set(seen) == {np.ndarray}


def test_abstract_values_beside_handles():
    assert np.add(AbstractArray((2,)), handle([1.0, 2.0])).shape == (2,)
    assert (AbstractArray((2, 2)) @ handle([1.0, 2.0])).shape == (2,)


def test_the_general_methods_stand_in_for_those_of_recorders():
    from gradx.reverse.variables import ArrayVar

    faster = {name for name in vars(ArrayVar) if hasattr(ArraySurface, name)}
    own = {name for name in faster if vars(ArrayVar)[name] is not getattr(ArraySurface, name)}
    general = {"__module__", "__doc__", "__slots__", "_items", "_set_shape", "__rmatmul__"}
    assert own - general <= set(vars(ConstantVar))


def test_a_handle_that_an_abstract_value_is_written_into():
    def program(x):
        h = handle(np.zeros(3))
        h[1] = np.sum(x)
        h[2] = 1.0
        h += 2.0
        return np.sum(h * h) + np.exp(h)[0] + h[1]

    y = program(AbstractArray((2,)))
    assert y.dtype == np.float64 and y.shape == ()


def test_an_iteration_reads_each_item_when_it_comes_to_it():
    def running(a):
        for i, item in enumerate(a):
            if i < 2:
                a[i + 1] += item
        return a.sum()

    x = np.array([1.0, 2.0, 4.0])
    assert gx.value_and_grad(lambda x: running(np.copy(x)))(x)[0] == running(x.copy()) == 11.0
    assert gx.grad(lambda x: running(np.copy(x)))(x).tolist() == [3.0, 2.0, 1.0]
    assert running(handle(x)) == 11.0
