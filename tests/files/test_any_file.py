"""Any damage to a file is told of in one line, or the file is read; and it takes no memory."""

import json
import struct

import numpy as np
import pytest

import gradx as gx
from gradx.train import ModelFileError, Options, State, init_net, load, read_parameters, save
from gradx.train.checkpoint import Checkpoint
from tests.mnist.idx_files import peak_memory

LIKE = {"w": np.ones((3, 4)), "z": np.array([1j]), "flags": np.array([True]), "x": 0.5}


def value(path):
    gx.save(path, LIKE)


def model(path):
    net = init_net((4, 3, 10), "float64", 0)
    save(path, Checkpoint(State(net), Options(hidden=(3,)), 20, "data"))


WORDS = [
    b"0",
    b"9" * 30,
    b"-1",
    b"null",
    b'"',
    b"{",
    b"}",
    b"[",
    b"]",
    b",",
    b":",
    b"1e999",
    b"NaN",
]
WORDS += [b"NaN", b"F8_E4M3", b"BF16", b"\\ud800", b"\xff", b"true", b"4611686018427387904"]


def damaged(raw, rng):
    """A file with a few bytes changed, words put in, or pieces cut out."""
    raw = bytearray(raw)
    for _ in range(rng.integers(1, 4)):
        at = int(rng.integers(0, len(raw) + 1))
        match rng.integers(0, 4):
            case 0:
                raw[at : at + 1] = bytes([rng.integers(0, 256)])
            case 1:
                word = WORDS[rng.integers(0, len(WORDS))]
                raw[at : at + int(rng.integers(0, len(word) + 1))] = word
            case 2:
                del raw[at : at + int(rng.integers(0, 20))]
            case _:
                raw[at:at] = raw[: int(rng.integers(0, 20))]
    if rng.random() < 0.5 and raw[8:9] == b"{":  # the length of the header as it is now
        end = raw.rfind(b"}") + 1
        raw[:8] = struct.pack("<Q", end - 8)
    return bytes(raw)


@pytest.mark.parametrize("count", [150, pytest.param(20_000, marks=pytest.mark.soak, id="many")])
@pytest.mark.parametrize("ending", ["safetensors", "npz"])
@pytest.mark.parametrize("write", [value, model])
def test_a_damaged_file_is_told_or_read(tmp_path, write, ending, count, rng):
    path = tmp_path / f"a.{ending}"
    write(path)
    whole, told = path.read_bytes(), 0
    with peak_memory() as peak:
        for _ in range(count):
            path.write_bytes(damaged(whole, rng))
            try:
                if write is value:
                    gx.load(path, LIKE)
                else:
                    load(path)
                    read_parameters(path)
            except (gx.FileError, ModelFileError) as error:
                assert str(error).startswith(f"{path}: ") and "\n" not in str(error)
                assert len(str(error)) < len(str(path)) + 2000
                told += 1
    assert told > count / 2
    assert peak() < 5_000_000


def test_a_header_of_the_largest_size_takes_little(tmp_path):
    """Numbers, lists and names without end, each of which would be an object in memory."""
    path = tmp_path / "a"
    for piece in (b"[],", b"0,", b'{"a":0},'):
        text = b'{"a":[' + piece * (20_000_000 // len(piece)) + b"0]}"
        path.write_bytes(struct.pack("<Q", len(text)) + text)
        del text
        with peak_memory() as peak, pytest.raises(gx.FileError, match="more than the 1,048,576 pa"):
            gx.load(path, 1.0)
        assert peak() < 25_000_000


def test_many_names(tmp_path):
    path = tmp_path / "a"
    header = {f"a{i}": {"dtype": "U8", "shape": [0], "data_offsets": [0, 0]} for i in range(20_000)}
    text = json.dumps(header, separators=(",", ":")).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text)
    size = path.stat().st_size
    del header, text
    with peak_memory() as peak, pytest.raises(gx.FileError, match=r"it has 'a18' besides; and 19,"):
        gx.load(path, 1.0)
    assert peak() < 20 * size
