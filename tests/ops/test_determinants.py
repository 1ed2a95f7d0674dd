"""Derivatives of the determinant up to the fourth, of regular and singular matrices.

The determinant is linear in each column, so its k-th derivative is the sum of the determinants in
which k columns, in every order, are replaced by those of the directions.
"""

import functools
import itertools

import numpy as np
import pytest

import gradx as gx


def reference(a, directions):
    total = 0.0
    for columns in itertools.permutations(range(len(a)), len(directions)):
        b = a.copy()
        for direction, k in zip(directions, columns, strict=True):
            b[:, k] = direction[:, k]
        total += np.linalg.det(b)
    return total


def along(f, t):
    return lambda x: gx.jvp(f, (x,), (t,))[1]


@pytest.mark.parametrize("order", [1, 2, 3, 4])
@pytest.mark.parametrize(("n", "rank"), [(n, r) for n in range(1, 5) for r in range(n + 1)])
def test_derivatives_of_small_matrices_of_every_rank(n, rank, order, rng):
    a = rng.normal(size=(n, rank)) @ rng.normal(size=(rank, n))
    directions = rng.normal(size=(order, n, n))
    wanted = reference(a, directions)
    inner = functools.reduce(along, directions[:-1], np.linalg.det)
    found = along(inner, directions[-1])(a), np.sum(gx.grad(inner)(a) * directions[-1])
    np.testing.assert_allclose(found, wanted, rtol=1e-9, atol=1e-10)
    mapped = gx.vmap(along(inner, directions[-1]))(np.stack([a, 2 * a.T]))
    np.testing.assert_allclose(mapped[0], wanted, rtol=1e-9, atol=1e-10)


@pytest.mark.parametrize(("dtype", "rtol"), [(np.float64, 1e-9), (np.float32, 1e-2)])
def test_a_fourth_derivative_that_has_lost_its_digits_is_no_number(dtype, rtol, rng):
    directions = rng.normal(size=(4, 5, 5)).astype(dtype)
    turns = [np.linalg.qr(x)[0] for x in rng.normal(size=(2, 5, 5))]

    def fourth(least):
        a = turns[0] @ np.diag([1.0, 1.0, 1.0, 1.0, least]) @ turns[1]
        found = functools.reduce(along, directions, np.linalg.det)(a.astype(dtype))
        return found, reference(a, directions)

    np.testing.assert_allclose(*fourth(0.1), rtol=rtol)
    assert np.isnan(fourth(1e-7)[0]) and np.isnan(fourth(1e-17)[0])
