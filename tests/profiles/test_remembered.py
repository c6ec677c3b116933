"""What a process remembers of identities saves looking them up, and is never older than the last erasure."""

from collections.abc import Collection
from typing import Any

import pytest

from hub.profiles.identity_repository import Home, IdentityRepository
from hub.profiles.model import CustomerRef
from hub.profiles.remembered import Memory
from hub.profiles.tombstones import Mark, Tombstones
from tests.builders import NOW
from tests.profiles.rooms import Rooms, make_rooms, track

CROWD = [
    track("Product Viewed", f"u{n}", product_id="rye-bread") for n in range(40)
]  # more than are folded at once


class TestMemory:
    def test_keeps_what_was_asked_for_lately(self) -> None:
        memory = Memory(Mark("m"), most=8)
        for n in range(20):
            memory.note(f"k{n}", None)
            assert memory.get("k0") is not None
        assert memory.get("k19") is not None
        assert memory.get("k5") is None
        assert sum(memory.get(f"k{n}") is not None for n in range(20)) <= 8

    def test_a_home_is_kept_of_whom_it_was_noted_whether_they_were_erased(self) -> None:
        memory = Memory(Mark("m"))
        memory.note_home("a", Home("f", "p"))
        assert memory.get("a") is None
        memory.note("a", NOW)
        assert memory.home("a") is None
        memory.note_home("a", Home("f", "p"))
        assert (memory.home("a"), memory.get("a").erased_at) == (Home("f", "p"), NOW)  # type: ignore[union-attr]


class TestLooks:
    async def test_who_is_remembered_is_not_looked_up(
        self, rooms: Rooms, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        looked: list[tuple[str, list[str]]] = []

        def counted(room: type, name: str) -> None:
            real = getattr(room, name)

            async def call(self: Any, keys: Collection[str]) -> Any:
                looked.append((name, sorted(keys)))
                return await real(self, keys)

            monkeypatch.setattr(room, name, call)

        counted(Tombstones, "erased_at")
        counted(IdentityRepository, "house")
        await rooms.track("Product Viewed", product_id="rye-bread")
        assert looked == [("erased_at", ["user_id:mia"]), ("house", ["user_id:mia"])]
        await rooms.track("Product Viewed", product_id="desk-lamp")
        assert len(looked) == 2
        await rooms.send(*CROWD[:2], track("Cart Viewed"))
        assert looked[2:] == [(name, ["user_id:u0", "user_id:u1"]) for name in ("erased_at", "house")]


class TestOtherProcesses:
    """Where a customer is now is read in the store, however long ago this process heard of them."""

    async def test_that_merged_a_customer(self, rooms: Rooms) -> None:
        visitor = track("Product Viewed", None, anon="a1", product_id="rye-bread")
        await rooms.send(visitor)
        other = make_rooms(rooms.store, rooms.clock)
        await other.identify("mia", anon="a1")
        await rooms.send(track("Product Viewed", None, anon="a1", ago=0, product_id="desk-lamp"), *CROWD)
        seen = [signal.content_key for signal in (await other.require("mia")).recent]
        assert seen == ["rye-bread", "desk-lamp"]

    async def test_that_split_a_customer(self, rooms: Rooms) -> None:
        await rooms.send(track("Product Viewed", None, anon="a1", product_id="rye-bread"))
        await rooms.identify("mia", anon="a1")
        again = make_rooms(rooms.store, rooms.clock)
        await again.send(track("Product Viewed", None, anon="a1", product_id="rye-flour"))
        mia = await rooms.require("mia")
        other = make_rooms(rooms.store, rooms.clock)
        await other.merges.split(
            CustomerRef("id", mia.id), [CustomerRef("anonymous_id", "a1")], by="test", reason=""
        )
        assert (await other.require("a1", "anonymous_id")).id != mia.id
        await again.send(track("Product Viewed", None, anon="a1", ago=0, product_id="desk-lamp"), *CROWD)
        visitor = await other.require("a1", "anonymous_id")
        assert [signal.content_key for signal in visitor.recent][-1] == "desk-lamp"
        assert "desk-lamp" not in [s.content_key for s in (await other.require("mia")).recent]
        assert (await other.require("mia")).facet_ids == tuple(set(mia.facet_ids) - set(visitor.facet_ids))
