"""Modules: the user's own Python files and modules, run where they stand.

What they raise is told in one line that names the place.
"""

from __future__ import annotations

import hashlib
import importlib
import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.machinery import SOURCE_SUFFIXES
from pathlib import Path
from types import ModuleType

from gradx.train.errors import ProgramError

# Of the modules that MODEL.py files become; no program can have such a name of its own.
_PREFIX = "gradx model "
_MODULE = re.compile(rf"{_PREFIX}.*? [0-9a-f]{{16}}\.")

PYTHON = SOURCE_SUFFIXES[0]
_GRADX = Path(__file__).resolve().parents[1]


def module_at(path: Path, name: str) -> ModuleType:
    """Run a Python file as a module of its own; each run of a file makes a new one.

    Args:
        path: the file.
        name: as the user gave it, for messages.

    Raises:
        ProgramError: there is no such file, or it is not Python, or raises.
    """
    try:
        source = path.read_bytes()
        code = compile(source, str(path.absolute()), "exec", dont_inherit=True)
    except FileNotFoundError:
        raise ProgramError(
            f"{name}: there is no such file; check the path, or write one with 'gradx new "
            f"{path.stem}'"
        ) from None
    except OSError as error:
        raise ProgramError(f"{name}: cannot be read ({error.strerror}); name a file") from None
    except (SyntaxError, ValueError) as error:
        number = getattr(error, "lineno", None)
        line = f", line {number}" if number else ""
        told = getattr(error, "msg", None) or str(error)
        raise ProgramError(f"{name}{line}: is not Python ({told}); mend it there") from None
    whole = path.resolve()
    mark = hashlib.sha256(os.fsencode(whole)).hexdigest()[:16]
    module = ModuleType(f"{_PREFIX}{path.stem} {mark}", None)
    module.__file__ = str(path.absolute())
    module.__package__ = ""  # a file by itself, as when Python starts it
    with _importable(whole.parent), _told(name, "importing it", whole.parent):
        sys.modules[module.__name__] = module  # where dataclasses look for it
        try:
            exec(code, vars(module))
        except BaseException:
            del sys.modules[module.__name__]
            raise
    return module


def module_named(module: str, name: str) -> ModuleType:
    """Import a module, from the current folder too.

    Args:
        module: its dotted name.
        name: what the user asked for, for messages.

    Raises:
        ProgramError: there is no such module, or it raises.
    """
    here = Path.cwd()
    with _importable(here), _told(name, "importing it", here):
        try:
            return importlib.import_module(module)
        except ModuleNotFoundError as error:
            if error.name is None or not f"{module}.".startswith(f"{error.name}."):
                raise  # one that it imports
            raise ProgramError(
                f"{name}: there is no module {error.name!r}; give MODEL.py, or module:Class of a "
                "module that is installed or in the current folder"
            ) from None


@contextmanager
def _importable(folder: Path) -> Iterator[None]:
    """In the block, the modules in a folder can be imported, as for a program that is started.

    Modules that came with a program of another folder make room for those of the same name here.
    """
    others = {
        str(Path(module.__file__ or "").resolve().parent)
        for name, module in sys.modules.items()
        if name.startswith(_PREFIX)
    } - {str(folder)}
    for name, module in list(sys.modules.items()):
        file = getattr(module, "__file__", None)
        beside = {str(folder / f"{name}{PYTHON}"), str(folder / name / "__init__.py")}
        if file and _home(file) in others and any(Path(each).is_file() for each in beside):
            for part in [each for each in sys.modules if each.split(".")[0] == name]:
                del sys.modules[part]
    sys.path.insert(0, str(folder))
    importlib.invalidate_caches()
    try:
        yield
    finally:
        if str(folder) in sys.path:
            sys.path.remove(str(folder))


def _home(file: str) -> str:
    """The folder that a module's name is looked up in."""
    path = Path(file)
    return str(path.parent.parent if path.name == "__init__.py" else path.parent)


@contextmanager
def _told(name: str, when: str, folder: Path) -> Iterator[None]:
    """In the block, what a program's code raises becomes one line."""
    try:
        yield
    except (KeyboardInterrupt, GeneratorExit, MemoryError, ProgramError):
        raise
    except BaseException as error:  # SystemExit, and the user's own
        line = line_of(error, folder) or when
        raise ProgramError(f"{name}: {line}: {said_by(error)}; mend it there") from error


def line_of(error: BaseException, folder: Path) -> str | None:
    """The last line of a folder's files that an error came through, in words.

    Args:
        error: as it was caught.
        folder: in which the user's files are; what is installed there is none of them.

    Returns:
        Such as ``line 7 of MODEL.py, in loss``; None if it came through none.
    """
    found = None
    trace = error.__traceback__
    while trace is not None:
        code = trace.tb_frame.f_code
        file = Path(code.co_filename).resolve()
        named = not code.co_filename.startswith("<")  # as Python's frozen modules do
        own = named and file.is_relative_to(folder.resolve()) and not file.is_relative_to(_GRADX)
        if own and "site-packages" not in file.relative_to(folder.resolve()).parts:
            inside = "" if code.co_name == "<module>" else f", in {code.co_name}"
            found = f"line {trace.tb_lineno} of {file.name}{inside}"
        trace = trace.tb_next
    return found


def in_file(text: str) -> str:
    """A text in which the classes of a program's file have the names that they have there.

    >>> in_file(f"no gradient of gradx model net {'0' * 16}.Net")
    'no gradient of Net'
    """
    return _MODULE.sub("", text)


def said_by(error: BaseException) -> str:
    """An error's type and text in one line.

    >>> said_by(KeyError("weights"))
    "KeyError: 'weights'"
    """
    name = type(error).__name__
    try:
        text = in_file(" ".join(str(error).split()))
    except Exception:  # the user's own class, whose text is at fault too
        return name
    return f"{name}: {text if len(text) <= 500 else text[:499] + '…'}" if text else name
