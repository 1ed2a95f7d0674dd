"""Object arrays of variables: what NumPy makes of lists of them, and where gradx joins them."""

import copy
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

import gradx as gx
from gradx.reverse.tape import ObjectArrayMetError, Tape
from gradx.testing import check_grads

WEIGHTS = np.array([1.0, -2.0])
MATRIX = np.array([[2.0, 1.0], [1.0, 3.0]])

PAIRS = {
    "floats": (1.5, 2.5),
    "NumPy scalars": (np.float64(1.5), np.float64(2.5)),
    "a float and a scalar": (1.5, np.float64(2.5)),
    "arrays without axes": (np.array(1.5), np.array(2.5)),
    "vectors": (np.array([1.5, 2.0]), np.array([2.5, 0.5])),
}
FUNCTIONS = {
    "array": lambda v, w: np.array([v, w]) * 1.0,
    "array, returned": lambda v, w: np.array([v, w]),
    "asarray of a list": lambda v, w: np.asarray([v, w]) ** 2,
    "asarray of a variable": lambda v, w: np.asarray(v) * w,
    "asarray, returned": lambda v, w: np.asarray(v * w),
    "array with a number": lambda v, w: np.array([v, 3.0 * np.ones(np.shape(v)), w])[1:] ** 2,
    "nested lists": lambda v, w: np.array([[v, w], [w, v * w]]) ** 2,
    "sum": lambda v, w: np.sum([v, w]) ** 2,
    "sum over an axis": lambda v, w: np.sum([v, w], axis=0) ** 2,
    "mean": lambda v, w: gx.numpy.mean([v, w]) ** 2,
    "mean over an axis": lambda v, w: gx.numpy.mean([v, w], axis=0) ** 2,
    "std": lambda v, w: gx.numpy.std([v, w]),
    "var": lambda v, w: gx.numpy.var([v, w], axis=0),
    "max": lambda v, w: np.max([v, w]),
    "min": lambda v, w: np.min([v, w], axis=0),
    "ptp": lambda v, w: np.ptp([v, w]),
    "prod": lambda v, w: np.prod([v, w]),
    "cumsum": lambda v, w: np.cumsum([v, w]) ** 2,
    "sort": lambda v, w: np.sort([v * w, w], axis=0) ** 2,
    "dot": lambda v, w: np.dot([v, w], WEIGHTS) ** 2,
    "dot on the right": lambda v, w: np.dot(WEIGHTS, [v, w]) ** 2,
    "method dot": lambda v, w: MATRIX.dot(v) * w,
    "matmul": lambda v, w: MATRIX @ np.array([v, w]) ** 2,
    "norm": lambda v, w: np.linalg.norm([v, w]),
    "outer": lambda v, w: np.outer([v, w], WEIGHTS) ** 2,
    "tensordot": lambda v, w: np.tensordot(WEIGHTS, [v, w], 1) ** 2,
    "stack": lambda v, w: np.stack([np.array([v, w]), np.array([w, v])]) ** 2,
    "concatenate": lambda v, w: np.concatenate([np.array([v, w]), [v, w]]) ** 2,
    "array times list": lambda v, w: WEIGHTS * [v, w],
    "list times array": lambda v, w: [v, w] * WEIGHTS,
    "array of objects plus a variable": lambda v, w: (np.array([v, w]) + v) ** 2,
    "variable plus an array of objects": lambda v, w: (v + np.array([v, w])) ** 2,
    "between variables": lambda v, w: v * np.array([v, w]) * w,
    "power": lambda v, w: np.array([v, w]) ** w,
    "ufunc of a list": lambda v, w: np.exp([v, w]),
    "ufunc of a list and an array": lambda v, w: np.multiply([v, w], WEIGHTS),
    "ufunc of a variable and a list": lambda v, w: np.arctan2(v, [v * w, w]),
    "ufunc of an array of objects": lambda v, w: np.sin(np.array([v, w])) ** 2,
    "hypot": lambda v, w: np.hypot([v, w], [w, v * v]),
    "where": lambda v, w: np.where([True, False], [v, w], 0.0) ** 2,
    "einsum": lambda v, w: np.einsum("i...,i->...", np.array([v, w]), WEIGHTS) ** 2,
    "average": lambda v, w: np.average([v, w], weights=[1.0, 3.0], axis=0) ** 2,
    "diff": lambda v, w: np.diff([v, w], axis=0) ** 2,
    "transposed": lambda v, w: (np.array([v, w]).T * 2.0) ** 2,
    "reshaped": lambda v, w: np.array([[v, w]]).reshape(-1) ** 2,
    "item": lambda v, w: np.array([v, w])[0] * w,
    "filled": lambda v, w: _filled(v, w) ** 2,
    "full": lambda v, w: np.full((2, *np.shape(v)), v) * w,
    "clip method": lambda v, w: np.arange(6.0).reshape(3, 2).clip(v, 4.5) * w,
    "op": lambda v, w: _doubled(np.array([v, w])) ** 2,
    "op of a tuple": lambda v, w: _doubled_part((np.array([v, w]), "name")) ** 2,
    "inner gradient": lambda v, w: gx.grad(lambda z: np.sum(z**3 * v))(np.array([v, w])),
    "inner gradient of a dict": lambda v, w: gx.grad(lambda p: np.sum(p["a"] ** 3 * v))(
        {"a": np.array([v, w])}
    )["a"],
}


