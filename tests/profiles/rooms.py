"""The rooms of events, profiles and consent over a real store, with an encoder made of words."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import numpy as np

from embeddings.cache import CachedEncoder
from hub.catalogue.model import ContentKind, NeedPattern
from hub.catalogue.snapshot import CatalogueSnapshot
from hub.consent.control import ControlService
from hub.events.model import Receipt
from hub.events.service import IngestService
from hub.kit.clock import FixedClock, isoformat
from hub.profiles.identity import parse_ref
from hub.profiles.merging import MergeService
from hub.profiles.model import Profile
from hub.profiles.reviews import ReviewService
from hub.profiles.service import ProfileService
from hub.store.database import Store
from tests.builders import DIMENSIONS, ENCODER, NOW, make_content, make_snapshot, text_vector


class WordsEncoder:
    """Texts that share words are similar; no model needed."""

    id = ENCODER
    dimensions = DIMENSIONS

    def encode(self, texts: Sequence[str], *, progress: Callable[[int, int], None] | None = None) -> Any:
        rows = [text_vector(text) for text in texts]
        return np.stack(rows) if rows else np.zeros((0, DIMENSIONS), np.float32)


def small_shop() -> CatalogueSnapshot:
    """A few contents of three worlds that share no words."""
    return make_snapshot(
        [
            make_content("climbing-rose", title="Climbing rose", category="garden/roses"),
            make_content("shrub-rose", title="Shrub rose", category="garden/roses"),
            make_content("rose-shears", title="Rose shears", category="garden/tools", need=NeedPattern.ONCE),
            make_content("lily-bulb", title="Lily bulb", category="garden/bulbs"),
            make_content("rye-bread", title="Rye bread", category="bakery"),
            make_content("rye-flour", title="Rye flour", category="bakery"),
            make_content("desk-lamp", title="Desk lamp", category="office"),
            make_content("pruning", title="Rose pruning", category="garden", kind=ContentKind.ARTICLE),
        ]
    )


@dataclass(slots=True)
class Rooms:
    """Everything wired as the hub does it."""

    store: Store
    clock: FixedClock
    snapshot: CatalogueSnapshot
    profiles: ProfileService
    ingest: IngestService
    control: ControlService
    merges: MergeService
    reviews: ReviewService

    async def track(self, event: str, user: str = "mia", *, ago: float = 1.0, **properties: Any) -> Receipt:
        """Record one track message of `ago` hours before now; `id` is its messageId, `anon` an anonymousId."""
        return await self.send(track(event, user, ago=ago, now=self.clock.now(), **properties))

    async def identify(self, user: str = "mia", *, anon: str | None = None, **traits: Any) -> Receipt:
        message = {
            "type": "identify",
            "userId": user,
            "traits": traits,
            "timestamp": isoformat(self.clock.now()),
        }
        return await self.send(message | ({"anonymousId": anon} if anon else {}))

    async def send(self, *messages: Mapping[str, Any]) -> Receipt:
        return await self.ingest.record(messages, source="test")

    async def find(self, value: str = "mia", kind: str = "user_id") -> Profile | None:
        return await self.profiles.find(parse_ref(kind, value))

    async def require(self, value: str = "mia", kind: str = "user_id") -> Profile:
        return await self.profiles.require(parse_ref(kind, value))

    async def counts(self) -> dict[str, int]:
        """How many documents there are, to show that nothing changed."""
        names = ("events", "facets", "profiles", "identities")
        return {name: await self.store.db[name].count_documents({}) for name in names}


def track(
    event: str,
    user: str | None = "mia",
    *,
    ago: float = 1.0,
    now: datetime = NOW,
    anon: str | None = None,
    id: str | None = None,  # noqa: A002
    **properties: Any,
) -> dict[str, Any]:
    message: dict[str, Any] = {
        "type": "track",
        "event": event,
        "timestamp": isoformat(now - timedelta(hours=ago)),
        "properties": properties,
    }
    if user is not None:
        message["userId"] = user
    if anon is not None:
        message["anonymousId"] = anon
    if id is not None:
        message["messageId"] = id
    return message


def make_rooms(store: Store, clock: FixedClock, snapshot: CatalogueSnapshot | None = None) -> Rooms:
    """Wire the rooms; `rooms.snapshot` can be replaced and is what profiles then see."""
    chosen = snapshot or small_shop()
    rooms: Rooms
    profiles = ProfileService(store, lambda: rooms.snapshot, CachedEncoder(WordsEncoder()))
    ingest = IngestService(store, profiles, clock)
    merges = MergeService(store, profiles, clock)
    reviews = ReviewService(profiles, merges, clock)
    rooms = Rooms(store, clock, chosen, profiles, ingest, ControlService(ingest, profiles), merges, reviews)
    return rooms
