"""gradx check: what is right, what is wrong, which inputs it takes and which it refuses."""

import re

import numpy as np
import pytest

PROGRAM = """
from dataclasses import dataclass, field
from typing import Annotated, NamedTuple, NewType, Optional

import numpy as np
import numpy.typing as npt

import gradx as gx

Angle = NewType("Angle", float)

@dataclass
class Layer:
    w: npt.NDArray[np.float64]
    b: float
    kind: str = "dense"

@dataclass
class Net:
    first: Layer
    rest: list[Layer]
    counts: np.ndarray = field(default_factory=lambda: np.array([2, 3]))

class Pair(NamedTuple):
    x: float
    y: np.float32

@dataclass
class Positive:
    sigma: float

    def __post_init__(self):
        if self.sigma > -10:
            raise ValueError("sigma is never right")

def right(net: Net, scale: float, power: int = 2):
    rest = sum(np.sum(layer.w) * layer.b for layer in net.rest)
    return np.sum(net.first.w ** power) * scale + net.first.b * rest

@gx.lift
def op(x: float):
    return np.exp(x), lambda g: 1.001 * g * np.exp(x)

def wrong(net: Net, scale: float):
    return np.sum(op(net.rest[1].w)) + scale

def numbers(angle: Angle, pair: Pair, z: complex, three: tuple[float, ...], more: Optional[float],
            named: Annotated[float, "m"]):
    return np.sin(angle) * pair.x * pair.y + np.abs(z) ** 2 + sum(three) * more * named

def plain(x, y):
    return np.sum(x * y)

def labelled(x: np.ndarray, labels: np.ndarray, /, n: int):
    return np.sum(x[labels] ** n)

def table(files: dict):
    return np.sum(files["a"]) * files["b"]

def logs(x: float):
    return np.log(x)

def writes(x: np.ndarray):
    x[1:] += x[:-1] ** 2
    return x

def breaks(x: float):
    raise KeyError("no such key")

def never(x: float):
    return np.inf * x

def random(x: float):
    return x * np.random.default_rng().normal()

def kink(x: float):
    return abs(x)

def refused(p: Positive):
    return p.sigma

def unknown(x: set):
    return 0.0

def text(name: str):
    return 0.0

def lost(x: float):
    return float(x)

CONSTANT = 2.0
"""


@pytest.fixture
def check(gradx, tmp_path, monkeypatch):
    monkeypatch.delitem(__import__("sys").modules, "checked", raising=False)
    (tmp_path / "checked.py").write_text(PROGRAM)
    return lambda name, *options: gradx("check", f"checked:{name}", *options)


@pytest.fixture
def bad(check):
    def bad(told, *arguments):
        done = check(*arguments)
        assert (done.returncode, done.stdout) == (2, "")
        assert re.fullmatch(rf"gradx: error: {told}\n", done.stderr), done.stderr

    return bad


def test_right(check):
    done = check("right", "--shape", "2,3", "--modes", "rev")
    assert (done.returncode, done.stderr) == (0, "")
    assert re.fullmatch(
        r"checked:right is right\n"
        r"  net    drawn, 28 numbers\n"
        r"  scale  drawn, 1 number\n"
        r"order 1, reverse +29 numbers, largest error \d\.\de-\d+\n"
        r"order 2, reverse over reverse +29 numbers, largest error \d\.\de-\d+\n",
        done.stdout,
    )


def test_wrong(check):
    done = check("wrong", "--shape", "net.rest[1].w=2", "--shape", "1", "--seed", "3")
    assert (done.returncode, done.stderr) == (1, "")
    number = r"[-\d.e]+"
    assert re.search(
        r"^checked:wrong is wrong\n(  .*\n){2}"
        r"the derivatives of checked:wrong are not those of central differences\n"
        r"order 1, reverse: 2 of 10 numbers\n"
        rf"  net\.rest\[1\]\.w\[0\]: {number}, expected {number} \(off by {number}; step .*\)\n"
        rf"  net\.rest\[1\]\.w\[1\]: {number}, expected {number} \(off by {number}; step .*\)\n",
        done.stdout,
    )


