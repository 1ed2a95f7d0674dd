"""The tables of what each function has in each mode are those that the specification gives."""

import pytest

from tests.docs.mode_tables import (
    DOCUMENTS,
    LOOP,
    OWN,
    PROPERTIES,
    RAISED,
    RULE,
    TRANSPOSED,
    columns_of,
    forward_of,
    in_document,
    name_of,
    table,
    vmap_of,
)
from tests.docs.tables import text_of
from tests.ops.cases import ALL_CASES

CASES = {case.name: case for case in ALL_CASES}


@pytest.mark.parametrize("name", DOCUMENTS)
def test_the_table_is_that_of_the_specification(name):
    wanted = table(DOCUMENTS[name])
    assert in_document(text_of(name)) == wanted, "write it: python -m tests.docs.mode_tables"


def test_every_function_has_derivatives_of_any_order():
    functions = {name_of(case) for case in ALL_CASES}
    assert functions == {name_of(case) for case in ALL_CASES if case.order == 2}


# ---- the tester, tested ------------------------------------------------------------------------


def test_what_a_case_has():
    assert [forward_of(CASES[name]) for name in ("exp/matrix", "matmul/axes", "prod/all")] == [
        PROPERTIES,
        PROPERTIES,
        TRANSPOSED,
    ]
    assert forward_of(CASES["hypot/matrix"]) == OWN
    assert [vmap_of(CASES[name]) for name in ("exp/matrix", "roots", "unique")] == [
        {RULE},
        {LOOP},
        {RAISED},
    ]
    some = [case for case in ALL_CASES if name_of(case) == "correlate"]
    assert columns_of(some) == (PROPERTIES, "rule or loop", "yes", "yes")


def test_a_table_in_a_document():
    assert in_document("no table") == ""
    assert "`np.exp`" not in in_document(text_of("numpy.md"))
    assert "`exp`" in in_document(text_of("numpy.md"))
