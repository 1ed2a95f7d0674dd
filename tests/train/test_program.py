"""Programs: what a model file or a class gives, and one clear line where it cannot be used."""

import contextlib
import re
import sys
import textwrap

import numpy as np
import pytest

import gradx as gx
from gradx.train import (
    ProgramError,
    check_loss,
    count_numbers,
    faults_told,
    first_params,
    load_program,
    read_data,
)

LINE = """\
from __future__ import annotations
from dataclasses import dataclass
import numpy as np

@dataclass
class Line:
    slope: np.ndarray
    offset: float

def init(rng):
    return Line(rng.normal(size=2), 0.0)

def loss(line, batch):
    x, y = batch
    return np.mean((x @ line.slope + line.offset - y) ** 2)

def data():
    x = np.arange(12.0).reshape(6, 2)
    return x, x.sum(axis=1)
"""


@pytest.fixture
def write(tmp_path, monkeypatch):
    """Writes a model file and makes its folder the current one; gives its name."""
    monkeypatch.chdir(tmp_path)

    def write(text, name="MODEL.py"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(textwrap.dedent(text))
        return name

    yield write
    for name, module in list(sys.modules.items()):  # what the test's files imported
        if (getattr(module, "__file__", None) or "").startswith(str(tmp_path)):
            del sys.modules[name]


@pytest.fixture
def refused():
    """Asserts that a block raises a ProgramError of that text, on one line."""

    @contextlib.contextmanager
    def refused(text):
        with pytest.raises(ProgramError, match=re.escape(text)) as caught:
            yield
        assert str(caught.value) == text

    return refused


def test_a_file(write):
    program = load_program(write(LINE))
    params = first_params(program, 3)
    batch = read_data(program).train
    check_loss(program, params, batch)
    assert type(params).__name__ == "Line" and count_numbers(params) == 3
    assert (program.name, program.reduction, program.path_use) == ("MODEL.py", "mean", "none")
    assert program.metrics is program.predict is None
    gradient = gx.grad(program.loss)(params, batch)
    assert type(gradient) is type(params) and gradient.slope.shape == (2,)


def test_the_same_seed_gives_the_same_parameters(write):
    program = load_program(write(LINE))
    one, same, other = (first_params(program, seed).slope for seed in (1, 1, 2))
    assert np.array_equal(one, same) and not np.array_equal(one, other)


def test_whole_numbers_among_the_parameters_are_floats(write):
    """As they are after a step, so that a checkpoint fits what the program begins with."""
    text = """
        def init(rng): return {"a": 0, "b": [1, 2.5]}
        def loss(p): return p["a"] ** 2
        """
    assert repr(first_params(load_program(write(text)), 0)) == "{'a': 0.0, 'b': [1.0, 2.5]}"


def test_files_of_one_name_do_not_disturb_one_another(write):
    write("SIZE = 2", "one/helper.py")
    write("SIZE = 3", "two/helper.py")
    text = """
        from helper import SIZE
        def init(rng): return np.ones(SIZE) * SCALE
        def loss(p): return np.sum(p)
        import numpy as np
        """
    one = load_program(write(text + "SCALE = 10", "one/MODEL.py"))
    two = load_program(write(text + "SCALE = 20", "two/MODEL.py"))
    for _ in range(2):
        assert first_params(one, 0).tolist() == [10.0, 10.0]
        assert first_params(two, 0).tolist() == [20.0, 20.0, 20.0]
        two = load_program("two/MODEL.py")
    assert not any(path.endswith(("/one", "/two")) for path in sys.path)


CLASS = """\
import numpy as np
from dataclasses import dataclass
reduction = "sum"

@dataclass
class Net:
    w: np.ndarray
    @classmethod
    def init(cls, rng): return cls(rng.normal(size=3))
    def loss(self, batch): return np.sum((self.w - batch[0]) ** 2)
    def predict(self, inputs): return inputs @ self.w

class Empty: pass
def init(rng): return np.ones(1)
def data(): return (np.ones((4, 3)),)
"""


def test_a_class_goes_before_its_module(write):
    for name in ("models:Net", "models.py:Net"):
        write(CLASS, "models.py")
        program = load_program(name)
        params = first_params(program, 0)
        assert type(params).__name__ == "Net" and program.reduction == "sum"
        check_loss(program, params, read_data(program).train)
        assert program.predict(params, np.eye(3)).tolist() == params.w.tolist()


def test_data_of_all_kinds(write):
    program = load_program(
        write(
            """
            import numpy as np
            def init(rng): return {"w": rng.normal(size=2), "z": np.ones(1) * 1j, "f": 0.5, "n": 3}
            def loss(params, batch): return params["w"].sum()
            def data(path=None):
                x, y = np.ones((5, 2)), np.arange(5)
                return (x, y) if path is None else ((x, y), (x[:2], y[:2]))
            """
        )
    )
    assert program.path_use == "optional"
    alone, split = read_data(program), read_data(program, "file")
    assert alone.test is None and [x.dtype for x in alone.train] == [np.float64, np.int64]
    assert [len(x) for x in (*split.train, *split.test)] == [5, 5, 2, 2]
    params = first_params(program, 0, "float32")
    assert [params[key].dtype for key in "wz"] == [np.float32, np.complex64]
    assert (params["f"], params["n"]) == (0.5, 3)


def test_a_program_without_data(write):
    program = load_program(
        write(
            """
            def init(rng): return (3.0, 4.0)
            def loss(p): return p[0] ** 2 + p[1] ** 2
            def metrics(p): return {"x": p[0]}
            """
        )
    )
    assert read_data(program) is None
    check_loss(program, first_params(program, 0), None)


# ---- what cannot be used -----------------------------------------------------------------------

INIT = "def init(rng): return 1.0\n"
LOSS = "def loss(params, batch): return params\n"
DATA = "def data(): return (batch,)\n"


def test_names_that_are_not_there(refused, write):
    write(CLASS, "models.py")
    cases = {
        "MODEL": "MODEL: is neither a Python file nor a class; give MODEL.py, or module:Class",
        "none.py": "none.py: there is no such file; check the path, or write one with 'gradx new "
        "none'",
        "no_module:Net": "no_module:Net: there is no module 'no_module'; give MODEL.py, or "
        "module:Class of a module that is installed or in the current folder",
        "models:No": "models:No: there is no class 'No' in models; name one of Net, Empty",
        "math:No": "math:No: there is no class 'No' in math; name one of its classes (it has none)",
    }
    for name, text in cases.items():
        with refused(text):
            load_program(name)


def test_a_file_whose_ending_was_left_out(refused, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "own.py").write_text("")
    with refused("own: is neither a Python file nor a class; give own.py"):
        load_program("own")


def test_a_folder(refused, write, tmp_path):
    (tmp_path / "folder.py").mkdir()
    write("", "any.py")
    with refused("folder.py: cannot be read (Is a directory); name a file"):
        load_program("folder.py")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("x = 1\ndef init(:\n", r", line 2: is not Python \(.*\); mend it there"),
        ("x = '\0'", r".*: is not Python \(.*null bytes.*\); mend it there"),
        ("\n1 / 0\n", ": line 2 of MODEL.py: ZeroDivisionError: division by zero; mend it there"),
        (
            "import no_such_module",
            ": line 1 of MODEL.py: ModuleNotFoundError: No module named 'no_such_module'; mend it "
            "there",
        ),
        ("import helper", ": line 1 of helper.py: ValueError: no; mend it there"),
        ("exit(3)", ": line 1 of MODEL.py: SystemExit: 3; mend it there"),
        (
            "from . import x",
            ": line 1 of MODEL.py: ImportError: attempted relative import with no known parent "
            "package; mend it there",
        ),
        (
            "",
            re.escape(
                ": there is no init and no loss; write def init(rng): return "
                "Net(w=rng.normal(size=(10, 784)), …); def loss(params, batch): x, y = batch; "
                "return np.mean(…)"
            ),
        ),
        (
            f"class Net:\n  def init(rng): pass\n{LOSS}",
            r": there is no init; write def init\(rng\): .*, or name the class that has them with "
            "':Net'",
        ),
        (
            f"{INIT}loss = 3.0",
            r": loss is 3.0, not a function; write def loss\(params, batch\): .*",
        ),
        (
            f"{INIT}{LOSS}reduction = 'max'",
            ': reduction is \'max\'; write reduction = "mean" or "sum", what loss makes of a batch',
        ),
        (
            f"def init(): return 1.0\n{LOSS}{DATA}",
            r", line 1: init\(\) cannot be called with 1 argument; write def init\(rng\): .*",
        ),
        (
            f"{INIT}def loss(x): return x\n{DATA}",
            r", line 2: loss\(x\) cannot be called with 2 arguments; write def loss\(params, .*",
        ),
        (
            f"{INIT}{LOSS}",
            r", line 2: loss\(params, batch\) cannot be called with 1 argument; write "
            r"def loss\(params\): return …, or add def data\(\): return x, y",
        ),
        (
            f"{INIT}{LOSS}def data(a, b): return a",
            r", line 3: data\(a, b\) cannot be called with 0 or 1 argument; write def data\(\): "
            "return x, y",
        ),
        (
            f"{INIT}{LOSS}{DATA}def predict(p): return 1",
            r", line 4: predict\(p\) cannot be called with 2 arguments; write def predict\(.*",
        ),
    ],
)
def test_files_that_cannot_be_used(write, text, told):
    write("\nraise ValueError('no')".lstrip(), "helper.py")
    before = set(sys.modules)
    with pytest.raises(ProgramError, match=rf"\AMODEL\.py{told}\Z"):
        load_program(write(text))
    assert [name for name in set(sys.modules) - before if "raise" in text] == []


