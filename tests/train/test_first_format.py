"""Model files of the first version are read, and believed no more than others."""

import json
from pathlib import Path

import numpy as np
import pytest

import gradx as gx
from gradx.train import ModelFileError, Options, init_net, load, read_parameters, save
from tests.train.small import same_net

# As the first version wrote it: `save` of a network of sizes (4, 5, 3, 10) after 26 samples.
FILE = Path(__file__).parent / "data" / "first_format.npz"
NET = init_net((4, 5, 3, 10), "float64", 7)


@pytest.fixture
def copy(tmp_path):
    path = tmp_path / "model.npz"
    path.write_bytes(FILE.read_bytes())
    return path


def rewrite(path, change, **arrays):
    with np.load(path) as archive:
        content = {name: archive[name] for name in archive.files}
    about = json.loads(str(content["model"]))
    change(about)
    content["model"] = np.array(json.dumps(about))
    np.savez(path, **{**content, **arrays})
    return path


def test_it_is_read():
    found = load(FILE)
    assert same_net(found.state.params, NET)
    assert (found.state.epoch, found.state.position, found.state.step) == (1, 6, 13)
    assert found.state.method is None and found.model == "digits"
    assert (found.samples, found.data) == (20, "0123abcd")
    wanted = Options(hidden=(5, 3), rate=0.125, epochs=3, batch_size=2, seed=7, report_every=9)
    assert found.options == wanted


def test_gx_load_reads_it():
    assert same_net(gx.load(FILE, NET), NET)
    assert read_parameters(FILE)[0].keys() == {
        f"layers.{i}.{part}" for i in range(3) for part in ("weights", "bias")
    }


def test_it_is_written_anew(tmp_path):
    for name in ("model.npz", "model.safetensors"):
        save(tmp_path / name, load(FILE))
        assert same_net(load(tmp_path / name).state.params, NET)


def test_a_recompressed_file_is_read(copy):
    with np.load(copy) as archive:
        content = {name: archive[name] for name in archive.files}
    np.savez_compressed(copy, **content)
    assert same_net(load(copy).state.params, NET)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda about: about.update(sizes=[4, 5, 3, 11]), "its sizes [4, 5, 3, 11] do not fit"),
        (lambda about: about.update(sizes="abc"), "its sizes 'abc' do not fit hidden [5, 3]"),
        (lambda about: about.pop("sizes"), "its sizes None do not fit hidden [5, 3]"),
        (lambda about: about.update(epoch=-1), "its epoch is -1"),
        (lambda about: about.update(position=20), "its position is 20"),
        (lambda about: about.update(format="other"), "what stands beside the arrays is not from"),
        (lambda about: about.update(options={"hidden": [5, 3.0]}), "its option hidden is [5, 3.0]"),
    ],
)
def test_a_description_that_cannot_be(copy, change, reason):
    with pytest.raises(ModelFileError, match="not a model file of gradx, or a damaged") as caught:
        load(rewrite(copy, change))
    assert reason in str(caught.value)


def test_another_version(copy):
    with pytest.raises(ModelFileError, match=r"is of version 2, and this gradx \([\w.]+\) reads"):
        load(rewrite(copy, lambda about: about.update(version=2)))


def test_arrays_that_do_not_fit(copy):
    with pytest.raises(ModelFileError, match=r"\(layers\.1\.bias is float32 of shape \(3,\), not"):
        load(rewrite(copy, lambda about: None, **{"layers.1.bias": np.zeros(3, np.float32)}))
