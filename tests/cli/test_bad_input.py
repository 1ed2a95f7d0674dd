"""Bad input: one clear line on the error stream, exit code 2, and files as they were."""

import json
import os
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from gradx.cli.app import run
from gradx.train import load, save
from tests.cli.conftest import environment
from tests.mnist.idx_files import NAMES, bomb, peak_memory, small_arrays, write_dataset


@pytest.fixture(autouse=True)
def nothing_is_left_behind(tmp_path):
    """No command of this file leaves a file that was not there before, or half of one."""
    yield
    assert not [name for name in os.listdir(tmp_path) if name.endswith(".part")]


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (
            ["--rate", "nan"],
            "rate nan: the learning rate must be a finite number above 0, such as 0.02",
        ),
        (
            ["--rate", "-inf"],
            "rate -inf: the learning rate must be a finite number above 0, such as 0.02",
        ),
        (
            ["--rate", "0"],
            "rate 0.0: the learning rate must be a finite number above 0, such as 0.02",
        ),
        (
            ["--rate", "1e999"],
            "rate inf: the learning rate must be a finite number above 0, such as 0.02",
        ),
        (
            ["--rate", "fast"],
            "Invalid value for '--rate': 'fast' is not a valid float; see 'gradx train --help'",
        ),
        (["--epochs", "0"], "epochs 0: must be 1 or more passes over the data, such as 1"),
        (
            ["--epochs", "1.5"],
            "Invalid value for '--epochs': '1.5' is not a valid integer; see 'gradx train --help'",
        ),
        (["--batch-size", "0"], "batch size 0: must be 1 or more samples a step, such as 1"),
        (["--batch-size", "-8"], "batch size -8: must be 1 or more samples a step, such as 1"),
        (
            ["--batch-size", "60001"],
            "batch size 60,001: the training data has only 60,000 samples; use 1 to 60,000",
        ),
        (["--hidden", "0"], "hidden 0: must be 1 or more units in a layer, such as 250"),
        (
            ["--hidden", "1000000000000"],
            "hidden 1000000000000: a layer has at most 10,000,000 units; use fewer",
        ),
        (["--report-every", "0"], "report every 0: must be 1 or more samples, such as 5000"),
        (["--seed", "-1"], "seed -1: must be 0 or above, such as 0"),
        (
            ["--dtype", "float16"],
            "Invalid value for '--dtype': 'float16' is not one of 'float32', 'float64'; see 'gradx "
            "train --help'",
        ),
        (
            ["--device", "CPU"],
            "device 'CPU' is invalid; write cpu, cuda, cuda:1 or auto",
        ),
        (["--device", "cpu:3"], "there is no device 'cpu:3' here; use cpu"),
        (
            ["--data", "none"],
            "none: there is no such directory; name the directory that holds "
            "train-images-idx3-ubyte and its three companions, or leave it out to train on the "
            "shipped MNIST",
        ),
        (["--plot", "--quiet"], "plot: --quiet prints no curves; leave one of the two out"),
        (["--load", "none.npz"], "none.npz: there is no such file; check the path"),
        (["--save", "."], ".: is a directory; name a file in it"),
        (["--save", "/dev/null"], "/dev/null: is not an ordinary file; name another"),
        (
            ["--save", "same", "--json", "same"],
            "same: cannot be both the model (--save) and the reports (--json); name two files",
        ),
        (["extra"], "extra: is neither a Python file nor a class; give MODEL.py, or module:Class"),
        (
            ["a.py", "extra"],
            "Got unexpected extra argument (extra); see 'gradx train --help'",
        ),
        (["--rate"], "Option '--rate' requires an argument; see 'gradx train --help'"),
    ],
)
def test_options_of_train(refused, arguments, text):
    refused(text, "train", *arguments)


def test_an_unknown_device(gradx_process):
    done = gradx_process("train", "--device", "tpu")
    # Which others there are depends on what is installed.
    pattern = r"gradx: error: device 'tpu' is not known; use one of: .*\bcpu\b.*, auto\n"
    assert re.fullmatch(pattern, done.stderr)
    assert (done.returncode, done.stdout) == (2, "")


