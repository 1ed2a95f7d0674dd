"""The arguments of Fourier transforms: the value is NumPy's to the bit, and so is each error."""

import itertools

import numpy as np
import pytest

import gradx as gx
from gradx.testing import check_grads
from tests.ops.test_layouts import bits, lifted

X = np.random.default_rng(0).standard_normal((3, 4, 5))
OPERANDS = {
    "doubles": X,
    "singles": X.astype(np.float32),
    "complex singles": (X + 1j).astype(np.complex64),
    "halves": X.astype(np.float16),
    "by columns": np.asfortranarray(X),
    "reversed": X[::-1, ::2].T,
    "a vector": X[0, 0],
    "no items": np.zeros((3, 0)),
    "no axes": np.array(1.0),
    "a number": 1.5,
}
ONE_AXIS = ["fft", "ifft", "rfft", "irfft", "hfft", "ihfft"]
LENGTHS = [None, 0, -1, 1, 4, np.int64(7), 2.5]
SEVERAL_AXES = ["fftn", "ifftn", "rfftn", "irfftn", "fft2", "ifft2", "rfft2", "irfft2"]
PLACES = [
    *((None, None), ((3, 4), None), (None, (0, 1)), (None, ()), (None, 1), (3, None)),
    *(((4, -1), (0, -1)), ((6, 3), [-1, 0]), ((5, 2), np.array([1, -2])), ((0, 2), (0, 1))),
    *((None, [0, 0]), ((4, 6), (0, 0)), ((2, -1, 4), (1, 0, 1)), ((None, 4), (0, 0))),
    *(((3,), (0, 1)), ((3, 4), (0, 7)), ((3,), (0, 0))),
]
NORMS = [None, "ortho", "forward", "no"]
UNSET = {"irfft", "hfft", "irfftn", "irfft2"}
"""Functions of NumPy's that read memory that nothing was written to where an axis has no items."""


def of_all_operands(names):
    """Each function with each operand that it is defined for."""
    pairs = [(n, o) for n in names for o in OPERANDS if o != "no items" or n not in UNSET]
    return pytest.mark.parametrize(("name", "operand"), pairs)


@pytest.fixture(autouse=True)
def quiet():
    with np.errstate(all="ignore"):
        yield


def given(function, *arguments):
    """A function of one operand, with its other arguments."""
    return lambda x: function(x, *arguments)


def same(call, x):
    """The lifted call gives what the plain one gives, or raises what it raises."""
    try:
        wanted = call(x)
    except Exception as error:
        with pytest.raises(type(error)) as info:
            lifted(call, x)
        return str(info.value) == str(error)
    return bits(lifted(call, x)) == bits(wanted)


@of_all_operands(ONE_AXIS)
def test_lengths_and_an_axis(name, operand):
    function = getattr(np.fft, name)
    for n, axis, norm in itertools.product(LENGTHS, (-1, 0, 1, 5), NORMS):
        assert same(given(function, n, axis, norm), OPERANDS[operand]), (n, axis, norm)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@of_all_operands(SEVERAL_AXES)
def test_lengths_and_axes(name, operand):
    function = getattr(np.fft, name)
    for (s, axes), norm in itertools.product(PLACES, NORMS):
        assert same(given(function, s, axes, norm), OPERANDS[operand]), (s, axes, norm)


@pytest.mark.parametrize("operand", OPERANDS)
@pytest.mark.parametrize("name", ["fftshift", "ifftshift"])
def test_axes_of_a_shift(name, operand):
    function = getattr(np.fft, name)
    for axes in (None, 0, -1, (0, 1), (1, 1, 0), [0], (), 9, np.int64(0)):
        assert same(given(function, axes), OPERANDS[operand]), axes


@pytest.mark.parametrize("norm", ["backward", "ortho", "forward"])
@pytest.mark.parametrize("name", ONE_AXIS)
def test_the_gradient_for_each_length(name, norm):
    function = getattr(np.fft, name)
    x = X[0] if name in ("rfft", "ihfft") else X[0] + 1j * X[1]
    for n, axis in itertools.product((1, 2, 3, 4, 5, 6, 9), (0, 1)):
        check_grads(given(function, n, axis, norm), x, order=1)


def test_what_is_warned_of_is_numpys():
    with pytest.warns(DeprecationWarning, match="`axes` should not be `None`"):
        gx.eval_bp(lambda x: np.sum(np.fft.irfftn(x, (2, 2))), X)
        gx.grad(lambda x: np.sum(np.fft.irfftn(x, (2, 2))))(X)


def test_imaginary_parts_that_do_not_matter_have_no_gradient():
    z = X[0, 0, :4] + 1j * X[0, 1, :4]
    for n, ignored in ((6, [0, 3]), (7, [0])):
        weights = X.ravel()[:n]
        for function in (np.fft.irfft, np.fft.hfft):
            g = gx.grad(lambda z, f=function, n=n, w=weights: np.sum(f(z, n) * w))(z)
            assert [k for k in range(4) if g[k].imag == 0.0] == ignored


def test_the_energy_of_a_spectrum_is_that_of_the_signal():
    """Parseval: the sum of ``|X[k]|**2`` is n times that of ``x[j]**2``."""
    x = X[0, 0]
    g = gx.grad(lambda x: np.sum(np.abs(np.fft.fft(x)) ** 2))(x)
    np.testing.assert_allclose(g, 2 * 5 * x)


def test_the_distance_of_frequencies_may_be_a_variable():
    for module in (np.fft, gx.numpy.fft):
        check_grads(lambda d, m=module: m.fftfreq(5, d), 0.7)
        check_grads(lambda d, m=module: m.rfftfreq(5, d), 0.7)


def test_the_whole_of_the_module_is_lifted():
    assert {name for name in vars(np.fft) if callable(getattr(np.fft, name))} - {"test"} == set(
        gx.numpy.fft.__all__
    )
