"""Data: every kind of source, what is asked of it, and what is refused."""

import re
from collections import namedtuple
from dataclasses import dataclass

import numpy as np
import pytest

from gradx.train import Batches, Blocks, DataError, Gradients, OptionError, Rows, batches, source_of
from gradx.train.data import rows_of, sample_order
from gradx.train.values import cast_floats, own
from tests.train.problems import Rising

X = np.arange(20.0).reshape(10, 2)
Y = np.arange(10)
WHOLE = Gradients()


@dataclass
class Table:
    x: np.ndarray
    y: np.ndarray
    unit: str = "m"
    classes: int = 10


Pair = namedtuple("Pair", "x y")


class TestRows:
    def test_any_value_of_arrays(self):
        order = sample_order(3, 2, 10)
        for data, parts in (
            ((X, Y), lambda b: b),
            ([X, [Y, Y]], lambda b: (b[0], b[1][1])),
            ({"x": X, "in": {"y": Y}}, lambda b: (b["x"], b["in"]["y"])),
            (Table(X, Y), lambda b: (b.x, b.y)),
            (Pair(X, Y), lambda b: (b.x, b.y)),
            ((Pair(X, Y), "text", None), lambda b: b[0]),
        ):
            found = list(batches(data, 4, seed=3, epoch=2))
            assert [type(batch) for batch in found] == [type(data)] * 3
            for batch, rows in zip(found, (order[:4], order[4:8], order[8:]), strict=True):
                np.testing.assert_array_equal(parts(batch)[0], X[rows], strict=True)
                np.testing.assert_array_equal(parts(batch)[1], Y[rows], strict=True)
        table = next(batches(Table(X, Y), 4))
        assert (table.unit, table.classes) == ("m", 10)
        assert next(batches(((X, Y), "text"), 4))[1] == "text"

    def test_the_order_is_that_of_the_seed_and_the_epoch(self):
        for seed, epoch in ((0, 1), (0, 2), (1, 1)):
            found = np.concatenate(list(batches(Y, 3, seed=seed, epoch=epoch)))
            np.testing.assert_array_equal(found, sample_order(seed, epoch, 10))

    @pytest.mark.parametrize("size", [1, 3])
    def test_batches_are_read_only(self, size):
        x, _ = next(batches((X, Y), size))
        with pytest.raises(ValueError, match="read-only"):
            x[0] = 1.0
        assert X.flags.writeable

    def test_single_samples_of_many(self, monkeypatch):
        steps = list(source_of((X, Y)).walk(0, 1, 1, WHOLE).steps(2))
        monkeypatch.setattr("gradx.train.data._AT_ONCE", 3)
        found = list(source_of((X, Y)).walk(0, 1, 1, WHOLE).steps(2))
        order = sample_order(0, 1, 10)[2:]
        assert [step.batch[1].tolist() for step in found] == [[i] for i in order]
        assert [step[1:] for step in found] == [step[1:] for step in steps]
        assert found[-1][1:] == (9, 10, True) and len(found) == 8

    def test_steps_go_on_from_anywhere(self):
        walk = source_of(Y).walk(0, 1, 4, WHOLE)
        assert [step[1:] for step in walk.steps(3)] == [(3, 4, False), (4, 8, False), (8, 10, True)]
        whole = [step.batch.tolist() for step in walk.steps(0)]
        assert [step.batch.tolist() for step in walk.steps(4)] == whole[1:]

    def test_items_by_rising_index_come_in_the_order_asked_for(self):
        x = Rising(X)
        found = list(batches((x, Y), 4, seed=1))
        for rows, labels in found:
            np.testing.assert_array_equal(rows, X[labels])
        assert x.asked == [4, 4, 2]  # never the whole
        assert [p.batch.tolist() for p in source_of(Rising(Y)).blocks(4, WHOLE)] == [
            [0, 1, 2, 3],
            [4, 5, 6, 7],
            [8, 9],
        ]

    def test_a_memory_map_is_read_row_by_row(self, tmp_path):
        big = np.lib.format.open_memmap(tmp_path / "x.npy", "w+", float, (1 << 18, 64))
        big[7] = 1.0  # 128 MB, of which one page is written
        rows = Rows(
            (np.load(tmp_path / "x.npy", mmap_mode="r"), np.arange(1 << 18)), dtype="float32"
        )
        x, which = rows.take(np.array([5, 7]))
        assert type(x) is np.ndarray and x.dtype == np.float32
        assert x.sum(axis=1).tolist() == [0.0, 64.0] and which.tolist() == [5, 7]
        assert isinstance(rows.take(slice(0, 3))[0], np.ndarray)

    def test_chunks(self):
        walk = source_of(Y).walk(0, 1, 4, WHOLE)
        assert [walk.chunk_at(at, 3) for at in (0, 3, 4, 7, 8, 9)] == [
            *[(1, 0), (1, 0), (2, 4), (2, 4), (3, 8), (3, 8)]
        ]
        assert walk.chunk_at(9, None) == (1, 0)

    def test_blocks_of_what_was_read(self):
        walk = source_of(Y).walk(5, 1, 1, WHOLE)
        order = sample_order(5, 1, 10)
        assert [p.batch.tolist() for p in walk.blocks(2, 9, 3)] == [
            order[2:5].tolist(),
            order[5:8].tolist(),
            order[8:9].tolist(),
        ]

    def test_pieces(self):
        walk = source_of(Y).walk(5, 1, 10, Blocks(blocks=4))
        [((pieces, count), *_)] = walk.steps(0)
        assert count == 10 and [p.rows for p in pieces] == [2, 3, 2, 3]
        assert np.concatenate([p.batch for p in pieces]).tolist() == sample_order(5, 1, 10).tolist()
        assert [p.rows for p in source_of(Y[:2]).blocks(10, Blocks(blocks=4))] == [1, 1]


