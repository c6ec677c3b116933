"""Popularity: decayed, log-scaled within each kind, the same for the same events, announced when it moves."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.catalogue.lease import take_lease
from hub.catalogue.model import Content, ContentKind
from hub.catalogue.popularity import HALF_LIFE, WINDOW, load_popularity, refresh, scale, week_began

LAST = datetime(2026, 3, 1, tzinfo=UTC)


def event(key: str, name: str, at: datetime, **fields) -> dict:
    return {
        "_id": f"{name}-{key}-{at.isoformat()}-{fields.get('n', 0)}",
        "type": "track",
        "event": name,
        "at": at,
        "received_at": at,
        "facet_id": "f",
        "projected": True,
        "items": [{"key": key, "quantity": fields.get("quantity", 1)}],
    }


@given(st.dictionaries(st.text("abc", min_size=1, max_size=3), st.floats(-50, 1e6), max_size=10))
def test_the_scale_keeps_the_order_within_a_kind_and_ends_at_one(sums):
    kinds = {key: "PRODUCT" if "a" in key else "ARTICLE" for key in sums}
    scaled = scale(sums, kinds)
    assert all(0 < score <= 1 for score in scaled.values())
    for kind in ("PRODUCT", "ARTICLE"):
        of_kind = sorted((total, scaled.get(key, 0)) for key, total in sums.items() if kinds[key] == kind)
        assert [score for _, score in of_kind] == sorted(score for _, score in of_kind)
        if of_kind and of_kind[-1][0] > 0:
            assert of_kind[-1][1] == 1


def test_what_the_catalogue_does_not_know_is_left_out_and_sets_no_scale():
    assert scale({"gone": 1_000.0, "a": 3.0}, {"a": "PRODUCT"}) == {"a": 1.0}


@pytest.mark.mongod
class TestRefresh:
    @pytest.fixture(autouse=True)
    async def contents(self, catalogue):
        await catalogue.put_contents(
            [Content(key=key, kind=ContentKind.PRODUCT, title=key) for key in ("new", "old", "back", "never")]
        )

    async def test_without_events_there_is_nothing_to_tell(self, store, clock):
        assert await refresh(store, clock) is False
        assert (await load_popularity(store)).scores == {}

    async def test_recent_orders_count_more_refunds_take_back_and_quantity_counts_not(
        self, store, clock, catalogue
    ):
        await store.db["events"].insert_many(
            [
                event("new", "Order Completed", LAST),
                event("old", "Order Completed", LAST - HALF_LIFE, quantity=1_000),
                event("back", "Order Completed", LAST - timedelta(hours=1)),
                event("back", "Order Refunded", LAST),
                event("never", "Order Completed", LAST - WINDOW - timedelta(days=1)),
                event("unknown", "Order Completed", LAST, n=1),
            ]
        )
        assert await refresh(store, clock) is True
        found = await load_popularity(store)
        # log(1 + 5) is the scale; a half-life back an order weighs 2.5.
        assert found.scores == pytest.approx({"new": 1.0, "old": 0.6992})
        assert found.as_of == LAST
        assert await catalogue.refresh() is True
        assert catalogue.snapshot.popularity[catalogue.snapshot.rows["new"]] == 1

    async def test_a_second_time_changes_nothing(self, store, clock):
        await store.db["events"].insert_one(event("new", "Product Viewed", LAST))
        assert await refresh(store, clock) is True
        kept = await store.db["popularity"].find_one({})
        clock.instant += timedelta(days=300)
        assert await refresh(store, clock) is False
        assert await store.db["popularity"].find_one({}) == kept

    async def test_what_was_popular_on_monday_stays_all_week_and_follows_with_the_next(
        self, store, clock, catalogue
    ):
        monday = week_began(LAST)
        await store.db["events"].insert_many(
            [
                event("old", "Order Completed", monday - timedelta(hours=1)),
                event("new", "Order Completed", monday + timedelta(hours=1)),
            ]
        )
        await refresh(store, clock)
        found = await load_popularity(store)
        assert dict(found.settled) == {"old": 1.0}
        assert set(found.scores) == {"old", "new"}
        await catalogue.refresh()
        rows = catalogue.snapshot.rows
        assert catalogue.snapshot.settled[[rows["old"], rows["new"]]].tolist() == [1.0, 0.0]
        await store.db["events"].insert_one(event("back", "Order Completed", monday + timedelta(days=2)))
        await refresh(store, clock)
        assert dict((await load_popularity(store)).settled) == {"old": 1.0}
        await store.db["events"].insert_one(event("new", "Order Completed", monday + timedelta(days=8)))
        await refresh(store, clock)
        assert set((await load_popularity(store)).settled) == {"old", "new", "back"}

    async def test_a_shop_that_began_this_week_goes_by_what_is_popular_now(self, store, clock, catalogue):
        await store.db["events"].insert_one(
            event("new", "Order Completed", week_began(LAST) + timedelta(hours=1))
        )
        await refresh(store, clock)
        await catalogue.refresh()
        assert catalogue.snapshot.settled.tolist() == catalogue.snapshot.popularity.tolist()

    async def test_a_late_event_is_seen(self, store, clock):
        await store.db["events"].insert_one(event("new", "Product Viewed", LAST))
        await refresh(store, clock)
        await store.db["events"].insert_one(event("old", "Product Viewed", LAST - timedelta(days=1)))
        assert await refresh(store, clock) is True
        assert set((await load_popularity(store)).scores) == {"new", "old"}

    async def test_an_event_that_moves_nothing_announces_nothing(self, store, clock):
        await store.db["events"].insert_one(event("new", "Product Viewed", LAST))
        await refresh(store, clock)
        announced = await store.db["versions"].find_one({"_id": "catalogue"})
        await store.db["events"].insert_one(event("unknown", "Product Viewed", LAST))
        assert await refresh(store, clock) is False
        assert await store.db["versions"].find_one({"_id": "catalogue"}) == announced


@pytest.mark.mongod
class TestLease:
    async def test_of_many_one_holds_it_and_may_renew_it(self, store):
        minute = timedelta(minutes=1)
        taken = await asyncio.gather(*(take_lease(store, "work", f"h{i}", minute) for i in range(8)))
        assert taken.count(True) == 1
        holder = f"h{taken.index(True)}"
        assert await take_lease(store, "work", holder, minute)
        assert not await take_lease(store, "work", "another", minute)

    async def test_it_runs_out_when_its_holder_is_gone(self, store):
        assert await take_lease(store, "work", "dead", timedelta(milliseconds=20))
        await asyncio.sleep(0.1)
        assert await take_lease(store, "work", "next", timedelta(minutes=1))
