"""All queries of the ledger. Rows are inserted and never changed; the store removes them when they end."""

import asyncio
import time
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from pymongo import DESCENDING
from pymongo.errors import BulkWriteError, PyMongoError

from hub.errors import TuttiError, Unavailable
from hub.kit.clock import isoformat
from hub.ledger.chain import Head, chained, head_of
from hub.ledger.frequency import SEPARATOR
from hub.ledger.inserting import DUPLICATE_KEY, Inserter, StoppedError
from hub.ledger.model import Exposure, Served
from hub.ledger.packing import packed, unpacked
from hub.profiles.beside import Beside
from hub.store.database import Store
from hub.store.faults import store_faults

# The last link of the customer's chain; of a former id's none, since rows are chained to whom they are of now.
CHAIN_END = Beside(
    "served",
    former=False,
    steps=(
        {"$match": {"seq": {"$gt": 0}}},  # as the chain's index has it
        {"$sort": {"seq": -1}},
        {"$limit": 1},
        {"$project": {"_id": 0, "seq": 1, "hash": 1, "expires_at": 1}},
    ),
)
MOST_RACES = 50  # how often the others may be faster
MOST_HEADS = 50_000  # ends of chains that a process remembers, some 10 MB
# How long it takes them for the ends that they were: a visit's length. If another process added to a chain
# meanwhile, the unique index says so, and the end is read again.
TRUSTED_SECONDS = 600.0
FRESH_SECONDS = 540.0  # what is older is read again for who is about to write


def served_document(served: Served) -> dict[str, Any]:
    """Return the row as the store keeps it."""
    document = {
        "_id": served.id,
        "at": served.at,
        "profile_id": served.profile_id,
        "channel": served.channel,
        "scenario": {"key": served.scenario_key, "version": served.scenario_version},
        "configuration_version": served.configuration_version,
        "profile_version": served.profile_version,
        "body": packed(served.body),
        "expires_at": served.expires_at,
        "shown": SEPARATOR.join(served.shown),
    }
    if served.listing is not None:
        document["listing"] = packed(served.listing)
    return document


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
        body=unpacked(bytes(document["body"])),
        expires_at=document["expires_at"],
        shown=tuple(document["shown"].split(SEPARATOR)) if document.get("shown") else (),
        listing=unpacked(bytes(document["listing"])) if "listing" in document else None,
    )