def _filled(v: Any, w: Any) -> Any:
    buffer = np.array([v, w])
    buffer[0] = w * w
    return buffer


@gx.lift
def _doubled(x):
    return 2.0 * x, lambda g: 2.0 * g


@gx.lift
def _doubled_part(pair):
    return 2.0 * pair[0], lambda g: (2.0 * g, pair[1])


@pytest.mark.parametrize("pair", PAIRS)
@pytest.mark.parametrize("name", FUNCTIONS)
def test_object_arrays_are_differentiated(name, pair):
    f, (v, w) = FUNCTIONS[name], PAIRS[pair]
    y, _ = gx.backprop(f, v, w)
    wanted = f(v, w)
    np.testing.assert_allclose(y, wanted, rtol=1e-14)
    assert np.shape(y) == np.shape(wanted)
    assert np.asarray(y).dtype == np.asarray(wanted).dtype
    check_grads(lambda v, w: np.sum(gx.numpy.asarray(f(v, w)) ** 2), v, w, order=1)


@pytest.mark.parametrize("name", ["mean", "var", "std"])
def test_means_of_lists_of_numpy_scalars_say_what_to_write(name):
    with pytest.raises((ValueError, TypeError)) as caught:
        gx.grad(lambda x: getattr(np, name)([x[0], x[1]]))(np.array([1.5, 2.5]))
    assert any(f"gx.numpy.{name}" in note for note in caught.value.__notes__)


@pytest.mark.parametrize("name", ["array", "norm", "between variables", "ufunc of a list", "mean"])
def test_to_the_second_order(name):
    check_grads(FUNCTIONS[name], 1.5, 2.5, order=2)


@pytest.mark.parametrize(
    ("items", "dtype"),
    [
        ((np.float32(1.5), np.float32(2.5)), np.float32),
        ((np.float32(1.5), 2.5), np.float64),
        ((1.5, 2.5), np.float64),
        ((3, 4), np.int64),
        ((3, np.float32(2.0)), np.float64),
        ((1.5, 2j), np.complex128),
        ((np.ones(2, np.float32), np.zeros(2, np.float32)), np.float32),
    ],
    ids=str,
)
def test_a_joined_array_has_the_dtype_of_the_plain_one(items, dtype):
    y, gradients = gx.backprop(lambda *vs: np.array(vs), *items)
    assert y.dtype == np.array(items).dtype == dtype
    for x, g in zip(items, gradients, strict=True):
        assert np.asarray(g).dtype == (float if type(x) is int else np.asarray(x).dtype)
        np.testing.assert_array_equal(g, np.ones_like(x))


def test_values_of_object_arrays():
    seen = []

    def f(v, w):
        seen.append(gx.value(np.array([v, w])))
        seen.append(gx.value({"a": [np.array([v, w])]}))
        return v * w

    gx.grad_bp(f, 1.5, np.float64(2.5))
    np.testing.assert_array_equal(seen[0], [1.5, 2.5])
    np.testing.assert_array_equal(seen[1]["a"][0], [1.5, 2.5])
    assert seen[0].dtype == seen[1]["a"][0].dtype == float


@dataclass
class Result:
    values: Any


