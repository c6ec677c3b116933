"""What a hub does besides answering: it keeps up with its store, and finishes what others left."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager

import structlog

from hub.catalogue import learning, popularity
from hub.profiles import audience
from hub.store.database import Store
from resolvers.context import Services

log = structlog.get_logger("tutti")

Loop = Callable[[], Awaitable[None]]
PAUSE_SECONDS = 1.0  # before a loop that failed starts again


def _loops(services: Services, store: Store) -> Mapping[str, Loop]:
    clock = services.clock
    return {
        "catalogue": services.catalogue.watch,
        "answers": lambda: services.answers.maintain(clock),
        "projection": services.ingest.maintain,
        "merges": services.reviews.maintain,
        "erasures": services.privacy.erasures.maintain,
        "retention": services.privacy.retention.maintain,
        "subject requests": services.privacy.opendsr.maintain,
        "popularity": lambda: popularity.keep_fresh(store, clock),
        "offers": services.offers.watch,
        "audience": lambda: audience.keep_fresh(store, lambda: services.catalogue.snapshot, clock),
        "neighbours": lambda: learning.keep_fresh(store, clock),
    }


@asynccontextmanager
async def running(services: Services, store: Store) -> AsyncIterator[None]:
    """Run every loop while the context is open."""
    tasks = [asyncio.create_task(_always(name, loop)) for name, loop in _loops(services, store).items()]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def learn(services: Services, store: Store) -> None:
    """Work out at once what the loops do now and then: popularity, groups, neighbours."""
    await popularity.refresh(store, services.clock)
    await audience.refresh(store, services.catalogue.snapshot, services.clock)
    await learning.refresh(store, services.clock)
    await services.catalogue.refresh()


async def _always(name: str, loop: Loop) -> None:
    """Run a loop for ever; a fault of it is logged and it starts again."""
    while True:
        try:
            await loop()
        except Exception:
            log.exception("a background loop failed and starts again", loop=name)
        await asyncio.sleep(PAUSE_SECONDS)
