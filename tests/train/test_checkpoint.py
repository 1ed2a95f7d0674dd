"""Model files: what is saved comes back bit for bit, and nothing else is believed."""

import json
import os
import re
import zipfile
from dataclasses import asdict, replace

import numpy as np
import pytest
import safetensors.numpy as judge
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import gradx as gx
from gradx.files.archives import MOST_READ, MOST_TEXT
from gradx.files.formats import opened_arrays, write_arrays
from gradx.train import (
    Checkpoint,
    ModelFileError,
    Options,
    State,
    init_net,
    load,
    save,
)
from gradx.train.options import MOST_LAYERS, MOST_UNITS
from tests.mnist.idx_files import peak_memory
from tests.train.small import same_net

OPTIONS = Options(hidden=(5, 3), rate=0.125, epochs=3, batch_size=2, seed=7, report_every=9)


def checkpoint(options=OPTIONS, pixels=4, **place):
    net = init_net((pixels, *options.hidden, 10), options.dtype, options.seed)
    return Checkpoint(State(net, **place), options, samples=20, data="0123abcd")


@pytest.fixture(params=["safetensors", "npz"])
def path(request, tmp_path):
    return tmp_path / f"model.{request.param}"


@pytest.fixture
def saved(path):
    save(path, checkpoint(epoch=1, position=6, step=13))
    return path


def rewrite(path, change=None, drop=(), **arrays):
    """Change a model file: `change` its text, `arrays` its arrays by name."""
    with opened_arrays(path) as stored:
        content = {name: stored.read(name) for name in stored.entries if name not in drop}
        about = json.loads(stored.about)
    if change is not None:
        changed = change(about)
        about = about if changed is None else changed
    content.update({name.replace("__", "."): items for name, items in arrays.items()})
    write_arrays(path, content, json.dumps(about))
    return path


def refused(path, reason):
    with pytest.raises(ModelFileError) as caught:
        load(path)
    assert str(caught.value) == (
        f"{path}: not a model file of gradx, or a damaged one ({reason}); write one with "
        "`gradx train --save`"
    )


# ---- the announcement's network --------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_what_is_saved_comes_back(path, dtype):
    before = checkpoint(replace(OPTIONS, dtype=dtype), epoch=1, position=6, step=13, loss_sum=0.1)
    save(str(path), before)
    after = load(path)
    assert same_net(after.state.params, before.state.params)
    assert replace(after.state, params=None) == replace(before.state, params=None)
    assert replace(after, state=None) == replace(before, state=None)


def test_the_same_checkpoint_gives_the_same_bytes(path, tmp_path):
    save(path, checkpoint())
    first = path.read_bytes()
    path.unlink()
    save(path, checkpoint())
    assert path.read_bytes() == first


def test_the_ending_decides(tmp_path):
    save(tmp_path / "any name", checkpoint())
    save(tmp_path / "archive.npz", checkpoint())
    assert judge.load_file(tmp_path / "any name")["layers.0.weights"].shape == (5, 4)
    assert (tmp_path / "archive.npz").read_bytes()[:2] == b"PK"


NAMES = {f"layers.{i}.{part}" for i in range(3) for part in ("bias", "weights")}


def test_others_read_it_and_it_explains_itself(saved):
    if saved.suffix == ".npz":
        with np.load(saved, allow_pickle=False) as archive:
            assert set(archive.files) == {*NAMES, "__metadata__"}
            assert archive["layers.1.weights"].shape == (3, 5)
            about = json.loads(archive["__metadata__"].item())
    else:
        assert judge.load_file(saved).keys() == NAMES
        with opened_arrays(saved) as stored:
            about = json.loads(stored.about)
    assert (about["format"], about["version"]) == ("gradx checkpoint", 1)
    assert about["structure"]["layers.0"] == "Layer"
    assert about["options"]["rate"] == 0.125


def test_a_file_that_is_there_is_replaced(saved):
    save(saved, checkpoint(epoch=2))
    assert load(saved).state.epoch == 2


def test_missing_and_directory(tmp_path):
    for path, text in (
        (tmp_path / "none", "there is no such file; check the path"),
        (tmp_path, "is a directory; name a file in it"),
    ):
        with pytest.raises(ModelFileError) as caught:
            load(path)
        assert str(caught.value) == f"{path}: {text}"


