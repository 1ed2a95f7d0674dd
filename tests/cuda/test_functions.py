"""Every lifted function and ufunc on the device, those without a derivative too.

What has a derivative is in the op specification; a row here is a call of any other, which must
give NumPy's result, or the error of gradx's that says what to write instead.
"""

import cupy as cp
import numpy as np
import pytest

import gradx as gx
from gradx.core.dispatch import FUNCTIONS, UFUNC_METHODS, UFUNCS
from gradx.devices.kernel_table import TABLES
from tests.cuda.device_numpy import on_device
from tests.cuda.lacking import ARRAYS_OF_THE_HOST, ON_THE_HOST
from tests.cuda.places import here, there
from tests.cuda.test_specification import MODES, has_arrays, operands
from tests.ops.cases import ALL_CASES
from tests.ops.test_completeness import called_by_cases, of_floats

MATRIX = np.array([[0.5, -1.0, 2.5], [-0.0, 1.5, -1.0]])
ODD = np.array([[np.nan, -np.inf, np.inf], [1.0, -1.0, 0.0]])
SORTED = np.array([-1.0, 0.5, 2.0])

# --- Calls of functions without a derivative ------------------------------------------------------
# Each of a matrix of numbers, and of one with NaN and infinities.

CALLS = {
    np.fix: [lambda v: np.fix(v)],
    np.around: [lambda v: np.around(v, 1), lambda v: np.round(v)],
    np.shape: [lambda v: np.shape(v)],
    np.ndim: [lambda v: np.ndim(v)],
    np.size: [lambda v: np.size(v), lambda v: np.size(v, 1)],
    np.can_cast: [lambda v: np.can_cast(v.dtype, np.float32)],
    np.common_type: [lambda v: np.common_type(v, v)],
    np.iscomplexobj: [lambda v: np.iscomplexobj(v)],
    np.isrealobj: [lambda v: np.isrealobj(v)],
    np.may_share_memory: [lambda v: np.may_share_memory(v, v)],
    np.min_scalar_type: [lambda v: np.min_scalar_type(v)],
    np.result_type: [lambda v: np.result_type(v, np.float32)],
    np.shares_memory: [lambda v: np.shares_memory(v, v), lambda v: np.shares_memory(v, v * 1)],
    np.all: [lambda v: np.all(v), lambda v: np.all(v > -2, axis=0), lambda v: v.all()],
    np.any: [lambda v: np.any(v, axis=1), lambda v: v.any()],
    np.allclose: [lambda v: np.allclose(v, v + 1e-12), lambda v: np.allclose(v, [1.0, 2.0, 3.0])],
    np.isclose: [lambda v: np.isclose(v, v[0]), lambda v: np.isclose(v, [0.5, -1.0, 2.5])],
    np.array_equal: [
        lambda v: np.array_equal(v, v),
        lambda v: np.array_equal(v, v[0]),
        lambda v: np.array_equal(v[0], [0.5, -1.0, 2.5]),
    ],
    np.array_equiv: [
        lambda v: np.array_equiv(v, v),
        lambda v: np.array_equiv(v, v[0]),
        lambda v: np.array_equiv(v[0], [0.5, -1.0, 2.5]),
        lambda v: np.array_equiv(v, v[:, :2]),
    ],
    np.count_nonzero: [lambda v: np.count_nonzero(v), lambda v: np.count_nonzero(v, axis=0)],
    np.iscomplex: [lambda v: np.iscomplex(v), lambda v: np.iscomplex(v * 1j)],
    np.isreal: [lambda v: np.isreal(v), lambda v: np.isreal(v * 1j)],
    np.isin: [
        lambda v: np.isin(v, [1.5, -1.0]),
        lambda v: np.isin(v, v[0], invert=True),
        lambda v: np.isin([0.5, 7.0], v),
    ],
    np.isneginf: [lambda v: np.isneginf(v / 0.0)],
    np.isposinf: [lambda v: np.isposinf(v / 0.0)],
    np.argmax: [lambda v: np.argmax(v), lambda v: np.argmax(v, axis=1), lambda v: v.argmax(0)],
    np.argmin: [lambda v: np.argmin(v), lambda v: np.argmin(v, axis=1), lambda v: v.argmin(0)],
    np.nanargmax: [lambda v: np.nanargmax(v, axis=1), lambda v: np.nanargmax(np.sqrt(v))],
    np.nanargmin: [lambda v: np.nanargmin(v, axis=1), lambda v: np.nanargmin(np.sqrt(v))],
    np.argsort: [lambda v: np.argsort(v), lambda v: np.argsort(v, axis=0), lambda v: v.argsort()],
    np.argpartition: [
        lambda v: np.take_along_axis(v, np.argpartition(v, 1), -1)[:, 1],
        lambda v: np.take(v, np.argpartition(v, 2, axis=None))[2],
        lambda v: np.take_along_axis(v, v.argpartition(1), -1)[:, 1],
    ],
    np.argwhere: [lambda v: np.argwhere(v > 0)],
    np.flatnonzero: [lambda v: np.flatnonzero(v)],
    np.nonzero: [lambda v: np.nonzero(v), lambda v: v.nonzero()],
    np.diag_indices_from: [lambda v: np.diag_indices_from(v[:, :2])],
    np.tril_indices_from: [lambda v: np.tril_indices_from(v), lambda v: np.tril_indices_from(v, 1)],
    np.triu_indices_from: [lambda v: np.triu_indices_from(v), lambda v: np.triu_indices_from(v, 1)],
    np.digitize: [
        lambda v: np.digitize(v, [-1.0, 0.5, 2.0]),
        lambda v: np.digitize(v, [2.0, 0.5, -1.0], right=True),
        lambda v: np.digitize(v, np.sort(v[0])),
    ],
    np.searchsorted: [
        lambda v: np.searchsorted(np.sort(v[0]), v),
        lambda v: np.searchsorted(np.sort(v[0]), 0.5, side="right"),
        lambda v: np.searchsorted([-1.0, 0.5, 2.0], v),
        lambda v: np.sort(v[0]).searchsorted(v),
    ],
    np.ix_: [lambda v: np.ix_(v[0] > 0, v[:, 0] > 0), lambda v: np.ix_([0, 1], v[:, 1] > 0)],
    np.lexsort: [
        lambda v: np.lexsort((v[0], v[1])),
        lambda v: np.lexsort(v),
        lambda v: np.lexsort(v.reshape(3, 2, 1), 0),
    ],
    np.ravel_multi_index: [lambda v: np.ravel_multi_index(np.nonzero(v), v.shape)],
    np.unravel_index: [lambda v: np.unravel_index(np.argsort(v[0]), (2, 2))],
    np.empty_like: [lambda v: np.empty_like(v).shape, lambda v: np.empty_like(v, int).dtype],
    np.ones_like: [lambda v: np.ones_like(v), lambda v: np.ones_like(v, dtype=int)],
    np.full_like: [
        lambda v: np.full_like(v, 2.0),
        lambda v: np.full_like(v, v[0]),
        lambda v: np.full_like(v[0], 1.5, shape=(2, 2)),
    ],
    np.zeros_like: [lambda v: np.zeros_like(v), lambda v: np.zeros_like(v, shape=(2,))],
    np.array2string: [lambda v: np.array2string(v)],
    np.einsum_path: [lambda v: np.einsum_path("ij,kj->ik", v, v)],
    np.array_repr: [lambda v: np.array_repr(v)],
    np.array_str: [lambda v: np.array_str(v)],
    np.unique_values: [lambda v: np.unique_values(v)],
    np.unique_all: [lambda v: np.unique_all(v)],
    np.unique_counts: [lambda v: np.unique_counts(v)],
    np.unique_inverse: [lambda v: np.unique_inverse(v)],
    np.intersect1d: [
        lambda v: np.intersect1d(v[0], v[1]),
        lambda v: np.intersect1d(v, [1.5, 4.0, -1.0], return_indices=True),
    ],
}
UFUNC_CALLS = {
    ufunc: [
        (lambda v, ufunc=ufunc: ufunc(v))
        if ufunc.nin == 1
        else (lambda v, ufunc=ufunc: (ufunc(v, v[0]), ufunc(v, 1.5), ufunc(1.5, v)))
    ]
    for ufunc, op in UFUNCS.items()
    if not any(op.rules) and of_floats(ufunc)
}
CLIP = next(ufunc for ufunc, method in UFUNC_METHODS if method == "__call__")


