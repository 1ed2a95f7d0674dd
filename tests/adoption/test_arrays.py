"""Arrays in adopted programs: filled, made, drawn, given and held."""

import numpy as np
import pytest

import gradx as gx
from tests.adoption.test_features import agrees


def objects(x):
    items = np.empty((3,), dtype=object)
    items[0], items[1], items[2] = x, 2 * x, 1.0
    return items.sum()


def views(x):
    a = np.zeros(4)
    b = a.reshape(2, 2)
    b.ravel()[3] = x
    b[0] = x
    return (a * np.arange(4)).sum()


def matrices(x):
    s = np.zeros((2, 2))
    s[0] = [x, 1]
    s[:, 1] = np.array([x, x])
    s += np.eye(2) * x
    s.T[0, 1] -= x
    return np.trace(s @ s) + np.linalg.det(s)


def containers(x):
    rows = {"a": np.zeros(2)}
    rows["a"][0] = x
    columns = [np.zeros(1) for _ in range(2)]
    columns[1][0] = x
    return rows["a"].sum() + np.concatenate(columns).sum()


def whole_numbers(x):
    n = np.zeros(3, int)
    n[1] = 2
    return (np.arange(3.0)[n] * x).sum() + len(n) + n.sum()


def made_by_the_class(x):
    made = np.ndarray(2)
    made[0], made[1] = x, 2.0
    assert isinstance(made, np.ndarray)
    assert type(np.arange(3)) == np.ndarray and {np.ndarray: 1}[type(np.arange(3))]  # noqa: E721

    class Row(np.ndarray):
        kind: np.ndarray | None = None

    assert issubclass(Row, np.ndarray)
    return made @ made


def complex_items(x):
    out = np.zeros((2, 2), np.complex128)
    out[0] += x
    out[1, 0] = x * 2j
    out[1, 1] = complex(1, 2)
    return np.abs(out).sum()


NOISE = np.random.default_rng(5)


def of_generators(x):
    rng = np.random.default_rng(0)
    assert isinstance(rng, np.random.Generator)
    noise = rng.normal(size=4)
    noise *= x
    noise[1] = x * x
    rng.shuffle(noise)
    other = np.random.RandomState(1).rand(4)
    other[0] -= x
    rng.shuffle(other)
    whole = np.arange(4)
    rng.shuffle(whole)
    return (noise * other * whole).sum() + other[0]


def of_a_generator_of_the_caller(x, rng):
    noise = rng.standard_normal(3)
    noise[0] = x
    return noise.sum()


def test_generators_of_the_caller_and_of_the_module():
    wanted = of_a_generator_of_the_caller(0.7, np.random.default_rng(2))
    adopted = gx.adopt(of_a_generator_of_the_caller)
    rng = np.random.default_rng(2)
    assert gx.value_and_grad(adopted)(0.7, rng) == (wanted, 1.0)
    state = NOISE.bit_generator.state
    wanted = of_a_generator_of_the_caller(0.7, NOISE)
    NOISE.bit_generator.state = state
    adopted = gx.adopt(lambda x: of_a_generator_of_the_caller(x, NOISE))
    assert gx.value_and_grad(adopted)(0.7) == (wanted, 1.0)
    assert gx.backprop(gx.adopt(lambda x: [repr(NOISE), x]), 1.0)[0][0] == repr(NOISE)


@pytest.mark.parametrize(
    "program",
    [
        of_generators,
        made_by_the_class,
        complex_items,
        objects,
        views,
        matrices,
        containers,
        whole_numbers,
    ],
)
def test_arrays(program):
    agrees(program)


def fill(out, x):
    out[1] = x


def test_what_is_written_into_an_argument_the_caller_sees_or_it_raises():
    filling = gx.adopt(fill)

    def plainly(x):
        out = np.ones(3)
        filling(out, 5.0)
        gx.adopt(lambda out, x: fill(out, 7.0) or out.sort() or x)(out, x)
        return np.sum(out * x)

    assert gx.value_and_grad(plainly)(2.0) == (18.0, 9.0)

    def wrongly(x):
        out = np.ones(3)
        filling(out, x)
        return np.sum(out)

    with pytest.raises(gx.AssignmentError, match=r"argument 0 of fill .* adopt the caller too"):
        gx.grad(wrongly)(2.0)
    assert gx.grad(gx.adopt(wrongly))(2.0) == 1.0

    def rightly(x):
        out = np.ones_like(x)
        filling(out, x[0])
        return np.sum(out)

    assert gx.grad(rightly)(np.array([2.0, 3.0])).tolist() == [1.0, 0.0]


HELD = np.ones(2)


def read(out, x):
    out[0] = x
    return HELD[0] + x


