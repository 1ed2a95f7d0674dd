"""Errors: every class, what it is, and its text; and what must never happen in silence."""

import math
import pickle

import numpy as np
import pytest

import gradx as gx
from gradx import errors
from gradx.testing import LawError, check_value_laws
from tests.core.samples import Plain, Point

BASES = {
    "UnregisteredTypeError": TypeError,
    "NotDifferentiableError": TypeError,
    "NotLiftedError": TypeError,
    "NotLiftedAttributeError": AttributeError,
    "ConversionError": TypeError,
    "AssignmentError": TypeError,
    "EscapedVarError": RuntimeError,
    "StructureError": ValueError,
    "CotangentError": ValueError,
    "NonScalarError": ValueError,
    "CycleError": ValueError,
    "OpError": ValueError,
}


@pytest.mark.parametrize("name", BASES)
def test_errors_are_of_the_kind_that_python_expects(name):
    error = getattr(errors, name)
    assert issubclass(error, BASES[name]) and issubclass(error, gx.GradxError)


def test_one_base_catches_them_all():
    with pytest.raises(gx.GradxError, match="would drop the gradient"):
        gx.grad_bp(float, 1.0)


def test_the_tree_in_the_docstring_is_complete():
    assert all(name in errors.__doc__ for name in errors.__all__)


# Each with a variable ``v`` of the number 2.0, or of [1.0, 2.0] where it stands for an array.
VALUE = r"BVar\(.*\)"
CONVERSIONS = {
    "float(v)": (float, rf"float\(v\) would drop .*{VALUE}; .*write float\(gx\.value\(v\)\)"),
    "int(v)": (int, r"int\(v\) would drop the gradient.*write int\(gx\.value\(v\)\)"),
    "complex(v)": (complex, r"complex\(v\) would drop.*write complex\(gx\.value\(v\)\)"),
    "v.item()": (lambda v: v.item(), r"v\.item\(\) would drop.*write gx\.value\(v\)\.item\(\)"),
    "v.tolist()": (lambda v: v.tolist(), r"v\.tolist\(\) would drop.*gx\.value\(v\)\.tolist\(\)"),
    "[][v]": (lambda v: [1, 2, 3][v], rf"{VALUE} cannot be used as an index or a count.*gx\.value"),
    "range(v)": (range, "cannot be used as an index or a count"),
    "asarray": (np.asarray, rf"{VALUE} cannot become a plain NumPy array.*gx\.value\(v\)"),
    "np.array([v, v])": (lambda v: np.array([v, v]), r"np\.stack\(\[v, w\]\).*not np\.array"),
    "np.array of a list": (lambda v: np.array([[v, 1.0], [2.0, v]]), r"np\.stack"),
    "np.float64(v)": (np.float64, r"cannot become a plain NumPy array"),
    "math.sin(v)": (math.sin, r"float\(v\) would drop the gradient.*np\.sin, not math\.sin"),
    "math.floor(v)": (math.floor, "would drop the gradient"),
    "pickle": (pickle.dumps, rf"{VALUE} cannot be pickled.*pickle gx\.value\(v\)"),
}


@pytest.mark.parametrize("kind", CONVERSIONS)
def test_conversions_that_would_drop_the_gradient(kind):
    f, text = CONVERSIONS[kind]
    with pytest.raises(gx.ConversionError, match=text):
        gx.grad_bp(f, 2.0)


@pytest.mark.parametrize("x", [np.ones(2), np.float64(1.0), np.array(1.0)], ids=repr)
@pytest.mark.parametrize("f", [float, np.asarray, pickle.dumps, lambda v: v.item()])
def test_conversions_of_arrays(f, x):
    with pytest.raises(gx.ConversionError, match=r"gx\.value\(v\)"):
        gx.grad_bp(f, x)


@pytest.mark.parametrize("f", [float, np.asarray, pickle.dumps, lambda v: np.array([v, v])])
def test_conversions_of_records(f):
    with pytest.raises((gx.ConversionError, gx.NotLiftedError), match=r"gx\.value|parts"):
        gx.grad_bp(f, Plain(1.0, 2.0))