@pytest.mark.parametrize(
    ("wrap", "take"),
    [
        (lambda x: {"k": x}, lambda r: r["k"]),
        (lambda x: (1.0, [x]), lambda r: r[1][0]),
        (Result, lambda r: r.values),
    ],
    ids=["dict", "tuple", "record"],
)
def test_object_arrays_inside_results_are_joined(wrap, take):
    y, g = gx.backprop(lambda v: wrap(np.array([v, v * v])), 3.0)
    np.testing.assert_array_equal(take(y), [3.0, 9.0])
    assert take(y).dtype == float and g == 7.0


def test_bounds_alone_are_numbers_too():
    y, g = gx.backprop(lambda v: np.clip([v, v], 4.0, 5.0), 3.0)
    assert y.dtype == float and y.tolist() == [4.0, 4.0] and g == 0.0


# ---- Lazy items ----------------------------------------------------------------------------------


def nodes_made(v: Any, call: Any) -> int:
    before = len(v._run.nodes)
    call()
    return len(v._run.nodes) - before


def test_the_items_of_an_array_cost_no_node():
    def f(v):
        assert nodes_made(v, lambda: np.asarray(v)) == 0
        items = np.asarray(v)
        assert items.dtype == object and items.shape == v.shape
        assert nodes_made(v, lambda: items[0] > 0.0) == 0
        assert nodes_made(v, lambda: items * v) == 1
        return np.sum(items * v)

    x = np.ones(10**5)
    np.testing.assert_array_equal(gx.grad(f)(x), 2.0 * x)


def test_an_item_is_one_node_however_often_it_is_used():
    def f(v):
        item = np.asarray(v)[1]
        assert nodes_made(v, lambda: item * item) == 2
        assert nodes_made(v, lambda: item * 3.0) == 1
        return item * item

    assert gx.grad(f)(np.array([1.0, 2.0])).tolist() == [0.0, 4.0]


@pytest.mark.parametrize("select", [np.s_[::-1], np.s_[1:3], np.s_[[2, 0, 0]], np.s_[:]])
def test_parts_of_items_are_taken_together(select):
    def f(v):
        part = np.asarray(v)[select]
        if isinstance(part[0], gx.BVar):
            assert nodes_made(v, lambda: part * v[0]) <= 4
        return np.sum(np.asarray(v)[select] * v[0] * WEIGHTS[0] * np.arange(len(part)))

    check_grads(f, np.array([1.0, 2.0, 4.0, 8.0]), order=1, modes=("rev",))


def test_items_of_several_arrays_and_numbers():
    def f(v, w, n):
        mixed = np.concatenate([np.asarray(v)[1:], np.asarray(w), [n, 1.0]])
        return np.sum(mixed * np.arange(5.0) * n)

    check_grads(f, np.array([1.0, 2.0]), np.array([3.0, 4.0]), 5.0, order=1, modes=("rev",))


def test_an_item_is_a_numpy_scalar():
    seen = []

    def f(v):
        item = np.asarray(v)[0]
        seen.append(
            [isinstance(item, np.float32), item.dtype, item.shape, hasattr(item, "__len__")]
        )
        return copy.copy(item) * item

    assert gx.grad(f)(np.array([3.0, 1.0], np.float32)).tolist() == [6.0, 0.0]
    assert seen == [[True, np.dtype(np.float32), (), False]]


def test_the_items_of_an_array_are_read_only_and_those_of_a_copy_are_not():
    def f(v):
        with pytest.raises(ValueError, match="read-only"):
            np.asarray(v)[0] = 1.0
        copied = np.array(v)
        copied[0] = 5.0 * v[1]
        return np.sum(copied * v)

    assert gx.grad(f)(np.array([1.0, 2.0])).tolist() == [10.0, 9.0]


def test_no_other_dtype_is_given():
    for dtype in (float, np.float32, int, complex):
        with pytest.raises(
            gx.ConversionError, match=r"^cast with v\.astype.*a plain NumPy array has no"
        ):
            gx.grad_bp(lambda v, d=dtype: np.sum(np.asarray(v, d)), np.ones(2))
    y = gx.grad_bp(lambda v: np.sum(np.asarray(v, object) * v), np.ones(2))
    assert y.tolist() == [2.0, 2.0]
    assert gx.grad_bp(lambda v: np.asarray(v, copy=False) * v, np.array(3.0)) == 6.0


