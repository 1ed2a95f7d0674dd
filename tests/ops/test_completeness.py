"""Nothing is without a row: every op, every ufunc, every lifted function, all that is asked for."""

import functools
import importlib
import pkgutil
import sys
import warnings
from collections.abc import Mapping

import numpy as np
import pytest

import gradx as gx
import gradx.ops
from gradx.core.cotangent import edges_of
from gradx.core.dispatch import FUNCTIONS, UFUNC_METHODS, UFUNCS, apply
from gradx.core.op import POINTWISE, Op
from gradx.core.rule import RefusedRule
from gradx.reverse.run import run_on
from gradx.reverse.variables import ArrayVar
from gradx.testing.gradients import contraction
from tests.ops.cases import ALL_CASES


def tables() -> dict[str, Op]:
    """Every op of the tables, by its module and the name it has there."""
    found = {}
    for info in pkgutil.walk_packages(gradx.ops.__path__, "gradx.ops."):
        module, place = importlib.import_module(info.name), info.name.removeprefix("gradx.ops.")
        for name, value in vars(module).items():
            if isinstance(value, Op) and value not in found.values():
                found[f"{place}.{name}"] = value
            elif isinstance(value, Mapping) and value is not POINTWISE:
                ops = {key: op for key, op in value.items() if isinstance(op, Op)}
                found |= {f"{place}.{name}[{named(key)}]": op for key, op in ops.items()}
    return found


def named(key) -> str:
    """A key of a table as text that is the same in each process."""
    return getattr(key, "__name__", repr(key))


TABLES = tables()
CONSTANT = {name: op for name, op in TABLES.items() if not any(op.rules)}
WITH_RULES = {name: op for name, op in TABLES.items() if any(op.rules)}
# Ops on values that no case of arrays can hold; their own tests are named here.
ELSEWHERE = {f"numbers.decimal_methods[{m!r}]" for m in ("exp", "sqrt", "ln", "log10")}
ELSEWHERE.add("indexing.beside")  # of places that are batched: tests.batch.test_indexing


def ops_named(name: str) -> list[Op]:
    """The ops that a case means by a name: with the module, or as they call themselves."""
    short = {key: op for key, op in TABLES.items() if op.name == name}
    return [TABLES[name]] if name in TABLES else list(short.values())


def pulls_of(op: Op) -> set[int]:
    rules = [rule for rule in op.rules if rule and type(rule) is not RefusedRule]
    return {id(rule.pull) for rule in rules}


# --- Ops ------------------------------------------------------------------------------------------


@functools.cache
def recorded(case) -> frozenset[int]:
    """The rules on the tapes of a case, and on that of the gradient of its squared result."""
    xs = case.make(np.random.default_rng(0))
    found = set()

    def squared(*vs):
        y = case.call(*vs)
        return contraction(y, y)

    runs = [lambda: run_on(case.call, xs, {})]
    if case.order > 1:
        runs.append(lambda: run_on(lambda *vs: gx.grad_bp(squared, *vs), xs, {}))
    with np.errstate(all="ignore"), warnings.catch_warnings(action="ignore"):
        for run in runs:
            for node in filter(None, run().nodes):
                for edge in edges_of(node):
                    found.add(id(getattr(edge[1], "func", edge[1])))
    return frozenset(found)


@pytest.mark.parametrize("name", sorted(set(WITH_RULES) - ELSEWHERE))
def test_every_rule_of_every_op_is_exercised_by_a_case_that_names_it(name):
    op = TABLES[name]
    cases = [case for case in ALL_CASES if name in case.ops or op.name in case.ops]
    found = frozenset().union(*map(recorded, cases))
    assert pulls_of(op) <= found, f"{len(cases)} cases"


def test_cases_name_ops_that_exist():
    unknown = {op for case in ALL_CASES for op in case.ops if not ops_named(op)}
    assert unknown == set()


def of_floats(ufunc: np.ufunc) -> bool:
    return any(kind.startswith("d") for kind in ufunc.types)


