"""Digits: what the network of `gradx train` confuses, and its worst errors as images."""

from __future__ import annotations

import base64
import re
import struct
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

import gradx.mnist as mnist
from gradx.debugging.markup import Markup, element, joined
from gradx.report.tables import Cell, table
from gradx.train import Layer, Net, fingerprint, run_net_rows
from gradx.train.evaluation import quiet_arithmetic

__all__ = ["MODEL", "Seen", "confusion", "digits_net", "look", "worst"]

MODEL = "digits"
"""What the log of such a network calls it."""

_COUNTS = re.compile(r": [\d,]+ training and [\d,]+ test images$")
_WORST = 24
_ROWS = 1000
_SHADES = 5


class Seen(NamedTuple):
    """What a network sees in the test images.

    Attributes:
        images: (n, rows, columns), bytes; 255 is ink.
        labels: (n,), what they are.
        probabilities: (n, 10), what it takes them for.
    """

    images: NDArray[np.uint8]
    labels: NDArray[np.uint8]
    probabilities: NDArray[np.floating]

    @property
    def taken_for(self) -> NDArray[np.intp]:
        """(n,), the digit of the largest probability."""
        found: NDArray[np.intp] = np.argmax(self.probabilities, axis=1)
        return found


def digits_net(tensors: Mapping[str, NDArray[Any]]) -> Net | None:
    """The network of `gradx train` that parameters are, or None where they are none.

    Args:
        tensors: the parameters by path.
    """
    layers, inputs = [], None
    for i in range(len(tensors) // 2):
        weights, bias = (tensors.get(f"layers.{i}.{name}") for name in ("weights", "bias"))
        if weights is None or bias is None or weights.ndim != 2 or bias.shape != weights.shape[:1]:
            return None
        if inputs not in (None, weights.shape[1]):
            return None
        layers.append(Layer(weights, bias))
        inputs = weights.shape[0]
    return Net(tuple(layers)) if inputs == mnist.CLASSES and len(tensors) % 2 == 0 else None


def look(net: Net, data: str, known: object = None) -> Seen | str:
    """Show a network the test images that it was validated on; or why that cannot be done.

    Args:
        net: the network.
        data: what the log says of its data: where it is from, and how much it is.
        known: the fingerprint of the images that it was trained on, if the checkpoint has one.
    """
    source = _COUNTS.sub("", data)
    try:
        dataset = mnist.load(None if source == mnist.SHIPPED else Path(source))
    except (mnist.MnistError, OSError, ValueError) as error:
        return f"The test images cannot be read. {error}"
    if isinstance(known, str) and known != fingerprint(dataset.train):
        return f"The images of {source} are others than those that it was trained on."
    test = dataset.test
    rows = test.images.reshape(len(test), -1)
    if rows.shape[1] != net.layers[0].weights.shape[1]:
        return f"The test images of {source} are of another size than the network's."
    dtype = net.layers[0].weights.dtype
    with quiet_arithmetic():
        parts = [
            run_net_rows(net, rows[i : i + _ROWS].astype(dtype) / 255)
            for i in range(0, len(rows), _ROWS)
        ]
    return Seen(test.images, test.labels, np.concatenate(parts))


def confusion(seen: Seen) -> Markup:
    """How often each digit is taken for each, as a shaded table."""
    counts = np.zeros((mnist.CLASSES, mnist.CLASSES), int)
    np.add.at(counts, (seen.labels, seen.taken_for), 1)
    wrong = counts * (1 - np.eye(mnist.CLASSES, dtype=int))
    most = max(1, int(wrong.max()))
    rows = []
    for digit, row in enumerate(counts.tolist()):
        cells = [Cell(f"{digit}")]
        for other, count in enumerate(row):
            shade = -(-_SHADES * count // most) if other != digit else 0
            cells.append(Cell(f"{count}", "right" if other == digit else f"s{shade}"))
        rows.append(cells)
    head = ["", *map(str, range(mnist.CLASSES))]
    caption = "Images of a row's digit that the network takes for a column's digit"
    note = element(
        "p", f"{int(wrong.sum()):,} of {len(seen.labels):,} test images are wrong.", class_="note"
    )
    return joined(note, table(caption, head, rows, numbers=True, style="confusion"))


def worst(seen: Seen) -> Markup:
    """The wrong images to whose right digit the network gives the least."""
    rows = np.arange(len(seen.labels))
    right = seen.probabilities[rows, seen.labels]
    wrong = np.flatnonzero(seen.taken_for != seen.labels)
    chosen = wrong[np.argsort(right[wrong], kind="stable")][:_WORST].tolist()
    if not chosen:
        return element("p", "There is none: every test image is right.")
    figures = []
    for i in chosen:
        label, taken = int(seen.labels[i]), int(seen.taken_for[i])
        share = f"{100 * float(seen.probabilities[i, taken]):.1f} %"
        image = element(
            "img",
            src=f"data:image/png;base64,{base64.b64encode(png(seen.images[i])).decode()}",
            alt=f"Test image {i:,}: a {label} that is taken for a {taken}",
            width=56,
            height=56,
        )
        figures.append(
            element(
                "li",
                image,
                element("span", f"{label}, taken for "),
                element("b", f"{taken}"),
                element("span", f" with {share}", class_="note"),
            )
        )
    said = "Those of whose right digit the network is least sure, the worst first."
    return joined(element("p", said, class_="note"), element("ul", *figures, class_="digits"))


def png(image: NDArray[np.uint8]) -> bytes:
    r"""A grey image as a PNG file, dark ink on paper.

    Args:
        image: (rows, columns), bytes; 0 is paper, 255 is ink.

    Source: PNG specification, third edition: chunks, colour type 0, filter 0.

    >>> png(np.zeros((2, 3), np.uint8))[:8]
    b'\x89PNG\r\n\x1a\n'
    """

    def chunk(kind: bytes, content: bytes) -> bytes:
        whole = kind + content
        return struct.pack(">I", len(content)) + whole + struct.pack(">I", zlib.crc32(whole))

    rows, columns = image.shape
    lines = np.zeros((rows, columns + 1), np.uint8)
    lines[:, 1:] = 255 - image
    head = struct.pack(">IIBBBBB", columns, rows, 8, 0, 0, 0, 0)
    parts = (b"IHDR", head), (b"IDAT", zlib.compress(lines.tobytes(), 9)), (b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*part) for part in parts)
