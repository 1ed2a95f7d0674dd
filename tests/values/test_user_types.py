"""Types that users bring: made known with register, register_number, or for one block."""

import math
import threading
from dataclasses import dataclass
from typing import Generic, TypeVar

import numpy as np
import pytest

import gradx as gx
from gradx.testing import check_grads, check_value_laws
from tests.core.samples import same
from tests.values.user_types import Expression, Quaternion, Sparse, register_all, symbol


@pytest.fixture(autouse=True)
def registered():
    register_all()


# ---- Quaternions ---------------------------------------------------------------------------------

p, q = Quaternion(0.9, 0.2, -0.4, 0.1), Quaternion(0.3, -0.5, 0.7, 1.1)


def test_quaternions_obey_the_laws():
    check_value_laws(Quaternion, [p, q, Quaternion(1.0)])


def test_the_gradient_of_a_product_of_quaternions_is_a_quaternion():
    g, h = gx.grad(lambda a, b: (a * b).x, argnums=(0, 1))(p, q)
    assert g == Quaternion(q.x, q.w, q.z, -q.y)
    assert h == Quaternion(p.x, p.w, -p.z, p.y)
    check_grads(lambda a, b: a * b * a.conjugate(), p, q)


def test_a_rotation_fitted_to_data_descends():
    points = np.random.default_rng(0).normal(size=(6, 3))
    turned = np.stack([q.rotate(point) for point in points])

    def error(r):
        return sum(np.sum((r.rotate(a) - b) ** 2) for a, b in zip(points, turned, strict=True))

    check_grads(error, p)
    r, losses = p, []
    for _ in range(300):
        loss, g = gx.value_and_grad(error)(r)
        losses.append(loss)
        r = Quaternion(*(a - 0.02 * b for a, b in zip(r, g, strict=True)))
    assert losses[-1] < 1e-6 < losses[0]
    np.testing.assert_allclose(abs(sum(a * b for a, b in zip(r.unit(), q.unit(), strict=True))), 1)


# ---- Sparse vectors ------------------------------------------------------------------------------

v = Sparse(1_000_000, {3: 2.0, 70: -1.0, 500_000: 4.0})


def test_sparse_vectors_obey_the_laws():
    check_value_laws(Sparse, [v, Sparse(1_000_000, {3: 1.0, 9: 2.0}), Sparse(1_000_000, {})])


def test_the_gradient_of_a_sparse_vector_is_sparse():
    assert gx.grad(lambda v: v[3] ** 2 * v[70])(v) == Sparse(v.n, {3: -4.0, 70: 4.0})
    assert gx.grad(lambda v: v.dot({3: 1.0, 70: 2.0, 500_000: 3.0}) ** 2)(v) == Sparse(
        v.n, {3: 24.0, 70: 48.0, 500_000: 72.0}
    )
    assert gx.grad(lambda v: 1.0)(v) == Sparse(v.n, {})
    assert gx.grad(lambda v: v[3] * v[8])(v) == Sparse(v.n, {3: 0.0})


def test_derivatives_of_derivatives_of_sparse_vectors():
    inner = gx.grad(lambda v: v[3] ** 3 * v[70])
    assert gx.grad(lambda v: inner(v)[3])(v) == Sparse(v.n, {3: -12.0, 70: 12.0})


def test_a_sparse_parameter_within_a_model():
    w = np.array([1.0, 2.0])
    y, g = gx.backprop(lambda m: m["v"].dot(m["w"]), {"v": Sparse(2, {1: 3.0}), "w": w})
    assert y == 6.0
    assert g["v"] == Sparse(2, {1: 2.0})
    np.testing.assert_array_equal(g["w"], [0.0, 3.0])


# ---- Symbolic expressions: the gradient is an expression -----------------------------------------

x, y, z = symbol("x"), symbol("y"), symbol("z")


def test_the_gradient_of_an_expression_is_an_expression():
    value, g = gx.backprop(lambda x: np.sqrt(x * 4), x)
    assert isinstance(g, Expression)
    assert (repr(value), repr(g)) == ("sqrt(x * 4)", "1 / (2 * sqrt(x * 4)) * 4")
    assert (value.at(x=9.0), g.at(x=9.0)) == (6.0, 4 * (1 / (2 * math.sqrt(9.0 * 4))))


def test_several_expressions():
    def f(t):
        return np.sqrt(t[0] / t[1]) * t[2]

    wanted = gx.grad(f)([3.0, 5.0, -2.0])
    g = gx.grad_bp(f, [x, y, z])
    np.testing.assert_allclose([e.at(x=3.0, y=5.0, z=-2.0) for e in g], wanted, rtol=1e-12)