OF_INTEGERS = {
    f"numbers.{name}"
    for name in ("bitwise_and", "bitwise_or", "bitwise_xor", "invert", "left_shift", "right_shift")
} | {
    name
    for name, op in CONSTANT.items()
    if isinstance(op.forward, np.ufunc) and not of_floats(op.forward)
}
"""Ops that Python and NumPy have for integers only, which carry no gradient."""


@pytest.mark.parametrize("name", sorted(set(CONSTANT) - OF_INTEGERS))
def test_ops_without_a_rule_give_plain_values(name):
    op = CONSTANT[name]
    params = {"decimals": 0} if op.name == "round" else None
    results = []
    gx.grad_bp(
        lambda x: results.append(apply(op, (x,) * op.arity, params)) or np.sum(x),
        np.array([1.5, -0.5]),
    )
    assert type(results[0]) is np.ndarray


@pytest.mark.parametrize("name", sorted(OF_INTEGERS))
@pytest.mark.parametrize("x", [1.5, np.float64(1.5), np.array([1.5, -0.5])])
def test_ops_of_integers_raise_the_plain_error(name, x):
    """The error is NumPy's or Python's own, without a note on object arrays: none was made."""
    op = CONSTANT[name]
    with pytest.raises(TypeError) as plain:
        op.forward(*(x,) * op.arity)
    with pytest.raises(TypeError) as lifted:
        gx.grad_bp(lambda v: apply(op, (v,) * op.arity), x)
    assert str(lifted.value) == str(plain.value)
    assert not getattr(lifted.value, "__notes__", ())


CONSTANT_UFUNCS = [ufunc for ufunc, op in UFUNCS.items() if not any(op.rules) and of_floats(ufunc)]


@pytest.mark.parametrize("ufunc", CONSTANT_UFUNCS, ids=[u.__name__ for u in CONSTANT_UFUNCS])
def test_ufuncs_without_a_derivative_give_plain_values(ufunc):
    results = []
    x = np.array([1.5, -0.5])
    gx.grad_bp(lambda v: results.append(ufunc(*(v,) * ufunc.nin)) or np.sum(v), x)
    np.testing.assert_array_equal(results[0], ufunc(*(x,) * ufunc.nin))
    assert type(results[0]) is np.ndarray


# --- Functions ------------------------------------------------------------------------------------


def called_by_cases(cases=ALL_CASES) -> set:
    """The lifted functions and ufuncs that the code of some case calls itself."""
    found = set()

    def noting(function, lifted):
        def noted(*args, **kwargs):
            if from_a_case(sys._getframe(1)):
                found.add(function)
            return lifted(*args, **kwargs)

        return noted

    def dispatch(self, ufunc, method, *inputs, **kwargs):
        if from_a_case(sys._getframe(1)):
            found.add(ufunc)
        return original(self, ufunc, method, *inputs, **kwargs)

    before, original = dict(FUNCTIONS), ArrayVar.__array_ufunc__
    FUNCTIONS.update({function: noting(function, f) for function, f in before.items()})
    ArrayVar.__array_ufunc__ = dispatch
    try:
        with np.errstate(all="ignore"), warnings.catch_warnings(action="ignore"):
            for case in cases:
                found |= called_as_gradx(case.call)
                run_on(case.call, case.make(np.random.default_rng(0)), {})
    finally:
        ArrayVar.__array_ufunc__ = original
        FUNCTIONS.update(before)
    return found


def called_as_gradx(call) -> set:
    """What a case calls as ``gnp.f``, which needs no dispatch."""
    names = call.__code__.co_names if "gnp" in call.__code__.co_names else ()
    return {getattr(np, name) for name in names if hasattr(np, name)}


def from_a_case(frame) -> bool:
    """Whether a case's own code made a call that NumPy's protocols have brought to a frame."""
    while frame.f_globals["__name__"] in {__name__, *PROTOCOLS}:
        frame = frame.f_back
    return "cases_" in frame.f_code.co_filename


PROTOCOLS = (
    *("gradx.reverse.recorders", "gradx.core.dispatch", "gradx.core.assignment"),
    "gradx.devices.placement",
)


