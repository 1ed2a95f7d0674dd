"""When a call of adopted code is over, objects hold what the plain program has put there."""

import collections
import functools
import math
import pickle
import types

import numpy as np
import pytest
import scipy.linalg

import gradx as gx
from gradx.adoption.classes import is_adopted_class
from gradx.control.finding import variables_behind


def smooth(x):
    return float(math.tanh(x))


def sharp(x):
    return float(math.exp(x))


class Model:
    """What a program keeps between its calls."""

    def __init__(self, act=None):
        self.act = act

    def own(self, x):
        return float(math.sin(x))

    def __call__(self, x):
        return self.act(x)


class Slotted:
    __slots__ = ("act", "rest")

    def own(self, x):
        return float(math.sin(x))


KEPT, SLOTTED, SPACE = Model(), Slotted(), types.SimpleNamespace()
LIST, DICT, QUEUE, KEYS, SET = [], {}, collections.deque(), {}, set()
OTHER = Model(smooth)


def outlined(x):
    """Only the kinds of what a program has left, and by which names it is found."""
    if isinstance(x, types.FunctionType):
        return x if "<locals>" not in x.__qualname__ else (x.__code__, x.__globals__ is globals())
    if isinstance(x, types.MethodType):
        return "method", outlined(x.__func__), id(x.__self__)
    if isinstance(x, functools.partial):
        return "partial", outlined(x.func), [outlined(part) for part in x.args]
    if isinstance(x, (list, tuple, collections.deque, set)):
        return type(x), [outlined(part) for part in x]
    if isinstance(x, dict):
        return type(x), [(outlined(key), outlined(part)) for key, part in x.items()]
    if isinstance(x, (Model, types.SimpleNamespace)):
        return type(x), outlined(vars(x))
    if isinstance(x, Slotted):
        return type(x), outlined([getattr(x, name, None) for name in Slotted.__slots__])
    if isinstance(x, float) or type(x).__module__.startswith("gradx"):
        return "number"
    return x


# --- What a program puts into what ----------------------------------------------------------------

THINGS = {
    "a function": lambda x: smooth,
    "a bound method": lambda x: OTHER.own,
    "its own method": lambda x: KEPT.own,
    "a method of a class": lambda x: Model.own,
    "a function of math": lambda x: math.sin,
    "a function of NumPy": lambda x: np.linalg.norm,
    "a ufunc": lambda x: np.exp,
    "a function of SciPy": lambda x: scipy.linalg.cholesky,
    "a module": lambda x: np.linalg,
    "a module of SciPy": lambda x: scipy.linalg,
    "a class": lambda x: Model,
    "a class of NumPy": lambda x: (np.float64, np.ndarray),
    "an instance of the program": lambda x: OTHER,
    "a new instance": lambda x: Model(smooth),
    "a partial": lambda x: functools.partial(smooth, 2.0),
    "a list": lambda x: [smooth, [sharp, 1.0]],
    "a dict": lambda x: {"smooth": smooth, "more": {"sharp": (sharp, 1.0)}},
    "a dict by functions": lambda x: {smooth: sharp, Model: 1.0},
    "a set": lambda x: {smooth},
    "a tuple": lambda x: (1.0, (smooth, OTHER.own)),
    "a lambda": lambda x: lambda t: math.sin(t) + smooth(t),
    "a closure": lambda x: doubled(smooth),
    "what it was in a list": lambda x: OTHER.act,
    "a variable beside it": lambda x: [x, smooth],
}


def doubled(f):
    def twice(x, scale=2.0):
        return scale * f(x)

    return twice


def into_an_attribute(x, thing):
    KEPT.act = thing(x)
    return x * 1.0


def into_a_slot(x, thing):
    SLOTTED.act = thing(x)
    return x * 1.0


def into_a_namespace(x, thing):
    SPACE.act = thing(x)
    return x * 1.0


def into_a_list(x, thing):
    LIST.append(thing(x))
    return x * 1.0


def into_a_dict(x, thing):
    DICT["act"] = thing(x)
    return x * 1.0


