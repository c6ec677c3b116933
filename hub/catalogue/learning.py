"""Keeps what is learned from the event log fresh: neighbours, intervals and tendencies, worked out now and then, a document each.

Only customers with a `user_id` teach: a basket of nobody known counts for no person, and `ANONYMITY`
counts persons. As with popularity, ages are taken from the last purchase of all, so that the same events
always teach the same, and one process at a time does the work.
"""

import asyncio
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import structlog
from bson import Binary

from hub.catalogue.intervals import Intervals, learn_intervals
from hub.catalogue.lease import take_lease
from hub.catalogue.neighbours import Neighbours, learn
from hub.catalogue.repository import CatalogueRepository
from hub.catalogue.satisfaction import Satisfied
from hub.catalogue.table import Table
from hub.catalogue.tendencies import Tendencies, learn_tendencies
from hub.errors import TuttiError
from hub.kit.canonical import digest
from hub.kit.clock import Clock
from hub.kit.ids import new_id
from hub.store.database import Store
from hub.store.faults import store_faults

log = structlog.get_logger(__name__)

INTERVAL = 1800.0  # seconds between two looks of the background loop
MEMORY = timedelta(days=730)
MOST_PURCHASES = 2_000_000  # the latest; about 300 MB while they are read
BOUGHT = "Order Completed"
LEARNED = ("neighbours", "intervals", "tendencies")  # collections, a document each
TOLD = ("first", "again", "curve", "fresh")  # of tendencies, an array each
_ONE = "current"
_DAY = 86_400.0


async def load_neighbours(store: Store) -> Neighbours:
    """Return what was learned last; nothing at all before the first time."""
    with store_faults():
        document = await store.db["neighbours"].find_one({"_id": _ONE})
    if document is None:
        return Neighbours()
    return Neighbours(
        tuple(document["keys"]),
        _table_from(document["together"]),
        _table_from(document["next"]),
        # What an earlier version of the hub learned has none; it is learned anew within the half hour.
        _table_from(document["basket"]) if "basket" in document else Table.empty(len(document["keys"])),
        document.get("gain", 1.0),
        document["version"],
    )


async def load_tendencies(store: Store) -> Tendencies:
    """Return what comes first and what is bought again, as learned last; nothing at all before the first time."""
    with store_faults():
        document = await store.db["tendencies"].find_one({"_id": _ONE})
    if document is None:
        return Tendencies()
    keys = tuple(document["keys"])
    # What an earlier version of the hub learned has none of `fresh`; it is learned anew within the half hour.
    first, again, curve, fresh = (
        np.frombuffer(document.get(name, bytes(8 * len(keys))), "<f8").astype(np.float64) for name in TOLD
    )
    return Tendencies(keys, first, again, curve, fresh, document["version"])


async def load_intervals(store: Store) -> Intervals:
    """Return after how long things are bought again, as learned last; nothing at all before the first time."""
    with store_faults():
        document = await store.db["intervals"].find_one({"_id": _ONE})
    if document is None:
        return Intervals()
    return Intervals(
        dict(document["items"]),
        dict(document["categories"]),
        frozenset(document["regular_items"]),
        frozenset(document["regular_categories"]),
        Satisfied(dict(document.get("satisfied", ())), frozenset(document.get("exceptions", ()))),
        document["version"],
    )


