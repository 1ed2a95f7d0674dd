"""Sums of blocks have the same bits for any number of ranks, and the work is shared."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gradx.parallel import ALONE, BLOCKS, ParallelError, Part, parts_of, sum_of_blocks
from tests.parallel.threads import on_ranks

LIKE = [np.zeros(5), np.zeros(2, "float32")]


def vectors_of(k):
    rng = np.random.default_rng(k)
    wide = rng.standard_normal(5) * 10.0 ** rng.integers(-12, 12, 5)
    return [wide, rng.standard_normal(2).astype("float32")]


@given(count=st.integers(0, 50), parts=st.integers(1, 20))
def test_parts_are_a_range_without_gaps_and_even(count, parts):
    found = parts_of(count, parts)
    assert len(found) == parts
    assert [i for part in found for i in range(*part)] == list(range(count))
    sizes = [part.size for part in found]
    assert max(sizes) - min(sizes) <= 1


def tree(blocks):
    """The sum as the documentation writes it."""
    while len(blocks) > 1:
        blocks = [a + b for a, b in zip(blocks[::2], blocks[1::2], strict=True)]
    return blocks[0]


@pytest.mark.parametrize("size", range(1, BLOCKS + 1))
def test_the_bits_do_not_depend_on_the_ranks(size):
    def work(group):
        return sum_of_blocks(group, [3] * BLOCKS, vectors_of, LIKE)

    wanted = [tree([vectors_of(k)[i] for k in range(BLOCKS)]) for i in range(2)]
    assert not np.array_equal(wanted[0], sum(vectors_of(k)[0] for k in range(BLOCKS)))
    for got in on_ranks(size, work):
        for a, b in zip(got, wanted, strict=True):
            assert a.dtype == b.dtype
            assert a.tobytes() == b.tobytes()


@settings(max_examples=25, deadline=None)
@given(sizes=st.lists(st.integers(0, 2), min_size=1, max_size=11), ranks=st.integers(1, 5))
def test_blocks_without_items_are_not_computed(sizes, ranks):
    sizes = sizes if any(sizes) else [*sizes, 1]
    ranks = min(ranks, len(sizes))

    def work(group):
        computed = []
        total = sum_of_blocks(group, sizes, lambda k: computed.append(k) or vectors_of(k), LIKE)
        return computed, total

    found = on_ranks(ranks, work)
    everything = [k for computed, _ in found for k in computed]
    assert everything == [k for k, n in enumerate(sizes) if n]
    alone = sum_of_blocks(ALONE, sizes, vectors_of, LIKE)
    for _, total in found:
        assert [x.tobytes() for x in total] == [x.tobytes() for x in alone]


@pytest.mark.parametrize("size", [2, 4, 8])
def test_a_power_of_two_of_ranks_sends_one_vector_each(size):
    def work(group):
        sum_of_blocks(group, [1] * BLOCKS, vectors_of, LIKE)
        return group.messages

    wanted = [("gather", 5, np.dtype(float)), ("gather", 2, np.dtype("float32"))]
    assert on_ranks(size, work) == [wanted] * size


def test_more_ranks_than_blocks_are_refused():
    text = "^3 ranks cannot share 2 blocks of a batch; start 2 or fewer$"
    with pytest.raises(ParallelError, match=text):
        on_ranks(3, lambda group: sum_of_blocks(group, [1, 1], vectors_of, LIKE))


def test_no_items_at_all_are_refused():
    with pytest.raises(ParallelError, match="a sum of blocks that are all empty; give at least"):
        sum_of_blocks(ALONE, [0, 0], vectors_of, LIKE)


def test_a_part_counts_its_items():
    assert Part(3, 7).size == 4
