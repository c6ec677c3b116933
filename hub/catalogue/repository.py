"""All queries on the catalogue's collections.

A change of the catalogue is announced in one small document of `versions`. Its `open` list holds an
intent for every write under way, so that a process that dies between writing and announcing leaves a
trace: whoever sees the left-over intent announces for the dead one. Its `changes` list says
of the latest announcements which keys they were about, so that one new item costs every process one read
and not a look at all versions. A version number per entry decides races: a replacement names the version
it replaces.
"""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any, TypeVar

from pymongo import InsertOne, ReplaceOne
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import BulkWriteError

from hub.catalogue.model import Answer, BrandFacts, Content, Offer, Segment
from hub.errors import Conflict
from hub.kit.ids import new_id
from hub.store.codecs import from_document, to_document
from hub.store.faults import store_faults

Entry = TypeVar("Entry", bound=Content | Answer | BrandFacts | Offer | Segment)

COLLECTION_OF: dict[type, str] = {
    Content: "contents",
    Answer: "answers",
    BrandFacts: "brand_facts",
    Offer: "offers",
    Segment: "segments",
}
CATALOGUE = "catalogue"  # `_id` of the announcing document
REMEMBERED = 32  # announcements that say which keys changed; who missed more looks at everything
MOST_TOLD = 200  # keys of an announcement
STALE = timedelta(minutes=5)  # no single write takes longer: an older intent was left by a dead process
_DUPLICATE_KEY = 11000


def _kept(name: str, old: Entry, at: datetime) -> ReplaceOne[dict[str, Any]]:
    """Return what keeps an entry in `history` that is about to be replaced or taken away."""
    was = {"of": name, "key": old.key, "version": old.version, "replaced_at": at, "was": to_document(old)}
    return ReplaceOne({"_id": f"{name}:{old.key}:{old.version}"}, was, upsert=True)


