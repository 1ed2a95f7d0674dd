"""Nothing hidden in any mode: what moves between host and device, and what waits.

Only the software device counts, so on the hardware these tests are not collected. What stands in no
list moves no byte and waits for nothing.
"""

import pytest
import softcuda  # noqa: F401  what counts

import gradx as gx
from tests.cuda.device_numpy import on_device
from tests.cuda.places import beside, there
from tests.cuda.test_modes import MODES_OF, tangents_of
from tests.cuda.test_specification import CASES, MODES, operands, quiet
from tests.cuda.test_traffic import READS, SOLVES, UPLOADS, names, traffic_of

__all__ = ["quiet"]

# What is done again is compared with what it was; and a second derivative by two numbers of the
# host is one. How many items a mask chooses is asked, and so is what a function asks for.
READING_MODES = names("checkpoint hvp/checkpoint grad/scan-checkpoint hessian/record") | names(
    "vmap/masks vmap/masks-in-gradients vmap/sum-at-a-mask vmap/one-by-one"
)


@pytest.mark.parametrize("name", MODES_OF)
def test_a_mode_moves_nothing_but_what_is_listed(name):
    f, xs = MODES_OF[name]
    device_xs = tuple(map(there, xs))
    uploaded, reads, waits = traffic_of(lambda: f(*device_xs))
    assert uploaded == 0
    assert reads == waits
    assert (reads > 0) is (name in READING_MODES)


@pytest.mark.parametrize("case", [pytest.param(case, id=case.name) for case in CASES])
def test_a_tangent_moves_nothing_but_what_a_gradient_does(case):
    f, xs = on_device(case.call), operands(case, MODES["double"])
    device_xs = tuple(map(there, xs))
    ts = tuple(beside(t, x) for t, x in zip(tangents_of(xs), device_xs, strict=True))
    uploaded, reads, waits = traffic_of(lambda: gx.jvp(f, device_xs, ts))
    assert (uploaded > 0) is (case.name in UPLOADS)
    assert (reads < waits) if case.name in SOLVES else (reads == waits)
    if case.name in READS | SOLVES:
        assert reads > 0
    else:
        assert reads == 0
