"""Every case of the op specification, proved nine ways.

A failure names the case and the proof; ``pytest tests/ops -k "case-name"`` runs one case.
"""

import types
import warnings
from fnmatch import fnmatchcase

import numpy as np
import pytest

import gradx as gx
from gradx.core.cotangent import (
    KEEPS_STRUCTURE,
    SHARED_PULLBACK,
    dense,
    edges_of,
    merge,
    unbroadcast_and_cast,
)
from gradx.core.dispatch import Lifted
from gradx.core.spec import spec_of
from gradx.reverse.run import run_on
from gradx.testing.abstract import AbstractRun
from gradx.testing.gradients import check_grads, random_like
from gradx.values.operations import Kind, children_of, value_type
from tests.ops.cases import ALL_CASES
from tests.ops.comparable import UNCOMPARED, compared, patterns_for
from tests.ops.specification import DERIVED

NAMES = [case.name for case in ALL_CASES]
COMPLEX = [case for case in ALL_CASES if case.complex]


def per_case(cases=ALL_CASES, every=1):
    """A test of each case; of all but every so many cases by scripts/soak alone."""
    marks = [[] if i % every == 0 else [pytest.mark.soak] for i in range(len(cases))]
    params = [pytest.param(x, id=x.name, marks=own) for x, own in zip(cases, marks, strict=True)]
    return pytest.mark.parametrize("case", params)


@pytest.fixture(autouse=True)
def quiet():
    """Rules work on whole arrays, so what np.where does not choose may overflow."""
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.filterwarnings("ignore", category=np.exceptions.ComplexWarning)
        yield


# --- Operands -------------------------------------------------------------------------------------


def is_real(x):
    return isinstance(x, float) or (isinstance(x, np.ndarray) and x.dtype == np.float64)


def complex_operands(case, rng):
    first, second = case.make(rng), case.make(rng)
    return tuple(
        (complex(x, y) if isinstance(x, float) else np.asarray(x + 1j * y)) if is_real(x) else x
        for x, y in zip(first, second, strict=True)
    )


def single(x):
    """An array of doubles as singles."""
    if isinstance(x, np.ndarray):
        return x.astype({"d": np.float32, "D": np.complex64}.get(x.dtype.char, x.dtype))
    return x


def frozen(xs):
    """The operands, read-only, so that writing into one raises."""
    for x in xs:
        if isinstance(x, np.ndarray):
            x.flags.writeable = False
    return xs


def leaves(x):
    """The numbers and arrays in a value, in order."""
    parts = children_of(x, value_type(x))
    if not parts:
        return [x]
    return [leaf for _, part in parts for leaf in leaves(part)]


def gradients(case, xs, seed=0):
    """The result and the gradients, as a list, for a random cotangent."""
    y, pullback = gx.backprop_with(case.call, *xs)
    grads = pullback(random_like(y, np.random.default_rng(seed)))
    return y, [grads] if len(xs) == 1 else list(grads)


def has_gradient(x):
    return value_type(x).kind is not Kind.STATIC


def assert_close(got, wanted, tolerance):
    got, wanted = np.asarray(got), np.asarray(wanted)
    assert got.shape == wanted.shape
    size = max(np.max(np.abs(wanted), initial=0.0), 1e-3)
    assert np.max(np.abs(got - wanted), initial=0.0) <= tolerance * size, f"{got}\n{wanted}"


# --- 1, 3, 4: central differences, real and complex, first and second order -----------------------


@per_case()
def test_gradient_is_that_of_central_differences(case, rng):
    xs = frozen(case.make(rng))
    check_grads(case.call, *xs, order=case.order, modes=("rev",), tolerance=case.tolerance)


@per_case(COMPLEX)
def test_complex_gradient_is_that_of_central_differences(case, rng):
    xs = frozen(complex_operands(case, rng))
    check_grads(case.call, *xs, order=case.order, modes=("rev",), tolerance=case.tolerance)


# --- 2: another implementation --------------------------------------------------------------------


def reference_of(case):
    """The case's code with autograd's NumPy as its ``np``."""
    import autograd.numpy as anp

    if case.reference is not DERIVED:
        return case.reference
    code = case.call
    return types.FunctionType(
        code.__code__, {**code.__globals__, "np": anp}, None, code.__defaults__, code.__closure__
    )


