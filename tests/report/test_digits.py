"""What a network of digits sees: its confusions, its worst errors, and images that can be read."""

import struct
import zlib
from itertools import pairwise

import numpy as np
import pytest

from gradx.mnist import SHIPPED
from gradx.report.digits import Seen, confusion, digits_net, look, png, worst
from tests.mnist.idx_files import small_arrays, write_dataset
from tests.report.html import parsed


def tensors_of(*sizes):
    rng = np.random.default_rng(0)
    tensors = {}
    for i, (n, m) in enumerate(pairwise(sizes)):
        tensors[f"layers.{i}.weights"] = rng.normal(size=(m, n))
        tensors[f"layers.{i}.bias"] = rng.normal(size=m)
    return tensors


@pytest.fixture
def seen(tmp_path):
    """What an untrained network sees in small images."""
    write_dataset(tmp_path)
    words = f"{tmp_path}: 200 training and 50 test images"
    return look(digits_net(tensors_of(36, 5, 10)), words)


def test_what_is_such_a_network():
    assert digits_net(tensors_of(36, 5, 10)).layers[0].weights.shape == (5, 36)
    right = tensors_of(36, 5, 10)
    wrong = [
        {},
        tensors_of(36, 5, 9),
        {**right, "layers.2.extra": np.ones(3)},
        {**right, "other": np.ones(3), "more": np.ones(3)},
        {**right, "layers.1.weights": np.ones((10, 6))},
        {**right, "layers.1.bias": np.ones(3)},
        {"layers.0.weights": np.ones(10), "layers.0.bias": np.ones(10)},
    ]
    assert [digits_net(each) for each in wrong] == [None] * len(wrong)


def test_it_looks_at_the_test_images(seen):
    arrays = small_arrays()
    assert np.array_equal(seen.images, arrays["test_images"])
    assert np.array_equal(seen.labels, arrays["test_labels"])
    net = tensors_of(36, 5, 10)
    x = arrays["test_images"][7].reshape(-1) / 255
    hidden = 1 / (1 + np.exp(-(net["layers.0.weights"] @ x + net["layers.0.bias"])))
    outputs = np.exp(net["layers.1.weights"] @ hidden + net["layers.1.bias"])
    assert np.allclose(seen.probabilities[7], outputs / outputs.sum())


def test_the_shipped_test_images():
    words = f"{SHIPPED}: 60,000 training and 10,000 test images"
    seen = look(digits_net(tensors_of(784, 3, 10)), words)
    assert seen.probabilities.shape == (10_000, 10)


def test_images_that_cannot_be_seen(tmp_path):
    net = digits_net(tensors_of(36, 5, 10))
    assert look(net, str(tmp_path / "gone")).startswith("The test images cannot be read. ")
    write_dataset(tmp_path)
    told = look(net, str(tmp_path), "01234567")
    assert told == f"The images of {tmp_path} are others than those that it was trained on."
    write_dataset(tmp_path, small_arrays(side=7))
    assert look(net, str(tmp_path)).endswith("are of another size than the network's.")


def test_the_confusions(seen):
    tree = parsed(b"<div>" + confusion(seen).encode() + b"</div>")
    rows = [[int(cell) for cell in row[1:]] for row in tree.one("table").rows()]
    taken = np.argmax(seen.probabilities, axis=1)
    for i in range(10):
        for j in range(10):
            assert rows[i][j] == np.sum((seen.labels == i) & (taken == j))
    wrong = int(np.sum(taken != seen.labels))
    assert f"{wrong} of 50 test images are wrong." in tree.text
    shades = {cell.attributes.get("class") for cell in tree.one("table").all("td")}
    assert {"right", "s0", "s5"} <= shades <= {"right", *(f"s{i}" for i in range(6))}


def test_the_worst_errors(seen):
    tree = parsed(b"<div>" + worst(seen).encode() + b"</div>")
    taken = np.argmax(seen.probabilities, axis=1)
    right = seen.probabilities[np.arange(50), seen.labels]
    order = [i for i in np.argsort(right) if taken[i] != seen.labels[i]][:24]
    expected = [f"Test image {i}: a {seen.labels[i]} that is taken for a {taken[i]}" for i in order]
    assert [image.attributes["alt"] for image in tree.all("img")] == expected


def test_a_network_without_errors():
    seen = Seen(np.zeros((10, 2, 2), np.uint8), np.arange(10, dtype=np.uint8), np.eye(10))
    assert worst(seen) == "<p>There is none: every test image is right.</p>"


def test_the_images_are_those_of_the_data(rng):
    image = rng.integers(0, 256, (5, 7)).astype(np.uint8)
    written = png(image)
    assert written.startswith(b"\x89PNG\r\n\x1a\n")
    at, chunks = 8, {}
    while at < len(written):
        (length,) = struct.unpack_from(">I", written, at)
        kind, content = written[at + 4 : at + 8], written[at + 8 : at + 8 + length]
        assert struct.unpack_from(">I", written, at + 8 + length) == (zlib.crc32(kind + content),)
        chunks[kind] = content
        at += 12 + length
    assert chunks[b"IHDR"] == struct.pack(">IIBBBBB", 7, 5, 8, 0, 0, 0, 0)
    lines = np.frombuffer(zlib.decompress(chunks[b"IDAT"]), np.uint8).reshape(5, 8)
    assert not lines[:, 0].any()
    assert np.array_equal(255 - lines[:, 1:], image)
