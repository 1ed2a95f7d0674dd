"""Indexing, choosing, sets and queries: exact zeros, costs, plain results, the refusals."""

import numpy as np
import pytest

import gradx as gx
import gradx.numpy as gnp
from gradx.errors import ConversionError
from gradx.numpy import queries, sets
from gradx.ops import indexing

A = np.array([[3.0, 1.0, 2.0], [0.0, 5.0, 4.0]])


def result_of(call, *xs):
    """The result that a function has on variables."""
    return gx.backprop_with(call, *xs)[0]


# --- Choosing -----------------------------------------------------------------------------------


def test_the_branch_that_is_not_taken_gets_an_exact_zero():
    x = np.array([0.0, 4.0])
    safe = np.where(x > 0, x, 1.0)
    gradient = gx.grad_bp(lambda v, w: np.where(x > 0, np.sqrt(v), w), safe, np.full(2, np.inf))
    assert gradient[0].tolist() == [0, 0.25]
    assert gradient[1].tolist() == [1, 0]


def test_where_of_one_argument_gives_places():
    rows, columns = result_of(lambda x: np.where(x > 3), A)
    assert (rows.tolist(), columns.tolist()) == ([1, 1], [1, 2])


def test_where_with_two_arguments():
    with pytest.raises(ValueError, match=r"np\.where takes both x and y, or neither"):
        gx.grad_bp(lambda x: gnp.where(x > 0, x), A)


def test_where_keeps_float32():
    x = np.ones(2, np.float32)
    y, gradient = gx.backprop(lambda v: np.where(v > 0, v, 0.0), x)
    assert y.dtype == gradient.dtype == np.float32


def test_clip_shares_at_a_bound():
    x = np.array([0.0, 0.5, 1.0, 2.0])
    assert gx.grad_bp(lambda v: np.clip(v, 0.0, 1.0), x).tolist() == [0.5, 1, 0.5, 0]
    low = gx.grad_bp(lambda a: np.clip(x, a, 1.0), 0.25)
    assert low == 1.0


def test_select_takes_the_first_true_condition():
    def call(x):
        return np.select([x < 1, x < 3], [10 * x, 100 * x], default=x)

    assert gx.grad_bp(call, A).tolist() == [[1, 100, 100], [10, 1, 1]]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda x: np.take(x, [0], mode="no"), "mode='no' is not known"),
        (lambda x: np.take_along_axis(x, np.array([0]), 1), "they have 1 and it has 2"),
        (lambda x: np.select([], [x]), "np.select got 0 conditions"),
        (lambda x: np.select([x > 0], [x, x]), "1 conditions and 2 choices"),
        (lambda x: np.bincount([0, 1], x[0]), r"weights of shape \(3,\) for bins of shape \(2,\)"),
    ],
)
def test_refusals(call, message):
    with pytest.raises(ValueError, match=message):
        gx.grad_bp(call, A)


# --- Items --------------------------------------------------------------------------------------


def test_a_variable_cannot_be_an_index():
    with pytest.raises(IndexError) as caught:
        gx.grad_bp(lambda i: A[0][i], 1.0)
    assert any("gx.value(n)" in note for note in caught.value.__notes__)
    with pytest.raises((ConversionError, IndexError)):
        gx.grad_bp(lambda x: x[x], A)


def test_every_item_of_a_vector():
    def call(x):
        return sum(item * item for item in x)

    x = np.arange(50.0)
    np.testing.assert_array_equal(gx.grad_bp(call, x), 2 * x)
    second = gx.grad_bp(lambda v: np.sum(gx.grad_bp(call, v) * x), x)
    np.testing.assert_array_equal(second, 2 * x)


def test_items_are_scattered_once_also_in_second_derivatives(monkeypatch):
    """However many items are read, one buffer is written: the cost is that of the vector."""
    made = []
    original = indexing.zeros_for

    def counted(g, shape, *dtype):
        made.append(shape)
        return original(g, shape, *dtype)

    monkeypatch.setattr(indexing, "zeros_for", counted)

    def inner(v):
        return np.sum(gx.grad_bp(lambda w: sum(w[i] ** 3 for i in range(40)), v))

    gx.grad_bp(inner, np.ones(40))
    assert len(made) <= 4


def test_gradients_of_items_that_are_named_twice_add_up():
    x = np.array([1.0, 2.0, 3.0])
    assert gx.grad_bp(lambda v: v[[0, 2, 0]], x).tolist() == [2, 0, 1]
    assert gx.grad_bp(lambda v: v[np.array([[1, -2], [1, 1]])], x).tolist() == [0, 4, 0]


def test_an_indexed_part_and_the_whole():
    x = np.array([1.0, 2.0, 3.0])
    assert gx.grad_bp(lambda v: np.sum(v * v) + v[1] + np.sum(v[::2]), x).tolist() == [3, 5, 7]


