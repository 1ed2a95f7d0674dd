"""Arithmetic of records: new arrays, never those of an operand, on every interpreter."""

import subprocess
import sys
import textwrap
from typing import Any

import numpy as np

import gradx as gx

LARGE = 1 << 14


@gx.record
class Pair:
    a: Any
    b: Any


def test_it_works_where_the_interpreter_counts_no_references():
    program = """
        import sys
        import numpy as np
        del sys.getrefcount  # as on PyPy
        import gradx as gx

        @gx.record
        class Point:
            x: float
            w: np.ndarray

        p = Point(1.0, np.ones(2)) - 0.5 * Point(2.0, np.ones(2))
        assert p.x == 0.0 and p.w.tolist() == [0.5, 0.5]
        assert (-p / 2 + p).w.tolist() == [0.25, 0.25]
        assert gx.updates.sgd([1.0], [2.0], 0.25) == [0.5]
        print("done")
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program)], capture_output=True, text=True
    )
    assert done.stdout == "done\n", done.stderr


def test_what_the_other_operand_holds_is_left_alone():
    class Bag:
        """Its product is an array of records that it keeps."""

        def __rmul__(self, k):
            self.product = np.empty(1, object)
            self.product[0] = Pair(np.full(LARGE, 2.0), 1.0)
            return self.product

    bag, left = Bag(), np.empty(1, object)
    left[0] = Pair(np.zeros(LARGE), 0.0)
    difference = left - 2.0 * bag
    assert difference[0].a[0] == -2.0
    assert bag.product[0].a[0] == 2.0


def test_results_share_no_memory_with_operands():
    x, y = (Pair(np.arange(3.0), (np.ones(LARGE), 2.0)) for _ in range(2))
    for result in (x - y, x + 0, x * 1.0, +x, abs(x), x - 2.0 * y):
        for operand in (x, y):
            assert not np.shares_memory(result.a, operand.a)
            assert not np.shares_memory(result.b[0], operand.b[0])
