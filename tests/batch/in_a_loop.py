"""What `gx.vmap` must give: the results of a Python loop, and the derivatives of one."""

import numpy as np

import gradx as gx
from gradx.values.leaves import map_leaves
from gradx.values.operations import leaves_of


def rows_of(args, axes):
    """The arguments of each example, with arrays of its own."""
    (size,) = {x.shape[0] for x, axis in zip(args, axes, strict=True) if axis == 0}
    return [
        [
            (x[i].copy() if x.ndim > 1 else x[i]) if axis == 0 else np.array(x)
            for x, axis in zip(args, axes, strict=True)
        ]
        for i in range(size)
    ]


def assert_same(got, wanted):
    got, wanted = leaves_of(got), leaves_of(wanted)
    assert len(got) == len(wanted)
    for x, y in zip(got, wanted, strict=True):
        assert np.shape(x) == np.shape(y)
        assert np.asarray(x).dtype == np.asarray(y).dtype
        np.testing.assert_allclose(x, y, rtol=1e-9, atol=1e-9)


def stacked(results):
    columns = iter(list(zip(*map(leaves_of, results), strict=True)))
    return map_leaves(results[0], lambda x, spec: np.stack([np.asarray(y) for y in next(columns)]))


def number(y):
    """A number that depends on each leaf of a result in another way."""
    return sum((k + 1.0) * np.sum(np.sin(x)) for k, x in enumerate(leaves_of(y)))


def assert_agrees(f, *args, axes=None, orders=2):
    """Compare a mapped function with a loop: values, derivatives inside and around, both modes.

    Args:
        f: the function of one example, of arrays; it may write into them.
        args: arrays, with the examples along axis 0 where ``axes`` is 0.
        axes: 0 or None for each; by default 0.
        orders: how many derivatives to compare.
    """
    axes = tuple([0] * len(args) if axes is None else axes)
    assert_same(gx.vmap(f, axes)(*copies(args)), stacked([f(*row) for row in rows_of(args, axes)]))

    def one(*xs):
        return number(f(*xs))

    for i, x in enumerate(args):
        if x.dtype.kind == "f" and orders:
            assert_derivatives_agree(one, args, axes, i, orders)


def copies(args):
    return [x.copy() for x in args]


def assert_derivatives_agree(f, args, axes, i, orders):
    """Compare the derivatives of a mapped function of one number by argument ``i``."""
    x, gradient = args[i], gx.grad(f, argnums=i)

    def in_a_loop(g):
        found = np.stack([g(*row) for row in rows_of(args, axes)])
        return found, (found if axes[i] == 0 else found.sum(0))

    def around(g):
        """The sum of a mapped function, by argument ``i`` alone."""
        rest = copies(args)
        return lambda v: np.sum(gx.vmap(g, axes)(*rest[:i], v, *rest[i + 1 :]))

    def slope(*xs):
        ones = np.ones_like(xs[i])
        return gx.jvp(lambda v: f(*xs[:i], v, *xs[i + 1 :]), (xs[i],), (ones,))[1]

    each, wanted = in_a_loop(gradient)
    assert_same(gx.vmap(gradient, axes)(*copies(args)), each)
    assert_same(gx.vmap(slope, axes)(*copies(args)), each.reshape(len(each), -1).sum(1))
    assert_same(gx.grad(around(f))(x.copy()), wanted)
    t = np.cos(np.arange(x.size)).reshape(x.shape)
    assert_same(gx.jvp(around(f), (x.copy(),), (t,))[1], np.sum(wanted * t))
    if orders > 1:

        def second(*xs):
            return np.sum(np.cos(gradient(*xs)))

        wanted = in_a_loop(gx.grad(second, argnums=i))[1]
        assert_same(gx.grad(around(second))(x.copy()), wanted)
