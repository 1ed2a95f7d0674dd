"""Programs in the style of public ones: what a package's helpers do before the numbers begin."""

import abc

import numpy as np
import pytest

import gradx as gx

X = np.array([[0.5, 1.5, 2.5], [3.0, 1.0, 2.0]])


def agrees(program, x):
    """The lifted value is the plain one to the bit, x stays, the gradient is that of differences.

    Args:
        program: a function of an array.
        x: where.
    """
    before = x.copy()
    plain = program(x.copy())
    weights = np.random.default_rng(0).normal(size=np.shape(plain))
    adopted, seen = gx.adopt(program), []

    def loss(x):
        y = adopted(x)
        seen.append(gx.value(y))
        return np.sum(y * weights)

    gradient = gx.grad(loss)(x)
    assert (type(seen[0]), np.shape(seen[0])) == (type(plain), np.shape(plain))
    assert np.asarray(seen[0]).tobytes() == np.asarray(plain).tobytes()
    assert x.tobytes() == before.tobytes()
    step = 1e-6 * np.random.default_rng(1).normal(size=x.shape)
    slope = np.sum((program(x + step) - program(x - step)) * weights) / 2
    assert np.sum(gradient * step) == pytest.approx(slope, rel=1e-4, abs=1e-12)


# --- Arguments made into arrays -------------------------------------------------------------------


def of_the_same_dtype(x):
    y = np.asarray(x, dtype=np.float64)
    y += 1.0
    return x * y


def of_a_number(x):
    y = np.asarray(x[0, 0])
    z = y
    z += 1.0
    return np.array([y, z, x[0, 1]])


def not_copied(x):
    y = np.array(x, float, copy=None, ndmin=3)
    y[0, 0] = 0.0
    return x * y


def in_the_order_of_fortran(x):
    y = np.asarray(x, order="F")
    y[0] *= 2.0
    return np.sum(y, axis=0) + x[0]


def required(x):
    y = np.require(x, np.float64, ["C", "W"])
    z = np.require(x.T, None, "C")
    y *= 2.0
    return x + z.T + np.asfortranarray(y) + np.asarray_chkfinite(x)


@pytest.mark.parametrize(
    "program", [of_the_same_dtype, of_a_number, not_copied, in_the_order_of_fortran, required]
)
def test_arguments_made_into_arrays(program):
    agrees(program, X)