class LedgerRepository:
    """Reads and writes `served` and `exposures`."""

    def __init__(self, store: Store) -> None:
        self._served = store.db["served"]
        self._inserter = Inserter(store.db)
        self._exposures = store.db["exposures"]
        self._heads: dict[str, tuple[Head | None, float]] = {}
        self._expected: set[str] = set()  # whose ends are to be read by the next command
        self._reading: asyncio.Task[None] | None = None
        self._forgotten_at = float("-inf")

    async def close(self) -> None:
        """Wait until nothing is read ahead any more."""
        while self._reading is not None:
            await asyncio.wait([self._reading])

    def expect(self, profile_id: str) -> None:
        """Begin to read the end of a chain to which a row is about to be added; who calls does not wait.

        While the decision is made the answer arrives, so that the row alone is left to wait for.
        """
        known = self._heads.get(profile_id)
        if known is not None and time.monotonic() - known[1] < FRESH_SECONDS:
            return
        self._expected.add(profile_id)
        if self._reading is None:
            self._reading = asyncio.create_task(self._read_ahead())

    def learn(self, profile_id: str, told: Sequence[Mapping[str, Any]], asked_at: float) -> None:
        """Take the end of a chain as `CHAIN_END` told it, unless a later one is known."""
        self._learn(profile_id, head_of(told[0]) if told else None, asked_at)

    async def _read_ahead(self) -> None:
        """Read what is expected, one command for all who came while the one before was under way."""
        try:
            while self._expected:
                wanted, self._expected = self._expected, set()
                began = time.monotonic()
                try:
                    found = await self._ends(wanted)
                except (TuttiError, PyMongoError):
                    continue  # the row's own command will meet the store as it is, and say so
                for profile_id in wanted:
                    self._learn(profile_id, found.get(profile_id), began)
        finally:
            self._reading = None

    async def insert(self, rows: Sequence[Served]) -> dict[str, str]:
        """Chain and insert rows, in one command where nobody else writes to the same chains.

        Returns:
            The faults of those that were refused, by id.

        Raises:
            Unavailable: if the store cannot acknowledge them at all, or others keep writing.
        """
        refused: dict[str, str] = {}
        waiting = list(rows)
        for _ in range(MOST_RACES + len(rows)):
            if not waiting:
                return refused
            documents = await self._chained(waiting)
            try:
                with store_faults():
                    await self._inserter.insert(documents)
            except StoppedError as stopped:
                self._remember(documents[: stopped.at])
                failed = waiting[stopped.at]
                self._heads.pop(failed.profile_id or "", None)
                if stopped.race:
                    waiting = waiting[stopped.at :]
                else:
                    refused[failed.id] = stopped.message
                    waiting = waiting[stopped.at + 1 :]
            except BaseException:
                for document in documents:  # nobody knows which of them arrived
                    self._heads.pop(document["profile_id"] or "", None)
                raise
            else:
                self._remember(documents)
                return refused
        raise Unavailable("others keep writing to the same customers' ledger; ask again")

    def forget(self) -> None:
        """Forget the ends of chains that this process remembers; they are read anew."""
        self._heads.clear()
        self._forgotten_at = time.monotonic()

    async def _chained(self, rows: Sequence[Served]) -> list[dict[str, Any]]:
        heads = await self._read_heads({row.profile_id for row in rows if row.profile_id})
        documents = []
        for row in rows:
            document = chained(served_document(row), heads.get(row.profile_id or ""))
            if row.profile_id:
                heads[row.profile_id] = head_of(document)
            documents.append(document)
        return documents

    async def _read_heads(self, profile_ids: set[str]) -> dict[str, Head]:
        """Return the last links of chains; those that this process read or wrote a moment ago are known."""
        if self._reading is not None and len(self._known(profile_ids)) < len(profile_ids):
            await asyncio.wait([self._reading])
        known = self._known(profile_ids)
        missing = profile_ids - known.keys()
        found = await self._ends(missing) if missing else {}
        return {key: head for key, head in (known | found).items() if head is not None}

    def _known(self, profile_ids: set[str]) -> dict[str, Head | None]:
        now = time.monotonic()
        held = {key: self._heads[key] for key in profile_ids if key in self._heads}
        return {key: head for key, (head, at) in held.items() if now - at < TRUSTED_SECONDS}

    async def _ends(self, profile_ids: Collection[str]) -> dict[str, Head | None]:
        """Read the last links of chains; who has none is left out."""
        steps: list[dict[str, Any]] = [
            {"$match": {"profile_id": {"$in": sorted(profile_ids)}, "seq": {"$gt": 0}}},
            {"$sort": {"profile_id": -1, "seq": -1}},
            {
                "$group": {
                    "_id": "$profile_id",
                    "seq": {"$first": "$seq"},
                    "hash": {"$first": "$hash"},
                    "expires_at": {"$first": "$expires_at"},
                }
            },
        ]
        with store_faults():
            return {
                found["_id"]: Head(found["seq"], found["hash"], found["expires_at"])
                async for found in await self._served.aggregate(steps)
            }

    def _remember(self, documents: Sequence[dict[str, Any]]) -> None:
        now = time.monotonic()
        for document in documents:
            if document["profile_id"]:
                self._hold(document["profile_id"], head_of(document), now)

    def _learn(self, profile_id: str, head: Head | None, asked_at: float) -> None:
        held = self._heads.get(profile_id)
        if asked_at > self._forgotten_at and (held is None or held[1] < asked_at):
            self._hold(profile_id, head, asked_at)

    def _hold(self, profile_id: str, head: Head | None, at: float) -> None:
        self._heads.pop(profile_id, None)
        self._heads[profile_id] = (head, at)
        while len(self._heads) > MOST_HEADS:
            del self._heads[next(iter(self._heads))]

    async def chains(self, profile_ids: Sequence[str] | None = None) -> AsyncIterator[dict[str, Any]]:
        """Yield the rows of chains as they are stored, chain by chain, oldest first; of all without ids."""
        query: dict[str, Any] = {"seq": {"$gt": 0}}
        if profile_ids is not None:
            query["profile_id"] = {"$in": list(profile_ids)}
        with store_faults():
            found = self._served.find(query).sort([("profile_id", 1), ("seq", 1)])
            async for document in found:
                yield document

    async def get_one_or_none(self, served_id: str) -> Served | None:
        """Return the row of an id, None if there is none (or no longer)."""
        with store_faults():
            document = await self._served.find_one({"_id": served_id})
        return None if document is None else served_from(document)

    async def get_many(self, served_ids: Sequence[str]) -> dict[str, Served]:
        """Return the rows there are of some ids."""
        with store_faults():
            found = await self._served.find({"_id": {"$in": list(served_ids)}}).to_list()
        return {document["_id"]: served_from(document) for document in found}

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

    async def shown_to(
        self, profile_ids: Sequence[str], *, since: datetime
    ) -> list[tuple[str, datetime, tuple[str, ...]]]:
        """Return profile, instant and keys of what was served since; read from the index alone."""
        query = {"profile_id": {"$in": list(profile_ids)}, "at": {"$gt": since}}
        with store_faults():
            found = self._served.find(query, {"_id": 0, "profile_id": 1, "at": 1, "shown": 1})
            return [
                (d["profile_id"], d["at"], tuple(d["shown"].split(SEPARATOR)) if d.get("shown") else ())
                for d in await found.to_list()
            ]

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
                "profile_id": e.profile_id,
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
        return [Exposure(e["served_id"], e["content_key"], e["at"], e.get("profile_id")) for e in found]


def position_of(served: Served) -> str:
    """Return the place of a row in its list, to make a cursor of."""
    return f"{isoformat(served.at)}|{served.id}"
