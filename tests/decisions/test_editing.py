"""Scenarios drafted, published and rolled back; guards and filters of slots."""

import asyncio
from dataclasses import dataclass, field, replace
from decimal import Decimal

import pytest

from hub.catalogue.model import BrandFacts, ContentKind
from hub.decisions.editing import ScenarioEditing, ScenarioState
from hub.decisions.model import Guards, SlotSpec
from hub.decisions.scenario_check import PLAIN_TITLE, presentable
from hub.decisions.scenario_files import parse_scenario
from hub.decisions.scenarios import ScenarioService
from hub.errors import Conflict, InvalidInput, NotFound
from hub.kit.money import Money
from tests.builders import make_content, make_facts, make_snapshot
from tests.decisions.strategies import LAYERS

SALE = """
key = "sale"
title = "The sale"
goal = "Order Completed"
moments = ["browsing"]
mix = {base = 1.0}
[guards]
without_categories = ["garden"]
most_price = 50
[[slots.WEB]]
key = "best"
title = "Best"
size = 3
kinds = ["PRODUCT"]
categories = ["kitchen"]
most_price = 20.50
"""


@pytest.fixture
def scenarios(store):
    return ScenarioService(store, monotonic=iter(range(0, 10_000, 10)).__next__)


@dataclass
class House:
    """What the brand says of itself just now."""

    facts: BrandFacts = field(default_factory=lambda: make_facts(forbidden=("cheap",)))

    @property
    def snapshot(self):
        contents = [make_content("pot", category="garden/pots"), make_content("pan", category="kitchen")]
        return make_snapshot(contents, facts=[self.facts])


@pytest.fixture
def house():
    return House()


@pytest.fixture
async def editing(store, scenarios, clock, house):
    await scenarios.seed()
    return ScenarioEditing(store, scenarios, LAYERS, lambda: house.snapshot, clock)


@pytest.mark.mongod
class TestDraft:
    async def test_a_draft_changes_nothing_that_is_served(self, editing, scenarios):
        saved = await editing.draft(SALE, by="mara", note="spring")
        assert (saved.scenario.version, saved.state, saved.created_by) == (1, ScenarioState.DRAFT, "mara")
        assert saved.scenario.guards == Guards(("garden",), (), Decimal(50))
        with pytest.raises(NotFound):
            await scenarios.get("sale")

    async def test_those_who_draft_at_once_get_a_version_each(self, editing):
        saved = await asyncio.gather(*(editing.draft(SALE) for _ in range(4)))
        assert sorted(each.scenario.version for each in saved) == [1, 2, 3, 4]

    async def test_a_draft_of_a_shipped_one_is_its_next_version(self, editing):
        saved = await editing.draft(SALE.replace('"sale"', '"home"'))
        assert saved.scenario.version == 2
        assert [(s.scenario.version, s.state) for s in await editing.versions("home")] == [
            (2, ScenarioState.DRAFT),
            (1, ScenarioState.PUBLISHED),
        ]

    @pytest.mark.parametrize(
        ("old", "new", "path", "code"),
        [
            ("base = 1.0", "bass = 1.0", ("mix", "bass"), "UNKNOWN_LAYER"),
            ('"browsing"', '"brewing"', ("moments", 0), "UNKNOWN_MOMENT"),
            ('["garden"]', '["garden", "moon"]', ("guards", "without_categories", 1), "UNKNOWN_CATEGORY"),
            ('["kitchen"]', '["kitten"]', ("slots", "WEB", 0, "categories", 0), "UNKNOWN_CATEGORY"),
            ("size = 3", "size = 51", ("slots", "WEB", 0, "size"), "INVALID_SCENARIO"),
            ("20.50", "-1", ("slots", "WEB", 0, "most_price"), "INVALID_SCENARIO"),
            ("mix = {", 'brands = ["moon"]\nmix = {', ("brands", 0), "UNKNOWN_BRAND"),
            ("The sale", "Cheap things", ("title",), "FORBIDDEN_WORD"),
            ('"Best"', '"The cheap ones"', ("slots", "WEB", 0, "title"), "FORBIDDEN_WORD"),
            ('"Best"', '"From {{price:pot}}"', ("slots", "WEB", 0, "title"), "UNKNOWN_REFERENCE"),
        ],
    )
    async def test_a_fault_is_pointed_at_and_nothing_is_saved(self, editing, store, old, new, path, code):
        with pytest.raises(InvalidInput) as refused:
            await editing.draft(SALE.replace(old, new))
        assert (refused.value.path, refused.value.kind) == (("definition", *path), code)
        assert await store.db["scenario_versions"].count_documents({}) == 0

    @pytest.mark.parametrize(
        ("line", "path", "code"),
        [
            ('slot = "bets"', ("slot",), "UNKNOWN_SLOT"),
            ('slot = "best"\nchannel = "EMAIL"\nmoment = "brewing"', ("moment",), "UNKNOWN_MOMENT"),
            ('silent = ["base", "bass"]', ("silent", 1), "UNKNOWN_LAYER"),
            ('muted = ["bass"]', ("muted", 0), "UNKNOWN_LAYER"),
            ("led_by = {bass = 1}", ("led_by", "bass"), "UNKNOWN_LAYER"),
            ('offer = "moon"', ("offer",), "UNKNOWN_OFFER"),
            ('without_categories = ["moon"]', ("without_categories", 0), "UNKNOWN_CATEGORY"),
            ('without = ["pot", "moon"]', ("without", 1), "UNKNOWN_CONTENT"),
            ("least = 3\nmost = 2", (), "INVALID_SCENARIO"),
        ],
    )
    async def test_a_check_that_names_what_there_is_not_is_pointed_at(self, editing, store, line, path, code):
        with pytest.raises(InvalidInput) as refused:
            await editing.draft(f'{SALE}[[checks]]\ntitle = "So"\n{line}\n')
        assert (refused.value.path, refused.value.kind) == (("definition", "checks", 0, *path), code)
        assert await store.db["scenario_versions"].count_documents({}) == 0

    async def test_the_text_is_kept_as_it_was_written(self, editing):
        text = f'# for spring\n{SALE}[[checks]]\ntitle = "So"\n'
        saved = await editing.draft(text)
        assert saved.definition == text
        await editing.publish("sale", 1)
        assert (await editing.in_force("sale")).definition == text

    async def test_what_ships_has_its_text_until_it_is_edited(self, editing, store):
        shipped = await editing.in_force("home")
        assert parse_scenario(shipped.definition) == shipped.scenario
        await store.db["scenarios"].update_one({"_id": "home"}, {"$set": {"title": "Ours"}})
        assert (await editing.version("home", 1)).definition is None


