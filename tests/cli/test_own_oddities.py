"""Models of one's own that do odd things: told in one line, and nothing is lost by them."""

import os
import re

import numpy as np
import pytest

from tests.cli.line_model import RUN, log_of


def test_patience_counts_anew_after_a_run_without_it(gradx, line):
    gradx(*RUN, "--save", "m.safetensors")
    done = gradx("train", "line.py", "--load", "m.safetensors", "--epochs", 3, "--patience", 5)
    note = "\nPatience counts from here: m.safetensors knows of no best model before.\n"
    assert note in done.stdout


def test_outputs_over_inputs(gradx, refused, line, tmp_path):
    line(("def data():", "def data(path=None):"))
    gradx(*RUN, "--save", "m.safetensors", "--quiet")
    np.save(tmp_path / "x.npy", np.eye(3))
    (tmp_path / "other.py").hardlink_to(tmp_path / "line.py")
    before = {path: path.read_bytes() for path in tmp_path.glob("*.*")}
    over = "which {} would write over; name another file"
    for option in ("--save", "--json"):
        told = over.format(option)
        for name in ("line.py", "other.py"):
            refused(f"{name}: is the model file, {told}", *RUN, option, name)
        refused(f"x.npy: is the data, {told}", *RUN, "--data", "x.npy", option, "x.npy")
    predict = ["predict", "line.py", "m.safetensors", "x.npy", "--output"]
    told = over.format("--output")
    refused(f"line.py: is the model file, {told}", *predict, "line.py")
    refused(f"m.safetensors: is the saved model, {told}", *predict, "m.safetensors")
    refused(f"x.npy: is the input, {told}", *predict, "x.npy")
    assert {path: path.read_bytes() for path in tmp_path.glob("*.*")} == before


def test_a_log_into_a_pipe(gradx, line, tmp_path):
    reads, writes = os.pipe()
    try:
        done = gradx(*RUN, "--json", f"/dev/fd/{writes}", "--quiet")
    finally:
        os.close(writes)
    with open(reads, "rb") as stream:
        lines = stream.read().splitlines()
    assert (done.returncode, done.stderr, len(lines)) == (0, "", 3)
    (tmp_path / "log.json").write_bytes(b"\n".join(lines))
    assert len(log_of(tmp_path / "log.json")[1]) == 2


def test_names_of_any_bytes(gradx, line, tmp_path):
    name = os.fsdecode(b"n\xff.py")
    (tmp_path / "line.py").rename(tmp_path / name)
    run = ["train", name, "--epochs", 2, "--save", "m.safetensors", "--json", "log.json"]
    assert (gradx(*run).returncode, gradx("eval", name, "m.safetensors").stderr) == (0, "")
    assert gradx(*run[:3], 3, *run[4:], "--load", "m.safetensors").returncode == 0
    assert gradx("report", "log.json", "--output", "log.html").stderr == ""


@pytest.mark.parametrize("where", ["@dataclass\n", "    rng = np.random.default_rng(0)\n"])
def test_a_model_that_goes_to_another_folder(gradx, line, tmp_path, where):
    (tmp_path / "elsewhere").mkdir()
    indent = where[: -len(where.lstrip())]
    line((where, f"{indent}import os; os.chdir({str(tmp_path / 'elsewhere')!r})\n{where}"))
    np.save(tmp_path / "x.npy", np.eye(3))
    gradx(*RUN, "--save", "m.safetensors", "--json", "log.json", "--quiet")
    arguments = ["line.py", "m.safetensors"]
    assert gradx("eval", *arguments).returncode == 0
    assert gradx("predict", *arguments, "x.npy", "--output", "y.npy").returncode == 0
    assert os.listdir(tmp_path / "elsewhere") == []
    written = {"m.safetensors", "log.json", "y.npy"}
    assert written < set(os.listdir(tmp_path))


def test_parameters_without_names_are_refused_before_they_are_learned(gradx, refused, tmp_path):
    (tmp_path / "odd.py").write_text(
        "def init(rng): return {'': 1.0}\ndef loss(p): return p[''] ** 2"
    )
    refused(
        "m.safetensors: the key '' makes no name; use whole numbers, or texts that are not empty "
        "and do not begin with '__state__'",
        *["train", "odd.py", "--save", "m.safetensors"],
    )
    assert gradx("train", "odd.py").returncode == 0


