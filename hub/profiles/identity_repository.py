"""Identities in the store: under which names customers are known, and where each lives.

identities   type:value -> facet_id, profile_id     the facet is for good, the profile a hint: a merged-away
                                                    profile says itself where it went
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pymongo.errors import BulkWriteError

from hub.kit.ids import new_id
from hub.profiles.versioned_writes import only_duplicates
from hub.store.database import Database
from hub.store.faults import store_faults


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


class IdentityRepository:
    """Reads and writes `identities`."""

    def __init__(self, db: Database) -> None:
        self._identities = db["identities"]
        self._facets = db["facets"]

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
                only_duplicates(error)
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
