"""The demand outlook: drawn fairly, honest about its error, equal to asking everybody where everybody is asked."""

import random
from collections import Counter
from dataclasses import replace
from datetime import timedelta

import pytest

from hub.catalogue.model import Availability, ContentKind
from hub.channels.slots import slots_of
from hub.decisions.mixes import MixService
from hub.decisions.model import Channel, MixRequest
from hub.decisions.service import DecisionService
from hub.errors import InvalidInput
from hub.insights.demand import STRATA, Page, Tally, by_category, chance, drawn
from hub.insights.outlook import DemandService, Question
from hub.profiles.model import CustomerRef
from tests.builders import NOW, make_content, make_snapshot
from tests.channels.house import LAYERS
from tests.channels.hub import open_hub, track

CUSTOMERS = 9
IDS = [f"prf_{number:05d}" for number in range(5_000)]


class TestDrawing:
    def test_everybody_is_drawn_once(self):
        assert sorted(drawn(IDS, 1)) == IDS
        assert list(drawn([], 1)) == []
        assert sorted(drawn(IDS[:7], 1)) == IDS[:7]

    def test_every_beginning_takes_the_same_part_of_each_cohort(self):
        beginning = list(drawn(IDS, 1))[: 4 * STRATA]
        cohorts = Counter(IDS.index(each) * STRATA // len(IDS) for each in beginning)
        assert cohorts == dict.fromkeys(range(STRATA), 4)

    def test_the_same_sample_every_time(self):
        assert list(drawn(IDS, 1)) == list(drawn(IDS, 1)) != list(drawn(IDS, 2))


class TestErrors:
    def test_the_stated_interval_holds_the_truth_about_as_often_as_it_says(self):
        draw = random.Random(5)
        population = [Page(shown=(("a", 1),) if draw.random() < 0.15 else (("b", 1),)) for _ in range(5_000)]
        truth = sum(page.shown[0][0] == "a" for page in population)
        inside = 0
        for seed in range(200):
            tally = Tally(5_000)
            tally.add(population[IDS.index(each)] for each in list(drawn(IDS, seed))[:600])
            found = {item.content.key: item for item in tally.items(SNAPSHOT, 1.0, {})}["a"]
            inside += abs(found.impressions - truth) <= found.error * found.impressions
        assert 180 <= inside <= 200

    def test_who_asks_everybody_has_no_error(self):
        tally = Tally(3)
        tally.add([Page(shown=(("a", 1),)), Page(shown=(("a", 1), ("b", 2))), Page()])
        assert tally.largest_error == 0.0
        assert [(i.content.key, i.impressions) for i in tally.items(SNAPSHOT, 1.0, {})] == [
            ("a", 2),
            ("b", 1),
        ]


SNAPSHOT = make_snapshot(
    [
        make_content("a", category="garden/roses"),
        make_content("b", category="garden", availability=Availability.LOW_STOCK),
        make_content("story", kind=ContentKind.STORY, category="journal"),
    ]
)


class TestDemand:
    def test_is_impressions_by_the_chance_of_their_place_for_all_customers_and_visits(self):
        tally = Tally(100)
        tally.add([Page(shown=(("a", 1),)), Page(shown=(("a", 2), ("story", 1)))])
        found = {item.content.key: item for item in tally.items(SNAPSHOT, 3.0, {})}
        assert found["a"].impressions == 300
        assert found["a"].demand == pytest.approx(150 * (chance(1) + chance(2)))
        assert found["story"].demand == 0.0
        assert found["a"].share == pytest.approx(2 / 3)

    def test_is_held_against_stock(self):
        tally = Tally(10_000)
        tally.add([Page(shown=(("a", 1), ("b", 2)))] * 50)
        found = {item.content.key: item for item in tally.items(SNAPSHOT, 1.0, {"a": 50.0})}
        assert found["a"].demand == pytest.approx(200)
        assert (found["a"].covered, found["a"].short) == (pytest.approx(0.25), True)
        assert (found["b"].covered, found["b"].short) == (None, True)  # few are left, that much is known

    def test_follows_what_was_measured_the_more_the_more_there_is(self):
        assert Tally(1).level == 1.0
        few, many = Tally(10), Tally(10)
        few.add([Page(seen={1: 10}, taken={1: 1})])
        many.add([Page(seen={1: 100_000}, taken={1: 10_000})])
        assert 1.0 < few.level < 1.1
        assert many.level == pytest.approx(5.0, rel=0.05)

    def test_of_a_category_counts_for_all_above_it(self):
        tally = Tally(2)
        tally.add([Page(shown=(("a", 1), ("b", 2)))] * 2)
        groups = {g.name: g.impressions for g in by_category(tally.items(SNAPSHOT, 1.0, {}))}
        assert groups == {"garden": 4, "garden/roses": 2}

    def test_of_a_segment_is_that_of_its_members(self):
        tally = Tally(4)
        tally.add([Page(("gold", "near"), (("a", 1),)), Page(("gold",), (("b", 1),)), Page(), Page()])
        groups = {g.name: (g.customers, g.impressions) for g in tally.segments(1.0)}
        assert groups == {"gold": (2, 2), "near": (1, 1), "": (2, 0)}


@pytest.fixture
async def hub(store, clock, settings):
    hub = await open_hub(store, clock, settings)
    for number in range(CUSTOMERS):
        who = {"userId": f"user-{number}"}
        await hub.send(
            {"type": "identify", "traits": {"country": "GB"}} | who,
            track("Product Viewed", product_id=("rose", "can", "lily")[number % 3]) | who,
        )
    return hub


@pytest.fixture
def demand(hub):
    mixes = MixService(hub.store, hub.scenarios, LAYERS.keys(), hub.clock)
    decisions = DecisionService(lambda: hub.catalogue.snapshot, hub.scenarios, LAYERS, mixes)
    return DemandService(
        hub.store, hub.profiles, decisions, lambda: hub.catalogue.snapshot, hub.settings, hub.clock
    )


async def question(hub, channel=Channel.WEB, **given):
    return Question(await hub.scenarios.get("home"), False, channel, hub.clock.now(), **given)


class TestAsking:
    async def test_everybody_gives_what_everybody_would_be_shown_and_leaves_no_trace(self, hub, demand):
        await hub.send(
            *(track("Product Viewed", product_id="rose") | {"userId": f"extra-{n}"} for n in range(20))
        )
        before = await hub.dump()
        assert any(profile["stale"] for profile in before["profiles"])
        outlook = await demand.outlook(await question(hub))
        assert await hub.dump() == before
        assert (outlook.customers, outlook.asked, outlook.largest_error) == (29, 29, 0.0)
        shown = Counter()
        for profile_id in await hub.profiles.page_of_ids(most=100):
            page = await hub.experiences.assemble(
                CustomerRef("id", profile_id), channel=Channel.WEB, scenario="home", preview=True
            )
            shown.update(
                item.content.key for slot in slots_of(page.decision, Channel.WEB) for item in slot.items
            )
        assert {item.content.key: item.impressions for item in outlook.items} == shown

    async def test_a_draft_and_a_mix_are_asked_for_as_they_are(self, hub, demand):
        usual = await question(hub)
        slots = {Channel.WEB: tuple(replace(slot, size=1) for slot in usual.scenario.slots[Channel.WEB])}
        draft = replace(usual, scenario=replace(usual.scenario, slots=slots, version=9), draft=True)
        outlook = await demand.outlook(draft)
        assert outlook.version == 9
        assert sum(i.impressions for i in outlook.items) == CUSTOMERS * len(slots[Channel.WEB])
        alone = await demand.outlook(replace(draft, mix=MixRequest(solo=("base",))))
        assert len(alone.items) == len(slots[Channel.WEB])

    async def test_who_may_not_be_written_to_is_shown_nothing_by_email(self, hub, demand):
        outlook = await demand.outlook(await question(hub, Channel.EMAIL))
        assert (outlook.asked, outlook.items) == (CUSTOMERS, ())

    async def test_orders_after_a_showing_raise_the_chance(self, hub, demand):
        for number in range(CUSTOMERS):
            await hub.assemble(f"user-{number}")
        hub.clock.instant += timedelta(days=1)
        before = (await demand.outlook(await question(hub))).level
        assert before < 1.0  # much was shown, nothing was bought
        shown = {i.content.key for i in (await demand.outlook(await question(hub))).items}
        key = next(k for k in ("can", "rose", "lily", "secateurs") if k in shown)
        for number in range(CUSTOMERS):
            order = track(
                "Order Completed", order_id=f"o{number}", products=[{"product_id": key, "quantity": 1}]
            )
            await hub.send(order | {"userId": f"user-{number}"})
        assert (await demand.outlook(await question(hub))).level > before

    async def test_a_bound_on_customers_is_held_and_nonsense_refused(self, hub, demand):
        assert (await demand.outlook(await question(hub), most=4)).asked == 4
        for bad in ({"most": 0}, {"wanted_error": 1.5}):
            with pytest.raises(InvalidInput):
                await demand.outlook(await question(hub), **bad)
        with pytest.raises(InvalidInput):
            await demand.outlook(await question(hub, visits=0.0))

    async def test_pages_made_elsewhere_add_up_the_same(self, hub, demand):
        chunks = []

        async def make(ids, asked):
            chunks.append(len(ids))
            return await demand.pages(ids, asked)

        here = await demand.outlook(await question(hub))
        there = await demand.outlook(await question(hub), make=make, side_by_side=3)
        assert there == here
        assert sum(chunks) == CUSTOMERS
        assert here.scenario == "home"
        assert hub.clock.now() >= NOW
