"""All queries of the ledger. Rows are inserted and never changed; the store removes them when they end."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from pymongo import DESCENDING
from pymongo.errors import BulkWriteError

from hub.kit.clock import isoformat
from hub.ledger.model import Exposure, Served
from hub.store.database import Store
from hub.store.faults import store_faults

DUPLICATE_KEY = 11000


def served_document(served: Served) -> dict[str, Any]:
    """Return the row as the store keeps it."""
    return {
        "_id": served.id,
        "at": served.at,
        "profile_id": served.profile_id,
        "channel": served.channel,
        "scenario": {"key": served.scenario_key, "version": served.scenario_version},
        "configuration_version": served.configuration_version,
        "profile_version": served.profile_version,
        "body": served.body,
        "expires_at": served.expires_at,
    }


def served_from(document: Mapping[str, Any]) -> Served:
    """Return the row that the store keeps."""
    return Served(
        id=document["_id"],
        at=document["at"],
        profile_id=document["profile_id"],
        channel=document["channel"],
        scenario_key=document["scenario"]["key"],
        scenario_version=document["scenario"]["version"],
        configuration_version=document["configuration_version"],
        profile_version=document["profile_version"],
        body=bytes(document["body"]),
        expires_at=document["expires_at"],
    )


class LedgerRepository:
    """Reads and writes `served` and `exposures`."""

    def __init__(self, store: Store) -> None:
        self._served = store.db["served"]
        self._exposures = store.db["exposures"]

    async def insert(self, rows: Sequence[Served]) -> dict[str, str]:
        """Insert rows in one command; return the faults of those that were refused, by id.

        Raises:
            Unavailable: if the store cannot acknowledge them at all.
        """
        with store_faults():
            try:
                await self._served.insert_many([served_document(row) for row in rows], ordered=False)
            except BulkWriteError as error:
                if error.details.get("writeConcernErrors"):
                    raise
                refused = error.details.get("writeErrors", [])
                return {rows[fault["index"]].id: str(fault.get("errmsg", "refused")) for fault in refused}
        return {}

    async def get_one_or_none(self, served_id: str) -> Served | None:
        """Return the row of an id, None if there is none (or no longer)."""
        with store_faults():
            document = await self._served.find_one({"_id": served_id})
        return None if document is None else served_from(document)

    async def latest(
        self, profile_ids: Sequence[str], *, most: int, before: tuple[datetime, str] | None = None
    ) -> list[Served]:
        """Return what was served to any of these profiles, newest first, older than `before`."""
        query: dict[str, Any] = {"profile_id": {"$in": list(profile_ids)}}
        if before is not None:
            at, served_id = before
            query["$or"] = [{"at": {"$lt": at}}, {"at": at, "_id": {"$lt": served_id}}]
        with store_faults():
            found = self._served.find(query).sort([("at", DESCENDING), ("_id", DESCENDING)]).limit(most)
            return [served_from(document) for document in await found.to_list()]

    async def latest_brief(
        self, profile_ids: Sequence[str], *, most: int, before: tuple[datetime, str] | None = None
    ) -> list[tuple[str, datetime, str, str]]:
        """Return id, instant, channel and scenario of what was served, newest first, without its bytes."""
        query: dict[str, Any] = {"profile_id": {"$in": list(profile_ids)}}
        if before is not None:
            at, served_id = before
            query["at"] = {"$lte": at}
            query["$or"] = [{"at": {"$lt": at}}, {"_id": {"$lt": served_id}}]
        fields = {"at": 1, "channel": 1, "scenario.key": 1}
        with store_faults():
            found = (
                self._served.find(query, fields).sort([("at", DESCENDING), ("_id", DESCENDING)]).limit(most)
            )
            return [(d["_id"], d["at"], d["channel"], d["scenario"]["key"]) for d in await found.to_list()]

    async def count(self, profile_ids: Sequence[str]) -> int:
        """Count what was served to any of these profiles."""
        with store_faults():
            return await self._served.count_documents({"profile_id": {"$in": list(profile_ids)}})

    async def insert_exposures(self, exposures: Sequence[Exposure]) -> None:
        """Insert what was seen; what is known already stays as it is (the first sight counts)."""
        documents = [
            {
                "_id": f"{e.served_id}:{e.content_key}",
                "served_id": e.served_id,
                "content_key": e.content_key,
                "at": e.at,
            }
            for e in exposures
        ]
        with store_faults():
            try:
                await self._exposures.insert_many(documents, ordered=False)
            except BulkWriteError as error:
                faults = error.details.get("writeErrors", [])
                known = all(fault.get("code") == DUPLICATE_KEY for fault in faults)
                if error.details.get("writeConcernErrors") or not known:
                    raise

    async def exposures_of(self, served_id: str) -> list[Exposure]:
        """Return what was seen of one served experience, by content key."""
        with store_faults():
            found = await self._exposures.find({"served_id": served_id}).sort("_id", 1).to_list()
        return [Exposure(e["served_id"], e["content_key"], e["at"]) for e in found]


def position_of(served: Served) -> str:
    """Return the place of a row in its list, to make a cursor of."""
    return f"{isoformat(served.at)}|{served.id}"