@pytest.fixture(scope="module")
def called():
    return called_by_cases()


def differentiable_functions() -> list:
    """The lifted functions that are neither queries nor refusals, nor NumPy's own."""
    outside = (
        "gradx.numpy.queries",
        "gradx.core.dispatch",
        "gradx.numpy.sets",
        "gradx.numpy.creation",
    )
    constant = {np.round, np.around, np.fix, np.linalg.matrix_rank}
    return [
        function
        for function, lifted in FUNCTIONS.items()
        if lifted is not function and lifted.__module__ not in outside and function not in constant
    ]


def test_every_lifted_function_is_called_by_a_case(called):
    missing = [f.__name__ for f in differentiable_functions() if f not in called]
    assert missing == []


def test_every_ufunc_with_a_derivative_is_called_by_a_case(called):
    missing = [u.__name__ for u, op in UFUNCS.items() if any(op.rules) and u not in called]
    assert missing == []


# --- What the issue asks for ----------------------------------------------------------------------

_ASKED = """
    sum prod mean max min amax amin var std ptp any all argmax argmin median average
    nansum nanmean nanmax nanmin nanprod nanvar nanstd percentile quantile
    reshape ravel transpose swapaxes moveaxis expand_dims squeeze broadcast_to flip roll rot90 tile
    repeat pad concatenate stack hstack vstack dstack column_stack split array_split hsplit vsplit
    append take take_along_axis where clip dot matmul inner outer tensordot einsum vdot kron cross
    diag diagonal trace tril triu cumsum cumprod sort diff real imag angle round sinc nan_to_num
    linalg.norm linalg.inv linalg.det linalg.slogdet linalg.solve
"""


@pytest.mark.parametrize("name", _ASKED.split())
def test_what_is_asked_for_is_lifted(name):
    function = np
    for part in name.split("."):
        function = getattr(function, part)
    assert function in FUNCTIONS or function in UFUNCS
    lifted = gx.numpy
    for part in name.split("."):
        lifted = getattr(lifted, part)
    assert callable(lifted)


OF_WHOLE_NUMBERS = {
    **{name: (12, 10) for name in ("bitwise_and", "bitwise_or", "bitwise_xor", "gcd", "lcm")},
    **{name: (12, 2) for name in ("left_shift", "right_shift")},
    **{name: (12,) for name in ("invert", "bitwise_count")},
}


@pytest.mark.parametrize("name", OF_WHOLE_NUMBERS)
def test_ufuncs_of_whole_numbers_give_plain_values(name):
    ufunc, xs = getattr(np, name), OF_WHOLE_NUMBERS[name]
    results = []
    assert gx.grad(lambda n: results.append(ufunc(n, *xs[1:])) or 2.0 * n)(xs[0]) == 2.0
    assert (type(results[0]), results[0]) == (type(ufunc(*xs)), ufunc(*xs))
    with pytest.raises(TypeError):
        gx.grad_bp(lambda v: ufunc(*(v,) * ufunc.nin), np.array([1.5]))


def test_every_ufunc_is_lifted():
    ufuncs = {value for value in vars(np).values() if isinstance(value, np.ufunc)}
    assert {u.__name__ for u in ufuncs if u not in UFUNCS} == set()


def test_every_lifted_ufunc_is_under_its_name():
    for ufunc in UFUNCS:
        name = ufunc.__name__
        if getattr(np, name, None) is ufunc:
            assert getattr(gx.numpy, name)._ufunc is ufunc


def test_methods_of_ufuncs_are_lifted():
    reduced = {key for key in UFUNC_METHODS if key[1] == "reduce"}
    assert {np.add, np.multiply, np.maximum, np.minimum} <= {ufunc for ufunc, _ in reduced}
    generic = {method for ufunc, method in UFUNC_METHODS if ufunc is None}
    own = {"out", "written", "axes"}  # what all ufuncs take, and what functions with out= write
    assert generic == {"reduce", "accumulate", "reduceat", "outer", "at", *own}
