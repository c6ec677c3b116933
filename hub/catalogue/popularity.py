"""How popular each content is, worked out from events and kept as one document.

Every event that touches a content adds its weight, halved for each `HALF_LIFE` that lies between it
and the *last event of all*: measured so, and not from now, the same events always give the same
popularity, and a shop's quiet weeks change nothing. A refund takes back what the order gave. One order
counts once an item, whatever the quantity: a wholesaler's thousand is not a thousand customers.

What was popular when the week of the last event began stands beside it, and stays all week: the weekly set of
discoveries goes by that.

The sums are put on a logarithmic scale from 0 to 1 within each kind of content (products against
products, articles against articles), since what is bought and what is read cannot be compared.
"""

import asyncio
import hashlib
import math
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import structlog

from hub.catalogue.lease import take_lease
from hub.catalogue.repository import CatalogueRepository
from hub.errors import TuttiError
from hub.kit.clock import Clock
from hub.kit.ids import new_id
from hub.store.codecs import vector_from_bson, vector_to_bson
from hub.store.database import Store
from hub.store.faults import store_faults

log = structlog.get_logger(__name__)

HALF_LIFE = timedelta(days=7)  # what sells this week is the best guess for the next; see docs/evaluating.md
WINDOW = 8 * HALF_LIFE  # older events would count less than half a hundredth
MOST_KEPT = 200_000  # what fits one document; the rest is of no popularity worth telling
WEIGHTS: Mapping[str, float] = {
    "Order Completed": 5.0,
    "Order Refunded": -5.0,
    "Order Cancelled": -5.0,
    "Product Added": 2.0,
    "Product Added to Wishlist": 2.0,
    "Product Viewed": 1.0,
    "Product Clicked": 1.0,
    "Article Read": 1.0,
    "Content Viewed": 1.0,
}
INTERVAL = 120.0  # seconds between two looks of the background loop
_ONE = "current"
_WEEK = "week"  # the same when the week began; a document of its own, since either may fill one


@dataclass(frozen=True, slots=True)
class Popularity:
    """Content key -> [0, 1], now and when the week began (`settled`), and a name of exactly these numbers."""

    scores: Mapping[str, float] = field(default_factory=dict)
    settled: Mapping[str, float] = field(default_factory=dict)
    version: str = ""
    as_of: datetime | None = None


async def load_popularity(store: Store) -> Popularity:
    """Return what was worked out last; nothing at all before the first time."""
    with store_faults():
        found = {each["_id"]: each async for each in store.db["popularity"].find({})}
    if _ONE not in found:
        return Popularity()
    now, week = found[_ONE], found.get(_WEEK)
    return Popularity(_scores(now), _scores(week) if week else {}, now["version"], now["as_of"])


def _scores(document: Mapping[str, Any]) -> dict[str, float]:
    return dict(zip(document["keys"], vector_from_bson(document["scores"]).tolist(), strict=True))


def _told(scores: Mapping[str, float]) -> dict[str, Any]:
    return {
        "keys": list(scores),
        "scores": vector_to_bson(np.fromiter(scores.values(), np.float32, len(scores))),
    }


def week_began(at: datetime) -> datetime:
    """Return the Monday, in UTC, on which the week of an instant began."""
    return (at - timedelta(days=at.weekday())).replace(hour=0, minute=0, second=0, microsecond=0)


def scale(sums: Mapping[str, float], kinds: Mapping[str, str]) -> dict[str, float]:
    """Return each key's sum on a logarithmic scale, 1 for the largest of its kind; what is not above 0 is left out.

    Args:
        sums: content key -> decayed sum of weights.
        kinds: content key -> kind; keys that are not in it are left out.
    """
    largest: dict[str, float] = {}
    for key, total in sums.items():
        if key in kinds:
            largest[kinds[key]] = max(largest.get(kinds[key], 0.0), total)
    scaled: dict[str, float] = {}
    for key, total in sums.items():
        if key in kinds and total > 0:
            # Rounded, because the order in which a server adds floats is not ours to choose.
            score = round(math.log1p(total) / math.log1p(largest[kinds[key]]), 4)
            if score > 0:
                scaled[key] = score
    return scaled


def decayed_sums(events: Iterable[tuple[str, datetime, Collection[str]]], last: datetime) -> dict[str, float]:
    """Return each content's decayed sum of weights, as `refresh` lets the store work it out.

    Args:
        events: name, instant and content keys of each.
        last: the instant of the last event that counts; later ones are left out.
    """
    sums: dict[str, float] = {}
    for name, at, keys in events:
        if name in WEIGHTS and last - WINDOW <= at <= last:
            worth = WEIGHTS[name] * 0.5 ** ((last - at) / HALF_LIFE)
            for key in set(keys):
                sums[key] = sums.get(key, 0.0) + worth
    return sums