def test_what_is_no_ordinary_file_is_refused(tmp_path):
    pipe = tmp_path / "pipe.npz"
    os.mkfifo(pipe)
    with pytest.raises(ModelFileError, match=r"pipe\.npz: is no ordinary file; name one that is"):
        load(pipe)


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b"", "it is neither in the layout of safetensors nor an .npz"),
        (b"not a file " * 10, "it is neither in the layout of safetensors nor an .npz"),
        (
            b"12345678{",
            "its header has 4,050,765,991,979,987,505 bytes, more than the 100,000,000 allowed",
        ),
        (b"PK" * 60, "it is no sound .npz file: File is not a zip file"),
    ],
)
def test_no_file_of_arrays(tmp_path, raw, reason):
    path = tmp_path / "file"
    path.write_bytes(raw)
    refused(path, reason)


def test_truncated(saved):
    saved.write_bytes(saved.read_bytes()[:-30])
    with pytest.raises(ModelFileError, match=r"File is not a zip file|its arrays have 664"):
        load(saved)


def test_an_archive_of_something_else(path, tmp_path):
    gx.save(path, {"x": np.ones(3)})
    refused(path, "its format is 'gradx value', which is no training run")
    np.savez(tmp_path / "other.npz", x=np.ones(3))
    refused(tmp_path / "other.npz", "it does not say of which training run it is")
    judge.save_file({"x": np.ones(3)}, tmp_path / "other")
    refused(tmp_path / "other", "it does not say of which training run it is")


@pytest.mark.parametrize("version", [0, 2, "1", None])
def test_another_version(saved, version):
    rewrite(saved, lambda about: about.update(version=version))
    with pytest.raises(ModelFileError) as caught:
        load(saved)
    assert re.fullmatch(
        rf"{re.escape(str(saved))}: is of version {version!r}, and this gradx \([\w.]+\) reads "
        "version 1; use the gradx that wrote it",
        str(caught.value),
    )


def change_options(**changes):
    return lambda about: about["options"].update(changes)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda about: about.update(epoch=-1), "its epoch is -1"),
        (lambda about: about.update(epoch=True), "its epoch is True"),
        (lambda about: about.update(position=20), "its position is 20"),
        (lambda about: about.update(position=0.5), "its position is 0.5"),
        (lambda about: about.update(samples=0), "its samples is 0"),
        (lambda about: about.update(step=2**63), f"its step is {2**63}"),
        (lambda about: about.update(loss_sum=1), "its loss_sum is 1"),
        (
            lambda about: about["options"].update(blocks=0),
            "its options: blocks 0: must be 1 or more blocks of a batch, such as 8",
        ),
        (lambda about: about.update(data=3), "its data is 3"),
        (lambda about: about.update(model="x" * 2000), f"its model is {'x' * 2000!r:.40}"),
        (lambda about: about.pop("epoch") and None, "its epoch is None"),
        (lambda about: about.update(options=[]), "its options are not those of this version"),
        (change_options(more=1), "its options are not those of this version"),
        (change_options(rate="fast"), "its option rate is 'fast'"),
        (change_options(rate=10**400), f"its option rate is {10**400!r:.40}"),
        (change_options(epochs=True), "its option epochs is True"),
        (change_options(hidden=[5, 3.0]), "its option hidden is [5, 3.0]"),
        (change_options(dtype="object"), "its options: dtype 'object': use float32 or float64"),
        (
            change_options(rate=-1),
            "its options: rate -1: the learning rate must be a finite number above 0, such as 0.02",
        ),
        (
            change_options(batch_size=21),
            "its options: batch size 21: the training data has only 20 samples; use 1 to 20",
        ),
        (
            change_options(hidden=[5]),
            "it has 'layers.2.weights' besides; it has 'layers.2.bias' besides; layers.1.weights "
            "is float64 of shape (3, 5), not float64 of shape (10, 5); layers.1.bias is float64 "
            "of shape (3,), not float64 of shape (10,)",
        ),
    ],
)
def test_a_description_that_cannot_be(saved, change, reason):
    refused(rewrite(saved, change), reason)


def test_arrays_that_do_not_fit(saved):
    raw = saved.read_bytes()

    def changed(**arrays):
        saved.write_bytes(raw)
        return rewrite(saved, **arrays)

    refused(changed(drop=("layers.1.bias",)), "it has no layers.1.bias")
    refused(changed(drop=("layers.0.weights",)), "it has no array 'layers.0.weights' of two axes")
    refused(changed(layers__3__bias=np.zeros(1)), "it has 'layers.3.bias' besides")
    refused(
        changed(layers__1__bias=np.zeros(4)),
        "layers.1.bias is float64 of shape (4,), not float64 of shape (3,)",
    )
    refused(
        changed(layers__1__bias=np.zeros(3, np.float32)),
        "layers.1.bias is float32 of shape (3,), not float64 of shape (3,)",
    )
    refused(
        changed(layers__1__bias=np.array([0, np.nan, 0])),
        "layers.1.bias holds values that are not finite",
    )
    refused(changed(layers__0__weights=np.zeros((5, 0))), "its network takes 0 pixels")


