"""Profiles, facets and identities in the store: all queries on the three collections are here.

identities   type:value -> facet_id, profile_id     the facet is for good, the profile a hint: a merged-away
                                                    profile says itself where it went
facets       the projection of one primary identity's events, and whose it is
profiles     the cached fold, or the note that it was merged away
"""

import asyncio
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pymongo import InsertOne, ReplaceOne, UpdateOne
from pymongo.errors import BulkWriteError, DuplicateKeyError

from hub.kit.ids import new_id
from hub.profiles.facet_codec import facet_from_document, facet_to_document
from hub.profiles.merge_repository import OperationRepository, ReviewRepository
from hub.profiles.model import CustomerRef, Facet, Link, LinkedFacet, Profile
from hub.profiles.profile_codec import HEADER_FIELDS, Header, header_from_document, profile_from_document
from hub.store.database import Database
from hub.store.faults import DUPLICATE_KEY, store_faults
from hub.store.transactions import Session, transact


@dataclass(frozen=True, slots=True)
class Home:
    """Where an identity lives."""

    facet_id: str
    profile_id: str
    verified: bool = False


@dataclass(frozen=True, slots=True)
class NewIdentity:
    """An identity that may not be known yet, and where it goes if so; a new home is made if none is given."""

    type: str
    value: str
    verified: bool
    first_seen_at: datetime
    home: Home | None = None

    @property
    def key(self) -> str:
        """Its key in the store."""
        return f"{self.type}:{self.value}"


@dataclass(frozen=True, slots=True)
class ToldTraits:
    """Some traits of a customer, and one facet to know them by."""

    profile_id: str
    facet_id: str
    traits: Mapping[str, Any]


