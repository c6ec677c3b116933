"""Events in the store: written once, found by facet. All queries on `events` of this room are here."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from pymongo import ASCENDING, DESCENDING
from pymongo.errors import BulkWriteError

from hub.events.model import Event, EventType, Item, Mention
from hub.events.names import TimelineKind
from hub.store.database import Database
from hub.store.faults import DUPLICATE_KEY, store_faults

ALL = 0  # as the store says it
_EVERY = 4_096  # events between two words on progress


@dataclass(frozen=True, slots=True)
class StoredEvent:
    """An event and the facet that it is projected into."""

    event: Event
    facet_id: str


def event_to_document(event: Event, facet_id: str) -> dict[str, Any]:
    """Return an event as it is stored before it is projected; absent fields are left out."""
    document: dict[str, Any] = {
        "_id": event.id,
        "type": event.type.value,
        "event": event.name,
        "kind": event.kind.value,
        "at": event.at,
        "received_at": event.received_at,
        "facet_id": facet_id,
        "projected": False,
        "payload": {"properties": event.properties, "traits": event.traits, "context": event.context},
        "items": [_item(item) for item in event.items],
        "source": event.source,
    }
    if event.user_id is not None:
        document["user_id"] = event.user_id
    if event.anonymous_id is not None:
        document["anonymous_id"] = event.anonymous_id
    if event.mentions:
        document["mentions"] = [[one.type, one.value, one.verified] for one in event.mentions]
    return document


def _item(item: Item) -> dict[str, Any]:
    document: dict[str, Any] = {"key": item.key, "quantity": item.quantity}
    if item.price is not None:
        # As text: exact, and twenty times cheaper to write than a Decimal128.
        document["price"] = str(item.price)
    if item.gifts:
        document["gifts"] = item.gifts
    return document


def event_from_document(document: Mapping[str, Any]) -> Event:
    """Return the event that a document holds."""
    payload = document["payload"]
    return Event(
        id=document["_id"],
        type=EventType(document["type"]),
        name=document["event"],
        at=document["at"],
        received_at=document["received_at"],
        source=document["source"],
        user_id=document.get("user_id"),
        anonymous_id=document.get("anonymous_id"),
        mentions=tuple(Mention(*one) for one in document.get("mentions", ())),
        properties=payload["properties"],
        traits=payload["traits"],
        context=payload["context"],
        items=tuple(
            Item(
                one["key"],
                one["quantity"],
                Decimal(one["price"]) if "price" in one else None,
                gifts=one.get("gifts", 0),
            )
            for one in document["items"]
        ),
    )


class EventRepository:
    """Reads and writes `events`."""

    def __init__(self, db: Database) -> None:
        self._events = db["events"]

    async def add(self, events: Sequence[StoredEvent]) -> set[str]:
        """Write events durably; return the ids of those that were there already.

        Raises:
            Unavailable: the store did not acknowledge; some may be written, and sending again is safe.
        """
        documents = [event_to_document(stored.event, stored.facet_id) for stored in events]
        with store_faults():
            try:
                await self._events.insert_many(documents, ordered=False)
            except BulkWriteError as error:
                details = error.details or {}
                faults = details.get("writeErrors", [])
                if details.get("writeConcernErrors") or any(f["code"] != DUPLICATE_KEY for f in faults):
                    raise
                return {documents[fault["index"]]["_id"] for fault in faults}
        return set()

    async def unprojected(self, facet_ids: Collection[str], *, most: int) -> list[StoredEvent]:
        """Return at most so many (or `ALL`) events of facets that are not projected yet, the first to come first."""
        query = {"projected": False, "facet_id": {"$in": sorted(facet_ids)}}
        with store_faults():
            found = await self._events.find(query).limit(most).to_list()
        return [StoredEvent(event_from_document(document), document["facet_id"]) for document in found]

    async def facets_behind(self, ids: Collection[str]) -> set[str]:
        """Return the facets into which some events, by messageId, are not projected yet."""
        with store_faults():
            found = self._events.find({"_id": {"$in": sorted(ids)}, "projected": False}, {"facet_id": 1})
            return {document["facet_id"] async for document in found}

    async def waiting_facets(self, *, after: str, received_before: datetime, most: int) -> list[str]:
        """Return facets, in order and behind `after`, whose events wait since before an instant; [] at the end.

        `most` events are looked at, so that a pass over all of them takes time linear in what waits.
        """
        query = {"projected": False, "facet_id": {"$gt": after}, "received_at": {"$lte": received_before}}
        with store_faults():
            cursor = self._events.find(query, {"_id": 0, "facet_id": 1}).sort("facet_id").hint("waiting")
            return list(dict.fromkeys([document["facet_id"] async for document in cursor.limit(most)]))

    async def mark_projected(self, ids: Sequence[str]) -> None:
        """Say that events are in their facets and the profiles know of it."""
        with store_faults():
            await self._events.update_many({"_id": {"$in": list(ids)}}, {"$set": {"projected": True}})

    async def newest(
        self,
        facet_ids: Collection[str],
        *,
        most: int,
        before: tuple[datetime, str] | None = None,
        kinds: Collection[TimelineKind] | None = None,
    ) -> list[Event]:
        """Return events of facets, newest first, after (that is, older than) a position if one is given."""
        query: dict[str, Any] = {"facet_id": {"$in": sorted(facet_ids)}}
        if kinds is not None:
            query["kind"] = {"$in": sorted(kind.value for kind in kinds)}
        if before is not None:
            at, event_id = before
            query["at"] = {"$lte": at}
            query["$or"] = [{"at": {"$lt": at}}, {"_id": {"$lt": event_id}}]
        with store_faults():
            cursor = self._events.find(query).sort([("at", DESCENDING), ("_id", DESCENDING)]).limit(most)
            return [event_from_document(document) async for document in cursor]

    async def of_facet(self, facet_id: str) -> list[Event]:
        """Return all events of a facet, oldest first: what a rebuild starts from."""
        with store_faults():
            cursor = self._events.find({"facet_id": facet_id}).sort([("at", ASCENDING), ("_id", ASCENDING)])
            return [event_from_document(document) async for document in cursor]

    async def everything(self, *, progress: Callable[[float], None]) -> list[Event]:
        """Return all events of all facets, oldest first; `progress` is told the share that was read."""
        found: list[Event] = []
        with store_faults():
            total = max(await self._events.estimated_document_count(), 1)
            cursor = self._events.find({}).sort([("at", ASCENDING), ("_id", ASCENDING)]).allow_disk_use(True)
            async for document in cursor:
                found.append(event_from_document(document))
                if len(found) % _EVERY == 0:
                    progress(min(len(found) / total, 1.0))
        progress(1.0)
        return found