@pytest.mark.parametrize(
    "f",
    [
        lambda x: x * x + 3 * x - 1,
        lambda x: x**3 / (1 + x),
        lambda x: 2 / x,
        lambda x: np.exp(-x) * np.sin(x),
        lambda x: x + x,
        lambda x: x - x * 2,
    ],
)
def test_symbolic_and_numeric_gradients_agree_to_the_third_order(f):
    for _ in range(3):
        np.testing.assert_allclose(f(x).at(x=0.7), f(0.7), rtol=1e-12)
        f = gx.grad(f)


def test_an_expression_met_on_either_side_is_a_constant():
    assert repr(gx.grad(lambda t: y * t)(x)) == "1 * y"
    assert repr(gx.grad(lambda t: t * y)(x)) == "1 * y"
    assert repr(gx.grad(lambda t: 3.0)(x)) == "0"
    assert repr(gx.grad(lambda t: t)(x)) == "1"


class Term:
    """A formula of which each form has a class of its own."""

    def __add__(self, other):
        return Sum(self, other) if isinstance(other, Term) else NotImplemented

    def __mul__(self, other):
        return Product(self, other) if isinstance(other, Term) else NotImplemented


@dataclass
class Number(Term):
    number: float

    def eval(self):
        return self.number


@dataclass
class Sum(Term):
    left: Term
    right: Term

    def eval(self):
        return self.left.eval() + self.right.eval()


@dataclass
class Product(Term):
    left: Term
    right: Term

    def eval(self):
        return self.left.eval() * self.right.eval()


def test_a_number_may_have_subclasses():
    for cls in (Term, Number, Sum, Product):
        gx.register_number(cls, zero=Number(0.0), one=Number(1.0))
    g = gx.grad(lambda x: x * x * x)(Number(2.0))
    assert isinstance(g, Sum)
    assert g.eval() == 12.0


# ---- For the length of a block -------------------------------------------------------------------


class Money:
    def __init__(self, cents):
        self.cents = cents


def known_parts():
    return gx.instance(Money, children=["cents"])


def test_an_instance_holds_within_its_block():
    with known_parts():
        assert gx.grad(lambda m: m.cents**2)(Money(3.0)).cents == 6.0
    with pytest.raises(gx.UnregisteredTypeError, match="Money"):
        gx.grad(lambda m: m.cents**2)(Money(3.0))


def test_two_instances_of_one_type():
    pay = gx.op1(lambda m: (m.cents, lambda g: Money(g)))

    def run(add):
        with gx.instance(Money, zero=lambda m: Money(0.0), one=lambda m: Money(1.0), add=add):
            f = gx.lift_op(pay)
            return gx.grad(lambda m: f(m) + 10 * f(m))(Money(3.0)).cents

    assert run(lambda a, b: Money(a.cents + b.cents)) == 11.0
    assert run(lambda a, b: Money(max(a.cents, b.cents))) == 10.0


def test_an_instance_is_of_its_thread():
    found = []

    def elsewhere():
        with pytest.raises(gx.UnregisteredTypeError, match="Money") as raised:
            gx.zero(Money(1.0))
        found.append(raised)

    with known_parts():
        thread = threading.Thread(target=elsewhere)
        thread.start()
        thread.join()
    assert len(found) == 1


def test_instances_nest_and_end_with_an_error_too():
    class Box:
        def __init__(self, money):
            self.money = money

    with pytest.raises(ZeroDivisionError), known_parts(), gx.instance(Box, children=["money"]):
        assert gx.grad(lambda b: b.money.cents**2)(Box(Money(3.0))).money.cents == 6.0
        raise ZeroDivisionError
    with pytest.raises(gx.UnregisteredTypeError):
        gx.zero(Money(1.0))


def test_a_subclass_has_the_instance_of_its_base():
    class Coin(Money):
        pass

    with known_parts():
        assert type(gx.zero(Coin(2.0))) is Coin


@pytest.mark.parametrize("cls", [float, dict, Quaternion])
def test_a_type_that_is_known_has_one_instance_only(cls):
    with (
        pytest.raises(TypeError, match=f"{cls.__name__} is known to gradx already"),
        gx.instance(cls, children=()),
    ):
        pass


def test_an_instance_must_say_enough():
    with (
        pytest.raises(TypeError, match=r"instance\(Money\) needs children=, or all of zero="),
        gx.instance(Money, zero=lambda m: Money(0.0)),
    ):
        pass


# ---- Generic and parametrised dataclasses --------------------------------------------------------

