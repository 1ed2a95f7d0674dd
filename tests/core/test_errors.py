"""Errors: every class, what it is, and its text; and what must never happen in silence."""

import copy
import math
import pickle

import numpy as np
import pytest

import gradx as gx
from gradx import errors
from gradx.testing import LawError, check_value_laws
from tests.core.samples import Plain, Point, same

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
    "float(v)": (
        float,
        rf"^use .*write float\(gx\.value\(v\)\).*: float\(v\) would drop .*{VALUE}$",
    ),
    "int(v)": (int, r"write int\(gx\.value\(v\)\).*int\(v\) would drop the gradient"),
    "complex(v)": (complex, r"write complex\(gx\.value\(v\)\).*complex\(v\) would drop"),
    "asarray of a dtype": (lambda v: np.asarray(v, float), r"float\(v\) would drop the gradient"),
    "np.float64(v)": (np.float64, r"float\(v\) would drop the gradient"),
    "math.sin(v)": (math.sin, r"np\.sin, not math\.sin.*float\(v\) would drop the gradient"),
    "pickle": (pickle.dumps, rf"{VALUE} cannot be pickled.*pickle gx\.value\(v\)"),
}


@pytest.mark.parametrize("kind", CONVERSIONS)
def test_conversions_that_would_drop_the_gradient(kind):
    f, text = CONVERSIONS[kind]
    with pytest.raises(gx.ConversionError, match=text):
        gx.grad_bp(f, 2.0)


def asfloat(v):
    return np.asarray(v, float)


@pytest.mark.parametrize("x", [np.ones(2), np.float64(1.0), np.array(1.0)], ids=repr)
@pytest.mark.parametrize("f", [float, asfloat, pickle.dumps])
def test_conversions_of_arrays(f, x):
    """Of a scalar NumPy may say only that it is a sequence; the cause says what to write."""
    with pytest.raises((gx.ConversionError, ValueError)) as raised:
        gx.grad_bp(f, x)
    ours = [e for e in (raised.value, raised.value.__cause__) if isinstance(e, gx.ConversionError)]
    assert ours and "gx.value(v)" in str(ours[0])


def test_lists_of_an_array_would_drop_the_gradient():
    with pytest.raises(
        gx.ConversionError, match=r"gx\.value\(v\)\.tolist\(\).*v\.tolist\(\) would"
    ):
        gx.grad_bp(lambda v: v.tolist(), np.ones(2))
    with pytest.raises(gx.ConversionError, match=r"gx\.value\(v\)\.item\(\).*v\.item\(\) would"):
        gx.grad_bp(lambda v: v.item(), np.ones(1, np.longdouble))


@pytest.mark.parametrize("name", ["item", "tolist", "shape", "dtype", "__len__", "__index__"])
def test_a_number_has_no_attributes_of_an_array(name):
    with pytest.raises(AttributeError, match=f"'float' variable has no attribute '{name}'"):
        gx.grad_bp(lambda v: getattr(v, name), 2.0)


@pytest.mark.parametrize("x", [1.0, 1], ids=repr)
@pytest.mark.parametrize("f", [lambda v: [1, 2, 3][v], range, lambda v: [0.0] * v, np.zeros])
def test_a_number_as_an_index_a_size_or_a_count(f, x):
    """Python says so itself for floats; an int would lose its gradient."""
    with pytest.raises(TypeError):
        gx.grad_bp(f, x)


def test_rounded_numbers_are_plain():
    f = lambda v: (math.floor(v) + math.ceil(v) + math.trunc(v) + round(v)) * v  # noqa: E731
    assert gx.backprop(f, 2.5) == (22.5, 9.0)