def test_metrics_that_are_not_finite(gradx, line, tmp_path):
    line(("np.mean(np.abs(value(line, x) - y))", 'np.nan, "top": np.inf'))
    done = gradx(*RUN, "--json", "log.json", "--save", "m.safetensors", "--plot")
    assert (done.returncode, done.stderr) == (0, "")
    reports = log_of(tmp_path / "log.json")[1]
    assert [line["validation_error"] for line in reports] == [None, None]
    assert "Error: nan\n" in gradx("eval", "line.py", "m.safetensors").stdout
    assert gradx("report", "log.json", "--output", "log.html").returncode == 0


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ('{"error": "high"}', "the metric error is 'high', of type str; give one real number"),
        ('{"error": np.ones(2)}', "the metric error is an array of float64, of shape (2,); give"),
        ("None", "metrics gave None; give a dict of numbers by name, other than loss and count"),
    ],
)
def test_metrics_that_become_something_else(gradx, line, given, told):
    body = "    x, y = batch\n    return {"
    line(
        (body, f"    COUNT.append(0)\n    if len(COUNT) > 4: return {given}\n{body}"),
        ("@dataclass\n", "COUNT = []\n\n@dataclass\n"),
    )
    done = gradx(*RUN, "--epochs", 4, "--save", "m.safetensors")
    assert done.stderr.startswith(f"gradx: error: {told}"), done.stderr
    assert re.search("; what it had learned after [0-9]+ samples in all is saved; ", done.stderr)
    assert done.returncode == 2


def test_a_loss_that_becomes_something_else(gradx, line):
    line(("    return np.mean(", "    if len(x) == 20: return y\n    return np.mean("))
    done = gradx(*RUN)
    assert done.stderr == (
        "gradx: error: loss gave an array of float64, of shape (20,); return one real number for "
        "any batch\n"
    )
    assert done.returncode == 2


def test_a_count_of_what_is_not_printed(refused):
    refused(
        "--count does not apply with --output, which writes all results; see "
        "'gradx predict --help'",
        *["predict", "line.py", "m", "x.npy", "--count", 3, "--output", "y.npy"],
    )


def test_predictions_of_no_inputs(gradx, line, tmp_path):
    gradx(*RUN, "--save", "m.safetensors")
    np.save(tmp_path / "x.npy", np.empty((0, 3)))
    done = gradx("predict", "line.py", "m.safetensors", "x.npy")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_a_class_of_a_file_is_named_whole(gradx, line):
    line(
        ("def init(rng)", "class Model:\n  @staticmethod\n  def init(rng)"),
        ("    return Line(", "      return Line("),
    )
    gradx("train", "line.py:Model", "--epochs", 1, "--save", "m.safetensors")
    done = gradx("eval", "line.py:Model", "m.safetensors")
    assert "\nline.py:Model: 20 test samples\n" in done.stdout


def test_warnings_of_numpy_are_kept_back_in_eval_too(gradx, line, recwarn):
    line(("    x, y = batch\n    return np", "    x, y = batch\n    np.log(0.0)\n    return np"))
    gradx(*RUN, "--save", "m.safetensors")
    assert gradx("eval", "line.py", "m.safetensors").returncode == 0
    assert not recwarn.list


def test_parameters_that_become_nan_take_no_place_of_good_ones(gradx, tmp_path):
    text = "import numpy as np\ndef init(rng): return 1.0\ndef loss(w): return {}\n"
    (tmp_path / "root.py").write_text(text.format("w * w"))
    run = ["train", "root.py", "--save", "m.safetensors", "--quiet", "--epochs"]
    assert gradx(*run, 1).returncode == 0
    before = (tmp_path / "m.safetensors").read_bytes()
    (tmp_path / "root.py").write_text(text.format("np.sqrt(0.0 * w)"))
    done = gradx(*run, 2, "--load", "m.safetensors")
    assert done.stderr == (
        "gradx: error: value became nan after 2 samples, though the loss was a number; look for a "
        "derivative that is not finite, such as that of sqrt at 0\n"
    )
    assert done.returncode == 2
    assert (tmp_path / "m.safetensors").read_bytes() == before