LAYOUTS = {
    "whole": lambda x: x,
    "turned": lambda x: x.T,
    "sliced": lambda x: x[:, ::2],
    "read-only": lambda x: np.diagonal(x),
    "number": lambda x: x[0, 0],
    "list": lambda x: [x[0, 0], 1.0],
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_arrays_are_laid_out_and_shared_as_numpy_does(layout):
    def facts(make, x):
        try:
            y = make(x)
        except ValueError as error:
            return str(error)[:30]
        made = gx.value(y)
        return made.shape, made.dtype, made.strides, made.flags.writeable, y is x

    def run(x):
        v = LAYOUTS[layout](x)
        w = LAYOUTS[layout](gx.value(x))
        for order in (None, "C", "F", "K"):
            for copy in (None, True, False):
                for dtype in (None, float, np.float32, complex):
                    options = {"dtype": dtype, "order": order, "copy": copy}
                    for name in ("array", "asarray", "asanyarray"):
                        ours, numpys = getattr(gx.numpy, name), getattr(np, name)
                        assert facts(lambda x: ours(x, **options), v) == facts(  # noqa: B023
                            lambda x: numpys(x, **options),  # noqa: B023
                            w,
                        )
        for needs in ("C", "F", ["C", "W"], "O", "W", "E"):
            assert facts(lambda x: gx.numpy.require(x, float, needs), v) == facts(  # noqa: B023
                lambda x: np.require(x, float, needs),  # noqa: B023
                w,
            )
        return x[0, 0]

    gx.grad(run)(X)


def test_items_that_are_not_finite_are_refused():
    with pytest.raises(ValueError, match="must not contain infs or NaNs"):
        gx.grad(lambda x: np.sum(gx.numpy.asarray_chkfinite(x * np.inf)))(np.ones(2))


# --- Buffers --------------------------------------------------------------------------------------


def flags_in_a_buffer(x):
    steep = np.full_like(x, False, dtype=bool)
    np.greater_equal(np.abs(x), 1.2, where=~np.isnan(x), out=steep)
    count = np.zeros(2, int)
    np.add.reduce(steep, axis=1, out=count)
    np.logical_not(x > 2.6, out=steep)
    return np.where(steep, x * x, x) * count[:, None]


def parts_of_a_number(x):
    z = x * (1 + 2j)
    z.real = np.clip(z.real, 1.0, 2.0)
    z.imag += x[::-1]
    x.real = 2.0
    return np.abs(z) * x


def test_parts_of_complex_arrays_are_set():
    agrees(parts_of_a_number, X)
    with pytest.raises(TypeError, match="does not have imaginary part to set"):
        gx.grad(lambda x: setattr(x, "imag", 1.0) or np.sum(x))(X)


def test_truth_values_go_into_plain_buffers():
    agrees(flags_in_a_buffer, X)
    signs = np.zeros(X.shape, bool)
    assert (gx.grad(lambda x: np.sum(x * np.signbit(-x, out=signs)))(X) == 1.0).all()
    assert signs.all()


def columns_of_the_class(x):
    column = np.ndarray((2,), dtype=x.dtype)
    for k in range(x.shape[1]):
        column[:] = x[:, k] * (k + column if k else 1.0)
    return column


def test_the_class_of_arrays_makes_arrays_that_can_be_filled():
    agrees(columns_of_the_class, X)


class Own(np.ndarray):
    pass


def answers(x, own):
    cls = np.ndarray
    seen = np.frombuffer(b"abcd", np.uint8)
    return (
        *(isinstance(y, cls) for y in (x, seen, own, 1.0, [1.0])),
        *(issubclass(y, np.ndarray) for y in (type(seen), Own, float, np.matrix)),
        *(type(seen) == cls, type(own) == cls, {np.ndarray: 1}.get(type(seen))),  # noqa: E721
        *(cls((2,), np.uint8, seen).tolist(), isinstance(seen, Own), isinstance(own, Own)),
        *(cls.__name__, cls.__module__, cls.sum(seen), isinstance(Own((2,)), cls)),
    )


def test_the_class_of_arrays_answers_as_numpys_does():
    seen = []
    own, adopted = X.view(Own), gx.adopt(answers)
    gx.grad(lambda x: seen.append(adopted(x, own)) or np.sum(x))(X)
    assert seen == [answers(X, own)]


def test_distributions_by_name():
    norm = pytest.importorskip("scipy.stats").norm

    def likelihood(x):
        return norm.logpdf(x, loc=x[0, 0], scale=1.5)

    agrees(likelihood, X)


# --- Classes --------------------------------------------------------------------------------------


class Constraint(abc.ABC):
    @abc.abstractmethod
    def violation(self, x): ...


class AtLeast(Constraint):
    def __init__(self, least):
        self.least = least

    def violation(self, x):
        gap = np.zeros(x.shape)
        gap[...] = self.least - x
        return np.maximum(gap, 0.0)


class Above(AtLeast):
    pass


def violations(x):
    total = np.zeros(x.shape)
    for constraint in (AtLeast(1.2), Above(2.2), "none"):
        if isinstance(constraint, Constraint):
            total += constraint.violation(x)
    return total


def test_an_adopted_abstract_class_leaves_the_original_as_it_was():
    agrees(violations, X)
    other = gx.adopt(Constraint)  # a second adoption of it
    for cls in (Constraint, AtLeast, other):
        assert not isinstance("none", cls)
        assert not issubclass(int, cls)
    assert isinstance(AtLeast(1.0), Constraint) and isinstance(AtLeast(1.0), other)
    Constraint.register(complex)
    assert isinstance(1j, Constraint) and isinstance(1j, other) and not isinstance(1j, AtLeast)


class Stand:
    """An object that says that it is of another class, as lazy proxies do."""

    def __init__(self, rate):
        self.rate = rate

    @property
    def __class__(self):
        return float

    def __call__(self, x):
        y = np.empty(x.shape)
        y[...] = self.rate * x
        return y


def test_a_class_that_says_that_it_is_another():
    agrees(lambda x: Stand(2.0)(x), X)
