"""Fit: what it computes, what it leaves alone, when it stops, what it keeps in memory."""

import gc
import tracemalloc
from unittest.mock import patch

import numpy as np
import pytest

import gradx as gx
from gradx import ix
from gradx.optim import adam, average, by_part, frozen, sgd
from gradx.train import (
    Blocks,
    Plan,
    State,
    Stopped,
    Task,
    fit,
    own,
    source_of,
    train,
)
from tests.train.problems import (
    LABELS,
    METHODS,
    Line,
    X,
    Y,
    bits,
    by_label,
    by_pair,
    epochs_batches,
    line,
)

# --- What it computes -----------------------------------------------------------------------------


@pytest.mark.parametrize("method", METHODS)
def test_steps_written_out(method):
    method, params = METHODS[method], line()
    state, losses = method.init(params), []
    for epoch in (1, 2):
        order = np.random.default_rng(np.random.SeedSequence(5, spawn_key=(epoch,))).permutation(53)
        for start in range(0, 53, 16):
            rows = order[start : start + 16]
            y, gradient = gx.value_and_grad(by_pair)(params, (X[rows], Y[rows]))
            losses.append(float(y) * len(rows))
            params, state = method.update(gradient, state, params)
    found = fit(by_pair, line(), (X, Y), method=method, epochs=2, batch=16, seed=5)
    assert bits(found.params) == bits(params) and found.state.step == 8
    assert [r.training.loss for r in found.history] == [sum(losses[:4]) / 53, sum(losses[4:]) / 53]


@pytest.mark.parametrize("method", METHODS)
def test_arrays_alone_go_the_same_way(method):
    """Plain descent then goes straight from the cotangents."""
    params, seen = {"w": np.zeros(3), "b": np.zeros(())}, []

    def loss(p, batch):
        seen.append(len(batch[0]))
        return np.mean((batch[0] @ p["w"] + p["b"] - batch[1]) ** 2)

    found = fit(loss, params, (X, Y), method=METHODS[method], batch=20)
    expected = fit(by_pair, line(), (X, Y), method=METHODS[method], batch=20).params
    np.testing.assert_allclose(found.params["w"], expected.weights, rtol=1e-12)
    np.testing.assert_allclose(found.params["b"], expected.bias, rtol=1e-12)
    assert seen == [20, 20, 13]
    assert not params["w"].any() and not params["b"].any()


def test_the_sum_over_a_batch():
    def total(p, batch):
        return by_pair(p, batch) * len(batch[0])

    found = fit(
        total, line(), (X, Y), method=sgd(0.001), batch=53, reduction="sum", validation=(X, Y)
    )
    mean = fit(by_pair, line(), (X, Y), method=sgd(0.053), batch=53, validation=(X, Y))
    np.testing.assert_allclose(found.params.weights, mean.params.weights, rtol=1e-12)
    for one, other in zip(found.history, mean.history, strict=True):
        assert one.training.loss == pytest.approx(other.training.loss, rel=1e-12)
        assert one.validation.loss == pytest.approx(other.validation.loss, rel=1e-12)
    blocks = Blocks(reduction="sum", blocks=4)
    cut = fit(total, line(), (X, Y), method=sgd(0.001), batch=53, reduction="sum", gradients=blocks)
    np.testing.assert_allclose(cut.params.weights, mean.params.weights, rtol=1e-12)


def test_scores_by_hand():
    def metrics(p, batch):
        x, labels = batch
        return {"right": np.mean(((x @ p.weights + p.bias) > 0) == (labels == 1)), "one": 1.0}

    how = {"method": sgd(0.5), "batch": 10, "eval_every": 25, "validation": (X[:30], LABELS[:30])}
    found = fit(by_label, line(), (X, LABELS), metrics=metrics, epochs=2, **how)
    assert [(r.epoch, r.batch, r.points, r.step) for r in found.history] == [
        *[(1, 1, 30, 3), (1, 2, 20, 5), (1, 3, 3, 6), (2, 1, 30, 9), (2, 2, 20, 11), (2, 3, 3, 12)]
    ]
    last = found.history[-1]
    rows = np.random.default_rng(np.random.SeedSequence(0, spawn_key=(2,))).permutation(53)[50:]
    assert (last.training.count, last.validation.count, last.rate) == (3, 30, 0.5)
    for score, which in ((last.training, rows), (last.validation, slice(0, 30))):
        batch = X[which], LABELS[which]
        assert score.metrics["right"] == pytest.approx(metrics(found.params, batch)["right"])
        assert score.metrics["one"] == pytest.approx(1.0)
    assert last.validation.loss == pytest.approx(by_label(found.params, batch), rel=1e-12)