T = TypeVar("T")
U = TypeVar("U")


@dataclass
class Two(Generic[T, U]):
    a: T
    b: U


@dataclass
class Gain(Two[float, int]):
    pass


@dataclass
class Half(Two[T, float]):
    pass


@dataclass
class Whole(Half[float]):
    pass


@dataclass
class Renamed(Generic[U]):
    inner: "Two[U, float]"


@pytest.mark.parametrize(
    ("value", "one"),
    [
        (Two(2.0, [3.0]), Two(1.0, [1.0])),
        (Two[float, str](2.0, "s"), Two(1.0, "s")),
        (Two(2, 3), Two(2, 3)),
        (Gain(2, 3), Gain(1.0, 3)),
        (Half(2, 3), Half(2, 1.0)),
        (Whole(2, 3), Whole(1.0, 1.0)),
        (Renamed(Two(2.0, 3.0)), Renamed(Two(1.0, 1.0))),
    ],
    ids=repr,
)
def test_an_int_is_a_number_where_the_type_variable_is_bound_to_float(value, one):
    assert same(gx.one(value), one)
    assert same(gx.grad_bp(lambda v: v, value), one)


def test_gradients_of_generic_dataclasses():
    g = gx.grad(lambda t: t.a * t.b.a**2 * t.b.b)(Two(2.0, Gain(3, 4)))
    assert same(g, Two(36.0, Gain(48.0, 4)))


# ---- What gradx does not take --------------------------------------------------------------------


def fake(module, name, **attributes):
    return type(name, (), {"__module__": module, **attributes})()


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (
            fake("pandas", "Series"),
            r"type pandas\.Series of the value at .*\['k'\]; pass its numbers as x\.to_numpy\(\).*"
            r"\{name: frame\[name\]\.to_numpy\(\) for name in frame\}.*register_static\(Series\)",
        ),
        (fake("pandas.core.frame", "DataFrame"), r"pandas\.core\.frame\.DataFrame.*to_numpy\(\)"),
        (fake("polars.dataframe", "DataFrame"), r"DataFrame.*for name in frame\.columns\}"),
        (fake("xarray.core", "DataArray"), r"DataArray.*to_numpy\(\).*coordinates"),
        (fake("scipy.sparse", "csr_array"), r"csr_array.*x\.toarray\(\)"),
        (
            fake("torch", "Tensor", __dlpack__=lambda self: None),
            r"torch\.Tensor of the value at .*an array of another library; convert it with "
            r"gx\.from_dlpack\(x\)",
        ),
        (fake("m", "Own"), r"m\.Own of the value.*gx\.register\(Own, children="),
    ],
    ids=lambda x: type(x).__name__,
)
def test_the_error_names_the_remedy_for_values_of_other_libraries(value, text):
    with pytest.raises(gx.UnregisteredTypeError, match=text):
        gx.grad(lambda d: d["x"])({"x": 1.0, "k": value})


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (
            np.zeros(2, [("a", float), ("b", int)]),
            r"a structured array with the fields a, b is not an array of numbers; pass its "
            r"columns, \{name: array\[name\] for name in array\.dtype\.names\}",
        ),
        (np.zeros(2, [("a", float)])[0], r"an item of a structured array.*pass its columns"),
        (
            np.ma.masked_array([1.0, 2.0], [True, False]),
            r"a masked array has no gradient.*np\.where",
        ),
        (np.eye(2).view(np.matrix), r"np\.matrix has no gradient.*np\.asarray\(matrix\)"),
        (np.array([1.0, None]), r"an array of dtype object holds no numbers"),
    ],
    ids=lambda x: str(getattr(x, "dtype", "")),
)
def test_arrays_that_have_no_gradient_say_what_to_pass(value, text):
    for call, path in (
        (lambda: gx.grad(lambda a: np.sum(a))(value), ""),
        (lambda: gx.zero([value]), r"value\[0\]: .*"),
        (lambda: gx.grad_bp(lambda v: v[0] * 1.0, [1.0, value]), r"argument 0\[1\]: .*"),
    ):
        with pytest.raises(gx.NotDifferentiableError, match=path + text):
            call()


def test_the_columns_of_a_structured_array_have_gradients():
    table = np.array([(1.0, 2.0), (3.0, 4.0)], [("a", float), ("b", np.float32)])
    columns = {name: table[name] for name in table.dtype.names}
    g = gx.grad(lambda t: np.sum(t["a"] * t["b"]))(columns)
    assert same(g, {"a": np.array([2.0, 4.0]), "b": np.array([1.0, 3.0], np.float32)})
