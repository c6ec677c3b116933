import asyncio
from datetime import timedelta

import orjson
import pytest

from hub.errors import InvalidInput, NotFound, Unavailable
from hub.kit.canonical import canonical
from hub.kit.ids import new_id
from hub.ledger.model import Served
from hub.ledger.packing import unpacked
from hub.ledger.service import LedgerService
from tests.builders import NOW, make_profile


def item(position, key):
    content = {
        "key": key,
        "kind": "PRODUCT",
        "title": key.title(),
        "price": {"amount": "9.50", "currency": "GBP"},
    }
    part = {
        "layer": "base",
        "weight": 0.5,
        "score": 0.4,
        "contribution": 0.2,
        "rank_before": 2,
        "rank_after": 1,
    }
    return {
        "position": position,
        "score": 0.2,
        "content": content,
        "why": {"sentence": f"Because of {key}", "contributions": [part]},
    }


def served(**given):
    slots = [
        {"key": "second", "title": "Second", "items": [item(2, "kettle")]},
        {"key": "first", "title": "First", "items": [item(1, "teapot"), item(3, "mug")]},
    ]
    defaults = {
        "id": new_id("srv"),
        "at": NOW,
        "profile_id": "prf_1",
        "channel": "WEB",
        "scenario_key": "home",
        "scenario_version": 1,
        "configuration_version": "cfg_1",
        "profile_version": 4,
        "body": canonical({"slots": slots}),
        "expires_at": NOW + timedelta(days=400),
    }
    return Served(**{**defaults, **given})


@pytest.fixture
async def ledger(store, clock):
    service = LedgerService(store, clock)
    yield service
    await service.close()


class TestRecord:
    async def test_a_row_is_in_the_store_when_record_returns(self, ledger, store):
        row = served()
        await ledger.record(row)
        document = await store.db["served"].find_one({"_id": row.id})
        assert unpacked(bytes(document["body"])) == row.body
        assert document["scenario"] == {"key": "home", "version": 1}

    async def test_rows_that_come_at_once_share_a_command_and_all_become_durable(self, ledger, store):
        rows = [served() for _ in range(200)]
        await asyncio.gather(*(ledger.record(row) for row in rows))
        assert await store.db["served"].count_documents({}) == 200
        assert ledger.commands <= 3

    async def test_one_refused_row_fails_alone(self, ledger, store):
        known = served()
        await ledger.record(known)
        fresh = served()
        results = await asyncio.gather(ledger.record(known), ledger.record(fresh), return_exceptions=True)
        assert isinstance(results[0], Unavailable)
        assert results[1] is None
        assert await store.db["served"].count_documents({}) == 2

    async def test_whoever_gives_up_before_the_row_left_takes_it_along(self, ledger, store):
        first = asyncio.create_task(ledger.record(served()))
        await asyncio.sleep(0)  # its command leaves alone, the next row has to wait
        waiting = asyncio.create_task(ledger.record(served()))
        await asyncio.sleep(0)
        waiting.cancel()
        await first
        await ledger.close()
        assert await store.db["served"].count_documents({}) == 1


class TestGet:
    async def test_replay_gives_the_stored_bytes(self, ledger):
        row = served(body=b'{"slots":[],"a":"\xc3\xa9 & <b>"}')
        await ledger.record(row)
        assert (await ledger.get(row.id)).body == row.body
        assert await ledger.get(row.id) == row

    async def test_an_unknown_id_is_not_found(self, ledger):
        with pytest.raises(NotFound):
            await ledger.get("srv_nothing")

    async def test_a_row_whose_time_is_over_is_not_given_out_even_before_it_is_swept(self, ledger, clock):
        row = served(expires_at=NOW + timedelta(seconds=1))
        await ledger.record(row)
        clock.instant = NOW + timedelta(seconds=1)
        with pytest.raises(NotFound):
            await ledger.get(row.id)

    async def test_items_are_what_was_shown_by_position(self, ledger):
        row = served()
        await ledger.record(row)
        items = ledger.items(await ledger.get(row.id))
        assert [(i.position, i.content.key, i.slot) for i in items] == [
            (1, "teapot", "first"),
            (2, "kettle", "second"),
            (3, "mug", "first"),
        ]
        assert str(items[0].content.price) == "9.50 GBP"
        assert items[0].why.sentence == "Because of teapot"
        assert items[0].why.contributions[0].contribution == 0.2

    async def test_html_is_none_where_the_channel_has_none(self, ledger):
        assert served().html is None
        assert served(body=orjson.dumps({"html": "<p>"})).html == "<p>"