def _subtracted_at(v):
    v = v.copy()
    np.subtract.at(v, ([0, 1, 0], [1, 1, 1]), v[0])
    return v


METHOD_CALLS = {
    (np.add, "reduce"): [lambda v: np.add.reduce(v), lambda v: np.add.reduce(v, axis=1)],
    (np.multiply, "reduce"): [lambda v: np.multiply.reduce(v, axis=1)],
    (np.maximum, "reduce"): [lambda v: np.maximum.reduce(v)],
    (np.minimum, "reduce"): [lambda v: np.minimum.reduce(v)],
    (np.fmax, "reduce"): [lambda v: np.fmax.reduce(v, axis=1)],
    (np.fmin, "reduce"): [lambda v: np.fmin.reduce(v)],
    (np.logical_and, "reduce"): [lambda v: np.logical_and.reduce(v, axis=1)],
    (np.logical_or, "reduce"): [lambda v: np.logical_or.reduce(v)],
    (np.add, "accumulate"): [lambda v: np.add.accumulate(v)],
    (np.multiply, "accumulate"): [lambda v: np.multiply.accumulate(v, axis=1)],
    (np.maximum, "accumulate"): [lambda v: np.maximum.accumulate(v, axis=1)],
    (np.minimum, "accumulate"): [lambda v: np.minimum.accumulate(v)],
    (np.fmax, "accumulate"): [lambda v: np.fmax.accumulate(v, axis=1)],
    (np.fmin, "accumulate"): [lambda v: np.fmin.accumulate(v)],
    (CLIP, "__call__"): [lambda v: CLIP(v, 0.0, 1.0)],
    (None, "reduce"): [lambda v: np.subtract.reduce(v, axis=1)],
    (None, "accumulate"): [lambda v: np.subtract.accumulate(v)],
    (None, "reduceat"): [lambda v: np.multiply.reduceat(v, [0, 2], axis=1)],
    (None, "out"): [lambda v: np.subtract(v, v[0], out=np.zeros_like(v))],
    (None, "written"): [lambda v: np.sum(v, axis=0, out=np.zeros_like(v[0]))],
    (None, "at"): [lambda v: _subtracted_at(v)],
    (None, "axes"): [lambda v: np.vecdot(v, v, axis=0, keepdims=True)],
    (None, "outer"): [lambda v: np.subtract.outer(v, v[0]), lambda v: np.less.outer(v, [1.0, 2.0])],
}


