"""`gradx train MODEL.py`: models of one's own, their options, and what cannot be used."""

import re
import sys

import numpy as np
import pytest

from tests.cli.line_model import MODEL, RUN, log_of


def test_what_it_prints(gradx, line):
    done = gradx(*RUN)
    number = "[0-9.e-]+"
    scores = f"training loss {number}, error {number}; validation loss {number}, error {number}"
    pattern = f"""\
gradx [0-9.]+
model     line.py, 4 parameters
method    adam, rate 0.001
training  8 samples a step, 2 epochs, a report every epoch
device    cpu \\(NumPy [0-9.]+\\)
seed      0
data      line.py: 80 training and 20 test samples
BLAS      .*thread.*

Loaded data.
Epoch 1: {scores}
Epoch 2: {scores}
Trained on 160 samples in [0-9.]+ s, [0-9,]+ samples/s: {scores}.
"""
    assert re.fullmatch(pattern, done.stdout), done.stdout
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(
    ("start", "text"),
    [
        ("1.0, np.zeros(2, int)", "; not learned: params[1] is of integers"),
        (
            "1.0, np.arange(2), [np.arange(2)]",
            "; not learned: params[1] and 1 more are of integers",
        ),
        ("1.0, np.zeros(2, bool)", ""),
    ],
)
def test_what_is_not_learned_is_named(gradx, tmp_path, start, text):
    (tmp_path / "model.py").write_text(
        f"import numpy as np\ndef init(rng): return {start}\ndef loss(p): return p[0] ** 2\n"
    )
    done = gradx("train", "model.py", "--epochs", "1")
    assert f"model     model.py, 1 parameter{text}\n" in done.stdout


def test_processes_that_share_nothing_are_told_so(gradx, line, monkeypatch):
    told = "Each of the 4 processes that were started together trains a model of its own; with"
    assert told not in gradx(*RUN).stdout
    monkeypatch.setenv("PMI_SIZE", "4")
    assert told in gradx(*RUN).stdout
    monkeypatch.setenv("PMI_SIZE", "1")
    assert told not in gradx(*RUN).stdout


