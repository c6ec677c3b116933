"""A deadline that holds whatever the driver does with a cancellation.

`asyncio.timeout` cancels and trusts that the cancellation arrives. Under Python 3.11 it may not: there
`asyncio.wait_for`, which PyMongo's network layer calls with the connection's timeout, drops a cancellation
that comes in the same turn of the loop as the result, and the operation goes on as if nothing had been
said (python/cpython#86296, mended in 3.12). Measured with a loop of pings under short timeouts: 13 of 200
never fired, and 83 of 200 with `socketTimeoutMS` set, which is why `hub.store.database` does not set it.

So whoever owes an answer by a certain time waits here: the work runs as a task of its own, and at the
deadline it is cancelled and left behind.
"""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


async def within(seconds: float, work: Coroutine[Any, Any, T]) -> T:
    """Return what `work` returns, or give up after so many seconds.

    Raises:
        TimeoutError: the time is over; the work was told to stop, and what it still brings is dropped.
    """
    task = asyncio.create_task(work)
    try:
        done, _ = await asyncio.wait({task}, timeout=seconds)
    finally:
        if not task.done():
            task.cancel()
            task.add_done_callback(_drop)
    if not done:
        raise TimeoutError
    return task.result()


def _drop(task: "asyncio.Task[Any]") -> None:
    """Look at the outcome, so that asyncio does not report it as overlooked."""
    if not task.cancelled():
        task.exception()