@pytest.mark.thorough
@per_case(compared(ALL_CASES))
def test_gradient_is_that_of_autograd(case, rng):
    from autograd import make_vjp

    xs = case.make(rng)
    y, grads = gradients(case, xs)
    cotangent = np.asarray(random_like(y, np.random.default_rng(0)))
    reals = [(i, x, grad) for i, (x, grad) in enumerate(zip(xs, grads, strict=True)) if is_real(x)]
    assert reals, "there is nothing to compare"
    for i, x, grad in reals:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="Output seems independent of input")
            pull, value = make_vjp(reference_of(case), i)(*xs)
        assert np.shape(value) == np.shape(y)
        wanted = pull(cotangent)
        if case.reference is DERIVED:
            assert np.shape(wanted) == np.shape(x)
        assert_close(grad, wanted, 1e-9)


def test_the_number_of_cases_compared_with_autograd():
    """A new case is compared, or `UNCOMPARED` says why not; either way a number here moves."""
    assert len(compared(ALL_CASES)) == 710
    assert len(ALL_CASES) - len(compared(ALL_CASES)) == 1246


def test_a_case_without_a_reference_has_one_reason():
    assert [x.name for x in ALL_CASES if x.reference is None and not patterns_for(x.name)] == []
    assert [name for name in NAMES if len(patterns_for(name)) > 1] == []


def test_every_reason_has_a_case():
    patterns = [pattern for group in UNCOMPARED.values() for pattern in group]
    assert [p for p in patterns if not any(fnmatchcase(name, p) for name in NAMES)] == []


# --- 5: single precision --------------------------------------------------------------------------


def naive_sweep(run, seed):
    """The engine's sweep without its casts: yields each rule's cotangent with what it is for."""
    cotangents = {}
    for output, g in zip(filter(None, run.outputs), run.seeds(seed), strict=True):
        cotangents[output] = merge(cotangents[output], g) if output in cotangents else g
    for node in reversed(run.nodes):
        g = cotangents.pop(id(node), None) if node is not None else None
        if g is None:
            continue
        for target, pull, residuals, spec, _ in edges_of(node):
            assert target is not SHARED_PULLBACK
            structural = spec is KEEPS_STRUCTURE
            g = g if structural else dense(g)
            h = pull(g, *residuals)
            if h is None:
                continue
            yield pull, dense(h), (*leaves(dense(g)), *residuals)
            h = h if spec is None or structural else unbroadcast_and_cast(h, spec)
            known = cotangents.get(id(target))
            cotangents[id(target)] = h if known is None else merge(known, h)


def is_double(x):
    return getattr(getattr(x, "dtype", None), "char", "") in "dD" and hasattr(x, "dtype")


def promoted(y):
    """Whether a plain result of singles is, at least in part, double, as NumPy's promotion says."""
    return any(is_double(leaf) for leaf in leaves(y))


def check_single(case, operands):
    wide = gradients(case, operands)[1]
    xs = frozen(tuple(single(x) for x in operands))
    y, grads = gradients(case, xs)
    plain = case.call(*xs)
    for x, g, exact in zip(xs, grads, wide, strict=True):
        if isinstance(x, np.ndarray) and has_gradient(x):
            assert g.dtype == x.dtype
        if has_gradient(x) and not promoted(plain):
            assert_close(g, exact, 5e-3)
    for got, wanted in zip(leaves(y), leaves(plain), strict=True):
        if case.name.startswith("cond/") and np.lib.NumpyVersion(np.__version__) < "2.4.0":
            pytest.skip("before NumPy 2.4 a condition number of a complex matrix is complex")
        assert getattr(got, "dtype", type(got)) == getattr(wanted, "dtype", type(wanted))


def check_rules_keep_single(case, operands):
    xs = frozen(tuple(single(x) for x in operands))
    if promoted(case.call(*xs)):
        pytest.skip("NumPy itself gives doubles for singles here")
    run = run_on(case.call, xs, {})
    assert any(run.outputs), "the result is a constant"
    seed = random_like(run.value, np.random.default_rng(0))
    for pull, h, known in naive_sweep(run, seed):
        if any(hasattr(x, "dtype") for x in known) and not any(is_double(x) for x in known):
            assert not any(is_double(leaf) for leaf in leaves(h)), f"{pull} promotes"


@per_case()
def test_single_precision_stays(case, rng):
    check_single(case, case.make(rng))


@per_case(COMPLEX)
def test_single_precision_stays_for_complex(case, rng):
    check_single(case, complex_operands(case, rng))


