"""`gx.debug`: a variable that is used after its run says where it was made."""

import numpy as np
import pytest

import gradx as gx
from tests.debugging.samples import place_in


def place(function, text):
    return place_in(__file__, function, text)


def test_an_escaped_variable_says_where_it_was_made():
    escaped = []

    def f(x):
        escaped.append(x["a"])
        escaped.append(x["a"] * 2.0)
        return x["a"]

    with gx.debug():
        gx.grad(f)({"a": 1.0})
    with pytest.raises(gx.EscapedVarError, match=r"the variable is that of argument 0\['a'\], an"):
        escaped[0] + 1.0
    name = "test_an_escaped_variable_says_where_it_was_made.<locals>.f"
    made = place(name, 'escaped.append(x["a"] * 2.0)')
    with pytest.raises(
        gx.EscapedVarError, match=rf"the variable was made by operator\.mul, at {made}$"
    ):
        escaped[1] + 1.0
    with pytest.raises(gx.EscapedVarError, match="made by operator"):
        gx.grad(lambda y: [y, escaped[1]][1])(1.0)
    array = []
    with gx.debug():
        gx.grad(lambda x: (array.append(np.exp(x)), np.sum(x))[1])(np.ones(2))
    with pytest.raises(gx.EscapedVarError, match="the variable was made by exp, at "):
        array[0][0] = 1.0
