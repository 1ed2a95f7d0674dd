"""Tells, in a run of all tests, that the CUDA tests need a device and how to give them one."""

import pytest

from tests.cuda.places import REAL, SOFTWARE


def test_there_is_a_device():
    if not (REAL or SOFTWARE):
        pytest.skip("the CUDA tests need a device; scripts/test-cuda runs them on a software one")