@pytest.mark.parametrize("command", ["gradx", "gradx train"])
def test_an_unknown_option(gradx, command):
    done = gradx(*command.split()[1:], "--fly", "9")
    # Versions of click write it with a colon or with quotation marks.
    pattern = rf"gradx: error: No such option:? '?--fly'?; see '{command} --help'\n"
    assert re.fullmatch(pattern, done.stderr)
    assert (done.returncode, done.stdout) == (2, "")


def test_commands(refused):
    refused("No such command 'fly'; see 'gradx --help'", "fly")
    refused("Missing argument 'FILE'; see 'gradx eval --help'", "eval")
    refused("Missing argument 'FILE'; see 'gradx predict --help'", "predict")
    refused("none: there is no such file; check the path", "eval", "none")
    refused("none: there is no such file; check the path", "predict", "none")


def test_a_network_larger_than_the_memory(gradx):
    done = gradx("train", *["--hidden", 10_000_000] * 3)
    assert done.returncode == 2 and done.stdout == ""
    assert done.stderr.startswith(
        "gradx: error: hidden 10000000 10000000 10000000: training 200,007,970,000,010 parameters "
        "takes about 6,400,255.0 GB of memory, this machine has "
    )


def test_no_directory_for_the_output(refused, tmp_path):
    for option in ("--save", "--json"):
        refused(
            f"none/file: cannot be written, there is no directory {tmp_path}/none; make it first",
            *["train", option, "none/file"],
        )
    assert os.listdir(tmp_path) == []


@pytest.mark.skipif(os.geteuid() == 0, reason="nothing is write-protected from the superuser")
def test_write_protected_outputs(refused, tmp_path):
    (tmp_path / "file").touch(mode=0o400)
    refused("file: is write-protected; name another file", "train", "--save", "file")
    tmp_path.chmod(0o500)
    refused(
        "other: cannot be written (Permission denied); name another file",
        *["train", "--save", "other"],
    )
    tmp_path.chmod(0o700)


def test_bad_data_leaves_outputs_as_they_were(refused, tmp_path, small):
    labels = small_arrays()["train_labels"]
    labels[3] = 77
    data = tmp_path / "data"
    data.mkdir()
    write_dataset(data, train_labels=labels)
    for name in ("model.npz", "lines.json"):
        (tmp_path / name).write_text("as it was")
    refused(
        f"data/{NAMES['train_labels']}: label 77 of image 3 is out of range (and 0 more); labels "
        "are digits from 0 to 9",
        *["train", "--data", "data", "--save", "model.npz", "--json", "lines.json"],
    )
    for name in ("model.npz", "lines.json"):
        assert (tmp_path / name).read_text() == "as it was"


def test_data_that_is_larger_than_the_memory(monkeypatch, capsys, small, model):
    """250 images of 36 pixels, as bytes and as numbers, and 10 numbers for each label."""
    needed = 250 * (36 * 9 + 10 * 8)
    monkeypatch.setattr("gradx.train.samples.memory", lambda: needed - 1)
    assert run(["train", "--data", str(small)]) == 2
    told = capsys.readouterr().err
    assert told.startswith(f"gradx: error: {small}: 250 images of 36 pixels take about 0.0 GB of ")
    assert told.endswith("this machine has 0.0 GB; use fewer or smaller images\n")
    monkeypatch.setattr("gradx.train.samples.memory", lambda: needed)
    assert run(["train", "--data", str(small), "--quiet"]) == 0


@pytest.mark.parametrize("command", ["train --load", "eval"])
def test_images_of_another_size_are_not_unpacked(capsys, tmp_path, model, command):
    write_dataset(
        tmp_path,
        train_images=bomb("00000803000000c8000003e8000003e8", megabytes=30),
        test_images=bomb("0000080300000032000003e8000003e8", megabytes=30),
    )
    with peak_memory() as peak:
        assert run([*command.split(), str(model), "--data", str(tmp_path)]) == 2
    assert capsys.readouterr().err == (
        f"gradx: error: {model}: its network takes 784 pixels, the images of {tmp_path} have "
        "1,000,000; use the data it was trained on\n"
    )
    assert peak() < 3_000_000