class ProfileRepository:
    """Reads and writes `identities`, `facets` and `profiles`."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self.operations = OperationRepository(db)
        self.reviews = ReviewRepository(db)
        self._identities = db["identities"]
        self._facets = db["facets"]
        self._profiles = db["profiles"]

    # identities

    async def homes(self, keys: Collection[str]) -> dict[str, Home]:
        """Return where identities live, by key; unknown ones are left out."""
        if not keys:
            return {}
        with store_faults():
            found = await self._identities.find({"_id": {"$in": sorted(keys)}}).to_list()
        return {
            document["_id"]: Home(document["facet_id"], document["profile_id"], document["verified"])
            for document in found
        }

    async def house(self, identities: Mapping[str, NewIdentity]) -> dict[str, Home]:
        """Return where identities live, giving those a home that have none; who comes first decides."""
        found = await self.homes(identities.keys())
        missing = [identity for key, identity in identities.items() if key not in found]
        if not missing:
            return found
        documents = [_identity_document(identity) for identity in missing]
        with store_faults():
            try:
                await self._identities.insert_many(documents, ordered=False)
            except BulkWriteError as error:
                _only_duplicates(error)
                return found | await self.homes([identity.key for identity in missing])
        return found | {d["_id"]: Home(d["facet_id"], d["profile_id"], d["verified"]) for d in documents}

    def new_home(self, profile_id: str | None = None) -> Home:
        """Return a home that nobody lives in yet: a facet of its own, in a given profile or a new one."""
        return Home(new_id("fct"), profile_id or new_id("prf"))

    async def homes_of_facets(self, facet_ids: Collection[str]) -> dict[str, str]:
        """Return facet id -> profile id (a hint) by the identities that live there."""
        query = {"facet_id": {"$in": sorted(facet_ids)}}
        with store_faults():
            cursor = self._identities.find(query, {"facet_id": 1, "profile_id": 1})
            return {document["facet_id"]: document["profile_id"] async for document in cursor}

    async def has_user(self, profile_id: str) -> bool:
        """Tell whether a user id lives in a profile, be its first event projected yet or not."""
        with store_faults():
            # An identity is written before its first event is, so that there is no moment at which a user's
            # profile looks like a visitor's.
            housed = await self._identities.find_one(
                {"profile_id": profile_id, "type": "user_id"}, {"_id": 1}
            )
            return (
                housed is not None
                or await self._facets.find_one({"profile_id": profile_id, "primary.0": "user_id"}, {"_id": 1})
                is not None
            )

    async def verify(self, key: str) -> None:
        """Say that an identity was verified."""
        with store_faults():
            await self._identities.update_one({"_id": key}, {"$set": {"verified": True}})

    # facets

    async def facets(self, facet_ids: Collection[str]) -> list[LinkedFacet]:
        """Return facets by id; those that do not exist yet are left out."""
        with store_faults():
            found = await self._facets.find({"_id": {"$in": sorted(facet_ids)}}).to_list()
        return [linked_facet(document) for document in found]

    async def owners(self, facet_ids: Collection[str]) -> dict[str, str]:
        """Return facet id -> profile id of those facets that exist."""
        if not facet_ids:
            return {}
        with store_faults():
            cursor = self._facets.find({"_id": {"$in": sorted(facet_ids)}}, {"profile_id": 1})
            return {document["_id"]: document["profile_id"] async for document in cursor}

    async def facets_of(self, profile_ids: Collection[str]) -> list[LinkedFacet]:
        """Return the facets of profiles, in the order of their ids."""
        with store_faults():
            found = await self._facets.find({"profile_id": {"$in": sorted(profile_ids)}}).to_list()
        return sorted((linked_facet(document) for document in found), key=lambda facet: facet.id)

    async def facet_ids_of(self, profile_id: str) -> list[str]:
        """Return the ids of a profile's facets: those that exist, and those whose first event waits."""
        with store_faults():
            existing, awaited = await asyncio.gather(
                self._facets.distinct("_id", {"profile_id": profile_id}),
                self._identities.distinct("facet_id", {"profile_id": profile_id}),
            )
        return sorted({*existing, *awaited})

    async def facets_by_id(self, profile_ids: Collection[str]) -> dict[str, str]:
        """Return facet id -> profile of all facets of some profiles, as `facet_ids_of` knows them."""
        query = {"profile_id": {"$in": sorted(profile_ids)}}
        with store_faults():
            waiting = await self._identities.find(query, {"facet_id": 1, "profile_id": 1}).to_list()
            existing = await self._facets.find(query, {"profile_id": 1}).to_list()
        homes = {document["facet_id"]: document["profile_id"] for document in waiting}
        return homes | {document["_id"]: document["profile_id"] for document in existing}

    async def ensure_facet(self, facet: LinkedFacet) -> None:
        """Create a facet unless it is there."""
        with store_faults():
            try:
                await self._facets.insert_one(_facet_document(facet))
            except DuplicateKeyError:
                return

    async def write_facets(self, facets: Sequence[LinkedFacet]) -> bool:
        """Write facets whose `version` is one above the stored one; False if somebody else was faster with any."""
        return await _write_versioned(self._facets, [_facet_document(facet) for facet in facets])

    # profiles

    async def get_one_or_none(self, profile_id: str) -> tuple[Header, Profile | None] | None:
        """Return a profile's header and its fold; the fold is None where there is none yet or no longer."""
        with store_faults():
            document = await self._profiles.find_one({"_id": profile_id})
        if document is None:
            return None
        header = header_from_document(document)
        return header, profile_from_document(document) if header.folded is not None else None

    async def get_many(self, profile_ids: Collection[str]) -> dict[str, tuple[Header, Profile | None]]:
        """Return headers and folds of profiles by id; see `get_one_or_none`."""
        with store_faults():
            documents = await self._profiles.find({"_id": {"$in": sorted(profile_ids)}}).to_list()
        found = {}
        for document in documents:
            header = header_from_document(document)
            found[header.id] = (
                header,
                profile_from_document(document) if header.folded is not None else None,
            )
        return found

    async def headers(self, profile_ids: Collection[str]) -> dict[str, Header]:
        """Return headers of profiles by id; those that do not exist yet are left out."""
        query = {"_id": {"$in": sorted(profile_ids)}}
        with store_faults():
            cursor = self._profiles.find(query, dict.fromkeys(HEADER_FIELDS, 1))
            return {document["_id"]: header_from_document(document) async for document in cursor}

    async def write_profiles(self, documents: Sequence[dict[str, Any]]) -> bool:
        """Write folds whose `version` is one above the stored one; False if somebody else was faster with any."""
        return await _write_versioned(self._profiles, documents)

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
        """Say of profiles that events of these facets wait to be folded."""
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
                for profile_id, facet_ids in facets_by_profile.items()
            ]
            try:
                await self._profiles.bulk_write(writes, ordered=False)
            except BulkWriteError as error:
                # Merged away meanwhile: the upsert met its note. Its events are found by `recover`.
                _only_duplicates(error)

    # linking; see hub.profiles.linking for the order of these steps

    async def note_merge(self, header: Header, into: str, at: datetime, by: str) -> bool:
        """Turn a profile into the note that it was merged away; False if somebody else changed it first."""
        note = {
            "_id": header.id, "version": header.version + 1, "facet_ids": [], "former_ids": list(header.former_ids),
            "merged_into": into, "merged_at": at, "merged_by": by,
        }  # fmt: skip
        return await _write_versioned(self._profiles, [note])

    async def move(self, note: Header) -> None:
        """Complete a noted merge: former ids, facets, the identities' hints. Doing it again changes nothing.

        All in one transaction that also touches the note: whoever meets a note may be late, and must not
        carry out one that a split has taken back meanwhile.
        """
        standing = {"_id": note.id, "merged_into": note.merged_into, "merged_by": note.merged_by}

        async def work(session: Session) -> None:
            touched = await self._profiles.update_one(standing, {"$inc": {"touched": 1}}, session=session)
            if touched.matched_count:
                await self.move_in(note, session)

        await transact(self._db, work)

    async def move_in(self, note: Header, session: Session) -> None:
        """Carry out a note within a transaction."""
        assert note.merged_into is not None
        inherited = [note.id, *note.former_ids]
        await self._profiles.update_one(
            {"_id": note.merged_into, "former_ids": {"$not": {"$all": inherited}}},
            {
                "$addToSet": {"former_ids": {"$each": inherited}},
                "$set": {"stale": True},
                "$inc": {"version": 1},
            },
            session=session,
        )
        await self._facets.update_many(
            {"profile_id": note.id},
            {
                "$set": {"profile_id": note.merged_into},
                "$push": {"links": [note.merged_at, note.merged_by, note.id]},
                "$inc": {"version": 1},
            },
            session=session,
        )
        await self._identities.update_many(
            {"profile_id": note.id}, {"$set": {"profile_id": note.merged_into}}, session=session
        )

    async def ids(self, *, after: str, most: int) -> list[str]:
        """Return the ids of profiles that were not merged into others, in their order."""
        with store_faults():
            query = {"_id": {"$gt": after}, "merged_into": None}
            found = await self._profiles.find(query, {"_id": 1}).sort("_id", 1).limit(most).to_list()
        return [document["_id"] for document in found]

    async def ensure_profile(self, profile_id: str, facet_id: str) -> None:
        """Create an empty profile that waits to be folded, unless it is there."""
        with store_faults():
            try:
                await self._profiles.insert_one(
                    {"_id": profile_id, "version": 1, "facet_ids": [facet_id], "stale": True}
                )
            except DuplicateKeyError:
                return


