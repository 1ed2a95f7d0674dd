"""Agreement: ranks make sure that they were asked for the same before they begin."""

from __future__ import annotations

from collections.abc import Mapping

from gradx.parallel.errors import RanksDifferError
from gradx.parallel.group import Group

__all__ = ["require_same"]


def require_same(group: Group, facts: Mapping[str, str]) -> None:
    """Refuse ranks that do not agree, with the same words on all of them.

    Args:
        group: the ranks.
        facts: what must be equal: a name, such as ``--rate`` or ``the training data``, and words.

    Raises:
        RanksDifferError: names the first fact that differs, and what two ranks have.

    >>> from gradx.parallel import ALONE
    >>> require_same(ALONE, {"gradx": "0.1.0"})
    """
    all_facts = group.gather_objects(dict(facts))
    names = dict.fromkeys(name for each in all_facts for name in each)
    for name in names:
        values = [each.get(name, "nothing") for each in all_facts]
        for rank, value in enumerate(values):
            if value != values[0]:
                raise RanksDifferError(
                    f"the ranks differ in {name}: rank 0 has {values[0]}, rank {rank} has {value}; "
                    "start the same gradx on all machines, with the same command and the same data"
                )
