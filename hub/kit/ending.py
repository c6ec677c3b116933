"""How things end: tasks for certain, and streams when a server is told to stop."""

import asyncio
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

AGAIN_SECONDS = 0.2


async def end(*tasks: "asyncio.Task[Any]") -> None:
    """Cancel tasks until all are done; what they raised meanwhile is dropped.

    One cancellation may be lost on its way (`hub.kit.deadline` says where), and whoever then waited for the
    task's end would wait for as long as the task likes.
    """
    waiting = set(tasks)
    while waiting:
        for task in waiting:
            task.cancel()
        done, waiting = await asyncio.wait(waiting, timeout=AGAIN_SECONDS)
        for task in done:
            if not task.cancelled():
                task.exception()


@contextmanager
def on_stop(tell: Callable[[], object]) -> Iterator[None]:
    """Have `tell` called in this loop when SIGINT or SIGTERM comes, before whoever handles it now.

    A server that somebody else runs waits for answers under way before it tells an application to shut down, and
    a stream would have it wait for ever. Outside the main thread, where there are no signals, this does nothing.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    loop = asyncio.get_running_loop()
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

    def handle(number: int, frame: FrameType | None) -> None:
        loop.call_soon_threadsafe(tell)
        handler = before[signal.Signals(number)]
        if callable(handler):
            handler(number, frame)

    handled = [number for number, handler in before.items() if callable(handler)]
    for number in handled:
        signal.signal(number, handle)
    try:
        yield
    finally:
        for number in handled:
            if signal.getsignal(number) is handle:
                signal.signal(number, before[number])