def buffer():
    return np.zeros(3)


def in_place(function):
    def f(v):
        b = buffer()
        return function(b, v)

    return f


def iadd(b, v):
    b += v
    return b


def imul(b, v):
    b *= v
    return b


WRITES = {
    "copyto": (lambda b, v: np.copyto(b, v), r"np\.copyto would write a variable into.*np\.where"),
    "put": (lambda b, v: np.put(b, 0, v), r"np\.put would write.*np\.where or np\.concatenate"),
    "place": (lambda b, v: np.place(b, b == 0, v), r"np\.place would write.*np\.where"),
    "putmask": (lambda b, v: np.putmask(b, b == 0, v), r"np\.putmask would write.*np\.where"),
    "add.at": (
        lambda b, v: np.add.at(b, 0, v),
        r"np\.add\.at .*would write a variable|np\.add\.at",
    ),
    "out=": (lambda b, v: np.add(v, 1.0, out=b), r"np\.add with out= .*write a = np\.add\(…\)"),
    "out= tuple": (lambda b, v: np.exp(v, out=(b,)), r"np\.exp with out="),
    "+=": (iadd, r"np\.add with out= \(also add in place, as in 'a \+= v'\).*instead"),
    "*=": (imul, r"np\.multiply with out="),
    "sum out=": (lambda b, v: np.sum(v * buffer(), out=np.array(0.0)), r"np\.sum with out="),
    "full_like": (
        lambda b, v: np.full_like(b, v),
        r"for np\.full_like\(x, v\) write v \* np\.ones",
    ),
}


@pytest.mark.parametrize("x", [2.0, np.float32(2.0), np.array(2.0), np.ones(3)], ids=repr)
@pytest.mark.parametrize("kind", WRITES)
def test_writing_into_plain_arrays(kind, x):
    write, text = WRITES[kind]
    with pytest.raises(gx.AssignmentError, match=text):
        gx.grad_bp(in_place(write), x)


@pytest.mark.parametrize("x", [2.0, np.float64(2.0), np.array(2.0)], ids=repr)
def test_assigning_an_item_of_a_plain_array(x):
    """NumPy says only that it was given a sequence; the cause says what to write."""
    with pytest.raises((TypeError, ValueError)) as raised:
        gx.grad_bp(in_place(lambda b, v: b.__setitem__(0, v)), x)
    errors = [raised.value, raised.value.__cause__]
    ours = [error for error in errors if isinstance(error, gx.GradxError)]
    assert ours and "gx.value(v)" in str(ours[0])
    assert "np.stack" in str(ours[0]) or "np.where" in str(ours[0])


def test_assigning_a_slice_of_a_plain_array():
    for write in (
        lambda b, v: b.__setitem__(slice(None), v),
        lambda b, v: b.__setitem__(slice(None), [v[0], v[1], v[2]]),
        lambda b, v: np.fill_diagonal(np.diag(b), v),
    ):
        with pytest.raises(
            gx.ConversionError, match=r"write into arrays with np\.where or np\.conc"
        ):
            gx.grad_bp(in_place(write), np.ones(3))


@pytest.mark.parametrize("x", [np.ones(2), (1.0, 2.0), [1.0], {0: 1.0}, 2.0], ids=repr)
def test_assigning_an_item_of_a_variable(x):
    text = rf"an item of {VALUE} cannot be assigned to.*np\.where\(mask, new, v\).*gx\.set\(lens"
    with pytest.raises(gx.AssignmentError, match=text):
        gx.grad_bp(lambda v: v.__setitem__(0, 3.0), x)


def test_assigning_an_attribute_of_a_variable():
    def f(p):
        p.x = 3.0
        return p.x

    with pytest.raises((gx.AssignmentError, AttributeError)):
        gx.grad_bp(f, Plain(1.0, 2.0))


def test_deleting_an_item_of_a_variable():
    def f(v):
        del v[0]
        return v

    for x in ([1.0, 2.0], {0: 1.0}):
        with pytest.raises((TypeError, AttributeError)):
            gx.grad_bp(f, x)


