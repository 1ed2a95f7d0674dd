"""Model files: what is saved comes back bit for bit, and nothing else is believed."""

import json
import os
import re
import zipfile
from dataclasses import asdict, replace
from io import BytesIO

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gradx.train import Checkpoint, ModelFileError, Options, State, init_net, load, save
from gradx.train.checkpoint import _MOST_ABOUT, _MOST_READ, structure
from gradx.train.options import MOST_LAYERS, MOST_UNITS
from tests.mnist.idx_files import peak_memory
from tests.train.small import same_net

OPTIONS = Options(hidden=(5, 3), rate=0.125, epochs=3, batch_size=2, seed=7, report_every=9)


def checkpoint(options=OPTIONS, pixels=4, **place):
    net = init_net((pixels, *options.hidden, 10), options.dtype, options.seed)
    return Checkpoint(State(net, **place), options, samples=20, data="0123abcd")


@pytest.fixture
def saved(tmp_path):
    path = tmp_path / "model.npz"
    save(path, checkpoint(epoch=1, position=6))
    return path


def rewrite(path, about=None, drop=(), **arrays):
    """Change a model file: `about` changes its JSON, `arrays` its members by name."""
    with np.load(path) as archive:
        content = {name: archive[name] for name in archive.files if name not in drop}
    if about is not None:
        found = json.loads(str(content["model"]))
        changed = about(found)
        content["model"] = np.array(json.dumps(found if changed is None else changed))
    content.update({name.replace("__", "."): items for name, items in arrays.items()})
    with path.open("wb") as stream:
        np.savez(stream, **content)
    return path


def refused(path, reason):
    with pytest.raises(ModelFileError) as caught:
        load(path)
    assert str(caught.value) == (
        f"{path}: not a model file of gradx, or a damaged one ({reason}); write one with "
        "`gradx train --save`"
    )


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_what_is_saved_comes_back(tmp_path, dtype):
    before = checkpoint(replace(OPTIONS, dtype=dtype), epoch=1, position=6)
    save(str(tmp_path / "any name"), before)
    after = load(tmp_path / "any name")
    assert same_net(after.state.params, before.state.params)
    assert (after.state.epoch, after.state.position) == (1, 6)
    assert (after.options, after.samples, after.data) == (before.options, 20, "0123abcd")


def test_the_same_checkpoint_gives_the_same_bytes(tmp_path):
    save(tmp_path / "a", checkpoint())
    save(tmp_path / "b", checkpoint())
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_numpy_reads_it_without_pickle_and_it_explains_itself(saved):
    with np.load(saved, allow_pickle=False) as archive:
        about = json.loads(str(archive["model"]))
        assert sorted(archive.files) == [
            *(f"layers.{i}.{part}" for i in range(3) for part in ("bias", "weights")),
            "model",
        ]
        assert archive["layers.1.weights"].shape == (3, 5)
    assert (about["format"], about["version"]) == ("gradx model", 1)
    assert about["record"] == structure((4, 5, 3, 10), "float64")
    assert about["record"]["type"] == "Net"
    assert about["options"]["rate"] == 0.125


def test_a_file_that_is_there_is_replaced(saved):
    save(saved, checkpoint(epoch=2))
    assert load(saved).state.epoch == 2


def test_missing_and_directory(tmp_path):
    for path, text in (
        (tmp_path / "none", "there is no such file; check the path"),
        (tmp_path, "is a directory, not a model file"),
    ):
        with pytest.raises(ModelFileError) as caught:
            load(path)
        assert str(caught.value) == f"{path}: {text}"


@pytest.mark.parametrize("raw", [b"", b"not a zip file" * 10])
def test_not_an_archive(tmp_path, raw):
    path = tmp_path / "file"
    path.write_bytes(raw)
    refused(path, "it is no sound .npz file: File is not a zip file")


def test_truncated(saved):
    saved.write_bytes(saved.read_bytes()[:-30])
    refused(saved, "it is no sound .npz file: File is not a zip file")


def test_a_changed_byte_is_noticed(saved):
    raw = bytearray(saved.read_bytes())
    weights = checkpoint().state.params.layers[0].weights.tobytes()
    raw[raw.index(weights) + 3] ^= 1
    saved.write_bytes(raw)
    refused(saved, "it is no sound .npz file: Bad CRC-32 for file 'layers.0.weights.npy'")


