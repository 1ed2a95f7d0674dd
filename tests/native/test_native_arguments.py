"""The C code is given nonsense: it raises, and works on as before."""

import contextlib
import copy
import operator
import pickle
import subprocess
import sys

import numpy as np
import pytest

import gradx as gx
from gradx.native import native
from gradx.ops import numbers
from gradx.reverse.variables import ArrayVar
from tests.native.native import only_native, variable

pytestmark = only_native


@pytest.fixture(autouse=True)
def works_on():
    yield
    assert gx.grad(lambda x: np.sum(x * x / 2.0))(np.arange(3.0)).tolist() == [0.0, 1.0, 2.0]
    both = gx.grad(lambda p: p[0] * 3.0 + np.float64(2.0) * p[1])((2.0, np.float64(1.0)))
    assert both == (3.0, 2.0)


def recorder(form="forward", *rules):
    return native.Recorder(form, numbers.add, operator.add, True, *rules)


def identity(g):
    return g


@pytest.mark.parametrize(
    ("args", "error"),
    [
        ((), TypeError),
        (("forward",), TypeError),
        (("forward", None, None, True, identity, ""), ValueError),
        (("one", None, None, True, identity, "", identity, ""), ValueError),
        (("sideways", None, None, True, identity, ""), ValueError),
        (("one", None, None, True, identity, "z"), ValueError),
        (("one", None, None, True, identity, "aaaaaaa"), ValueError),
        (("one", None, None, True, identity, "a\0b"), ValueError),
        (("one", None, None, True, identity, 3), TypeError),
        ((b"one", None, None, True, identity, "a"), TypeError),
    ],
)
def test_recorders_that_cannot_be(args, error):
    with pytest.raises(error):
        native.Recorder(*args)


def test_operands_that_are_not_the_recorders_own():
    v = variable(np.ones(3))
    forward = recorder("forward", identity, "", identity, "")
    either = recorder("either", identity, "", identity, "")
    one = recorder("one", identity, "")
    for call, args in (
        *((forward, args) for args in [(), (v,), (1.0, v), (v, v, v), (None, None), (object(), v)]),
        *((either, args) for args in [(), (v,), (v, v, v)]),
        *((one, args) for args in [(), (1.0,), (v, v), ([v],), (ArrayVar,)]),
    ):
        with pytest.raises(TypeError, match="was given other operands than its own"):
            call(*args)
    with pytest.raises(TypeError, match="other operands"):
        one(v, x=1.0)
    assert either(1.0, 2.0) is NotImplemented
    for name in ("__add__", "__rsub__", "__neg__"):
        with pytest.raises(TypeError, match="other operands"):
            getattr(ArrayVar, name)(1.0, 2.0)


def test_a_recorder_is_not_copied():
    assert "recorder of" in repr(ArrayVar.__add__)
    for do in (copy.copy, copy.deepcopy, pickle.dumps):
        with pytest.raises(TypeError):
            do(ArrayVar.__add__)


def test_variables_that_no_run_made():
    empty, v, rest = object.__new__(ArrayVar), variable(np.ones(2)), variable(np.ones(2))
    del rest._node
    calls = [operator.add, operator.truediv, operator.matmul, np.add, np.arctan2]
    for blank in (empty, rest):
        for call in calls:
            for args in ((blank, 1.0), (1.0, blank), (blank, v), (v, blank), (blank, blank)):
                with pytest.raises((TypeError, AttributeError, gx.GradxError)):
                    call(*args)
        for call in (operator.neg, np.exp):
            with pytest.raises((TypeError, AttributeError)):
                call(blank)
    with pytest.raises((TypeError, AttributeError)):
        np.sum(empty)


def test_a_run_that_is_none():
    def f(v):
        for run in (None, 3, object()):
            w = variable(np.ones(2))
            w._run = run
            for call in (lambda w=w: w + 1.0, lambda w=w: w * w, lambda w=w: np.exp(w)):
                with pytest.raises(AttributeError):
                    call()
        return v * 2.0

    assert gx.grad(f)(1.0) == 2.0


def test_what_an_operation_holds_does_not_go_in_the_middle_of_it():
    class Meddling(float):
        """A number that empties the variable while that is added to it."""

        def __radd__(self, other):
            v._value, v._node, v._run = None, None, None
            return 5.0

    v = variable(1.0)
    v._value = Meddling(1.0)
    with contextlib.suppress(gx.GradxError, TypeError, AttributeError):
        1.0 + v
    assert v._value is None


def test_protocol_methods_called_by_hand():
    v = variable(np.ones(2))
    for args in (
        (),
        (np.exp,),
        (np.exp, "__call__"),
        (np.exp, "__call__", 1.0),
        (3, "__call__", v),
    ):
        with pytest.raises((TypeError, AttributeError, KeyError)):
            v.__array_ufunc__(*args)
    with pytest.raises(TypeError):
        v.__array_ufunc__([], "__call__", v)
    with pytest.raises(gx.EscapedVarError):
        v.__array_ufunc__(np.exp, "__call__", v)
    for args in (
        (),
        (np.sum,),
        (np.sum, (), (v,), {}, None),
        (np.sum, (), 3, {}),
        (3, (), (v,), {}),
    ):
        with pytest.raises((TypeError, gx.GradxError)):
            v.__array_function__(*args)
    with pytest.raises(TypeError):
        ArrayVar.__array_ufunc__(1.0, np.exp, "__call__", v)
    with pytest.raises(TypeError):
        ArrayVar.__array_function__(None, np.sum, (), (v,), {})


