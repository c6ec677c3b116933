"""Works out what groups of customers have in common (`hub.catalogue.audience`), again and again.

Each of the latest customers is looked at once: the segments they are in, the way they came, and the
categories they bought from, put in the basket, read or looked at. What refused personalization is left out.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import structlog

from hub.catalogue.audience import LEAST, ONE, SEGMENT
from hub.catalogue.lease import take_lease
from hub.catalogue.repository import CatalogueRepository
from hub.catalogue.snapshot import CatalogueSnapshot
from hub.consent.gate import allowed
from hub.errors import TuttiError
from hub.kit.canonical import digest
from hub.kit.clock import Clock
from hub.kit.ids import new_id
from hub.profiles.model import Profile, Purpose
from hub.profiles.profile_codec import profile_from_document
from hub.profiles.segments import segments_of
from hub.store.database import Store
from hub.store.faults import store_faults

log = structlog.get_logger(__name__)

MOST = 20_000  # customers that are looked at, the latest
TOGETHER = 200  # customers between two breaths of the event loop
INTERVAL = 300.0  # seconds between two looks of the background loop
HINTS = ("campaign", "referrer", "language", "country", "visit_country")


@dataclass(slots=True)
class _Tally:
    members: int = 0
    categories: Counter[str] = field(default_factory=Counter)
    hints: Counter[str] = field(default_factory=Counter)

    def add(self, categories: Iterable[str], hints: Iterable[str]) -> None:
        self.members += 1
        self.categories.update(categories)
        self.hints.update(hints)


def hints_of(traits: Mapping[str, object]) -> tuple[str, ...]:
    """Return how a customer came, as names of groups: "country=GB"."""
    return tuple(f"{key}={value}" for key in HINTS if isinstance(value := traits.get(key), str) and value)


def categories_of(keys: Iterable[str | None], snapshot: CatalogueSnapshot) -> frozenset[str]:
    """Return the categories of some contents."""
    rows = (snapshot.row(key) for key in keys if key is not None)
    found = {snapshot.contents[row].category for row in rows if row is not None}
    return frozenset(found - {""})


class Tallies:
    """Counts customers into groups."""

    def __init__(self, snapshot: CatalogueSnapshot, at: datetime) -> None:
        self._snapshot = snapshot
        self._at = at
        self._groups: dict[str, _Tally] = {"": _Tally()}

    def add(self, profile: Profile) -> None:
        """Count one customer, unless they do not allow personalization, or silence does not."""
        if not allowed(profile, Purpose.PERSONALIZATION, "WEB"):
            return
        hints = hints_of({key: fact.value for key, fact in profile.traits.items()})
        keys = (*profile.owned, *(signal.content_key for signal in profile.recent))
        categories = categories_of(keys, self._snapshot)
        segments = segments_of(profile, self._snapshot, self._at)
        for name in ("", *(f"{SEGMENT}{key}" for key in segments), *hints):
            self._groups.setdefault(name, _Tally()).add(categories, hints)

    def document(self) -> dict[str, object]:
        """Return the groups that are large enough, as a document."""
        groups = [
            [
                name,
                tally.members,
                sorted([key, count] for key, count in tally.categories.items()),
                sorted([key, count] for key, count in tally.hints.items() if count >= LEAST),
            ]
            for name, tally in sorted(self._groups.items())
            if tally.members >= LEAST
        ]
        return {"version": digest(groups), "groups": groups}


async def refresh(store: Store, snapshot: CatalogueSnapshot, clock: Clock) -> bool:
    """Work the groups out anew; return whether anything changed (and was announced).

    Raises:
        Unavailable: the store does not answer.
    """
    tallies = Tallies(snapshot, clock.now())
    with store_faults():
        # Whoever came just now is a profile that waits to be folded, and has nothing to be counted yet.
        wanted = {"merged_into": None, "facet_ids.0": {"$exists": True}, "folded": {"$ne": None}}
        cursor = store.db["profiles"].find(wanted).sort("_id", -1).limit(MOST).batch_size(TOGETHER)
        seen = 0
        async for found in cursor:
            tallies.add(profile_from_document(found))
            seen += 1
            if seen % TOGETHER == 0:
                await asyncio.sleep(0)
        document = tallies.document()
        before = await store.db["audience"].find_one({"_id": ONE}, {"version": 1})
        if (before is None and not document["groups"]) or (
            before is not None and before["version"] == document["version"]
        ):
            return False
        repository = CatalogueRepository(store.db)
        intent = await repository.open_intent(clock.now())
        await store.db["audience"].replace_one({"_id": ONE}, document, upsert=True)
    await repository.announce(clock.now(), intent)
    return True


async def keep_fresh(
    store: Store, snapshot: Callable[[], CatalogueSnapshot], clock: Clock, *, interval: float = INTERVAL
) -> None:
    """Refresh the groups again and again until cancelled; of many processes, one at a time does it."""
    holder = new_id("audience")
    while True:
        try:
            if await take_lease(store, "audience", holder, timedelta(seconds=4 * interval)):
                await refresh(store, snapshot(), clock)
        except TuttiError as error:
            log.warning("groups of customers cannot be worked out, trying again", reason=error.kind)
        await asyncio.sleep(interval)
