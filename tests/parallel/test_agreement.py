"""Ranks that were not asked for the same say so, all of them in the same words."""

import pytest

from gradx.parallel import RanksDifferError, require_same
from tests.parallel.threads import on_ranks


def told(facts):
    def work(group):
        try:
            require_same(group, facts[group.rank])
        except RanksDifferError as error:
            return str(error)
        return None

    return on_ranks(len(facts), work)


def test_ranks_that_agree_go_on():
    assert told([{"gradx": "1", "--rate": "0.1"}] * 3) == [None] * 3


@pytest.mark.parametrize(
    ("last", "words"),
    [
        ({"gradx": "1", "--rate": "0.2"}, "--rate: rank 0 has 0.1, rank 2 has 0.2"),
        ({"gradx": "1"}, "--rate: rank 0 has 0.1, rank 2 has nothing"),
        (
            {"gradx": "1", "--rate": "0.1", "--clip": "1"},
            "--clip: rank 0 has nothing, rank 2 has 1",
        ),
    ],
)
def test_the_first_difference_is_named(last, words):
    first = {"gradx": "1", "--rate": "0.1"}
    text = (
        f"the ranks differ in {words}; start the same gradx on all machines, with the same "
        "command and the same data"
    )
    assert told([first, first, last]) == [text] * 3


def test_the_error_is_one_of_parallel_runs():
    with pytest.raises(RanksDifferError, match=r"^the ranks differ in x: rank 0 has 0, rank"):
        on_ranks(2, lambda group: require_same(group, {"x": str(group.rank)}))
