"""Requests that come at once are written together, and each is answered for its own."""

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from embeddings.cache import CachedEncoder
from hub.errors import Unavailable
from hub.events.repository import EventRepository, StoredEvent
from hub.events.writing import SMALL
from hub.privacy.erasure import ErasureService
from hub.profiles.model import CustomerRef
from hub.profiles.repository import ProfileRepository
from tests.profiles.rooms import Rooms, WordsEncoder, track


@pytest.fixture
def rounds(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """The ids of what was written, round by round."""
    written: list[list[str]] = []
    real = EventRepository.add

    async def counted(self: EventRepository, events: Sequence[StoredEvent]) -> set[str]:
        written.append([one.event.id for one in events])
        return await real(self, events)

    monkeypatch.setattr(EventRepository, "add", counted)
    return written


def view(user: str, id: str, *, ago: float = 1.0) -> dict[str, Any]:  # noqa: A002
    return track("Product Viewed", user, id=id, ago=ago, product_id="rye-bread")


class TestTogether:
    async def test_who_comes_alone_is_written_alone_and_who_comes_meanwhile_in_the_next_round(
        self, rooms: Rooms, rounds: list[list[str]]
    ) -> None:
        receipts = await asyncio.gather(*(rooms.send(view(f"u{n}", f"m{n}")) for n in range(9)))
        assert [receipt.accepted for receipt in receipts] == [1] * 9
        assert sorted(one for ids in rounds for one in ids) == [f"m{n}" for n in range(9)]
        assert len(rounds) < 9
        for n, receipt in enumerate(receipts):
            assert receipt.profile_ids == ((await rooms.require(f"u{n}")).id,)

    async def test_what_two_send_under_one_id_counts_for_one_of_them(
        self, rooms: Rooms, rounds: list[list[str]]
    ) -> None:
        receipts = await asyncio.gather(
            *(rooms.send(view("mia", "same"), view(f"u{n}", f"own{n}")) for n in range(6))
        )
        assert sum(receipt.accepted for receipt in receipts) == 7
        assert sum(receipt.duplicates for receipt in receipts) == 5
        assert all(len(set(ids)) == len(ids) for ids in rounds)
        assert len((await rooms.require("mia")).recent) == 1

    async def test_a_large_request_goes_on_its_own(self, rooms: Rooms, rounds: list[list[str]]) -> None:
        large = [view(f"u{n % 40}", f"large{n}") for n in range(SMALL + 1)]
        await asyncio.gather(rooms.send(view("mia", "m1")), rooms.send(*large), rooms.send(view("ben", "m2")))
        [alone] = [ids for ids in rounds if len(ids) > 2]
        assert alone == [f"large{n}" for n in range(SMALL + 1)]

    async def test_many_large_ones_mark_their_customers_in_few_writes(
        self, rooms: Rooms, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        marked: list[int] = []
        real = ProfileRepository.mark_stale

        async def counted(self: ProfileRepository, facets: Any) -> None:
            marked.append(len(facets))
            await real(self, facets)

        monkeypatch.setattr(ProfileRepository, "mark_stale", counted)
        crowd = [[view(f"u{n}", f"m{n}-{turn}") for n in range(20)] for turn in range(6)]
        await asyncio.gather(*(rooms.send(*batch) for batch in crowd))
        assert len(marked) < 6
        assert set(marked) == {20}
        assert len((await rooms.require("u7")).recent) == 6


class TestFaults:
    async def test_a_round_that_the_store_does_not_take_is_refused_to_all_in_it_and_can_be_sent_again(
        self, rooms: Rooms, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        async def fail(*_: Any) -> None:
            raise Unavailable("gone")

        batches = [[view(f"u{n}", f"m{n}")] for n in range(5)]
        with monkeypatch.context() as patch:
            patch.setattr(EventRepository, "add", fail)
            refused = await asyncio.gather(*(rooms.send(*batch) for batch in batches), return_exceptions=True)
        assert all(isinstance(one, Unavailable) for one in refused)
        assert (await rooms.counts())["events"] == 0
        receipts = await asyncio.gather(*(rooms.send(*batch) for batch in batches))
        assert [receipt.accepted for receipt in receipts] == [1] * 5

    async def test_an_erasure_that_overtakes_a_round_takes_back_one_customers_events_alone(
        self, rooms: Rooms, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        await rooms.send(view("mia", "before"))
        erasures = ErasureService(
            rooms.store, CachedEncoder(WordsEncoder()), rooms.clock, settle_seconds=0.01
        )
        real = EventRepository.add
        erased: list[int] = []

        async def erase_first(self: EventRepository, events: Sequence[StoredEvent]) -> set[str]:
            if not erased and any(one.event.id == "late" for one in events):
                erased.append(len(events))
                await erasures.erase(CustomerRef("user_id", "mia"), requested_by="test")
            return await real(self, events)

        monkeypatch.setattr(EventRepository, "add", erase_first)
        sent = [view("zoe", "m0"), view("mia", "late"), view("ben", "m1"), view("mia", "since", ago=-0.1)]
        receipts = await asyncio.gather(*(rooms.send(message) for message in sent))
        assert erased
        assert [receipt.accepted for receipt in receipts] == [1, 0, 1, 1]
        ids = {document["_id"] async for document in rooms.store.db["events"].find()}
        assert ids == {"m0", "m1", "since"}
        assert len((await rooms.require("mia")).recent) == 1