def test_all_options(gradx, line, tmp_path):
    done = gradx(
        *["train", "line.py", "--method", "rmsprop", "--momentum", 0.5, "--rate", 0.1],
        *["--schedule", "warmup:5+cosine", "--clip", 3, "--dtype", "float32", "--seed", 4],
        *["--batch-size", 10, "--epochs", 3, "--eval-every", 40, "--json", "log.json"],
        *["--device", "auto"],
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert (
        "method    rmsprop (momentum 0.5), rate 0.1 (warmup:5+cosine), gradients clipped at 3\n"
        "training  10 samples a step, 3 epochs, a report every 40 samples\n" in done.stdout
    )
    assert ", chosen by auto" in done.stdout and ", float32\n" in done.stdout
    assert "Epoch 1, 40 of 80 samples: training loss" in done.stdout
    header, reports = log_of(tmp_path / "log.json")
    assert header == {
        **{"log": "gradx", "version": 1, "gradx": header["gradx"], "model": "line.py"},
        "parameters": 4,
        "settings": {
            **{"method": "rmsprop", "rate": 0.1, "schedule": "warmup:5+cosine", "momentum": 0.5},
            **{"clip": 3.0, "batch_size": 10, "epochs": 3, "seed": 4, "dtype": "float32"},
            "report_every": 40,
        },
        "checkpoint": None,
        "data": "line.py: 80 training and 20 test samples",
        "device": header["device"],
    }
    assert [(line["epoch"], line["batch"], line["points"], line["step"]) for line in reports] == [
        (epoch, batch, 40, 8 * epoch + 4 * batch - 8) for epoch in (1, 2, 3) for batch in (1, 2)
    ]
    assert list(reports[0])[3:] == [
        *["step", "rate", "training_loss", "training_error"],
        *["validation_loss", "validation_error"],
    ]
    assert 0 <= reports[-1]["rate"] < reports[1]["rate"] <= 0.1
    assert reports[-1]["validation_loss"] < reports[0]["validation_loss"]


def test_without_test_data_metrics_or_a_number_of_samples(gradx, line):
    line(("(x[:80], y[:80]), (x[80:], y[80:])", "x, y"), ("def metrics", "def other"))
    done = gradx(*RUN)
    assert re.search(r"^Epoch 1: training loss [0-9.]+$", done.stdout, re.MULTILINE)
    assert "data      line.py: 100 training and no test samples\n" in done.stdout
    line(
        name="plain.py",
        text="def init(rng): return 3.0\ndef loss(x): return (x - 1) ** 2\n",
    )
    done = gradx("train", "plain.py", "--method", "sgd", "--rate", "0.25", "--epochs", "30")
    assert "data      none, an epoch is one step\n" in done.stdout
    last = float(re.search(r"Epoch 30: training loss (\S+)", done.stdout)[1])
    assert (done.returncode, done.stderr) == (0, "") and last < 1e-12
    assert "\nTrained on 1 sample in " in gradx("train", "plain.py", "--epochs", 1).stdout


def test_data_at_a_path(gradx, refused, line, tmp_path):
    line(
        ("def data():", "def data(path):"),
        ("x = rng.normal(size=(100, 3))", "x = np.loadtxt(path, delimiter=',')"),
    )
    np.savetxt(tmp_path / "x.csv", np.ones((100, 3)), delimiter=",")
    done = gradx(*RUN, "--data", "x.csv")
    assert "data      x.csv: 80 training and 20 test samples\n" in done.stdout
    refused("line.py: its data(path) needs a path; give it with --data PATH", *RUN)
    refused(
        "line.py: line 21 of line.py, in data: FileNotFoundError: none not found.; mend it there",
        *[*RUN, "--data", "none"],
    )


def test_a_class_in_a_module(gradx, tmp_path, monkeypatch):
    (tmp_path / "own_models.py").write_text(
        MODEL.replace("    offset: float\n", "    offset: float\n    def loss(self, batch): "
                      "return np.sum((value(self, batch[0]) - batch[1]) ** 2)\n")
        + "reduction = 'sum'\n"
    )  # fmt: skip
    try:
        done = gradx("train", "own_models:Line", "--epochs", 1)
    finally:
        sys.modules.pop("own_models", None)
    assert "model     own_models:Line, 4 parameters\n" in done.stdout
    assert (done.returncode, done.stderr) == (0, "")


def test_patience(gradx, line):
    arguments = ["--rate", 0.1, "--epochs", 50, "--patience", 4, "--method", "adam"]
    done = gradx(*RUN[:2], *arguments)
    assert "a report every epoch, at most 4 without progress\n" in done.stdout
    assert "\nNo better loss in 4 reports: that is enough.\n" in done.stdout
    losses = [float(x) for x in re.findall(r"^Epoch.*validation loss ([^,]+)", done.stdout, re.M)]
    best = len(losses) - 4
    assert len(losses) < 50 and min(losses) == losses[best - 1]
    assert f"The best model is that after {80 * best:,} samples.\n" in done.stdout


def test_curves_at_the_end(gradx, line):
    done = gradx(*RUN, "--plot", "--report-every", 16)
    for title in ("loss", "error"):
        assert re.search(rf"^{title}:  \S+ training .*\n.*[│|]", done.stdout, re.MULTILINE)
        assert len(re.findall(r"^ .* samples$", done.stdout, re.MULTILINE)) == 2
    assert gradx(*RUN, "--plot", "--quiet").stdout == ""


# ---- what cannot be used -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (
            ["--hidden", "5"],
            "hidden 5: line.py has a model of its own; leave the option out, or leave MODEL.py out "
            "for a network of such layers",
        ),
        (
            ["--data", "any"],
            "line.py: --data does not apply, as its data() takes no path; write def data(path): …",
        ),
        (
            ["--momentum", "0.5"],
            "momentum 0.5: adam has none; its options are b1, b2, eps; sgd, rmsprop have it",
        ),
        (
            ["--nesterov", "--method", "sgd"],
            "sgd: nesterov looks ahead along the momentum, which is 0; give a momentum such as "
            "0.9, or leave nesterov out",
        ),
        (
            ["--weight-decay", "0.5", "--method", "sgd"],
            "weight decay 0.5: sgd has none; its options are momentum, nesterov; adamw, lamb, lion "
            "have it",
        ),
        (
            ["--method", "newton"],
            "Invalid value for '--method': 'newton' is not one of 'sgd', 'adam', 'adamw', "
            "'adagrad', 'rmsprop', 'lamb', 'lion'; see 'gradx train --help'",
        ),
        (["--patience", "0"], "patience 0: must be 1 or more reports, such as 5"),
        (
            ["--seed", f"{2**62 + 1}"],
            f"seed {2**62 + 1}: must be at most 2**62, which a file can hold, such as 0",
        ),
        (
            ["--epochs", f"{10**20}"],
            f"epochs {10**20}: must be at most 2**62, which a file can hold, such as 1",
        ),
        (
            ["--schedule", "piecewise:1=0.5,1=0.1"],
            "schedule 'piecewise:1=0.5,1=0.1': write piecewise:STEP=FACTOR,…",
        ),
        (
            ["--batch-size", "81"],
            "batch size 81: the training data has only 80 samples; use 1 to 80",
        ),
        (["--schedule", "cosine:1"], "schedule 'cosine:1': write cosine"),
    ],
)
def test_options_that_do_not_apply(refused, line, arguments, text):
    refused(text, "train", "line.py", *arguments)


