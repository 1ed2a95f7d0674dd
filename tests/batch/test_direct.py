"""The direct paths do what the rule of elementwise ops does: to the bit, to the layout."""

import itertools
import warnings

import numpy as np
import pytest

import gradx as gx
import gradx.batch.run as batch_run
from gradx.batch.direct import _function_of
from gradx.core.dispatch import apply
from gradx.core.op import OPS
from gradx.core.spec import spec_of

RNG = np.random.default_rng(3)
SIZE = 6
DTYPES = (np.float64, np.float32, np.int64, np.bool_, np.complex128)


def drawn(dtype, *shape):
    x = RNG.normal(size=shape) * 3
    return (x + 1j * x[::-1] if dtype is np.complex128 else np.rint(x)).astype(dtype)


SHAPES = [(SIZE,), (SIZE, 3), (SIZE, 2, 3)]
MAPPED = {f"mapped-{len(s) - 1}-{d.__name__}": (drawn(d, *s), 0) for s in SHAPES for d in DTYPES}
CONSTANT = {
    **{f"outside-{d.__name__}": (drawn(d, 3), None) for d in DTYPES},
    "outside-matrix": (drawn(float, 2, 3), None),
    "outside-0-d": (np.array(1.5), None),
    "float": (0.75, None),
    "int": (2, None),
    "float64": (np.float64(0.25), None),
}
OPERANDS = MAPPED | CONSTANT
PAIRS = [p for p in itertools.product(OPERANDS, OPERANDS) if not CONSTANT.keys() >= set(p)]
DIRECT = sorted(name for name, op in OPS.items() if op.rules and _function_of(op) is not None)


def outcome(op, names):
    """What an op gives in a batch run: the arrays that the results hold, and their specs."""
    held = []

    def one(*xs):
        y = apply(op, xs)
        held.append((y._examples, spec_of(y)))
        return y

    xs, axes = zip(*[OPERANDS[name] for name in names], strict=True)
    try:
        with np.errstate(all="ignore"), warnings.catch_warnings(action="ignore"):
            gx.vmap(one, in_axes=axes)(*xs)
    except (TypeError, ValueError, AttributeError, RecursionError) as error:  # of SciPy, too
        return type(error), str(error).replace("0x", "")[:60]
    return [(y.tobytes("A"), y.dtype, y.shape, y.strides, spec) for y, spec in held]


@pytest.mark.parametrize("name", DIRECT)
def test_a_direct_path_does_what_the_rule_does(name, monkeypatch):
    op = OPS[name]
    rng = np.random.default_rng(len(name))
    combinations = [(k,) for k in MAPPED] if len(op.rules) == 1 else rng.permutation(PAIRS)[:24]
    if len(op.rules) > 2:
        others = rng.choice(list(OPERANDS), (60, len(op.rules) - 1))
        combinations = [(str(rng.choice(list(MAPPED))), *rest) for rest in others.tolist()]
        combinations.append(("mapped-0-bool", "mapped-0-float64", *["float"] * (len(op.rules) - 2)))
    direct = [outcome(op, names) for names in combinations]
    monkeypatch.setattr(batch_run, "direct", lambda *args: None)
    assert direct == [outcome(op, names) for names in combinations]


def test_direct_paths_are_taken():
    taken = []

    def one(w, x):
        y = batch_run.direct(x._run, OPS["operator.mul"], (w, x))
        taken.append(y)
        return y

    w, x = np.array([1.0, 2.0]), np.arange(8.0).reshape(4, 2)
    assert gx.vmap(one, in_axes=(None, 0))(w, x).tolist() == (w * x).tolist()
    assert taken[0] is not None and len(DIRECT) > 100


@pytest.mark.parametrize("made", [lambda x: np.where(x > 0, x, 0.0), np.copy])
def test_what_makes_an_array_of_a_scalar_gives_one_that_is_written_into(made):
    def counted(x):
        y = made(x)
        same = y
        y += 1.0
        return same

    x = np.array([1.0, -2.0, 3.0])
    assert gx.vmap(counted)(x).tolist() == [counted(v).tolist() for v in x]