def test_a_module_that_raises(refused, write):
    write("import numpy\n\n1 / 0", "bad.py")
    with refused("bad:Net: line 3 of bad.py: ZeroDivisionError: division by zero; mend it there"):
        load_program("bad:Net")
    assert "bad" not in sys.modules


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (
            "'weights'",
            "init gave no parameters: what init gave is 'weights', a value of type str, which has "
            "no gradient; leave it out of the differentiated arguments (argnums= and argnames= "
            "choose them, or close over it in a lambda); return a record, or any tuple, list or "
            "dict of numbers and arrays of floats",
        ),
        (
            "{'name': 'net'}",
            "init gave a dict without a number to learn; return a record, or any tuple, list or "
            "dict with an array of floats in it",
        ),
    ],
)
def test_init_that_gives_nothing_to_learn(refused, write, given, told):
    program = load_program(write(f"def init(rng): return {given}\n{LOSS}{DATA}"))
    with refused(f"MODEL.py: {told}"):
        first_params(program, 0)


def test_an_unknown_type_of_parameters(write):
    program = load_program(write(f"class Net:\n  w = 1\ndef init(rng): return Net()\n{LOSS}{DATA}"))
    told = r"MODEL.py: init gave no parameters: gradx does not know the type Net of the value"
    with pytest.raises(ProgramError, match=told):
        first_params(program, 0)


