"""Law 5: an event sent twice counts once; what was acknowledged survives a crash anywhere."""

import asyncio
from typing import Any

import pytest

from hub.errors import Unavailable
from hub.events.repository import EventRepository
from hub.profiles.facets import project
from hub.profiles.fold import fold
from hub.profiles.joining import join_all
from hub.profiles.profile_codec import profile_to_document
from hub.profiles.repository import ProfileRepository
from tests.profiles.rooms import Rooms, make_rooms, track

ORDER: dict[str, Any] = {"order_id": "o1", "products": [{"sku": "rye-bread", "quantity": 2}]}


async def owned(rooms: Rooms, user: str = "mia") -> dict[str, int]:
    return {key: o.count for key, o in (await rooms.require(user)).owned.items()}


class TestDuplicates:
    async def test_a_message_sent_twice_counts_once(self, rooms: Rooms) -> None:
        message = track("Order Completed", id="m1", **ORDER)
        first = await rooms.send(message)
        before = await rooms.require()
        second = await rooms.send(message)
        assert (first.accepted, first.duplicates) == (1, 0)
        assert (second.accepted, second.duplicates) == (0, 1)
        assert await owned(rooms) == {"rye-bread": 2}
        assert (await rooms.require()).version == before.version

    async def test_twice_in_one_batch_counts_once_and_the_first_is_it(self, rooms: Rooms) -> None:
        other = track("Product Viewed", id="m1", product_id="desk-lamp")
        receipt = await rooms.send(track("Order Completed", id="m1", **ORDER), other)
        assert (receipt.accepted, receipt.duplicates) == (1, 1)
        assert await owned(rooms) == {"rye-bread": 2}

    async def test_the_same_batch_from_many_senders_at_once_counts_once(self, rooms: Rooms) -> None:
        batch = [
            track("Order Completed", id=f"m{n}", order_id=f"o{n}", products=[{"sku": "rye-bread"}])
            for n in range(5)
        ]
        receipts = await asyncio.gather(*(rooms.send(*batch) for _ in range(8)))
        assert sum(receipt.accepted for receipt in receipts) == 5
        assert sum(receipt.duplicates for receipt in receipts) == 35
        assert await owned(rooms) == {"rye-bread": 5}

    async def test_a_retry_is_projected_where_whoever_took_the_first_died_before_that(
        self, rooms: Rooms, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Who sends again until it is answered, and then asks another hub, finds what was sent."""
        message = track("Order Completed", id="m1", **ORDER)

        class Killed(BaseException):
            pass

        async def die(*_args: Any) -> None:
            raise Killed

        with monkeypatch.context() as patch:
            patch.setattr(ProfileRepository, "write_facets", die)
            with pytest.raises(Killed):
                await rooms.send(message)
        other = make_rooms(rooms.store, rooms.clock)
        assert await rooms.find() is None
        receipt = await other.send(message)
        assert (receipt.accepted, receipt.duplicates, receipt.profile_ids) == (0, 1, ())
        assert await owned(rooms) == {"rye-bread": 2}

    async def test_a_message_without_an_id_gets_one(self, rooms: Rooms) -> None:
        await rooms.track("Cart Viewed")
        await rooms.track("Cart Viewed")
        ids = [document["_id"] async for document in rooms.store.db["events"].find()]
        assert len(ids) == 2
        assert all(one.startswith("msg_") for one in ids)


STEPS = [
    (ProfileRepository, "house", 0),
    (EventRepository, "add", 0),
    (ProfileRepository, "owners", 1),
    (EventRepository, "unprojected", 1),
    (ProfileRepository, "write_facets", 1),
    (ProfileRepository, "write_profiles", 1),
    (EventRepository, "mark_projected", 1),
]


class TestCrashes:
    @pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
    @pytest.mark.parametrize(("room", "step", "durable"), STEPS, ids=[f"{step}" for _, step, _ in STEPS])
    async def test_a_crash_at_any_step_is_completed_and_counts_once(
        self, rooms: Rooms, monkeypatch: pytest.MonkeyPatch, room: type, step: str, durable: int, after: bool
    ) -> None:
        """A process that has just come up dies before or after a step; another recovers, or the client sends again."""
        await rooms.track("Order Completed", ago=50, order_id="o0", products=[{"sku": "desk-lamp"}])
        real = getattr(room, step)

        class Killed(BaseException):
            pass

        async def die(*args: Any, **kwargs: Any) -> None:
            if after:
                await real(*args, **kwargs)
            raise Killed

        message = track("Order Completed", id="m1", anon="a1", **ORDER)
        with monkeypatch.context() as patch:
            patch.setattr(room, step, die)
            with pytest.raises(Killed):
                await make_rooms(rooms.store, rooms.clock).send(message)

        other = make_rooms(rooms.store, rooms.clock)
        waiting = await other.store.db["events"].count_documents({"projected": False})
        assert await other.ingest.recover() == waiting
        receipt = await other.send(message)
        written = durable or (step == "add" and after)
        assert (receipt.accepted, receipt.duplicates) == ((0, 1) if written else (1, 0))
        assert await owned(other) == {"desk-lamp": 1, "rye-bread": 2}
        assert (await other.require("a1", "anonymous_id")).id == (await other.require()).id
        assert await other.store.db["events"].count_documents({"projected": False}) == 0

    async def test_a_store_that_fails_after_the_events_are_durable_is_acknowledged_and_recovered(
        self, rooms: Rooms, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        async def fail(*_: Any) -> None:
            raise Unavailable("gone")

        with monkeypatch.context() as patch:
            patch.setattr(ProfileRepository, "write_facets", fail)
            receipt = await rooms.track("Order Completed", **ORDER)
        assert receipt.accepted == 1
        assert await rooms.ingest.recover() == 1
        assert await owned(rooms) == {"rye-bread": 2}

    async def test_a_store_that_does_not_take_the_events_refuses_and_leaves_nothing_that_counts(
        self, rooms: Rooms, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        async def fail(*_: Any) -> None:
            raise Unavailable("gone")

        with monkeypatch.context() as patch:
            patch.setattr(EventRepository, "add", fail)
            with pytest.raises(Unavailable):
                await rooms.track("Order Completed", **ORDER)
        assert await rooms.find() is None
        assert (await rooms.counts())["events"] == 0

    async def test_one_facet_that_cannot_be_projected_holds_up_no_other(
        self, rooms: Rooms, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        async def nothing(*_: Any) -> None:
            return

        with monkeypatch.context() as patch:
            patch.setattr(type(rooms.profiles.projector), "project", nothing)
            for user in ("mia", "ben", "eve"):
                await rooms.track("Order Completed", user, **ORDER)
        await rooms.store.db["events"].update_one({"user_id": "ben"}, {"$set": {"payload": None}})
        assert await rooms.ingest.recover() == 2
        assert await owned(rooms, "mia") == await owned(rooms, "eve") == {"rye-bread": 2}


class TestConcurrency:
    async def test_twenty_writers_to_one_profile_lose_nothing(self, rooms: Rooms) -> None:
        # Two processes' worth of rooms: they share no lock, only the store.
        other = make_rooms(rooms.store, rooms.clock)
        await asyncio.gather(
            *(
                (rooms if n % 2 else other).track(
                    "Order Completed",
                    ago=n + 1,
                    order_id=f"o{n}",
                    products=[{"sku": f"sku-{n}", "quantity": n + 1}],
                )
                for n in range(20)
            )
        )
        assert await owned(rooms) == {f"sku-{n}": n + 1 for n in range(20)}
        assert (await rooms.counts())["facets"] == 1
        assert await rooms.store.db["events"].count_documents({"projected": False}) == 0

    async def test_what_is_kept_incrementally_equals_what_is_rebuilt_from_events(self, rooms: Rooms) -> None:
        for n in range(12):
            await rooms.track(
                "Order Completed", ago=30 - n, order_id=f"o{n}", products=[{"sku": "rye-bread"}]
            )
            await rooms.track("Product Viewed", ago=60 - n, product_id="climbing-rose")
        profile = await rooms.require()
        [kept] = await rooms.profiles.repository.facets_of([profile.id])
        events = await rooms.profiles.events.of_facet(kept.id)
        rebuilt = join_all([project(event) for event in events])
        assert rebuilt == kept.facet
        knowledge = await rooms.profiles.projector.knowledge([rebuilt], rooms.snapshot)
        again = fold(profile.id, profile.version, [kept], knowledge)

        def spelled(one: Any) -> dict[str, Any]:
            return profile_to_document(one, folded={}, catalogue_version="", unplaced=False)

        assert spelled(again) == spelled(profile)


class TestLargeBatches:
    async def test_are_durable_at_once_and_folded_by_whoever_reads(self, rooms: Rooms) -> None:
        batch = [
            track("Order Completed", f"u{n % 40}", ago=n + 1, **ORDER | {"order_id": f"o{n}"})
            for n in range(120)
        ]
        receipt = await rooms.send(*batch)
        assert (receipt.accepted, len(receipt.profile_ids)) == (120, 40)
        assert await rooms.store.db["events"].count_documents({"projected": False}) == 120
        assert await owned(rooms, "u7") == {"rye-bread": 6}
        assert await rooms.store.db["events"].count_documents({"projected": False}) == 117

    async def test_are_folded_by_maintenance_without_anybody_reading(self, rooms: Rooms) -> None:
        maintenance = asyncio.create_task(rooms.ingest.maintain())
        await asyncio.sleep(0)
        await rooms.send(*(track("Order Completed", f"u{n}", **ORDER) for n in range(40)))
        async with asyncio.timeout(20):
            while await rooms.store.db["events"].count_documents({"projected": False}):
                await asyncio.sleep(0.05)
        maintenance.cancel()
        folded = {"stale": False, "folding": {"$exists": False}}
        assert await rooms.store.db["profiles"].count_documents(folded) == 40

    async def test_of_which_some_are_bad_take_the_good_and_name_the_bad(self, rooms: Rooms) -> None:
        receipt = await rooms.send(
            track("Cart Viewed"), {"type": "track", "userId": "mia"}, track("Cart Viewed")
        )
        assert receipt.accepted == 2
        [rejection] = receipt.rejected
        assert (rejection.index, rejection.code, rejection.path) == (1, "MISSING_EVENT_NAME", ("event",))
