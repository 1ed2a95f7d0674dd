"""Kernels made from NumPy code: whole records, rules, scatter-add. Results, launches, layouts."""

import operator
import os
from dataclasses import dataclass
from typing import Any

import cupy as cp
import numpy as np
import pytest

import gradx as gx
from gradx.records.tree_map import leafwise
from gradx_cuda.multi_tensor import CHUNK, MultiTensor, _Kernel
from tests.cuda.places import SOFTWARE, here, leaves, there

if SOFTWARE:
    import softcuda

pytestmark = pytest.mark.modes
TOLERANCE = {"e": 2e-3, "f": 1e-5, "d": 1e-13, "F": 1e-5, "D": 1e-13}
SHAPES = [(7, 5), (CHUNK + 3,), (), (0, 3), (2, 3, 4), (2 * CHUNK,)]


@gx.record
@dataclass(frozen=True)
class Parts:
    arrays: list[Any]
    name: str = "parts"


def draw(rng, shape, char):
    x = rng.standard_normal(shape)
    if char in "FD":
        x = x + 1j * rng.standard_normal(shape)
    return np.asarray(x).astype(char)


def parts(rng, char, shapes=SHAPES):
    return Parts([draw(rng, shape, char) for shape in shapes])


def doubled(x):
    """Half precision as double, since the device computes it in single."""
    return Parts([a.astype("d") if a.dtype == "e" else a for a in x.arrays])


def assert_close(got, wanted, char):
    for x, y in zip(leaves(got), leaves(wanted), strict=True):
        if isinstance(y, str):
            assert x == y
        elif isinstance(y, np.ndarray):
            assert isinstance(x, cp.ndarray)
            assert (x.dtype, x.shape) == (np.dtype(char), y.shape)
            np.testing.assert_allclose(here(x), y, rtol=TOLERANCE[char], atol=TOLERANCE[char])


def counted(f, *xs):
    """The result, and the kernels of the second time."""
    y = f(*xs)
    if not SOFTWARE:
        return y, None
    with softcuda.counting() as c:
        y = f(*xs)
    assert (c.h2d.bytes, c.d2h.bytes, c.syncs, c.memset.count) == (0, 0, 0, 0)
    return y, dict(c.kernels)


ARITHMETIC = {
    "add": lambda a, b: a + b,
    "subtract": lambda a, b: a - b,
    "multiply": lambda a, b: a * b,
    "divide": lambda a, b: a / b,
    "scaled": lambda a, b: 0.25 * a,
    "over": lambda a, b: a / 4,
    "under": lambda a, b: 2 / b,
    "less": lambda a, b: 3 - a,
    "negative": lambda a, b: -a,
    "square": lambda a, b: a**2,
}


@pytest.mark.parametrize("char", TOLERANCE)
@pytest.mark.parametrize("name", ARITHMETIC)
def test_arithmetic_of_records_is_one_kernel(name, char, rng):
    f, a, b = ARITHMETIC[name], parts(rng, char), parts(rng, char)
    b = Parts([np.asarray(x + 3) for x in b.arrays])  # nothing is divided by zero
    got, found = counted(f, there(a), there(b))
    assert_close(got, f(doubled(a), doubled(b)), char)
    if found is not None and not (name == "square" and char in "FD"):
        assert sum(found.values()) == 1
        assert next(iter(found)).startswith("gradx_multi_")


UPDATES = {
    "sgd": lambda p, g, s: gx.updates.sgd(p, g, 0.1),
    "momentum": lambda p, g, s: gx.updates.momentum(p, g, s, 0.1, 0.8),
    "nesterov": lambda p, g, s: gx.updates.momentum(p, g, s, 0.1, nesterov=True),
    "adam": lambda p, g, s: gx.updates.adam(p, g, gx.updates.AdamState(s, s * s, 3), 0.1),
}


@pytest.mark.parametrize("char", TOLERANCE)
@pytest.mark.parametrize("name", UPDATES)
def test_updates_are_one_kernel(name, char, rng):
    p, g, s = (parts(rng, char) for _ in range(3))
    if char in "FD":
        s = Parts([np.asarray(abs(x)).astype(char) for x in s.arrays])
    device = [there(x) for x in (p, g, s)]
    f = UPDATES[name]
    if name == "adam":  # the squares are made beforehand
        state = gx.updates.AdamState(device[2], device[2] * device[2], 3)
        got, found = counted(lambda p, g, s: gx.updates.adam(p, g, state, 0.1), *device)
    else:
        got, found = counted(f, *device)
    assert_close(got, f(*map(doubled, (p, g, s))), char)
    if found is not None:
        assert sum(found.values()) == 1


