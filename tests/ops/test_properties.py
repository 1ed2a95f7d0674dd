"""What an op says of itself is so: each property, on the operands that the cases give its ops.

A small run that listens stands in: its values hold numbers, and it notes each op that is done, with
its operands and parameters.
"""

import copy
import pickle
import warnings
from functools import cache

import numpy as np
import pytest

import gradx as gx
from gradx.core.cotangent import op_of
from gradx.core.dispatch import Lifted, Run, apply
from gradx.core.op import OPS, Op
from gradx.core.properties import Property
from gradx.core.spec import Form, concrete, primal, spec_of
from gradx.errors import OpError, UnregisteredTypeError
from gradx.ops.assignment import write_anew
from gradx.reverse.run import run_on
from gradx.surface.arrays import ArraySurface, ScalarSurface
from gradx.surface.numbers import NumberSurface
from gradx.values.leaves import map_leaves
from tests.architecture.test_one_rule import ops as ops_of_modules
from tests.ops.cases import ALL_CASES
from tests.ops.test_specification import has_gradient

SAMPLES = 3


@pytest.fixture(autouse=True)
def quiet():
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.filterwarnings("ignore", category=np.exceptions.ComplexWarning)
        yield


# --- A run that listens ---------------------------------------------------------------------------


class Heard(Lifted):
    __slots__ = ("_number",)

    def _spec(self):
        return spec_of(self._number)

    def _primal(self):
        return primal(self._number)

    def _concrete(self, what):
        return concrete(self._number, what)

    def _compared(self, function, other):
        return function(primal(self), primal(other))


class HeardNumber(NumberSurface, Heard):
    __slots__ = ()


class HeardScalar(ScalarSurface, Heard):
    __slots__ = ()


class HeardArray(ArraySurface, Heard):
    __slots__ = ()

    def _become(self, other):
        self._number = other._number

    def _set_shape(self, shape):
        self._number = self._number.reshape(shape)


CLASSES = {Form.NUMBER: HeardNumber, Form.SCALAR: HeardScalar, Form.ARRAY: HeardArray}


class ListeningRun(Run):
    __slots__ = ("noted",)

    def __init__(self):
        super().__init__()
        self.noted = []

    def process(self, op, operands, params):
        xs = [x._number if self.owns(x) else x for x in operands]
        y = apply(op, xs, params)
        self.noted.append((op, xs, params or {}, y))
        return map_leaves(y, lambda leaf, spec: self.wrap(leaf, spec_of(leaf)))

    def write(self, target, index, item, fresh=False):
        write_anew(target, index, item)

    def wrap(self, value, spec):
        v = object.__new__(CLASSES[spec.form])
        v._run, v._number = self, value
        return v


@cache
def heard():
    """From the name of each op of the tables to some of its operands, parameters and results."""
    found = {}
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for case in ALL_CASES:
            run = ListeningRun()
            xs = case.make(np.random.default_rng(7))
            try:
                case.call(*[run.wrap(x, spec_of(x)) if has_gradient(x) else x for x in xs])
            except UnregisteredTypeError:  # a case that differentiates by itself
                continue
            for op, operands, params, y in run.noted:
                known = found.setdefault(op.name, [])
                if OPS.get(op.name) is op and len(known) < SAMPLES:
                    known.append((operands, params, y))
    return found


ELSEWHERE = {"leaf", "to_device"}
"""Ops of containers and of devices, whose operands are no arrays of the host."""


def operands_of(name):
    """Operands, parameters and results of an op."""
    if name in MADE:
        xs, params = MADE[name]
        return [(xs, params, OPS[name].forward(*xs, **params))]
    return heard().get(name, [])


