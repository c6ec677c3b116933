"""Frequency caps: how often a person is shown something, over all channels and identities."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from hub.decisions.model import Channel
from hub.decisions.scenario_files import parse_scenario
from hub.errors import InvalidInput, Unavailable
from hub.ledger.frequency import CapOf, Counted, FrequencyCap
from hub.profiles.model import ConsentState, CustomerRef, Purpose
from hub.store.codecs import to_document
from tests.builders import NOW
from tests.channels.hub import HISTORY, open_hub, shown

ROSA = CustomerRef("user_id", "rosa")
TWICE = FrequencyCap(CapOf.ITEM, 2, 7)
MONTHLY = FrequencyCap(CapOf.MESSAGE, 1, 30)


@pytest.fixture
async def hub(store, clock, settings):
    made = await open_hub(store, clock, settings)
    await made.send(*HISTORY)
    await made.control.set_consent(ROSA, Purpose.EMAIL_MARKETING, None, ConsentState.GRANTED)
    return made


async def cap(hub, *caps, key="home"):
    scenario = replace(await hub.scenarios.get(key), frequency=caps)
    await hub.store.db["scenarios"].replace_one({"_id": key}, to_document(scenario, _id=key))
    hub.scenarios.forget()


def keys(experience):
    return {item.content.key for item in shown(experience)}


class TestItems:
    async def test_what_was_shown_often_enough_on_any_channel_is_removed_with_its_reason(self, hub):
        await cap(hub, TWICE)
        web = await hub.assemble()
        await hub.assemble(channel=Channel.EMAIL, scenario="newsletter")
        third = await hub.assemble()
        told = {r.content.key: (r.gate, r.rule, r.sentence) for r in third.decision.removed}
        gone = keys(web) - keys(third)
        assert gone
        for key in gone:
            assert told[key] == (
                "frequency",
                "shown_often",
                "Shown 2 times within the last 7 days, which is enough for now",
            )
        hub.clock.instant = NOW + timedelta(days=7, seconds=1)
        assert keys(await hub.assemble()) >= gone

    async def test_a_preview_counts_nothing_and_shows_what_would_be_served(self, hub):
        await cap(hub, FrequencyCap(CapOf.ITEM, 1, 7))
        before = await hub.dump()
        first = await hub.assemble(preview=True)
        assert keys(first)
        assert await hub.dump() == before
        assert keys(await hub.assemble()) == keys(first)
        assert not keys(await hub.assemble(preview=True)) & keys(first)

    async def test_exposures_may_be_what_counts(self, hub):
        await cap(hub, FrequencyCap(CapOf.ITEM, 1, 7, Counted.EXPOSED))
        first = await hub.assemble()
        again = await hub.assemble()
        assert keys(again) == keys(first)
        seen = shown(first)[0].content.key
        await hub.ledger.expose(first.served_id, keys=[seen])
        await hub.ledger.expose(first.served_id, keys=[seen])
        assert keys(first) - keys(await hub.assemble()) == {seen}

    async def test_many_at_once_show_nothing_more_often_than_the_cap(self, hub, store, clock, settings):
        await cap(hub, TWICE)
        patient = settings.model_copy(update={"store_deadline": 30.0})
        hubs = [await open_hub(store, clock, patient, seed=False) for _ in range(3)]
        for other in hubs:
            other.scenarios.forget()
        made = await asyncio.gather(*(each.assemble() for _ in range(5) for each in hubs))
        rows = await store.db["served"].find({}, {"shown": 1}).to_list()
        counts = {}
        for row in rows:
            for key in filter(None, row["shown"].split("\n")):
                counts[key] = counts.get(key, 0) + 1
        assert counts
        assert max(counts.values()) == 2
        assert {e.served_id for e in made if e.served_id} == {row["_id"] for row in rows}

    async def test_merged_identities_are_one_person(self, hub):
        await cap(hub, FrequencyCap(CapOf.ITEM, 1, 7))
        visitor = {"userId": None, "anonymousId": "laptop", "type": "track", "event": "Product Viewed"}
        await hub.send({**visitor, "properties": {"product_id": "rose"}})
        anonymous = CustomerRef("anonymous_id", "laptop")
        before = await hub.experiences.assemble(anonymous, channel=Channel.WEB, scenario="home")
        await hub.send({"type": "identify", "anonymousId": "laptop", "traits": {}})
        assert not keys(before) & keys(await hub.assemble())

    async def test_they_are_counted_from_the_index_alone(self, hub):
        await hub.assemble()
        profile = await hub.profiles.require(ROSA)
        found = hub.store.db["served"].find(
            {"profile_id": {"$in": [profile.id]}, "at": {"$gt": NOW - timedelta(days=1)}},
            {"at": 1, "scenario.key": 1, "shown": 1},
        )
        plan = await found.sort([("at", -1), ("_id", -1)]).explain()
        assert plan["executionStats"]["totalDocsExamined"] == 0
        assert plan["executionStats"]["nReturned"] == 1


class TestMessages:
    async def test_one_a_month_is_one_a_month(self, hub):
        await cap(hub, MONTHLY, key="newsletter")
        first = await hub.assemble(channel=Channel.EMAIL, scenario="newsletter")
        assert first.withheld is None
        before = await hub.dump()
        for preview in (False, True):
            second = await hub.assemble(channel=Channel.EMAIL, scenario="newsletter", preview=preview)
            assert (second.withheld.code, second.served_id, second.html) == ("FREQUENCY_CAP", None, None)
            assert second.withheld.message == "this customer may get one within 30 days, and has had 1"
        assert await hub.dump() == before
        assert (await hub.assemble()).withheld is None
        hub.clock.instant = NOW + timedelta(days=30)
        again = await hub.assemble(channel=Channel.EMAIL, scenario="newsletter")
        assert again.withheld is None

    async def test_of_many_at_once_one_goes_out(self, hub, store, clock, settings):
        await cap(hub, MONTHLY, key="newsletter")
        patient = settings.model_copy(update={"store_deadline": 30.0})
        one = await open_hub(store, clock, patient, seed=False)
        made = await asyncio.gather(
            *(one.assemble(channel=Channel.EMAIL, scenario="newsletter") for _ in range(8))
        )
        assert sum(each.withheld is None for each in made) == 1
        assert await hub.store.db["served"].count_documents({}) == 1


async def test_what_cannot_be_counted_is_shown_and_not_counted_but_not_mailed(hub, monkeypatch):
    await cap(hub, TWICE)
    await cap(hub, MONTHLY, key="newsletter")

    async def away(*_):
        raise Unavailable("away")

    monkeypatch.setattr(hub.experiences._frequency, "seen", away)
    page = await hub.assemble()
    assert keys(page)
    assert (page.served_id, page.degraded.code) == (None, "NOT_RECORDED")
    message = await hub.assemble(channel=Channel.EMAIL, scenario="newsletter")
    assert (message.withheld.code, message.html) == ("TRY_AGAIN", None)


@pytest.mark.parametrize(
    "line",
    ['of="item", most=0, days=1', 'of="word", most=1, days=1', 'of="item", most=1, days=0',
     'of="message", most=1, days=1, counted="exposed"'],
)  # fmt: skip
def test_an_impossible_cap_is_refused_where_it_stands(line):
    text = (
        'key = "a"\ntitle = "A"\ngoal = "Order Completed"\nfrequency = [{' + line + "}]\n"
        '[mix]\nbase = 1\n[[slots.WEB]]\nkey = "s"\ntitle = "S"\nsize = 3\nkinds = ["PRODUCT"]\n'
    )
    with pytest.raises(InvalidInput) as refusal:
        parse_scenario(text)
    assert refusal.value.path[:2] == ("frequency", 0)
    good = parse_scenario(text.replace(line, 'of="item", most=3, days=7'))
    assert good.frequency == (FrequencyCap(CapOf.ITEM, 3, 7),)
