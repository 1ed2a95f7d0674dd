"""`gx.vmap`: records in and out, axes, chunks, transforms in and around it, errors."""

from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import NamedTuple

import numpy as np
import pytest

import gradx as gx
from gradx.batch.loops import counted_loops
from gradx.core.dispatch import apply
from gradx.ops.shaping import computed
from gradx.reverse.variables import BVar

RNG = np.random.default_rng(5)
XS = RNG.standard_normal((4, 3))
YS = RNG.standard_normal(4)


@dataclass
class Net:
    weights: np.ndarray
    bias: np.ndarray
    scale: float
    name: str = "net"

    def __call__(self, x):
        return self.scale * np.tanh(self.weights @ x + self.bias)


class Pair(NamedTuple):
    first: np.ndarray
    second: np.ndarray


NET = Net(RNG.standard_normal((2, 3)), RNG.standard_normal(2), 1.5)


def loss(net, x, y):
    return np.sum((net(x) - y) ** 2)


def assert_rows(got, wanted):
    np.testing.assert_allclose(got, np.stack(wanted), rtol=1e-12, atol=1e-14)


# --- Records and containers -----------------------------------------------------------------------


def test_gradients_of_a_record_for_each_example():
    got = gx.vmap(gx.grad(loss), in_axes=(None, 0, 0))(NET, XS, YS)
    wanted = [gx.grad(loss)(NET, x, y) for x, y in zip(XS, YS, strict=True)]
    assert type(got) is Net and got.name == "net"
    for field in ("weights", "bias", "scale"):
        assert_rows(getattr(got, field), [getattr(w, field) for w in wanted])


def test_gradients_for_each_example_are_those_of_central_differences():
    got = gx.vmap(gx.grad(loss), in_axes=(None, 0, 0))(NET, XS, YS)
    h = 1e-6
    for i, (x, y) in enumerate(zip(XS, YS, strict=True)):
        for place in np.ndindex(2, 3):
            step = np.zeros((2, 3))
            step[place] = h
            up, down = (
                loss(Net(NET.weights + s * step, NET.bias, NET.scale), x, y) for s in (1, -1)
            )
            assert got.weights[i][place] == pytest.approx((up - down) / (2 * h), rel=1e-5, abs=1e-8)


def test_records_are_mapped_leaf_by_leaf():
    nets = Net(np.stack([NET.weights, 2 * NET.weights]), NET.bias, 3.0)
    got = gx.vmap(lambda net, x: net(x), in_axes=(Net(0, None, None), None))(nets, XS[0])
    wanted = [Net(w, NET.bias, 3.0)(XS[0]) for w in nets.weights]
    assert_rows(got, wanted)
    again = gx.vmap(lambda net, x: net(x), ({"weights": 0, "bias": None, "scale": None}, None))
    assert_rows(again(nets, XS[0]), wanted)


def test_real_instances_go_in_and_come_out():
    seen = []

    def f(p):
        seen.append((type(p), p["a"].first.shape, len(p["b"])))
        return {"a": Pair(p["a"].first * 2, p["b"][0]), "n": [1.0, "name", None]}

    got = gx.vmap(f)({"a": Pair(XS, YS), "b": [YS, XS]})
    assert seen == [(dict, (3,), 2)]
    assert type(got["a"]) is Pair
    np.testing.assert_array_equal(got["a"].first, 2 * XS)
    np.testing.assert_array_equal(got["a"].second, YS)
    np.testing.assert_array_equal(got["n"][0], np.ones(4))
    assert got["n"][1:] == ["name", None]


def test_keyword_arguments_have_the_examples_along_axis_0():
    got = gx.vmap(lambda w, *, x: w @ x, in_axes=None)(XS[0], x=XS)
    assert_rows(got, [XS[0] @ x for x in XS])


def test_integers_and_conditions_are_mapped():
    labels, flags = np.array([2, 0, 1, 2]), np.array([True, False, True, False])
    got = gx.vmap(lambda x, k, flag: np.where(flag, x[k], -x[k]))(XS, labels, flags)
    assert_rows(got, [x[k] if f else -x[k] for x, k, f in zip(XS, labels, flags, strict=True)])


def test_results_that_do_not_depend_on_the_examples_are_repeated():
    a, b = gx.vmap(lambda x: (np.ones(2), 3))(YS)
    np.testing.assert_array_equal(a, np.ones((4, 2)))
    np.testing.assert_array_equal(b, [3, 3, 3, 3])
    a[0, 0] = 5.0
    assert a[1, 0] == 1.0
    same = gx.vmap(lambda x: (x, np.ones(2)), out_axes=(0, None))(YS)[1]
    np.testing.assert_array_equal(same, np.ones(2))


