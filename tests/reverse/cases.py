"""Programs with what is right beside them: the tables that the files ``test_cases*.py`` fill."""

import dataclasses

import numpy as np
import pytest

import gradx as gx


class Programs:
    """Programs that return a right result, and programs that raise the error that says why not.

    Args of both decorators: ``fails`` marks a program that is wrong today. Its test fails as soon
    as the program is mended, and the mark goes.
    """

    def __init__(self):
        self.results, self.errors = [], []

    def right(self, *wanted, fails=None):
        """The decorated program returns this; of several results, these."""

        def note(program):
            value = wanted if len(wanted) > 1 else wanted[0]
            self.results.append(pytest.param(program, value, **marked(program, fails)))
            return program

        return note

    def refused(self, error, match, fails=None):
        """The decorated program raises this, with a text that fits."""

        def note(program):
            self.errors.append(pytest.param(program, error, match, **marked(program, fails)))
            return program

        return note


def marked(program, fails):
    marks = pytest.mark.xfail(strict=True, reason=fails) if fails else ()
    return {"id": program.__name__.replace("_", " "), "marks": marks}


def assert_alike(got, wanted):
    """Equal structures, with numbers that are equal up to rounding."""
    if isinstance(wanted, dict):
        assert type(got) is type(wanted) and got.keys() == wanted.keys()
        for key in wanted:
            assert_alike(got[key], wanted[key])
    elif isinstance(wanted, (list, tuple)):
        assert type(got) is type(wanted) and len(got) == len(wanted)
        for mine, theirs in zip(got, wanted, strict=True):
            assert_alike(mine, theirs)
    elif dataclasses.is_dataclass(wanted):
        assert type(got) is type(wanted)
        for field in dataclasses.fields(wanted):
            assert_alike(getattr(got, field.name), getattr(wanted, field.name))
    elif isinstance(wanted, (float, np.ndarray)):
        assert not isinstance(got, gx.BVar)
        np.testing.assert_allclose(got, wanted, rtol=1e-12)
    else:
        assert type(got) is type(wanted) and got == wanted