def test_nested_runs():
    def f(x):
        inner = gx.grad(lambda y: np.sum(np.array([x * y, y]) ** 2 * [y, x]))(x)
        return inner * np.asarray([x, inner])

    def plain(x):
        inner = 3 * x**2 * x**2 + 2 * x * x
        return inner * np.array([x, inner])

    np.testing.assert_allclose(gx.eval_bp(f, 1.3), plain(1.3))
    slope = (np.sum(plain(1.3 + 1e-6)) - np.sum(plain(1.3 - 1e-6))) / 2e-6
    np.testing.assert_allclose(gx.grad_bp(f, 1.3), slope, rtol=1e-7)


def test_an_input_that_is_an_object_array_of_outer_variables_is_joined():
    def f(x):
        inner = gx.grad(lambda pair: np.sum(pair["u"] ** 3))({"u": np.array([x, 2.0 * x])})
        return np.sum(inner["u"])  # 3 x**2 + 3 (2 x)**2

    assert gx.grad_bp(f, 1.5) == pytest.approx(30.0 * 1.5)


def test_a_tape_lifts_no_object_array_and_asks_to_join_it():
    lift = Tape().lifter([])
    with pytest.raises(ObjectArrayMetError, match=r"array of objects.*join them with np\.stack"):
        lift(np.array([None]), None)


# ---- What is no array of numbers -----------------------------------------------------------------


def test_exact_numbers_stay_objects():
    f = lambda v, w: np.sum([v, w]) * v + np.dot([v, w], [1, 2])  # noqa: E731
    assert gx.grad_bp(f, Fraction(1, 2), Fraction(1, 3)) == (Fraction(7, 3), Fraction(5, 2))
    with pytest.raises(
        gx.StructureError, match=r"of type ndarray, holds a variable \(at \[0\]\).*a list"
    ):
        gx.grad_bp(lambda v: np.array([v, v]), Fraction(1, 2))


def test_arrays_of_different_shapes_are_a_container():
    def container(v, w):
        both = np.empty(2, object)
        both[0], both[1] = v, w
        return both

    x, z = np.ones(2), np.ones(3)
    a, b = gx.grad_bp(lambda v, w: np.sum([np.sum(u**2) for u in container(v, w)]), x, z)
    assert (a == 2.0).all() and (b == 2.0).all()
    with pytest.raises(
        gx.StructureError, match=r"of type ndarray, holds a variable \(at \[0\]\).*a list"
    ):
        gx.grad_bp(container, x, z)
    with pytest.raises(
        gx.NotLiftedError, match=r"array of objects of the types ArrayVar.*np\.stack"
    ):
        gx.grad_bp(lambda v, w: container(v, w) * v[0], x, z)


def test_an_array_of_plain_objects_is_no_operand():
    for f in (lambda v: v * np.array([Fraction(1, 2)]), lambda v: np.array([None]) + v):
        with pytest.raises(TypeError, match=r"array of objects|unsupported operand"):
            gx.grad_bp(f, 2.0)
    assert gx.grad_bp(lambda v: v * np.array([2.0, 3], object), 2.0) == 5.0


# ---- What NumPy cannot do with objects -----------------------------------------------------------


@pytest.mark.parametrize(
    ("f", "function"),
    [
        (lambda p: np.linalg.solve(MATRIX, p), "linalg.solve"),
        (lambda p: np.linalg.inv([p, [2.0, 1.0]]), "linalg.inv"),
        (lambda p: np.interp(0.5, [0.0, 1.0], p), "interp"),
        (lambda p: np.interp(p, [0.0, 1.0], [2.0, 3.0]), "interp"),
        (lambda p: np.logaddexp(p, 1.0), "f"),
        (lambda p: np.hypot([1.0, 2.0], p), "f"),
        (lambda p: np.isnan(p), "f"),
        (lambda p: np.percentile(p, 30.0), "percentile"),
        (lambda p: np.cov(p), "cov"),
        (lambda p: np.fft.fft(p), "fft.fft"),
        (lambda p: np.fft.irfftn([p, p]), "fft.irfftn"),
    ],
)
def test_the_error_of_numpy_has_a_note(f, function):
    with pytest.raises((TypeError, AttributeError)) as caught:
        gx.grad_bp(f, [1.0, 2.0])
    (note,) = caught.value.__notes__
    assert "join the variables first, with np.stack([v, w])" in note
    assert f"gx.numpy.{function}([v, w])" in note


