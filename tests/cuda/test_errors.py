"""Bad calls: on device arrays they raise what they raise on NumPy's, with the same text.

An error of gradx is the same to the letter. One of NumPy's own, such as shapes that do not go
together, comes from CuPy there: of the same type, in CuPy's words.
"""

import copy
import pickle
import re

import numpy as np
import pytest

import gradx as gx
from tests.cuda.device_numpy import on_device
from tests.cuda.places import there

MATRIX = np.array([[0.5, -1.0, 2.5], [0.25, 1.5, -1.0]])
VECTOR = np.array([1.0, 2.0, 3.0])
INTEGERS = np.array([1, 2, 3])
MASK = np.array([True, False])


def added(array, x):
    array += x
    return array


def deleted(array, key):
    del array[key]
    return array


def escaped(x):
    kept = []
    gx.grad_bp(lambda v: kept.append(v) or np.sum(v), x)
    return kept[0]


# --- Of variables of a matrix (2, 3) and a vector (3,): errors of gradx ---------------------------

CONVERSIONS = {
    "float": lambda v, w: float(w[0]),
    "float-array": lambda v, w: float(v),
    "int": lambda v, w: int(w[0]),
    "complex": lambda v, w: complex(w[0]),
    "index": lambda v, w: [1, 2, 3][w[:1].reshape(())],
    "range": lambda v, w: range(w[:1].reshape(())),
    "tolist": lambda v, w: v.tolist(),
    "asarray": lambda v, w: np.asarray(v, float),
    "pickle": lambda v, w: pickle.dumps(v),
}
ASSIGNMENTS = {
    "out": lambda v, w: np.add(v, w, out=np.zeros((2, 3))),
    "out-unary": lambda v, w: np.exp(v, out=np.zeros((2, 3))),
    "sum-out": lambda v, w: np.sum(v, out=np.zeros(())),
    "mean-out": lambda v, w: np.mean(v, 0, None, np.zeros(3)),
    "dot-out": lambda v, w: np.dot(v, w, np.zeros(2)),
    "take-out": lambda v, w: np.take(w, [0], out=np.zeros(1)),
    "clip-out": lambda v, w: np.clip(w, 0, 1, out=np.zeros(3)),
    "concatenate-out": lambda v, w: np.concatenate([w, w], out=np.zeros(6)),
    "fft-out": lambda v, w: np.fft.fft(w, out=np.zeros(3, complex)),
    "copyto": lambda v, w: np.copyto(np.zeros(3), w),
    "put": lambda v, w: np.put(np.zeros(3), 0, w),
    "place": lambda v, w: np.place(np.zeros(3), np.zeros(3) == 0, w),
    "putmask": lambda v, w: np.putmask(np.zeros(3), np.zeros(3) == 0, w),
    "put-along-axis": lambda v, w: np.put_along_axis(np.zeros(3), np.arange(3), w, 0),
    "fill-diagonal": lambda v, w: np.fill_diagonal(np.zeros((3, 3)), w),
    "add-at": lambda v, w: np.add.at(np.zeros(3), 0, w[0]),
    "in-place": lambda v, w: added(np.zeros(3), w),
    "resize": lambda v, w: w.resize(2),
}
NOT_LIFTED = {
    "packbits": lambda v, w: np.packbits(w),
    "where": lambda v, w: np.exp(w, where=np.ones(3, bool)),
    "order": lambda v, w: np.exp(w, order="F"),
    "method": lambda v, w: v.tobytes(),
    "data": lambda v, w: v.data,
    "view": lambda v, w: v.view(int),
    "quantile-method": lambda v, w: np.quantile(v, w / 4, method="lower"),
    "pad-mode": lambda v, w: np.pad(w, 1, mode="empty"),
    "qr-raw": lambda v, w: np.linalg.qr(v, "raw"),
}
RESULTS = {
    "grad-of-an-array": lambda v, w: gx.grad(lambda u: u * 2)(gx.value(w)),
    "grad-of-a-complex-number": lambda v, w: gx.grad(lambda u: np.sum(u * 1j))(gx.value(w)),
    "integers": lambda v, w: gx.grad_bp(lambda u: u * 2.0, INTEGERS),
    "mask": lambda v, w: gx.grad_bp(lambda u: u * 2.0, MASK),
    "escaped": lambda v, w: escaped(gx.value(w)) * 2,
    "escaped-function": lambda v, w: np.exp(escaped(gx.value(w))),
    "escaped-index": lambda v, w: escaped(gx.value(w))[:1],
    "cotangent-shape": lambda v, w: gx.backprop_with(np.exp, gx.value(w))[1](gx.value(v)),
    "cotangent-type": lambda v, w: gx.backprop_with(np.exp, gx.value(w))[1]("one"),
    "cotangent-parts": lambda v, w: gx.backprop_with(lambda u: (u, u), gx.value(w))[1](gx.value(w)),
    "op-cotangent-shape": lambda v, w: gx.grad_bp(
        gx.lift_op1(gx.op1(lambda x: (x, lambda g: g[:2]))), gx.value(w)
    ),
    "op-cotangent-count": lambda v, w: gx.grad_bp(
        gx.lift_op2(gx.op2(lambda x, y: (x, lambda g: (g,)))), gx.value(w), gx.value(w)
    ),
}
GRADX = {
    f"{kind}-{name}": call
    for kind, calls in {
        "conversion": CONVERSIONS,
        "assignment": ASSIGNMENTS,
        "not-lifted": NOT_LIFTED,
        "result": RESULTS,
    }.items()
    for name, call in calls.items()
}