def test_an_op(check):
    done = check("op")
    assert (done.returncode, done.stderr) == (1, "")
    assert done.stdout.startswith("checked:op is wrong\n  x  drawn, 1 number\n")


def test_every_annotation_is_drawn(check):
    done = check("numbers", "--order", "1", "--modes", "rev")
    assert done.returncode == 0
    assert "  pair   drawn, 2 numbers\n  z      drawn, 2 numbers\n" in done.stdout
    assert "  three  drawn, 3 numbers\n  more   drawn, 1 number\n" in done.stdout
    assert "order 1, reverse  10 numbers, largest" in done.stdout


def test_the_seed_decides(check):
    outputs = [check("kink", "--seed", seed).stdout for seed in (1, 1, 2)]
    assert outputs[0] == outputs[1] != outputs[2]


@pytest.mark.parametrize(
    ("values", "what"),
    [
        (["2", "-3.5"], "  x  given, 1 number\n  y  given, 1 number\n"),
        (["y=1", "x=2-1j"], "  x  given, 2 numbers\n  y  given, 1 number\n"),
        (["x.npy", "2"], "  x  given, 4 numbers\n  y  given, 1 number\n"),
        (["counts.npy", "2"], "  x  given, constant\n  y  given, 1 number\n"),
    ],
)
def test_values_are_given(check, tmp_path, values, what):
    np.save(tmp_path / "x.npy", np.ones((2, 2)))
    np.save(tmp_path / "counts.npy", np.arange(3))
    done = check("plain", *values)
    assert (done.returncode, done.stderr) == (0, "")
    assert f"checked:plain is right\n{what}" in done.stdout


def test_what_is_whole_is_constant(check, tmp_path):
    np.save(tmp_path / "labels.npy", np.array([0, 2]))
    done = check("labelled", "--shape", "x=3", "labels=labels.npy", "n=3")
    assert (done.returncode, done.stderr) == (0, "")
    rows = "  x       drawn, 3 numbers\n  labels  given, constant\n  n       given, constant\n"
    assert rows in done.stdout


def test_arrays_of_a_file_are_fields(check, tmp_path):
    np.savez(tmp_path / "net.npz", **{"first.w": np.ones(2), "first.b": 0.5, "rest": np.ones(0)})
    done = check("right", "net.npz", "2.0")
    assert (done.returncode, done.stderr) == (0, "")
    assert "  net    given, 3 numbers\n" in done.stdout
    np.savez(tmp_path / "table.npz", a=np.ones(2), b=0.5)
    done = check("table", "table.npz")
    assert (done.returncode, done.stderr) == (0, "")
    assert "  files  given, 3 numbers\n" in done.stdout


def test_positive_numbers_where_others_have_no_result(check):
    seed = next(k for k in range(9) if np.random.default_rng(k).standard_normal() < 0)
    assert check("logs", "--seed", seed).returncode == 0


def test_a_function_that_writes(check):
    assert check("writes", "--shape", "4").returncode == 0


def test_a_kink_is_not_called_wrong(check):
    done = check("kink", "0")
    assert done.returncode == 1
    assert done.stdout.startswith("checked:kink is not smooth there\n  x  given, 1 number\n")
    assert "  x: a kink: the slope is " in done.stdout


def test_a_random_function(check):
    done = check("random")
    assert done.returncode == 1
    assert "for the same inputs" in done.stdout


def test_in_a_process_of_its_own(gradx_process, tmp_path):
    (tmp_path / "checked.py").write_text(PROGRAM)
    codes = [gradx_process("check", f"checked:{f}", "2").returncode for f in ("kink", "lost")]
    assert codes == [0, 2]


