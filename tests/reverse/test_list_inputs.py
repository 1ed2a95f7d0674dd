"""NumPy's functions on list and tuple inputs: right, or an error that says what to write.

What happens to each is pinned: `list_inputs.RAISING` names those that NumPy cannot do with objects.
Under their names in `gradx.numpy` all are right.
"""

import numpy as np
import pytest

import gradx as gx
from tests.reverse.list_inputs import CASES, RAISING, of_inputs

pytestmark = pytest.mark.filterwarnings("ignore")
RAISES = frozenset(line.strip() for line in RAISING.splitlines() if line.strip())
TRUTH = ("np.logical_and", "np.logical_or")
"""Of objects NumPy gives one of the two operands, as Python's ``and`` and ``or`` do."""


def leaves(x):
    return [leaf for part in x for leaf in leaves(part)] if isinstance(x, (list, tuple)) else [x]


def like(x, numbers, kind=list):
    return kind(like(part, numbers, kind) for part in x) if type(x) is list else next(numbers)


def total(y):
    if isinstance(y, (list, tuple)):
        return sum(map(total, y))
    y = np.asarray(y)
    return float(np.sum(y).real) if y.dtype.kind in "fc" else 0.0


def assert_same(y, wanted):
    if isinstance(wanted, (list, tuple)):
        assert len(y) == len(wanted)
        for pair in zip(y, wanted, strict=True):
            assert_same(*pair)
    else:
        np.testing.assert_allclose(y, wanted, rtol=1e-12)


def assert_right(f, plain, xs):
    """The value and the gradient along a direction, by central differences."""
    y, gradients = gx.backprop(f, *xs)
    assert_same(y, plain(*xs))
    gradients = gradients if len(xs) > 1 else (gradients,)
    rng, step = np.random.default_rng(1), 1e-6
    for i, (x, g) in enumerate(zip(xs, gradients, strict=True)):
        numbers = np.array(leaves(x))
        direction = rng.standard_normal(len(numbers))

        def at(t, i=i, x=x, numbers=numbers, direction=direction):
            moved = like(x, iter((numbers + t * direction).tolist()))
            return total(plain(*xs[:i], moved, *xs[i + 1 :]))

        slope = (at(step) - at(-step)) / (2 * step)
        np.testing.assert_allclose(np.real(leaves(g)) @ direction, slope, rtol=3e-4, atol=3e-4)


@pytest.mark.parametrize(("name", "text", "xs"), CASES, ids=[name for name, _, _ in CASES])
def test_on_lists_and_tuples(name, text, xs):
    f = of_inputs(text, np)
    if name in RAISES:
        for kind in (list, tuple):
            given = [like(x, iter(leaves(x)), kind) for x in xs]
            with pytest.raises((TypeError, ValueError, AttributeError)) as caught:
                gx.backprop(f, *given)
            said = " ".join([str(caught.value), *getattr(caught.value, "__notes__", ())])
            assert "np.stack" in said
    elif text.startswith(TRUTH):
        y, _ = gx.backprop(f, *xs)
        assert_same(np.asarray(y, bool), f(*xs))
    elif text == "np.block(p)":  # which NumPy refuses of tuples
        assert_right(f, f, xs)
    else:
        assert_right(f, f, xs)
        tuples = [like(x, iter(leaves(x)), tuple) for x in xs]
        assert_same(gx.backprop(f, *tuples)[0], f(*xs))


@pytest.mark.parametrize(("name", "text", "xs"), CASES, ids=[name for name, _, _ in CASES])
def test_under_gradx_numpy(name, text, xs):
    path = text.removeprefix("np.").partition("(")[0].split(".")
    namespace = gx.numpy
    for part in path if "[" not in path[0] else path[:0]:
        namespace = getattr(namespace, part, None)
    if namespace is None:
        pytest.skip("not in gradx.numpy yet")
    assert_right(of_inputs(text, gx.numpy), of_inputs(text, np), xs)


def test_every_raising_case_is_one():
    assert {name for name, _, _ in CASES} >= RAISES
