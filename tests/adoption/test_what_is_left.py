"""When a call of adopted code is over, objects hold what the plain program has put there."""

import collections
import copy
import functools
import math
import pickle
import threading
import types

import numpy as np
import pytest
import scipy.linalg

import gradx as gx
from gradx.adoption.classes import is_adopted_class


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


# --- While it runs --------------------------------------------------------------------------------

SMOOTH, ALIKE = Model(smooth), Model(smooth)
HOLDS = Model(SMOOTH)
CLASSES, CHOICES = {Model: smooth, "none": sharp}, {smooth, sharp}
SLOPES = {smooth: sharp, (Model, 1): smooth}
FROZEN = types.MappingProxyType({"act": smooth})


def same_function(x):
    return x * (3.0 if SMOOTH.act is smooth else 2.0)


def same_of_two_objects(x):
    return x * (3.0 if SMOOTH.act is ALIKE.act and SMOOTH.act == ALIKE.act else 2.0)


def among_others(x):
    return x * (3.0 if SMOOTH.act in (sharp, smooth) and SMOOTH.act in CHOICES else 2.0)


def same_object(x):
    return x * (3.0 if HOLDS.act is SMOOTH and type(HOLDS.act) is Model else 2.0)


def same_method(x):
    return x * (3.0 if SMOOTH.own == HOLDS.act.own and Model.own is Model.own else 2.0)


def by_function(x):
    return SLOPES[SMOOTH.act](x) + SLOPES.get((type(SMOOTH), 1))(x)


def by_class(x):
    return CLASSES[type(SMOOTH)](x) * CLASSES["none"](x) * FROZEN["act"](x)


LIBRARY = Model(np.exp)
LIBRARY.root, LIBRARY.np, LIBRARY.cls = scipy.linalg.cholesky, np, np.float64


def same_of_a_library(x):
    same = LIBRARY.act is np.exp, LIBRARY.root is scipy.linalg.cholesky, LIBRARY.np is np
    zeros = LIBRARY.np.zeros(2)
    zeros[0] = LIBRARY.cls(x)
    return zeros.sum() * (3.0 if all(same) else 2.0)


QUESTIONS = (same_function, same_of_two_objects, among_others, same_object, same_method)
QUESTIONS += (by_function, by_class, same_of_a_library)


@pytest.mark.parametrize("program", QUESTIONS, ids=lambda f: f.__name__)
def test_questions_of_identity_have_the_plain_answer(program):
    plain = program(0.5)
    value, gradient = gx.value_and_grad(gx.adopt(program))(0.5)
    assert value == plain
    step = 1e-6
    assert gradient == pytest.approx((program(0.5 + step) - program(0.5 - step)) / 2 / step)
    assert {*CLASSES, *SLOPES} == {Model, "none", smooth, (Model, 1)}
    assert {smooth, sharp} == CHOICES


def test_a_table_is_read_as_it_is_now():
    table = {"act": smooth}

    def runs(x):
        return table["act"](x)

    adopted = gx.adopt(runs)
    assert gx.value_and_grad(adopted)(0.5)[0] == smooth(0.5)
    table["act"] = sharp
    assert gx.value_and_grad(adopted)(0.5)[0] == sharp(0.5)


def test_a_table_by_class_is_read_as_it_is_now_and_written_into():
    table = {Model: smooth}

    def runs(x):
        y = table[Model](x)
        table[Model], table[Slotted] = sharp, smooth
        return y

    adopted = gx.adopt(runs)
    assert gx.value_and_grad(adopted)(0.5)[0] == smooth(0.5)
    assert table == {Model: sharp, Slotted: smooth}
    table[Model] = smooth
    assert gx.value_and_grad(adopted)(0.5)[0] == smooth(0.5)


def test_other_threads_see_originals_meanwhile():
    inside, done, seen = threading.Event(), threading.Event(), []
    model = Model([smooth, np.exp, math.sin, np.zeros])
    model.rng = np.random.default_rng(0)

    def waits(x):
        inside.set()
        done.wait(5)
        return model.act[0](x)

    def looks():
        inside.wait(5)
        acts = model.act
        seen.extend([acts[0](0.5), acts[1](np.ones(2)), acts[2](0.5), acts[3](2)])
        seen.append(model.rng.normal(size=2))
        done.set()

    thread = threading.Thread(target=looks)
    thread.start()
    gx.grad(lambda x: gx.adopt(waits)(x))(0.5)
    thread.join()
    assert [type(x) for x in seen] == [float, np.ndarray, float, np.ndarray, np.ndarray]
    assert model.act == [smooth, np.exp, math.sin, np.zeros]
    assert type(model.rng) is np.random.Generator


@pytest.mark.parametrize("same", [True, False])
def test_threads_of_two_adoptions_share_an_object(same):
    """The last call that needs an object gives it back, whichever that is."""
    began, ended = [threading.Event(), threading.Event()], threading.Event()
    model, found = Model({"act": smooth}), {}
    model.parts = [Model(smooth)]

    def runs(x, which):
        began[which].set()
        if which:
            ended.wait(5)
        else:
            began[1].wait(5)
        return model.act["act"](x) * model.parts[0](x)

    adopted = [gx.adopt(runs)] * 2 if same else [gx.adopt(runs), gx.adopt(copy.copy(runs))]

    def starts(which):
        try:
            found[which] = gx.grad(lambda x: adopted[which](x, which))(0.5)
        finally:
            if not which:
                ended.set()

    threads = [threading.Thread(target=starts, args=(which,)) for which in (0, 1)]
    threads[0].start()
    began[0].wait(5)
    threads[1].start()
    for thread in threads:
        thread.join()
    assert found[0] == found[1] == gx.grad(lambda x: adopted[0](x, 1))(0.5)
    assert model.act == {"act": smooth}
    assert (type(model.parts[0]), model.parts[0].act) == (Model, smooth)