def test_results_share_no_memory_with_inputs_or_one_another():
    y, z, t = gx.vmap(lambda x: (x, x, x[::-1]))(XS)
    for a, b in ((y, XS), (y, z), (t, XS), (t, y)):
        assert not np.shares_memory(a, b)


@pytest.mark.parametrize("axis", [0, 1, 2, -1, -2])
def test_axes_from_either_end(axis):
    x = RNG.standard_normal((2, 3, 4))
    got = gx.vmap(lambda v: np.sin(v) * v[0], in_axes=axis, out_axes=axis)(x)
    rows = [np.sin(v) * v[0] for v in np.moveaxis(x, axis, 0)]
    np.testing.assert_allclose(got, np.stack(rows, axis), rtol=1e-14)


@pytest.mark.parametrize("chunk", [1, 2, 3, 4, 9])
def test_chunks_give_the_same(chunk):
    def f(x, y):
        return {"y": np.sin(x) @ x + y, "n": 2.0}

    got, wanted = gx.vmap(f, chunk=chunk)(XS, YS), gx.vmap(f)(XS, YS)
    np.testing.assert_allclose(got["y"], wanted["y"], rtol=1e-14)
    np.testing.assert_array_equal(got["n"], wanted["n"])


def test_chunks_are_done_one_after_the_other():
    sizes = []
    gx.vmap(lambda x: sizes.append(x._run.size) or x, chunk=3)(YS)
    assert sizes == [3, 1]


def test_single_precision_stays():
    x = XS.astype(np.float32)
    y, g = gx.vmap(gx.value_and_grad(lambda x: np.sum(np.tanh(x) ** 2 * 0.5)))(x)
    assert (y.dtype, g.dtype) == (np.float32, np.float32)
    number = gx.vmap(lambda x: x[0].item() * x)(x)
    assert number.dtype == np.float32


def test_complex_gradients_are_those_of_steepest_ascent():
    z = XS + 1j * XS[::-1]
    np.testing.assert_allclose(gx.vmap(gx.grad(lambda z: np.sum(np.abs(z) ** 2)))(z), 2 * z)


# --- In and around other transforms ---------------------------------------------------------------


def curved(x):
    return np.sum(np.sin(x)) * np.prod(x) + x[0] ** 3


def test_vmap_in_vmap():
    a, b = RNG.standard_normal((3, 2)), RNG.standard_normal((4, 2))
    got = gx.vmap(lambda v: gx.vmap(lambda w: np.sin(v @ w) * v)(b))(a)
    assert_rows(got, [np.stack([np.sin(v @ w) * v for w in b]) for v in a])


def test_second_derivatives_in_and_around():
    inside = gx.vmap(gx.hessian(curved))(XS)
    assert_rows(inside, [gx.hessian(curved)(x) for x in XS])
    around = gx.hessian(lambda xs: np.sum(gx.vmap(curved)(xs)))(XS)
    for i in range(4):
        np.testing.assert_allclose(around[i, :, i], inside[i], rtol=1e-10)
    between = gx.grad(lambda xs: np.sum(gx.vmap(gx.grad(curved))(xs) ** 2))(XS)
    wanted = [gx.grad(lambda x: np.sum(gx.grad(curved)(x) ** 2))(x) for x in XS]
    assert_rows(between, wanted)


def test_jacobians_of_each_example():
    def f(x):
        return {"outer": np.outer(x, x), "sum": np.sum(x)}

    got = gx.vmap(gx.jacobian(f))(XS)
    wanted = [gx.jacobian(f)(x) for x in XS]
    for key in ("outer", "sum"):
        assert_rows(got[key], [w[key] for w in wanted])


def test_closures_of_outer_variables():
    def f(w):
        return np.sum(gx.vmap(lambda x: np.exp(w @ x))(XS))

    wanted = gx.grad(lambda w: sum(np.exp(w @ x) for x in XS))(XS[0])
    np.testing.assert_allclose(gx.grad(f)(XS[0]), wanted)


# --- Ops of users ---------------------------------------------------------------------------------

halved = gx.lift(lambda x: (np.sum(x**2), lambda g: g * x))  # half of the right gradient
reading = gx.lift(lambda x: (float(np.sum(x**2)), lambda g: g * x))


def test_an_op_of_numpy_calls_is_done_at_once_by_its_own_pullback():
    with counted_loops() as loops:
        np.testing.assert_allclose(gx.vmap(gx.grad(halved))(XS), XS)
        np.testing.assert_allclose(gx.grad(lambda xs: np.sum(gx.vmap(halved)(xs)))(XS), XS)
    assert not loops


def test_an_op_that_reads_numbers_gets_one_example_after_the_other():
    with counted_loops() as loops:
        np.testing.assert_allclose(gx.vmap(reading)(XS), np.sum(XS**2, axis=1))
    assert list(loops.values()) == [4]
    np.testing.assert_allclose(gx.vmap(gx.grad(reading))(XS), XS)
    np.testing.assert_allclose(gx.grad(lambda xs: np.sum(gx.vmap(reading)(xs)))(XS), XS)