# --- Errors of NumPy's own, by the lifted functions or by the library -----------------------------

LIFTED = {
    "del": lambda v, w: deleted(v, 0),
    "squeeze": lambda v, w: np.squeeze(v, 0),
    "concatenate-axes": lambda v, w: np.concatenate([v, w]),
    "concatenate-axis": lambda v, w: np.concatenate([v, v], axis=2),
    "concatenate-none": lambda v, w: np.concatenate([]) if w is None else np.hstack([w, v]),
    "stack-axis": lambda v, w: np.stack([v, v], axis=5),
    "split": lambda v, w: np.split(w, 2),
    "array-split": lambda v, w: np.array_split(w, 0),
    "vsplit": lambda v, w: np.vsplit(w, 1),
    "moveaxis": lambda v, w: np.moveaxis(v, (0, 1), 0),
    "moveaxis-axis": lambda v, w: np.moveaxis(v, 3, 0),
    "swapaxes": lambda v, w: np.swapaxes(v, 0, 2),
    "transpose": lambda v, w: np.transpose(v, (0, 0)),
    "expand-dims": lambda v, w: np.expand_dims(v, 7),
    "flip": lambda v, w: np.flip(v, 2),
    "roll": lambda v, w: np.roll(v, 1, 2),
    "reshape-order": lambda v, w: np.reshape(v, 6, order="X"),
    "matrix-transpose": lambda v, w: np.matrix_transpose(w),
    "diag": lambda v, w: np.diag(v[None]),
    "take-mode": lambda v, w: np.take(w, [0], mode="x"),
    "take-axis": lambda v, w: np.take(w, [0], axis=1),
    "take-along-axis": lambda v, w: np.take_along_axis(v, np.arange(3), 0),
    "select": lambda v, w: np.select([w > 0], [w, w]),
    "where-one": lambda v, w: np.where(w > 0, w),
    "max-where": lambda v, w: np.max(w, where=w > 0),
    "average-weights": lambda v, w: np.average(v, weights=w),
    "average-axis": lambda v, w: np.average(v, axis=0, weights=w),
    "var-ddof": lambda v, w: np.var(v, ddof=1, correction=1),
    "sort-axis": lambda v, w: np.sort(v, axis=2),
    "cumsum-axis": lambda v, w: np.cumsum(v, axis=2),
    "diff-n": lambda v, w: np.diff(v, -1),
    "gradient-count": lambda v, w: np.gradient(v, 1.0, 2.0, 3.0),
    "gradient-short": lambda v, w: np.gradient(w[:1]),
    "gradient-edge": lambda v, w: np.gradient(w, edge_order=3),
    "cross": lambda v, w: np.cross(w[:2], w[:2]),
    "einsum-count": lambda v, w: np.einsum("ij,j->i", v),
    "convolve-mode": lambda v, w: np.convolve(w, w, "x"),
    "meshgrid": lambda v, w: np.meshgrid(w, w, indexing="zz"),
    "block": lambda v, w: np.block([[w], w]),
    "bincount": lambda v, w: np.bincount(np.array([0, 1]), w),
    "norm-axes": lambda v, w: np.linalg.norm(v, axis=(0, 1, 2)),
    "norm-ord": lambda v, w: np.linalg.norm(w, "fro", axis=0),
    "norm-matrix-ord": lambda v, w: np.linalg.norm(v, 7),
    "uplo": lambda v, w: np.linalg.eigh(v[:, :2], "X"),
    "interp": lambda v, w: np.interp(w, w, w[:2]),
    "multi-dot": lambda v, w: np.linalg.multi_dot([v]),
    "tensorinv": lambda v, w: np.linalg.tensorinv(v, 0),
}
LIBRARY = {
    "add": lambda v, w: v + w[:2],
    "multiply": lambda v, w: np.multiply(v, w[:2]),
    "where": lambda v, w: np.where(v > 0, v, w[:2]),
    "matmul": lambda v, w: v @ v,
    "matmul-vector": lambda v, w: v @ w[:2],
    "dot": lambda v, w: np.dot(v, v),
    "tensordot": lambda v, w: np.tensordot(v, v, 1),
    "einsum": lambda v, w: np.einsum("ij,j->i", v, w[:2]),
    "reshape": lambda v, w: v.reshape(4, 2),
    "reshape-two-unknown": lambda v, w: np.reshape(v, (-1, -1)),
    "broadcast-to": lambda v, w: np.broadcast_to(w, (3, 2)),
    "sum-axis": lambda v, w: np.sum(v, axis=2),
    "sum-axis-twice": lambda v, w: np.sum(v, axis=(0, 0)),
    "mean-axis": lambda v, w: v.mean(-3),
    "max-axis": lambda v, w: np.max(v, axis=2),
    "max-empty": lambda v, w: np.max(v[:0]),
    "prod-axis": lambda v, w: np.prod(v, axis=5),
    "argmax-axis": lambda v, w: np.argmax(v, axis=2),
    "argmax-empty": lambda v, w: np.argmax(w[:0]),
    "index": lambda v, w: v[2],
    "index-second": lambda v, w: v[0, -4],
    "index-axes": lambda v, w: v[0, 0, 0],
    "mask": lambda v, w: w[MASK],
    "mask-of-a-matrix": lambda v, w: v[np.ones((3, 2), bool)],
    "iterate-a-number": lambda v, w: [*w[0]],
    "len-of-a-number": lambda v, w: len(w[0]),
    "truth-of-an-array": lambda v, w: 1 if v > 0 else 0,
    "stack": lambda v, w: np.stack([w, w[:2]]),
    "concatenate": lambda v, w: np.concatenate([v, v[:, :2]]),
    "inv": lambda v, w: np.linalg.inv(v),
    "det": lambda v, w: np.linalg.det(v),
    "solve": lambda v, w: np.linalg.solve(v[:, :2], w),
    "cholesky": lambda v, w: np.linalg.cholesky(v),
    "tile": lambda v, w: np.tile(v, -1),
    "repeat": lambda v, w: np.repeat(w, [1, 2]),
    "attribute": lambda v, w: v.foo,
}
# Indices of the host are checked there, by NumPy, since they are there.
INDICES = {
    "type": lambda v, w: v["a"],
    "float": lambda v, w: v[1.0],
    "list": lambda v, w: w[[0, 3]],
    "list-below": lambda v, w: w[[-4]],
    "list-second": lambda v, w: v[:, [0, 3]],
    "list-after-an-ellipsis": lambda v, w: v[..., None, [3]],
    "take": lambda v, w: np.take(v, [0, 2], axis=0),
    "repeat": lambda v, w: np.delete(w, [5]),
    "insert": lambda v, w: np.insert(w, [7], 1.0),
    "do-not-broadcast": lambda v, w: v[[0, 1, 1], [0, 1]],
    "mask": lambda v, w: w[[True, False]],
    "mask-of-an-axis": lambda v, w: v[:, [True, False]],
    "too-many": lambda v, w: w[[0], [0]],
}
# Where CuPy raises an error of another type.
OTHER_TYPES = {
    "matmul-number": (lambda v, w: np.matmul(v, 2.0), TypeError),
}
# What CuPy does not find, since it would have to wait for the device, or does not mind.
NOT_FOUND = {
    "place-out-of-range": (lambda v, w: np.take(w, np.array([0, 3])), IndexError),
    "singular-matrix": (lambda v, w: np.linalg.inv(np.outer(w, w)), np.linalg.LinAlgError),
    "not-positive": (lambda v, w: np.linalg.cholesky(-np.outer(w, w)), np.linalg.LinAlgError),
    "choice-out-of-range": (lambda v, w: np.choose(np.array([0, 9]), [v[:, 0]]), ValueError),
}