@per_case()
def test_no_rule_promotes(case, rng):
    check_rules_keep_single(case, case.make(rng))


@per_case(COMPLEX)
def test_no_rule_promotes_complex(case, rng):
    check_rules_keep_single(case, complex_operands(case, rng))


# --- 6, 9: the value, and whose memory is whose ---------------------------------------------------


@per_case()
def test_value_is_numpys(case, rng):
    xs = frozen(case.make(rng))
    got, wanted = leaves(gx.backprop_with(case.call, *xs)[0]), leaves(case.call(*xs))
    assert len(got) == len(wanted)
    for x, y in zip(got, wanted, strict=True):
        assert np.shape(x) == np.shape(y)
        assert np.asarray(x).dtype == np.asarray(y).dtype
        np.testing.assert_allclose(x, y, rtol=1e-11, atol=1e-12)


VARYING = {"scipy.linalg.logm"}
"""Cases whose last digits vary: SciPy estimates norms in it by random vectors."""


@per_case()
def test_gradients_have_memory_of_their_own(case, rng):
    xs = case.make(rng)
    before = [np.array(x) for x in xs]
    y, pullback = gx.backprop_with(case.call, *xs)
    cotangent = random_like(y, rng)
    first, again = pullback(cotangent), pullback(cotangent)
    grads = (first,) if len(xs) == 1 else first
    arrays = [
        g for x, g in zip(xs, grads, strict=True) if isinstance(g, np.ndarray) and has_gradient(x)
    ]
    others = [x for x in (*xs, *leaves(y), *leaves(cotangent)) if isinstance(x, np.ndarray)]
    for i, g in enumerate(arrays):
        assert g.flags.writeable
        assert not any(np.shares_memory(g, other) for other in [*arrays[:i], *others])
    for x, was in zip(xs, before, strict=True):
        np.testing.assert_array_equal(x, was)
    for g, h in zip(leaves(first), leaves(again), strict=True):
        np.testing.assert_allclose(g, h, rtol=1e-12 if case.name in VARYING else 0)


# --- 7: arrays that are not contiguous ------------------------------------------------------------


def strided(x):
    """The same numbers in every other place of a larger array, in another order of axes."""
    if not isinstance(x, np.ndarray) or x.ndim == 0:
        return x
    buffer = np.zeros((*[2 * n for n in x.shape[::-1]],), x.dtype)
    view = buffer[tuple(slice(None, None, 2) for _ in x.shape)].T
    view[...] = x
    return view


@pytest.mark.thorough
@per_case()
def test_layout_does_not_matter(case, rng):
    xs = case.make(rng)
    _, wanted = gradients(case, xs)
    _, got = gradients(case, frozen(tuple(strided(x) for x in xs)))
    for x, g, h in zip(xs, got, wanted, strict=True):
        if has_gradient(x):
            assert_close(g, h, 1e-9)


# --- 8: no rule reads a value ---------------------------------------------------------------------


def abstract(x, run):
    return run.wrap(x, spec_of(x)) if has_gradient(x) else x


def check_abstract(case, operands):
    y, grads = gradients(case, operands)
    run = AbstractRun()
    xs = tuple(abstract(x, run) for x in operands)
    inputs = [x for x in xs if isinstance(x, Lifted)]

    def call(*given):
        rest = iter(given)
        return case.call(*[next(rest) if isinstance(x, Lifted) else x for x in xs])

    result, pullback = gx.backprop_with(call, *inputs)
    for got, wanted in zip(leaves(result), leaves(y), strict=True):
        assert spec_of(got) == spec_of(wanted)
    found = pullback(random_like(y, np.random.default_rng(0)))
    found = (found,) if len(inputs) == 1 else found
    wanted = [g for x, g in zip(xs, grads, strict=True) if isinstance(x, Lifted)]
    for x, g, w in zip(inputs, found, wanted, strict=True):
        assert np.shape(g) == np.shape(w)
        assert np.dtype(spec_of(g).dtype) == np.dtype(spec_of(x).dtype)


@per_case([case for case in ALL_CASES if case.abstract])
def test_no_rule_reads_a_value(case, rng):
    check_abstract(case, case.make(rng))


@per_case([case for case in COMPLEX if case.abstract])
def test_no_rule_reads_a_complex_value(case, rng):
    check_abstract(case, complex_operands(case, rng))