def test_other_errors_have_none():
    for f, x in (
        (lambda v: np.ones(2) @ np.ones(3) * v, 2.0),
        (lambda v: {}["k"] * v, 2.0),
        (lambda v: np.linalg.inv(v * np.zeros((2, 2))), 2.0),
        (lambda v: float(v), 2.0),
    ):
        with pytest.raises((ValueError, KeyError, TypeError)) as caught:
            gx.grad_bp(f, x)
        assert not getattr(caught.value, "__notes__", [])


def test_functions_of_gradx_numpy_take_lists_and_object_arrays():
    for f in (
        lambda v, w: gx.numpy.linalg.solve(MATRIX, [v, w]),
        lambda v, w: np.abs(gx.numpy.fft.fft([v, w, v * w])),
        lambda v, w: gx.numpy.interp(1.2, [0.0, 1.0, 2.0], [v, w, v * w]),
        lambda v, w: gx.numpy.logaddexp([v, 1.0], np.array([w, v])),
        lambda v, w: gx.numpy.hypot([1.0, 2.0], [v, w]),
        lambda v, w: gx.numpy.add.outer([v, w], np.array([w, 2.0])) ** 2,
        lambda v, w: gx.numpy.add.reduce([v, w]) ** 2,
        lambda v, w: gx.numpy.multiply.accumulate([v, w]) ** 2,
        lambda v, w: gx.numpy.sort(np.array([v, w])) ** 2,
    ):
        check_grads(f, 1.5, 2.5, order=1)


def test_gradx_numpys_ufuncs_are_numpys_on_plain_values():
    assert gx.numpy.add(1.0, [2.0]).tolist() == [3.0]
    assert gx.numpy.add.nin == 2 and gx.numpy.exp.__name__ == "exp"
    assert repr(gx.numpy.exp) == "<gradx.numpy.exp>"
    assert gx.numpy.maximum.reduce([1.0, 3.0]) == 3.0


# ---- Methods of plain arrays ---------------------------------------------------------------------


def test_methods_of_plain_arrays_that_take_a_variable():
    assert gx.grad(lambda x: np.eye(2).dot(x).sum())(np.ones(2)).tolist() == [1.0, 1.0]
    assert gx.grad(lambda x: np.arange(3.0).clip(x, 1.5).sum())(0.5) == 1.0
    assert gx.grad(lambda x: np.arange(3.0).clip(0.5, x).sum())(1.5) == 1.0


def test_a_list_variable_on_the_left_of_an_array():
    a = np.ones(2)
    for f in (
        lambda t: np.sum(a * t),
        lambda t: np.sum(t * a),
        lambda t: t @ a,
        lambda t: np.sum(t + a),
    ):
        assert gx.grad(f)([1.0, 2.0]) == [1.0, 1.0]


# --- Dtypes ---------------------------------------------------------------------------------------

BESIDE = {
    "a number": lambda x: np.r_[x, 3.0],
    "a whole number": lambda x: np.r_[x, 3],
    "a complex number": lambda x: np.r_[x, 1j],
    "a list": lambda x: np.r_[x, [3.0]],
    "columns": lambda x: np.c_[x, [1.0, 2.0]],
    "a range": lambda x: np.r_[x, 0:2],
    "its own dtype": lambda x: np.r_[x, x.dtype.type(3)],
    "itself": lambda x: np.c_[x, x[::-1]],
    "an item in a list": lambda x: np.array([x[0], 1.0]),
    "all items in a list": lambda x: np.array([*x, 1.0]),
}


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, np.complex64, complex])
@pytest.mark.parametrize("name", BESIDE)
def test_items_beside_numbers_have_numpys_dtype_or_raise(name, dtype):
    x, found = np.array([1, 2], dtype), []

    def f(v):
        found.append(gx.numpy.asarray(BESIDE[name](v)))
        return np.real(np.sum(found[0]))

    ambiguous = x.dtype.itemsize < np.dtype(complex if x.dtype.kind == "c" else float).itemsize
    if ambiguous and name in list(BESIDE)[:6]:
        with pytest.raises(gx.NotLiftedError, match=r"np\.concatenate"):
            gx.grad(f)(x)
    else:
        gx.grad(f)(x)
        assert found[0].dtype == BESIDE[name](x).dtype


def test_a_real_array_of_pythons_complex_numbers_raises_as_numpys():
    with pytest.raises(TypeError, match="not 'complex'"):
        gx.grad(lambda v: np.sum(gx.numpy.array([v[0], 1j], np.float32)))(np.ones(2, np.float32))