class TestBatches:
    def test_a_call_with_the_epoch_and_one_without(self):
        of_epoch = source_of(lambda epoch: [np.full(2, epoch)])
        assert [step.batch.tolist() for step in of_epoch.walk(0, 3, 9, WHOLE).steps(0)] == [[3, 3]]
        always = source_of(lambda: iter([X[:3], X[:2]]))
        steps = list(always.walk(0, 1, 9, WHOLE).steps(0))
        assert [step[1:] for step in steps] == [(0, 3, False), (3, 5, True)]
        assert [step[1:] for step in always.walk(0, 1, 9, WHOLE).steps(3)] == [(3, 5, True)]
        assert isinstance(always, Batches)

    def test_chunks(self):
        walk = source_of(lambda: [X[:3]] * 4).walk(0, 1, 9, WHOLE)
        assert [walk.chunk_at(at, 5) for at in (0, 3, 6, 9)] == [(1, 0), (1, 0), (2, 6), (2, 6)]
        assert walk.blocks(0, 3, 1) is None

    def test_the_number_of_samples(self):
        assert [rows_of(b) for b in (X, (Y, X), {"a": 1.0, "b": [X[:4]]}, 2.5, np.array(3.0))] == [
            *[10, 10, 4, 1, 1]
        ]

    def test_casts(self):
        [step] = source_of(lambda: [(X, Y)], dtype="float32").walk(0, 1, 9, WHOLE).steps(0)
        assert [part.dtype for part in step.batch] == [np.float32, Y.dtype]

    def test_pieces(self):
        walk = source_of(lambda: [(X[:5], Y[:5])]).walk(0, 1, 9, Blocks(blocks=2))
        [((pieces, count), *_)] = walk.steps(0)
        assert count == 5 and [p.batch[1].tolist() for p in pieces] == [[0, 1], [2, 3, 4]]


class TestRefused:
    @pytest.mark.parametrize(
        ("data", "text"),
        [
            (
                {"x": X, "y": [Y[:9], Y]},
                "the arrays of data must have one length, a row for each sample; data['x'] has 10, "
                "data['y'][0] has 9, data['y'][1] has 10",
            ),
            (
                Table(X, Y[:1]),
                "the arrays of data must have one length, a row for each sample; data.x has 10, "
                "data.y has 1",
            ),
            (
                [Y[: i + 1] for i in range(10)] + [Y] * 12,
                "the arrays of data must have one length, a row for each sample; "
                + ", ".join(f"data[{i}] has {min(i + 1, 10)}" for i in range(20))
                + ", and 2 more",
            ),
            (X[:0], "data has no rows; give at least one sample"),
            ((), "data has no arrays; give an array, or a tuple, dict or record of some"),
            (
                (X, np.array(1.0)),
                "data[1] is an array of no dimension, which has no rows; give it to the loss in "
                "another way than as data",
            ),
            (
                (X, [1.0, 2.0]),
                "data[1][0] is a float, which has no rows; give an array with a row for each "
                "sample, np.array(…)",
            ),
            (
                iter([X]),
                "data is a list_iterator, which is used up after one epoch; give a function that "
                "makes a new one for each: lambda: …",
            ),
            (
                {"x": type("Frame", (), {})()},
                "data['x'] is a Frame, which has no rows that gradx knows of; give an array, "
                "something with shape, dtype and items by index, a tuple, dict or record of those, "
                "or a function that gives an iterator of batches",
            ),
            (
                type("Series", (), {"iloc": 1, "shape": (3,), "dtype": float})(),
                "data is a Series, whose rows go by labels; give its numbers, data.to_numpy()",
            ),
        ],
        ids=lambda x: "" if isinstance(x, str) else type(x).__name__,
    )
    def test_data(self, data, text):
        with pytest.raises(DataError, match=f"^{re.escape(text)}$"):
            source_of(data)

    @pytest.mark.parametrize(
        ("call", "text"),
        [
            (
                lambda: [],
                "data() gave no batch in epoch 2; give a function that makes a new iterator each "
                "time it is called",
            ),
            (lambda: 5, "data() gave a int; give an iterator of batches, such as a generator"),
            (
                lambda: [X[:2]],
                "data() gave fewer samples in epoch 2 than the 7 that were trained on before; give "
                "the same as then to go on",
            ),
        ],
    )
    def test_batches(self, call, text):
        with pytest.raises(DataError, match=f"^{re.escape(text)}$"):
            list(source_of(call).walk(0, 2, 1, WHOLE).steps(7))

    def test_a_dtype(self):
        with pytest.raises(OptionError, match=r"^dtype 'int8': use float32 or float64$"):
            cast_floats(X, "int8")


class TestValues:
    def test_own(self):
        x = np.ones(2)
        x.setflags(write=False)
        mine = own({"x": x, "y": x, "n": 1.5, "label": "a"})
        mine["x"] += 1.0
        assert x.tolist() == mine["y"].tolist() == [1.0, 1.0]
        assert (mine["n"], mine["label"]) == (1.5, "a")

    def test_casts(self):
        narrow = cast_floats((X, Y, X + 1j, 0.5, np.float64(2.0), "a"), "float32")
        assert [getattr(x, "dtype", type(x)) for x in narrow] == [
            *["float32", Y.dtype, "complex64", float, "float32", str]
        ]
        assert cast_floats((X,), "float64")[0] is X
        rows = Rows((X, Rising(X), Y), dtype="float32").take(np.array([3, 1]))
        assert [x.dtype for x in rows] == ["float32", "float32", Y.dtype]
