"""Going on: a run that was stopped and one that was not give the same bits."""

from dataclasses import replace

import numpy as np
import pytest

from gradx.optim import adam
from gradx.train import (
    Blocks,
    Plan,
    Reported,
    State,
    Stopped,
    Task,
    fit,
    source_of,
    train,
)
from tests.train.problems import METHODS, SOURCES, bits, line, same_state, told

# --- Going on -------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("kind", SOURCES)
def test_a_run_that_was_stopped_goes_on_to_the_same_bits(kind, method, tmp_path):
    loss, make = SOURCES[kind]
    plan = Plan(
        task=Task(loss if kind != "nothing" else lambda p, _: loss(p)),
        data=source_of(make(tmp_path)),
        validation=None if kind == "nothing" else source_of(make(tmp_path)),
        method=METHODS[method],
        epochs=3,
        batch_size=8,
        report_every=20,
        seed=4,
    )
    start = State(line())
    whole = [e for e in train(plan, start) if isinstance(e, Reported)]
    # After every single step of three epochs it is stopped.
    state, parts, stops = start, [], 0
    while state.epoch < plan.epochs:
        for event in train(plan, state, lambda position: True):
            stops += isinstance(event, Stopped)
            parts += [event] * isinstance(event, Reported)
            state = getattr(event, "state", state)
    assert stops == whole[-1].step - 1 == (2 if kind == "nothing" else 20)
    assert same_state(state, whole[-1].state)
    assert [replace(e, seconds=0.0, state=None) for e in parts] == [
        replace(e, seconds=0.0, state=None) for e in whole
    ]


@pytest.mark.parametrize("kind", SOURCES)
def test_fit_goes_on_from_a_state(kind, tmp_path):
    loss, make = SOURCES[kind]
    how = {"method": adam(0.01), "batch": 8, "eval_every": 16, "seed": 2}
    whole = fit(loss, line(), make(tmp_path), epochs=2, **how)
    part = fit(loss, line(), make(tmp_path), epochs=2, callbacks=[lambda r: True], **how)
    assert len(part.history) == 1
    rest = fit(loss, part.params, make(tmp_path), epochs=2, start=part.state, **how)
    assert same_state(rest.state, whole.state) and bits(rest.params) == bits(whole.params)
    assert told(part.history + rest.history) == told(whole.history)


@pytest.mark.parametrize("kind", ["tuple", "batches", "rising"])
def test_blocks_go_on_too_and_agree_with_the_whole(kind, tmp_path):
    loss, make = SOURCES[kind]
    how = {"method": adam(0.01), "batch": 20, "eval_every": 20, "gradients": Blocks()}
    whole = fit(loss, line(), make(tmp_path), epochs=2, **how)
    part = fit(loss, line(), make(tmp_path), epochs=2, callbacks=[lambda r: True], **how)
    rest = fit(loss, line(), make(tmp_path), epochs=2, start=part.state, **how)
    assert same_state(rest.state, whole.state)
    at_once = fit(loss, line(), make(tmp_path), epochs=2, **{**how, "gradients": None})
    np.testing.assert_allclose(whole.params.weights, at_once.params.weights, rtol=1e-12)
    assert told(whole.history)[-1].training.loss == pytest.approx(
        told(at_once.history)[-1].training.loss, rel=1e-12
    )
