"""Every elementwise op at the edges of its domain, where a mask leaves its result out.

A zero cotangent times an infinite derivative is zero, to the second order. The test is on the
derivative: where only the cotangent is zero, second derivatives stay what they are. Both are taken
over the table of ops, so a new op is here by itself.
"""

import itertools
import warnings

import numpy as np
import pytest

import gradx as gx
from gradx.core.dispatch import apply
from gradx.core.op import OPS, Op
from gradx.core.properties import Property
from tests.ops.test_properties import ELSEWHERE, differentiable, is_float, sampled

EDGES = (0.0, -0.0, 1.0, -1.0, 0.5, 2.0, -2.5, 710.0, 1e4, 1e308, 1e-320)
EDGES = (*EDGES, np.inf, -np.inf, np.nan)
NAMES = sorted(
    name
    for name, op in OPS.items()
    if Property.ELEMENTWISE in op.properties and any(op.rules) and name not in ELSEWHERE
)


@pytest.fixture(autouse=True)
def quiet():
    """What a mask leaves out may overflow."""
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.filterwarnings("ignore", category=np.exceptions.ComplexWarning)
        yield


def first(y):
    """The result; of several, the last that is a float."""
    parts = [part for part in y if gx.value(part).dtype.kind == "f"] if type(y) is tuple else [y]
    return parts[-1]


def with_each_parameter(name):
    """A sample for each set of parameters of an op."""
    op, samples = sampled(name)
    found = {str(sorted(params)): (xs, params) for xs, params, _ in samples}
    return op, found.values()


def at_edges(xs, params, unit):
    """The operands at all combinations of edges, as vectors of one length."""
    count = sum(map(is_float, xs))
    size = len(EDGES) ** count
    drawn = iter(np.array(list(itertools.product(EDGES, repeat=count))).T)
    held = {key: np.resize(p, size) if np.ndim(p) else p for key, p in params.items()}
    if "dtype" in held and np.dtype(held["dtype"]).kind not in "fc":
        held["dtype"] = np.dtype(float)
    return [next(drawn) * unit if is_float(x) else np.resize(x, size) for x in xs], held


def check_masked(op, xs, params, i):
    """Nothing comes out of what a mask leaves out: no first derivative, no second."""

    def masked(x):
        y = first(apply(op, [*xs[:i], x, *xs[i + 1 :]], params))
        return np.sum(np.real(np.where(np.zeros(np.shape(y), bool), y, 0.0) * x))

    def slopes(x):
        return np.sum(np.real(gx.grad_bp(masked, x)))

    for f in (masked, slopes):
        got = gx.grad_bp(f, xs[i])
        wrong = np.flatnonzero(got != 0)
        assert not wrong.size, (i, [x[wrong[0]] for x in xs], got[wrong[0]])


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("unit", [1.0, np.float32(1), 1 + 1j], ids=["double", "single", "complex"])
def test_what_is_left_out_at_an_edge_adds_nothing(name, unit):
    op, samples = with_each_parameter(name)
    for sample, params in samples:
        xs, held = at_edges(sample, params, unit)
        try:
            op.forward(*xs, **held)
        except TypeError:  # NumPy has the function for real numbers only
            assert unit == 1 + 1j
            continue
        for i in differentiable(op, xs):
            check_masked(op, xs, held, i)


@pytest.mark.parametrize("name", NAMES)
def test_where_only_the_cotangent_is_zero_the_second_derivative_stays(name):
    """With y = f(a), (f(x) - y)**2 has the second derivative 2 f'(a)**2 at a: as powers, products
    and squares."""
    op, samples = sampled(name)
    for xs, params, result in samples:
        for i in differentiable(op, xs):
            if is_complex(xs[i]) or is_complex(first(result)) or not np.size(xs[i]):
                continue
            check_square(op, xs, params, i, np.asarray(gx.value(first(result))))


def is_complex(x):
    return np.asarray(x).dtype.kind == "c"


def check_square(op, xs, params, i, y):
    def difference(x):
        return first(apply(op, [*xs[:i], x, *xs[i + 1 :]], params)) - y

    def directional(f):
        """The gradient of one item of the gradient of f."""
        return gx.grad_bp(lambda x: np.ravel(gx.grad_bp(f, x))[0], xs[i])

    row = [
        np.ravel(gx.grad_bp(lambda x, k=k: np.ravel(difference(x))[k], xs[i]))
        for k in range(np.size(y))
    ]
    wanted = 2 * sum(slope[0] * slope for slope in row)
    for f in (
        lambda x: np.sum(difference(x) ** 2),
        lambda x: np.sum(difference(x) * difference(x)),
        lambda x: np.sum(np.square(difference(x))),
    ):
        np.testing.assert_allclose(np.ravel(directional(f)), wanted, rtol=1e-9, atol=1e-12)


POINTS = np.array([[0.0, 1.0], [0.0, 1.0], [2.0, 3.0]])
DISTANCES = {
    "norm": lambda d: np.linalg.norm(d, axis=-1),
    "norm-1": lambda d: np.linalg.norm(d, 1, axis=-1),
    "norm-3": lambda d: np.linalg.norm(d, 3, axis=-1),
    "root": lambda d: np.sqrt(np.sum(d**2, axis=-1)),
    "hypot": lambda d: np.hypot(d[..., 0], d[..., 1]),
}


@pytest.mark.parametrize("name", DISTANCES)
def test_points_that_coincide_do_not_act_on_one_another(name):
    """An energy of pairs: as if each two points that coincide were no pair."""

    def energy(x):
        d = DISTANCES[name](x[:, None] - x)
        return np.sum(np.where(d > 0, 1 / d + np.log(d), 0.0))

    def energy_of_others(x):
        d = DISTANCES[name](x[:2] - x[2])
        return 2 * np.sum(1 / d + np.log(d))

    for f, g in ((energy, energy_of_others), (forces(energy), forces(energy_of_others))):
        np.testing.assert_allclose(gx.grad(f)(POINTS), gx.grad(g)(POINTS), rtol=1e-12)


def forces(f):
    return lambda x: np.sum(gx.grad(f)(x) * np.array([1.0, 3.0]))


def test_python_numbers():
    for f in (np.log, np.sqrt, np.reciprocal, lambda x: x**-0.5):

        def masked(x, f=f):
            return np.where(x > 0, f(x), 0.0)

        for derivative in (gx.grad(masked), gx.grad(gx.grad(masked))):
            assert derivative(np.float64(0.0)) == 0
    for f in (np.log, np.sqrt):
        assert gx.grad(lambda x, f=f: np.where(x > 0, f(x), 0.0))(0.0) == 0


# ---- The tester, tested --------------------------------------------------------------------------


def test_rules_that_are_wrong_are_found():
    naive = Op("naive root", np.sqrt, lambda g, y: g / (2 * y), properties=Property.ELEMENTWISE)
    with pytest.raises(AssertionError):
        check_masked(naive, [np.array(EDGES)], {}, 0)

    def hidden(g, x):  # tests the cotangent instead of the derivative
        return np.where(g == 0, 0.0, g * np.cos(x))

    masks = Op("masked sine", np.sin, hidden, properties=Property.ELEMENTWISE)
    check_masked(masks, [np.array(EDGES)], {}, 0)
    a = np.array([0.3])
    with pytest.raises(AssertionError):
        check_square(masks, [a], {}, 0, np.sin(a))