def into_a_queue(x, thing):
    QUEUE.append(thing(x))
    return x * 1.0


def as_a_key(x, thing):
    new = thing(x)
    if not isinstance(new, (list, dict, set)):
        KEYS[new] = 1.0
        SET.add(new)
    return x * 1.0


def into_an_argument(x, thing, model=KEPT):
    model.acts = [thing(x)]
    model.table = {"act": thing(x)}
    return x * 1.0


def into_a_new_object(x, thing):
    KEPT.rest = Model(thing(x))
    KEPT.rest.rest = [Model(thing(x))]
    return x * 1.0


PLACES = (into_an_attribute, into_a_slot, into_a_namespace, into_a_list, into_a_dict, into_a_queue)
PLACES += (as_a_key, into_an_argument, into_a_new_object)


def emptied():
    for x in (KEPT, SPACE):
        vars(x).clear()
    for x in (LIST, DICT, QUEUE, KEYS, SET):
        x.clear()
    SLOTTED.act = SLOTTED.rest = KEPT.act = None
    KEPT.acts, KEPT.table = [sharp], {"sharp": sharp}
    LIST.append(sharp)


def everything():
    return [outlined(x) for x in (KEPT, SLOTTED, SPACE, LIST, DICT, QUEUE, KEYS, SET, OTHER)]


@pytest.mark.parametrize("place", PLACES, ids=lambda f: f.__name__)
@pytest.mark.parametrize("thing", THINGS)
def test_objects_hold_what_the_plain_program_puts_there(place, thing):
    if place is as_a_key and thing == "a variable beside it":
        pytest.skip("a variable is no key")
    emptied()
    place(0.5, THINGS[thing])
    wanted = everything()
    emptied()
    adopted = gx.adopt(place)
    assert gx.grad(lambda x: adopted(x, THINGS[thing]))(0.5) == 1.0
    assert everything() == wanted
    assert gx.grad(lambda x: adopted(x, THINGS[thing]))(0.5) == 1.0
    emptied()
    place(0.5, THINGS[thing])
    place(0.5, THINGS[thing])
    again = everything()
    emptied()
    for _ in range(2):
        gx.grad(lambda x: adopted(x, THINGS[thing]))(0.5)
    assert everything() == again


def test_so_they_do_after_an_error():
    def fails(x, model):
        model.act = smooth
        model.acts.append(model.own)
        raise ZeroDivisionError

    model = Model()
    model.acts = [sharp]
    with pytest.raises(ZeroDivisionError):
        gx.grad(lambda x: gx.adopt(fails)(x, model))(0.5)
    assert (model.act, model.acts) == (smooth, [sharp, model.own])
    assert type(model) is Model


def test_what_is_left_is_plain_and_differentiable_again():
    model = Model(smooth)

    def exchanges(x):
        model.act = [smooth, sharp, lambda t: float(t) * 3.0][len(str(model.act)) % 2 * 2]
        return model(x)

    adopted = gx.adopt(exchanges)
    for _ in range(3):
        value, gradient = gx.value_and_grad(adopted)(0.5)
        assert type(model(0.5)) is float
        assert value == exchanges(0.5) == model(0.5)
        assert gradient == pytest.approx((model(0.5 + 1e-6) - model(0.5 - 1e-6)) / 2e-6, rel=1e-6)
    assert pickle.loads(pickle.dumps(Model(smooth))).act is smooth


def test_closures_that_are_left_share_what_they_have_caught():
    def makes(x, model):
        count, f = [0], smooth

        def up(t):
            nonlocal f
            count[0] += 1
            f = sharp
            return f(t)

        model.up, model.seen = up, lambda: (count[0], f)
        return x * up(x)

    model = Model()
    gx.grad(lambda x: gx.adopt(makes)(x, model))(0.5)
    assert model.seen() == (1, sharp)
    assert model.up(0.5) == sharp(0.5)
    assert model.seen() == (2, sharp)


# --- What the caller has put there stays ----------------------------------------------------------


