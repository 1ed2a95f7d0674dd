"""Small programs, each of which once computed something else on variables than on plain arrays."""

import numpy as np
import pytest

import gradx as gx
from tests.surface.writing_programs import twin

# Since NumPy 2.5 setting the shape of an array is deprecated.
pytestmark = pytest.mark.filterwarnings("ignore:Setting the shape:DeprecationWarning")

V = np.array([0.3, -0.7, 1.1, 0.9, -0.4, 0.6])
M = np.array([[0.3, -0.7, 1.1], [0.9, -0.4, 0.6], [-1.2, 0.5, 0.8]])


def reshaped_to_a_copy(x):
    y = np.reshape(x, (2, 3), order="F", copy=True)
    y *= 2.0
    return x, y


def numbers_in_place(x):
    y = np.nan_to_num(x, copy=False)
    y *= 2.0
    return x, y


def block_of_one(x):
    y = np.block(x)
    y *= 2.0
    return x, y


def windows_of_what_is_written(x):
    y = np.lib.stride_tricks.sliding_window_view(x, 2)
    x *= x
    return x, y


def windows_of_two_axes(x):
    y = np.lib.stride_tricks.sliding_window_view(x, (2, 2))
    x[1] = x[0] * 2.0
    return x, y


def shape_in_a_list(x):
    shape = [2, 3]
    y = x.reshape(shape)
    shape.reverse()
    x[0] = x[1]
    return x, y


def items_that_are_written_meanwhile(x):
    total = 0.0
    for item in x:
        x[-1] = x[-1] + item
        total = total + item * item
    return x, total


def rows_of_rows(x):
    x[:] = [x[1], x[0], x[2]]
    return x


def rows_through_an_index(x):
    x[[0, 1]] = [x[1], x[0]]
    x[:] = [x[1, :1], x[0, :1], x[0, :1]]
    return x


def exchanged_rows(x):
    x[0], x[1] = x[1], x[0]
    return x


def a_view_of_a_view_of(x):
    y = x
    for _ in range(2000):
        y = y[:]
    y[0] = x[1] * x[2]
    return x, y


def put_until_it_is_refused(x):
    try:
        np.put(x, [0, 2, 7], x[1:4] * 2.0)
    except IndexError:
        x[1] = 3.0
    return x


def consumed_by_slices(x):
    total, rest = 0.0, x
    while len(rest):
        total, rest = total + rest[0] ** 2, rest[1:]
    return total


def an_item_of_a_view(x):
    y = x[1:]
    y[:2] += x[0]
    y[1:].shape = (2, -1)
    y.shape = (-1, 1)
    y[0] *= 3.0
    return x, y


def parts_of_complex_numbers(x):
    z = np.zeros_like(x, dtype=complex)
    z.real = x
    z.imag[1:] = x[1:] * x[:-1]
    y = z.imag
    y *= x
    z.imag[0] = z.real[1]
    z *= 1.0 + 2.0j
    return z.real, z.imag


def chosen_by_a_list(x):
    np.copyto(x, x[::-1] * 2.0, where=[1, 0, 1, 0, 1, 1])
    return x, np.exp(x, out=np.zeros_like(x), where=[1, 0, 1, 0, 1, 1])


def overlapping_operands(x):
    np.exp(x[1:], out=x[:-1])
    np.power(np.abs(x[1:]), x[:-1], out=x[1:])
    return x


def imaginary_items_that_are_written_twice(x):
    z = x * (1.0 + 0.5j)
    z.imag[[0, 0, -1]] = x[1:4]
    return z.real, z.imag * x


def all_items_of_itself(x):
    x.flat = np.lib.stride_tricks.sliding_window_view(x, 2)
    return x


def a_product_that_is_repeated(x):
    return np.matmul(x, x.T, out=x)


PROGRAMS = [
    *((f, V) for f in (imaginary_items_that_are_written_twice, all_items_of_itself)),
    *((f, V) for f in (a_product_that_is_repeated, put_until_it_is_refused)),
    *((f, V) for f in (parts_of_complex_numbers, chosen_by_a_list, overlapping_operands)),
    *((f, V) for f in (reshaped_to_a_copy, numbers_in_place, block_of_one)),
    *((f, V) for f in (windows_of_what_is_written, shape_in_a_list, an_item_of_a_view)),
    *((f, V) for f in (items_that_are_written_meanwhile, a_view_of_a_view_of)),
    *((f, M) for f in (windows_of_two_axes, rows_of_rows, rows_through_an_index, exchanged_rows)),
    (consumed_by_slices, np.linspace(-1.0, 1.0, 1500)),
]