def rows(table, name_of):
    for key, calls in table.items():
        for i, call in enumerate(calls):
            yield pytest.param(call, id=f"{name_of(key)}-{i}")


def result_of(call, x):
    """What a call gives in a run, as plain values on the host."""
    found = []
    with np.errstate(all="ignore"):
        gx.grad_bp(lambda v: found.append(call(v)) or v, x)
    return here(gx.value(found[0]))


def flat(x):
    return [leaf for part in x for leaf in flat(part)] if isinstance(x, (tuple, list)) else [x]


# CuPy divides infinities by numbers, where NumPy says NaN. Its gammasgn is 1 at -0.0 and has signs
# at poles, where SciPy says -1 and NaN.
OTHER_IN_CUPY = ("floor_divide-0-odd", "gammasgn-0-odd", "gammasgn-0-finite")
TRIED = [
    *rows(CALLS, lambda f: f.__name__),
    *rows(UFUNC_CALLS, lambda f: f.__name__),
    *rows(METHOD_CALLS, lambda key: f"{getattr(key[0], '__name__', 'any')}.{key[1]}"),
]


@pytest.mark.parametrize(
    ("call", "x"),
    [
        pytest.param(row.values[0], x, id=f"{row.id}-{name}")
        for row in TRIED
        for name, x in (("finite", MATRIX), ("odd", ODD))
        if f"{row.id}-{name}" not in OTHER_IN_CUPY
    ],
)
def test_a_function_gives_what_it_gives_on_the_host(call, x):
    wanted, got = flat(result_of(call, x)), flat(result_of(on_device(call), there(x)))
    assert len(got) == len(wanted)
    for a, b in zip(got, wanted, strict=True):
        if isinstance(b, (np.ndarray, np.generic)):
            assert np.asarray(a).dtype == b.dtype
        np.testing.assert_array_equal(np.asarray(a), np.asarray(b))


