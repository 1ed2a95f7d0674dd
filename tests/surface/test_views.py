"""What is a view, the same object, a copy or read-only is what NumPy's own result says."""

import numpy as np
import pytest

import gradx as gx
from gradx.core.assignment import root_of
from gradx.core.dispatch import Lifted
from tests.ops.cases import ALL_CASES
from tests.ops.test_specification import leaves

A = np.arange(12.0).reshape(3, 4)


def facts(ys, xs):
    """For each array of a result: whether it is an operand, shows one, and may be written into."""
    found = []
    for y in ys:
        if not isinstance(y, np.ndarray):
            found.append(None)
            continue
        of = ["same" if y is x else "view" if shows(y, x) else "copy" for x in xs]
        found.append((of, bool(y.flags.writeable)))
    return found


def shows(y, x):
    if isinstance(y, Lifted):
        return y.base is not None and root_of(y) is x
    base = y.base if isinstance(y.base, np.ndarray) else getattr(y.base, "base", None)
    return base is not None and (base is x or base is x.base) and bool(y.size)


def compared(call, xs):
    """What is so on plain arrays, and on variables."""
    plain = facts(leaves(call(*xs)), xs)
    lifted = []

    def f(*vs):
        lifted.extend(facts(leaves(call(*vs)), vs))
        return vs

    gx.backprop(f, *xs)
    return plain, lifted


EXCEPTIONS = {
    "broadcast_arrays": "NumPy allows the write and warns that it will not",
    "getitem/nothing": "NumPy's view of no items does not say of what",
    "reshape/empty": "likewise",
    "diagonal/outside": "likewise",
}


def is_of_arrays(case):
    xs = case.make(np.random.default_rng(0))
    return all(type(x) is np.ndarray and x.dtype.kind in "fc" for x in xs)


CASES = [case for case in ALL_CASES if case.name not in EXCEPTIONS and is_of_arrays(case)]


@pytest.mark.thorough
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_results_show_their_operands_where_numpys_do(case):
    xs = case.make(np.random.default_rng(0))
    with np.errstate(all="ignore"):
        plain, lifted = compared(case.call, xs)
    assert lifted == plain


def strided(x):
    made = gx.numpy.lib.stride_tricks if isinstance(x, Lifted) else np.lib.stride_tricks
    return made.as_strided(x, (2, 2), (32, 8))


CALLS = {
    "conj": lambda x: x.conj(),
    "conjugate": lambda x: x.conjugate(),
    "real": lambda x: x.real,
    "squeeze": lambda x: x.squeeze(),
    "squeeze-none": lambda x: np.squeeze(x),
    "atleast": lambda x: np.atleast_1d(x),
    "ravel": lambda x: x.ravel(),
    "ravel-transposed": lambda x: x.T.ravel(),
    "flatten": lambda x: x.flatten(),
    "transposed-twice": lambda x: x.T.T,
    "rows": lambda x: list(x),
    "row-of-rows": lambda x: [row[1:] for row in x],
    "astype": lambda x: x.astype(float),
    "astype-same": lambda x: x.astype(float, copy=False),
    "asanyarray": lambda x: gx.numpy.asanyarray(x),
    "array_split": lambda x: np.array_split(x, 2),
    "unstack": lambda x: np.unstack(x),
    "einsum": lambda x: np.einsum("ij->ji", x),
    "diagonal": lambda x: x.diagonal(),
    "diagonal-of-view": lambda x: np.diagonal(x[:, 1:]),
    "mT": lambda x: x.mT,
    "moved": lambda x: np.moveaxis(x, 0, 1),
    "trimmed": lambda x: np.trim_zeros(x[0]),
    "copy": lambda x: np.copy(x),
    "array": lambda x: gx.numpy.array(x),
    "array-asked": lambda x: gx.numpy.array(x, copy=None),
    "array-fortran": lambda x: gx.numpy.array(x, order="F", copy=None),
    "array-more": lambda x: gx.numpy.array(x, ndmin=3, copy=None),
    "asarray": lambda x: gx.numpy.asarray(x, float),
    "asarray-fortran": lambda x: gx.numpy.asarray(x, order="F"),
    "ascontiguous": lambda x: gx.numpy.ascontiguousarray(x),
    "reshape-copy": lambda x: np.reshape(x, (4, 3), copy=True),
    "reshape-no-copy": lambda x: np.reshape(x, (4, 3), copy=False),
    "windows": lambda x: np.lib.stride_tricks.sliding_window_view(x, 2, axis=0),
    "strided": lambda x: strided(x),
    "nan_to_num": lambda x: np.nan_to_num(x, copy=False),
    "imag": lambda x: x.imag,
    "swapped": lambda x: x.swapaxes(0, 1),
    "0-d": lambda x: x[0, 0, ...],
    "take": lambda x: x.take([0, 1]),
    "repeat": lambda x: np.repeat(x, 1),
}