def test_validation_in_blocks():
    x, y = np.tile(X, (20, 1)), np.tile(Y, 20)
    found = fit(by_pair, line(), (X, Y), method=sgd(0.1), validation=(x, y), epochs=1)
    loss = found.history[-1].validation.loss
    assert loss == pytest.approx(by_pair(found.params, (X, Y)), rel=1e-12)
    assert found.history[-1].validation.count == 1060


def test_batches_have_validation_and_no_training_metrics():
    found = fit(
        *(by_pair, line(), epochs_batches),
        metrics=lambda p, batch: {"size": len(batch[0])},
        validation=lambda: [(X[:40], Y[:40]), (X[40:], Y[40:])],
    )
    [report] = found.history
    assert report.training.metrics == {} and report.validation.metrics["size"] > 20
    assert report.validation.count == report.training.count == 53


def test_no_data():
    found = fit(lambda p: (p[0] - 3) ** 2 + p[1] ** 2, (0.0, 1.0), method=sgd(0.1), epochs=100)
    assert found.params == pytest.approx((3.0, 0.0), abs=1e-8)
    assert len(found.history) == found.state.step == found.state.epoch == 100


def test_adam_is_the_default():
    found = fit(by_pair, line(), (X, Y))
    assert bits(found.params) == bits(fit(by_pair, line(), (X, Y), method=adam(), batch=32).params)


# --- What is given stays as it is -----------------------------------------------------------------


def test_parameters_stay_as_they_are():
    params = Line(np.zeros(3), 0.0)
    params.weights.setflags(write=False)
    found = fit(by_pair, params, (X, Y), epochs=2)
    assert not params.weights.any() and params.bias == 0.0
    assert found.params.weights.any() and found.params.bias != 0.0
    assert found.params.weights.flags.writeable and found.params.name == "line"
    kept = bits(found.state.params)
    fit(by_pair, params, (X, Y), epochs=3, start=found.state)
    assert bits(found.state.params) == kept


@pytest.mark.parametrize("method", [sgd(0.1), average(by_part({ix("a"): frozen()}, adam()))])
def test_whole_numbers_are_floats_from_the_beginning(method, tmp_path):
    """So that a state that was saved fits what another run begins with."""

    def loss(p, x):
        return np.mean((p["a"] + p["b"][0] * x - 3 * x) ** 2)

    params = {"a": 1, "b": [0, np.zeros(2)]}
    found = fit(loss, params, X[:, 0], method=method)
    assert type(params["a"]) is int
    assert [type(x) for x in (found.params["a"], found.params["b"][0])] == [float, float]
    begin = fit(loss, params, X[:, 0], method=method).state
    path = tmp_path / "state.safetensors"
    gx.save(path, (found.params, found.state.method))
    went_on, memory = gx.load(path, (begin.params, method.init(begin.params)))
    assert bits((went_on, memory)) == bits((found.params, found.state.method))


def test_states_of_reports_stay_as_they_are():
    kept = []
    fit(
        by_pair,
        line(),
        (X, Y),
        epochs=3,
        callbacks=[lambda r: kept.append((r, bits(r.state.params)))],
    )
    assert len(kept) == 3
    assert all(bits(report.state.params) == then for report, then in kept)


# --- Stopping -------------------------------------------------------------------------------------


@pytest.mark.parametrize("answer", [True, np.True_])
def test_a_callback_stops_the_run(answer):
    asked = []

    def stop(report):
        return answer if report.epoch == 3 else None

    found = fit(by_pair, line(), (X, Y), epochs=9, callbacks=[stop, asked.append])
    assert found.state.epoch == len(found.history) == len(asked) == 3