FORM = "return a tuple of arrays, {}, or two such tuples, to train and to test on"


@pytest.mark.parametrize(
    ("given", "told", "form"),
    [
        ("[1.0]", "a list", "such as 'return x, y'"),
        ("np.ones(3)", "a ndarray", "such as 'return x,'"),
        ("()", "an empty tuple", "such as 'return x, y'"),
        ("(np.ones(3), [1, 2, 3])", "a list at 1", "such as np.asarray(x)"),
        ("(np.array(['a']),)", "an array of dtype <U1 at 0", "of numbers"),
        ("(np.array(1.0),)", "an array without rows at 0", "whose rows are samples"),
        ("(np.ones(3), np.ones(2))", "arrays of 3 and 2 rows", "a row of each for every sample"),
        ("(np.ones(0),)", "arrays without rows", "with a sample at least"),
        (
            "((np.ones(3),), (np.ones(2), np.ones(2)))",
            "1 arrays to train on and 2 to test on",
            "as many of each",
        ),
    ],
)
def test_data_that_is_no_arrays(refused, write, given, told, form):
    text = f"import numpy as np\n{INIT}{LOSS}def data(): return {given}"
    with refused(f"MODEL.py: data() gave {told}; {FORM.format(form)}"):
        read_data(load_program(write(text)))


