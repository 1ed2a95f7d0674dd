"""The sum over ranks of any value, and its derivatives, on ranks that are threads."""

from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest

import gradx as gx
from gradx.backends import REGISTRY, Device, get_backend
from gradx.parallel import ALONE, ParallelError, all_reduce
from gradx.train import Blocks, Gradients
from tests.backends.strict import StrictBackend
from tests.parallel.threads import on_ranks


@dataclass
class Layer:
    w: np.ndarray
    b: np.ndarray


@dataclass
class Net:
    layers: tuple[Layer, ...]
    scale: float
    name: str = "net"


def net(seed, dtype=float):
    rng = np.random.default_rng(seed)
    draw = lambda *shape: rng.standard_normal(shape).astype(dtype)  # noqa: E731
    return Net((Layer(draw(3, 2), draw(3)), Layer(draw(1, 3), draw(1))), float(rng.uniform()))


SIZES = pytest.mark.parametrize("size", [1, 2, 3, 4])


@SIZES
def test_a_record_is_summed_part_by_part(size):
    wanted = net(0)
    for k in range(1, size):
        wanted = gx.add(wanted, net(k))
    for got in on_ranks(size, lambda group: all_reduce(net(group.rank), group)):
        assert type(got) is Net
        assert (got.name, type(got.scale)) == ("net", float)
        gx.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-14) or a, got, wanted)


@pytest.mark.parametrize(
    ("x", "total"),
    [
        (2.5, 7.5),
        (2, 6),
        (1 + 2j, 3 + 6j),
        (np.float32(2), np.float32(6)),
        (np.int64(2), np.int64(6)),
        (Fraction(1, 3), Fraction(1)),
        (Decimal("0.5"), Decimal("1.5")),
        ({"n": 4, "x": [1.0, Fraction(1, 2)]}, {"n": 12, "x": [3.0, Fraction(3, 2)]}),
        ((None, "text", True), (None, "text", True)),
        ((), ()),
    ],
    ids=repr,
)
def test_numbers_keep_their_kind(x, total):
    for got in on_ranks(3, lambda group: all_reduce(x, group)):
        assert got == total
        assert type(got) is type(total)


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64", "complex64", "complex128", int])
@pytest.mark.parametrize("shape", [(), (3,), (2, 0), (2, 3)])
def test_arrays_keep_shape_and_dtype(dtype, shape):
    x = np.arange(np.prod(shape, dtype=int)).reshape(shape).astype(dtype)
    for got in on_ranks(2, lambda group: all_reduce(x, group)):
        assert (got.shape, got.dtype, type(got)) == (x.shape, x.dtype, np.ndarray)
        np.testing.assert_array_equal(got, 2 * x)
    assert not np.shares_memory(x, got)


def test_an_array_in_another_order_is_summed_item_by_item():
    x = np.arange(6.0).reshape(2, 3)
    give = lambda group: all_reduce(x if group.rank else np.asfortranarray(x), group)  # noqa: E731
    for got in on_ranks(2, give):
        np.testing.assert_array_equal(got, 2 * x)


def test_an_array_in_a_file_is_an_array(tmp_path):
    np.arange(3.0).tofile(tmp_path / "x")
    give = lambda group: all_reduce(np.memmap(tmp_path / "x", float, "r"), group)  # noqa: E731
    for got in on_ranks(2, give):
        assert type(got) is np.ndarray
        np.testing.assert_array_equal(got, [0.0, 2.0, 4.0])


def test_a_record_travels_in_one_message_a_dtype():
    def work(group):
        all_reduce((net(0), net(1, "float32"), 1.0, {"a": np.ones(4)}), group)
        return group.messages

    parts = 6 + 3 + 3 + 1
    wanted = [("sum", parts + 2 + 1 + 4, np.dtype(float)), ("sum", parts, np.dtype("float32"))]
    assert on_ranks(2, work) == [wanted, wanted]


def test_alone_it_is_the_identity():
    x = net(0)
    assert all_reduce(x) is x
    assert all_reduce(x, ALONE) is x


# --- Derivatives ----------------------------------------------------------------------------------


def own_loss(rank, w):
    """What rank ``rank`` makes of the sum over all ranks."""
    return np.sum(np.sin((rank + 1) * w)) + np.sum(w**3) / 7


