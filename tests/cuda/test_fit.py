"""`gx.train.fit` on a device: arrays stay there, and take the same path as on the host."""

import numpy as np
import pytest

import gradx as gx
from gradx.optim import adam, sgd
from gradx.train import Blocks, fit
from tests.cuda.places import ARRAY

RANDOM = np.random.default_rng(3)
X = RANDOM.normal(size=(60, 4))
Y = X @ np.array([1.0, -1.0, 0.5, 0.0])
LABELS = (Y > 0).astype(np.int32)


def loss(p, batch):
    x, y, labels = batch
    return np.mean((x @ p["w"] + p["b"] - y) ** 2 * (1 + labels))


def right(p, batch):
    x, _, labels = batch
    return {"right": np.mean((x @ p["w"] + p["b"] > 0) == (labels == 1))}


def problem(device):
    params = gx.to_device({"w": np.zeros(4), "b": np.zeros(())}, device)
    return params, gx.to_device((X, Y, LABELS), device)


@pytest.mark.parametrize("method", [sgd(0.05), sgd(0.02, momentum=0.9), adam(0.05)])
def test_the_same_path_as_on_the_host(backend, method):
    how = {"method": method, "batch": 16, "epochs": 3, "eval_every": 32, "metrics": right}
    there, data = problem("cuda")
    here, host = problem("cpu")
    found = fit(loss, there, data, validation=data, **how)
    expected = fit(loss, here, host, validation=host, **how)
    for name in ("w", "b"):
        assert type(found.params[name]) is ARRAY
        got = gx.to_device(found.params[name], "cpu")
        np.testing.assert_allclose(got, expected.params[name], rtol=1e-10)
        assert not gx.to_device(there[name], "cpu").any()
    for one, other in zip(found.history, expected.history, strict=True):
        assert type(one.training.loss) is type(one.validation.metrics["right"]) is float
        assert one.training.loss == pytest.approx(other.training.loss, rel=1e-10)
        assert one.validation.loss == pytest.approx(other.validation.loss, rel=1e-10)
        assert one.validation.metrics == pytest.approx(other.validation.metrics)


def test_a_run_goes_on_there(backend):
    params, data = problem("cuda")
    how = {"method": adam(0.05), "epochs": 2, "batch": 16, "eval_every": 16}
    whole = fit(loss, params, data, **how)
    part = fit(loss, params, data, callbacks=[lambda report: True], **how)
    rest = fit(loss, params, data, start=part.state, **how)
    assert [r.training.loss for r in part.history + rest.history] == [
        r.training.loss for r in whole.history
    ]
    for name in ("w", "b"):
        one, other = (gx.to_device(f.params[name], "cpu") for f in (whole, rest))
        assert one.tobytes() == other.tobytes()


def test_blocks(backend):
    params, data = problem("cuda")
    how = {"method": sgd(0.05), "batch": 32}
    found = fit(loss, params, data, gradients=Blocks(), **how).params
    expected = fit(loss, params, data, **how).params
    np.testing.assert_allclose(
        gx.to_device(found["w"], "cpu"), gx.to_device(expected["w"], "cpu"), rtol=1e-10
    )