def raised(call, v, w):
    """The error that a call of two variables raises."""
    with pytest.raises(Exception) as info:
        gx.grad_bp(lambda *vs: call(*vs), v, w)
    return info.value


def text_of(error):
    """Its text without the number of a run, and with a number of NumPy's as an array."""
    text = re.sub(r"after run \d+", "after run N", str(error))
    return re.sub(r"np\.float64\((.*?)(\.0)?\)\)", r"array(\1.))", text)


def both(call):
    on_host = raised(call, MATRIX, VECTOR)
    return on_host, raised(on_device(call), there(MATRIX), there(VECTOR))


@pytest.mark.parametrize("name", GRADX)
def test_an_error_of_gradx_is_the_same_to_the_letter(name):
    wanted, got = both(GRADX[name])
    assert isinstance(wanted, gx.GradxError)
    assert (type(got), text_of(got)) == (type(wanted), text_of(wanted))


@pytest.mark.parametrize("name", LIFTED)
def test_an_error_of_a_lifted_function_is_the_same_to_the_letter(name):
    wanted, got = both(LIFTED[name])
    assert (type(got), text_of(got)) == (type(wanted), text_of(wanted))


@pytest.mark.parametrize("name", INDICES)
def test_an_error_of_an_index_of_the_host_is_the_same_to_the_letter(name):
    wanted, got = both(INDICES[name])
    assert isinstance(wanted, IndexError)
    assert (type(got), str(got)) == (type(wanted), str(wanted))


@pytest.mark.parametrize("name", LIBRARY)
def test_an_error_of_the_library_is_of_the_same_type(name):
    wanted, got = both(LIBRARY[name])
    assert type(got) is type(wanted), f"{got!r}\n{wanted!r}"


@pytest.mark.parametrize("name", OTHER_TYPES)
def test_errors_of_another_type_in_cupy(name):
    call, kind = OTHER_TYPES[name]
    wanted, got = both(call)
    assert type(got) is kind is not type(wanted)


@pytest.mark.parametrize("name", NOT_FOUND)
def test_what_cupy_does_not_find(name):
    call, kind = NOT_FOUND[name]
    assert type(raised(call, MATRIX, VECTOR)) is kind
    gx.grad_bp(on_device(call), there(MATRIX), there(VECTOR))


def test_copies_of_a_variable_do_no_harm():
    v = there(VECTOR)
    assert gx.grad_bp(lambda u: copy.deepcopy(u) * 2, v).get().tolist() == [2.0, 2.0, 2.0]
