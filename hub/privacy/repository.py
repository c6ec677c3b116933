"""All queries of erasures: what is there of a customer, and its removal."""

from collections.abc import Callable, Collection, Mapping
from datetime import datetime
from typing import Any

from pymongo import ReturnDocument

from embeddings.cache import key_of
from hub.events.names import PREFERENCES_SET, PRODUCTS_SEARCHED
from hub.events.repository import event_from_document
from hub.privacy.model import Erasure, JobState, Removed
from hub.privacy.reach import REACH, Blank, By, Struck, Whole
from hub.profiles.facet_codec import facet_from_document
from hub.profiles.facets import project
from hub.profiles.knowledge import texts_of
from hub.store.database import Store
from hub.store.faults import store_faults

WITH_WORDS = (PREFERENCES_SET, PRODUCTS_SEARCHED)
GUARDED = (("household", "household"), ("order", "order_id"))
AT_ONCE = 1_000  # experiences whose exposures are removed together
SIGNAL = "erasures"  # the document in `versions` that tells every process to forget


class PrivacyRepository:
    """Reads and writes `erasures`, and removes from every collection."""

    def __init__(self, store: Store) -> None:
        self._db = store.db
        self._erasures = store.db["erasures"]

    # what there is

    async def whole(self, known: Whole, encoder_ids: Collection[str]) -> Whole:
        """Return everything that belongs to a customer of whom something is known.

        Args:
            known: at least one profile id.
            encoder_ids: whose vectors of the customer's words may be cached.
        """
        profile_ids, facet_ids = set(known.profile_ids), set(known.facet_ids)
        with store_faults():
            while True:  # what was merged into it, and what was merged into that
                merged = await self._db["profiles"].distinct(
                    "_id", {"merged_into": {"$in": sorted(profile_ids)}}
                )
                former = await self._db["profiles"].distinct(
                    "former_ids", {"_id": {"$in": sorted(profile_ids)}}
                )
                if {*merged, *former} <= profile_ids:
                    break
                profile_ids |= {*merged, *former}
            by_profile = {"profile_id": {"$in": sorted(profile_ids)}}
            facet_ids |= set(await self._db["facets"].distinct("_id", by_profile))
            facet_ids |= set(await self._db["identities"].distinct("facet_id", by_profile))
            found = Whole(profile_ids=frozenset(profile_ids), facet_ids=frozenset(facet_ids))
            return known.with_(found).with_(
                Whole(
                    identity_keys=await self._identity_keys(found),
                    vector_keys=await self._vector_keys(found, encoder_ids),
                    guard_keys=await self._guard_keys(found),
                )
            )

    async def _identity_keys(self, whole: Whole) -> frozenset[str]:
        housed = await self._db["identities"].distinct(
            "_id",
            {
                "$or": [
                    {"profile_id": {"$in": sorted(whole.profile_ids)}},
                    {"facet_id": {"$in": sorted(whole.facet_ids)}},
                ]
            },
        )
        keys = set(housed)
        async for facet in self._db["facets"].find({"_id": {"$in": sorted(whole.facet_ids)}}, {"primary": 1}):
            keys.add(":".join(facet["primary"]))
        return frozenset(keys)

    async def _vector_keys(self, whole: Whole, encoder_ids: Collection[str]) -> frozenset[str]:
        by_facet = {"facet_id": {"$in": sorted(whole.facet_ids)}}
        texts: set[str] = set()
        async for document in self._db["facets"].find({"_id": {"$in": sorted(whole.facet_ids)}}):
            facet = facet_from_document(document)
            texts |= {signal.text for signal in facet.signals if signal.text}
            texts |= set(texts_of([facet]))
        async for document in self._db["events"].find({**by_facet, "event": {"$in": WITH_WORDS}}):
            texts |= set(texts_of([project(event_from_document(document))]))
        return frozenset(key_of(encoder, text) for encoder in encoder_ids if encoder for text in texts)

    async def _guard_keys(self, whole: Whole) -> frozenset[str]:
        keys = {f"person:{profile_id}" for profile_id in whole.profile_ids}
        async for grant in self._db["grants"].find({"profile_id": {"$in": sorted(whole.profile_ids)}}):
            keys |= {f"{of}:{grant[name]}" for of, name in GUARDED if grant.get(name) is not None}
        return frozenset(keys)

    async def encoder_ids(self, profile_ids: Collection[str]) -> set[str]:
        """Return the encoders that profiles were folded with."""
        with store_faults():
            return set(
                await self._db["profiles"].distinct("encoder_id", {"_id": {"$in": sorted(profile_ids)}})
            )

    # erasures

    async def begin(self, erasure: Erasure, whole: Whole) -> Erasure:
        """Note the intent, unless the same customer is being erased already; return the one that counts."""
        with store_faults():
            running = await self._erasures.find_one(
                {"state": JobState.RUNNING.value, "profile_ids": {"$in": sorted(whole.profile_ids)}}
            )
            if running is not None:
                return erasure_from(running)
            await self._erasures.insert_one(
                {
                    "_id": erasure.id,
                    "state": erasure.state.value,
                    "requested_at": erasure.requested_at,
                    "requested_by": erasure.requested_by,
                    "removed": {},
                    **_whole_fields(whole),
                }
            )
        return erasure

    async def extend(self, erasure_id: str, whole: Whole) -> None:
        """Note what was found since the intent was noted."""
        with store_faults():
            await self._erasures.update_one({"_id": erasure_id}, {"$set": _whole_fields(whole)})

    async def running(self) -> list[tuple[Erasure, Whole]]:
        """Return the erasures that are not done, and what is known of whom they erase."""
        with store_faults():
            found = await self._erasures.find({"state": JobState.RUNNING.value}).sort("_id", 1).to_list()
        return [(erasure_from(document), _whole_of(document)) for document in found]

    async def add_removed(self, erasure_id: str, name: str, count: int) -> None:
        """Count what was removed."""
        if count:
            with store_faults():
                await self._erasures.update_one({"_id": erasure_id}, {"$inc": {f"removed.{name}": count}})

    async def finish(self, erasure_id: str, at: datetime) -> Erasure:
        """Say that an erasure is done, and forget whom it erased; return it."""
        unset = dict.fromkeys(_whole_fields(Whole()), "")
        with store_faults():
            document = await self._erasures.find_one_and_update(
                {"_id": erasure_id},
                {"$set": {"state": JobState.DONE.value, "completed_at": at}, "$unset": unset},
                return_document=ReturnDocument.AFTER,
            )
        assert document is not None
        return erasure_from(document)

    async def get_one_or_none(self, erasure_id: str) -> Erasure | None:
        """Return an erasure by id."""
        with store_faults():
            document = await self._erasures.find_one({"_id": erasure_id})
        return None if document is None else erasure_from(document)

    # removal

    async def remove(self, name: str, by: By, whole: Whole, reach: Mapping[str, Any] = REACH) -> int:
        """Remove one customer's documents from one collection; return how many there were."""
        if by.served:
            return await self._remove_of_served(name, by.served, whole, reach["served"])
        query = by.query(whole)
        if query is None:
            return 0
        with store_faults():
            if isinstance(by, Blank):
                changed = await self._db[name].update_many(query, [dict(step) for step in by.change])
                return changed.modified_count
            if isinstance(by, Struck):
                listed = {field: {"$in": sorted(whole.profile_ids)} for field in by.profile}
                return (await self._db[name].update_many(query, {"$pull": listed})).modified_count
            return (await self._db[name].delete_many(query)).deleted_count

    async def _remove_of_served(self, name: str, fields: tuple[str, ...], whole: Whole, served: By) -> int:
        query = served.query(whole)
        if query is None:
            return 0
        removed = 0

        async def flush(ids: list[str]) -> int:
            either = [{one: {"$in": ids}} for one in fields]
            return (await self._db[name].delete_many({"$or": either})).deleted_count

        with store_faults():
            ids: list[str] = []
            async for document in self._db["served"].find(query, {"_id": 1}):
                ids.append(document["_id"])
                if len(ids) >= AT_ONCE:
                    removed += await flush(ids)
                    ids = []
            return removed + (await flush(ids) if ids else 0)

    # every process

    async def signal(self, erasure_id: str) -> None:
        """Tell every process to forget what it holds in memory."""
        with store_faults():
            await self._db["versions"].update_one(
                {"_id": SIGNAL}, {"$set": {"version": erasure_id}}, upsert=True
            )

    async def signalled(self) -> str:
        """Return the latest erasure that processes were told of."""
        with store_faults():
            document = await self._db["versions"].find_one({"_id": SIGNAL})
        return "" if document is None else str(document["version"])


def _whole_fields(whole: Whole) -> dict[str, Any]:
    return {
        "profile_ids": sorted(whole.profile_ids),
        "facet_ids": sorted(whole.facet_ids),
        "identity_keys": sorted(whole.identity_keys),
        "vector_keys": sorted(whole.vector_keys),
        "guard_keys": sorted(whole.guard_keys),
    }


def _whole_of(document: Mapping[str, Any]) -> Whole:
    field: Callable[[str], frozenset[str]] = lambda name: frozenset(document.get(name, ()))  # noqa: E731
    return Whole(
        profile_ids=field("profile_ids"),
        facet_ids=field("facet_ids"),
        identity_keys=field("identity_keys"),
        vector_keys=field("vector_keys"),
        guard_keys=field("guard_keys"),
    )


def erasure_from(document: Mapping[str, Any]) -> Erasure:
    """Return the erasure that a document holds."""
    return Erasure(
        id=document["_id"],
        state=JobState(document["state"]),
        requested_at=document["requested_at"],
        requested_by=document["requested_by"],
        completed_at=document.get("completed_at"),
        collections=tuple(Removed(name, count) for name, count in sorted(document["removed"].items())),
    )
