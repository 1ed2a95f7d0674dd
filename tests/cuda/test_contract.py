"""The CuPy backend keeps the contract of a backend, on every device there is."""

import warnings

import pytest

from gradx.testing.backend_contract import CHECKS


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_cupy_keeps_the_contract(backend, check):
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # CuPy warns where work is done on the wrong device
        check(backend)