def test_programs_that_cannot_be_used(refused, line):
    refused(
        "none.py: there is no such file; check the path, or write one with 'gradx new none'",
        *["train", "none.py"],
    )
    line(("def loss", "def lost"))
    refused(
        "line.py: there is no loss; write def loss(params, batch): x, y = batch; return np.mean(…)",
        *RUN,
    )
    line(("return np.mean((", "return (("))
    refused(
        "line.py: loss gave an array of float64, of shape (8,); return one real number, such as "
        "np.mean(errors)",
        *RUN,
    )
    line(("x @ line.slope", "x @ line.slop"))
    refused(
        "line.py: line 13 of line.py, in value: AttributeError: 'Line' object has no attribute "
        "'slop'; mend it there",
        *RUN,
    )


def test_rows_that_cannot_be_read(refused, line):
    line(
        ("def data():", "class Rows:\n    shape, dtype = (3,), np.dtype(float)\n"
         "    def __getitem__(self, rows): raise OSError(5, 'disk gone')\n\ndef data():\n"
         "    return Rows(), Rows()\n"),
    )  # fmt: skip
    refused(
        "line.py: line 21 of line.py, in __getitem__: OSError: [Errno 5] disk gone; mend it there",
        *RUN,
    )


def test_a_model_that_fails_in_the_middle(gradx, line, tmp_path):
    line(("    x, y = batch\n    return np.mean(", "    x, y = batch\n    COUNT.pop()\n    "
           "return np.mean("), ("@dataclass\n", "COUNT = [0] * 19\n\n@dataclass\n"))  # fmt: skip
    done = gradx(*RUN)
    assert done.stderr == (
        "gradx: error: line.py: line 19 of line.py, in loss: IndexError: pop from empty list; mend "
        "it there; nothing was saved, as no --save was given\n"
    )
    assert done.returncode == 2


def test_a_loss_that_becomes_nan(gradx, line):
    done = gradx(*RUN, "--method", "sgd", "--rate", "1e9", "--epochs", 30)
    told = r"gradx: error: epoch \d+, sample \d+: the loss became (nan|inf); a rate of 1e\+09 is "
    assert re.fullmatch(told + r"too large here, try 1e\+08\n", done.stderr), done.stderr
    assert done.returncode == 2
    line(("rng.normal(size=3)", "rng.normal(size=3) * np.inf"))
    done = gradx(*RUN)
    assert done.stderr == (
        "gradx: error: epoch 1, sample 1: the loss became nan before the first step; look at what "
        "init and data give\n"
    )
