"""How long what a customer did is kept, by what it is kept for.

    kept for                      what                                                until
    personalization               looking, clicking, searching, carts, visits, mail   TUTTI_BEHAVIOUR_DAYS after it came
    contract, proof, own wishes   orders, consents, preferences, feedback, identities the customer is erased

Counted from when the hub heard of it, so that an imported history is not forgotten on arrival. A facet is first
rebuilt without what is to go, and only then does that go: a crash between leaves the events, and the next run
does it again. What is left rebuilds to the same bytes.
"""

import asyncio
from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

import structlog

from hub.catalogue.lease import take_lease
from hub.errors import Conflict, TuttiError
from hub.events.names import TimelineKind
from hub.events.repository import event_from_document
from hub.kit.clock import Clock
from hub.kit.ids import new_id
from hub.profiles.facets import project
from hub.profiles.joining import join_all
from hub.profiles.model import Facet
from hub.profiles.repository import ProfileRepository
from hub.store.database import Store
from hub.store.faults import store_faults

log = structlog.get_logger(__name__)

_K = TimelineKind
BEHAVIOUR: Final = frozenset(
    {_K.VIEWED, _K.CLICKED, _K.ADDED, _K.REMOVED, _K.CHECKOUT, _K.SEARCHED, _K.READ, _K.SAVED, _K.EMAIL, _K.VISITED, _K.OTHER}
)  # fmt: skip
EVERY = timedelta(hours=24)
LEASE = "retention"
ATTEMPTS = 20
AT_ONCE = 1_000  # events removed together


class RetentionService:
    """Forgets what customers did when its time is over."""

    def __init__(self, store: Store, clock: Clock, days: int) -> None:
        self._store = store
        self._events = store.db["events"]
        self._profiles = ProfileRepository(store.db)
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
        return sum([await self._forget(facet_id, before) for facet_id in sorted(facet_ids)])

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

    async def _forget(self, facet_id: str, before: datetime) -> int:
        for _ in range(ATTEMPTS):
            found = await self._profiles.facets([facet_id])
            ids, kept = await self._parts(facet_id, before)
            if not found:
                return await self._remove(ids)
            facet = join_all(kept) if kept else Facet()
            if facet == found[0].facet:
                return await self._remove(ids)
            changed = replace(found[0], version=found[0].version + 1, facet=facet)
            if await self._profiles.write_facets([changed]):
                await self._profiles.mark_stale({changed.profile_id: [facet_id]})
                return await self._remove(ids)
        raise Conflict("others keep changing this customer; it is tried again tomorrow")

    async def _parts(self, facet_id: str, before: datetime) -> tuple[list[str], Sequence[Facet]]:
        """Return the events of a facet whose time is over, and the projections of all others."""
        over: list[str] = []
        kept: list[Facet] = []
        with store_faults():
            async for document in self._events.find({"facet_id": facet_id, "projected": True}):
                if document["kind"] in BEHAVIOUR and document["received_at"] < before:
                    over.append(document["_id"])
                else:
                    kept.append(project(event_from_document(document)))
        return over, kept

    async def _remove(self, ids: Collection[str]) -> int:
        ordered, gone = sorted(ids), 0
        with store_faults():
            for start in range(0, len(ordered), AT_ONCE):
                done = await self._events.delete_many({"_id": {"$in": ordered[start : start + AT_ONCE]}})
                gone += done.deleted_count
        return gone
