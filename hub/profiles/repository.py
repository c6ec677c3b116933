"""Profiles in the store, and the one door to all queries on the three collections.

identities   under which names customers are known      identity_repository.py
facets       what each identity's events come to        facet_repository.py
profiles     the cached fold, or the note that it was   here; merging away: moving.py
             merged away
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pymongo import UpdateOne
from pymongo.errors import BulkWriteError, DuplicateKeyError

from hub.profiles.beside import Beside, Documents
from hub.profiles.facet_repository import FacetRepository
from hub.profiles.identity_repository import IdentityRepository
from hub.profiles.merge_repository import OperationRepository, ReviewRepository
from hub.profiles.model import Profile
from hub.profiles.moving import MoveRepository
from hub.profiles.profile_codec import HEADER_FIELDS, Header, header_from_document, profile_from_document
from hub.profiles.versioned_writes import only_duplicates, write_versioned
from hub.store.database import Database
from hub.store.faults import store_faults


@dataclass(frozen=True, slots=True)
class ToldTraits:
    """Some traits of a customer, and one facet to know them by."""

    profile_id: str
    facet_id: str
    traits: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Found:
    """What one look by an identity found: header and fold as in `get_one_or_none`, and the documents beside."""

    header: Header
    profile: Profile | None
    documents: Documents


class ProfileRepository(IdentityRepository, FacetRepository, MoveRepository):
    """Reads and writes `profiles`, and by what it inherits `identities` and `facets`."""

    def __init__(self, db: Database) -> None:
        IdentityRepository.__init__(self, db)
        FacetRepository.__init__(self, db)
        MoveRepository.__init__(self, db)
        self.db = db
        self.operations = OperationRepository(db)
        self.reviews = ReviewRepository(db)

    async def get_one_or_none(self, profile_id: str) -> tuple[Header, Profile | None] | None:
        """Return a profile's header and its fold; the fold is None where there is none yet or no longer."""
        with store_faults():
            document = await self._profiles.find_one({"_id": profile_id})
        return None if document is None else _read(document)

    async def of_identity(self, key: str, besides: Sequence[Beside] = ()) -> Found | None:
        """Return the profile in which an identity lives, and what is to be read along, in one command.

        None where nobody is known by it, or nothing of them was told yet. The profile may be a note that it was
        merged away.

        Args:
            key: of the identity.
            besides: what to read along.
        """
        steps: list[dict[str, Any]] = [
            {"$match": {"_id": key}},
            _joined("profiles", "profile_id", "_id", "profile"),
        ]
        if any(each.former for each in besides):
            former = {"$ifNull": [{"$first": "$profile.former_ids"}, []]}
            steps.append({"$set": {"ids": {"$concatArrays": [["$profile_id"], former]}}})
        for each in besides:
            here = "ids" if each.former else "profile_id"
            steps.append(_joined(each.collection, here, each.field, f"beside.{each.collection}", each.steps))
        with store_faults():
            found = await (await self._identities.aggregate(steps)).to_list()
        if not found or not found[0]["profile"]:
            return None
        return Found(*_read(found[0]["profile"][0]), found[0].get("beside", {}))

    async def get_many(self, profile_ids: Collection[str]) -> dict[str, tuple[Header, Profile | None]]:
        """Return headers and folds of profiles by id; see `get_one_or_none`."""
        with store_faults():
            documents = await self._profiles.find({"_id": {"$in": sorted(profile_ids)}}).to_list()
        return {document["_id"]: _read(document) for document in documents}

    async def headers(self, profile_ids: Collection[str]) -> dict[str, Header]:
        """Return headers of profiles by id; those that do not exist yet are left out."""
        query = {"_id": {"$in": sorted(profile_ids)}}
        with store_faults():
            cursor = self._profiles.find(query, dict.fromkeys(HEADER_FIELDS, 1))
            return {document["_id"]: header_from_document(document) async for document in cursor}

    async def versions(self, profile_ids: Collection[str]) -> dict[str, int]:
        """Return the versions of profiles by id; those that do not exist are left out."""
        with store_faults():
            cursor = self._profiles.find({"_id": {"$in": sorted(profile_ids)}}, {"version": 1})
            return {document["_id"]: document["version"] for document in await cursor.to_list()}

    async def write_profiles(self, documents: Sequence[dict[str, Any]]) -> bool:
        """Write folds whose `version` is one above the stored one; False if somebody else was faster with any."""
        return await write_versioned(self._profiles, documents)

    async def told_traits(self, names: Iterable[str]) -> list[ToldTraits]:
        """Return, of every customer of whom one of these traits is told, those traits and a facet of theirs."""
        wanted = set(names)
        query = {"merged_into": None, "traits.0": {"$exists": True}}
        with store_faults():
            cursor = self._profiles.find(query, {"traits": 1, "facet_ids": 1}).sort("_id", 1)
            told = [
                ToldTraits(
                    document["_id"],
                    document["facet_ids"][0],
                    {name: value for name, value, *_ in document["traits"] if name in wanted},
                )
                async for document in cursor
            ]
        return [one for one in told if one.traits]

    async def mark_stale(self, facets_by_profile: Mapping[str, Collection[str]]) -> None:
        """Say of profiles that events of these facets wait to be folded; which profiles those are is a hint."""
        facets_by_profile = await self._not_marked(facets_by_profile)
        if not facets_by_profile:
            return
        known = {
            profile_id: next(iter(facet_ids))
            for profile_id, facet_ids in facets_by_profile.items()
            if len(facet_ids) == 1
        }
        with store_faults():
            # Most events are of customers who are known, and one command for all is cheaper than one for each.
            result = await self._profiles.update_many(
                {
                    "_id": {"$in": sorted(known)},
                    "facet_ids": {"$in": sorted(known.values())},
                    "merged_into": None,
                },
                {"$set": {"stale": True}, "$inc": {"version": 1}},
            )
            if result.matched_count == len(facets_by_profile):
                return
            # Somebody new, or somebody who was merged or split since: whose the facets are now is read.
            owned: dict[str, set[str]] = defaultdict(set)
            homes = await self.homes_of_facets([one for each in facets_by_profile.values() for one in each])
            for facet_id, profile_id in homes.items():
                owned[profile_id].add(facet_id)
            writes = [
                UpdateOne(
                    {"_id": profile_id, "merged_into": None},
                    {
                        "$set": {"stale": True},
                        "$inc": {"version": 1},
                        "$addToSet": {"facet_ids": {"$each": sorted(facet_ids)}},
                    },
                    upsert=True,
                )
                for profile_id, facet_ids in owned.items()
            ]
            try:
                await self._profiles.bulk_write(writes, ordered=False)
            except BulkWriteError as error:
                # Merged away meanwhile: the upsert met its note. Its events are found by `recover`.
                only_duplicates(error)

    async def _not_marked(
        self, facets_by_profile: Mapping[str, Collection[str]]
    ) -> dict[str, Collection[str]]:
        """Leave out profiles that are marked already: to read that is far cheaper than to write it once more."""
        query = {"_id": {"$in": sorted(facets_by_profile)}, "stale": True, "merged_into": None}
        with store_faults():
            cursor = self._profiles.find(query, {"facet_ids": 1}, batch_size=len(facets_by_profile) + 1)
            marked = await cursor.to_list()
        standing = {document["_id"]: set(document["facet_ids"]) for document in marked}
        return {
            profile_id: facet_ids
            for profile_id, facet_ids in facets_by_profile.items()
            if profile_id not in standing or not standing[profile_id].issuperset(facet_ids)
        }

    async def begin_folding(self, profile_ids: Collection[str]) -> None:
        """Say of stale profiles that they are being folded, so that whoever writes events from now on marks them anew.

        They stay outdated to whoever reads them until a fold is written over this version.
        """
        with store_faults():
            await self._profiles.update_many(
                {"_id": {"$in": sorted(profile_ids)}, "stale": True},
                {"$set": {"stale": False, "folding": True}, "$inc": {"version": 1}},
            )

    async def ids(self, *, after: str, most: int) -> list[str]:
        """Return the ids of profiles that were not merged into others, in their order."""
        with store_faults():
            query = {"_id": {"$gt": after}, "merged_into": None}
            found = await self._profiles.find(query, {"_id": 1}).sort("_id", 1).limit(most).to_list()
        return [document["_id"] for document in found]

    async def count(self) -> int:
        """Return how many profiles there are that were not merged into others."""
        with store_faults():
            return await self._profiles.count_documents({"merged_into": None})

    async def ensure_profile(self, profile_id: str, facet_id: str) -> None:
        """Create an empty profile that waits to be folded, unless it is there."""
        with store_faults():
            try:
                await self._profiles.insert_one(
                    {"_id": profile_id, "version": 1, "facet_ids": [facet_id], "stale": True}
                )
            except DuplicateKeyError:
                return


def _read(document: Mapping[str, Any]) -> tuple[Header, Profile | None]:
    header = header_from_document(document)
    return header, profile_from_document(document) if header.folded is not None else None


def _joined(
    collection: str, here: str, there: str, name: str, steps: Sequence[Mapping[str, Any]] = ()
) -> dict[str, Any]:
    joined = {"from": collection, "localField": here, "foreignField": there, "as": name}
    return {"$lookup": joined | ({"pipeline": list(steps)} if steps else {})}
