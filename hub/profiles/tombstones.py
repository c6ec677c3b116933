"""What stays of the erased: that somebody with this identity was erased, and when. No personal data.

    tombstones   _id = HMAC-SHA256(the hub's secret, "type:value")   erased_at

Without the hub's secret nobody can tell whose a tombstone is; with it, one can only ask of a given identity
whether it was erased. That is what ingest asks: an event of before the erasure that comes after it (a phone
that was offline, a backfill, a retry) speaks of somebody who is to be forgotten, and is refused. What the
same person does from then on is a new customer's.
"""

import hashlib
import hmac
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime

from pymongo import UpdateOne

from hub.auth.repository import KeyRepository
from hub.events.model import Event
from hub.store.database import Database
from hub.store.faults import store_faults

SECRET = "tombstones"  # noqa: S105 - the name of the secret, not the secret


class Tombstones:
    """All queries on `tombstones`."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._tombstones = db["tombstones"]
        self._secret: bytes | None = None

    async def put(self, keys: Collection[str], at: datetime, erasure_id: str) -> None:
        """Note that the owner of identities (by key) was erased; the latest erasure counts."""
        secret = await self._key()
        writes = [
            UpdateOne(
                {"_id": _name(secret, key)},
                {"$max": {"erased_at": at}, "$set": {"erasure_id": erasure_id}},
                upsert=True,
            )
            for key in sorted(keys)
        ]
        if writes:
            with store_faults():
                await self._tombstones.bulk_write(writes, ordered=False)

    async def of_the_erased(self, events: Sequence[Event]) -> set[str]:
        """Return the ids of those events that happened before one of their identities was erased."""
        if not events:
            return set()
        secret = await self._key()
        names = {key: _name(secret, key) for event in events for key in keys_of(event)}
        with store_faults():
            found = await self._tombstones.find({"_id": {"$in": sorted(names.values())}}).to_list()
        if not found:
            return set()
        erased = {document["_id"]: document["erased_at"] for document in found}
        return {
            event.id
            for event in events
            if any(names[key] in erased and event.at <= erased[names[key]] for key in keys_of(event))
        }

    async def retract(self, events: Iterable[tuple[str, str]]) -> None:
        """Take back events (id, facet id) that were written while their customer was being erased."""
        told = list(events)
        facet_ids = sorted({facet_id for _, facet_id in told})
        with store_faults():
            await self._db["events"].delete_many({"_id": {"$in": [event_id for event_id, _ in told]}})
            for facet_id in facet_ids:
                left = await self._db["events"].find_one({"facet_id": facet_id}, {"_id": 1})
                if left is None and await self._db["facets"].find_one({"_id": facet_id}, {"_id": 1}) is None:
                    await self._db["identities"].delete_many({"facet_id": facet_id})

    async def _key(self) -> bytes:
        if self._secret is None:
            with store_faults():
                self._secret = await KeyRepository(self._db).secret(SECRET)
        return self._secret


def keys_of(event: Event) -> set[str]:
    """Return the keys of all identities that an event names."""
    keys = {event.primary.key}
    for mention in event.mentions:
        if mention.type == "previous_id":
            keys |= {f"user_id:{mention.value}", f"anonymous_id:{mention.value}"}
        else:
            keys.add(mention.key)
    return keys


def _name(secret: bytes, key: str) -> str:
    return hmac.new(secret, key.encode(), hashlib.sha256).hexdigest()