async def refresh(store: Store, clock: Clock) -> bool:
    """Work popularity out anew where events came in; return whether it changed (and was announced).

    Raises:
        Unavailable: the store does not answer.
    """
    with store_faults():
        last = await _last_event(store)
        if last is None:
            return False
        kinds = {d["_id"]: d["kind"] async for d in store.db["contents"].find({}, {"kind": 1})}
        seen = {
            "events": await store.db["events"].estimated_document_count(),
            "last": last,
            "contents": len(kinds),
        }
        before = await store.db["popularity"].find_one({"_id": _ONE}, {"version": 1, "seen": 1})
        if before is not None and before.get("seen") == seen:
            return False
        sums = await _sums(store, last)
        kept = _kept(scale(sums, kinds))
        version = _name(kept, _scores(await _settle(store, week_began(last), kinds)))
        changed = before is None or before["version"] != version
        repository = CatalogueRepository(store.db)
        intent = await repository.open_intent(clock.now()) if changed else None
        await store.db["popularity"].replace_one(
            {"_id": _ONE},
            {
                "as_of": last,
                "version": version,
                "seen": seen,
                **_told(kept),
            },
            upsert=True,
        )
    if changed:
        await repository.announce(clock.now(), intent)
    return changed


async def _settle(store: Store, began: datetime, kinds: Mapping[str, str]) -> Mapping[str, Any]:
    """Return what was popular when a week began, as it was worked out first in that week."""
    found = await store.db["popularity"].find_one({"_id": _WEEK})
    if found is not None and found["as_of"] == began:
        return found
    told = {"as_of": began, **_told(_kept(scale(await _sums(store, began), kinds)))}
    await store.db["popularity"].replace_one({"_id": _WEEK}, told, upsert=True)
    return told


async def keep_fresh(store: Store, clock: Clock, *, interval: float = INTERVAL) -> None:
    """Refresh popularity again and again until cancelled; of many processes, one at a time does it."""
    holder = new_id("popularity")
    while True:
        try:
            if await take_lease(store, "popularity", holder, timedelta(seconds=4 * interval)):
                await refresh(store, clock)
        except TuttiError as error:
            log.warning("popularity cannot be refreshed, trying again", reason=error.kind)
        await asyncio.sleep(interval)


async def _last_event(store: Store) -> datetime | None:
    latest: list[datetime] = []
    for event in WEIGHTS:
        found = await store.db["events"].find_one({"event": event}, {"at": 1}, sort=[("at", -1)])
        if found is not None:
            latest.append(found["at"])
    return max(latest, default=None)


async def _sums(store: Store, last: datetime) -> dict[str, float]:
    weight = {
        "$switch": {
            "branches": [
                {"case": {"$eq": ["$event", event]}, "then": weight} for event, weight in WEIGHTS.items()
            ],
            "default": 0.0,
        }
    }
    halvings = {"$divide": [{"$subtract": ["$at", last]}, HALF_LIFE / timedelta(milliseconds=1)]}
    pipeline: list[dict[str, Any]] = [
        {"$match": {"event": {"$in": list(WEIGHTS)}, "at": {"$gte": last - WINDOW, "$lte": last}}},
        {"$set": {"worth": {"$multiply": [weight, {"$pow": [2.0, halvings]}]}}},
        {"$project": {"_id": 0, "worth": 1, "keys": {"$setUnion": ["$items.key", []]}}},
        {"$unwind": "$keys"},
        {"$group": {"_id": "$keys", "total": {"$sum": "$worth"}}},
    ]
    cursor = await store.db["events"].aggregate(pipeline, allowDiskUse=True)
    return {document["_id"]: document["total"] async for document in cursor}


def _kept(scores: Mapping[str, float]) -> dict[str, float]:
    return dict(sorted(scores.items(), key=lambda entry: (-entry[1], entry[0]))[:MOST_KEPT])


def _name(*told: Mapping[str, float]) -> str:
    hashing = hashlib.sha256()
    for scores in told:
        for key, score in sorted(scores.items()):
            hashing.update(f"{key}\x1f{score:.4f}\x1e".encode())
        hashing.update(b"\x1d")
    return hashing.hexdigest()[:16]
