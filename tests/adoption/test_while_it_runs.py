"""While adopted code runs, each object is one, and other threads see the program's own."""

import copy
import gc
import math
import threading
import types
import weakref

import numpy as np
import pytest
import scipy.linalg

import gradx as gx
from tests.adoption.test_what_is_left import Model, Slotted, sharp, smooth

# --- Questions ------------------------------------------------------------------------------------

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


# --- Threads --------------------------------------------------------------------------------------


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


SHARED, BEGAN, MET, ENDED = Model(smooth), *(threading.Event() for _ in range(3))


def first(x):
    BEGAN.set()
    MET.wait(5)
    y = looks(x)
    ENDED.set()
    return y


def second(x):
    y = looks(x)
    MET.set()
    ENDED.wait(5)
    return y + looks(x)


def looks(x):
    return SHARED.act(x) if type(SHARED) is Model else 0.0 * x


def test_all_that_is_adopted_of_a_program_has_one_copy_of_its_classes():
    """So a thread that entered an object by one function does not change its type for another."""
    seen = []
    thread = threading.Thread(target=lambda: seen.append(gx.grad(gx.adopt(first))(0.5)))
    thread.start()
    BEGAN.wait(5)
    seen.append(gx.grad(gx.adopt(second))(0.5) / 2.0)
    thread.join()
    assert seen == [gx.grad(gx.adopt(smooth))(0.5)] * 2
    assert type(SHARED) is Model


def test_local_functions_go_with_their_adoption():
    kept = gx.adopt(looks)
    gone = []

    def once(c):
        def local(x):
            return smooth(x) * c

        gone.append(weakref.ref(local))
        return gx.grad(gx.adopt(local))(0.5)

    assert once(1.0) * 2.0 == once(2.0)
    gc.collect()
    assert [ref() for ref in gone] == [None, None] and gx.grad(kept)(0.5) == once(1.0)


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
