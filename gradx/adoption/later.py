"""Generators and coroutines that a call of adopted code returns: each step runs as in a call."""

from __future__ import annotations

import types
from collections.abc import Callable, Generator, Sequence
from typing import Any

from gradx.adoption.functions import AdoptedGlobals
from gradx.adoption.inside import Call

__all__ = ["LATER", "going_on"]

LATER = (types.GeneratorType, types.CoroutineType)


def going_on(x: Any, met: Sequence[Any], result_of: Callable[[Any, Call], Any]) -> Any:
    """A generator or a coroutine of adopted code, each step of which runs as in a call of it.

    Args:
        x: the generator or the coroutine; one of other code comes back as it is.
        met: what the call that has made it had met.
        result_of: from what adopted code gives in a call to what the caller gets.
    """
    frame = x.gi_frame if isinstance(x, types.GeneratorType) else x.cr_frame
    if frame is None or type(frame.f_globals) is not AdoptedGlobals:
        return x
    adoption, known = frame.f_globals.adoption, [*met]

    def run(step: Any, given: Any) -> Any:
        call = Call()
        with adoption.running(call):
            for each in known:
                adoption.of(each)
            try:
                y = step(adoption.of(given))
            finally:
                known[:] = {id(each): each for each in (*known, *call.roots)}.values()
        return result_of(y, call)

    steps = _steps(x, run)
    return steps if isinstance(x, types.GeneratorType) else _coroutine(steps)


def _steps(x: Any, run: Callable[[Any, Any], Any]) -> Generator[Any, Any, Any]:
    step, given = x.send, None
    while True:
        try:
            y = run(step, given)
        except StopIteration as end:
            return end.value
        try:
            step, given = x.send, (yield y)
        except BaseException as error:  # which is thrown into it, as when it is closed
            step, given = x.throw, error


async def _coroutine(steps: Generator[Any, Any, Any]) -> Any:
    @types.coroutine
    def same() -> Generator[Any, Any, Any]:
        return (yield from steps)

    return await same()