def test_arrays_stored_by_columns_need_no_copy(rng):
    a, b = draw(rng, (70, 90), "f"), draw(rng, (70, 90), "f")
    one = Parts([there(np.asfortranarray(a)), there(a)])
    two = Parts([there(b), there(np.asfortranarray(b))])
    got, found = counted(operator.sub, one, two)
    assert_close(got, Parts([a - b, a - b]), "f")
    assert found is None or found == {"gradx_multi_sub": 1}


def test_other_layouts_are_copied_and_right(rng):
    a = draw(rng, (6, 8, 4), "d")
    strided = there(a)[::2, 1::2].transpose(2, 0, 1)
    got = Parts([strided]) - Parts([cp.ones((4, 3, 4))])
    assert_close(got, Parts([a[::2, 1::2].transpose(2, 0, 1) - 1]), "d")


def test_operands_are_not_changed_and_results_are_new(rng):
    p, g = there(parts(rng, "d")), there(parts(rng, "d"))
    before = here(p), here(g)
    new = gx.updates.sgd(p, g, 0.1)
    assert_close(p, before[0], "d")
    assert_close(g, before[1], "d")
    pointers = {x.data.ptr for x in (*p.arrays, *g.arrays) if x.size}
    assert not pointers & {x.data.ptr for x in new.arrays}


def test_more_arrays_than_a_launch_takes(rng):
    shapes = [(3,)] * 200
    p, g = parts(rng, "f", shapes), parts(rng, "f", shapes)
    got, found = counted(lambda p, g: gx.updates.sgd(p, g, 0.5), there(p), there(g))
    assert_close(got, gx.updates.sgd(p, g, 0.5), "f")
    assert found is None or 1 < found["gradx_multi_sgd"] <= 4


def test_dtypes_are_kept_apart(rng):
    p = Parts([draw(rng, (4,), char) for char in "fdfD"])
    got, found = counted(lambda p: 2 * p, there(p))
    assert [x.dtype.char for x in got.arrays] == list("fdfD")
    assert found is None or sum(found.values()) == 3


def test_leaves_that_are_no_arrays_go_one_by_one(rng):
    mixed = Parts([2.0, there(draw(rng, (3,), "d")), cp.ones((2, 3))])
    other = Parts([1.0, there(draw(rng, (3,), "d")), cp.ones((2, 3))])
    total = mixed + other
    assert total.arrays[0] == 3.0
    assert total.arrays[2].shape == (2, 3)
    np.testing.assert_allclose(here(total.arrays[1]), here(mixed.arrays[1] + other.arrays[1]))


def test_no_number_promotes(rng):
    p = Parts([there(draw(rng, (3,), "f"))])
    for two in (np.float64(2), 2.0, cp.asarray(2.0)):
        assert (p * two).arrays[0].dtype == np.float32


@pytest.mark.parametrize("index", range(cp.cuda.runtime.getDeviceCount()))
def test_leaves_of_any_device_stay_there(index, rng):
    with cp.cuda.Device(index):
        p = there(parts(rng, "d"))
    both = Parts([*p.arrays, *there(parts(rng, "d")).arrays])
    moved = gx.updates.sgd(both, both, 0.5)
    assert [x.device.id for x in moved.arrays] == [x.device.id for x in both.arrays]
    for x, y in zip(moved.arrays, both.arrays, strict=True):
        np.testing.assert_allclose(here(x), 0.5 * here(y))


@pytest.mark.parametrize("index", range(cp.cuda.runtime.getDeviceCount()))
def test_what_no_kernel_does_is_done_on_the_leaves_device_too(index, rng):
    with cp.cuda.Device(index):
        p = Parts([there(draw(rng, (3,), char)) for char in "dD"])
        rate = cp.asarray(0.5)
    for new in (p * rate, p**2):  # a number on the device; a whole power of complex numbers
        assert {x.device.id for x in new.arrays} == {index}
    np.testing.assert_allclose(here((p**2).arrays[1]), here(p.arrays[1]) ** 2)


