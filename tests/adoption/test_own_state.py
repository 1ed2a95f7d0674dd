"""What the copy of a program has assigned its functions read, also where no variable is given.

A function that is adopted is the original where it is called without a variable. In a run that is
another program as soon as the copy has assigned a global or an attribute of a class.
"""

import functools
import importlib
from importlib import import_module

import numpy as np
import pytest
import scipy.optimize

import gradx as gx
from tests.adoption import test_own_state as itself

SCALE = 2.0
COUNT = 0


class Model:
    scale = 2.0


def of_global(x):
    return SCALE * x


def of_class(x):
    return Model.scale * x


def set_global(scale):
    global SCALE
    SCALE = scale


def set_by_name(scale):
    globals()["SCALE"] = scale


def set_by_update(scale):
    globals().update(SCALE=scale)


def set_by_module(scale):
    itself.SCALE = scale


def set_by_import(scale):
    importlib.import_module(__name__).SCALE = scale


def of_import(x):
    return import_module(".test_own_state", __package__).of_global(x)


def set_class(scale):
    Model.scale = scale


STATES = {
    "global": (set_global, of_global),
    "globals()": (set_by_name, of_global),
    "globals().update": (set_by_update, of_global),
    "module": (set_by_module, of_global),
    "importlib": (set_by_import, of_import),
    "class": (set_class, of_class),
}


@pytest.fixture(autouse=True)
def put_back(monkeypatch):
    monkeypatch.setitem(globals(), "SCALE", 2.0)
    monkeypatch.setitem(globals(), "COUNT", 0)
    monkeypatch.setattr(Model, "scale", 2.0)


def checkpointed(put, get, scale):
    put(scale)
    return gx.checkpoint(get)(0.4)


def inside_of_a_checkpoint(put, get, scale):
    put(scale)
    return gx.checkpoint(lambda x: get(0.4) * x)(1.0)


def in_a_scan(put, get, scale):
    put(scale)
    return gx.scan(lambda s, t: (s + get(t), None), 0.0, np.array([0.1, 0.3]), checkpoint=1)[0]


@pytest.mark.parametrize("program", [checkpointed, inside_of_a_checkpoint, in_a_scan])
@pytest.mark.parametrize("name", STATES)
@pytest.mark.parametrize("scale", [2.0, 3.0])
def test_what_is_done_again_in_the_sweep_reads_it(program, name, scale):
    """Also where the original has the same number, so that the same result has no gradient."""
    if name == "class" and program is in_a_scan:
        pytest.skip("variables in attributes of classes are not looked for, and it raises")
    run = gx.adopt(functools.partial(program, *STATES[name]))
    for _ in range(2):
        value, gradient = gx.value_and_grad(run)(scale)
        assert (value, gradient) == (pytest.approx(0.4 * scale), pytest.approx(0.4))


@pytest.mark.parametrize("name", STATES)
@pytest.mark.parametrize("scale", [2.0, 3.0])
def test_another_function_without_a_variable_reads_it(name, scale):
    put, get = map(gx.adopt, STATES[name])

    def loss(scale):
        put(scale)
        return get(0.4)

    value, gradient = gx.value_and_grad(loss)(scale)
    assert (value, gradient) == (loss(scale), 0.4)


def counted(x):
    global COUNT
    COUNT += 1
    return COUNT * x


def test_a_count_goes_on_whatever_is_given():
    def product(f, x):
        return f(1.0) * f(x) * f(1.0) * f(x) * f(1.0)

    adopted = gx.adopt(counted)
    assert gx.value_and_grad(lambda x: product(adopted, x))(1.0) == (120.0, 240.0)
    count = COUNT
    assert adopted(1.0) == count + 1.0  # outside of a run it is the original


@pytest.mark.parametrize("name", STATES)
def test_outside_of_a_run_the_original_reads_its_own(name):
    """Also where gradx calls it on plain values."""
    put, get = map(gx.adopt, STATES[name])
    gx.grad(lambda x: put(x * 5.0) or x)(1.0)
    assert get(0.5) == gx.checkpoint(get)(0.5) == 1.0
    assert gx.scan(lambda s, t: (s + get(t), None), 0.0, np.ones(2), checkpoint=1)[0] == 4.0
    assert gx.cond(True, get, get, 0.5) == 1.0


RUNNERS = {
    "jvp": lambda f, x: gx.jvp(f, (x,), (1.0,))[1],
    "vmap": lambda f, x: gx.vmap(gx.grad(f))(np.array([x]))[0],
    "jacobian": lambda f, x: gx.jacobian(f)(x),
    "taylor": lambda f, x: gx.taylor(f, x, 1)[1],
    "vjp": lambda f, x: gx.vjp(f, x)[1](1.0),
    "linearize": lambda f, x: gx.linearize(f, x)[1](1.0),
}


@pytest.mark.parametrize("runner", RUNNERS)
@pytest.mark.parametrize("name", STATES)
def test_it_is_read_in_runs_of_all_kinds(name, runner):
    put, get = map(gx.adopt, STATES[name])

    def loss(scale):
        put(scale)
        return gx.checkpoint(get)(0.4)

    slope = RUNNERS[runner](loss, 2.0)
    while isinstance(slope, (tuple, list)):
        slope = slope[0]
    assert slope == pytest.approx(0.4)


def by_setdefault(x):
    return x * globals().setdefault("GIVEN", 3.0) * globals().setdefault("FIXED", 2.0)


FIXED = 5.0


def by_parts(x):
    return x * globals().copy()["FIXED"] * (globals() | {"more": 2.0})["FIXED"]


def by_code_in_a_string(x):
    names = {"x": x}
    exec("y = math_of(FIXED * x)", globals(), names)
    return names["y"] + eval("FIXED * x") + eval("(lambda t: sum([t]))(x)")


def math_of(x):
    return np.array([x, FIXED]).sum()


def sum(x):
    return x[0] * 3.0


def by_code_elsewhere(x):
    names = {"x": x}
    exec("y = sum([x, 1.0])", names)
    return names["y"]


PROGRAMS = [by_setdefault, by_parts, by_code_in_a_string, by_code_elsewhere]


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda f: f.__name__)
def test_all_that_reads_globals_finds_those_of_the_program(program):
    for _ in range(2):
        value, gradient = gx.value_and_grad(gx.adopt(program))(0.7)
        globals().pop("GIVEN", None)
        assert value == program(0.7)
        assert gradient == pytest.approx((program(0.7 + 1e-6) - program(0.7 - 1e-6)) / 2e-6)
        globals().pop("GIVEN", None)


def solved(x):
    return scipy.optimize.brentq(lambda z: z**3 - x, 0.0, 3.0)


def test_a_function_of_scipy_with_a_closure_is_told_by_its_name():
    """SciPy goes on after the error in its function, so that Python makes a SystemError of it."""
    with pytest.raises(gx.NotLiftedError, match=r"scipy\.optimize\.brentq has no derivative"):
        gx.grad(gx.adopt(solved))(0.7)
