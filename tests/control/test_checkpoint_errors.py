"""Checkpointing: what cannot be done again as it was raises, and says why."""

import contextlib
import functools
import threading
from fractions import Fraction

import numpy as np
import pytest

import gradx as gx
from tests.control.programs import X, assert_close


def plain(f):
    return f


def test_a_random_number_drawn_in_it_is_found():
    rng = np.random.default_rng(0)
    dropout = gx.checkpoint(lambda x: x * (rng.random(3) > 0.5))
    with pytest.raises(gx.RecomputeError, match=r"checkpoint\(<lambda>\) gave another result when"):
        gx.grad(lambda x: np.sum(dropout(x)))(X)


def test_hidden_state_is_found():
    calls = []

    def f(x):
        calls.append(1)
        return x * len(calls)

    with pytest.raises(gx.RecomputeError, match="pass random numbers and state as arguments"):
        gx.grad(lambda x: np.sum(gx.checkpoint(f)(x)))(X)


def test_a_single_bit_is_enough():
    scale = np.array([1.0])

    def loss(x):
        y = gx.checkpoint(lambda x: x * scale)(x)
        scale[0] = np.nextafter(1.0, 2.0)
        return np.sum(y)

    with pytest.raises(gx.RecomputeError, match="gave another result"):
        gx.grad(loss)(X)


def test_not_a_number_and_negative_zero_are_what_they_were():
    with np.errstate(all="ignore"):
        g = gx.grad(lambda x: np.sum(gx.checkpoint(lambda x: np.log(x) * -0.0)(x)))(X)
    assert g.shape == (3,)


def test_a_result_of_another_structure_is_found():
    calls = []

    def f(x):
        calls.append(1)
        return [x * 2.0] * len(calls) if len(calls) == 1 else 1.0

    with pytest.raises(gx.RecomputeError, match="gave another result"):
        gx.grad(lambda x: np.sum(gx.checkpoint(f)(x)[0]))(X)


def test_a_large_result_is_compared_by_a_digest():
    big, scale = np.ones(20_000), np.ones(1)

    def loss(x, change):
        y = gx.checkpoint(lambda x: x * scale)(x)
        scale[0] += change
        return np.sum(y)

    assert_close(gx.grad(loss)(big, 0.0), big)
    with pytest.raises(gx.RecomputeError, match="gave another result"):
        gx.grad(loss)(big, 1e-15)


def test_a_variable_from_outside_that_was_written_into_since_is_found():
    def loss(x):
        w = x * 2.0
        f = {"w": w}
        y = gx.checkpoint(lambda x: x * f["w"])(x)
        w[0] = 0.0
        return np.sum(y * w)

    with pytest.raises(gx.RecomputeError, match=r"(?s)met a variable that it reads from outside"):
        gx.grad(loss)(X)


def test_a_write_from_a_closure_that_is_kept_by_name_does_no_harm():
    def loss(wrap, x):
        w = x * 2.0
        y = wrap(lambda x: x * w)(x)
        w[0] = 0.0
        return np.sum(y * w)

    assert_close(
        gx.grad(functools.partial(loss, gx.checkpoint))(X),
        gx.grad(functools.partial(loss, plain))(X),
    )


def test_a_write_into_an_array_from_outside_is_refused():
    def loss(x):
        y = np.zeros_like(x)

        def f(v):
            y[0] = v[0]
            return v * 2

        return np.sum(gx.checkpoint(f)(x)) + np.sum(y)

    with pytest.raises(
        gx.AliasError, match="not among its arguments; it would be written into once"
    ):
        gx.grad(loss)(X)


def test_a_write_into_an_argument_beside_a_view_is_refused():
    def loss(x):
        x = x * 1.0

        def f(x, part):
            x[0] = 1.0
            return part * 2

        return np.sum(gx.checkpoint(f)(x, x[:2]))

    with pytest.raises(gx.AliasError, match="and an argument is a view of an array; pass a copy"):
        gx.grad(loss)(X)


def test_a_write_into_memory_that_two_inputs_share_is_found():
    def loss(x, y):
        def f(x):
            x[0] = 2.0
            return x * x

        return np.sum(gx.checkpoint(f)(x) * y)

    x = X.copy()
    with pytest.raises(gx.AliasError, match="argument 0 and argument 1 share memory"):
        gx.grad_bp(loss, x, x)


def test_a_variable_that_leaves_by_a_side_door_has_escaped():
    kept = []

    def f(x):
        kept.append(x * 2.0)
        return x * 3.0

    def loss(x):
        return np.sum(gx.checkpoint(f)(x) * kept[0])

    with pytest.raises(gx.EscapedVarError, match="was used after run"):
        gx.grad(loss)(X)


def test_an_error_inside_leaves_the_run_as_it_was():
    def loss(x):
        x = x * 1.0
        with contextlib.suppress(np.linalg.LinAlgError):
            gx.checkpoint(lambda x: np.linalg.inv(x))(x)
        x[0] = x[1] * 2.0
        return np.sum(x**2)

    def same(x):
        x = x * 1.0
        x[0] = x[1] * 2.0
        return np.sum(x**2)

    assert_close(gx.grad(loss)(X), gx.grad(same)(X))


def test_another_thread_never_loses_a_gradient_in_silence():
    """Its variables are on the tape of the block while that runs, and closed with it."""

    def loss(x):
        results = []

        def f(x):
            worker = threading.Thread(target=lambda: results.append(w * 3.0))
            worker.start()
            worker.join()
            return x * w

        w = x * 2.0
        y = gx.checkpoint(f)(x)
        return np.sum(y) + np.sum(results[0])

    with pytest.raises(gx.EscapedVarError, match="was used after run"):
        gx.grad(loss)(X)


def test_numbers_of_other_types():
    def f(wrap, x):
        return wrap(lambda x: x * x + x)(x)

    x = Fraction(1, 3)
    assert gx.backprop(functools.partial(f, gx.checkpoint), x) == gx.backprop(
        functools.partial(f, plain), x
    )


def test_an_error_after_a_write():
    def written(v):
        v[0] = v[1]
        raise KeyError("missing")

    def f(x):
        y = x * 1
        with contextlib.suppress(KeyError):
            gx.checkpoint(written)(y)
        return np.sum(y * y)

    with pytest.raises(gx.AliasError, match="raised KeyError after it had written into an array"):
        gx.grad(f)(np.array([1.0, 2.0]))


def test_a_variable_that_is_put_into_a_container_among_the_arguments():
    @gx.checkpoint
    def of_dict(known, x):
        known["double"] = x * 2
        return np.sin(x)

    @gx.checkpoint
    def of_list(x, *, found):
        found.append(np.sin(x))
        return 2 * x

    def loss(x):
        known = {}
        return np.sum(of_dict(known, x) * known["double"])

    words = r"^checkpoint\({}\) put a variable that it computed into argument {}, a {}, .*return it"
    with pytest.raises(gx.AliasError, match=words.format("of_dict", "0", "dict")):
        gx.grad(loss)(X)
    with pytest.raises(gx.AliasError, match=words.format("of_list", "'found'", "list")):
        gx.grad(lambda x: np.sum(of_list(x, found=[])))(X)


def test_an_argument_that_is_put_into_a_container_stays_what_it_is():
    @gx.checkpoint
    def f(known, x):
        known["x"] = x
        return np.sin(x)

    def loss(x):
        known = {}
        return np.sum(f(known, x) * known["x"])

    assert_close(gx.grad(loss)(X), np.cos(X) * X + np.sin(X))
