"""Indices, masks and conditions that the program writes into after it used them."""

import numpy as np
import pytest

import gradx as gx

READ_LATE = {
    "list": ([0], lambda v, i: v[i]),
    "nested-list": ([[0]], lambda v, i: v[i]),
    "tuple-of-list": (([0],), lambda v, i: v[i]),
    "array": (np.array([0]), lambda v, i: v[i]),
    "pair": (np.array([0]), lambda v, i: v[:, None][i, 0]),
    "take": (np.array([0]), lambda v, i: np.take(v, i)),
    "take-method": ([0], lambda v, i: v.take(i)),
    "take_along_axis": (np.array([0]), lambda v, i: np.take_along_axis(v, i, 0)),
    "repeat": (np.array([1, 0, 0]), lambda v, i: np.repeat(v, i)),
    "repeat-list": ([1, 0, 0], lambda v, i: np.repeat(v, i)),
    "mask": (np.array([True, False, False]), lambda v, i: v[i]),
    "where": (np.array([True, False, False]), lambda v, i: np.where(i, v, 0.0)),
    "where-other": (np.array([False, True, True]), lambda v, i: np.where(i, 0.0, v)),
    "where-list": ([True, False, False], lambda v, i: np.where(i, v, 0.0)),
    "compress": (np.array([True, False, False]), lambda v, i: np.compress(i, v)),
    "extract": (np.array([True, False, False]), lambda v, i: np.extract(i, v)),
    "select": (np.array([True, False, False]), lambda v, i: np.select([i], [v])),
    "choose": (np.array([1, 0, 0]), lambda v, i: np.choose(i, [0 * v, v])),
    "sum-where": (np.array([True, False, False]), lambda v, i: np.sum(v, where=i)),
    "mean-where": (np.array([True, False, False]), lambda v, i: np.mean(v, where=i)),
    "bincount": (np.array([0, 1, 1]), lambda v, i: np.bincount(i, weights=v)[0]),
    "interp": (np.array([0.0]), lambda v, i: np.interp(i, [0, 1, 2], v)),
}


def turned(i, k):
    """Write into an index so that it names the next item; lists too, in place."""
    where = i if isinstance(i, (list, np.ndarray)) else i[0]
    where = where[0] if isinstance(where[:1], list) and isinstance(where[0], list) else where
    for at, x in enumerate(rolled(i, k)):
        where[at] = x


def rolled(i, k):
    flat = np.ravel(np.asarray(i))
    return (np.roll(flat, k) if flat.size > 1 else flat + k).tolist()


@pytest.mark.parametrize("name", READ_LATE)
def test_an_index_is_read_when_it_is_used(name):
    """A loop that writes each index into the same array or list."""
    start, f = READ_LATE[name]

    def total(v, again):
        i, t = again(start), 0.0
        for k in range(3):
            if k:
                turned(i, 1)
            t = t + (k + 1) * np.sum(f(v, i))
            if again is fresh:
                i = again(i)
        return t

    def fresh(i):
        return (
            tuple(map(fresh, i))
            if isinstance(i, tuple)
            else (
                i.copy()
                if isinstance(i, np.ndarray)
                else [fresh(x) if isinstance(x, list) else x for x in i]
            )
        )

    wanted = gx.grad(lambda v: total(v, fresh))(np.ones(3))
    reused = fresh(start)
    got = gx.grad(lambda v: total(v, lambda i: reused))(np.ones(3))
    np.testing.assert_array_equal(got, wanted)
    assert np.count_nonzero(got) == 3


def test_an_index_of_no_axes_and_places_to_delete():
    def f(v):
        i, gone, t = np.array(0), [1, 2], 0.0
        for k in range(3):
            i[...] = k
            gone[:] = [j for j in range(3) if j != k]
            t = t + (k + 1) * (v[i] + np.sum(np.delete(v, gone)))
        return t

    np.testing.assert_array_equal(gx.grad(f)(np.ones(3)), [2, 4, 6])
