"""Axes that an example does not have are not those of the batch: examples are never mixed.

What NumPy refuses of one example is refused, by an error of the same class; what it takes of a
number or of a vector has the value of the loop.
"""

import numpy as np
import pytest

import gradx as gx

RNG = np.random.default_rng(5)
NUMBERS = np.array([3.0, 1.0, 2.0])
VECTORS = RNG.standard_normal((3, 3))  # as many examples as items: a square matrix
CHOSEN = np.array([[True, False, True], [False] * 3, [False, True, True]])

REDUCTIONS = [
    *(np.sum, np.mean, np.prod, np.var, np.std, np.max, np.min, np.nansum, np.nanmax, np.median),
    *(np.average, np.all, np.any, np.argmax, np.argmin, np.nanargmax, np.count_nonzero, np.ptp),
    *(np.add.reduce, np.maximum.reduce, np.logical_or.reduce, np.linalg.norm, np.cumsum),
    *(np.sort, np.argsort, np.flip, np.diff, np.fft.fft, np.quantile),
]


@pytest.mark.parametrize("function", REDUCTIONS, ids=lambda f: getattr(f, "__name__", str(f)))
@pytest.mark.parametrize("axis", [1, -2, -3])
def test_an_axis_that_an_example_does_not_have_raises(function, axis):
    options = {"q": 0.5} if function is np.quantile else {}
    with pytest.raises((IndexError, ValueError)):  # np.exceptions.AxisError is of both
        function(VECTORS[0], axis=axis, **options)
    with pytest.raises((IndexError, ValueError)):
        gx.vmap(lambda x: function(x, axis=axis, **options))(VECTORS)


@pytest.mark.parametrize(
    "function",
    [
        *(np.linalg.inv, np.linalg.det, np.linalg.svd, np.linalg.pinv, np.linalg.cholesky),
        *(np.linalg.eigvalsh, np.linalg.slogdet, np.linalg.svdvals),
        lambda x: np.linalg.solve(x, np.ones(3)),
        lambda x: np.matvec(x, np.ones(3)),
        lambda x: np.vecmat(x[0], np.eye(3)),
    ],
)
def test_vectors_are_no_rows_of_a_matrix(function):
    with pytest.raises((np.linalg.LinAlgError, ValueError)):
        function(VECTORS[0])
    with pytest.raises((np.linalg.LinAlgError, ValueError)):
        gx.vmap(function)(VECTORS)


@pytest.mark.parametrize(
    "function",
    [np.triu, np.tril, np.fft.fft, np.sort, lambda x: np.fft.fftshift(x, -1), lambda x: x.mean(0)],
)
def test_what_numbers_have_not_raises(function):
    with pytest.raises((TypeError, IndexError, ValueError)):
        function(NUMBERS[0])
    with pytest.raises((TypeError, IndexError, ValueError)):
        gx.vmap(function)(NUMBERS)


@pytest.mark.parametrize(
    "function",
    [
        np.argsort,
        lambda x: x.argsort(),
        lambda x: np.argsort(x, axis=0),
        lambda x: np.argpartition(x, 0),
        lambda x: np.lexsort(np.stack([x, x])),
        lambda x: np.argmax(x, axis=0),
        lambda x: np.all(x, axis=-1),
        lambda x: np.sum(x, axis=-1),
        np.logical_or.reduce,
        np.linalg.matrix_rank,
        lambda x: np.isclose(x, [1.0, 2.0, 9.0]),
        lambda x: np.isclose([1.0, 2.0, 9.0], x),
        lambda x: np.isclose(x, 0.0, atol=np.array([0.5, 1.5, 2.5])),
    ],
)
def test_what_numpy_takes_of_numbers_has_the_value_of_the_loop(function):
    wanted = np.stack([function(x) for x in NUMBERS])
    np.testing.assert_array_equal(gx.vmap(function)(NUMBERS), wanted)


def test_vectors_in_matrix_rank_and_lexsort():
    for function in (np.linalg.matrix_rank, np.lexsort, np.triu):
        wanted = np.stack([function(x) for x in VECTORS])
        np.testing.assert_array_equal(gx.vmap(function)(VECTORS), wanted)


# --- Options that differ between the examples -----------------------------------------------------


@pytest.mark.parametrize(
    "function",
    [
        *(np.any, np.all, np.sum, np.prod, np.mean, np.logical_or.reduce, np.logical_and.reduce),
        *(np.add.reduce, np.multiply.reduce),
        lambda x, where: np.max(x, where=where, initial=-9.0),
        lambda x, where: np.minimum.reduce(x, where=where, initial=9.0),
        lambda x, where: np.logical_or.reduce(x, where=where, initial=False),
        lambda x, where: np.any(np.stack([x, x]), where=where),
    ],
    ids=lambda f: f.__name__,
)
@pytest.mark.parametrize("in_axes", [(0, 0), (0, None), (None, 0)])
@pytest.mark.filterwarnings("ignore:Mean of empty slice", "ignore:invalid value")
def test_items_that_are_chosen(function, in_axes):
    def call(x, mask):
        return function(x > 0 if function in (np.any, np.all) else x, where=mask)

    args = [a if axis == 0 else a[0] for a, axis in zip((VECTORS, CHOSEN), in_axes, strict=True)]
    rows = [
        call(*[a[i] if axis == 0 else a for a, axis in zip(args, in_axes, strict=True)])
        for i in range(3)
    ]
    np.testing.assert_allclose(gx.vmap(call, in_axes=in_axes)(*args), rows, rtol=1e-14)


def test_an_array_is_rolled_by_places_of_its_own():
    places = np.array([1, 0, 2])
    got = gx.vmap(np.roll)(VECTORS, places)
    np.testing.assert_array_equal(got, np.stack(list(map(np.roll, VECTORS, places))))


def test_a_number_of_each_example_is_not_written_as_text():
    with pytest.raises(gx.ConversionError, match="format"):
        gx.vmap(lambda x: x * len(f"{x:.3f}"))(NUMBERS)
    assert gx.vmap(lambda x: f"{x}")(NUMBERS).startswith("Batch")