def test_adopted_functions_of_the_caller_stay():
    its, module = gx.adopt(smooth), gx.adopt("tests.adoption.programs")
    model, calls = Model(its), [its, gx.math.sin, module.limiter, gx.numpy.exp]
    model.calls, model.cls = list(calls), gx.adopt(Model)

    def runs(x, model):
        model.calls.append(sharp)
        return model(x) * model.calls[1](x) * model.cls(smooth)(x)

    value, gradient = gx.value_and_grad(lambda x: gx.adopt(runs)(x, model))(0.5)
    assert value == smooth(0.5) ** 2 * math.sin(0.5)
    assert gradient
    assert model.act is its
    assert [*map(id, model.calls)] == [*map(id, [*calls, sharp])], model.calls
    assert is_adopted_class(model.cls)


def test_instances_of_adopted_classes_stay():
    adopted = gx.adopt(Model)
    model, others = adopted(smooth), [adopted(smooth), Model(smooth)]

    def runs(x, model, others):
        model.new, model.act = Model(sharp), sharp
        return model(x) * others[0](x) * others[1](x)

    gx.grad(lambda x: gx.adopt(runs)(x, model, others))(0.5)
    assert type(model) is adopted
    assert [type(each) for each in others] == [adopted, Model]
    assert model.act is sharp
    assert (type(model.new), model.new.act) == (Model, sharp)


# --- Results --------------------------------------------------------------------------------------


def test_results_hold_originals_and_closures_that_take_variables():
    def makes(x):
        return {
            "smooth": smooth,
            "pair": (Model, OTHER.own, math.sin),
            "new": Model(smooth),
            "power": lambda t: np.array([x, t]).prod(),
        }

    def loss(x):
        made = gx.adopt(makes)(x)
        assert made["smooth"] is smooth
        assert made["pair"] == (Model, OTHER.own, math.sin)
        assert made["pair"][0] is Model
        assert (type(made["new"]), made["new"].act) == (Model, smooth)
        return made["power"](x * 2.0)

    assert gx.grad(loss)(0.5) == pytest.approx(2.0)


def test_a_function_that_is_the_result_is_an_adopted_one():
    chosen = []

    def loss(x):
        chosen.append(gx.adopt(lambda x: smooth)(x))
        return chosen[0](x)

    assert gx.grad(loss)(0.5) == gx.grad(gx.adopt(smooth))(0.5)
    assert chosen[0](0.5) == smooth(0.5)


def test_an_object_that_returns_itself_is_the_same():
    def returns(x, model):
        return model, [OTHER], x

    def loss(x):
        model = Model(smooth)
        result = gx.adopt(returns)(x, model)
        assert result[0] is model
        assert result[1][0] is OTHER
        return result[2]

    assert gx.grad(loss)(0.5) == 1.0


# --- After it -------------------------------------------------------------------------------------


def filled(x):
    y = np.zeros(2)
    y[0], y[1] = math.sin(x), smooth(x)
    return y.sum()


def recomputed_closure(x):
    model = Model(filled)
    return gx.checkpoint(lambda t: model(t) * model.own(t))(x)


def recomputed_method(x):
    return gx.checkpoint(OTHER.own)(x) * gx.checkpoint(filled)(x)


@pytest.mark.parametrize("program", [recomputed_closure, recomputed_method])
def test_what_runs_again_in_the_backward_sweep(program):
    value, gradient = gx.value_and_grad(gx.adopt(program))(0.5)
    assert value == program(0.5)
    assert gradient == pytest.approx((program(0.5 + 1e-6) - program(0.5 - 1e-6)) / 2e-6, rel=1e-6)


HELD = []


def cube(x):
    return x**3


def test_a_checkpoint_of_an_adopted_function_does_not_look_through_its_program():
    """Else it would ask for every global of the module, and take what is none of the function's."""

    def loss(x):
        f = gx.adopt(cube)
        y = f(x)
        HELD.append(y)
        assert variables_behind(f) == []
        return gx.checkpoint(f)(x)

    assert gx.grad(loss)(2.0) == 12.0
    HELD.clear()
