"""What a function of NumPy's returns shares memory with its argument where NumPy's own does.

Each program writes into the result or into the argument, and shows both. A copy where NumPy has a
view, or a view where it has a copy, gives another value.
"""

import itertools

import numpy as np
import pytest

import gradx as gx

X = np.array([[0.3, 0.9, 1.4], [0.1, 0.7, -0.2], [1.1, 0.6, 0.8]])
windows = np.lib.stride_tricks.sliding_window_view

FUNCTIONS = {
    "array": np.array,
    "array to a dtype": lambda x: np.array(x, float, copy=None, ndmin=2),
    "asarray": lambda x: np.asarray(x, float),
    "asarray by columns": lambda x: np.asarray(x, order="F"),
    "asfortranarray": np.asfortranarray,
    "ascontiguousarray": np.ascontiguousarray,
    "require": lambda x: np.require(x, float, "C"),
    "astype": lambda x: x.astype(float, copy=False),
    "atleast_2d": np.atleast_2d,
    "ravel": np.ravel,
    "ravel in memory": lambda x: np.ravel(x, "K"),
    "reshape": lambda x: np.reshape(x, -1),
    "reshape by columns": lambda x: np.reshape(x, -1, "F"),
    "reshape a copy": lambda x: np.reshape(x, -1, copy=True),
    "nan_to_num": np.nan_to_num,
    "nan_to_num in place": lambda x: np.nan_to_num(x, copy=False),
    "clip": lambda x: np.clip(x, 0.0, 1.0),
    "clip in place": lambda x: np.clip(x, 0.0, 1.0, out=x),
    "squeeze": np.squeeze,
    "moveaxis": lambda x: np.moveaxis(x, 0, -1),
    "rot90": lambda x: np.rot90(x, 2),
    "flip": np.flip,
    "split": lambda x: np.split(x, 1)[0],
    "unstack": lambda x: np.unstack(x)[0],
    "windows": lambda x: windows(x, 2, 0),
    "windows of two axes": lambda x: windows(x, (2, 1)),
    "block": np.block,
    "block of a list": lambda x: np.block([x]),
    "diff": lambda x: np.diff(x, 0),
    "apply_over_axes": lambda x: np.apply_over_axes(np.sum, x, []),
    "einsum": lambda x: np.einsum("...->...", x),
    "real": np.real,
    "conj": np.conj,
    "positive": np.positive,
    "broadcast_to": lambda x: np.broadcast_to(x, (2, *x.shape)),
    "concatenate": lambda x: np.concatenate([x]),
    "vectorize": lambda x: np.ravel(np.vectorize(lambda t: t)(x), "K"),
    "block in memory": lambda x: np.ravel(np.block(x), "K"),
    "first of nditer": lambda x: next(iter(np.nditer(x, op_flags=["readwrite"]))),
    "first of ndenumerate": lambda x: next(iter(np.ndenumerate(x)))[1],
    "first": lambda x: next(iter(x)),
}
MAKERS = {
    "the argument": lambda x: x,
    "its transpose": lambda x: x.T,
    "a part": lambda x: x[::-1, ::2],
    "a row": lambda x: x[0],
    "a new array": lambda x: x * 2.0,
    "a number": lambda x: x[0, 0],
    "no axes": lambda x: x[0, 0, ...],
}


def program(function, maker, into_result):
    def run(x):
        made = maker(x)
        y = function(made)
        z = y
        if into_result:
            y += 1.0
        else:
            x[...] = 3.0 * x
        return x, made, y, z

    return run


def shown(x):
    value = gx.value(x)
    array = np.asarray(value)
    return isinstance(value, np.ndarray), array.dtype, array.shape, array.tobytes()


def of_numpy(run):
    """What NumPy shows; None where it refuses."""
    try:
        return [shown(each) for each in run(X.copy())]
    except (ValueError, TypeError, AttributeError, IndexError):
        return None


@pytest.mark.parametrize("name", FUNCTIONS)
def test_results_share_memory_as_numpys_do(name):
    for maker, into_result in itertools.product(MAKERS.values(), (True, False)):
        run, seen = program(FUNCTIONS[name], maker, into_result), []
        adopted, wanted = gx.adopt(run), of_numpy(run)
        if wanted is not None:
            gx.grad(lambda x: seen.extend(map(shown, adopted(x))) or np.sum(x))(X)  # noqa: B023
            assert seen == wanted, (maker(X), into_result)
