"""Type checkers accept right programs and refuse wrong ones.

The programs are in `programs/`. Each line that ends in ``# error`` must be refused by mypy and by
pyright, and no other may be; ``assert_type`` says what a type must be. What is not marked also
runs.
"""

import functools
import importlib.util
import os
import runpy
from pathlib import Path

import pytest

from tests.typing.judges import JUDGES, Verdicts, expected, mismatches

PROGRAMS = sorted((Path(__file__).parent / "programs").glob("*.py"))

judged = [
    pytest.param(judge, program, id=f"{judge}-{program.stem}")
    for judge in JUDGES
    for program in PROGRAMS
]


@functools.cache
def verdicts_of(judge: str) -> Verdicts:
    """What the judge says of all programs; it is called once."""
    return JUDGES[judge](PROGRAMS)


@pytest.mark.slow
@pytest.mark.parametrize(("judge", "program"), judged)
def test_right_programs_are_accepted_and_wrong_ones_refused(judge, program):
    if importlib.util.find_spec(judge) is None:
        text = (
            f"{judge} is not installed; scripts/setup check test, as scripts/check does, brings it"
        )
        assert "CI" not in os.environ, text
        pytest.skip(text)
    found = mismatches(program, verdicts_of(judge).get(program.name, {}), judge)
    assert not found, "\n" + "\n".join(found)


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda path: path.stem)
def test_right_programs_run(program):
    runpy.run_path(str(program))


# ---- the tester, tested ------------------------------------------------------------------------


def test_marks_are_read():
    text = "x = 1\ny = x + ''  # error\nz = 2  # error: mypy\nw = '# error'\n"
    assert expected(text, "mypy") == {2, 3}
    assert expected(text, "pyright") == {2}


def test_a_disagreement_is_told(tmp_path):
    program = tmp_path / "program.py"
    program.write_text("x: int = 1\ny: str = x  # error\nz: str = x\n")
    assert mismatches(program, {3: "not a str"}, "mypy") == [
        "program.py:2 is wrong and accepted",
        "program.py:3 is right and refused: not a str",
    ]


def test_every_program_has_a_wrong_part():
    for program in PROGRAMS:
        assert expected(program.read_text(encoding="utf-8"), "mypy"), program.name