@pytest.mark.parametrize("name", CALLS)
def test_methods_and_functions_show_it_where_numpys_do(name):
    plain, lifted = compared(CALLS[name], (A.copy(),))
    assert lifted == plain


@pytest.mark.parametrize("name", CALLS)
def test_what_is_written_shows_where_numpy_shows_it(name):
    """A write into each result, and a write into the array: everything shows what it should."""

    def program(x):
        results = [y for y in leaves(CALLS[name](x)) if isinstance(y, np.ndarray)]
        for number, y in enumerate(results):
            if y.flags.writeable:
                y[...] = y * (number + 2.0)
        x[:, 1:] *= 3.0
        return [x, *results]

    plain = program(A.copy())
    lifted, _ = gx.backprop(program, A)
    for got, wanted in zip(lifted, plain, strict=True):
        assert got.tobytes() == wanted.tobytes()


def test_a_view_says_of_what_it_is_one():
    def f(v):
        row = v[1:].T[0]
        assert row.base is v and v.base is None and v.copy().base is None
        assert row.flags.writeable and not np.diagonal(v).flags.writeable
        assert row.strides == A[1:].T[0].strides
        return row

    gx.backprop(f, A)


def test_what_is_read_only_is_refused_as_by_numpy():
    fixed = A.copy()
    fixed.flags.writeable = False
    for f, x in (
        (lambda v: np.diagonal(v).__setitem__(0, 1.0), A),
        (lambda v: np.broadcast_to(v, (2, 3, 4)).__setitem__(0, 1.0), A),
        (lambda v: v.__setitem__(0, 1.0), fixed),
        (lambda v: v.T.sort(), fixed),
    ):
        with pytest.raises(ValueError, match="read-only"):
            gx.backprop(f, x)


@pytest.mark.parametrize(
    "write",
    [
        lambda x: x.__setitem__(slice(None), np.ones((2, 2))),
        lambda x: x.__setitem__(9, 1.0),
        lambda x: x.__setitem__((0, 0, 0), 1.0),
        lambda x: x.__iadd__(np.ones((2, 3, 4))),
        lambda x: x.__iadd__(np.ones((3, 4), complex)),
        lambda x: x.__imatmul__(np.ones(4)),
        lambda x: np.copyto(x, np.ones(3)),
        lambda x: np.copyto(x, 1j * np.ones(4)),
        lambda x: np.put(x, [12], 1.0),
        lambda x: np.put_along_axis(x, np.zeros((1, 9), int), 1.0, axis=0),
        lambda x: np.fill_diagonal(x[0], 1.0),
        lambda x: np.add(x, 1.0, out=x[0]),
        lambda x: np.add(x, 1j, out=x),
        lambda x: np.sum(x, axis=0, out=x),
        lambda x: np.place(x, x > 0, []),
        lambda x: setattr(x, "shape", (5,)),
        lambda x: setattr(x.T, "shape", (12,)),
        lambda x: x.__delitem__(0),
    ],
)
def test_what_does_not_fit_is_refused_as_by_numpy(write):
    x = A.copy()
    with pytest.raises(Exception) as plain:
        write(x)
    with pytest.raises(Exception) as lifted:
        gx.backprop(lambda v: write(v), A)
    assert isinstance(lifted.value, type(plain.value)) or issubclass(
        type(plain.value), type(lifted.value)
    )