def test_float32_items():
    x = np.ones((3, 2), np.float32)
    gradient = gx.grad_bp(lambda v: np.sum(v[[0, 0]] * 2.0) + v[1, 1], x)
    assert gradient.dtype == np.float32
    assert gradient.tolist() == [[4, 4], [0, 1], [0, 0]]


# --- Sets ---------------------------------------------------------------------------------------


def test_sets_keep_derivatives():
    x = np.array([2.0, 1.0, 2.0])
    assert gx.grad_bp(lambda v: np.unique(v) * np.array([1.0, 10.0]), x).tolist() == [10, 1, 0]
    values, index, inverse, counts = result_of(lambda v: np.unique(v, True, True, True), x)
    assert [part.tolist() for part in (values, index, inverse, counts)] == [
        [1, 2],
        [1, 0],
        [1, 0, 1],
        [1, 2],
    ]
    assert gx.grad_bp(lambda v: np.intersect1d(v, [2.0, 5.0]), x).tolist() == [1, 0, 0]
    both = result_of(lambda v: np.intersect1d(v, [2.0, 5.0], return_indices=True), x)
    assert [part.tolist() for part in both] == [[2], [0], [0]]


@pytest.mark.parametrize("name", ["unique_all", "unique_counts", "unique_inverse", "unique_values"])
def test_the_array_apis_sets(name):
    x = np.array([2.0, 1.0, 2.0])
    found = []

    def call(v):
        found.append(getattr(sets, name)(v))
        return found[0] if name == "unique_values" else found[0].values

    assert gx.grad_bp(call, x).tolist() == [1, 1, 0]
    expected = getattr(np, name)(x)
    assert type(found[0]) is type(expected) or name == "unique_values"
    if name != "unique_values":
        for own, each in zip(found[0][1:], expected[1:], strict=True):
            np.testing.assert_array_equal(own, each)


@pytest.mark.parametrize("name", ["union1d", "setxor1d", "setdiff1d", "intersect1d"])
def test_sets_of_two(name):
    a, b = np.array([3.0, 1.0, 2.0]), np.array([5.0, 2.0, 2.0, 0.0])
    np.testing.assert_array_equal(result_of(getattr(np, name), a, b), getattr(np, name)(a, b))
    empty = np.zeros(0)
    np.testing.assert_array_equal(
        result_of(getattr(np, name), a, empty), getattr(np, name)(a, empty)
    )


# --- Queries ------------------------------------------------------------------------------------

QUERIES = {
    "array2string": lambda x: np.array2string(x),
    "einsum_path": lambda x: np.einsum_path("ij->j", x),
    "all": lambda x: np.all(x > 0, axis=1),
    "allclose": lambda x: np.allclose(x, x + 1e-12),
    "any": lambda x: np.any(x),
    "argmax": lambda x: np.argmax(x, axis=1),
    "argmin": lambda x: np.argmin(x),
    "argpartition": lambda x: np.argpartition(x, 1),
    "argsort": lambda x: np.argsort(x, axis=0),
    "argwhere": lambda x: np.argwhere(x),
    "array_equal": lambda x: np.array_equal(x, x),
    "array_equiv": lambda x: np.array_equiv(x, x[None]),
    "array_repr": lambda x: np.array_repr(x),
    "array_str": lambda x: np.array_str(x),
    "bincount": lambda x: np.bincount([1, 3]),
    "can_cast": lambda x: np.can_cast(x.dtype, "f4"),
    "common_type": lambda x: np.common_type(x),
    "count_nonzero": lambda x: np.count_nonzero(x),
    "diag_indices_from": lambda x: np.diag_indices_from(x[:, :2]),
    "digitize": lambda x: np.digitize(x, [1.0, 2.0]),
    "flatnonzero": lambda x: np.flatnonzero(x),
    "isclose": lambda x: np.isclose(x, 3.0),
    "iscomplex": lambda x: np.iscomplex(x),
    "iscomplexobj": lambda x: np.iscomplexobj(x),
    "isin": lambda x: np.isin(x, [1.0, 5.0]),
    "isneginf": lambda x: np.isneginf(x),
    "isposinf": lambda x: np.isposinf(x),
    "isreal": lambda x: np.isreal(x),
    "isrealobj": lambda x: np.isrealobj(x),
    "ix_": lambda x: np.ix_([0, 1], np.argsort(x[0])),
    "lexsort": lambda x: np.lexsort(x),
    "may_share_memory": lambda x: np.may_share_memory(x, x),
    "min_scalar_type": lambda x: np.min_scalar_type(x),
    "nanargmax": lambda x: np.nanargmax(x, axis=0),
    "nanargmin": lambda x: np.nanargmin(x),
    "ndim": lambda x: np.ndim(x),
    "nonzero": lambda x: np.nonzero(x),
    "ravel_multi_index": lambda x: np.ravel_multi_index(np.nonzero(x > 3), np.shape(x)),
    "result_type": lambda x: np.result_type(x, np.float32),
    "searchsorted": lambda x: np.searchsorted([1.0, 3.0], x),
    "shape": lambda x: np.shape(x),
    "shares_memory": lambda x: np.shares_memory(x, x),
    "size": lambda x: (np.size(x), np.size(x, 1)),
    "tril_indices_from": lambda x: np.tril_indices_from(x),
    "triu_indices_from": lambda x: np.triu_indices_from(x, 1),
    "unravel_index": lambda x: np.unravel_index(np.argmax(x), np.shape(x)),
}