def test_a_record_on_the_device_is_differentiated_through_its_update(rng):
    p, g = parts(rng, "d", [(3,), (2, 2)]), parts(rng, "d", [(3,), (2, 2)])

    def after(rate, p, g):
        new = gx.updates.adam(p, g, gx.updates.adam_start(g), rate)[0]
        return sum(np.sum(x**2) for x in new.arrays)

    wanted = gx.grad(after, (0, 1))(0.1, p, g)
    got = gx.grad(after, (0, 1))(0.1, there(p), there(g))
    assert got[0] == pytest.approx(wanted[0])
    assert_close(got[1], wanted[1], "d")


class Whole:
    """A size and a shape with no memory behind them."""

    def __init__(self, size):
        self.size, self.shape, self.ndim = size, (size // 1000, 1000), 2
        self.flags, self.data, self.ptr = self, self, 64
        self.c_contiguous = True


def test_indices_of_very_large_arrays_fit():
    size = 5_000_000_000
    kernel = MultiTensor(cp)._kernel(operator.add, [np.dtype("e")] * 2, ())
    assert isinstance(kernel, _Kernel)
    large = (Whole(size), Whole(size))
    table, blocks = kernel._filled([large, large], [(Whole(size),)] * 2)
    assert table["size"][:2].tolist() == [size, size]
    assert table["first"][1] == -(-size // CHUNK)
    assert blocks == 2 * -(-size // CHUNK) < 2**31
    assert "int i" not in kernel._source("name", ())
    assert "long long i" in kernel._source("name", ())


def test_it_stands_in_for_leafwise(backend):
    assert isinstance(backend.kernels[leafwise], MultiTensor)


# --- Rules ----------------------------------------------------------------------------------------


def backward_kernels(f, *xs):
    y, pullback = gx.backprop_with(f, *xs)
    g = cp.ones_like(y)
    return counted(lambda: pullback(g))[1]


RULES = {
    "divide": (lambda x: 2.0 / x, {"gradx_divide_rule": 1}),
    "tanh": (lambda x: np.tanh(x), {"gradx_tanh_rule": 1}),
    "sqrt": (lambda x: np.sqrt(x), {"gradx_sqrt_rule": 1}),
    "maximum": (lambda x: np.maximum(x, cp.ones((3, 4), "f")), {"gradx_maximum_rule": 1}),
    "power": (lambda x: x**3, {"gradx_power_rule": 1}),
    "arctan": (lambda x: np.arctan(x), {"gradx_arctan_rule": 1}),
}


@pytest.mark.parametrize("name", RULES)
def test_a_rule_is_one_kernel(name, rng):
    f, wanted = RULES[name]
    x = np.abs(draw(rng, (3, 4), "f")) + 0.5
    slope = gx.grad_bp(f, x) if name != "maximum" else (x > 1).astype("f")
    np.testing.assert_allclose(here(gx.grad_bp(f, there(x))), slope, rtol=1e-5)
    found = backward_kernels(f, there(x))
    assert found is None or found == wanted


def test_a_rule_and_the_sum_of_what_was_repeated_are_one_kernel(rng):
    a, b = draw(rng, (3, 4), "d"), draw(rng, (3, 1), "d") + 3
    wanted = gx.grad_bp(lambda b: np.sin(a / b), b)
    device = there(a)
    got = gx.grad_bp(lambda b: np.sin(device / b), there(b))
    np.testing.assert_allclose(here(got), wanted, rtol=1e-12)
    found = backward_kernels(lambda b: device / b, there(b))
    assert found is None or found == {"gradx_divide_rule_sum": 1}


@pytest.mark.parametrize("shape", [(4,), (1, 4), (3, 1), (), (1, 1)])
@pytest.mark.parametrize("char", TOLERANCE)
def test_sums_over_any_axes(shape, char, rng):
    a, b = draw(rng, (2, 3, 4), char), draw(rng, shape, char) + np.dtype(char).type(3)
    wide = (lambda x: x.astype("d")) if char == "e" else (lambda x: x)
    wanted = gx.grad_bp(lambda b: wide(a) / b, wide(b))
    device = there(a)
    got = gx.grad_bp(lambda b: device / b, there(b))
    assert got.dtype == np.dtype(char)
    tolerance = 20 * TOLERANCE[char]
    np.testing.assert_allclose(here(got), wanted, rtol=tolerance, atol=tolerance)


def test_a_rule_on_variables_stays_a_rule(rng):
    x = draw(rng, (3,), "d") + 4

    def slope(v):
        return np.sum(gx.grad_bp(lambda w: 1 / w, v) ** 2)

    np.testing.assert_allclose(here(gx.grad(slope)(there(x))), gx.grad(slope)(x), rtol=1e-12)


# --- Scatter-add ----------------------------------------------------------------------------------

INDICES = {
    "vector": ((5, 3), [np.array([0, -1, 0, 2])]),
    "pairs": ((5, 3), [np.array([[0], [4]]), np.array([0, 1, -3])]),
    "planes": ((4, 3, 2), [np.array([0, 3, 3]), np.array([1, 1, 1])]),
    "bytes": ((6,), [np.array([1, 1, 1], np.int8)]),
    "unsigned": ((6,), [np.array([1, 5, 1], np.uint16)]),
    "none": ((3, 2), [np.zeros(0, int)]),
    "one": ((5, 3), [np.array(2)]),
}


@pytest.mark.parametrize("char", TOLERANCE)
@pytest.mark.parametrize("name", INDICES)
def test_scatter_add(name, char, rng, backend):
    shape, index = INDICES[name]
    wanted = np.zeros(shape, "d" if char == "e" else char)
    g = draw(rng, wanted[tuple(index)].shape, char)
    np.add.at(wanted, tuple(index), g)
    places, items = tuple(map(cp.asarray, index)), cp.asarray(np.asfortranarray(g))
    buffer = cp.zeros(shape, char)
    backend.kernels[np.add.at](buffer, places, items)
    np.testing.assert_allclose(here(buffer), wanted, rtol=3 * TOLERANCE[char], atol=1e-3)
    if SOFTWARE:
        with softcuda.counting() as c:
            backend.kernels[np.add.at](buffer, places, items)
        assert (c.launches, c.h2d.bytes, c.syncs) == (0 if name == "none" else 1, 0, 0)


def test_an_index_out_of_bounds_wraps_as_it_does_when_items_are_taken(backend):
    x, index = cp.arange(5.0), cp.asarray([7, -6])
    buffer = cp.zeros(5)
    backend.kernels[np.add.at](buffer, index, cp.asarray([1.0, 10.0]))
    items = here(x[index]).astype(int).tolist()
    wanted = np.zeros(5)
    np.add.at(wanted, items, [1.0, 10.0])
    np.testing.assert_array_equal(here(buffer), wanted)


def test_the_gradient_of_indexing_by_several_arrays(rng):
    x, i, j = draw(rng, (5, 4), "D"), np.array([0, 4, 4, -1]), np.array([1, 1, 1, 3])
    wanted = gx.grad_bp(lambda v: v[i, j] ** 2, x)
    places = there(i), there(j)
    np.testing.assert_allclose(here(gx.grad_bp(lambda v: v[places] ** 2, there(x))), wanted)


@pytest.mark.skipif("SOFTCUDA_POISON" in os.environ, reason="marking 4 GiB of memory takes long")
def test_scatter_add_beyond_two_to_the_31(backend):
    rows = 2**31 // 1000 + 2
    buffer = cp.empty((rows, 1000), np.float16)
    buffer[-1] = 0
    backend.kernels[np.add.at](buffer, cp.asarray([rows - 1, -1]), cp.ones((2, 1000), np.float16))
    np.testing.assert_array_equal(here(buffer[-1]), 2)
    del buffer
    cp.get_default_memory_pool().free_all_blocks()


# --- Products of vectors --------------------------------------------------------------------------


def test_a_sum_of_outer_products_is_one_library_call(rng):
    w, xs = there(draw(rng, (6, 5), "f")), [there(draw(rng, (5,), "f")) for _ in range(3)]
    assert_close(
        gx.grad_bp(lambda w: sum((w @ x) @ (w @ x) for x in xs), w),
        gx.grad_bp(lambda w: sum((w @ x) @ (w @ x) for x in map(here, xs)), here(w)),
        "f",
    )
    if SOFTWARE:
        x = xs[0]
        _, pullback = gx.backprop_with(lambda w: w @ x, w)
        g = cp.ones(6, "f")
        pullback(g)
        with softcuda.counting() as c:
            pullback(g)
        assert (c.cublas, c.launches) == (1, 0)
