"""Deferral: signals wait until a file is whole, and then do what they would have done."""

import os
import signal
import threading

import pytest

from gradx.files.deferral import STOPPING, signals_deferred
from gradx.files.writing import write_whole


@pytest.fixture
def noted():
    """The signals that arrived, in order, in place of what they usually do."""
    arrived = []
    before = {number: signal.getsignal(number) for number in STOPPING}
    for number in STOPPING:
        signal.signal(number, lambda number, frame: arrived.append(number))
    yield arrived
    for number, handler in before.items():
        signal.signal(number, handler)


def test_signals_wait_and_come_once(noted):
    with signals_deferred():
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            os.kill(os.getpid(), number)
        assert noted == []
    assert noted == [signal.SIGTERM, signal.SIGINT, signal.SIGHUP]
    os.kill(os.getpid(), signal.SIGINT)
    assert noted[3:] == [signal.SIGINT], "the handlers are back"


def test_they_come_after_an_error_too(noted):
    with pytest.raises(KeyError), signals_deferred():
        os.kill(os.getpid(), signal.SIGINT)
        raise KeyError
    assert noted == [signal.SIGINT]


def test_an_ignored_signal_stays_ignored(noted):
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    with signals_deferred():
        os.kill(os.getpid(), signal.SIGHUP)
        assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    assert noted == []


def test_in_another_thread_nothing_is_done():
    before = [signal.getsignal(number) for number in STOPPING]
    seen = []

    def work():
        with signals_deferred():
            seen.append([signal.getsignal(number) for number in STOPPING])

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen == [before]


def test_ctrl_c_again_and_again_leaves_the_file_whole(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"old")

    def write(stream):
        for letter in b"whole":
            signal.raise_signal(signal.SIGINT)
            stream.write(bytes([letter]))

    with pytest.raises(KeyboardInterrupt):
        write_whole(path, write)
    assert path.read_bytes() == b"whole"
    assert os.listdir(tmp_path) == ["file"]
