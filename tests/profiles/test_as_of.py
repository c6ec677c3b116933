"""A profile as of a moment: what had happened by then, and nothing of what came after."""

from dataclasses import replace
from datetime import timedelta

from hub.profiles.identity import parse_ref
from hub.profiles.model import Profile
from tests.profiles.rooms import Rooms
from tests.profiles.test_peeking import spelled

MIA = parse_ref("user_id", "mia")


async def as_of(rooms: Rooms, hours_ago: float) -> Profile | None:
    return await rooms.profiles.as_of(MIA, rooms.clock.now() - timedelta(hours=hours_ago))


async def test_it_is_the_profile_that_was_read_then(rooms: Rooms) -> None:
    await rooms.track("Order Completed", ago=9, products=[{"sku": "climbing-rose"}])
    await rooms.track("Product Viewed", ago=8, product_id="desk-lamp")
    then = await rooms.require()
    await rooms.track("Order Completed", ago=3, products=[{"sku": "rye-bread"}])
    await rooms.track("Feedback Given", ago=2, kind="HIDE", content_key="desk-lamp")
    now = await rooms.require()
    assert set(now.owned) == {"climbing-rose", "rye-bread"}
    found = await as_of(rooms, 5)
    assert found is not None
    assert spelled(replace(found, version=then.version)) == spelled(then)


async def test_now_is_the_profile_as_it_is(rooms: Rooms) -> None:
    await rooms.track("Order Completed", ago=9, products=[{"sku": "climbing-rose"}])
    found = await as_of(rooms, 0)
    assert found is not None
    assert spelled(found) == spelled(await rooms.require())


async def test_before_anything_happened_there_is_nobody(rooms: Rooms) -> None:
    await rooms.track("Product Viewed", ago=9, product_id="desk-lamp")
    assert await as_of(rooms, 10) is None


async def test_what_was_heard_of_late_counts_from_when_it_happened(rooms: Rooms) -> None:
    await rooms.track("Product Viewed", ago=1, product_id="desk-lamp")
    await rooms.track("Order Completed", ago=9, products=[{"sku": "climbing-rose"}])
    found = await as_of(rooms, 5)
    assert found is not None
    assert set(found.owned) == {"climbing-rose"}
    assert not any(signal.content_key == "desk-lamp" for signal in found.recent)


async def test_of_somebody_never_seen_is_nobody(rooms: Rooms) -> None:
    assert await as_of(rooms, 5) is None
