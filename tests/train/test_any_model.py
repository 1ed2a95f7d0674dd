"""Checkpoints of any model: parameters, what the method remembers, the best state before."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest

import gradx as gx
from gradx.files.formats import opened_arrays
from gradx.train import (
    Best,
    Checkpoint,
    ModelFileError,
    Options,
    OutputError,
    State,
    load,
    read_parameters,
    save,
)
from gradx.train import checkpoint as checkpoints
from tests.mnist.idx_files import peak_memory

OPTIONS = Options(hidden=(5, 3), rate=0.125, epochs=3, batch_size=2, seed=7, report_every=9)


@pytest.fixture(params=["safetensors", "npz"])
def path(request, tmp_path):
    return tmp_path / f"model.{request.param}"


@dataclass(frozen=True)
class Line:
    slope: Any
    start: float = 0.0
    name: str = "a line"


METHODS = {
    "sgd": Options(method="sgd"),
    "momentum": Options(method="sgd", of_method={"momentum": 0.9, "nesterov": True}),
    "adam": Options(method="adam", rate=None),
}
LINE = Line({"a": np.array([1.0, 2.0]), "b": 3.0}, 4.0)


def method_of(heading):
    return heading.options.recipe.build(heading.options.steps(heading.samples))


def trained(options, steps=3):
    method = options.recipe.build(100)
    params, state = LINE, method.init(LINE)
    for _ in range(steps):
        gradient = gx.grad(lambda p: np.sum(p.slope["a"] ** 2) * p.slope["b"] + p.start**2)(params)
        params, state = method.update(gradient, state, params)
    return params, state


@pytest.mark.parametrize("name", METHODS)
def test_a_model_of_ones_own_goes_on_to_the_bit(path, name):
    options = METHODS[name]
    params, memory = trained(options)
    state = State(params, epoch=1, position=2, step=3, method=memory, loss_sum=0.1)
    save(path, Checkpoint(state, options, 20, "data", model="MODEL.py"))
    found = load(path, lambda heading: LINE, method_of)
    assert (found.model, found.options) == ("MODEL.py", options)
    assert replace(found.state, params=None, method=None) == replace(
        state, params=None, method=None
    )
    method = options.recipe.build(100)
    went_on = [method.update(x.params, x.method, x.params) for x in (state, found.state)]
    assert repr(went_on[0]) == repr(went_on[1])
    assert load(path, lambda heading: LINE).state.method is None, "where it is not asked for"


@pytest.mark.parametrize("since", [0, 2])
def test_the_best_state_before_is_kept_beside_the_last(path, since):
    options = METHODS["adam"]
    (then, before), (params, memory) = trained(options, 2), trained(options, 4)
    best = Best(State(then, epoch=1, step=2, method=before), 0.25, since)
    state = State(params, epoch=2, step=4, method=memory, best=best)
    save(path, Checkpoint(state, options, 20, "data", model="MODEL.py"))
    assert repr(load(path, lambda heading: LINE, method_of).state) == repr(state)
    assert repr(gx.load(path, LINE)) == repr(params)


def test_a_best_state_that_is_the_last_is_written_once(path):
    params, memory = trained(METHODS["adam"])
    state = State(params, epoch=1, step=4, method=memory)
    best = replace(state, best=Best(state, 0.25))
    save(path, Checkpoint(best, METHODS["adam"], 20, "data", model="MODEL.py"))
    assert repr(load(path, lambda heading: LINE, method_of).state) == repr(best)
    with opened_arrays(path) as stored:
        assert not [name for name in stored.entries if "best" in name]


@pytest.mark.parametrize(
    ("best", "text"),
    [
        ([1], r"its best is \[1\]"),
        ({}, "of its best state its epoch is None"),
        ({"epoch": 1, "position": 0, "step": 2, "loss_sum": 0.0, "loss": "low", "since": 0},
         "of its best state its loss is 'low'"),
        ({"epoch": 1, "position": 0, "step": 2, "loss_sum": 0.0, "loss": 0.5, "since": 0},
         "its parameters do not fit"),
    ],
)  # fmt: skip
def test_what_a_file_says_of_a_best_state_is_not_believed(path, monkeypatch, best, text):
    about_of = checkpoints.about_of
    monkeypatch.setattr(checkpoints, "about_of", lambda *given: {**about_of(*given), "best": best})
    save(path, Checkpoint(State(LINE), OPTIONS, 20, "data", model="MODEL.py"))
    with pytest.raises(ModelFileError, match=text):
        load(path, lambda heading: LINE, method_of)


def test_the_heading_says_how_to_make_the_parameters(path):
    save(path, Checkpoint(State(LINE), OPTIONS, 20, "data", model="MODEL.py"))
    seen = []
    load(path, lambda heading: seen.append(heading) or LINE)
    [heading] = seen
    assert (heading.model, heading.options) == ("MODEL.py", OPTIONS)
    assert heading.entries["slope.a"].shape == (2,)


def test_gx_load_reads_the_parameters(path):
    params, memory = trained(METHODS["adam"])
    save(path, Checkpoint(State(params, method=memory), METHODS["adam"], 20, "", model="MODEL.py"))
    assert repr(gx.load(path, LINE)) == repr(params)
    arrays, heading = read_parameters(path)
    assert arrays.keys() == {"slope.a", "slope.b", "start"} == heading.entries.keys()


def test_another_model_and_another_method(path):
    params, memory = trained(METHODS["momentum"])
    options = Options(method="sgd")  # which has no velocity
    save(path, Checkpoint(State(params, method=memory), options, 20, "data", model="MODEL.py"))
    fix = "go on with the model and the method that it was trained with"
    with pytest.raises(ModelFileError) as caught:
        load(path, lambda heading: replace(LINE, slope=1.0))
    assert str(caught.value) == (
        f"{path}: is a checkpoint of 'MODEL.py', and its parameters do not fit: it has no slope; "
        f"it has 'slope.a' besides; it has 'slope.b' besides; {fix}"
    )
    with pytest.raises(ModelFileError) as caught:
        load(path, lambda heading: LINE, method_of)
    assert str(caught.value) == (
        f"{path}: is a checkpoint of 'MODEL.py', and what its method remembers does not fit: it "
        "has 'velocity.slope.a' besides; it has 'velocity.slope.b' besides; it has "
        f"'velocity.start' besides; {fix}"
    )
    with pytest.raises(ModelFileError, match=r"is a checkpoint of 'MODEL\.py'; name that"):
        load(path)


def test_an_error_of_the_model_is_its_own(path):
    save(path, Checkpoint(State(LINE), OPTIONS, 20, "data", model="MODEL.py"))

    def like(heading):
        raise ValueError("from init")

    with pytest.raises(ValueError, match="from init"):
        load(path, like)


def test_arrays_that_are_one_stay_one(path):
    w = np.ones(3)
    tied = {"a": w, "b": w}
    memory = gx.optim.adam().init(tied)
    save(path, Checkpoint(State(tied, method=memory), METHODS["adam"], 20, "data"))
    found = load(path, lambda heading: tied, method_of).state
    assert found.params["a"] is found.params["b"]
    assert found.method.first["a"] is not found.method.second["a"]


def test_parameters_that_have_no_name(path):
    with pytest.raises(OutputError, match="the key '__state__' is reserved"):
        save(path, Checkpoint(State({"__state__": 1.0}), OPTIONS, 20, "data"))
    assert not path.exists()


def test_a_bomb_is_not_read_for_its_parameters(tmp_path):
    path = tmp_path / "model.npz"
    save(path, Checkpoint(State({"w": np.zeros((3000, 3000))}), OPTIONS, 20, "data"))
    with np.load(path) as archive:
        content = {name: archive[name] for name in archive.files}
    np.savez_compressed(path, **content)
    with (
        peak_memory() as peak,
        pytest.raises(ModelFileError, match=r"its [\d,]+ bytes cannot hold arrays of 72,000,000 b"),
    ):
        read_parameters(path)
    assert peak() < 1_000_000