class CatalogueRepository:
    """Reads and writes contents, answers, brand facts and offers."""

    def __init__(self, db: AsyncDatabase[dict[str, Any]]) -> None:
        self._db = db

    async def versions_of(self, of: type[Entry]) -> dict[str, int]:
        """Return key -> version of everything of one sort; one small read, so that refreshing is cheap."""
        with store_faults():
            # In small batches, between which other requests have their turn.
            cursor = self._db[COLLECTION_OF[of]].find({}, {"version": 1}).batch_size(2_000)
            return {document["_id"]: document["version"] async for document in cursor}

    async def get_many(self, of: type[Entry], keys: Iterable[str]) -> dict[str, Entry]:
        """Return those of `keys` that exist."""
        wanted = list(keys)
        found: dict[str, Entry] = {}
        with store_faults():
            for start in range(0, len(wanted), 5_000):
                cursor = self._db[COLLECTION_OF[of]].find({"_id": {"$in": wanted[start : start + 5_000]}})
                async for document in cursor:
                    found[document["_id"]] = from_document(of, document)
        return found

    async def get_all(self, of: type[Entry]) -> dict[str, Entry]:
        """Return everything of one sort by key."""
        with store_faults():
            return {d["_id"]: from_document(of, d) async for d in self._db[COLLECTION_OF[of]].find({})}

    async def write(
        self, added: Sequence[Entry], changed: Sequence[tuple[Entry, Entry]], at: datetime
    ) -> None:
        """Insert `added` and replace the first of each pair in `changed` by the second.

        The replaced version goes into `history` first; doing that twice is harmless.

        Raises:
            Conflict: somebody else wrote one of these keys since it was read.
        """
        if not added and not changed:
            return
        of = type(added[0]) if added else type(changed[0][1])
        name = COLLECTION_OF[of]
        history = [_kept(name, old, at) for old, _ in changed]
        inserts: list[InsertOne[dict[str, Any]]] = [InsertOne(to_document(new, _id=new.key)) for new in added]
        replacements: list[ReplaceOne[dict[str, Any]]] = [
            ReplaceOne({"_id": new.key, "version": old.version}, to_document(new, _id=new.key))
            for old, new in changed
        ]
        with store_faults():
            if history:
                await self._db["history"].bulk_write(history, ordered=False)
            try:
                done = await self._db[name].bulk_write([*inserts, *replacements], ordered=False)
            except BulkWriteError as error:
                faults = (error.details or {}).get("writeErrors", [])
                if faults and all(fault["code"] == _DUPLICATE_KEY for fault in faults):
                    raise Conflict("somebody else is changing the same entries of the catalogue") from None
                raise
        if done.matched_count != len(replacements):
            raise Conflict("somebody else is changing the same entries of the catalogue")

    async def remove(self, entry: Entry, at: datetime) -> None:
        """Take an entry away; what it was stays in `history`.

        Raises:
            Conflict: somebody else wrote it since it was read.
        """
        name = COLLECTION_OF[type(entry)]
        with store_faults():
            await self._db["history"].bulk_write([_kept(name, entry, at)])
            gone = await self._db[name].delete_one({"_id": entry.key, "version": entry.version})
        if not gone.deleted_count:
            raise Conflict("somebody else is changing the same entries of the catalogue")

    async def removed(self, of: type[Entry], keys: Iterable[str]) -> dict[str, int]:
        """Return of those `keys` that were taken away the last version that there was."""
        name, wanted = COLLECTION_OF[of], list(keys)
        last: dict[str, int] = {}
        with store_faults():
            stored = {each["_id"] async for each in self._db[name].find({"_id": {"$in": wanted}}, {"_id": 1})}
            gone = {"$in": [key for key in wanted if key not in stored]}
            async for was in self._db["history"].find({"of": name, "key": gone}, {"key": 1, "version": 1}):
                last[was["key"]] = max(was["version"], last.get(was["key"], 0))
        return last

    async def announced(self) -> str | None:
        """Return the version that was announced last, None if there was none yet."""
        with store_faults():
            document = await self._db["versions"].find_one({"_id": CATALOGUE}, {"version": 1})
        return None if document is None else document["version"]

    async def changed_since(
        self, version: str | None
    ) -> tuple[str | None, dict[type, frozenset[str]] | None]:
        """Return the version that was announced last, and the keys that changed since another one, by sort.

        Instead of the keys None, where it is not known any more, or where something else was announced too: then
        everything has to be looked at.
        """
        with store_faults():
            document = await self._db["versions"].find_one({"_id": CATALOGUE})
        if document is None:
            return None, None
        told = document.get("changes", [])
        behind = [at for at, change in enumerate(told) if change["version"] == version]
        if not behind or told[-1]["version"] != document["version"]:
            return document["version"], None
        later = [change["keys"] for change in told[behind[-1] + 1 :]]
        if None in later:
            return document["version"], None
        changed = {
            of: {key for keys in later for key in keys.get(name, ())} for of, name in COLLECTION_OF.items()
        }
        return document["version"], {of: frozenset(keys) for of, keys in changed.items() if keys}

    async def open_intent(self, at: datetime) -> str:
        """Leave word that a write begins; return the intent's id."""
        intent = new_id("put")
        with store_faults():
            await self._db["versions"].update_one(
                {"_id": CATALOGUE},
                {"$setOnInsert": {"version": new_id("cat")}, "$push": {"open": {"id": intent, "at": at}}},
                upsert=True,
            )
        return intent

    async def left_over(self, at: datetime, *, younger: bool = False) -> bool:
        """Tell whether a process died while it wrote, so that its change was never announced.

        With `younger`, writes that may still be under way count too: announcing once too often is
        harmless.
        """
        left = {"$elemMatch": {"at": {"$lt": at - STALE}}} if not younger else {"$exists": True, "$ne": []}
        with store_faults():
            return await self._db["versions"].find_one({"_id": CATALOGUE, "open": left}) is not None

    async def announce(
        self,
        at: datetime,
        intent: str | None = None,
        *,
        changed: tuple[type, Collection[str]] | None = None,
    ) -> None:
        """Tell every process that the catalogue changed; close the intent, and those of the dead if all is looked at.

        Args:
            at: now.
            intent: the write that is over.
            changed: the sort and the keys of all that may have changed; None: they shall look at everything.
        """
        version = new_id("cat")
        keys = None
        if changed is not None and len(changed[1]) <= MOST_TOLD:
            keys = {COLLECTION_OF[changed[0]]: sorted(changed[1])}
        closed: list[dict[str, Any]] = [] if intent is None else [{"id": intent}]
        if keys is None:
            closed.append({"at": {"$lt": at - STALE}})
        news: dict[str, Any] = {
            "$set": {"version": version},
            "$push": {"changes": {"$each": [{"version": version, "keys": keys}], "$slice": -REMEMBERED}},
        }
        if closed:
            news["$pull"] = {"open": {"$or": closed}}
        with store_faults():
            await self._db["versions"].update_one({"_id": CATALOGUE}, news, upsert=True)
