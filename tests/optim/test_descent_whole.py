"""Descent is whole or not at all: errors of arithmetic, warnings, signals, overlapping memory."""

import signal
import time
import warnings
from functools import partial
from typing import Any

import numpy as np
import pytest
from numpy.lib.stride_tricks import as_strided

import gradx as gx
from gradx.native import outer as rank_one
from gradx.optim import in_place

LARGE = 1 << 17  # more than a block


@pytest.fixture(params=["with C", "without C"])
def engine(request, monkeypatch):
    """Both engines, where the C extension was built."""
    if request.param == "without C":
        monkeypatch.setattr(rank_one, "native", None)
        monkeypatch.setattr(in_place, "native", None)


def params_of(kind):
    """Two arrays, of which the second overflows at a rate of 1e300, and what it is a loss of."""
    if kind == "outer product":
        x = np.full(4, 1e10)
        return [np.ones(3), np.ones((3, 4))], lambda p: np.sum(p[0]) + np.sum(p[1] @ x)
    if kind == "sum of outer products":
        xs = np.full((2, 500), 1e10)
        return [
            np.ones(3),
            np.ones((300, 500)),
        ], lambda p: np.sum(p[0]) + np.sum(p[1] @ xs[0]) + 2 * np.sum(p[1] @ xs[1])
    shape, dtype = {
        "small": ((3,), float),
        "blocks": ((LARGE,), float),
        "by columns": ((300, 500), float),
        "complex": ((3,), complex),
        "no axes": ((), float),
    }[kind]
    second = np.ones(shape, dtype, order="F" if kind == "by columns" else "C")
    return [np.ones(3), second], lambda p: np.sum(p[0]) + np.sum(np.real(p[1])) * 1e10


KINDS = [
    *("small", "blocks", "by columns", "complex", "no axes"),
    *("outer product", "sum of outer products"),
]


def raising(text, flag):
    raise ZeroDivisionError(f"{text} {flag}")


@pytest.mark.usefixtures("engine")
@pytest.mark.parametrize("kind", KINDS)
def test_nothing_is_written_when_the_step_raises(kind):
    params, loss = params_of(kind)
    with np.errstate(over="raise"), pytest.raises(FloatingPointError, match="overflow encountered"):
        gx.descend(loss, params, 1e300)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with np.errstate(over="warn"), pytest.raises(RuntimeWarning, match="overflow encountered"):
            gx.descend(loss, params, 1e300)
    with np.errstate(over="call", call=raising), pytest.raises(ZeroDivisionError, match="overflow"):
        gx.descend(loss, params, 1e300)
    for array in params:
        np.testing.assert_array_equal(array, np.ones(array.shape))


@pytest.mark.usefixtures("engine")
@pytest.mark.parametrize("kind", KINDS)
def test_a_step_that_only_warns_is_whole(kind, capfd):
    for how in ("warn", "print", "call", "log", "ignore"):
        params, loss = params_of(kind)
        told: list[Any] = []

        class Log:
            def write(self, text, told=told):
                told.append(text)

        call = Log() if how == "log" else lambda text, flag, told=told: told.append((text, flag))
        with warnings.catch_warnings(record=True) as found, np.errstate(all=how, call=call):
            warnings.simplefilter("always")
            gx.descend(loss, params, 1e300)
        np.testing.assert_array_equal(params[0], np.full(3, -1e300))
        assert not np.isfinite(params[1]).any()
        assert bool(found) is (how == "warn") and bool(told) is (how in ("call", "log"))
        assert all(w.category is RuntimeWarning for w in found)
        assert ("overflow" in "".join(capfd.readouterr())) is (how == "print")
        if how == "call":
            assert ("overflow", 2) in [(text, flag & 2) for text, flag in told]
        if how == "log":
            assert any("overflow encountered in" in text for text in told)


@pytest.mark.usefixtures("engine")
@pytest.mark.parametrize("products", [1, 2])
@pytest.mark.parametrize("how", ["warn", "call"])
def test_a_step_that_is_done_again_is_the_same(products, how):
    """What `np.errstate` calls may raise, so the parameters are restored for it."""
    x = np.array([1e300, 2.0])

    def step(how):
        w = np.ones((3, 2))
        with warnings.catch_warnings(), np.errstate(all=how, call=lambda *told: None):
            warnings.simplefilter("ignore")
            gx.descend(lambda w: sum(np.sum((k + 1) * w @ x) for k in range(products)), w, 1e10)
        return w

    np.testing.assert_array_equal(step(how), step("ignore"))


def test_the_warning_points_at_the_line_of_the_call():
    w = np.array([-1e308])
    with warnings.catch_warnings(record=True) as found, np.errstate(over="warn"):
        warnings.simplefilter("always")
        gx.descend(lambda w: np.sum(w), w, 1e308)
    assert {each.filename for each in found} == {__file__}
    assert "overflow encountered in subtract" in str(found[0].message)


def test_what_is_not_an_error_raises_nothing_under_raise(engine):
    w = np.ones(3)
    with np.errstate(all="raise"):
        gx.descend(lambda w: np.sum(w * 2.0), w, 0.25)
    np.testing.assert_array_equal(w, np.full(3, 0.5))