# --- Bad input ------------------------------------------------------------------------------------

DRAWN = "annotate it with float, np.ndarray, a dataclass or a tuple or list of these"


def test_names(bad, refused, tmp_path):
    bad(
        r"'checked:absent' is not there, since checked has no 'absent'; gradx check takes .*",
        "absent",
    )
    bad("checked:CONSTANT is a float; name a function in a module, as in program:loss", "CONSTANT")
    refused(
        "there is no module 'nowhere'; gradx check takes the name of a module, as for import, or "
        "'package.module:function'",
        *("check", "nowhere:f"),
    )
    (tmp_path / "broken.py").write_text("1 / 0\n")
    refused(
        "broken:f could not be imported (ZeroDivisionError: division by zero); run the module by "
        "itself to see where",
        *("check", "broken:f"),
    )
    (tmp_path / "opaque.py").write_text("f = max\n")
    refused(
        "opaque:f does not say its parameters; write a function of Python's that calls it",
        *("check", "opaque:f"),
    )


def test_what_cannot_be_drawn(bad):
    given = r"of which no value is drawn; give one, such as x=2\.5 or a \.npy file, or "
    bad(f"x has no annotation, {given}{DRAWN}", "plain")
    bad(f"x has the annotation set, {given}{DRAWN}", "unknown")
    no_shape = r"is an array with no shape; give --shape {}=3,4 for one of floats, or a \.npy file"
    bad("x " + no_shape.format("x"), "labelled")
    bad(r"net\.first\.w " + no_shape.format(r"net\.first\.w"), "right")
    bad(
        r"p: Positive could not be made \(ValueError: sigma is never right\); give values that it "
        "takes",
        "refused",
    )
    bad(r"checked:text was given nothing to differentiate; give it numbers or .*", "text", "a")


def test_values_that_cannot_be_read(bad, tmp_path):
    (tmp_path / "text.npy").write_text("no array")
    np.savez(tmp_path / "net.npz", w=np.ones(2))
    np.savez(
        tmp_path / "more.npz", **{"first.w": np.ones(2), "first.b": 1.0, "rest": [1.0], "x": 1}
    )
    bad(
        r"x=a is no number; give a number such as 2\.5 or 1\+2j, or a file of arrays \(\.npy, .*",
        "logs",
        "a",
    )
    bad(r"--oder: checked:logs takes x; give each value once, .*", "logs", "1", "--oder")
    bad(
        r"x=2: checked:logs takes x; give each value once, .* or as parameter=value",
        "logs",
        "1",
        "x=2",
    )
    bad(r"no\.npy: there is no such file; check the path", "logs", "no.npy")
    bad(r"text\.npy: is damaged or of another kind \(.*\); write it again", "logs", "text.npy")
    (tmp_path / "half.npz").write_bytes((tmp_path / "net.npz").read_bytes()[:-9])
    bad(r"half\.npz: is damaged or of another kind \(.*\); write it again", "logs", "half.npz")
    bad(r"net\.npz has no first, which net needs; add that array", "right", "net.npz", "1")
    bad(r"more\.npz has x, and net has no such field; name the arrays .*", "right", "more.npz", "1")


def test_options_that_cannot_be(bad):
    bad(
        r".*--shape a: it is 'x=3,4' for the array x, .*; see 'gradx check --help'",
        "logs",
        "--shape",
        "a",
    )
    bad(r"order=0 checks nothing; give 1, or 2 for second derivatives", "logs", "--order", "0")
    bad(r"modes=\['a'\] is not a choice of modes; give one or more of .*", "logs", "--modes", "a")


def test_functions_that_fail(bad):
    bad(r"checked:breaks raised KeyError: 'no such key'; give other values, or .*", "breaks")
    bad(r"the result of checked:never is not finite for these inputs; give values .*", "never")
    bad(r"use the lifted function \(np\.sin, not math\.sin\).*", "lost")