def test_every_query_is_tested():
    assert sorted(QUERIES) == sorted(queries.__all__)


@pytest.mark.parametrize("name", QUERIES)
def test_queries_look_at_the_plain_value(name):
    seen = []

    def call(x):
        seen.append(QUERIES[name](x))
        return x

    gx.grad_bp(call, A)
    gx.grad_bp(lambda y: gx.grad_bp(call, y * 1.0), A)
    expected = QUERIES[name](A)
    for found in seen:
        assert type(found) is type(expected)
        assert repr(found) == repr(expected)
    assert queries.__dict__[name].__doc__.startswith("As `np.")


def test_queries_take_lists_of_variables():
    assert result_of(lambda x: np.asarray(gnp.argmax([x, 3.0, 1.0])), 5.0) == 0
    assert result_of(lambda x: np.asarray(gnp.shape([[x, x]])), 5.0).tolist() == [1, 2]
    assert result_of(lambda xs: np.asarray(gnp.size(xs)), [5.0, 6.0]) == 2


# --- Functions of several array-likes -------------------------------------------------------------


def test_at_two_last_points_in_one_place_an_interpolation_is_the_last_value():
    def values(f):
        return np.interp(np.array([1.0, 0.5, 7.0]), [0.0, 1.0, 1.0], f) @ np.array([1.0, 10.0, 0.0])

    got = gx.value_and_grad(values)(np.array([1.0, 2.0, 5.0]))
    assert got[0] == 20.0
    np.testing.assert_array_equal(got[1], [5.0, 5.0, 1.0])
    each = gx.vmap(lambda x: np.interp(x, [0.0, 1.0, 1.0], [1.0, 2.0, 5.0]))(np.array([1.0, 0.5]))
    np.testing.assert_array_equal(each, [5.0, 1.5])


def test_interpolation_needs_a_value_for_each_point():
    with pytest.raises(
        ValueError, match=r"points xp of shape \(3,\) with values fp of shape \(2,\); give a vec"
    ):
        gx.grad_bp(lambda x: np.interp(x, [0.0, 1.0, 2.0], [0.0, 1.0]), np.array([0.5]))


def test_methods_that_look_at_values_take_variables():
    def f(v):
        place = np.sort(v).searchsorted(v)
        np.testing.assert_array_equal(place, [2, 0, 1])
        np.testing.assert_array_equal(v.argpartition(1)[1], 2)
        return v * place

    assert gx.grad_bp(f, np.array([3.0, 1.0, 2.0])).tolist() == [2.0, 0.0, 1.0]


@pytest.mark.parametrize("q", [0.3, [0.3], [0.0, 0.3, 1.0]])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_quantiles_at_one_place_and_at_several_are_numpys(q, dtype):
    x = np.array([[3.0, 1.0, 2.0, 7.0], [0.5, -1.0, 4.0, 2.5]], dtype)
    got = gx.backprop_with(lambda v: np.quantile(v, q, axis=1), x)[0]
    wanted = np.quantile(x, q, axis=1)
    assert got.dtype == wanted.dtype
    np.testing.assert_allclose(got, wanted, rtol=1e-6)


@pytest.mark.parametrize(
    "f",
    [
        lambda v: np.compress([[True, False]], v),
        lambda v: np.compress(v > 1, v[0]),
        lambda v: np.trapezoid(v, axis=None),
        lambda v: np.trapezoid(v[0, 0]),
        lambda v: np.gradient(v[0, 0], axis=0),
    ],
)
def test_axes_and_conditions_that_numpy_refuses_are_refused(f):
    x = np.array([[3.0, 1.0], [2.0, 4.0]])
    for call in (f, lambda x: gx.backprop_with(f, x)):
        with pytest.raises((ValueError, IndexError, TypeError)):
            call(x)


def test_the_zero_that_both_arrays_have_is_numpys():
    x = np.array([1.0, np.nan, -0.0, 0.0, np.inf])
    got = gx.backprop_with(lambda v: np.intersect1d(v, v), x)[0]
    assert np.signbit(got).tolist() == np.signbit(np.intersect1d(x, x)).tolist()
