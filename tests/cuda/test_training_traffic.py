"""What `gradx train --device cuda` moves between host and device: the data once, then reports.

Only the software device counts, so on the hardware these tests are not collected.
"""

import io
import sys

import pytest
import softcuda

from gradx.backends import Device
from gradx.cli.app import run
from gradx.train import place_split
from tests.mnist.idx_files import small_arrays, write_dataset
from tests.train.small import dataset

TRAIN, TEST, PIXELS, CLASSES, HIDDEN = 1200, 50, 36, 10, 6
PARAMETERS = (PIXELS + 1) * HIDDEN + (HIDDEN + 1) * CLASSES
REPORT = 4  # numbers: two errors and two losses
SIZES = {"float64": 8, "float32": 4}


@pytest.fixture(scope="module")
def images(tmp_path_factory):
    arrays = small_arrays(train=TRAIN, test=TEST)
    return str(write_dataset(tmp_path_factory.mktemp("images"), arrays))


@pytest.fixture
def counted(images, backend, capsys):
    """Trains, and counts what the device was asked for."""
    backend.devices()  # the first computation on each is not part of a run

    def counted(*options):
        arguments = ["--device", "cuda", "--data", images, "--hidden", HIDDEN, *options]
        with softcuda.counting() as counts:
            code = run(["train", *map(str, arguments)])
        said = capsys.readouterr()
        assert code == 0, said.err
        return counts, said.out.count("Training error: ")

    return counted


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_images_travel_as_bytes_and_become_numbers_there(backend, dtype):
    split = dataset().train
    with softcuda.counting() as counts:
        place_split(split, dtype, backend, Device("cuda"))
    one_hot = CLASSES * CLASSES * SIZES[dtype]
    assert counts.h2d.bytes == split.images.nbytes + split.labels.nbytes + one_hot
    assert (counts.d2h.count, counts.syncs) == (0, 0)


def expected(dtype, epochs, reports, kept):
    """Bytes to the device and from it: for a whole run, whatever the number of its steps."""
    size = SIZES[dtype]
    to_device = (TRAIN + TEST) * (PIXELS + 1) + 2 * CLASSES * CLASSES * size  # data, one-hot rows
    to_device += PARAMETERS * size + epochs * TRAIN * 8  # the first weights, each epoch's order
    return to_device, reports * (REPORT * 8 + kept * PARAMETERS * size)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("batch_size", [1, 10, 400])
def test_steps_move_nothing(counted, dtype, batch_size):
    options = ("--dtype", dtype, "--batch-size", batch_size, "--report-every", 400)
    counts, reports = counted(*options)
    assert reports == 3
    assert (counts.h2d.bytes, counts.d2h.bytes) == expected(dtype, 1, reports, False)
    assert counts.d2h.count == reports


def test_what_will_be_saved_is_read_at_each_report(counted, tmp_path):
    options = ("--batch-size", 20, "--report-every", 300, "--epochs", 2)
    counts, reports = counted(*options, "--save", tmp_path / "model.npz")
    assert reports == 8
    assert (counts.h2d.bytes, counts.d2h.bytes) == expected("float64", 2, reports, True)
    assert counts.d2h.count == reports * (1 + 4)


def test_the_progress_bar_waits_for_nothing(counted, monkeypatch):
    class Terminal(io.StringIO):
        def isatty(self):
            return True

    options = ("--batch-size", 10, "--report-every", 600)
    quiet, _ = counted(*options, "--quiet")
    monkeypatch.setattr("gradx.cli.progress._EVERY", 0.0)
    monkeypatch.setattr(sys, "stderr", Terminal())
    shown, _ = counted(*options)
    assert sys.stderr.getvalue().count("Epoch 1/1") == TRAIN // 10
    for what in ("launches", "h2d", "d2h", "syncs", "queries"):
        assert getattr(shown, what) == getattr(quiet, what)
