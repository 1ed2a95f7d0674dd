"""The other commands: eval, predict, devices, and what gradx says of itself."""

import gzip
import re
import subprocess
import sys

import numpy as np

from gradx._version import __version__
from gradx.cli.picture import bars, draw
from gradx.mnist import load as load_mnist
from gradx.native import native
from tests.cli.conftest import environment
from tests.mnist.idx_files import idx_bytes


def version_line(kind):
    python = sys.version.split()[0]
    return f"gradx {__version__} (Python {python}, NumPy {np.__version__}, {kind} speedups)\n"


def test_version(gradx_process):
    done = gradx_process("--version")
    assert done.stdout == version_line("with" if native else "without")
    assert (done.returncode, done.stderr) == (0, "")


def test_version_without_speedups(gradx_process):
    done = gradx_process("--version", env={**environment(), "GRADX_SPEEDUPS": "0"})
    assert done.stdout == version_line("without")


def test_help_names_the_commands(gradx):
    for arguments in ([], ["--help"], ["-h"]):
        done = gradx(*arguments)
        assert (done.returncode, done.stderr) == (0, "")
        for command in ("train", "new", "eval", "predict", "devices", "adopt", "check"):
            assert re.search(rf"^  {command} +\w", done.stdout, re.MULTILINE)
    for command in ("train", "new", "eval", "predict", "devices", "adopt", "check"):
        done = gradx(command, "--help")
        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout.startswith(f"Usage: gradx {command} ")


def test_help_gives_the_defaults_that_are_used(gradx):
    text = " ".join(gradx("train", "--help").stdout.split())
    for part in (
        "--epochs N Passes over the data in all. [default: 1; with MODEL.py 10]",
        "--batch-size N Samples a step. [default: 1; with MODEL.py 32]",
        "--method [sgd|adam|adamw|adagrad|rmsprop|lamb|lion] How",
        "[default: sgd; with MODEL.py adam]",
        "--rate X Learning rate. [default: 0.02; with MODEL.py the method's own] ",
        "own each method has: sgd 0.01, adam 0.001, adamw 0.001, adagrad 0.01, rmsprop 0.01, lamb "
        "0.001, lion 0.0001.",
        "[default: 250]",
        "[default: float64; with MODEL.py as they are]",
        "[default: 0]",
        "[default: 5000; with MODEL.py one an epoch]",
        "[default: cpu]",
    ):
        assert part in text


def test_devices(gradx):
    done = gradx("devices")
    assert (done.returncode, done.stderr) == (0, "")
    assert re.search(r"^cpu +usable +NumPy [0-9.]+: \S+, \d+ cores?$", done.stdout, re.MULTILINE)
    assert re.search(r"^cuda", done.stdout, re.MULTILINE)
    assert re.search(r"^--device auto takes \S+$", done.stdout, re.MULTILINE)


PROGRAM = """
import functools
from math import sin

import numpy as np

RATE, COUNT = 2.0, 0

@functools.cache
def weights(n):
    return n

class Layer:
    def forward(self, x):
        return np.exp(x)

def wave(x):
    global COUNT
    COUNT += 1
    return sin(RATE * x) * weights(3)

def loss(x):
    import scipy.special
    return np.sum(np.array([wave(x), Layer().forward(x)]))
"""
BOUND = """program.loss
  import scipy.special  adopted when it is run
  np                    gradx's own for numpy
  wave                  adopted function
  Layer                 adopted class
program.wave
  COUNT                 assigned by the program: in the copy, the copy's own
  sin                   gradx's own for sin
  RATE                  data, a float, read when it is used
  weights               adopted, with its cache for calls without a variable
program.Layer.forward
  np                    gradx's own for numpy
"""


def test_adopt_shows_what_it_binds(gradx, tmp_path):
    (tmp_path / "program.py").write_text(PROGRAM)
    done = gradx("adopt", "program:loss")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == BOUND
    whole = gradx("adopt", "program").stdout
    assert sorted(whole.splitlines()) != [] and "program.wave\n" in whole
    done = gradx("adopt", "program:lost")
    assert done.returncode != 0
    assert done.stderr.startswith("gradx: error: 'program:lost' is not there")


def test_eval_agrees_with_train(gradx, small, tmp_path):
    gradx("train", "--data", small, "--hidden", 8, "--save", "m.npz", "--json", "m.json")
    reported = (tmp_path / "m.json").read_text()
    error = float(re.search(r'"validation_error": ([0-9.]+)', reported)[1])
    loss = float(re.search(r'"validation_loss": ([0-9.]+)', reported)[1])
    done = gradx("eval", "m.npz", "--data", small)
    assert done.stdout == (
        "m.npz: network 36-8-10, 386 parameters, float64, on cpu\n"
        f"{small}: 50 test images\n"
        f"Validation error: {100 * error:.2f}% ({round(error * 50)} of 50)\n"
        f"Mean loss:        {loss:.4f}\n"
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_predict_shows_digits_and_probabilities(gradx, model, tmp_path):
    images = load_mnist().test.images[:3]
    np.save(tmp_path / "one.npy", images[0])
    (tmp_path / "three").write_bytes(gzip.compress(idx_bytes(images)))
    done = gradx("predict", model, "one.npy", "three", "--count", 2)
    assert (done.returncode, done.stderr) == (0, "")
    shown = draw(images[0] / 255)
    assert done.stdout.startswith(f"one.npy:\n{shown}\n0 |")
    titles = re.findall(r"^(\w\S*.*):\n", done.stdout, re.MULTILINE)
    assert titles == ["one.npy", "three, picture 0", "three, picture 1"]
    assert len(re.findall(r"^\d \|#* *\| +\d+\.\d%", done.stdout, re.MULTILINE)) == 30
    assert len(re.findall(r"^A \d, with \d+\.\d%\.$", done.stdout, re.MULTILINE)) == 3
    assert done.stdout.endswith("three: 1 more (--count 3 shows all)\n")


def test_predict_has_pictures_of_its_own(gradx, model):
    done = gradx("predict", model, "--count", 1)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("MNIST's test images")
    assert "%" in draw(load_mnist().test.images[0] / 255) and "%" in done.stdout


def test_predict_needs_own_pictures_for_other_networks(gradx, refused, small):
    gradx("train", "--data", small, "--hidden", 8, "--save", "m.npz", "--quiet")
    refused(
        "m.npz: the network takes 36 pixels, the shipped test images have 784; name files of your "
        "own",
        *["predict", "m.npz"],
    )


def test_a_picture_keeps_its_shape():
    image = np.zeros((5, 3))
    image[0, 0] = image[1, 0] = image[4, 2] = 1.0
    assert draw(image) == "@\n\n  @"


def test_bars():
    assert bars([0.0, 1.0]) == f"0 |{' ' * 40}|   0.0%\n1 |{'#' * 40}| 100.0% <"


def test_commands_load_only_what_they_need():
    code = (
        "import sys, gradx.cli; gradx.cli.app.run(['--version']); "
        "print([name for name in sys.modules if name.startswith('gradx.train')])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment(), capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines()[-1] == "[]"
