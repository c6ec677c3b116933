"""Customers watched: whatever changes them is told, once, as it is; and nothing stays of who watched."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from typing import Any

import pytest

from embeddings.cache import CachedEncoder
from hub.errors import NotFound, Unavailable
from hub.kit.clock import FixedClock
from hub.privacy.erasure import ErasureService
from hub.profiles.identity import parse_ref
from hub.profiles.model import ConsentState, FeedbackKind, Profile, Purpose
from hub.profiles.watching import MOST_EACH, WatchService
from hub.store.database import Store
from tests.profiles.rooms import Rooms, WordsEncoder, make_rooms, track

PATIENCE = 30.0  # seconds for what comes within a second
MIA = parse_ref("user_id", "mia")
BEN = parse_ref("user_id", "ben")


class Watcher:
    """One who watches, and takes what is told when asked to."""

    def __init__(
        self, watches: WatchService, ref: Any = MIA, key: str = "desk", speaks_for: str = ""
    ) -> None:
        self.changes = watches.watch(ref, key=key, speaks_for=speaks_for)

    async def told(self) -> Profile:
        return await asyncio.wait_for(anext(self.changes), PATIENCE)

    async def ended(self) -> None:
        with pytest.raises(StopAsyncIteration):
            await self.told()


@pytest.fixture
async def watches(rooms: Rooms) -> AsyncIterator[WatchService]:
    made = WatchService(rooms.profiles, most=8, most_per_key=4)
    await rooms.identify("mia", email="mia@example.com")
    yield made
    assert made._polling is None, "a test left a watcher behind"


@pytest.fixture
async def watcher(watches: WatchService) -> AsyncIterator[Watcher]:
    made = Watcher(watches)
    yield made
    await made.changes.aclose()


CHANGES: dict[str, Callable[[Rooms], Coroutine[Any, Any, Any]]] = {
    "an event": lambda rooms: rooms.track("Product Viewed", product_id="rye-bread"),
    "feedback": lambda rooms: rooms.control.give_feedback(MIA, FeedbackKind.HIDE, "rye-bread"),
    "a wish": lambda rooms: rooms.control.set_preferences(MIA, {"likes": "roses"}),
    "consent": lambda rooms: rooms.control.set_consent(
        MIA, Purpose.EMAIL_MARKETING, None, ConsentState.GRANTED
    ),
    "a visitor recognised": lambda rooms: rooms.send(
        track("Product Viewed", None, anon="a9", product_id="rye-bread"),
        {"type": "identify", "userId": "mia", "anonymousId": "a9"},
    ),
}


class TestTelling:
    async def test_the_customer_as_they_are_now_comes_first(self, rooms: Rooms, watcher: Watcher) -> None:
        assert (await watcher.told()).version == (await rooms.require()).version

    @pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())
    async def test_what_changes_them_is_told(
        self, rooms: Rooms, watcher: Watcher, change: Callable[[Rooms], Coroutine[Any, Any, Any]]
    ) -> None:
        before = await watcher.told()
        await change(rooms)
        after = await watcher.told()
        assert after.id == before.id
        assert after.version > before.version

    async def test_what_another_process_does_is_told(
        self, store: Store, clock: FixedClock, watcher: Watcher
    ) -> None:
        await watcher.told()
        await make_rooms(store, clock).track("Product Viewed", product_id="desk-lamp")
        assert (await watcher.told()).recent[-1].content_key == "desk-lamp"

    async def test_a_slow_watcher_is_told_the_latest_and_not_what_was_between(
        self, rooms: Rooms, watches: WatchService, watcher: Watcher
    ) -> None:
        await watcher.told()
        for key in ("rye-bread", "climbing-rose", "desk-lamp"):
            await rooms.track("Product Viewed", product_id=key)
        latest = await watcher.told()
        assert latest.version == (await rooms.require()).version
        assert [signal.content_key for signal in latest.recent] == ["rye-bread", "climbing-rose", "desk-lamp"]
        await rooms.track("Article Read", product_id="rye-bread")
        assert [signal.kind for signal in (await watcher.told()).recent].count("READ") == 1

    async def test_all_who_watch_are_told(
        self, rooms: Rooms, watches: WatchService, watcher: Watcher
    ) -> None:
        other = Watcher(watches, parse_ref("email", "mia@example.com"))
        await watcher.told()
        await other.told()
        await rooms.identify("mia", city="Bath")
        assert (await watcher.told()).traits["city"].value == "Bath"
        assert (await other.told()).traits["city"].value == "Bath"
        await other.changes.aclose()
        await rooms.identify("mia", city="York")
        assert (await watcher.told()).traits["city"].value == "York"


class TestWhoIsMeant:
    async def test_somebody_never_seen_is_not_watched(self, watches: WatchService) -> None:
        with pytest.raises(NotFound) as refusal:
            await Watcher(watches, BEN).told()
        assert refusal.value.kind == "UNKNOWN_CUSTOMER"
        assert watches.open == 0

    async def test_a_merge_is_followed_and_so_is_a_split(self, rooms: Rooms, watches: WatchService) -> None:
        await rooms.identify("ben", email="ben@example.com")
        watcher = Watcher(watches, BEN)
        ben = await watcher.told()
        mia = await rooms.merges.merge(MIA, [BEN], by="ann")
        one = await watcher.told()
        while one.id == ben.id:
            one = await watcher.told()
        assert one.id == mia.id
        assert ben.id in one.former_ids
        await rooms.track("Product Viewed", product_id="rye-bread")
        while not one.recent:
            one = await watcher.told()
        await rooms.merges.split(MIA, [BEN], by="ann")
        while one.id == mia.id:
            one = await watcher.told()
        assert [identity.value for identity in one.identities if identity.type == "user_id"] == ["ben"]
        await rooms.identify("ben", city="York")
        while "city" not in one.traits:
            one = await watcher.told()
        await watcher.changes.aclose()

    async def test_the_stream_ends_when_the_customer_is_erased(
        self, rooms: Rooms, store: Store, clock: FixedClock, watcher: Watcher
    ) -> None:
        await watcher.told()
        erasures = ErasureService(store, CachedEncoder(WordsEncoder()), clock, settle_seconds=0.01)
        await erasures.erase(MIA, requested_by="test")
        await watcher.ended()

    async def test_who_comes_back_after_it_is_nobody_s_to_go_on_watching(
        self, rooms: Rooms, store: Store, clock: FixedClock, watches: WatchService, watcher: Watcher
    ) -> None:
        await watcher.told()
        erasures = ErasureService(store, CachedEncoder(WordsEncoder()), clock, settle_seconds=0.01)
        await erasures.erase(MIA, requested_by="test")
        clock.instant = clock.now().replace(hour=11)
        await rooms.track("Product Viewed", ago=0.1, product_id="rye-bread")
        assert await rooms.find() is not None
        await watcher.ended()


class TestBounds:
    async def told_all(self, watchers: list[Watcher]) -> None:
        for watcher in watchers:
            await watcher.told()

    async def refused(self, watcher: Watcher) -> str:
        with pytest.raises(Unavailable) as refusal:
            await watcher.told()
        assert refusal.value.kind == "TOO_MANY_WATCHES"
        return refusal.value.message

    async def close(self, watchers: list[Watcher]) -> None:
        for watcher in watchers:
            await watcher.changes.aclose()

    async def test_of_one_key(self, watches: WatchService) -> None:
        watchers = [Watcher(watches) for _ in range(4)]
        await self.told_all(watchers)
        assert "with this key" in await self.refused(Watcher(watches))
        other = Watcher(watches, key="another")
        await other.told()
        await watchers[0].changes.aclose()
        again = Watcher(watches)
        await again.told()
        await self.close([*watchers, other, again])
        assert watches.open == 0
        assert not watches._seats

    async def test_of_the_process(self, watches: WatchService) -> None:
        watchers = [Watcher(watches, key=f"key-{n}") for n in range(8)]
        await self.told_all(watchers)
        assert "8 streams are open here" in await self.refused(Watcher(watches, key="another"))
        await self.close(watchers)

    async def test_of_one_customer(self, rooms: Rooms, watches: WatchService) -> None:
        roomy = WatchService(rooms.profiles, most=100, most_per_key=100)
        watchers = [Watcher(roomy, key="shop", speaks_for="user_id:mia") for _ in range(MOST_EACH)]
        await self.told_all(watchers)
        assert "for one customer" in await self.refused(Watcher(roomy, key="shop", speaks_for="user_id:mia"))
        await self.close(watchers)
        assert roomy._polling is None


class TestAStoreThatIsAway:
    async def test_what_changed_meanwhile_is_told_when_it_is_back(
        self, rooms: Rooms, watcher: Watcher, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        await watcher.told()
        away = {"versions": 2, "find": 2}
        repository, profiles = rooms.profiles.repository, rooms.profiles
        versions, find = repository.versions, profiles.find

        async def no_versions(ids: Any) -> dict[str, int]:
            if away["versions"]:
                away["versions"] -= 1
                raise Unavailable("the store does not answer")
            return await versions(ids)

        async def no_find(ref: Any) -> Profile | None:
            if away["find"]:
                away["find"] -= 1
                raise Unavailable("the store does not answer")
            return await find(ref)

        await rooms.identify("mia", city="Bath")
        monkeypatch.setattr(repository, "versions", no_versions)
        monkeypatch.setattr(profiles, "find", no_find)
        assert (await watcher.told()).traits["city"].value == "Bath"
        assert away == {"versions": 0, "find": 0}

    async def test_nobody_looks_while_nobody_watches(
        self, rooms: Rooms, watches: WatchService, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        watcher = Watcher(watches)
        await watcher.told()
        polling = watches._polling
        assert polling is not None
        await watcher.changes.aclose()
        await asyncio.wait([polling])
        assert polling.cancelled()