class TestForProfile:
    async def test_newest_first_over_all_channels_and_merged_profiles_in_pages(self, ledger):
        rows = [
            served(at=NOW + timedelta(minutes=n), channel=channel, profile_id=profile)
            for n, (channel, profile) in enumerate(
                [("WEB", "prf_1"), ("EMAIL", "prf_old"), ("WEB", "prf_other"), ("SERVICE_DESK", "prf_1")]
            )
        ]
        for row in rows:
            await ledger.record(row)
        profile = make_profile("prf_1", former_ids=("prf_old",))
        first = await ledger.for_profile(profile, first=2)
        assert [s.id for s in first.nodes] == [rows[3].id, rows[1].id]
        assert first.page_info.has_next_page
        second = await ledger.for_profile(profile, first=2, after=first.page_info.end_cursor)
        assert [s.id for s in second.nodes] == [rows[0].id]
        assert not second.page_info.has_next_page
        assert [s.id for s in await ledger.latest(profile, most=1)] == [rows[3].id]

    async def test_rows_of_one_instant_are_neither_lost_nor_repeated_between_pages(self, ledger):
        for _ in range(5):
            await ledger.record(served())
        profile, seen, after = make_profile("prf_1"), [], None
        while True:
            page = await ledger.for_profile(profile, first=2, after=after)
            seen += [s.id for s in page.nodes]
            if not page.page_info.has_next_page:
                break
            after = page.page_info.end_cursor
        assert len(seen) == len(set(seen)) == 5

    @pytest.mark.parametrize(("first", "after"), [(-1, None), (201, None), (5, "x"), (5, "bm90IGEgZGF0ZXx4")])
    async def test_impossible_pages_are_refused(self, ledger, first, after):
        with pytest.raises(InvalidInput):
            await ledger.for_profile(make_profile(), first=first, after=after)


class TestExpose:
    async def test_telling_it_twice_keeps_the_first_sight(self, ledger, clock):
        row = served()
        await ledger.record(row)
        clock.instant = NOW + timedelta(hours=1)
        await ledger.expose(row.id, keys=["mug"], at=NOW + timedelta(minutes=5))
        await ledger.expose(row.id, positions=[3, 1], at=NOW + timedelta(minutes=50))
        seen = {e.content_key: e.at for e in await ledger.exposures(row.id)}
        assert seen == {"mug": NOW + timedelta(minutes=5), "teapot": NOW + timedelta(minutes=50)}

    async def test_naming_nothing_means_all_of_it(self, ledger):
        row = served()
        await ledger.record(row)
        assert await ledger.expose(row.id) == row
        assert [e.content_key for e in await ledger.exposures(row.id)] == ["kettle", "mug", "teapot"]

    @pytest.mark.parametrize(
        ("given", "path"),
        [
            ({"keys": ["mug", "sofa"]}, ("keys", 1)),
            ({"positions": [4]}, ("positions", 0)),
            ({"at": NOW - timedelta(seconds=1)}, ("at",)),
            ({"at": NOW + timedelta(seconds=1)}, ("at",)),
        ],
    )
    async def test_what_was_not_served_is_refused_and_nothing_is_written(self, ledger, store, given, path):
        row = served()
        await ledger.record(row)
        with pytest.raises(InvalidInput) as refused:
            await ledger.expose(row.id, **given)
        assert refused.value.path == path
        assert await store.db["exposures"].count_documents({}) == 0

    async def test_an_unknown_serving_is_not_found(self, ledger):
        with pytest.raises(NotFound):
            await ledger.expose("srv_nothing")