# --- Nothing is without a row ---------------------------------------------------------------------


def test_every_lifted_function_is_tried_on_the_device():
    cases = [case for case in ALL_CASES if has_arrays(case)]  # or that CuPy lacks
    refusals = {f for f, lifted in FUNCTIONS.items() if lifted.__module__ == "gradx.core.dispatch"}
    made = {
        f for f, lifted in FUNCTIONS.items() if lifted.__module__.endswith(("numpy", "creation"))
    }
    of_numpy = [ufunc for ufunc in UFUNCS if getattr(np, ufunc.__name__, None) is ufunc]
    whole = {ufunc for ufunc in of_numpy if not of_floats(ufunc)}
    tried = called_by_cases(cases) | set(CALLS) | set(UFUNC_CALLS) | refusals | made | whole
    assert [f.__name__ for f in (*FUNCTIONS, *of_numpy) if f not in tried] == []


def test_every_method_of_ufuncs_is_tried_on_the_device():
    rounding_otherwise = {(np.logaddexp, "reduce"), (np.logaddexp2, "reduce"), (np.hypot, "reduce")}
    assert set(METHOD_CALLS) | rounding_otherwise == set(UFUNC_METHODS)  # which are in the cases


# --- What CuPy lacks ------------------------------------------------------------------------------


@pytest.fixture
def bare(monkeypatch):
    """CuPy as it is, without what stands in for functions that it lacks."""
    monkeypatch.setitem(TABLES, cp.ndarray, {})


@pytest.mark.parametrize(
    ("name", "call"),
    [
        ("spacing", lambda v: np.spacing(v)),
        ("vecdot", lambda v: np.vecdot(v, v)),
        ("vecdot", lambda v: np.linalg.vecdot(v, v[0])),
        ("array_equiv", lambda v: np.array_equiv(v, v)),
    ],
)
def test_an_error_names_a_function_that_cupy_lacks_and_what_to_write(bare, name, call, monkeypatch):
    monkeypatch.delattr(cp, name, raising=False)
    text = (
        rf"cupy has no function for np\.{name}, so it cannot run where the array is; write it "
        rf"with other functions, or do it on the host: np\.{name}\(gx\.to_device\(v, 'cpu'\)\)"
    )
    with pytest.raises(gx.NotLiftedError, match=text):
        gx.grad_bp(call, there(MATRIX))


@pytest.mark.parametrize(
    "case",
    [
        pytest.param(case, id=case.name)
        for case in ALL_CASES
        if not {case.name, case.name.partition("/")[0]}.isdisjoint(ON_THE_HOST)
        and case.name.partition("/")[0] != "svd-full-vectors"
        and case.name not in ARRAYS_OF_THE_HOST
    ],
)
def test_an_error_says_what_runs_on_the_host_alone(case):
    xs = map(there, operands(case, MODES["double"]))
    with pytest.raises(gx.NotLiftedError, match=r"cupy has no function for .*do it on the host"):
        gx.grad_bp(on_device(case.call), *xs)


def test_what_cupy_lacks_runs_on_the_host():
    def f(v):
        return np.sum(v * gx.to_device(np.spacing(gx.to_device(v, "cpu")), "cuda"))

    wanted = gx.grad(lambda v: np.sum(v * np.spacing(v)))(MATRIX)
    np.testing.assert_array_equal(here(gx.grad(f)(there(MATRIX))), wanted)


def test_an_error_of_another_kind_stays_what_it_is():
    with pytest.raises(TypeError, match="unexpected keyword") as info:
        gx.grad_bp(lambda v: np.argmax(v, foo=1), there(MATRIX))
    assert not isinstance(info.value, gx.GradxError)
