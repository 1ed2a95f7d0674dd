"""Any value comes back from a file as it was."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

import gradx as gx
from tests.files.test_values import Pair, equal, path

__all__ = ["path"]  # the fixture

numbers = (
    st.floats()
    | st.integers(-(2**63), 2**63 - 1)
    | st.complex_numbers()
    | st.fractions()
    | st.sampled_from(["text", None, True, np.tanh])
    | npst.arrays(
        st.sampled_from(["f2", "f4", "f8", "c8", "c16", "?", "i4", "u1"]),
        npst.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=3),
    )
)
keys = st.text("ab.é ", min_size=1, max_size=3) | st.integers(-3, 3)


@dataclass
class Node:
    x: Any
    y: Any = None
    n: int = 0
    label: str = "a node"
    extra: list[Any] = field(default_factory=list)


values = st.recursive(
    numbers,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.tuples(inner, inner)
        | st.dictionaries(keys, inner, max_size=3)
        | st.builds(Pair, inner, st.integers(0, 9), inner)
        | st.builds(Node, inner, inner, st.integers(0, 9), extra=st.lists(inner, max_size=2))
    ),
    max_leaves=8,
)


@given(value=values)
@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=150
)
def test_any_value_comes_back(path, value):
    gx.save(path, value)
    assert equal(gx.load(path, value), value)