@pytest.mark.parametrize("name", ["append", "extend", "insert", "sort", "reverse", "clear", "pop"])
def test_list_methods_that_would_change_the_variable(name):
    """They would change a copy and be lost in silence."""
    arguments = {"append": [1.0], "extend": [[1.0]], "insert": [0, 1.0]}.get(name, [])

    def f(v):
        getattr(v, name)(*arguments)
        return v

    with pytest.raises((gx.AssignmentError, gx.NotLiftedError), match=name):
        gx.grad_bp(f, [2.0, 1.0])


@pytest.mark.parametrize(
    ("name", "arguments"), [("update", [{"a": 2.0}]), ("pop", ["a"]), ("clear", [])]
)
def test_dict_methods_that_would_change_the_variable(name, arguments):
    def f(v):
        getattr(v, name)(*arguments)
        return v

    with pytest.raises((gx.AssignmentError, gx.NotLiftedError), match=name):
        gx.grad_bp(f, {"a": 1.0})


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda v: v.sort(), r"\.sort would change a variable in place.*write np\.sort\(v\)"),
        (lambda v: v.fill(1.0), r"\.fill would change.*np\.ones_like"),
        (lambda v: v.put(0, 1.0), r"\.put would change.*np\.where"),
        (lambda v: v.resize(3), r"\.resize would change"),
        (lambda v: v.partition(1), r"\.partition would change.*np\.partition"),
    ],
)
def test_array_methods_that_would_change_the_variable(call, text):
    with pytest.raises(gx.AssignmentError, match=text):
        gx.grad_bp(call, np.ones(2))


# ---- Not lifted ----------------------------------------------------------------------------------


def test_functions_that_are_not_lifted_say_so():
    advice = r"has no derivative in gradx yet; .*@gx\.lift \(result and pullback\).*gx\.value\(v\)"
    with pytest.raises(gx.NotLiftedError, match=r"np\.i0 " + advice):
        gx.grad_bp(np.i0, np.ones(2))
    with pytest.raises(gx.NotLiftedError, match=r"np\.gcd " + advice):
        gx.grad_bp(lambda v: np.gcd(v, 2), np.ones(2))


def test_keywords_of_ufuncs_that_are_not_lifted_say_so():
    with pytest.raises(gx.NotLiftedError, match=r"np\.exp with where= .*np\.where\(condition"):
        gx.grad_bp(lambda v: np.exp(v, where=np.array([True, False])), np.ones(2))


def test_attributes_that_are_not_lifted_say_so():
    with pytest.raises(
        errors.NotLiftedAttributeError, match=r"\.tobytes of a variable has no deriv"
    ):
        gx.grad_bp(lambda v: v.tobytes(), np.ones(2))
    with pytest.raises(errors.NotLiftedAttributeError, match=r"gx\.value\(v\)\.data"):
        gx.grad_bp(lambda v: v.data, np.ones(2))


def test_attributes_that_do_not_exist_say_so():
    with pytest.raises(AttributeError, match="'ArrayVar' object has no attribute 'foo'"):
        gx.grad_bp(lambda v: v.foo, np.ones(2))
    with pytest.raises(AttributeError, match="'Plain' has no attribute 'z'; it has x, y"):
        gx.grad_bp(lambda v: v.z, Plain(1.0, 2.0))
    assert not hasattr(gx.grad_bp(lambda v: getattr(v, "foo", v), 1.0), "foo")


def test_arrays_of_records_are_refused():
    with pytest.raises((gx.NotLiftedError, TypeError)):
        gx.grad_bp(lambda p: np.exp(p), Point(1.0, 2.0))
    with pytest.raises((gx.NotLiftedError, TypeError)):
        gx.grad_bp(lambda p: np.exp(p), {"a": 1.0})


# ---- The laws, checked ---------------------------------------------------------------------------


class Doubtful:
    def __init__(self, x):
        self.x = x

    def __eq__(self, other):
        return self.x == other.x

    def __repr__(self):
        return f"Doubtful({self.x})"