def test_a_small_file_holds_no_large_network(tmp_path):
    """Its arrays of zeros would take 576 MB; they are not looked for."""
    path = tmp_path / "model.npz"
    options = replace(OPTIONS, hidden=(6000, 12_000))
    about = {
        **{"format": "gradx checkpoint", "version": 1, "model": "digits", "epoch": 0},
        **{"options": asdict(options), "position": 0, "step": 0, "loss_sum": 0.0},
        **{"samples": 20, "data": ""},
    }
    write_arrays(path, {"layers.0.weights": np.zeros((6000, 4))}, json.dumps(about))
    with peak_memory() as peak, pytest.raises(ModelFileError, match=r"it has no layers\.0\.bias"):
        load(path)
    assert peak() < 1_000_000


def test_the_description_of_the_deepest_network_can_be_read_back():
    sizes = (MOST_UNITS,) * (MOST_LAYERS + 2)
    kinds = {f"layers.{i}": "Layer" for i in range(MOST_LAYERS + 1)}
    about = {"structure": kinds, "hidden": sizes, "shared": {}}
    assert len(json.dumps(about)) + 10_000 < MOST_TEXT
    assert (MOST_LAYERS + 1) * 6 * 150 < MOST_READ, "an entry of the table of contents is shorter"


def test_a_network_of_many_layers_is_read_back(path):
    before = checkpoint(replace(OPTIONS, hidden=(1,) * 200))
    save(path, before)
    assert same_net(load(path).state.params, before.state.params)


def test_what_a_file_says_is_told_in_one_short_line(saved):
    rewrite(saved, lambda about: about["options"].update(dtype="x\n" * 100_000))
    with pytest.raises(ModelFileError, match="its options: dtype 'x") as caught:
        load(saved)
    assert len(str(caught.value)) < len(str(saved)) + 500
    assert "\n" not in str(caught.value)


# ---- any file --------------------------------------------------------------------------------

FILES = settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=120
)


@given(data=st.data())
@FILES
def test_damaged_files_are_refused_or_read(saved, data):
    sound = saved.read_bytes()
    raw = bytearray(sound)
    try:
        for _ in range(data.draw(st.integers(1, 4))):
            raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
        cut = data.draw(st.one_of(st.just(len(raw)), st.integers(0, len(raw))))
        saved.write_bytes(raw[:cut])
        try:
            load(saved)
        except ModelFileError as error:
            assert str(error).startswith(f"{saved}: ")
            assert "\n" not in str(error)
    finally:
        saved.write_bytes(sound)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=5,
)


@given(data=st.data())
@FILES
def test_any_description_is_refused_or_read(saved, data):
    sound = saved.read_bytes()

    def change(about):
        place = data.draw(st.sampled_from([about, about["options"]]))
        place[data.draw(st.sampled_from(sorted(place)))] = data.draw(json_values)

    try:
        load(rewrite(saved, change))
    except ModelFileError as error:
        assert str(error).startswith(f"{saved}: ")
        assert "\n" not in str(error)
    finally:
        saved.write_bytes(sound)


def test_an_archive_left_in_the_middle_says_why(tmp_path, monkeypatch):
    """In a thread nothing is deferred; the archive must not hide what stopped it."""
    path = tmp_path / "model.npz"
    save(path, checkpoint(epoch=1))
    really_open, opened = zipfile.ZipFile.open, []

    def interrupted(archive, name, *args, **how):
        opened.append(name)
        if len(opened) == 3:
            archive._writing = True  # as between two lines of `open`
            raise KeyboardInterrupt
        return really_open(archive, name, *args, **how)

    monkeypatch.setattr(zipfile.ZipFile, "open", interrupted)
    with pytest.raises(KeyboardInterrupt):
        save(path, checkpoint(epoch=2))
    assert len(opened) == 3
    monkeypatch.undo()
    assert load(path).state.epoch == 1
    assert os.listdir(tmp_path) == ["model.npz"]
