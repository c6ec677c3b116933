"""How often a person was shown something, over all channels and identities: caps on items and messages.

    cap of an item      removes it from a decision (gate `frequency`, rule `shown_often`)
    cap of a message    withholds the experience of the scenario

What counts is what the ledger holds. Between counting and the ledger's row another request could count
the same, so who serves under a cap first takes a turn: one document for each person, in which the
serving is noted, and which changes only if nobody took a turn since it was read. A turn whose serving
never reached the ledger counts for `IN_FLIGHT`, then no more: rather once too rarely than once too often.
"""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from pymongo import DESCENDING
from pymongo.errors import DuplicateKeyError

from hub.profiles.model import Profile
from hub.store.database import Store
from hub.store.faults import store_faults

IN_FLIGHT = timedelta(minutes=2)
MOST_TURNS = 50  # kept in one document
SEPARATOR = "\n"  # between the keys of what was shown


class CapOf(StrEnum):
    """What a cap bounds."""

    ITEM = "item"
    MESSAGE = "message"


class Counted(StrEnum):
    """What a cap counts: that something was served, or that the customer was seen to see it."""

    SERVED = "served"
    EXPOSED = "exposed"


@dataclass(frozen=True, slots=True)
class FrequencyCap:
    """At most so often within so many days, per person over all channels."""

    of: CapOf
    most: int
    days: float
    counted: Counted = Counted.SERVED

    @property
    def words(self) -> str:
        """The window in words."""
        return "day" if self.days == 1 else f"{self.days:g} days"


@dataclass(frozen=True, slots=True)
class Shown:
    """One serving: when, in which scenario, and the keys of what it held."""

    id: str
    at: datetime
    scenario: str
    keys: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Seen:
    """What a person was shown in the widest window that a cap looks at, and the turn it was read at."""

    turn: int = 0
    served: tuple[Shown, ...] = ()
    exposed: tuple[tuple[datetime, str], ...] = ()

    def worn(self, caps: Sequence[FrequencyCap], at: datetime) -> dict[str, str]:
        """Return the items that were shown often enough, each with the reason in a sentence."""
        found: dict[str, str] = {}
        for cap in caps:
            if cap.of is not CapOf.ITEM:
                continue
            for key, count in self._counts(cap, at).items():
                if count >= cap.most:
                    times = "once" if count == 1 else f"{count} times"
                    found.setdefault(
                        key, f"Shown {times} within the last {cap.words}, which is enough for now"
                    )
        return found

    def exhausted(self, caps: Sequence[FrequencyCap], scenario: str, at: datetime) -> str | None:
        """Return why no more of a scenario may be served now, None if it may."""
        for cap in caps:
            if cap.of is CapOf.MESSAGE:
                since = at - timedelta(days=cap.days)
                count = sum(shown.scenario == scenario and shown.at > since for shown in self.served)
                if count >= cap.most:
                    often = "one" if cap.most == 1 else str(cap.most)
                    return f"this customer may get {often} within {cap.words}, and has had {count}"
        return None

    def _counts(self, cap: FrequencyCap, at: datetime) -> Counter[str]:
        since = at - timedelta(days=cap.days)
        if cap.counted is Counted.EXPOSED:
            return Counter(key for seen_at, key in self.exposed if seen_at > since)
        return Counter(key for shown in self.served if shown.at > since for key in set(shown.keys))


class FrequencyService:
    """Reads what a person was shown, and lets those who serve take turns."""

    def __init__(self, store: Store) -> None:
        self._served = store.db["served"]
        self._exposures = store.db["exposures"]
        self._turns = store.db["frequency"]

    async def seen(self, profile: Profile, caps: Sequence[FrequencyCap], at: datetime) -> Seen:
        """Return what a person was shown, as far back as these caps look.

        Raises:
            Unavailable: the store does not answer.
        """
        since = at - timedelta(days=max(cap.days for cap in caps))
        ids = [profile.id, *profile.former_ids]
        with store_faults():
            # The turn first: whatever is noted in the ledger later than this was noted in a later turn.
            turn = await self._turns.find_one({"_id": profile.id}) or {}
            served = await self._of_ledger(ids, since)
            exposed: tuple[tuple[datetime, str], ...] = ()
            if any(cap.counted is Counted.EXPOSED for cap in caps):
                exposed = await self._exposed(ids, since)
        known = {shown.id for shown in served}
        flying = [
            Shown(note["id"], note["at"], note["scenario"], tuple(note["keys"]))
            for note in turn.get("recent", ())
            if note["id"] not in known and note["at"] > at - IN_FLIGHT
        ]
        return Seen(turn.get("turn", 0), (*served, *flying), exposed)

    async def _of_ledger(self, ids: Collection[str], since: datetime) -> tuple[Shown, ...]:
        """Read from the index alone: a row's body is large, and nothing of it is needed."""
        query = {"profile_id": {"$in": list(ids)}, "at": {"$gt": since}}
        fields = {"at": 1, "scenario.key": 1, "shown": 1}
        found = self._served.find(query, fields).sort([("at", DESCENDING), ("_id", DESCENDING)])
        return tuple([_shown(document) async for document in found])

    async def _exposed(self, ids: Collection[str], since: datetime) -> tuple[tuple[datetime, str], ...]:
        query = {"profile_id": {"$in": list(ids)}, "at": {"$gt": since}}
        found = self._exposures.find(query, {"_id": 0, "at": 1, "content_key": 1})
        return tuple([(document["at"], document["content_key"]) async for document in found])

    async def take_turn(self, profile: Profile, seen: Seen, shown: Shown) -> bool:
        """Note a serving that is about to happen; False if somebody took a turn since `seen` was read.

        Raises:
            Unavailable: the store does not answer.
        """
        note = {"id": shown.id, "at": shown.at, "scenario": shown.scenario, "keys": list(shown.keys)}
        change: dict[str, Any] = {
            "$inc": {"turn": 1},
            "$push": {"recent": {"$each": [note], "$slice": -MOST_TURNS}},
            "$set": {"at": shown.at},
        }
        query = {"_id": profile.id, "turn": seen.turn}
        with store_faults():
            try:
                done = await self._turns.update_one(query, change, upsert=seen.turn == 0)
            except DuplicateKeyError:
                return False
        return bool(done.matched_count or done.upserted_id is not None)


def _shown(document: Mapping[str, Any]) -> Shown:
    keys = document.get("shown") or ""
    return Shown(
        document["_id"],
        document["at"],
        document.get("scenario", {}).get("key", ""),
        tuple(keys.split(SEPARATOR)) if keys else (),
    )
