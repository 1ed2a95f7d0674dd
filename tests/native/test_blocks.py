"""Formulas done block by block: by the C code, if it is there and the arrays are plain."""

import numpy as np
import pytest

from gradx.native import native
from gradx.native.blocks import steps_of
from gradx.optim import formulas
from gradx.optim.blocks import Program
from tests.native.native import blocks_kept, only_native

NUMBERS = (1e-3, 0.9, 0.999, 1e-8)
CODE = bytes((0, 0, 1, 2, 4, 2, 2, 0))  # c = a + b; a = sqrt(c)
NONE = np.zeros(0)


def adam(rng, size, dtype):
    """The arrays of a step of Adam."""
    p, g, m = (rng.standard_normal(size).astype(dtype) for _ in range(3))
    return [p, g, m, m * m]


def done(arrays, in_c, monkeypatch):
    """Copies of the arrays after a step, and how many calls it took."""
    if not in_c:
        monkeypatch.setattr("gradx.native.blocks.native", None)
    mine = [x.copy() for x in arrays]
    program = Program(formulas.adam, [x.dtype for x in mine], NUMBERS, (0, 2, 3))
    calls = list(program.calls([mine]))
    for call in calls:
        call()
    return mine, len(calls)


@only_native
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("size", [0, 1, 7, 511, 512, 513, 70_000])
def test_both_do_the_same_to_the_bit(size, dtype, rng, monkeypatch):
    arrays = adam(rng, size, dtype)
    with_c, calls = done(arrays, True, monkeypatch)
    without, more = done(arrays, False, monkeypatch)
    for x, y in zip(with_c, without, strict=True):
        np.testing.assert_array_equal(x, y)
    assert calls == 1 and (more > 10 or not size)


@only_native
def test_nothing_beside_the_arrays_is_written(rng):
    room = rng.random(5000)
    before = room.copy()
    a, b, c = room[1:1001], room[1003:2003], room[2501:3501]
    assert native.blockwise(CODE, 0, NONE, False, a, b, c) is True
    np.testing.assert_array_equal(c, before[1:1001] + before[1003:2003])
    np.testing.assert_array_equal(a, np.sqrt(c))
    room[1:1001], room[2501:3501] = before[1:1001], before[2501:3501]
    np.testing.assert_array_equal(room, before)


@only_native
def test_errors_of_arithmetic_are_told():
    x = np.full(600, 1e300)
    steps = steps_of([(np.multiply, (0, 0, 0))], [x.dtype], [], [])
    with pytest.warns(RuntimeWarning, match="overflow encountered in a step in place"):
        steps.call([x])()
    y = np.full(600, -1.0)
    root = steps_of([(np.sqrt, (0, 0))], [y.dtype], [], [])
    with np.errstate(invalid="raise"), pytest.raises(FloatingPointError, match="invalid value"):
        root.call([y])()


@only_native
@pytest.mark.parametrize(
    "args",
    [
        (),
        (CODE, 0, NONE, False),
        (CODE, 0, NONE, False, np.ones(3)),  # too few arrays for the code
        (CODE, 0, NONE, False, np.ones(3), np.ones(3), np.ones(4)),
        (CODE, 0, NONE, False, np.ones(3), np.ones(3), np.ones(3, "f")),
        (CODE, 0, NONE, False, np.ones(6)[::2], np.ones(3), np.ones(3)),
        (CODE, 0, NONE, False, [1.0], [1.0], [1.0]),
        (CODE, 0, NONE, False, *[np.ones(3, complex)] * 3),
        (CODE, 0, NONE, False, *[np.ones(3, ">f8")] * 3),
        (CODE, -1, NONE, False, *[np.ones(3)] * 3),
        (CODE, 1000, NONE, False, *[np.ones(3)] * 3),
        (CODE, 0, np.zeros(1000), False, *[np.ones(3)] * 3),
        (CODE, 0, np.zeros(2, "f"), False, *[np.ones(3)] * 3),
        (CODE, 0, [1.0], False, *[np.ones(3)] * 3),
        (CODE, 0.0, NONE, False, *[np.ones(3)] * 3),
        ("text", 0, NONE, False, *[np.ones(3)] * 3),
        (bytes((9, 0, 0, 0)), 0, NONE, False, np.ones(3)),
        (bytes((0, 0, 0, 1)), 0, np.ones(1), False, np.ones(3)),  # a result into a number
        (CODE, 0, NONE, False, *[np.ones(3)] * 9),
    ],
)
def test_what_is_no_plain_step_is_left_to_python(args):
    assert native.blockwise(*args) is False


@only_native
def test_a_read_only_array_is_not_written():
    x = np.ones(3)
    x.flags.writeable = False
    assert native.blockwise(CODE, 0, NONE, True, x, np.ones(3), np.ones(3)) is False
    assert native.blockwise(bytes((0, 0, 0, 1)), 0, NONE, True, x, np.ones(3)) is True


@only_native
def test_a_number_that_is_too_large_raises():
    with pytest.raises(OverflowError, match="too large"):
        native.blockwise(CODE, 1 << 80, NONE, False, *[np.ones(3)] * 3)


@only_native
def test_no_memory_is_left_behind():
    arrays = [np.ones(3) for _ in range(3)]
    assert blocks_kept(lambda: native.blockwise(CODE, 5, np.ones(4), False, *arrays)) < 0.1


def test_without_the_c_code_there_are_no_steps_of_it(monkeypatch):
    monkeypatch.setattr("gradx.native.blocks.native", None)
    assert steps_of([(np.add, (0, 0, 0))], [np.dtype(float)], [], []) is None


@pytest.mark.parametrize(
    ("ufunc", "dtypes", "temporaries", "numbers"),
    [
        (np.maximum, "d", "", 0),
        (np.add, "D", "", 0),
        (np.add, "e", "", 0),
        (np.add, "df", "", 0),
        (np.add, "d", "f", 0),
        (np.add, "d", "", 64),
    ],
)
def test_operations_that_c_has_not(ufunc, dtypes, temporaries, numbers):
    arrays, rooms = ([np.dtype(char) for char in chars] for chars in (dtypes, temporaries))
    assert steps_of([(ufunc, (0, 0, 0))], arrays, rooms, [0.5] * numbers) is None
