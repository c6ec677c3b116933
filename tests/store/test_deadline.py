"""Deadlines that hold, even against work that does not listen."""

import asyncio
import gc
import time

import pytest

from hub.kit.deadline import within


async def test_work_in_time_gives_its_result():
    assert await within(5, asyncio.sleep(0, "done")) == "done"


async def test_its_error_is_its_own():
    async def fails() -> None:
        raise ValueError("its own")

    with pytest.raises(ValueError, match="its own"):
        await within(5, fails())


async def test_work_that_ignores_its_cancellation_is_left_behind():
    told = asyncio.Event()
    release = asyncio.Event()

    async def stubborn() -> None:
        while not release.is_set():
            try:
                await release.wait()
            except asyncio.CancelledError:
                told.set()

    began = time.monotonic()
    with pytest.raises(TimeoutError):
        await within(0.05, stubborn())
    assert time.monotonic() - began < 1
    async with asyncio.timeout(1):
        await told.wait()
    release.set()


async def test_whoever_waits_can_be_cancelled_and_the_work_with_them():
    stopped = asyncio.Event()

    async def work() -> None:
        try:
            await asyncio.sleep(60)
        finally:
            stopped.set()

    waiting = asyncio.create_task(within(60, work()))
    await asyncio.sleep(0.01)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    async with asyncio.timeout(1):
        await stopped.wait()


# The driver leaves the socket of a connection that is cancelled while it is made to the garbage collector.
@pytest.mark.filterwarnings("ignore:.*<socket:pytest.PytestUnraisableExceptionWarning")
@pytest.mark.mongod
async def test_it_holds_over_the_driver_every_time(store):
    async def ping_for_ever() -> None:
        while True:
            await store.db.command("ping")
            if stop.is_set():
                return

    stop = asyncio.Event()
    for step in range(60):
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(20):
                await within(0.0005 * (step % 12), ping_for_ever())
    stop.set()
    await asyncio.sleep(0.2)  # those that did not hear of it end now
    gc.collect()
