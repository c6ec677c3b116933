"""Law 7 where it is easily broken: a profile that lags behind is read for a preview, and nothing is written."""

from typing import Any

from bson import encode

from hub.events.service import FOLDED_AT_ONCE
from hub.profiles.identity import parse_ref
from hub.profiles.model import Profile
from hub.profiles.profile_codec import profile_to_document
from tests.builders import make_content, make_snapshot
from tests.profiles.rooms import Rooms, track

CROWD = [track("Cart Viewed", f"extra-{n}") for n in range(FOLDED_AT_ONCE)]


def spelled(profile: Profile) -> bytes:
    return encode(profile_to_document(profile, folded={}, catalogue_version="", unplaced=False))


async def dump(rooms: Rooms) -> dict[str, list[Any]]:
    db = rooms.store.db
    return {
        name: await db[name].find({}).sort("_id", 1).to_list()
        for name in sorted(await db.list_collection_names())
    }


async def peek(rooms: Rooms, user: str = "mia") -> Profile | None:
    """Read without keeping, and see that the database is as it was."""
    before = await dump(rooms)
    profile = await rooms.profiles.find(parse_ref("user_id", user), keep=False)
    assert await dump(rooms) == before
    return profile


async def test_what_waits_is_seen_and_not_written(rooms: Rooms) -> None:
    await rooms.track("Order Completed", ago=5, products=[{"sku": "climbing-rose"}])
    await rooms.send(
        *CROWD, track("Article Read", content_id="rye-bread"), track("Products Searched", query="lamp")
    )
    looked = await peek(rooms)
    assert looked is not None
    assert {signal.content_key for signal in looked.recent} == {"climbing-rose", "rye-bread", None}
    assert spelled(looked) == spelled(await rooms.require())


async def test_somebody_whose_first_events_wait_is_known(rooms: Rooms) -> None:
    await rooms.send(*CROWD, track("Product Viewed", "new", product_id="desk-lamp"))
    looked = await peek(rooms, "new")
    assert looked is not None
    # What marked it as stale has made a version of it already.
    assert spelled(looked) == spelled(await rooms.require("new"))


async def test_a_visitors_past_that_waits_to_be_linked_is_seen(rooms: Rooms) -> None:
    await rooms.track("Product Viewed", ago=9, product_id="desk-lamp")
    await rooms.send(track("Product Viewed", None, anon="a1", ago=8, product_id="rye-bread"))
    await rooms.send(
        *CROWD,
        track("Product Viewed", None, anon="a1", ago=7, product_id="rye-flour"),
        track("Cart Viewed", anon="a1", ago=6),
    )
    looked = await peek(rooms)
    kept = await rooms.require()
    assert looked is not None
    assert {signal.content_key for signal in kept.recent} == {"desk-lamp", "rye-bread", "rye-flour"}
    assert (looked.recent, looked.facet_ids, looked.former_ids, looked.consents) == (
        kept.recent,
        kept.facet_ids,
        kept.former_ids,
        kept.consents,
    )
    assert [(i.id, i.label, i.weight, i.subjects) for i in looked.interests] == [
        (i.id, i.label, i.weight, i.subjects) for i in kept.interests
    ]


async def test_another_users_visitor_is_not_taken_over_by_looking(rooms: Rooms) -> None:
    await rooms.send(track("Product Viewed", "ann", anon="a1", ago=8, product_id="rye-bread"))
    await rooms.send(*CROWD, track("Cart Viewed", anon="a1", ago=6))
    looked = await peek(rooms)
    assert looked is not None
    assert looked.recent == ()
    assert (await rooms.require()).recent == ()


async def test_contents_that_came_later_are_seen(rooms: Rooms) -> None:
    await rooms.track("Product Viewed", product_id="oak-bench")
    rooms.snapshot = make_snapshot([make_content("oak-bench")])
    looked = await peek(rooms)
    assert looked is not None
    assert [interest.subjects for interest in looked.interests] == [("oak-bench",)]


async def test_nobody_is_made_by_looking(rooms: Rooms) -> None:
    assert await peek(rooms, "nobody") is None