@pytest.mark.usefixtures("engine")
def test_a_rate_that_is_nothing_in_single_precision_is_no_error():
    w = np.ones(3, np.float32)
    with np.errstate(all="raise"):
        gx.descend(lambda w: np.sum(w), w, 1e-300)
        np.testing.assert_array_equal(w, np.ones(3))
        with pytest.raises(FloatingPointError, match="overflow"):
            gx.descend(lambda w: np.sum(w), w, 1e300)
    np.testing.assert_array_equal(w, np.ones(3))


def test_one_array_at_two_places_is_restored():
    w = np.array([-1e308])
    before = w.copy()
    with np.errstate(over="raise"), pytest.raises(FloatingPointError, match="in subtract"):
        gx.descend(lambda p: np.sum(0.5 * p[0]) + np.sum(0.5 * p[1]), [w, w], 1e308)
    np.testing.assert_array_equal(w, before)


# --- The bits of the functional step --------------------------------------------------------------


@pytest.mark.usefixtures("engine")
@pytest.mark.parametrize("dtype", ["f", "d", "F", "D", ">f8"])
@pytest.mark.parametrize("shape", [(), (7,), (300, 500), (2, 3, 40000)])
@pytest.mark.parametrize("layout", ["C", "F", "every other"])
def test_the_bits_are_those_of_the_functional_step(rng, shape, dtype, layout):
    numbers = rng.standard_normal(shape) + (1j * rng.standard_normal(shape))
    w = np.array(numbers if dtype in "FD" else numbers.real, dtype, order="F")
    w = np.array(w, order="C") if layout == "C" else w
    if layout == "every other" and shape:
        whole = np.zeros((2 * shape[0], *shape[1:]), dtype)
        whole[::2] = w
        w = whole[::2]

    def loss(w):
        return np.sum(np.real(np.sin(w) * np.conj(w)))

    wanted = w - 0.1 * gx.grad(loss)(w)
    gx.descend(loss, w, 0.1)
    np.testing.assert_array_equal(w, wanted)


@pytest.mark.usefixtures("engine")
@pytest.mark.parametrize("dtype", ["f", "d"])
def test_the_bits_of_an_outer_product(rng, dtype):
    w, x = rng.standard_normal((300, 500)).astype(dtype), rng.standard_normal(500).astype(dtype)
    wanted = w - 0.1 * gx.grad(lambda w: np.sum(np.sin(w @ x)))(w)
    gx.descend(lambda w: np.sum(np.sin(w @ x)), w, 0.1)
    np.testing.assert_array_equal(w, wanted)


# --- Overlapping memory ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    "params",
    [
        {"a": [np.ones(2), as_strided(np.ones(1), (LARGE,), (0,))]},
        {"a": [np.ones(2), as_strided(np.ones(9), (4, 3), (8, 8))]},
        {"a": [np.ones(2), as_strided(np.ones((1, 2)), (5, 2), (0, 8)).T]},
    ],
)
def test_arrays_that_overlap_themselves_are_refused_by_path(params):
    before = [each.copy() for each in params["a"]]
    text = r"params\['a'\]\[1\] is an array whose items share memory.*pass a copy of it"
    with pytest.raises(gx.InPlaceError, match=text):
        gx.descend(lambda p: np.sum(p["a"][0]) + np.sum(p["a"][1]), params, 0.1)
    for array, wanted in zip(params["a"], before, strict=True):
        np.testing.assert_array_equal(array, wanted)


@pytest.mark.parametrize(
    "view",
    [
        lambda a: a[::2, 1::3],
        lambda a: a[::-1, ::-1],
        lambda a: a.T[2:],
        lambda a: a[:, None, :2],
        lambda a: as_strided(a, (1, 4), (0, 8)),
        lambda a: a[:0],
    ],
)
def test_views_of_separate_items_are_not_refused(view):
    whole = np.arange(24.0).reshape(4, 6)
    part = view(whole)
    wanted = part - 0.5 * np.ones(part.shape)
    gx.descend(lambda w: np.sum(w), part, 0.5)
    np.testing.assert_array_equal(part, wanted)


def test_parameters_in_files(tmp_path):
    np.save(tmp_path / "w.npy", np.ones(3))
    w = np.load(tmp_path / "w.npy", mmap_mode="r+")
    gx.descend(lambda p: np.sum(p["w"] ** 2), {"w": w}, 0.25)
    np.testing.assert_array_equal(w, np.full(3, 0.5))


# --- Signals --------------------------------------------------------------------------------------


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="no timers here")
@pytest.mark.usefixtures("engine")
def test_a_signal_leaves_no_half_step():
    class Stop(BaseException):
        pass

    def stop(*_):
        raise Stop

    params = [np.zeros(1 << 12) for _ in range(30)] + [np.zeros((300, 300)) for _ in range(3)]
    step = partial(gx.descend, lambda p: sum(np.sum(x) for x in p), params, -1.0)
    step()
    begun = time.perf_counter()
    step()
    taken = time.perf_counter() - begun
    count, hits, before = 2.0, 0, (np.geterr(), np.geterrcall())
    former = signal.signal(signal.SIGALRM, stop)
    try:
        for k in range(120):
            try:
                signal.setitimer(signal.ITIMER_REAL, max(1e-5, taken * (k % 40) / 40))
                step()
                signal.setitimer(signal.ITIMER_REAL, 0)
            except Stop:
                hits += 1
            now = {float(x) for array in params for x in array.ravel()[[0, -1]]}
            assert now <= {count} or now <= {count + 1}
            assert (np.geterr(), np.geterrcall()) == before
            (count,) = now
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, former)
    assert hits > 10
