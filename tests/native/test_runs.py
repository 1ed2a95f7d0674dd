"""Runs in C: what is lifted, kept of the result and settled is what Python does."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
import pytest

import gradx as gx
from gradx.native import native
from gradx.reverse.lift import FunctionMetError, inputs_lifted, lifted_inputs, no_function
from gradx.reverse.run import Execution, executed, names_of
from gradx.reverse.tape import Tape
from gradx.values.operations import leaves_of
from tests.native.native import bits, blocks_kept, only_native

pytestmark = only_native


@dataclass
class Layer:
    w: Any
    b: Any = 0.5
    name: str = field(default="layer", metadata={"gradx": "static"})


class Pair(NamedTuple):
    a: Any
    b: Any


class Custom:
    def __init__(self, x):
        self.x = x


SHARED = Layer(np.ones(2))
INPUTS: dict[str, tuple[Any, ...]] = {
    "number": (2.0,),
    "scalar": (np.float64(2),),
    "whole number": (3,),
    "array": (np.arange(3.0),),
    "complex": (np.ones(2) + 1j,),
    "single": (np.ones(2, np.float32),),
    "record": (Layer(np.ones((2, 3)), 2.0),),
    "records": (Pair(Layer(np.ones(2)), [1.0, {"a": np.ones(2)}]), 3.0),
    "text and None": ({"a": "text", "b": None, "c": 1.0, "d": np.arange(3)},),
    "shared": ([SHARED, SHARED],),
    "function": ([2.0, len],),
    "method": ({"x": SHARED, "f": SHARED.__init__},),
    "empty": ([], 2.0),
    "large": ([1.0] * 20_000,),
    "whole numbers": (np.arange(3),),
    "a string": ("name",),
    "nothing": (None, 2.0),
    "unregistered": ([1.0, Custom(2.0)],),
    "unregistered itself": (Custom(2.0),),
    "objects": (np.array([1.0, None], object),),
    "structured": ([np.zeros(2, [("a", float)])],),
    "itself": ([1.0],),
}
INPUTS["itself"][0].append(INPUTS["itself"][0])


def total(*xs):
    return sum(np.sum(x) for x in leaves_of(list(xs)) if not isinstance(x, str))


def raising(kind):
    def f(*xs):
        raise kind("bad")

    return f


FUNCTIONS: dict[str, Callable[..., Any]] = {
    "total": total,
    "nothing of them": lambda *xs: 2.0,
    "all": lambda *xs: xs,
    "twice": lambda *xs: {"a": (y := total(*xs)), "b": [y, "text"], "c": 1.0},
    "view": lambda *xs: leaves_of(list(xs))[0],
    "type error": lambda *xs: total(*xs) + "a",
    "value error": raising(ValueError),
    "key error": raising(KeyError),
    "interrupt": raising(KeyboardInterrupt),
    "unregistered": lambda *xs: Custom(xs),
    "math": lambda *xs: __import__("math").exp(total(*xs)),
}


def shown(run):
    value = [bits(x) if not isinstance(x, str) else x for x in leaves_of(run.value)]
    places = {id(node): i for i, node in enumerate((*run.leaves, *run.nodes))}
    own = [None if o is None else places[o] for o in run.outputs]
    seeds = run.ones()
    return (
        *(value, repr(run.value)[:200], own, list(map(bits, run.primals)), len(run.leaves)),
        *(len(run.nodes), run.aux, run.tape.nodes, run.tape.inputs[1], list(map(bits, seeds))),
    )


def finished(make, f, inputs):
    """What is to be seen of a run and of its gradients, or the error."""
    names = names_of(len(inputs))
    try:
        run = make(f, inputs, names)
        seen = shown(run)
        gradients = run.gradients(reversed(run.nodes), run.ones())
        return seen, repr(gradients)[:2000], list(map(bits, leaves_of(gradients)))
    except (Exception, KeyboardInterrupt) as error:
        return type(error), str(error), getattr(error, "__notes__", None), type(error.__cause__)


@pytest.mark.parametrize("function", FUNCTIONS)
@pytest.mark.parametrize("inputs", INPUTS)
def test_a_run_is_as_in_python(inputs, function, monkeypatch):
    f, xs = FUNCTIONS[function], INPUTS[inputs]
    by_c = finished(executed, f, xs)
    monkeypatch.setattr("gradx.reverse.run.native", None)
    assert finished(Execution, f, xs) == by_c


REFUSED = (
    *("whole numbers", "a string", "unregistered", "unregistered itself", "structured", "itself"),
    "objects",
)
LEFT = ("function", "method")


@pytest.mark.parametrize("inputs", [x for x in INPUTS if x not in REFUSED])
def test_what_is_left_to_python(inputs):
    xs = INPUTS[inputs]
    run = native.executed(lambda *xs: 1.0, xs, names_of(len(xs)))
    assert (run is None) is (inputs in LEFT)


def test_a_function_is_told():
    assert no_function("name", None) == "name"
    with pytest.raises(FunctionMetError, match="a function is among the inputs"):
        no_function(len, None)


def test_a_watched_run_is_left_to_python():
    with gx.debug():
        assert native.executed(total, (2.0,), ("x",)) is None


def test_runs_in_runs():
    def f(x):
        inner = native.executed(lambda y: y * x * y, (x,), ("y",))
        (g,) = native.cotangents(inner, reversed(inner.nodes), inner.ones())
        return g

    assert gx.grad(f)(3.0) == gx.grad(lambda x: gx.grad(lambda y: y * x * y)(x))(3.0)


def test_a_run_that_raised_is_closed():
    kept = []

    def f(x):
        kept.append(x)
        raise ValueError

    with pytest.raises(ValueError):
        gx.grad(f)(2.0)
    with pytest.raises(gx.EscapedVarError):
        kept[0] * 2.0


@pytest.mark.parametrize("run", [native and native.executed, Execution])
def test_an_interrupt_while_an_error_is_explained_comes_out(run):
    class Interrupting(ValueError):
        def __str__(self):
            raise KeyboardInterrupt

    def f(x):
        raise Interrupting

    with pytest.raises(KeyboardInterrupt) as caught:
        run(f, (2.0,), ("x",))
    assert isinstance(caught.value.__context__, Interrupting)


def test_writes_end_with_the_run():
    """An outer variable into which an inner run writes goes back when that ends."""

    def f(x):
        y = x * 1.0

        def inner(z):
            y[0] = z * z
            return np.sum(y)

        g = gx.grad(inner)(3.0)
        return np.sum(y) * g

    assert gx.grad(f)(np.ones(2)).tolist() == [0.0, 6.0]


@pytest.mark.parametrize("xs", [(2.0,), ([1.0, np.ones(2)],), (Layer(1.0), Pair(1.0, "a"), 2.0)])
def test_inputs_are_lifted_as_in_python(xs):
    assert lifted_inputs is native.lifted_inputs
    noted, again = [], []
    names = names_of(len(xs))
    one = native.lifted_inputs(xs, names, lambda x, spec: -x, None, noted)
    assert repr(one) == repr(inputs_lifted(xs, names, lambda x, spec: -x, None, again))
    assert list(map(type, noted)) == list(map(type, again))


def test_a_changed_input_is_found():
    x = [1.0, 2.0]

    def f(v):
        x.append(3.0)
        return v[0] * v[1]

    with pytest.raises(gx.AliasError, match="has not the parts that it had"):
        gx.grad(f)(x)
    x = [1.0, 2.0]

    def shorter(v):
        x.pop()
        return v[0] * v[1]

    with pytest.raises(gx.AliasError, match="has not the parts that it had"):
        gx.grad(shorter)(x)


def test_nothing_is_left_behind():
    def once():
        for inputs in ("record", "records", "shared", "text and None", "a string", "structured"):
            for f in FUNCTIONS.values():
                finished(executed, f, INPUTS[inputs])

    assert blocks_kept(once, 20) < 3


@pytest.mark.parametrize("args", [(), (1, 2), (1, 2, 3, 4)])
def test_wrong_arguments(args):
    with pytest.raises(TypeError, match="internal error: executed"):
        native.executed(*args)
    with pytest.raises(TypeError, match="internal error: cotangents"):
        native.cotangents(*args)
    with pytest.raises(TypeError, match="internal error: lifted_inputs"):
        native.lifted_inputs(*args)


def test_arguments_of_other_types():
    run = executed(total, (2.0,), ("x",))
    with pytest.raises(TypeError, match="internal error"):
        native.cotangents(run, run.nodes, ())
    with pytest.raises(TypeError):
        native.executed(total, 3, ("x",))
    with pytest.raises(TypeError):
        native.executed(total, (2.0, 3.0), ("x",))
    with pytest.raises(TypeError):
        native.executed(None, (2.0,), ("x",))
    assert native.cotangents(object.__new__(Execution), [], []) is None
    run.tape = Tape
    assert native.cotangents(run, run.nodes, [1.0]) is None