@pytest.mark.parametrize("size", [2, 3])
def test_the_gradient_is_that_of_the_sum_of_all_losses(size):
    starts = [np.random.default_rng(k).standard_normal((2, 3)) for k in range(size)]

    def work(group):
        f = lambda w: own_loss(group.rank, all_reduce(np.cos(w), group))  # noqa: E731
        return gx.grad(f)(starts[group.rank])

    found = on_ranks(size, work)

    def whole(*ws):
        total = sum(np.cos(w) for w in ws)
        return sum(own_loss(k, total) for k in range(size))

    for got, exact in zip(found, gx.grad_bp(whole, *starts), strict=True):
        np.testing.assert_allclose(got, exact, rtol=1e-12)
    step = 1e-6 * np.random.default_rng(9).standard_normal((2, 3))  # each rank's own difference
    for k, got in enumerate(found):
        ends = [[w + sign * step * (i == k) for i, w in enumerate(starts)] for sign in (1, -1)]
        difference = whole(*ends[0]) - whole(*ends[1])
        np.testing.assert_allclose(2 * np.sum(got * step), difference, rtol=1e-6)


def test_the_gradient_of_a_record_is_that_of_the_sum():
    nets = [net(0), net(1)]

    def loss(total):
        return np.sum(np.tanh(total.layers[0].w)) * total.scale + np.sum(total.layers[1].b ** 2)

    def work(group):
        return gx.grad(lambda n: loss(all_reduce(n, group)))(nets[group.rank])

    exact = gx.grad(lambda n: 2 * loss(gx.add(n, nets[1])))(nets[0])
    for got in on_ranks(2, work):
        gx.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-12) or a, got, exact)


def test_forward_mode_second_order_and_batches():
    x, t = np.array([0.3, -0.7]), np.array([1.0, 2.0])

    def work(group):
        f = lambda w: np.sum(all_reduce(np.sin(w), group) ** 2)  # noqa: E731
        batched = gx.vmap(lambda w: all_reduce(w * group.rank, group))(np.eye(2))
        return gx.jvp(f, (x,), (t,))[1], gx.hvp(f)(x, t), batched

    # With the same w on both ranks the sum is 2 sin(w), along the same tangent on both as well.
    g = lambda w: np.sum((2 * np.sin(w)) ** 2)  # noqa: E731
    for slope, curved, batched in on_ranks(2, work):
        np.testing.assert_allclose(slope, gx.jvp(g, (x,), (t,))[1], rtol=1e-12)
        np.testing.assert_allclose(curved, gx.hvp(g)(x, t), rtol=1e-12)
        np.testing.assert_array_equal(batched, np.eye(2))


# --- What cannot be summed ------------------------------------------------------------------------


def test_what_is_no_number_is_refused():
    text = r"^the sum over the ranks of a tests\.\S+Strange: give numbers or NumPy arrays; "
    with pytest.raises(ParallelError, match=text):
        on_ranks(2, lambda group: group.sum(Strange()))
    with pytest.raises(gx.UnregisteredTypeError, match="Strange"):
        on_ranks(2, lambda group: all_reduce([Strange()], group))


@pytest.mark.parametrize("within", [lambda x: x, lambda x: {"x": x}], ids=["bare", "dict"])
def test_arrays_of_a_device_are_refused(within):
    """MPI would take their address for one of the host."""
    REGISTRY.register("strict", StrictBackend)
    x = get_backend("strict").asarray(np.ones(2), Device("strict", 1))
    text = (
        r"^the sum over the ranks of a tests\.backends\.strict\.StrictArray: give numbers or NumPy "
        r"arrays; bring arrays of a device to the host first with gx\.to_device\(x, 'cpu'\)$"
    )
    with pytest.raises(ParallelError, match=text):
        on_ranks(2, lambda group: all_reduce(within(x), group))
    with pytest.raises(ParallelError, match=text):
        on_ranks(2, lambda group: gx.grad(lambda x: np.sum(all_reduce(within(x), group)))(x))


@pytest.mark.parametrize("strategy", [Gradients, Blocks])
def test_training_on_a_device_is_not_shared(strategy):
    REGISTRY.register("strict", StrictBackend)
    w = get_backend("strict").asarray(np.ones(2), Device("strict", 1))
    work = lambda group: gx.train.fit(  # noqa: E731
        lambda w: np.sum(w * w), w, gradients=strategy(group=group)
    )
    with pytest.raises(ParallelError, match="bring arrays of a device to the host first"):
        on_ranks(2, work)


def test_a_variable_of_a_fraction_is_refused_by_path():
    f = lambda group: lambda x: all_reduce({"a": [x]}, group)["a"][0]  # noqa: E731
    text = (
        r"^the value\['a'\]\[0\] is a variable of a Fraction, which cannot be summed over the "
        "ranks; use float or an array of floats$"
    )
    with pytest.raises(ParallelError, match=text):
        on_ranks(2, lambda group: gx.grad_bp(f(group), Fraction(1, 2)))


class Strange:
    dtype = np.dtype(float)