async def refresh(store: Store, clock: Clock) -> bool:
    """Learn anew where purchases came in; return whether anything changed (and was announced).

    Raises:
        Unavailable: the store does not answer.
    """
    with store_faults():
        last = await store.db["events"].find_one({"event": BOUGHT}, {"at": 1}, sort=[("at", -1)])
        if last is None:
            return False
        categories = {
            d["_id"]: d["category"]
            async for d in store.db["contents"].find({"category": {"$gt": ""}}, {"category": 1})
        }
        seen = {
            "events": await store.db["events"].estimated_document_count(),
            "last": last["at"],
            "contents": digest(sorted(categories.items())),
        }
        before = {
            name: await store.db[name].find_one({"_id": _ONE}, {"version": 1, "seen": 1}) for name in LEARNED
        }
        if all(known is not None and known.get("seen") == seen for known in before.values()):
            return False
        customers, keys, ages = await _purchases(store, last["at"])
        neighbours = await asyncio.to_thread(learn, customers, keys, ages)
        intervals = await asyncio.to_thread(learn_intervals, customers, keys, ages, categories)
        tendencies = await asyncio.to_thread(learn_tendencies, customers, keys, ages)
        learned: dict[str, dict[str, Any]] = {
            "neighbours": {
                "version": neighbours.version,
                "gain": neighbours.gain,
                "keys": list(neighbours.keys),
                "together": _table_to(neighbours.together),
                "next": _table_to(neighbours.next),
                "basket": _table_to(neighbours.basket),
            },
            "tendencies": {
                "version": tendencies.version,
                "keys": list(tendencies.keys),
                **{name: Binary(getattr(tendencies, name).astype("<f8").tobytes()) for name in TOLD},
            },
            "intervals": {
                "version": intervals.version,
                "items": sorted([key, days] for key, days in intervals.items.items()),
                "categories": sorted([key, days] for key, days in intervals.categories.items()),
                "regular_items": sorted(intervals.regular_items),
                "regular_categories": sorted(intervals.regular_categories),
                "satisfied": sorted([name, days] for name, days in intervals.satisfied.categories.items()),
                "exceptions": sorted(intervals.satisfied.exceptions),
            },
        }
        changed = any(
            known is None or known["version"] != learned[name]["version"] for name, known in before.items()
        )
        repository = CatalogueRepository(store.db)
        intent = await repository.open_intent(clock.now()) if changed else None
        for name, document in learned.items():
            await store.db[name].replace_one(
                {"_id": _ONE}, {"as_of": last["at"], "seen": seen, **document}, upsert=True
            )
    if changed:
        await repository.announce(clock.now(), intent)
    return changed


async def keep_fresh(store: Store, clock: Clock, *, interval: float = INTERVAL) -> None:
    """Refresh again and again until cancelled; of many processes, one at a time does it."""
    holder = new_id("neighbours")
    while True:
        try:
            if await take_lease(store, "neighbours", holder, timedelta(seconds=2 * interval)):
                await refresh(store, clock)
        except TuttiError as error:
            log.warning("what purchases teach cannot be learned, trying again", reason=error.kind)
        await asyncio.sleep(interval)


async def _purchases(store: Store, last: datetime) -> tuple[list[str], list[str], np.ndarray[Any, Any]]:
    customers: list[str] = []
    keys: list[str] = []
    ages: list[float] = []
    found = store.db["events"].find(
        {"event": BOUGHT, "at": {"$gte": last - MEMORY}, "user_id": {"$type": "string"}},
        {"_id": 0, "user_id": 1, "at": 1, "items.key": 1},
        sort=[("at", -1)],
    )
    async for event in found:
        age = (last - event["at"]).total_seconds() / _DAY
        for item in event.get("items", ()):
            customers.append(event["user_id"])
            keys.append(item["key"])
            ages.append(age)
        if len(keys) >= MOST_PURCHASES:
            break
    return customers, keys, np.array(ages, np.float64)


def _table_to(table: Table) -> dict[str, Binary]:
    return {
        "starts": Binary(table.starts.astype("<i8").tobytes()),
        "targets": Binary(table.targets.astype("<i4").tobytes()),
        "weights": Binary(table.weights.astype("<f4").tobytes()),
    }


def _table_from(document: dict[str, bytes]) -> Table:
    return Table(
        np.frombuffer(document["starts"], "<i8").astype(np.int64),
        np.frombuffer(document["targets"], "<i4").astype(np.int32),
        np.frombuffer(document["weights"], "<f4").astype(np.float32),
    )
