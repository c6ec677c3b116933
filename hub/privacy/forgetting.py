"""Forgetting some of what a customer did: one search, one visit, a reaction taken back.

    tombstones of the messages -> the facets rebuilt without them -> the events removed

The order makes a crash harmless: until the last step the events are there, and asking again completes it. A
message that is sent once more does not come back (`hub.profiles.tombstones`). What rests on nothing else goes
too: interests, the session, the cart. Orders, consents and who they are stay until the customer is erased.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

import structlog

from hub.errors import Conflict, InvalidInput, NotFound
from hub.events.names import TimelineKind
from hub.events.repository import event_from_document
from hub.kit.clock import Clock
from hub.profiles.facets import project
from hub.profiles.joining import join_all
from hub.profiles.model import CustomerRef, Facet, Profile
from hub.profiles.repository import ProfileRepository
from hub.profiles.service import ProfileService
from hub.profiles.tombstones import Tombstones
from hub.store.database import Database, Store
from hub.store.faults import store_faults

log = structlog.get_logger(__name__)

_K = TimelineKind
BEHAVIOUR: Final = frozenset(
    {_K.VIEWED, _K.CLICKED, _K.ADDED, _K.REMOVED, _K.CHECKOUT, _K.SEARCHED, _K.READ, _K.SAVED, _K.EMAIL, _K.VISITED, _K.OTHER}
)  # fmt: skip
OWN_WORD: Final = frozenset({_K.FEEDBACK, _K.PREFERENCE, _K.CORRECTION})
MOST_AT_ONCE = 100  # events forgotten by one call
ATTEMPTS = 20
REMOVED_TOGETHER = 1_000

Over = Callable[[Mapping[str, Any]], bool]


class Rebuilder:
    """Rebuilds a facet without some of its events, and then removes them."""

    def __init__(self, db: Database) -> None:
        self._events = db["events"]
        self._profiles = ProfileRepository(db)

    async def forget(self, facet_id: str, over: Over) -> int:
        """Forget the events of a facet whose documents `over` tells; return how many went.

        Raises:
            Conflict: others kept changing the same customer; doing it again completes it.
            Unavailable: the store does not answer.
        """
        for _ in range(ATTEMPTS):
            found = await self._profiles.facets([facet_id])
            ids, kept = await self._parts(facet_id, over)
            if not found:
                return await self._remove(ids)
            facet = join_all(kept) if kept else Facet()
            if facet == found[0].facet:
                return await self._remove(ids)
            changed = replace(found[0], version=found[0].version + 1, facet=facet)
            if await self._profiles.write_facets([changed]):
                await self._profiles.mark_stale({changed.profile_id: [facet_id]})
                return await self._remove(ids)
        raise Conflict("others keep changing this customer; try again")

    async def _parts(self, facet_id: str, over: Over) -> tuple[list[str], Sequence[Facet]]:
        """Return the events of a facet that are to go, and the projections of all others."""
        going: list[str] = []
        kept: list[Facet] = []
        with store_faults():
            async for document in self._events.find({"facet_id": facet_id, "projected": True}):
                if over(document):
                    going.append(document["_id"])
                else:
                    kept.append(project(event_from_document(document)))
        return going, kept

    async def _remove(self, ids: Collection[str]) -> int:
        ordered, gone = sorted(ids), 0
        with store_faults():
            for start in range(0, len(ordered), REMOVED_TOGETHER):
                done = await self._events.delete_many(
                    {"_id": {"$in": ordered[start : start + REMOVED_TOGETHER]}}
                )
                gone += done.deleted_count
        return gone


class ForgettingService:
    """Lets a customer take back single things that they did."""

    def __init__(self, store: Store, profiles: ProfileService, clock: Clock) -> None:
        self._events = store.db["events"]
        self._profiles = profiles
        self._tombstones = Tombstones(store.db)
        self._rebuilder = Rebuilder(store.db)
        self._clock = clock

    async def forget(self, ref: CustomerRef, event_ids: Sequence[str], *, by: str) -> Profile:
        """Forget events of a customer, for good; return the profile after. Doing it again changes nothing.

        Args:
            ref: whose they are.
            event_ids: their messageIds.
            by: who asks, for the log.

        Raises:
            InvalidInput: NOTHING_TO_FORGET, TOO_MANY, or MUST_BE_KEPT: an order, a consent, who they are.
            NotFound: UNKNOWN_CUSTOMER; UNKNOWN_EVENT: it is none of theirs. Nothing was changed.
            Conflict: others kept changing the same customer; doing it again completes it.
            Unavailable: the store does not answer; doing it again completes it.
        """
        if not event_ids:
            raise InvalidInput("name at least one event", path=("eventIds",), code="NOTHING_TO_FORGET")
        if len(event_ids) > MOST_AT_ONCE:
            raise InvalidInput(f"name at most {MOST_AT_ONCE} at once", path=("eventIds",), code="TOO_MANY")
        profile = await self._profiles.require(ref)  # which projects what waits
        found = await self._found(profile, event_ids)
        at = self._clock.now()
        await self._tombstones.put_messages(found, at)
        by_facet: dict[str, set[str]] = defaultdict(set)
        for event_id, facet_id in found.items():
            by_facet[facet_id].add(event_id)
        gone = 0
        for facet_id, ids in sorted(by_facet.items()):
            gone += await self._rebuilder.forget(facet_id, _among(ids))
        if gone < len(found):
            raise Conflict("some of these events are only just being written; try again")
        log.info("events are forgotten", events=gone, by=by)
        return await self._profiles.require(CustomerRef("id", profile.id))

    async def _found(self, profile: Profile, event_ids: Sequence[str]) -> dict[str, str]:
        """Return event id -> facet of those that are there; all are checked before anything is changed."""
        query = {"_id": {"$in": sorted(set(event_ids))}, "facet_id": {"$in": sorted(profile.facet_ids)}}
        with store_faults():
            cursor = self._events.find(query, {"facet_id": 1, "kind": 1})
            known = {document["_id"]: document async for document in cursor}
        before = await self._tombstones.of_messages(set(event_ids) - known.keys())
        for index, event_id in enumerate(event_ids):
            document = known.get(event_id)
            if document is None and event_id not in before:
                raise NotFound(
                    "nothing that this customer did has this id",
                    path=("eventIds", index),
                    code="UNKNOWN_EVENT",
                )
            if document is not None and document["kind"] not in BEHAVIOUR | OWN_WORD:
                raise InvalidInput(
                    "orders, consents and who somebody is are kept until the customer is erased",
                    path=("eventIds", index),
                    code="MUST_BE_KEPT",
                )
        return {event_id: document["facet_id"] for event_id, document in known.items()}


def _among(ids: Collection[str]) -> Over:
    return lambda document: document["_id"] in ids