def registered(**wrong):
    right = {
        "zero": lambda d: Doubtful(0.0),
        "add": lambda d, e: Doubtful(d.x + e.x),
        "one": lambda d: Doubtful(1.0),
    }
    gx.register(Doubtful, **{**right, **wrong})


def test_the_laws_of_a_right_type():
    registered()
    check_value_laws(Doubtful, [Doubtful(1.0), Doubtful(2.0), Doubtful(-4.0)])
    check_value_laws(float, [1.0, 2.5, 1e6, -1e6, 1e-3])
    check_value_laws(np.ndarray, [np.ones(2, np.float32), np.array([0.1, 0.2]), np.ones(3)])
    check_value_laws(list, [[1.0, 2.0], [0.1], []])
    check_value_laws(Plain, [Plain(1.0, [0.1]), Plain(0.3, [0.2, 0.7])])


def add_in_place(d, e):
    d.x += e.x
    return d


WRONG_LAWS = {
    "zero(zero(x)) == zero(x)": {"zero": lambda d: Doubtful(d.x / 2)},
    "one(one(x)) == one(x)": {"one": lambda d: Doubtful(d.x + 1)},
    "add(x, zero(x)) == x": {"zero": lambda d: Doubtful(1.0)},
    "add(x, y) == add(y, x)": {"add": lambda d, e: Doubtful(d.x if e.x == 0 else e.x)},
    "add(add(x, y), z) == add(x, add(y, z))": {
        "add": lambda d, e: Doubtful(d.x + e.x if d.x * e.x == 0 else (d.x + e.x) / 2)
    },
    "add(x, y) leaves x as it is": {"add": add_in_place},
}


@pytest.mark.parametrize("law", WRONG_LAWS)
def test_a_broken_law_is_named_with_the_example_and_both_sides(law):
    registered(**WRONG_LAWS[law])
    with pytest.raises(LawError, match=r"the law .*; *|left side is Doubtful") as raised:
        check_value_laws(Doubtful, [Doubtful(2.0), Doubtful(4.0)])
    text = str(raised.value)
    assert text.startswith(f"the law {law} does not hold for x = Doubtful(")
    assert "the left side is Doubtful(" in text and "the right side Doubtful(" in text
    assert isinstance(raised.value, AssertionError)


def test_examples_that_are_no_examples():
    with pytest.raises(ValueError, match="no examples of float to check; give at least one"):
        check_value_laws(float, [])
    with pytest.raises(TypeError, match=r"the example 'a' is a str; give values of float"):
        check_value_laws(float, ["a"])


def test_values_that_cannot_be_compared():
    class Silent:
        pass

    gx.register(Silent, zero=lambda s: Silent(), add=lambda s, t: Silent(), one=lambda s: Silent())
    with pytest.raises(TypeError, match=r"Silent cannot be compared; .*__eq__, or pass equal="):
        check_value_laws(Silent, [Silent()])
    check_value_laws(Silent, [Silent()], equal=lambda s, t: True)


def test_the_checks_do_not_need_pytest():
    import sys

    source = sys.modules["gradx.testing.laws"].__file__
    with open(source, encoding="utf-8") as text:
        assert "pytest" not in text.read()


def test_sums_that_only_one_order_allows():
    def one_way(d, e):
        if d.x > e.x:
            raise gx.StructureError("only upward")
        return Doubtful(max(d.x, e.x))

    registered(add=one_way, zero=lambda d: Doubtful(d.x), one=lambda d: Doubtful(d.x))
    with pytest.raises(LawError, match=r"one side has a value and the other raises StructureError"):
        check_value_laws(Doubtful, [Doubtful(1.0), Doubtful(2.0)])


@pytest.mark.parametrize("x", [np.ones(3), [1.0, 2.0], {0: 1.0}], ids=["array", "list", "dict"])
def test_items_cannot_be_deleted(x):
    def f(v):
        del v[0]
        return v

    with pytest.raises(gx.AssignmentError, match=r"cannot be deleted.*np\.delete"):
        gx.grad_bp(f, x)