def test_what_is_no_answer_does_not_stop():
    found = fit(by_pair, line(), (X, Y), epochs=3, callbacks=[lambda r: 1, lambda r: [True]])
    assert len(found.history) == 3


def test_patience_keeps_the_best():
    # Far steps: the loss of the validation data falls, and rises again.
    x, y = np.ones((8, 1)), np.ones(8)

    def loss(p, batch):
        return np.mean(batch[0][:, 0] * p - batch[1]) * -1.0

    def far(p, batch):
        return np.mean((batch[0][:, 0] * 3.05 - p) ** 2) if len(batch[1]) == 1 else loss(p, batch)

    how = {"method": sgd(1.0), "batch": 8, "epochs": 50, "validation": (x[:1], y[:1])}
    found = fit(far, 0.0, (x, y), patience=4, **how)
    assert found.params == 3.0 and found.state.params == 7.0
    assert len(found.history) == 7
    losses = [r.validation.loss for r in found.history]
    assert min(losses) == losses[2]
    assert fit(far, 0.0, (x, y), **how).params == 50.0


@pytest.mark.parametrize("stop", [1, 2, 4, 6])
def test_patience_goes_on_where_it_was(stop):
    x, y = np.ones((8, 1)), np.ones(8)

    def loss(p, batch):
        return np.mean((batch[0][:, 0] * 3.05 - p) ** 2) if len(batch[1]) == 1 else -p

    how = {"method": adam(1.0), "batch": 8, "validation": (x[:1], y[:1]), "patience": 4}
    whole = fit(loss, 0.0, (x, y), epochs=50, **how)
    begun = fit(loss, 0.0, (x, y), epochs=50, callbacks=[lambda r: r.epoch == stop], **how)
    assert len(begun.history) == stop
    found = fit(loss, 0.0, (x, y), epochs=50, start=begun.state, **how)
    assert len(found.history) == len(whole.history) - stop
    assert (found.params, found.state) == (whole.params, whole.state)


def test_patience_without_validation_looks_at_training():
    def loss(p, batch):
        return (p - 2.0) ** 4 + 0.0 * batch[0]

    found = fit(loss, 0.0, np.ones(1), method=sgd(0.2), epochs=200, patience=3)
    losses = [r.training.loss for r in found.history]
    assert len(losses) < 200 and min(losses) == losses[-4]


# --- Memory ---------------------------------------------------------------------------------------


def growth(method, steps):
    """Bytes by which a run grows between the middle and the end of its steps."""
    marks = []

    def tick(position):
        if position in (steps // 2, steps - 1):
            gc.collect()
            marks.append(tracemalloc.get_traced_memory()[0])
        return False

    def loss(p, x):
        return np.sum((x - p["w"]) ** 2) * 0.5

    plan = Plan(
        task=Task(loss),
        data=source_of(np.ones((steps, 2))),
        method=method,
        batch_size=1,
        validation=source_of(np.ones((3, 2))),
    )
    tracemalloc.start()
    try:
        with patch("gradx.train.data._AT_ONCE", 500):  # or as many indices come and go
            for _ in train(plan, State({"w": np.zeros(2)}), tick):
                pass
    finally:
        tracemalloc.stop()
    return marks[1] - marks[0]


@pytest.mark.parametrize(("method", "steps"), [(sgd(1e-3), 10_000), (adam(1e-3), 1000)])
def test_memory_is_flat(method, steps):
    assert growth(method, steps) < 20_000


@pytest.mark.soak
@pytest.mark.parametrize(("method", "steps"), [(sgd(1e-3), 100_000), (adam(1e-3), 10_000)])
def test_memory_is_flat_for_long(method, steps):
    assert growth(method, steps) < 20_000


def test_a_run_that_is_stopped_between_reports_measures_nothing():
    """So that it ends soon, however much validation data there is."""
    measured = []

    def metrics(p, batch):
        measured.append(len(batch[0]))
        return {"zero": 0.0}

    data = source_of((X, Y))
    plan = Plan(task=Task(by_pair, metrics), data=data, method=sgd(0.1), validation=data)
    *_, stopped = train(plan, State(own(line())), tick=lambda position: True)
    assert isinstance(stopped, Stopped) and stopped.state.step == 1
    assert not measured
    list(train(plan, stopped.state))
    assert measured