@pytest.mark.mongod
class TestPublish:
    async def test_what_the_brand_forbids_by_now_is_not_published(self, editing, scenarios, house):
        await editing.draft(SALE.replace("Best", "Bargains"))
        house.facts = replace(house.facts, forbidden=("bargains",))
        with pytest.raises(InvalidInput) as refused:
            await editing.publish("sale", 1)
        assert refused.value.kind == "FORBIDDEN_WORD"
        with pytest.raises(NotFound):
            await scenarios.get("sale")

    async def test_it_is_in_force_and_can_be_taken_back(self, editing, scenarios):
        shipped = await scenarios.get("home")
        saved = await editing.draft(SALE.replace('"sale"', '"home"'))
        await editing.publish("home", 2)
        assert await scenarios.get("home") == saved.scenario
        back = await editing.roll_back("home")
        assert await scenarios.get("home") == shipped == back.scenario
        assert [(s.scenario.version, s.state) for s in await editing.versions("home")] == [
            (2, ScenarioState.DRAFT),
            (1, ScenarioState.PUBLISHED),
        ]
        with pytest.raises(NotFound) as refused:
            await editing.roll_back("home")
        assert refused.value.kind == "NOTHING_BEFORE"

    async def test_publications_are_rolled_back_one_by_one(self, editing, scenarios):
        for title in ("One", "Two", "Three"):
            saved = await editing.draft(SALE.replace("The sale", title))
            await editing.publish("sale", saved.scenario.version)
        titles = [(await scenarios.get("sale")).title]
        for _ in range(2):
            await editing.roll_back("sale")
            titles.append((await scenarios.get("sale")).title)
        assert titles == ["Three", "Two", "One"]

    async def test_a_release_does_not_take_the_place_of_what_was_published(self, editing, scenarios):
        await editing.draft(SALE.replace('"sale"', '"home"'))
        await editing.publish("home", 2)
        assert await scenarios.seed() == ()
        assert (await scenarios.get("home")).title == "The sale"

    async def test_of_two_who_publish_at_once_one_may_be_told_and_one_is_in_force(self, editing, scenarios):
        for title in ("One", "Two"):
            await editing.draft(SALE.replace("The sale", title))
        done = await asyncio.gather(
            editing.publish("sale", 1), editing.publish("sale", 2), return_exceptions=True
        )
        assert all(not isinstance(each, Exception) or isinstance(each, Conflict) for each in done)
        assert (await scenarios.get("sale")).version in {1, 2}

    async def test_a_version_that_there_is_not(self, editing):
        with pytest.raises(NotFound) as refused:
            await editing.publish("home", 7)
        assert refused.value.kind == "UNKNOWN_VERSION"


class TestWhatIsServed:
    SCENARIO = parse_scenario(SALE)

    def titles(self, *forbidden):
        facts = make_facts(forbidden=forbidden)
        shown = presentable(self.SCENARIO, {facts.key: facts})
        return shown.title, [slot.title for slots in shown.slots.values() for slot in slots]

    def test_a_title_that_the_brand_has_come_to_forbid_is_not_said(self):
        assert self.titles() == ("The sale", ["Best"])
        assert self.titles("best") == ("The sale", [PLAIN_TITLE])
        assert self.titles("sale", "best", "picked") == ("sale", [""])


class TestWhatASlotTakes:
    SPEC = SlotSpec("s", "S", 3, (ContentKind.PRODUCT,), ("kitchen",), ("red", "blue"), Decimal(20))

    @pytest.mark.parametrize(
        ("given", "taken"),
        [
            ({}, True),
            ({"category": "kitchen"}, True),
            ({"category": "kitchenware"}, False),
            ({"tags": ("green",)}, False),
            ({"price": Money(Decimal("20.01"), "GBP")}, False),
            ({"price": None}, False),
            ({"kind": ContentKind.ARTICLE}, False),
        ],
    )
    def test_only_what_passes_every_filter(self, given, taken):
        fields = {
            "kind": ContentKind.PRODUCT,
            "category": "kitchen/pans",
            "tags": ("red",),
            "price": Money(Decimal(20), "GBP"),
        }
        assert self.SPEC.takes(make_content("c", **{**fields, **given})) is taken
