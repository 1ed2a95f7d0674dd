"""What all tests share: seeds, restored registries, profiles of the property-based tests."""

import contextlib
import gc
import itertools
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


def pytest_addoption(parser):
    parser.addoption("--share", type=int, default=1, help="run each N-th test", metavar="N")
    parser.addoption("--first", type=int, default=0, help="of which is the first", metavar="K")


def _keep(config, items, wanted):
    """Leave out the tests that are not wanted, and tell pytest which they are."""
    kept, left_out = [], []
    for item in items:
        (kept if wanted(item) else left_out).append(item)
    items[:] = kept
    config.hook.pytest_deselected(items=left_out)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config, items):
    """Long random tests are for who asks, all of them or a share; files with a slow test go first.

    So no core is left with one when all else is done.
    """
    if "soak" not in config.getoption("markexpr"):
        _keep(config, items, lambda item: item.get_closest_marker("soak") is None)
    share, first = config.getoption("share"), config.getoption("first")
    if share > 1:
        numbers = itertools.count(first)
        _keep(config, items, lambda item: next(numbers) % share == 0)
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