def test_an_op_of_what_is_the_same_for_all_examples():
    def f(w):
        return np.sum(gx.vmap(lambda w, x: halved(w * x), in_axes=(None, 0))(w, XS))

    np.testing.assert_allclose(gx.grad(f)(XS[0]), np.sum(XS[0] * XS**2, axis=0))


def test_an_op_of_records():
    energy = gx.lift(
        lambda p: (float(p[0]["x"] @ p[0]["x"]), lambda g: ({"x": 2 * g * p[0]["x"]},))
    )
    got = gx.vmap(gx.grad(lambda p: energy(p)))(({"x": XS},))
    np.testing.assert_allclose(got[0]["x"], 2 * XS)


def test_an_op_gives_no_other_names_for_other_examples():
    named = gx.lift(lambda x: (("big" if float(x) > 0 else "small", x), lambda g: g[1]))
    with pytest.raises(gx.StructureError, match="for one example and something else for another"):
        gx.vmap(named)(np.array([1.0, -1.0]))


def test_a_loop_is_counted():
    with counted_loops() as loops:
        gx.vmap(lambda p: np.roots(p))(np.array([[1.0, -3.0, 2.0], [1.0, -5.0, 6.0]]))
    assert loops == {"roots": 2}


# --- Errors ---------------------------------------------------------------------------------------


def test_leaves_of_different_sizes_are_named_together():
    with pytest.raises(
        gx.StructureError,
        match=r"different numbers of examples along their mapped axes: argument 0\['a'\] has 4, "
        r"argument 0\['b'\] has 3, argument 1 has 4; give None in in_axes",
    ):
        gx.vmap(lambda p, x: x)({"a": XS, "b": XS[:3]}, YS)


@pytest.mark.parametrize(
    ("axes", "inputs", "message"),
    [
        (0, (np.zeros((0, 2)),), "argument 0 has no examples along its mapped axis"),
        (None, (XS,), "nothing is mapped: in_axes is None for all inputs"),
        (2, (XS,), r"argument 0 has the shape \(4, 3\) and no axis 2 to map"),
        (0, (XS, 1.0), "argument 1 is a number of type float and has no axis 0 to map"),
        (0, ([1, 2],), r"argument 0\[0\] is a number of type int"),
        ((0, 0), (XS,), r"in_axes is \(0, 0\), and the function was called with 1 positional"),
        (("x",), (XS,), "in_axes has 'x' for argument 0; give an integer, None"),
        (({"a": 0},), ({"b": XS},), r"in_axes has nothing for argument 0\['b'\]"),
    ],
)
def test_axes_that_do_not_fit(axes, inputs, message):
    with pytest.raises(gx.StructureError, match=message):
        gx.vmap(lambda *xs: xs[0], in_axes=axes)(*inputs)


@pytest.mark.parametrize("number", [Fraction(1, 2), Decimal("0.5")])
def test_numbers_of_other_types_have_no_axes(number):
    with pytest.raises(gx.NotDifferentiableError, match="which has no axes to map; give None for"):
        gx.vmap(lambda x, n: x)(YS, {"n": number})
    got = gx.vmap(lambda x, n: x * float(n["n"]), in_axes=(0, None))(YS, {"n": number})
    np.testing.assert_array_equal(got, YS / 2)


def test_results_that_differ_have_an_axis():
    with pytest.raises(gx.StructureError, match="out_axes is None for the result, which differs"):
        gx.vmap(lambda x: x, out_axes=None)(YS)
    with pytest.raises(gx.StructureError, match="the result has 1 axes with that of the batch"):
        gx.vmap(lambda x: x, out_axes=1)(YS)


def test_a_chunk_has_an_example():
    with pytest.raises(gx.StructureError, match="chunk is 0; give the number of examples at once"):
        gx.vmap(lambda x: x, chunk=0)


def relu(x):
    return x if x > 0 else 0.0


@pytest.mark.parametrize(
    ("f", "what"),
    [
        (relu, r"bool\(v\), as in 'if v' or 'v and w', asks for one number"),
        (lambda x: float(x), r"float\(v\) asks for one number"),
        (lambda x: gx.value(x), r"gx\.value\(v\) asks for one number"),
        (lambda x: round(x.item()), r"round\(v\) asks for one number"),
    ],
)
def test_a_batched_value_is_no_single_number(f, what):
    with pytest.raises(gx.ConversionError, match=f"write np.where.*: {what}"):
        gx.vmap(f)(YS)