def test_an_archive_of_something_else(tmp_path):
    path = tmp_path / "other.npz"
    np.savez(path, x=np.ones(3))
    refused(path, "it has no array 'model'")
    np.savez(path, model=np.ones(3))
    refused(path, "its array 'model' is no text")
    np.savez(path, model=np.array('{"format": "other"}'))
    refused(path, "its array 'model' does not say format 'gradx model'")
    np.savez(path, model=np.array("[1]"))
    refused(path, "its array 'model' does not say format 'gradx model'")
    np.savez(path, model=np.array("{"))
    refused(path, "Expecting property name enclosed in double quotes: line 1 column 2 (char 1)")
    np.savez(path, model=np.array("[" * 100_000))
    with pytest.raises(ModelFileError, match="not a model file"):
        load(path)


def test_objects_are_not_unpickled(saved):
    weights = np.array([[print] * 4] * 5, dtype=object)
    with zipfile.ZipFile(saved) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    stream = BytesIO()
    np.save(stream, weights, allow_pickle=True)
    members["layers.0.weights.npy"] = stream.getvalue()
    with zipfile.ZipFile(saved, "w") as archive:
        for name, raw in members.items():
            archive.writestr(name, raw)
    refused(
        saved,
        "its array 'layers.0.weights' is damaged: it holds Python objects, which are not read",
    )


@pytest.mark.parametrize("version", [0, 2, "1", None])
def test_another_version(saved, version):
    rewrite(saved, lambda about: about.update(version=version))
    with pytest.raises(ModelFileError) as caught:
        load(saved)
    assert re.fullmatch(
        rf"{re.escape(str(saved))}: is of model version {version!r}, this gradx \([\w.]+\) reads "
        "version 1; use the gradx that wrote it, or train again",
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
        (lambda about: about.pop("epoch") and None, "'epoch'"),
        (lambda about: about.update(options=[]), "its options are not those of this version"),
        (change_options(more=1), "its options are not those of this version"),
        (change_options(rate="fast"), "its option rate is 'fast'"),
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
        (change_options(hidden=[5]), "sizes [4, 5, 3, 10] do not fit hidden [5]"),
        (
            lambda about: about.update(sizes=[4, 5, 3, 11]),
            "sizes [4, 5, 3, 11] do not fit hidden [5, 3]",
        ),
        (lambda about: about.update(sizes=[0, 5, 3, 10]), "its sizes is [0, 5, 3, 10]"),
        (lambda about: about.update(sizes="abc"), "its sizes is 'abc'"),
        (
            lambda about: about.update(sizes=[5, 5, 3, 10]),
            "its record has another structure than its sizes say",
        ),
        (
            lambda about: about["record"].update(type="Other"),
            "its record has another structure than its sizes say",
        ),
    ],
)
def test_a_description_that_cannot_be(saved, change, reason):
    refused(rewrite(saved, change), reason)


def test_arrays_that_do_not_fit(saved, tmp_path):
    raw = saved.read_bytes()

    def changed(**arrays):
        saved.write_bytes(raw)
        return rewrite(saved, **arrays)

    refused(changed(drop=("layers.1.bias",)), "it has no array 'layers.1.bias'")
    refused(
        changed(layers__1__bias=np.zeros(4)),
        "layers.1.bias is float64 of shape (4,), its structure says float64 of shape (3,)",
    )
    refused(
        changed(layers__1__bias=np.zeros(3, np.float32)),
        "layers.1.bias is float32 of shape (3,), its structure says float64 of shape (3,)",
    )
    refused(
        changed(layers__1__bias=np.array([0, np.nan, 0])),
        "layers.1.bias holds values that are not finite",
    )
    refused(
        changed(layers__1__bias=np.zeros(10_000)),
        "its array 'layers.1.bias' has 80,128 bytes, too many",
    )


