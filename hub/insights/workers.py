"""Pages made by several processes at once, each with a hub of its own on the same store.

A decision is mostly Python, so one process uses one core. Each worker opens the services once and
then makes pages for the chunks of customers that it is handed; a worker that dies ends the outlook
with an error, and nothing was recorded.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import AsyncExitStack, asynccontextmanager
from multiprocessing import get_context

from hub.config import Settings
from hub.errors import Unavailable
from hub.insights.demand import Page
from hub.insights.outlook import DemandService, MakePages, Question

OpenDemand = Callable[[Settings, AsyncExitStack], Awaitable[DemandService]]


class _Worker:
    """What one worker process holds: an event loop that goes on from chunk to chunk, and the service on it."""

    def __init__(self, open_demand: OpenDemand, settings: Settings) -> None:
        self.runner = asyncio.Runner()
        self.stack = AsyncExitStack()
        self.demand: DemandService = self.runner.run(_opened(open_demand, settings, self.stack))

    def pages(self, profile_ids: Sequence[str], question: Question) -> list[Page]:
        return self.runner.run(self.demand.pages(profile_ids, question))


_worker: list[_Worker] = []  # of this process, once it has been opened


async def _opened(open_demand: OpenDemand, settings: Settings, stack: AsyncExitStack) -> DemandService:
    return await open_demand(settings, stack)


def _open(open_demand: OpenDemand, settings: Settings) -> None:
    _worker.append(_Worker(open_demand, settings))


def _pages(profile_ids: Sequence[str], question: Question) -> list[Page]:
    return _worker[0].pages(profile_ids, question)


@asynccontextmanager
async def workers(count: int, open_demand: OpenDemand, settings: Settings) -> AsyncIterator[MakePages]:
    """Open worker processes and yield what has pages made by whichever is free.

    Args:
        count: how many.
        open_demand: opens the services in a worker, on a stack that lives as long as it; importable by name.
        settings: with which.
    """
    pool = ProcessPoolExecutor(
        count, mp_context=get_context("spawn"), initializer=_open, initargs=(open_demand, settings)
    )

    async def make(profile_ids: Sequence[str], question: Question) -> list[Page]:
        loop = asyncio.get_running_loop()
        try:
            return await loop.run_in_executor(pool, _pages, list(profile_ids), question)
        except BrokenProcessPool:
            raise Unavailable("a process that made pages ended; run it again, or with --workers 1") from None

    try:
        yield make
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
