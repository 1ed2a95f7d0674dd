"""What all tests share: seeds, restored registries, profiles of the property-based tests."""

import contextlib
import gc
import os
import random
import zlib

import numpy as np
import pytest
from hypothesis import settings

import gradx.batch.api  # noqa: F401 - registers batched values, before `restored` notes what is there
from tests.architecture.test_state import ALLOWED
from tests.restoring import restored, state_named

# dev: a new random search each time; ci: the same one each time; thorough: a long one.
settings.register_profile("dev", deadline=None, print_blob=True)
settings.register_profile("ci", parent=settings.get_profile("dev"), derandomize=True)
settings.register_profile("thorough", parent=settings.get_profile("dev"), max_examples=2_000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci" if "CI" in os.environ else "dev"))


def pytest_collection_modifyitems(config, items):
    """Long random tests are for who asks; files with a slow test go first.

    So no core is left with one when all else is done.
    """
    if "soak" not in config.getoption("markexpr"):
        left_out = [item for item in items if item.get_closest_marker("soak")]
        items[:] = [item for item in items if item not in left_out]
        config.hook.pytest_deselected(items=left_out)
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: item.path not in slow)


@pytest.hookimpl(wrapper=True)
def pytest_collection():
    """The many thousand tests are no garbage: what looks for garbage need not look at them."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.collect()
        gc.freeze()
        gc.enable()


@pytest.fixture(autouse=True)
def seeded_globals():
    """The global generators start equal in every test, whatever ran before."""
    random.seed(0)
    np.random.seed(0)


STATE = tuple(state_named(ALLOWED).values())


@pytest.fixture(autouse=True)
def restored_registries():
    """What a test registers, and what gradx notes of the classes it defines, is gone after it."""
    with contextlib.ExitStack() as stack:
        for state in STATE:
            stack.enter_context(restored(state))
        yield


@pytest.fixture
def rng(request):
    """A generator of the test's own: the same for the same test, in any order and on any worker."""
    return np.random.default_rng(zlib.crc32(request.node.nodeid.encode()))