_A = np.array([[0.3, -1.2, 2.0], [0.7, 0.4, -0.5]])
MADE = {
    "add_along_axis": ([_A, np.array([[0, 1, 1], [1, 0, 2]])], {"shape": (2, 4), "axis": 1}),
    "embedded_diagonal": ([_A], {"shape": (2, 3, 4), "offset": 0, "axis1": 1, "axis2": 2}),
    "scatter": ([_A], {"indices": ((slice(None), slice(1, 4)),), "shape": (2, 5)}),
    "overlapped": ([_A], {"shape": (4,), "length": 3, "axis": 0}),
    "scaled": ([_A, _A + 1], {}),
    "divided": ([_A, _A + 5], {}),
    "transposed": ([_A], {}),
    "squared": ([_A], {}),
    "outer_of_vectors": ([_A[0], _A[1]], {}),
    **{f"gamma_{side}": ([_A + 2, _A + 2, _A], {"n": 1}) for side in ("below", "above")},
    **{
        f"beta_{side}": ([_A + 2, _A + 2, abs(_A) / 4, _A, _A], {"n": 1, "m": 1})
        for side in ("below", "above")
    },
    "ellipdinc": ([_A, abs(_A) / 4], {}),
    "polygamma_in_kind": ([_A + 2], {"n": 1}),
    "scipy.special.riemann_zeta": ([_A + 3], {}),
    "one_over": ([_A], {}),
    "signed_power": ([_A], {"p": 3}),
    "activation_backward": ([_A, abs(_A)], {"activation": "relu"}),
    "scatter_added": ([_A[0], np.array([2, 0, 2])], {"shape": (4,)}),
}


def having(wanted):
    names = [name for name, op in OPS.items() if wanted in op.properties and any(op.rules)]
    names = [name for name in names if name not in ELSEWHERE]
    return pytest.mark.parametrize("name", sorted(names))


def is_float(x):
    return getattr(getattr(x, "dtype", None), "kind", "") in ("f", "c") or type(x) is float


def differentiable(op, xs):
    """The numbers of the operands that have a rule."""
    rules = op.rules * len(xs) if op.variadic else op.rules
    return [i for i, (x, rule) in enumerate(zip(xs, rules, strict=True)) if rule and is_float(x)]


def result_of(op, xs, params, changed):
    """The result with other operands, by their numbers."""
    return op.forward(*[changed.get(i, x) for i, x in enumerate(xs)], **params)


def other(x, seed):
    drawn = np.random.default_rng(seed).standard_normal(np.shape(x))
    return float(drawn) if type(x) is float else drawn.astype(x.dtype)


def assert_same(got, wanted):
    np.testing.assert_allclose(got, wanted, rtol=1e-9, atol=1e-9)


def check_linear(op, xs, params, chosen):
    """``f(a x + z) = a f(x) + f(z)`` in the chosen operands together."""
    zs = {i: other(xs[i], i) for i in chosen}
    left = result_of(op, xs, params, {i: 2.5 * xs[i] + zs[i] for i in chosen})
    x, z = result_of(op, xs, params, {}), result_of(op, xs, params, zs)
    assert_same(left, 2.5 * np.asarray(x) + z)


def sampled(name):
    """Those samples of an op whose differentiable operands are real or complex numbers."""
    op = OPS[name]
    samples = [(xs, params, y) for xs, params, y in operands_of(name) if differentiable(op, xs)]
    assert samples, f"no case does {name} on floats"
    return op, samples


@having(Property.LINEAR)
def test_linear_ops_are_linear(name):
    op, samples = sampled(name)
    for xs, params, _ in samples:
        if np.dtype(params.get("dtype", float)).kind in "fc":
            check_linear(op, xs, params, differentiable(op, xs))


@having(Property.BILINEAR)
def test_bilinear_ops_are_linear_in_each_operand(name):
    op, samples = sampled(name)
    for xs, params, _ in samples:
        for i in differentiable(op, xs):
            check_linear(op, xs, params, [i])


