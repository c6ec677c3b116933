"""Facets in the store: the projection of one primary identity's events, and whose it is."""

import asyncio
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from pymongo.errors import DuplicateKeyError

from hub.profiles.facet_codec import facet_from_document, facet_to_document
from hub.profiles.model import CustomerRef, Facet, Link, LinkedFacet
from hub.profiles.versioned_writes import write_versioned
from hub.store.database import Database
from hub.store.faults import store_faults


class FacetRepository:
    """Reads and writes `facets`."""

    def __init__(self, db: Database) -> None:
        self._identities = db["identities"]
        self._facets = db["facets"]

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
        return await write_versioned(self._facets, [_facet_document(facet) for facet in facets])


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