def test_conversions_of_records_are_those_of_their_class():
    with pytest.raises(TypeError, match="not 'Plain'"):
        gx.grad_bp(float, Plain(1.0, 2.0))
    with pytest.raises(gx.ConversionError, match=r"pickle gx\.value\(v\)"):
        gx.grad_bp(pickle.dumps, Plain(1.0, 2.0))


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
    "copyto": (
        lambda b, v: np.copyto(b, v),
        r"np\.copyto would write a variable into a plain.*gx\.adopt",
    ),
    "put": (
        lambda b, v: np.put(b, 0, v),
        r"np\.put would write a variable into a plain.*gx\.adopt",
    ),
    "place": (
        lambda b, v: np.place(b, b == 0, v),
        r"np\.place would write a variable into a plain.*gx\.adopt",
    ),
    "putmask": (
        lambda b, v: np.putmask(b, b == 0, v),
        r"np\.putmask would write a variable into a plain.*gx\.adopt",
    ),
    "add.at": (
        lambda b, v: np.add.at(b, 0, v),
        r"np\.add\.at .*would write a variable|np\.add\.at",
    ),
    "out=": (lambda b, v: np.add(v, 1.0, out=b), r"np\.add with out= .*gx\.adopt"),
    "out= tuple": (lambda b, v: np.exp(v, out=(b,)), r"np\.exp with out="),
    "+=": (iadd, r"np\.add with out= \(also add in place, as in 'a \+= v'\).*gx\.adopt"),
    "*=": (imul, r"np\.multiply with out="),
    "sum out=": (lambda b, v: np.sum(v * buffer(), out=np.array(0.0)), r"np\.sum with out="),
    "full_like": (lambda b, v: np.full_like(b, v), r"np\.copyto would write"),
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


SLICES = {
    "array": lambda b, v: b.__setitem__(slice(None), v),
    "items": lambda b, v: b.__setitem__(slice(None), [v[0], v[1], v[2]]),
    "diagonal": lambda b, v: np.fill_diagonal(np.diag(b), v),
}


@pytest.mark.parametrize("kind", SLICES)
def test_assigning_a_slice_of_a_plain_array(kind):
    """Of a list NumPy says only that it holds a sequence; the cause says what to write."""
    with pytest.raises((gx.ConversionError, ValueError)) as raised:
        gx.grad_bp(in_place(SLICES[kind]), np.ones(3))
    texts = [str(raised.value), str(raised.value.__cause__)]
    assert any("np.where" in text and "gx.value(v)" in text for text in texts)


def test_deleting_an_item_of_an_array():
    with pytest.raises(ValueError, match=r"cannot delete array elements.*np\.delete"):
        gx.grad_bp(lambda v: v.__delitem__(0), np.ones(3))


@pytest.mark.parametrize("x", [(1.0, 2.0), 2.0], ids=repr)
def test_assigning_an_item_of_what_has_none(x):
    def f(v):
        v[0] = 3.0

    with pytest.raises(TypeError, match="does not support item assignment"):
        gx.grad_bp(f, x)


