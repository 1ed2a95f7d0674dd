"""Gradients own their memory: whatever a rule hands out, with the C code or without."""

import ctypes
import os
import pickle
import subprocess
import sys

import numpy as np
import pytest

import gradx as gx
from gradx.core.cotangent import edges_of
from gradx.native import native
from gradx.reverse import backward, run
from gradx.reverse.ownership import is_unshared
from tests.native.native import bits

N = 20_000
WITHOUT = """
import sys
{first}
import numpy as np, gradx as gx
x = np.linspace(0.5, 1.5, 2000)
g = gx.grad(lambda x: np.sum(np.tanh(x) * x + x / 2.0 - np.exp(-x)))(x)
t = np.tanh(x)
np.testing.assert_allclose(g, t + (1 - t * t) * x + 0.5 + np.exp(-x))
w = np.ones((30, 20))
both = gx.grad_bp(lambda w, v: np.sum((w @ v) ** 2) + np.sum(w.T * w.T), w, np.ones(20))
np.testing.assert_allclose(both[0], 42.0)
assert not np.shares_memory(*both) and both[0].flags.writeable
g = gx.grad_bp(lambda d: d["a"] * d["b"] + d["a"], {{"a": 2.0, "b": 3.0}})
assert g == {{"a": 4.0, "b": 2.0}}
"""


@pytest.fixture(params=["python", "c"], autouse=True)
def swept(request, monkeypatch):
    if request.param == "c" and native is None:
        pytest.skip("gradx is without its C code here")
    chosen = backward.sweep if request.param == "python" else native.sweep
    monkeypatch.setattr(run, "sweep_host", chosen)


def lent(work):
    """An array of the memory of another that says nothing of it, as C libraries hand them out."""
    get = ctypes.pythonapi.PyCapsule_GetPointer
    get.restype, get.argtypes = ctypes.c_void_p, [ctypes.py_object, ctypes.c_char_p]
    api = ctypes.cast(
        get(np._core._multiarray_umath._ARRAY_API, None), ctypes.POINTER(ctypes.c_void_p)
    )
    pointer, number = ctypes.c_void_p, ctypes.c_int
    new = ctypes.PYFUNCTYPE(
        *(ctypes.py_object, ctypes.py_object, number, pointer, number, pointer, pointer),
        *(number, number, pointer),
    )(api[93])  # PyArray_New
    shape = (ctypes.c_ssize_t * 1)(work.size)
    data = pointer(work.ctypes.data)
    return new(np.ndarray, 1, ctypes.cast(shape, pointer), 12, None, data, 0, 0x501, None)


@pytest.mark.parametrize(
    "f",
    [
        lambda op, x: np.sum(op(x)),
        lambda op, x: np.sum(op(-x)),
        lambda op, x: np.sum(op(x * 2.0) + op(x) + op(x)),
        lambda op, x: np.sum(op(x) * x),
    ],
)
def test_memory_that_a_library_lends_is_not_written_and_not_handed_out(f):
    work = np.full(N, 3.0)
    op = gx.lift(lambda x: (3.0 * x, lambda g: lent(work)))
    in_dict = gx.grad(lambda v: f(op, v["k"]))({"k": np.ones(N)})["k"]
    for g in (in_dict, gx.grad(lambda v: f(op, v))(np.ones(N))):
        assert not np.shares_memory(g, work) and (work == 3.0).all()


def test_a_read_only_gradient_is_copied():
    def pull(g):
        h = 3.0 * g
        h.flags.writeable = False
        return h

    op = gx.lift_op1(gx.Op("thrice", lambda x: 3.0 * x, pull))
    for value, part in ((np.ones(N), lambda v: v), ({"k": np.ones(N)}, lambda v: v["k"])):
        g = part(gx.grad(lambda v, part=part: np.sum(op(part(v))))(value))
        g *= 0.5
        assert g[0] == 1.5


def test_what_is_unshared():
    x = np.ones((2, 3))
    assert not is_unshared([x]) and is_unshared([np.ones((2, 3))])
    assert is_unshared([np.ones((2, 3)).T]) and not is_unshared([x.T])
    still = np.ones(3)
    still.flags.writeable = False
    cell = [still]
    del still
    assert not is_unshared(cell)
    assert not is_unshared([lent(x.reshape(-1))])


@pytest.mark.parametrize(
    "f",
    [
        lambda c: 0.5 * np.sum((c - np.mean(c)) * (c - np.mean(c))),
        lambda c: np.sum(c * c / (1 + c * c) - np.exp(-c) * c),
        lambda c: np.sum(np.abs((c * (1 + 2j)) * c)),
        lambda c: np.sum((c @ c.T) * c) + np.sum(c, axis=0) @ c[0],
    ],
)
@pytest.mark.parametrize("order", "CF")
@pytest.mark.parametrize("dtype", [float, np.float32, np.float16, complex])
def test_both_engines_give_the_same_bits(f, order, dtype, rng, monkeypatch):
    x = np.asarray(rng.normal(size=(30, 30)).astype(dtype), order=order)

    def gradient():
        return bits(gx.backprop_with(f, x)[1](np.ones((), dtype)[()]))

    with np.errstate(all="ignore"):
        mine = gradient()
        monkeypatch.setattr(run, "sweep_host", backward.sweep)
        assert gradient() == mine


def test_unpickled_arrays_write_the_same_nodes():
    x = np.linspace(0.5, 1.5, 10)
    other = pickle.loads(pickle.dumps(x))

    def likes(x):
        found = []

        def f(v):
            y = np.exp(v * x + 1.0) / v
            found.extend(edge[3] for n in y._run.nodes[1:] for edge in edges_of(n))
            return np.sum(y)

        return found, bits(gx.grad(f)(x))

    assert likes(other) == likes(x)


@pytest.mark.parametrize("speedups", ["0", "1"])
@pytest.mark.parametrize("first", ["", "del sys.getrefcount"])
def test_without_counts_and_without_c(speedups, first):
    code = WITHOUT.format(first=first)
    env = {**os.environ, "GRADX_SPEEDUPS": speedups}
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60, env=env)
