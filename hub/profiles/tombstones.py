"""What stays of the erased: that somebody with this identity was erased, and when. No personal data.

    tombstones              _id = HMAC-SHA256(the hub's secret, "type:value")       erased_at
                            _id = HMAC-SHA256(the hub's secret, "message id:...")   erased_at, of a single event
    versions / tombstones   moves after tombstones were put, and before anything is removed

Without the hub's secret nobody can tell whose a tombstone is; with it, one can only ask of a given identity
whether it was erased. That is what ingest asks: an event of before the erasure that comes after it (a phone
that was offline, a backfill, a retry) speaks of somebody who is to be forgotten, and is refused. What the
same person does from then on is a new customer's.

Whoever finds the mark in `versions` where it was knows that no erasure has begun to remove since: what was read
of identities and tombstones in between still holds (docs/decisions/0140).
"""

import hmac
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from pymongo import UpdateOne

from hub.auth.repository import KeyRepository
from hub.events.model import Event
from hub.kit.ids import new_id
from hub.store.database import Database
from hub.store.faults import store_faults

SECRET = "tombstones"  # noqa: S105 - the name of the secret, not the secret
MARK = "tombstones"  # the document in `versions`


@dataclass(frozen=True, slots=True)
class Mark:
    """Where the mark stands, "" where nobody was ever erased; `messages`: single events were ever forgotten."""

    version: str = ""
    messages: bool = False


class Tombstones:
    """All queries on `tombstones`."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._tombstones = db["tombstones"]
        self._versions = db["versions"]
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
            await self.move_mark()

    async def mark(self) -> Mark:
        """Return the mark, which moves whenever somebody is erased or something is forgotten."""
        with store_faults():
            document = await self._versions.find_one({"_id": MARK})
        return Mark() if document is None else Mark(document["version"], document.get("messages", False))

    async def move_mark(self, *, messages: bool = False) -> None:
        """Let every process look anew for identities and tombstones; with `messages`, of single events from now on."""
        moved = {"version": new_id("mark")} | ({"messages": True} if messages else {})
        with store_faults():
            await self._versions.update_one({"_id": MARK}, {"$set": moved}, upsert=True)

    async def erased_at(self, keys: Collection[str]) -> dict[str, datetime]:
        """Return when the owners of identities (by key) were last erased; who never was is left out."""
        if not keys:
            return {}
        secret = await self._key()
        names = {_name(secret, key): key for key in keys}
        with store_faults():
            found = await self._tombstones.find({"_id": {"$in": sorted(names)}}).to_list()
        return {names[document["_id"]]: document["erased_at"] for document in found}

    async def of_the_erased(self, events: Sequence[Event]) -> set[str]:
        """Return the ids of those events that happened before one of their identities was erased, or were forgotten."""
        erased = await self.erased_at({key for event in events for key in keys_of(event)})
        return late(events, erased) | await self.of_messages({event.id for event in events})

    async def put_messages(self, event_ids: Collection[str], at: datetime) -> None:
        """Note that single events were forgotten, whatever becomes of their customer."""
        secret = await self._key()
        writes = [
            UpdateOne({"_id": _name(secret, _message(one))}, {"$setOnInsert": {"erased_at": at}}, upsert=True)
            for one in sorted(event_ids)
        ]
        if writes:
            with store_faults():
                await self._tombstones.bulk_write(writes, ordered=False)
            await self.move_mark(messages=True)

    async def of_messages(self, event_ids: Collection[str]) -> set[str]:
        """Return which of some events were forgotten."""
        secret = await self._key()
        names = {_name(secret, _message(one)): one for one in event_ids}
        if not names:
            return set()
        with store_faults():
            found = await self._tombstones.find({"_id": {"$in": sorted(names)}}).to_list()
        return {names[document["_id"]] for document in found}

    async def retract(self, events: Iterable[tuple[str, str]]) -> None:
        """Take back events (id, facet id) that were written while their customer was being erased."""
        told = list(events)
        facet_ids = sorted({facet_id for _, facet_id in told})
        gone = 0
        with store_faults():
            await self._db["events"].delete_many({"_id": {"$in": [event_id for event_id, _ in told]}})
            for facet_id in facet_ids:
                left = await self._db["events"].find_one({"facet_id": facet_id}, {"_id": 1})
                if left is None and await self._db["facets"].find_one({"_id": facet_id}, {"_id": 1}) is None:
                    gone += (await self._db["identities"].delete_many({"facet_id": facet_id})).deleted_count
        if gone:
            await self.move_mark()  # another process may have remembered them since the erasure moved it

    async def _key(self) -> bytes:
        if self._secret is None:
            with store_faults():
                self._secret = await KeyRepository(self._db).secret(SECRET)
        return self._secret


def keys_of(event: Event) -> Collection[str]:
    """Return the keys of all identities that an event names."""
    if not event.mentions:
        return (event.primary.key,)
    keys = {event.primary.key}
    for mention in event.mentions:
        if mention.type == "previous_id":
            keys |= {f"user_id:{mention.value}", f"anonymous_id:{mention.value}"}
        else:
            keys.add(mention.key)
    return keys


def late(events: Iterable[Event], erased: Mapping[str, datetime]) -> set[str]:
    """Return the ids of events that happened before one of their identities was erased.

    Args:
        events: any.
        erased: when the owners of identities (by key) were erased.
    """
    if not erased:
        return set()
    return {
        event.id
        for event in events
        if any(key in erased and event.at <= erased[key] for key in keys_of(event))
    }


def _message(event_id: str) -> str:
    return f"message id:{event_id}"  # no type of an identity has a space in it


def _name(secret: bytes, key: str) -> str:
    return hmac.digest(secret, key.encode(), "sha256").hex()
