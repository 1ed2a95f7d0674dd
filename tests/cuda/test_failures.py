"""A device that fails in the middle of a command: one line, exit code 3, nothing is lost."""

import os
import re
import subprocess
import sys

import cupy as cp
import numpy as np
import pytest

from gradx.backends import Device, DeviceFailedError
from gradx.cli import run as command
from gradx.cli.app import run
from gradx.cli.failures import device_failures
from gradx.cli.reporter import AnnouncementReporter
from gradx.train import Reported, load
from tests.architecture.sources import ROOT
from tests.cuda.places import REAL, SOFTWARE
from tests.mnist.idx_files import small_arrays, write_dataset

OPTIONS = ["--batch-size", "20", "--hidden", "6", "--report-every", "200", "--epochs", "2"]


@pytest.fixture(scope="module")
def images(tmp_path_factory):
    return str(write_dataset(tmp_path_factory.mktemp("images"), small_arrays(train=600)))


@pytest.fixture
def gradx(capsys):
    """Runs a command in this process; gives its exit code, its output and its errors."""

    def gradx(*arguments):
        code = run([str(argument) for argument in arguments])
        said = capsys.readouterr()
        return code, said.out, said.err

    return gradx


@pytest.fixture
def after_reports(monkeypatch):
    """Has something done after a number of reports, where the next step is about to begin."""

    def after_reports(count, act):
        def train(*given):
            left = count
            for event in real(*given):
                yield event
                if isinstance(event, Reported):
                    left -= 1
                    if left == 0:
                        act()

        real = command.train
        monkeypatch.setattr(command, "train", train)

    return after_reports


@pytest.fixture
def no_memory():
    """From its call on there is no memory left; until the test is over."""
    before = cp.cuda.get_allocator()

    def refuse(size):
        raise cp.cuda.memory.OutOfMemoryError(size, 12345)

    yield lambda: cp.cuda.set_allocator(refuse)
    cp.cuda.set_allocator(before)


NO_MEMORY = (
    r"the CUDA device is out of memory: Out of memory allocating [\d,]+ bytes \(allocated so far: "
    r"12,345 bytes\); use a smaller batch or float32, or free what other programs hold there; "
)


def assert_failed(said, pattern):
    code, _, errors = said
    assert re.fullmatch(f"gradx: error: {pattern}\n", errors), errors
    assert code == 3


def test_what_was_learned_is_saved_and_gone_on_with(
    gradx, images, tmp_path, after_reports, no_memory
):
    saved, whole = tmp_path / "saved.npz", tmp_path / "whole.npz"
    after_reports(2, no_memory)
    said = gradx("train", "--device", "cuda", "--data", images, "--save", saved, *OPTIONS)
    assert_failed(
        said,
        rf"cuda failed in epoch 1 after 400 of 600 samples: {NO_MEMORY}what it had learned after "
        rf"400 samples in all is saved; go on with: gradx train --load {saved} --save {saved}",
    )
    assert said[1].count("Trained on 200 points.") == 2
    assert load(saved).state.position == 400
    assert gradx("train", "--data", images, "--load", saved, "--save", saved)[0] == 0
    assert gradx("train", "--data", images, "--save", whole, *OPTIONS)[0] == 0
    for one, other in zip(
        load(saved).state.params.layers, load(whole).state.params.layers, strict=True
    ):
        np.testing.assert_allclose(one.weights, other.weights, rtol=1e-9, atol=1e-12)


def test_nothing_was_to_be_saved(gradx, images, after_reports, no_memory):
    after_reports(1, no_memory)
    said = gradx("train", "--device", "cuda", "--data", images, *OPTIONS)
    assert_failed(
        said,
        rf"cuda failed in epoch 1 after 200 of 600 samples: {NO_MEMORY}nothing was saved, as no "
        "--save was given",
    )


def test_nothing_had_been_learned(gradx, images, tmp_path, monkeypatch, no_memory):
    path = tmp_path / "model.npz"
    options = ["train", "--device", "cuda", "--data", images, "--save", path]
    begin = AnnouncementReporter.begin
    monkeypatch.setattr(AnnouncementReporter, "begin", lambda *given: no_memory() or begin(*given))
    said = gradx(*options, *OPTIONS)
    where = f"cuda failed in epoch 1 after 0 of 600 samples: {NO_MEMORY}"
    assert_failed(said, f"{where}nothing had been learned yet")
    assert not path.exists()


def test_the_file_that_was_gone_on_from_stays_as_it_was(
    gradx, images, tmp_path, monkeypatch, no_memory
):
    path = tmp_path / "model.npz"
    options = ["--data", images, "--save", path]
    assert gradx("train", *options, "--hidden", 5, "--batch-size", 50)[0] == 0
    before = path.read_bytes()
    begin = AnnouncementReporter.begin
    monkeypatch.setattr(AnnouncementReporter, "begin", lambda *given: no_memory() or begin(*given))
    said = gradx("train", "--device", "cuda", *options, "--load", path)
    where = f"cuda failed in epoch 2 after 0 of 600 samples: {NO_MEMORY}"
    assert_failed(said, f"{where}nothing had been learned since {path}, which is as it was")
    assert path.read_bytes() == before


def test_a_file_that_cannot_be_written_any_more(gradx, images, tmp_path, after_reports, no_memory):
    directory = tmp_path / "directory"
    directory.mkdir()
    path = directory / "model.npz"

    def act():
        no_memory()
        directory.rmdir()

    after_reports(1, act)
    said = gradx("train", "--device", "cuda", "--data", images, "--save", path, *OPTIONS)
    assert_failed(
        said,
        rf"cuda failed in epoch 1 after 200 of 600 samples: {NO_MEMORY}{path}: cannot be written, "
        rf"there is no directory {directory}; make it first",
    )