@pytest.mark.parametrize(
    ("f", "message"),
    [
        (lambda x: x[x > 0], "the mapped function gives each example a result of another shape"),
        (lambda x: np.nonzero(x), r"np\.nonzero gives each example a result of another shape"),
        (lambda x: np.unique(x), r"np\.unique gives each example a result of another shape"),
        (lambda x: [0.0] * np.argmax(x), r"write gx.numpy.take\(table, v, axis=0\), or make"),
    ],
)
def test_shapes_that_depend_on_numbers(f, message):
    with pytest.raises(gx.ConversionError, match=message):
        gx.vmap(f)(XS)


def test_a_plain_table_is_not_looked_up():
    with pytest.raises(IndexError) as caught:
        gx.vmap(lambda x: np.zeros(3)[np.argmax(x)])(XS)
    assert "gradx: write gx.numpy.take(table, v, axis=0)" in caught.value.__notes__[0]


def test_a_batched_value_does_not_outlive_its_run():
    kept = []
    gx.vmap(lambda x: kept.append(x) or x)(YS)
    with pytest.raises(gx.EscapedVarError, match="return what you need from the mapped function"):
        np.sin(kept[0])


def test_a_batched_value_is_not_pickled():
    import pickle

    with pytest.raises(gx.ConversionError, match="return it from the mapped function"):
        gx.vmap(lambda x: pickle.dumps(x))(YS)


def test_a_changed_object_at_two_paths_is_refused():
    shared = [XS]

    def f(pair):
        pair[0].append(1.0)
        return pair[0][0]

    with pytest.raises(gx.AliasError, match="are one list, and the function changed it"):
        gx.vmap(f)((shared, shared))


# --- What it is -----------------------------------------------------------------------------------


def test_a_batched_value_tells_what_it_is():
    seen = []

    def f(x, w):
        n = x[0].item()
        seen.extend([repr(x), repr(x[0]), f"{n}", repr(w)])
        seen.extend([type(v).__mro__[1].__name__ for v in (n, x[0])])
        assert isinstance(x, np.ndarray) and isinstance(x[0], np.float64) and isinstance(n, float)
        assert not isinstance(x, BVar) and x.strides == (8,)
        return x

    gx.vmap(f, in_axes=(0, None))(XS[:, :1], XS)
    assert seen[:4] == [
        "BatchArray((1,), float64; 4 examples)",
        "BatchScalar(float64; 4 examples)",
        "BatchNumber(float; 4 examples)",
        "BatchArray((4, 3), float64; the same for all examples)",
    ]


def test_variables_of_batched_values_are_of_the_types_of_plain_ones():
    def f(x, y):
        assert isinstance(x, np.ndarray) and isinstance(y, np.float64)
        return np.sum(x) * y

    gx.vmap(gx.grad(f, argnums=(0, 1)))(XS, YS)


def test_a_reduction_over_the_axis_that_numpy_allows_of_a_number():
    x = np.array([1.0, 2.0])
    for axis in (0, -1):
        np.testing.assert_array_equal(gx.vmap(lambda v, axis=axis: np.sum(v, axis=axis))(x), x)
    with pytest.raises(np.exceptions.AxisError, match="axis 2"):
        gx.vmap(lambda v: np.sum(v, axis=2))(x)
    slope = gx.vmap(lambda t: gx.jvp(np.var, (3.0,), (t,))[1])(x)
    np.testing.assert_array_equal(slope, [0.0, 0.0])


def test_a_formula_and_its_value_may_each_be_the_same_for_all_examples():
    w, xs = np.array([1.0, 2.0, 3.0]), np.arange(12.0).reshape(4, 3)
    assert gx.vmap(lambda x: apply(computed, (x, w)))(xs).tolist() == [w.tolist()] * 4

    def mapped(w, xs):
        return gx.vmap(lambda x: apply(computed, (w * w, x)) + apply(computed, (x * x, w)))(xs)

    by_w, by_xs = gx.grad(lambda w, xs: np.sum(mapped(w, xs)), argnums=(0, 1))(w, xs)
    assert by_w.tolist() == (8 * w).tolist()
    assert by_xs.tolist() == (2 * xs).tolist()


@pytest.mark.parametrize(
    ("f", "a", "b"),
    [
        (np.matmul, (3,), (1,)),
        (np.matmul, (), ()),
        (np.dot, (1,), (3,)),
        (np.vdot, (2, 3), (1,)),
        (np.inner, (2, 1), (3, 2)),
        (np.inner, (1,), (3, 4)),
    ],
)
def test_shapes_of_a_product_that_do_not_fit_are_not_repeated(f, a, b):
    with pytest.raises(ValueError) as plain:
        f(np.ones(a), np.ones(b))
    with pytest.raises(ValueError) as mapped:
        gx.vmap(f)(np.ones((4, *a)), np.ones((4, *b)))
    assert type(mapped.value) is type(plain.value)
