"""How long what a customer did is kept, by what it is kept for.

    kept for                      what                                                until
    personalization               looking, clicking, searching, carts, visits, mail   TUTTI_BEHAVIOUR_DAYS after it came
    contract, proof, own wishes   orders, consents, preferences, feedback, identities the customer is erased

Counted from when the hub heard of it, so that an imported history is not forgotten on arrival. A facet is first
rebuilt without what is to go, and only then does that go: a crash between leaves the events, and the next run
does it again. What is left rebuilds to the same bytes.
"""

import asyncio
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import structlog

from hub.catalogue.lease import take_lease
from hub.errors import TuttiError
from hub.kit.clock import Clock
from hub.kit.ids import new_id
from hub.privacy.forgetting import BEHAVIOUR, Rebuilder
from hub.store.database import Store
from hub.store.faults import store_faults

log = structlog.get_logger(__name__)

EVERY = timedelta(hours=24)
LEASE = "retention"


class RetentionService:
    """Forgets what customers did when its time is over."""

    def __init__(self, store: Store, clock: Clock, days: int) -> None:
        self._store = store
        self._events = store.db["events"]
        self._rebuilder = Rebuilder(store.db)
        self._clock = clock
        self._kept = timedelta(days=days)

    async def run(self) -> int:
        """Forget what is due; return how many events that were.

        Raises:
            Unavailable: the store does not answer; the next run goes on.
        """
        before = self._clock.now() - self._kept
        due = {
            "kind": {"$in": sorted(kind.value for kind in BEHAVIOUR)},
            "received_at": {"$lt": before},
            "projected": True,
        }
        with store_faults():
            facet_ids = [
                found["_id"]
                async for found in await self._events.aggregate(
                    [{"$match": due}, {"$group": {"_id": "$facet_id"}}]
                )
            ]

        def over(document: Mapping[str, Any]) -> bool:
            return document["kind"] in BEHAVIOUR and document["received_at"] < before

        return sum([await self._rebuilder.forget(facet_id, over) for facet_id in sorted(facet_ids)])

    async def maintain(self) -> None:
        """Run once a day in one of all processes, until cancelled."""
        holder = new_id("run")
        while True:
            try:
                if await take_lease(self._store, LEASE, holder, EVERY):
                    gone = await self.run()
                    log.info("what was kept long enough is forgotten", events=gone)
            except TuttiError as error:
                log.warning("retention could not run, trying again later", reason=error.kind)
            await asyncio.sleep(EVERY.total_seconds())