def test_a_kernel_that_does_not_compile(gradx, images, after_reports):
    kernel = cp.RawKernel('extern "C" __global__ void k() { x; }', "k")
    after_reports(1, lambda: kernel((1,), (1,), ()))
    said = gradx("train", "--device", "cuda", "--data", images, *OPTIONS)
    assert_failed(
        said,
        r"cuda failed in epoch 1 after 200 of 600 samples: CUDA's compiler refused a kernel: .*"
        r'error: identifier "x" is undefined; install the toolkit that CuPy was made for: '
        r"pip install 'gradx\[cuda1[23]\]'; nothing was saved, as no --save was given",
    )


def test_measuring_and_looking(gradx, images, tmp_path, monkeypatch, no_memory):
    path = tmp_path / "model.npz"
    assert gradx("train", "--data", images, "--save", path, "--hidden", 5)[0] == 0
    pixels = tmp_path / "picture.npy"
    np.save(pixels, small_arrays()["test_images"][0])
    no_memory()
    end = NO_MEMORY.removesuffix("; ")
    said = gradx("eval", path, "--data", images, "--device", "cuda")
    assert_failed(said, f"cuda failed while it measured the network: {end}")
    said = gradx("predict", path, pixels, "--device", "cuda")
    assert_failed(said, f"cuda failed while it looked at the pictures: {end}")


def test_other_errors_come_through(backend):
    with pytest.raises(ZeroDivisionError), device_failures(backend, Device("cuda"), str):
        print(1 / 0)


def test_the_failure_has_its_cause(backend):
    memory = cp.cuda.memory.OutOfMemoryError(8, 0)
    with (
        pytest.raises(DeviceFailedError, match="cuda:1 failed now: the CUDA device is out") as told,
        device_failures(backend, Device("cuda", 1), lambda: "now"),
    ):
        raise memory
    assert told.value.__cause__ is memory


# ---- In a process of its own, which the device does not survive.

FAULT = """
import cupy, gradx.cli.train as command
from gradx.train import Report
def train(*given):
    for event in real(*given):
        yield event
        if isinstance(event, Reported):
            kernel = 'extern "C" __global__ void k(int *p) { p[0] = 1; }'
            cupy.RawKernel(kernel, "k")((1,), (1,), (0xdead0000,))
real, command.train = command.train, train
"""


def alone(*arguments, before="", **environment):
    """Runs a command in another process; gives its exit code, its output and its errors."""
    code = ("import softcuda\n" if SOFTWARE else "") + before
    code += f"from gradx.cli.app import main; main({[str(a) for a in arguments]!r})"
    environment = {**os.environ, **environment}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=environment, capture_output=True, text=True
    )
    return done.returncode, done.stdout, done.stderr


def test_a_lost_device(images, tmp_path):
    path = tmp_path / "model.npz"
    arguments = ["train", "--device", "cuda", "--data", images, "--save", path, *OPTIONS]
    if REAL:
        said = alone(*arguments, before=FAULT)
    else:  # the first report comes after some 700 pieces of work, the last after some 3000
        said = alone(*arguments, SOFTCUDA_LOSE_AFTER="1500")
    assert_failed(
        said,
        r"cuda failed in epoch \d after [\d]+ of 600 samples: the CUDA device was lost: \w+.*; see "
        r"whether nvidia-smi still lists it, and start again; what it had learned after [\d,]+ "
        rf"samples in all is saved; go on with: gradx train --load {path} --save {path}",
    )
    state = load(path).state
    assert state.epoch * 600 + state.position >= 200


def test_no_room_for_the_data(images):
    arguments = ["train", "--device", "cuda", "--data", images]
    said = alone(*arguments, CUPY_GPU_MEMORY_LIMIT="100000")
    assert said[1] == ""
    assert_failed(
        said,
        r"cuda failed while the data was brought there: the CUDA device is out of memory: Out of "
        r"memory allocating [\d,]+ bytes \(allocated so far: [\d,]+ bytes, limit set to: 100,000 "
        r"bytes\); use a smaller batch or float32, or free what other programs hold there",
    )


def assert_refused(said, text):
    code, _, errors = said
    assert errors == f"gradx: error: {text}\n"
    assert code == 2


def test_hidden_devices(images):
    said = alone("train", "--device", "cuda", "--data", images, CUDA_VISIBLE_DEVICES="")
    assert_refused(
        said,
        "the CUDA driver is there, but CUDA_VISIBLE_DEVICES='' hides every device; unset it, or "
        "set it to the numbers that nvidia-smi lists, such as 0",
    )


def test_a_hidden_device_makes_auto_take_the_processor(images):
    arguments = ["train", "--device", "auto", "--data", images, *OPTIONS]
    code, said, errors = alone(*arguments, CUDA_VISIBLE_DEVICES="-1")
    assert (code, errors) == (0, "")
    assert re.search(
        r"^device    cpu \(NumPy [\d.]+, chosen by auto; cuda is missing: the CUDA driver is "
        r"there, but CUDA_VISIBLE_DEVICES='-1' hides every device\), float64$",
        said,
        re.MULTILINE,
    )


if SOFTWARE:  # the driver of the hardware is what it is
    OLD = (
        "the driver supports CUDA 11.4 and this CuPy is made for CUDA 12.9; install a newer driver"
    )
    NONE = (
        "no CUDA driver is installed; install NVIDIA's driver for your GPU; without a GPU, use "
        "--device cpu"
    )

    @pytest.mark.parametrize(("driver", "text"), [("11040", OLD), ("0", NONE)])
    def test_drivers_that_will_not_do(images, driver, text):
        said = alone("train", "--device", "cuda", "--data", images, SOFTCUDA_DRIVER=driver)
        assert_refused(said, text)