def test_many_operands_and_names():
    v = variable(np.ones(2))
    with pytest.raises((TypeError, gx.GradxError)):
        v.__array_ufunc__(np.exp, "__call__", *([v] * 20))
    names = {f"k{i}": i for i in range(20)}
    with pytest.raises((TypeError, gx.GradxError)):
        v.__array_ufunc__(np.exp, "__call__", v, **names)


def test_products_of_nonsense():
    x, column, row = np.ones((2, 3)), np.ones(2), np.ones(3)
    strange = (None, 1.0, [1.0], row.astype(np.float32), row.astype(">f8"), np.ones(6)[::2], x)
    for other in strange:
        assert native.outer(column, other) is None and native.outer(other, row) is None
        assert not native.subtract_outer(x, 1.0, column, other)
        assert not native.subtract_outer(x, 1.0, other, row)
    read_only = x.copy()
    read_only.flags.writeable = False
    for other in (None, x.T, read_only, np.asfortranarray(x), np.ones((2, 4)), np.ones(6)):
        assert not native.subtract_outer(other, 1.0, column, row)
    assert native.outer() is None and not native.subtract_outer(x)
    with pytest.raises(TypeError):
        native.subtract_outer(x, "rate", column, row)
    assert x.tolist() == np.ones((2, 3)).tolist()


def test_whether_a_step_can_be_done_is_told_without_doing_it():
    x, column, row = np.ones((2, 3)), np.ones(2), np.ones(3)
    assert native.subtract_outer(x, None, column, row) is True
    assert native.subtract_scaled(x, None, x + 1.0) is True
    for other in (None, row, x.T, np.ones((2, 3), np.float32)):
        assert native.subtract_outer(x, None, other, row) is False
        assert native.subtract_scaled(x, None, other) is False
    assert x.tolist() == np.ones((2, 3)).tolist()


def test_a_rate_that_changes_the_arrays():
    class Rate:
        def __float__(self):
            column.resize(0, refcheck=False)
            return 1.0

    x, column = np.ones((2, 3)), np.ones(2)
    assert not native.subtract_outer(x, Rate(), column, np.ones(3))
    assert x.tolist() == np.ones((2, 3)).tolist()


def test_a_matrix_is_not_subtracted_from_itself():
    x = np.arange(9.0).reshape(3, 3)
    assert not native.subtract_outer(x, 1.0, x[0], np.ones(3))
    assert x.tolist() == np.arange(9.0).reshape(3, 3).tolist()
    assert native.subtract_outer(x, 1.0, np.ones(3), x[0])  # the row is copied
    assert x.tolist() == (np.arange(9.0).reshape(3, 3) - np.arange(3.0)).tolist()


@pytest.mark.parametrize(
    "objects",
    [
        {"nonsense": 1},
        {"Variable": int},
        {"BVar": int},
        {"BVar": 3},
        {"Tape": dict},
        {"Tape": object, "apply": None},
        {"BVar": int, "apply": None},
    ],
)
def test_objects_that_it_cannot_use_are_not_used(objects):
    with pytest.raises((TypeError, AttributeError)):
        native.use(**objects)
    assert gx.grad(lambda x: 1 / x + (x + np.float32(1.0)))(2.0) == 0.75


def test_objects_without_names_are_not_used():
    for args, named in (((1,), {}), ((1,), {"apply": None})):
        with pytest.raises(TypeError, match="by name"):
            native.use(*args, **named)


def test_alone_it_refuses():
    """The extension without gradx, which tells it what it works on."""
    code = f"""
import importlib.util, operator, numpy as np
spec = importlib.util.spec_from_file_location("gradx.native._native", {native.__file__!r})
native = importlib.util.module_from_spec(spec)
spec.loader.exec_module(native)
pull = lambda g: g
one = native.Recorder("one", 1, operator.neg, True, pull, "a")
two = native.Recorder("forward", 1, operator.add, True, pull, "a", pull, "b")
either = native.Recorder("either", 1, operator.add, True, pull, "a", pull, "b")
assert either(1, 2) is NotImplemented
for call in (
    lambda: one(1.0), lambda: two(1.0, 2.0), lambda: native.sweep([], {{1: 1.0}}),
    lambda: native.sweep([()], {{}}), native.sweep, native.protocol_methods, native.use,
):
    try:
        call()
    except (TypeError, RuntimeError):
        continue
    raise SystemExit("nothing was refused")
assert native.outer(np.ones(2), np.ones(2)).tolist() == [[1, 1], [1, 1]]
"""
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