def test_damaged_data(refused, tmp_path, small):
    for name in os.listdir(small):
        (tmp_path / name).write_bytes((small / name).read_bytes())
    packed = tmp_path / f"{NAMES['train_images']}.gz"
    packed.write_bytes(packed.read_bytes()[:200])
    refused(
        f"{packed.name}: the gzip data ends too early, so the file is truncated; copy it again",
        *["train", "--data", "."],
    )


def test_a_loss_that_becomes_nan(gradx, small, tmp_path):
    for name in ("model.npz", "lines.json"):
        (tmp_path / name).write_text("as it was")
    done = gradx(
        *["train", "--data", small, "--rate", "1e6", "--save", "model.npz"],
        *["--json", "lines.json"],
    )
    assert done.returncode == 2
    line = r"gradx: error: epoch 1, sample \d+: the loss became (nan|inf); a rate of 1e\+06 is too "
    assert re.fullmatch(line + r"large here, try 100000\n", done.stderr), done.stderr
    for name in ("model.npz", "lines.json"):
        assert (tmp_path / name).read_text() == "as it was"


def test_a_network_that_overflows_at_once(gradx, small):
    done = gradx(
        *["train", "--data", small, "--hidden", 200_000, "--dtype", "float32", "--quiet"],
        *["--report-every", 1],
    )
    assert done.stderr == (
        "gradx: error: epoch 1, sample 1: the loss became nan before the first step, because the "
        "network's outputs overflow; use fewer hidden units or float64\n"
    )
    assert (done.returncode, done.stdout) == (2, "")


class TestModels:
    @pytest.fixture
    def trained(self, gradx, small, tmp_path):
        path = tmp_path / "trained.npz"
        done = gradx("train", "--data", small, "--hidden", 8, "--save", path, "--quiet")
        assert done.returncode == 0, done.stderr
        before = path.read_bytes()
        yield path
        assert path.read_bytes() == before

    @pytest.mark.parametrize(
        ("arguments", "text"),
        [
            (
                ["--hidden", "9"],
                "hidden 9: {} has hidden 8, which cannot change; leave the option out to go on "
                "with that model",
            ),
            (
                ["--hidden", "8", "--hidden", "8"],
                "hidden 8 8: {} has hidden 8, which cannot change; leave the option out to go on "
                "with that model",
            ),
            (
                ["--dtype", "float32"],
                "dtype float32: {} has dtype float64, which cannot change; leave the option out to "
                "go on with that model",
            ),
            (
                ["--seed", "9"],
                "seed 9: {} has seed 0, which cannot change; leave the option out to go on with "
                "that model",
            ),
            (
                ["--epochs", "1"],
                "epochs 1: {} has 1 behind it, and the number counts from the very first; use 2 or "
                "more",
            ),
            (
                ["--json", "trained.npz"],
                "trained.npz: cannot be both the model (--load) and the reports (--json); name two "
                "files",
            ),
        ],
    )
    def test_options_that_do_not_fit(self, refused, trained, small, arguments, text):
        refused(
            text.format("trained.npz"),
            *["train", "--data", small, "--load", "trained.npz", *arguments],
        )

    def test_data_of_another_size(self, refused, trained):
        text = (
            "trained.npz: its network takes 36 pixels, the images of MNIST as shipped with gradx "
            "have 784; use the data it was trained on"
        )
        refused(text, "train", "--load", "trained.npz")
        refused(text, "eval", "trained.npz")

    def test_other_data_in_the_middle_of_an_epoch(self, refused, trained, small, medium, tmp_path):
        checkpoint = load(trained)
        state = replace(checkpoint.state, epoch=0, position=20)
        save(tmp_path / "part.npz", replace(checkpoint, state=state))
        refused(
            f"part.npz: stands 20 samples into an epoch over other data than {medium}; go on with "
            "the data it was trained on",
            *["train", "--load", "part.npz", "--data", medium],
        )

    @pytest.mark.parametrize("command", ["train --load", "eval", "predict"])
    def test_files_that_are_no_models(self, gradx, tmp_path, command):
        np.savez(tmp_path / "other.npz", x=np.ones(3))
        (tmp_path / "text.npz").write_text("some text")
        with (tmp_path / "array.npz").open("wb") as stream:
            np.save(stream, np.ones(3))
        for name, reason in (
            ("other.npz", "it does not say of which training run it is"),
            ("text.npz", "it is neither in the layout of safetensors nor an .npz"),
            ("array.npz", "it is neither in the layout of safetensors nor an .npz"),
        ):
            done = gradx(*command.split(), name)
            assert (done.returncode, done.stdout) == (2, "")
            assert done.stderr == (
                f"gradx: error: {name}: not a model file of gradx, or a damaged one ({reason}); "
                "write one with `gradx train --save`\n"
            )

    def test_another_version(self, gradx, trained, tmp_path):
        with np.load(trained) as archive:
            content = {name: archive[name] for name in archive.files}
        about = json.loads(content["__metadata__"].item())
        about["version"] = 2
        content["__metadata__"] = np.array(json.dumps(about).encode())
        np.savez(tmp_path / "newer.npz", **content)
        done = gradx("eval", "newer.npz")
        assert done.returncode == 2
        assert done.stderr.startswith("gradx: error: newer.npz: is of version 2, and this gradx (")
        assert done.stderr.endswith("reads version 1; use the gradx that wrote it\n")


