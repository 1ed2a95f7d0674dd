"""Notes on errors of NumPy and SciPy: what to write instead, another text for each cause."""

import sys
import types

import numpy as np
import pytest

import gradx as gx
from gradx.core.notes import _SOLVERS

MATRIX = np.array([[2.0, 1.0], [1.0, 3.0]])


def note_of(f, x=(1.0, 2.0)):
    """The only note on the error of a function of variables."""
    with pytest.raises((TypeError, ValueError, AttributeError)) as caught:
        gx.grad_bp(f, np.array(x))
    (note,) = caught.value.__notes__
    return note


def test_a_product_with_a_plain_matrix_needs_nothing_else():
    v = np.array([1.0, 2.0])
    y, g = gx.backprop(lambda v: MATRIX.dot(v), v)
    np.testing.assert_array_equal(y, MATRIX @ v)
    np.testing.assert_array_equal(g, MATRIX.sum(axis=0))
    assert gx.grad(lambda v: np.sum(v.clip(1.5, 3)))(v).tolist() == [0.0, 1.0]


CAUSES = {
    "nested list": (
        lambda v: np.linalg.det([[v[0], 1.0], [2.0, v[1]]]),
        "gradx: join the variables first, with np.stack([v, w]) or, nested, with gx.numpy.array([["
        "v, 1.0], [2.0, w]]); write gx.numpy.linalg.det([v, w]), which takes lists; or "
        "differentiate gx.adopt(f), where np.array takes variables",
    ),
    "array of a nested list": (
        lambda v: np.exp(np.array([[v[0], 1.0], [2.0, v[1]]])),
        "gradx: join the variables first, with np.stack([v, w]) or, nested, with gx.numpy.array(",
    ),
    "item of a plain array": (
        lambda v: np.zeros(3).__setitem__(0, v[0]),
        "gradx: collect variables in a list and join them with np.stack, or differentiate "
        "gx.adopt(f), whose arrays can be filled",
    ),
    "list with a dtype": (
        lambda v: np.array([[v[0], 1.0], [2.0, v[1]]], dtype=float),
        "gradx: collect variables in a list and join them with np.stack, or differentiate gx.adopt",
    ),
    "draws": (
        lambda v: np.random.default_rng(0).normal(v),
        "gradx: draw numbers first, and compute with them: mean + scale * rng.normal(size=n)",
    ),
    "iterator": (lambda v: list(np.nditer(v)), "gradx: join the variables first"),
}


@pytest.mark.parametrize("cause", CAUSES)
def test_each_cause_has_its_text(cause):
    f, text = CAUSES[cause]
    assert note_of(f).startswith(text)


def test_an_index_that_is_a_float():
    with pytest.raises(TypeError) as caught:
        gx.grad(lambda n: [1.0, 2.0][n])(1.0)
    assert caught.value.__notes__[0].startswith("gradx: write gx.value(n), or make it static")


# --- SciPy ----------------------------------------------------------------------------------------


def solve(v):
    return pytest.importorskip("scipy.linalg").solve(MATRIX, v)


def density(v):
    return pytest.importorskip("scipy.stats").norm.pdf(v)


def spline(v):
    return pytest.importorskip("scipy.interpolate").CubicSpline([0.0, 1.0], v)


def integral(v):
    return pytest.importorskip("scipy.integrate").quad(lambda t: t * v[0], 0, 1)


OF_SCIPY = {
    "scipy.linalg.solve": solve,
    "scipy.stats.norm.pdf": density,
    "scipy.interpolate.CubicSpline": spline,
    "scipy.integrate.quad": integral,
}


@pytest.fixture
def room(monkeypatch):
    """What `gradx.scipy` has of a module, for a test: these names."""

    def make(module, *names):
        own = types.ModuleType(f"gradx.{module}")
        own.__all__ = list(names)
        monkeypatch.setitem(sys.modules, "gradx.scipy", types.ModuleType("gradx.scipy"))
        monkeypatch.setitem(sys.modules, own.__name__, own)

    return make


@pytest.mark.parametrize("function", OF_SCIPY)
def test_a_function_of_scipy_that_has_no_counterpart(function, room):
    room(function.rpartition(".")[0].replace(".norm", ""))
    assert note_of(OF_SCIPY[function]).startswith(
        f"gradx: make an op of {function} with @gx.lift (its result and its pullback), or pass "
        "gx.value(v)"
    )


@pytest.mark.parametrize("function", OF_SCIPY)
def test_a_function_of_scipy_that_has_one(function, room):
    module, _, name = function.removeprefix("scipy.").partition(".")
    room(f"scipy.{module}", name.partition(".")[0])
    assert note_of(OF_SCIPY[function]).startswith(
        f"gradx: write gradx.{function}(…), or differentiate gx.adopt(f), where {function} is that"
    )


def test_an_optimiser_of_scipy():
    optimize = pytest.importorskip("scipy.optimize")

    def fitted(v):
        return optimize.minimize(lambda x: np.sum((x - v) ** 2), np.zeros(2)).x

    assert note_of(fitted).startswith("gradx: write gx.minimize(…), which takes values of any type")


def root(v):
    """A solver in C goes on after an error of gradx, and makes that the cause of another one."""
    optimize = pytest.importorskip("scipy.optimize")
    return optimize.brentq(lambda x: x**2 - v, 0.0, 2.0)


@pytest.mark.parametrize(
    "transformed",
    [
        gx.grad(root),
        gx.grad(gx.adopt(root)),
        lambda x: gx.jvp(root, (x,), (x,)),
        lambda x: gx.vmap(root)(np.full(2, x)),
    ],
    ids=["grad", "adopt", "jvp", "vmap"],
)
def test_code_of_c_that_goes_on_after_an_error(transformed):
    with pytest.raises((SystemError, gx.ConversionError)) as caught:
        transformed(2.0)
    (note,) = caught.value.__notes__
    assert note.startswith("gradx: write gx.root_scalar(…), which takes values of any type")
    assert note.endswith("scipy.optimize.brentq does not take variables")


def test_every_solver_that_is_named_exists():
    optimize = pytest.importorskip("scipy.optimize")
    for own, theirs in _SOLVERS:
        assert callable(getattr(gx, own))
        assert all(callable(getattr(optimize, name)) for name in theirs)


def test_a_sparse_matrix():
    sparse = pytest.importorskip("scipy.sparse")
    text = "gradx: write A.toarray() @ v, or make an op of the product with @gx.lift"
    assert note_of(lambda v: sparse.csr_matrix(MATRIX).dot(v)).startswith(text)


def test_an_error_that_scipy_raises_of_plain_values_has_no_note():
    linalg = pytest.importorskip("scipy.linalg")
    with pytest.raises(ValueError, match=r"incompatible|dimensions|shape") as caught:
        gx.grad(lambda v: v[0] * linalg.solve(MATRIX, np.ones(3)))(np.ones(2))
    assert not getattr(caught.value, "__notes__", [])


@pytest.mark.parametrize(
    "call",
    [
        lambda f: gx.grad_bp(f, {"a": 1.0}),
        lambda f: gx.jvp(f, ({"a": 1.0},), ({"a": 1.0},)),
        lambda f: gx.vmap(f)({"a": np.ones(2)}),
    ],
    ids=["grad_bp", "jvp", "vmap"],
)
@pytest.mark.parametrize("f", [np.sin, lambda v: np.sin(v)], ids=["itself", "called"])
def test_a_function_of_c_that_is_differentiated_itself(f, call):
    with pytest.raises(TypeError, match="no callable sin method") as caught:
        call(f)
    assert "join the variables first" in caught.value.__notes__[0]
