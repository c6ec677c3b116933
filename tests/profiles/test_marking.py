"""Large batches mark profiles as stale, once until somebody folds them; and no fold misses what came beside it."""

from collections.abc import Collection
from typing import Any

import pytest

from hub.events.repository import EventRepository
from hub.profiles.repository import ProfileRepository
from tests.profiles.rooms import Rooms, make_rooms, track

USERS = [f"u{n}" for n in range(20)]  # more than are folded at once


def crowd(turn: str) -> list[dict[str, Any]]:
    return [
        track("Order Completed", user, id=f"{user}-{turn}", order_id=turn, products=[{"sku": f"sku-{turn}"}])
        for user in USERS
    ]


async def document(rooms: Rooms, user: str = "u7") -> dict[str, Any]:
    identity = await rooms.store.db["identities"].find_one({"_id": f"user_id:{user}"})
    found = await rooms.store.db["profiles"].find_one({"_id": (identity or {})["profile_id"]})
    assert found is not None
    return found


async def owned(rooms: Rooms, user: str = "u7") -> set[str]:
    return set((await rooms.require(user)).owned)


async def test_a_profile_is_marked_once_until_it_is_folded(rooms: Rooms) -> None:
    await rooms.send(*crowd("a"))
    first = await document(rooms)
    await rooms.send(*crowd("b"))
    await make_rooms(rooms.store, rooms.clock).send(*crowd("c"))
    assert await document(rooms) == first
    assert first["stale"]
    assert await owned(rooms) == {"sku-a", "sku-b", "sku-c"}
    assert "folding" not in await document(rooms)
    await rooms.send(*crowd("d"))
    assert (await document(rooms))["stale"]
    assert await owned(rooms) == {"sku-a", "sku-b", "sku-c", "sku-d"}


async def test_what_comes_while_a_marked_profile_is_folded_is_folded_too(
    rooms: Rooms, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another process writes after this one has read what waits, and before it has written its fold."""
    other = make_rooms(rooms.store, rooms.clock)
    await rooms.send(*crowd("a"))
    await rooms.send(*crowd("b"))
    real = EventRepository.unprojected
    more = ["c", "d"]

    async def then_more(self: EventRepository, facet_ids: Collection[str], *, most: int) -> Any:
        found = await real(self, facet_ids, most=most)
        if more:
            await other.send(*crowd(more.pop()))
        return found

    monkeypatch.setattr(EventRepository, "unprojected", then_more)
    assert await owned(rooms) == {"sku-a", "sku-b", "sku-c", "sku-d"}
    stored = await document(rooms)
    assert (stored["stale"], "folding" in stored) == (False, False)


async def test_who_reads_while_another_folds_or_died_of_it_folds_for_themselves(
    rooms: Rooms, monkeypatch: pytest.MonkeyPatch
) -> None:
    await rooms.send(*crowd("a"))

    class Killed(BaseException):
        pass

    async def die(*_: Any) -> None:
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(ProfileRepository, "write_profiles", die)
        with pytest.raises(Killed):
            await rooms.require("u7")
    stored = await document(rooms)
    assert (stored["stale"], stored["folding"]) == (False, True)
    assert await owned(make_rooms(rooms.store, rooms.clock)) == {"sku-a"}


async def test_a_preview_reads_a_profile_that_another_folds_and_writes_nothing(rooms: Rooms) -> None:
    await rooms.send(*crowd("a"))
    stored = await document(rooms)
    await rooms.profiles.repository.begin_folding([stored["_id"]])
    before = await document(rooms)
    found = await rooms.profiles.get(stored["_id"], keep=False)
    assert found is not None
    assert set(found.owned) == {"sku-a"}
    assert await document(rooms) == before