@having(Property.ELEMENTWISE)
def test_elementwise_ops_commute_with_indexing(name):
    op, samples = sampled(name)
    for xs, params, y in samples:
        if any(key in params for key in ("which", "axis")):
            continue
        whole = np.broadcast_arrays(*xs)
        if not whole[0].ndim or not whole[0].size:
            continue
        index = tuple(n // 2 for n in whole[0].shape)
        item = op.forward(
            *[x[index] if np.ndim(x0) else x0 for x, x0 in zip(whole, xs, strict=True)], **params
        )
        assert_same(item, [part[index] for part in y] if type(y) is tuple else y[index])


@having(Property.STRUCTURAL)
def test_structural_ops_only_move_items(name):
    """Items stay what they are: each of the result is one of an operand, or of the parameters."""
    for xs, params, y in sampled(name)[1]:
        known = [np.ravel(x) for x in xs] + [np.zeros(1)]
        known += [np.ravel(p) for p in params.values() if np.isscalar(p) and not isinstance(p, str)]
        assert np.isin(np.nan_to_num(np.ravel(y)), np.nan_to_num(np.concatenate(known))).all()


@having(Property.REDUCTION)
def test_reductions_reduce_axes(name):
    op, samples = sampled(name)
    x = np.array([[[0.3, 1.2, 2.0], [0.7, 0.4, 0.5]]])
    params = {key: value for key, value in samples[0][1].items() if key not in ("axis", "keepdims")}
    for axis in ((0, 1), 2) if name != "power_norm" else (0, 2):
        kept = op.forward(x, axis=axis, keepdims=True, **params)
        gone = op.forward(x, axis=axis, keepdims=False, **params)
        assert kept.shape == tuple(
            1 if i in np.atleast_1d(axis) else n for i, n in enumerate(x.shape)
        )
        assert_same(np.ravel(kept), np.ravel(gone))


@pytest.mark.parametrize("wanted", list(Property))
def test_every_property_is_of_many_ops(wanted):
    assert sum(wanted in op.properties for op in OPS.values()) >= 8


def test_a_wrong_property_fails():
    """The checks find an op that says what is not so."""
    square = Op("a square", lambda x: x * x, lambda g, x: 2 * g * x)
    with pytest.raises(AssertionError):
        check_linear(square, [np.ones(2)], {}, [0])


# --- Names, copies, pickles -----------------------------------------------------------------------


def test_every_op_of_a_module_is_known_by_its_name():
    unknown = {op.name for op, _ in ops_of_modules() if OPS.get(op.name) is not op}
    # Their parameters are functions, or a run, made for one call.
    assert unknown == {"inverse_of_jacobian", "example", "together"}


@pytest.mark.parametrize("name", sorted(OPS))
def test_an_op_of_the_tables_is_itself_after_copying_and_pickling(name):
    op = OPS[name]
    assert copy.copy(op) is op and copy.deepcopy({"op": op})["op"] is op
    assert pickle.loads(pickle.dumps(op)) is op


def twice(x):
    return 2 * x


def twice_rule(g):
    return 2 * g


def twice_with_pullback(x):
    return 2 * x, twice_rule


def test_an_op_of_a_user_is_pickled_with_its_functions():
    op = Op("twice", twice, twice_rule, properties=Property.LINEAR)
    again = pickle.loads(pickle.dumps(op))
    assert again is not op
    assert (again.name, again.properties, again.run(3.0)) == ("twice", Property.LINEAR, (6.0, 2.0))
    assert pickle.loads(pickle.dumps(gx.op1(twice_with_pullback))).run(3.0) == (6.0, 2.0)
    again = pickle.loads(pickle.dumps(Op("products", np.multiply, *OPS["multiply"].rules)))
    assert again.run(3.0, 4.0) == (12.0, (4.0, 3.0))


def test_an_op_of_lambdas_cannot_be_pickled():
    op = gx.op1(lambda x: (x, lambda g: g), name="mine")
    with pytest.raises(
        OpError,
        match=r"the op mine cannot be pickled, since its functions cannot.*"
        r"define them with 'def' at the top of a module",
    ):
        pickle.dumps(op)


def test_two_ops_of_one_name_are_refused():
    from gradx.core.op import register_ops

    with pytest.raises(OpError, match="there are two ops of the name 'exp'; give one another name"):
        register_ops([Op("exp", np.exp, None)])


# --- A node says which op made it -----------------------------------------------------------------


def names_of_nodes(f, *xs):
    nodes = [node for node in run_on(f, xs, {}).nodes if node is not None]
    return [op_of(node).name for node in nodes]


def test_a_node_says_which_op_made_it():
    x = np.ones((2, 3))
    assert names_of_nodes(lambda x: np.exp(x[0]) * 2 + 1, x) == [
        *("getitem", "exp", "operator.mul", "operator.add")
    ]
    assert names_of_nodes(lambda x: np.sum(x.T), x) == ["transposed", "sum_of_all"]
    assert names_of_nodes(lambda x: np.sum(x, axis=0) @ np.ones(3), x) == ["sum", "matmul"]
    assert names_of_nodes(lambda x: np.linalg.qr(x)[1], np.eye(2) + 1) == ["qr", "leaf", "leaf"]
    assert names_of_nodes(gx.lift_op(gx.op1(twice_with_pullback)), 3.0) == ["twice_with_pullback"]
    assert names_of_nodes(lambda x: -x / 2, 3.0) == ["operator.neg", "operator.truediv"]


def test_every_node_of_every_case_says_which_op_made_it(rng):
    for case in ALL_CASES[::7]:
        for node in run_on(case.call, case.make(rng), {}).nodes:
            assert node is None or isinstance(op_of(node), Op), case.name