@pytest.mark.parametrize(("f", "x"), PROGRAMS, ids=lambda f: getattr(f, "__name__", ""))
def test_a_small_program_is_the_plain_one(f, x):
    def weighted(x, got=None):
        total = 0.0
        results = f(x)
        for y in results if isinstance(results, tuple) else (results,):
            if got is not None:
                got.append(np.array(gx.value(y)))
            weights = np.cos(1.7 * np.arange(np.size(y))).reshape(np.shape(y))
            total = total + np.sum(weights * y)
        return total

    wanted, got = f(twin(x)), []
    value, g = gx.backprop(lambda v: weighted(v, got), x)
    for a, b in zip(wanted if isinstance(wanted, tuple) else (wanted,), got, strict=True):
        assert np.array(a).tobytes() == b.tobytes()
    assert value == weighted(twin(x))
    direction = np.sin(np.arange(x.size) + 1.0).reshape(x.shape)
    slope = (weighted(x + 1e-6 * direction) - weighted(x - 1e-6 * direction)) / 2e-6
    assert np.sum(g * direction) == pytest.approx(slope, rel=1e-6)


def test_an_array_by_columns_is_itself_in_fortrans_order():
    """NumPy makes no copy of it; what is written would show in it."""

    def f(x):
        y = np.asfortranarray(x)
        y *= 2.0
        return np.sum(y)

    with pytest.raises(ValueError, match="read-only"):
        gx.grad(f)(np.asfortranarray(M))


def test_a_shape_without_a_view_raises_as_numpy_does():
    with pytest.raises(ValueError, match="Unable to avoid creating a copy"):
        gx.grad(lambda x: np.sum(np.reshape(x.T, (-1,), copy=False)))(M)
    with pytest.raises(ValueError, match="copy=False writes into an array"):
        gx.grad(lambda x: np.nan_to_num(x[0], copy=False))(V)


def test_what_reads_its_operands_while_it_writes_raises():
    def f(x):
        return np.sum(np.concatenate([x[1:], x[:1]], out=x))

    with pytest.raises(gx.AssignmentError, match=r"reads its operands while it writes"):
        gx.grad(f)(V)


def test_a_real_array_has_no_imaginary_part_to_set():
    def f(x):
        x.imag = 1.0

    with pytest.raises(TypeError, match="does not have imaginary part"):
        gx.grad(f)(V)


def test_the_imaginary_part_of_a_real_array_is_read_only():
    def f(x):
        x.imag[0] = 1.0

    with pytest.raises(ValueError, match="read-only"):
        gx.grad(f)(V)


def test_a_write_into_the_imaginary_part_in_an_inner_run():
    """The cotangent of an imaginary part has the other sign."""

    def inner(x, y):
        z = x * (1.0 + 0.0j)
        z.imag[1:] = y[1:] ** 2
        return np.sum((z * z * (2.0 - 1.0j)).real)

    def f(x):
        return np.sum(gx.grad_bp(inner, x, x)[1] * x)

    wanted = np.array([0.0, *(-8.0 * V[1:] ** 4 + 4.0 * V[1:] ** 3)])
    assert f(V) == pytest.approx(np.sum(wanted))
    slopes = [(f(V + d) - f(V - d)) / 2e-6 for d in 1e-6 * np.eye(6)]
    np.testing.assert_allclose(gx.grad(f)(V), slopes, rtol=1e-6, atol=1e-7)


def halves(x):
    return x[:1].astype(np.float16).reshape(())


@pytest.mark.parametrize(
    ("write", "error"),
    [
        (lambda x, out: np.round(x.astype(np.float32), 1, out=out), gx.AssignmentError),
        (lambda x, out: np.mean(x.astype(np.float16), out=halves(out)), gx.AssignmentError),
        (lambda x, out: np.add.reduce(x, out=out), ValueError),
        (lambda x, out: out.fill(x), ValueError),
        (lambda x, out: np.copyto(out, x, where=np.ones(6)), TypeError),
        (lambda x, out: np.place(out.astype(np.float32), x > 0, x), TypeError),
    ],
)
def test_what_numpy_computes_otherwise_or_refuses_raises(write, error):
    """Numbers in another precision, results that would be repeated, casts that are not safe."""
    with pytest.raises(error):
        gx.grad(lambda x: write(x, np.zeros_like(x)))(V)