def test_an_array_that_the_program_holds_elsewhere_stays_plain():
    with pytest.raises((gx.AssignmentError, gx.ConversionError)):
        gx.grad(gx.adopt(read), argnums=1)(HELD, 2.0)
    assert gx.grad(gx.adopt(read), argnums=1)(np.ones(2), 2.0) == 1.0

    class Holder:
        def __init__(self):
            self.x = HELD

    def through(holder, out, x):
        out[0] = x
        return holder.x[0] + x

    with pytest.raises((gx.AssignmentError, gx.ConversionError)):
        gx.grad(gx.adopt(through), argnums=2)(Holder(), HELD, 2.0)


def test_a_constant_of_the_caller_is_copied_before_it_is_written_into():
    def program(x, weights, same, frozen):
        weights[0] = x
        return np.sum(weights) + np.sum(same) + np.sum(frozen)

    weights, shared, frozen = np.ones(3), np.ones(2), np.ones(2)
    frozen.flags.writeable = False
    adopted = gx.adopt(program)
    assert gx.value_and_grad(adopted)(5.0, weights, shared, frozen) == (11.0, 1.0)
    assert weights.tolist() == [1.0, 1.0, 1.0]
    with pytest.raises((gx.AssignmentError, gx.ConversionError)):
        gx.grad(lambda x: adopted(x, shared, shared, frozen))(5.0)


# --- What raises ----------------------------------------------------------------------------------


def external_loop(x):
    return sum(np.nditer(x, ["external_loop"]))


def in_columns(x):
    return sum(np.nditer(x, order="F"))


@pytest.mark.parametrize(
    ("program", "text"),
    [
        (external_loop, "np.nditer with external_loop does not go over variables; loop over"),
        (in_columns, "np.nditer with order='F' does not go over variables"),
    ],
)
def test_what_iterators_do_not_take(program, text):
    x = np.ones((2, 2))
    with pytest.raises(gx.NotLiftedError, match=text):
        gx.grad(gx.adopt(program))(x)
    assert np.all(gx.adopt(program)(x) == program(x))


def test_broadcast_and_memory_order():
    def program(x):
        both = np.broadcast(x, np.ones((2, 1)))
        assert both.shape == (2, 3) and both.size == 6 and both.nd == 2
        turned = sum(k * item for k, item in enumerate(np.nditer(np.multiply.outer(x, x).T)))
        return sum(a * b for a, b in both) + turned + np.broadcast(np.ones(2), 1.0).size

    x = np.array([1.0, 2.0, 4.0])
    value, gradient = gx.value_and_grad(gx.adopt(program))(x)
    assert value == program(x)
    slopes = [(program(x + d) - program(x - d)) / 2e-6 for d in 1e-6 * np.eye(3)]
    np.testing.assert_allclose(gradient, slopes, rtol=1e-6)


def test_ranges_have_numpys_bits_and_dtypes():
    def program(x):
        rest = np.arange(x, 2.0, 0.1)
        assert np.arange(0, x + 1).dtype == float
        return np.sum(rest * np.arange(rest.size)) + rest[-1]

    x = 1.1
    value, gradient = gx.value_and_grad(gx.adopt(program))(x)
    assert value == program(x)
    assert gradient == pytest.approx(sum(range(9)) + 1)


def test_the_order_of_memory():
    def program(x):
        y = np.asfortranarray(x)
        assert y.flags.f_contiguous and y.strides == (8, 16)
        return sum(k * item for k, item in enumerate(np.nditer(y)))

    x = np.array([[1.0, 2.0], [3.0, 4.0]])
    assert gx.value_and_grad(gx.adopt(program))(x)[0] == program(x)


def test_methods_whose_arguments_come_in_another_order():
    def program(x):
        return (
            x.compress([True, False, True]).sum() + np.outer(x, x).compress([False, True], 1)[2, 0]
        )

    x = np.array([1.0, 2.0, 4.0])
    assert gx.value_and_grad(gx.adopt(program))(x)[0] == program(x) == 13.0


def test_the_namespace_of_an_array_makes_arrays_that_can_be_filled():
    def clipped(x):
        xp = x.__array_namespace__()
        y = xp.empty(x.shape, dtype=x.dtype)
        y[()] = x
        y[y < 1.0] = 1.0
        return xp.sum(y * y)

    x = np.array([0.5, 2.0, 3.0])
    assert gx.backprop(gx.adopt(clipped), x)[0] == clipped(x)
    np.testing.assert_array_equal(gx.grad(gx.adopt(clipped))(x), [0.0, 4.0, 6.0])
    assert gx.grad(lambda x: x[0] * (x.__array_namespace__() is gx.numpy))(x)[0] == 1.0
