"""`gradx new`: a model file that works as it is, written where nothing is."""

import os
from pathlib import Path

import pytest

from gradx.cli import new
from gradx.train import check_loss, first_params, load_program, read_data


@pytest.mark.parametrize("name", ["ring", "ring.py"])
def test_what_it_writes(gradx, tmp_path, name):
    done = gradx("new", name)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "Wrote ring.py; train it with: gradx train ring.py\n"
    assert os.listdir(tmp_path) == ["ring.py"]
    text = (tmp_path / "ring.py").read_text()
    assert text.startswith('"""ring: ') and "NAME" not in text and "gradx train ring.py" in text
    program = load_program(str(tmp_path / "ring.py"))
    data, params = read_data(program), first_params(program, 0)
    check_loss(program, params, data.train)
    assert len(program.predict(params, data.test[0])) == len(data.test[0])


def test_a_file_that_is_there_stays(refused, tmp_path):
    (tmp_path / "ring.py").write_text("mine")
    refused("ring.py: is there already; name another file", "new", "ring")
    assert (tmp_path / "ring.py").read_text() == "mine"


def test_names_that_cannot_be_written(refused, tmp_path):
    refused(
        "none/ring.py: cannot be written, there is no directory none; make it first",
        *["new", "none/ring"],
    )
    for name in ("my-model", ".", ""):
        refused(
            f"{name}: is no name for a Python file; use letters, digits and _, such as my_model",
            *["new", name],
        )
    for name, whose in (("random", "Python"), ("numpy.py", "NumPy")):
        file = f"{name.removesuffix('.py')}.py"
        refused(
            f"{name}: is the name of a module of {whose}, which a {file} hides from programs in "
            "its folder; use another, such as my_model",
            *["new", name],
        )
    refused("Missing argument 'NAME'; see 'gradx new --help'", "new")
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt()])
def test_half_a_file_is_removed(gradx, tmp_path, monkeypatch, error):
    class Full:
        def __enter__(self):
            return self

        def __exit__(self, *args):
            return None

        def write(self, text):
            raise error

    class Place(type(Path())):  # Python 3.11 lets no other class be derived from
        def open(self, *args, **options):
            self.touch()
            return Full()

    monkeypatch.setattr(new, "Path", Place)
    done = gradx("new", "ring")
    assert os.listdir(tmp_path) == []
    told = "error: ring.py: cannot be written (No space left on device); name another file"
    interrupted = isinstance(error, KeyboardInterrupt)
    assert done.stderr.lstrip() == f"gradx: {'interrupted' if interrupted else told}\n"
    assert done.returncode == (130 if interrupted else 2)
