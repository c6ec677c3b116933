"""How tasks and streams end."""

import asyncio
import contextlib
import signal

from hub.kit.ending import end, on_stop


async def test_a_task_that_swallows_a_cancellation_is_cancelled_again():
    swallowed = 0

    async def stubborn():
        nonlocal swallowed
        while swallowed < 2:
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.sleep(60)
            swallowed += 1
        await asyncio.sleep(60)

    task = asyncio.create_task(stubborn())
    await asyncio.sleep(0)
    await end(task)
    assert task.cancelled()
    assert swallowed == 2


async def test_what_a_task_raises_while_it_ends_is_dropped():
    async def clumsy():
        try:
            await asyncio.sleep(60)
        finally:
            raise RuntimeError("too late to matter")

    task = asyncio.create_task(clumsy())
    await asyncio.sleep(0)
    await end(task)
    assert task.done()


async def test_a_signal_is_told_and_handled_as_before():
    handled = []
    before = signal.signal(signal.SIGTERM, lambda number, _frame: handled.append(number))
    own = signal.getsignal(signal.SIGTERM)
    try:
        told = asyncio.Event()
        with on_stop(told.set):
            signal.raise_signal(signal.SIGTERM)
            await asyncio.wait_for(told.wait(), 30)
        assert handled == [signal.SIGTERM]
        assert signal.getsignal(signal.SIGTERM) is own
    finally:
        signal.signal(signal.SIGTERM, before)
