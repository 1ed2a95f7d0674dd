"""Every Python block of the documents, every docstring's example and every example file runs."""

import ast
import doctest
import importlib
import inspect
import os
import subprocess
import sys

import pytest

from tests.architecture.sources import ROOT, package_modules
from tests.docs.blocks import (
    Block,
    UnclosedFenceError,
    python_blocks,
    relative,
    run_doctest,
    run_document,
)

DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
EXAMPLES = sorted((ROOT / "examples").glob("*.py"))
TRAINED = sorted((ROOT / "examples" / "models").glob("*.py"))  # and run by tests/train
MODULES = [name for name in package_modules("gradx") if not name.endswith("__main__")]


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: relative(path, ROOT))
def test_document_runs(path, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    run_document(path.read_text(encoding="utf-8"), str(path))


@pytest.mark.parametrize("name", MODULES)
def test_docstrings_run(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for test in doctest.DocTestFinder().find(importlib.import_module(name), name):
        run_doctest(test)


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: relative(path, ROOT))
def test_example_runs(path, tmp_path):
    quick = ["--quick"] if "argparse" in path.read_text(encoding="utf-8") else []
    done = subprocess.run(
        [sys.executable, "-W", "error", str(path), *quick],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_example_is_listed():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    names = [relative(path, ROOT) for path in (*EXAMPLES, *TRAINED)]
    assert [name for name in names if f"]({name})" not in readme] == []


MODELS = [path for path in EXAMPLES if path.stem.endswith("_model")]


@pytest.mark.parametrize("path", MODELS, ids=lambda path: path.stem)
def test_the_model_of_an_example_imports_nothing_of_gradx(path):
    code = ast.walk(ast.parse(path.read_text(encoding="utf-8")))
    imported = {
        name
        for node in code
        for name in (
            [alias.name for alias in node.names]
            if isinstance(node, ast.Import)
            else [node.module]
            if isinstance(node, ast.ImportFrom)
            else []
        )
    }
    assert imported <= {"dataclasses", "numpy"}


# ---- the tester, tested ------------------------------------------------------------------------

DOCUMENT = """
Text with `inline` code.

```python
x = 2
```

* in a list

  ```python
  y = x + 1
  ```

```console
$ this is not python
```

~~~~python
>>> x + y
5
>>> z = 7
~~~~

```
neither is this
```

```python
assert z == 7
```
"""


def test_blocks_are_found_with_their_lines():
    assert list(python_blocks(DOCUMENT)) == [
        Block("x = 2\n", 5),
        Block("y = x + 1\n", 11),
        Block(">>> x + y\n5\n>>> z = 7\n", 19),
        Block("assert z == 7\n", 29),
    ]


def test_blocks_share_a_namespace():
    run_document(DOCUMENT, "document")


def test_a_wrong_result_is_found():
    with pytest.raises(AssertionError, match=r"(?s)line 19, in document.*Expected:.*6.*Got:.*5"):
        run_document(DOCUMENT.replace("\n5\n", "\n6\n"), "document")


def test_an_error_is_found_at_its_line():
    with pytest.raises(AssertionError) as caught:
        run_document(DOCUMENT.replace("z == 7", "z == 8"), "document")
    assert inspect.getinnerframes(caught.tb)[-1].lineno == 29


def test_a_block_without_an_end_is_found():
    with pytest.raises(UnclosedFenceError, match="line 2 has no end"):
        list(python_blocks("text\n```python\nx = 1\n"))


COMMANDS = """
```python
# tiny.py
def init(rng): return 1.0
def loss(x): return x * x
```

```console
$ gradx new other   # a comment
Wrote other.py; …
$ gradx train tiny.py --epochs 2
…
model     tiny.py, 1 parameter
…
Epoch 2: training loss …
…
```
"""


def test_commands_of_a_document_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    run_document(COMMANDS, "document")
    assert sorted(os.listdir()) == ["other.py", "tiny.py"]


@pytest.mark.parametrize("shown", ["Wrote other.py; …", "Epoch 2: training loss …"])
def test_a_command_that_prints_something_else_is_found(tmp_path, monkeypatch, shown):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(AssertionError, match=r"(?s)document, line 9: \$ gradx.*prints.*not"):
        run_document(COMMANDS.replace(shown, "Something else"), "document")


def test_a_dataclass_in_a_document_finds_its_module():
    run_document(
        "```python\n"
        "from __future__ import annotations\n"
        "import dataclasses, typing\n"
        "@dataclasses.dataclass\n"
        "class Pair:\n"
        "    first: float\n"
        "assert typing.get_type_hints(Pair) == {'first': float}\n"
        "```\n",
        "document",
    )
