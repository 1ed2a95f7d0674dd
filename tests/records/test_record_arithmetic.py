"""Arithmetic of records: new arrays, never those of an operand, on every interpreter."""

import subprocess
import sys
import textwrap
from typing import Any

import numpy as np
import pytest

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


# --- Precision, shape and type of the results -----------------------------------------------------

RATES = [0.1, np.float64(0.1), np.float32(0.1), np.array(0.1), np.longdouble(0.1), 1]


def leaves(rng, char):
    def draw(*shape):
        numbers = rng.standard_normal(shape) + (1j * rng.standard_normal(shape))
        return np.asarray(numbers if char in "FDG" else numbers.real).astype(char)

    return draw(2, 3), draw(), draw()[()]


@pytest.mark.parametrize("rate", RATES, ids=lambda r: type(r).__name__)
@pytest.mark.parametrize("char", "efdgFDG")
def test_a_leaf_keeps_its_precision_and_its_kind(rng, char, rate):
    a, b, c = leaves(rng, char)
    x = Pair(a, [b, c])
    for result in (x - rate * x, x * rate, rate / x, x**2, -x, x + x, x - Pair(*[x.a, x.b])):
        assert type(result.a) is np.ndarray and result.a.shape == (2, 3)
        assert type(result.b[0]) is np.ndarray and result.b[0].shape == ()
        assert type(result.b[1]) is type(c)
        assert result.a.dtype == result.b[0].dtype == result.b[1].dtype == np.dtype(char)
    np.testing.assert_array_equal((x - float(rate) * x).a, a - float(rate) * a)


@pytest.mark.parametrize("rate", RATES, ids=lambda r: type(r).__name__)
def test_python_numbers_stay_python_numbers(rate):
    x = Pair(1.5, (2.0 + 1j, np.float32(0.5)))
    y = Pair(np.float64(2.0), (np.complex128(1j), np.float64(4.0)))
    result = x - rate * y
    assert type(result.a) is float and result.a == 1.5 - float(rate) * 2.0
    assert type(result.b[0]) is complex and result.b[0] == 2.0 + 1j - float(rate) * 1j
    assert type(result.b[1]) is np.float32
    assert type((Pair(1.5, 2.0) - rate * Pair(np.array(1.0), 1.0)).a) is float


def test_the_first_record_gives_the_precision():
    x, y = Pair(np.ones(2, "f"), np.array(1.0, "f")), Pair(np.ones(2), np.array(3.0))
    assert (x - y).a.dtype == (x - y).b.dtype == np.float32
    assert (y - x).a.dtype == (y - x).b.dtype == np.float64
    assert (x - 0.5 * y).b == -0.5


def test_a_result_may_be_complex_or_real_where_the_leaf_is_not():
    x, y = Pair(np.ones(2, "f"), 2.0), Pair(np.ones(2) * 1j, 1j)
    assert (x + y).a.dtype == np.complex64 and (x + y).b == 2 + 1j
    assert (x * 1j).a.dtype == np.complex64
    assert abs(y).a.dtype == np.float64 and abs(y).b == 1.0
    assert abs(Pair(np.full(2, 3 + 4j, "F"), np.array(3 + 4j, "F"))).b.dtype == np.float32


def test_arrays_of_different_shapes_are_told_with_their_paths():
    x = Pair(np.ones(2), [np.array(1.0), 1.0])
    text = r"arrays of shapes \(2,\) and \(3, 2\) cannot be combined leaf by leaf.*\(at Pair\.a\)"
    with pytest.raises(gx.StructureError, match=text):
        x - Pair(np.ones((3, 2)), [np.array(1.0), 1.0])
    text = r"arrays of shapes \(\) and \(1,\) .*\(at Pair\.b\[1\]\)"
    with pytest.raises(gx.StructureError, match=text):
        x + Pair(np.ones(2), [np.array(1.0), np.ones(1)])
    with pytest.raises(gx.StructureError, match=r"a float and a list cannot .*\(at Pair\.b\[1\]\)"):
        x + Pair(np.ones(2), [np.array(1.0), [1.0]])
    text = r"a float and the static value None cannot be combined.*\(at Pair\.b\[1\]\)"
    with pytest.raises(gx.StructureError, match=text):
        x + Pair(np.ones(2), [np.array(1.0), None])
    text = r"the static value 'tanh' and a float cannot be combined.*\(at Pair\.b\)"
    with pytest.raises(gx.StructureError, match=text):
        Pair(1.0, "tanh") + Pair(1.0, 2.0)


def test_static_parts_are_those_of_the_first_record():
    rows = np.array([0, 2])
    x, y = Pair({"r": rows, "f": np.tanh}, "left"), Pair({"r": rows + 1, "f": np.sin}, "right")
    result = x - 0.5 * y
    assert result.b == "left" and result.a["f"] is np.tanh
    np.testing.assert_array_equal(result.a["r"], rows)
    with pytest.raises(gx.StructureError, match=r"'left' and 'right' at value\.b differ"):
        gx.add(x, y)


def test_dicts_match_by_key():
    x, y = Pair({"a": 1.0, "b": 2.0}, 0.0), Pair({"b": 20.0, "a": 10.0}, 0.0)
    assert (x + y).a == {"a": 11.0, "b": 22.0}
    assert list((x + y).a) == ["a", "b"]


def test_the_same_inside_a_differentiated_function():
    def f(x, rate):
        moved = x - rate * Pair(np.full(2, 3.0), np.array(4.0))
        return np.sum(moved.a * moved.b)

    x, rate = Pair(np.ones(2, "f"), np.array(2.0, "f")), 0.25
    y, (g, slope) = gx.backprop(f, x, rate)
    assert y == f(x, rate)
    assert g.a.dtype == g.b.dtype == np.float32 and type(g.b) is np.ndarray
    np.testing.assert_allclose(g.a, [1.0, 1.0])
    np.testing.assert_allclose(g.b, 0.5)
    d = 1e-3
    x = Pair(np.ones(2), np.array(2.0))
    assert slope == pytest.approx((f(x, rate + d) - f(x, rate - d)) / (2 * d), rel=1e-6)


def test_deep_records():
    deep, deeper = 1.0, 2.0
    for _ in range(3000):
        deep, deeper = [deep], [deeper]
    moved = Pair(np.ones(2), deep) - 0.25 * Pair(np.ones(2), deeper)
    inner = moved.b
    while isinstance(inner, list):
        (inner,) = inner
    assert inner == 0.5