class TestPredict:
    @pytest.mark.parametrize(
        ("items", "reason"),
        [
            (
                np.zeros((27, 28)),
                "shape (27, 28) holds no picture of 784 pixels, which the network takes; give an "
                "array of shape (28, 28) or (n, 28, 28)",
            ),
            (
                np.full((28, 28), 7.5),
                "pixel value 7.5 is out of range; float64 pixels go from 0 (paper) to 1 (ink)",
            ),
        ],
    )
    def test_pictures(self, refused, model, tmp_path, items, reason):
        np.save(tmp_path / "good.npy", np.zeros((28, 28)))
        np.save(tmp_path / "bad.npy", items)
        refused(f"bad.npy: {reason}", "predict", model, "good.npy", "bad.npy")

    def test_other_files(self, refused, model, tmp_path):
        refused("none: there is no such file; check the path", "predict", model, "none")
        (tmp_path / "text").write_text("text")
        refused(
            "text: wrong magic number 0x74657874, so this is no IDX file; MNIST has 0x00000803 for "
            "images and 0x00000801 for labels",
            *["predict", model, "text"],
        )

    def test_a_count(self, refused, model):
        refused(
            "Invalid value for '--count': 0 is not in the range x>=1; see 'gradx predict --help'",
            *["predict", model, "--count", "0"],
        )


def test_output_that_goes_nowhere(gradx_process, small):
    with Path("/dev/full").open("w") as full:
        done = gradx_process("train", "--data", small, stdout=full, capture_output=False, stderr=-1)
    assert done.returncode == 2
    assert done.stderr == (
        "gradx: error: No space left on device; check where the output goes; nothing was saved, as "
        "no --save was given\n"
    )


def test_reports_that_go_nowhere_do_not_lose_what_was_learned(gradx, small, tmp_path):
    done = gradx(
        *["train", "--data", small, "--json", "/dev/full", "--save", "model.npz"],
        *["--report-every", 50],
    )
    assert done.returncode == 2
    assert done.stderr == (
        "gradx: error: /dev/full: cannot be written (No space left on device); name another file; "
        "what it had learned after 50 samples in all is saved; go on with: gradx train --load "
        "model.npz --save model.npz\n"
    )
    assert load(tmp_path / "model.npz").state.position == 50


def test_names_that_the_terminal_cannot_show(gradx_process, model):
    variables = {**environment(), "LC_ALL": "C"}
    done = gradx_process("predict", model, os.fsdecode(b"ziff\xe9r"), env=variables)
    assert done.returncode == 2
    assert "there is no such file" in done.stderr


@pytest.mark.parametrize("closed", [1, 2])
def test_streams_that_are_closed(small, tmp_path, closed):
    command = f"exec {sys.executable} -m gradx train --data {small} --save model.npz {closed}>&-"
    done = subprocess.run(
        ["sh", "-c", command], cwd=tmp_path, env=environment(), capture_output=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, b"")
    assert load(tmp_path / "model.npz").state.epoch == 1