async def _write_versioned(collection: Any, documents: Sequence[dict[str, Any]]) -> bool:
    """Insert documents of version 1, replace others where the stored version is one less."""
    if not documents:
        return True
    writes: list[Any] = [
        InsertOne(document)
        if document["version"] == 1
        else ReplaceOne({"_id": document["_id"], "version": document["version"] - 1}, document)
        for document in documents
    ]
    with store_faults():
        try:
            result = await collection.bulk_write(writes, ordered=False)
        except BulkWriteError as error:
            _only_duplicates(error)
            return False
    return bool(result.matched_count + result.inserted_count == len(documents))


def _only_duplicates(error: BulkWriteError) -> None:
    details = error.details or {}
    faults = details.get("writeErrors", [])
    if details.get("writeConcernErrors") or any(fault["code"] != DUPLICATE_KEY for fault in faults):
        raise error


def _identity_document(identity: NewIdentity) -> dict[str, Any]:
    home = identity.home or Home(new_id("fct"), new_id("prf"))
    return {
        "_id": identity.key,
        "type": identity.type,
        "value": identity.value,
        "verified": identity.verified,
        "first_seen_at": identity.first_seen_at,
        "facet_id": home.facet_id,
        "profile_id": home.profile_id,
    }


def _facet_document(linked: LinkedFacet) -> dict[str, Any]:
    return {
        "_id": linked.id,
        "version": linked.version,
        "profile_id": linked.profile_id,
        "primary": [linked.primary.type, linked.primary.value],
        "links": [[link.at, link.by, link.came_from] for link in linked.links],
        **facet_to_document(linked.facet),
    }


def linked_facet(document: Mapping[str, Any]) -> LinkedFacet:
    """Return the facet that a document holds, with what the store knows of it."""
    facet: Facet = facet_from_document(document)
    return LinkedFacet(
        id=document["_id"],
        version=document["version"],
        profile_id=document["profile_id"],
        primary=CustomerRef(*document["primary"]),
        facet=facet,
        links=links_from(document),
    )


def links_from(document: Mapping[str, Any]) -> tuple[Link, ...]:
    """Return how the facet of a document came to be its owner's."""
    return tuple(Link(*one) for one in document["links"])