CHANGES = {
    "list item": (lambda v: v.__setitem__(0, v[1] * v[1]), [2.0, 3.0], [9.0, 3.0], [0.0, 7.0]),
    "list del": (lambda v: v.__delitem__(0), [2.0, 3.0], [3.0], [0.0, 1.0]),
    "list append": (lambda v: v.append(v[0] * 3.0), [2.0], [2.0, 6.0], [4.0]),
    "list extend": (lambda v: v.extend([v[0], 1.0]), [2.0], [2.0, 2.0, 1.0], [2.0]),
    "list insert": (lambda v: v.insert(0, v[0]), [2.0], [2.0, 2.0], [2.0]),
    "list +=": (lambda v: v.__iadd__([v[0] * 5.0]), [2.0], [2.0, 10.0], [6.0]),
    "list sort": (lambda v: v.sort(), [2.0, 1.0], [1.0, 2.0], [1.0, 1.0]),
    "list reverse": (lambda v: v.reverse(), [2.0, 1.0], [1.0, 2.0], [1.0, 1.0]),
    "list clear": (lambda v: v.clear(), [2.0, 1.0], [], [0.0, 0.0]),
    "list pop": (lambda v: v.pop(), [2.0, 1.0], [2.0], [1.0, 0.0]),
    "list slice": (
        lambda v: v.__setitem__(slice(1, 2), v[:1] * 2),
        [2.0, 1.0],
        [2.0] * 3,
        [3.0, 0.0],
    ),
    "dict item": (
        lambda v: v.__setitem__("b", v["a"] ** 2),
        {"a": 3.0},
        {"a": 3.0, "b": 9.0},
        {"a": 7.0},
    ),
    "dict del": (
        lambda v: v.__delitem__("a"),
        {"a": 3.0, "b": 1.0},
        {"b": 1.0},
        {"a": 0.0, "b": 1.0},
    ),
    "dict update": (
        lambda v: v.update(a=v["b"]),
        {"a": 3.0, "b": 1.0},
        {"a": 1.0, "b": 1.0},
        {"a": 0.0, "b": 2.0},
    ),
    "dict pop": (lambda v: v.pop("a"), {"a": 1.0}, {}, {"a": 0.0}),
    "dict setdefault": (
        lambda v: v.setdefault("b", v["a"]),
        {"a": 1.0},
        {"a": 1.0, "b": 1.0},
        {"a": 2.0},
    ),
    "dict clear": (lambda v: v.clear(), {"a": 1.0}, {}, {"a": 0.0}),
    "attribute": (
        lambda p: setattr(p, "x", p.y * 3.0),
        Plain(1.0, 2.0),
        Plain(6.0, 2.0),
        Plain(0.0, 4.0),
    ),
}


@pytest.mark.parametrize("kind", CHANGES)
def test_containers_and_records_are_changed_in_the_run_alone(kind):
    """What Python says happens to the run's own copy; the caller's value stays as it was."""
    change, x, result, gradient = CHANGES[kind]

    def f(v):
        change(v)
        return v

    before = copy.deepcopy(x)
    assert same(gx.backprop(f, x), (result, gradient))
    assert same(x, before)
    assert same(gx.eval_bp(f, copy.deepcopy(x)), result)


def test_an_array_cannot_be_resized():
    with pytest.raises(gx.AssignmentError, match=r"\.resize would change.*np\.resize"):
        gx.grad_bp(lambda v: v.resize(3), np.ones(2))


# ---- Not lifted ----------------------------------------------------------------------------------


def test_functions_that_are_not_lifted_say_so():
    advice = r"has no derivative in gradx yet; .*@gx\.lift \(result and pullback\).*gx\.value\(v\)"
    with pytest.raises(gx.NotLiftedError, match=r"np\.packbits " + advice):
        gx.grad_bp(np.packbits, np.ones(2))
    with pytest.raises(gx.NotLiftedError, match=r"np\.savetxt " + advice):
        gx.grad_bp(lambda v: np.savetxt("unwritten", v), np.ones(2))


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
    with pytest.raises(AttributeError, match="'ndarray' variable has no attribute 'foo'"):
        gx.grad_bp(lambda v: v.foo, np.ones(2))
    with pytest.raises(AttributeError, match="'Plain' object has no attribute 'z'"):
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


# --- What comes first is what to write, and the value is one line at the end ----------------------

LONG = np.linspace(0.0, 1.0, 500)
REMEDIES = {
    "float": (lambda v: float(v[0]), r"^use the lifted function \(np\.sin"),
    "dtype": (lambda v: np.asarray(v, np.float32), r"^cast with v\.astype\(dtype\)"),
    "slice": (lambda v: np.zeros(500).__setitem__(slice(None), v), r"not by a\[:\] = v"),
    "count": (lambda v: np.fft.fft(v, v[0]), r"^write gx\.value\(v\)"),
}


@pytest.mark.parametrize("kind", REMEDIES)
def test_the_remedy_comes_first_and_the_value_last_on_one_line(kind):
    f, text = REMEDIES[kind]
    with pytest.raises(gx.GradxError, match=text) as caught:
        gx.grad_bp(f, LONG)
    said = str(caught.value)
    assert "\n" not in said and said.count("0.0") < 20
    assert 0 <= said.find("write") < said.find("BVar(")