def test_the_path_of_data(refused, write):
    program = load_program(write(f"{INIT}{LOSS}{DATA}"))
    with refused(
        "MODEL.py: --data does not apply, as its data() takes no path; write def data(path): …"
    ):
        read_data(program, "file")
    program = load_program(write(f"{INIT}def loss(params): return 1.0"))
    with refused("MODEL.py: --data does not apply, as it has no data(); write def data(path): …"):
        read_data(program, "file")
    program = load_program(write(f"{INIT}{LOSS}def data(path): return path"))
    with refused("MODEL.py: its data(path) needs a path; give it with --data PATH"):
        read_data(program)


@pytest.mark.parametrize(
    ("loss", "metrics", "told"),
    [
        ("None", "{}", "loss gave None; return one real number, such as np.mean(errors)"),
        ("1", "{}", "loss gave 1, of type int; return one real number, such as np.mean(errors)"),
        (
            "np.ones(3)",
            "{}",
            "loss gave an array of float64, of shape (3,); return one real number, such as "
            "np.mean(errors)",
        ),
        (
            "np.array(1j)",
            "{}",
            "loss gave an array of complex128, of shape (); return one real number, such as "
            "np.mean(errors)",
        ),
        (
            "1.0",
            "0.5",
            "metrics gave 0.5, of type float; return a dict of numbers, such as "
            '{"error": np.mean(wrong)}',
        ),
        ("1.0", "{3: 1.0}", 'metrics names one 3; use a name such as "error"'),
        ("1.0", "{'loss': 1.0}", "metrics names one 'loss'; use a name such as \"error\""),
        (
            "1.0",
            "{'error': np.ones(2)}",
            "the metric error is an array of float64, of shape (2,); give one number, such as "
            "np.mean(wrong)",
        ),
    ],
)
def test_losses_that_are_no_number(refused, write, loss, metrics, told):
    text = f"import numpy as np\n{INIT}{DATA}def loss(p, batch): return {loss}\n"
    program = load_program(write(f"{text}def metrics(p, batch): return {metrics}"))
    with refused(f"MODEL.py: {told}"):
        check_loss(program, 1.0, (np.ones(3),))


def test_what_its_functions_raise_is_told_by_line(refused, write):
    program = load_program(
        write(
            f"""
            import numpy as np
            {INIT.strip()}
            {DATA.strip()}
            def half(w):

                return w @ np.ones(4)
            def loss(p, batch):
                return half(np.ones(3))
            """
        )
    )
    fault = r"\AMODEL.py: line 7 of MODEL.py, in half: ValueError: matmul.*; mend it there\Z"
    with pytest.raises(ProgramError, match=fault), faults_told(program):
        program.loss(1.0, ())
    name = "MODEL.py: line 4 of MODEL.py, in data: NameError: name 'batch' is not defined"
    with refused(f"{name}; mend it there"), faults_told(program):
        program.data()


@pytest.mark.parametrize(("base", "text"), [("BaseException", "1"), ("Exception", "{}['x']")])
def test_errors_of_the_users_own_kinds(write, base, text):
    own = f"class Odd({base}):\n  def __str__(self): return str({text})\n"
    program = load_program(write(f"{own}{INIT}{DATA}def loss(p, batch): raise Odd"))
    said = "Odd: 1" if text == "1" else "Odd"
    fault = rf"in loss: {said}; mend it there\Z"
    with pytest.raises(ProgramError, match=fault), faults_told(program):
        program.loss(1.0, ())


@pytest.mark.parametrize("error", [KeyboardInterrupt, MemoryError, BrokenPipeError])
def test_what_is_no_fault_of_the_program_goes_on(write, error):
    program = load_program(write(f"{INIT}{DATA}def loss(p, batch): raise p"))
    with pytest.raises(error), faults_told(program):
        program.loss(error, ())
    with pytest.raises(KeyError), faults_told(program):  # raised elsewhere
        raise KeyError
