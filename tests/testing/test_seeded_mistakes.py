"""The tester, tested: check_grads finds wrong rules of all kinds in the real ops of the tables."""

from collections import Counter

import numpy as np
import pytest

import gradx as gx
from gradx.testing import GradientMismatchError
from tests.ops.cases import ALL_CASES
from tests.testing.mistakes import KINDS, RARE, copied, seeded


@pytest.fixture(autouse=True)
def quiet():
    """Rules work on whole arrays, so what np.where does not choose may overflow."""
    with np.errstate(all="ignore"):
        yield


def missed(call, mistakes):
    """Those that check_grads does not find; the rules as they are have to pass."""
    gx.check_grads(call.by(copied(call.op)), *call.xs, modes=("rev",), order=1)
    return [mistake.name for mistake in mistakes if not is_found(mistake)]


def is_found(mistake):
    try:
        gx.check_grads(mistake.wrong, *mistake.call.xs, modes=("rev",))
    except GradientMismatchError as error:
        return all(m.kind == "wrong" for m in error.mistakes)
    return False


@pytest.mark.filterwarnings("ignore")
def test_seeded_mistakes_are_found():
    found = list(seeded(1, ALL_CASES[::2]))
    every = [mistake for _, mistakes in found for mistake in mistakes]
    assert len(every) >= 200
    assert len({mistake.call.op.name for mistake in every}) >= 100
    assert set(Counter(mistake.kind for mistake in every)) == {*KINDS, *RARE}
    assert [name for call, mistakes in found for name in missed(call, mistakes)] == []


@pytest.mark.soak
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("part", range(8))
def test_every_seeded_mistake_is_found(part):
    found = list(seeded(8, ALL_CASES[part::8], seed=part + 1))
    assert sum(len(mistakes) for _, mistakes in found) >= 200
    assert [name for call, mistakes in found for name in missed(call, mistakes)] == []