def test_a_compressed_bomb_is_not_unpacked(saved):
    with zipfile.ZipFile(saved) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    members["layers.0.weights.npy"] += bytes(50_000_000)
    with zipfile.ZipFile(saved, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, raw in members.items():
            archive.writestr(name, raw)
    refused(saved, "its array 'layers.0.weights' has 50,000,288 bytes, too many")


def zipped(path, members, compression=zipfile.ZIP_DEFLATED):
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, raw in members.items():
            archive.writestr(name, raw)


def members_of(path):
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def test_a_small_file_holds_no_large_network(tmp_path):
    """Its arrays of zeros would take 576 MB; they are not looked for."""
    path = tmp_path / "model.npz"
    sizes = (4, 6000, 12_000, 10)
    about = {
        **{"format": "gradx model", "version": 1, "sizes": sizes, "epoch": 0, "position": 0},
        "record": structure(sizes, "float64"),
        "options": asdict(replace(OPTIONS, hidden=(6000, 12_000))),
        **{"samples": 20, "data": ""},
    }
    np.savez(path, model=np.array(json.dumps(about)))
    size = path.stat().st_size
    with (
        peak_memory() as peak,
        pytest.raises(ModelFileError, match=rf"its {size:,} bytes cannot hold a network of 577,"),
    ):
        load(path)
    assert peak() < 1_000_000


def test_the_items_are_not_unpacked_before_they_are_known_to_fit(saved):
    members = members_of(saved)
    stream = BytesIO()
    np.lib.format.write_array_header_1_0(
        stream, {"descr": "|S512", "fortran_order": False, "shape": (8000,)}
    )
    members["model.npy"] = stream.getvalue() + bytes(512 * 8000)
    zipped(saved, members)
    with peak_memory() as peak:
        refused(saved, "its array 'model' is no text")
    assert peak() < 1_000_000


@pytest.mark.parametrize("name", ["bz2", "lzma"])
def test_other_compressions_are_not_unpacked(saved, name):
    pytest.importorskip(name)
    zipped(
        saved, members_of(saved), getattr(zipfile, f"ZIP_{name.upper().replace('BZ2', 'BZIP2')}")
    )
    refused(saved, "its array 'model' is compressed as NumPy compresses none")


def test_a_table_of_contents_without_end(saved):
    with zipfile.ZipFile(saved, "a") as archive:
        for member in archive.infolist():
            member.comment = bytes(60_000)
        for i in range(12):
            member = zipfile.ZipInfo(f"more{i}")
            member.comment = bytes(60_000)
            archive.writestr(member, b"")
        archive._didModify = True
    with pytest.raises(ModelFileError) as caught:
        load(saved)
    assert re.search(
        r"\(its table of contents has 1,1\d\d,\d{3} bytes, too many\)", str(caught.value)
    )


def test_the_description_of_the_deepest_network_can_be_read_back():
    """A text takes four bytes a character; other parts of it than the structure are short."""
    sizes = (MOST_UNITS,) * (MOST_LAYERS + 2)
    about = {"record": structure(sizes, "float64"), "sizes": sizes, "hidden": sizes}
    assert 4 * (len(json.dumps(about, indent=1)) + 10_000) < _MOST_ABOUT
    assert (MOST_LAYERS + 1) * 2 * 100 < _MOST_READ, "an entry of the table of contents is shorter"


def test_a_network_of_many_layers_is_read_back(tmp_path):
    before = checkpoint(replace(OPTIONS, hidden=(1,) * 200))
    save(tmp_path / "deep", before)
    assert same_net(load(tmp_path / "deep").state.params, before.state.params)


def test_what_a_file_says_is_told_in_one_short_line(saved):
    name = b"layers.1.bias.npy"
    raw = saved.read_bytes()  # a name in the data that is not the one in the table of contents
    at = raw.index(name)
    saved.write_bytes(raw[:at] + b"\n" * len(name) + raw[at + len(name) :])
    with pytest.raises(ModelFileError, match="it is no sound") as caught:
        load(saved)
    assert "\n" not in str(caught.value)
    saved.write_bytes(raw)
    rewrite(saved, lambda about: about["options"].update(dtype="x" * 100_000))
    with pytest.raises(ModelFileError, match="its options: dtype 'xxx") as caught:
        load(saved)
    assert len(str(caught.value)) < len(str(saved)) + 500


def test_no_memory_is_no_damage(saved, monkeypatch):
    def fail(stream, size):
        raise MemoryError("Unable to allocate 1 GiB")

    monkeypatch.setattr("gradx.train.checkpoint.NpyFile", fail)
    with pytest.raises(MemoryError, match="Unable to allocate"):
        load(saved)


def test_a_recompressed_file_is_read(saved):
    before = load(saved)
    with np.load(saved) as archive:
        content = {name: archive[name] for name in archive.files}
    with saved.open("wb") as stream:
        np.savez_compressed(stream, **content)
    assert same_net(load(saved).state.params, before.state.params)


@given(data=st.data())
@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=500
)
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
@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=300
)
def test_any_description_is_refused_or_read(saved, data):
    sound = saved.read_bytes()

    def change(about):
        place = data.draw(st.sampled_from([about, about["options"], about["record"]["fields"]]))
        place[data.draw(st.sampled_from(sorted(place)))] = data.draw(json_values)

    try:
        load(rewrite(saved, change))
    except ModelFileError as error:
        assert str(error).startswith(f"{saved}: ")
        assert "\n" not in str(error)
    finally:
        saved.write_bytes(sound)


def test_what_is_no_ordinary_file_is_refused(tmp_path):
    pipe = tmp_path / "pipe.npz"
    os.mkfifo(pipe)
    with pytest.raises(
        ModelFileError, match=r"pipe\.npz: is no ordinary file; give one that --save"
    ):
        load(pipe)


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
