"""`np.float64` and its kin in adopted programs: casts of variables, dtypes and types."""

import warnings

import numpy as np
import pytest

import gradx as gx
from tests.adoption.test_public_style import agrees

X = np.array([[0.5, 1.5, 2.5], [2.25, 1.25, 0.75]])
CHOSEN = np.double


def of_arrays(x):
    return np.float64(x) * np.double(x[0]) + np.float32(0.1)


def of_numbers(x):
    a, b = np.float64(x[0, 0]), np.float64(float(x[0, 1]))
    return np.array([a * b, np.float64(2.0) + np.float64("1.5"), np.float64([a, 3.0])[0]])


def by_another_name(x, dtype=CHOSEN):
    return dtype(x) * CHOSEN(x[1, 1])


def of_complex_numbers(x):
    return np.abs(np.complex128(x) * (1.0 + 2.0j)) + np.complex64(x).imag


def as_dtypes(x):
    y = np.zeros(x.shape, np.float64)
    y[0] = x[0].astype(np.float64)
    z = np.array([x[0, 0], 2.0], dtype=np.float64)
    total = np.sum(x, dtype=np.float64) + np.mean(x, axis=0, dtype=np.float64)[1]
    single = np.ones(3, np.float32).astype(np.dtype(np.float64))
    record = np.zeros(2, dtype=[("a", np.float64), ("b", np.float32)])
    return y + z[0] + total + single + record["a"].sum() + np.finfo(np.float64).eps


def as_types(x):
    answers = (
        *(isinstance(x[0, 0], np.float64), isinstance(1.5, np.float64), isinstance(x, np.float64)),
        *(issubclass(np.float64, float), issubclass(np.float64, np.floating)),
        *(issubclass(x.dtype.type, np.float64), np.issubdtype(x.dtype, np.float32)),
        *(x.dtype == np.float64, np.float64 == x.dtype, np.dtype(np.float64) is x.dtype),
        *(x.dtype.type in (np.float32, np.float64), {x.dtype.type: 1}[np.float64] == 1),
        *(np.can_cast(np.float64, np.float32), np.result_type(np.float32, np.float64) is x.dtype),
        *(np.float64.__name__ == "float64", np.single is np.float32, np.float32 != np.float64),
    )
    return x * np.array(answers, float)[:, None, None]


@pytest.mark.parametrize(
    "program",
    [of_arrays, of_numbers, by_another_name, of_complex_numbers, as_dtypes, as_types],
    ids=lambda f: f.__name__,
)
def test_classes_of_numbers(program):
    agrees(program, X)


def test_casts_of_complex_numbers_warn_and_raise_as_numpys():
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        gradient = gx.grad(gx.adopt(lambda x: np.sum(np.float64(x * (2.0 + 1.0j)))))(X)
    assert np.exceptions.ComplexWarning in [each.category for each in caught]
    np.testing.assert_array_equal(gradient, np.full((2, 3), 2.0))
    with pytest.raises(TypeError):
        gx.grad(gx.adopt(lambda x: np.float64(x * 1j)))(1.5)


def test_singles_stay_singles():
    y, gradient = gx.backprop(gx.adopt(lambda x: np.single(x) * np.float32(0.1)), X)
    assert y.dtype == np.float32
    np.testing.assert_array_equal(y, np.float32(X) * np.float32(0.1))
    np.testing.assert_array_equal(gradient, np.full((2, 3), np.float32(0.1), float))


def test_the_names_themselves_stay():
    def given():
        return np.float64

    assert gx.adopt(given)() is np.float64
    assert gx.grad(gx.adopt(lambda x: x * (type(np.float64(2.0)) is type(x))))(np.float64(3.0)) == 0
